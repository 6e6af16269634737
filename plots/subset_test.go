package plots

import (
	"testing"

	"codeberg.org/go-fonts/liberation/liberationsansregular"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// TestSubset: the letters asked for have their outlines, accents included, the
// others have none, and the file is a small part.
func TestSubset(t *testing.T) {
	whole := liberationsansregular.TTF
	part, err := subsetFont(whole, "Aé≤")
	check(t, err)
	if len(part) > len(whole)/4 {
		t.Errorf("%d bytes are left of %d", len(part), len(whole))
	}
	before, err := sfnt.Parse(whole)
	check(t, err)
	after, err := sfnt.Parse(part)
	check(t, err)
	outline := func(f *sfnt.Font, r rune) sfnt.Segments {
		var b sfnt.Buffer
		g, err := f.GlyphIndex(&b, r)
		check(t, err)
		s, err := f.LoadGlyph(&b, g, fixed.I(64), nil)
		check(t, err)
		return append(sfnt.Segments(nil), s...)
	}
	for _, r := range "Aé≤" {
		if diff := cmp.Diff(outline(before, r), outline(after, r)); diff != "" {
			t.Errorf("%q changed:\n%s", r, diff)
		}
	}
	if n := len(outline(after, 'B')); n > 0 {
		t.Errorf("B still has %d segments", n)
	}
}

func TestSubsetRefuses(t *testing.T) {
	for _, file := range [][]byte{nil, make([]byte, 12), liberationsansregular.TTF[:5000]} {
		if _, err := subsetFont(file, "A"); err == nil {
			t.Errorf("no error for a font of %d bytes", len(file))
		}
	}
}
