package plots

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/plot/cmpimg"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// golden says which figures of which fixture are kept as text: those that the
// fixture makes different.
var golden = map[string][]string{
	"full":         {"verdicts", "damage", "handshakes", "forks", "keys"},
	"workers":      {"workers", "survival"},
	"no-events":    {"verdicts", "damage", "survival"},
	"one-strategy": {"verdicts", "damage", "handshakes", "forks"},
	"one-run":      {"verdicts", "damage", "handshakes", "forks", "workers"},
	"all-crashed":  {"verdicts", "damage", "survival", "handshakes"},
	"six-decades":  {"damage", "handshakes"},
	"empty":        {"verdicts", "keys", "forks"},
	"lines":        {"verdicts", "handshakes", "forks"},
	"sweeps":       {"forks", "sweeps"},
	"sharing":      {"verdicts", "shared"},
	"only-forks":   {"forks", "verdicts"},
}

// goldenPictures has a picture of each kind of chart.
var goldenPictures = map[string]string{"full": "verdicts", "six-decades": "damage", "workers": "workers"}

// goldenDPI is small, to keep the repository small. Text stays readable.
const goldenDPI = 72

// TestGolden draws every figure from every fixture: none panics, none is
// blank, and those listed show what they did.
func TestGolden(t *testing.T) {
	for name := range fixtures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var text strings.Builder
			for _, f := range Figures(load(t, name)) {
				if (f.Empty == "") != (len(f.Panels) > 0) {
					t.Errorf("%s: %d panels, and says %q", f.ID, len(f.Panels), f.Empty)
				}
				var b bytes.Buffer
				check(t, f.writePNG(&b, goldenDPI))
				if share := drawnOn(t, b.Bytes()); share < 0.005 {
					t.Errorf("%s: %.2f %% of the picture is drawn on, as if it were blank", f.ID, 100*share)
				}
				if slices.Contains(golden[name], f.ID) {
					text.WriteString(dump(f))
				}
				if goldenPictures[name] == f.ID {
					comparePicture(t, filepath.Join("testdata", "golden", name+"-"+f.ID+".png"), b.Bytes())
				}
			}
			path := filepath.Join("testdata", "golden", name+".txt")
			if *update {
				check(t, os.WriteFile(path, []byte(text.String()), 0o644))
			}
			want, err := os.ReadFile(path)
			check(t, err)
			if diff := cmp.Diff(string(want), text.String()); diff != "" {
				t.Errorf("%s, refresh with -update (-want +got):\n%s", path, diff)
			}
		})
	}
}

// dump tells what a figure draws: titles, ticks, rows, marks and their values.
func dump(f *Figure) string {
	var b strings.Builder
	w, h := f.Size()
	fmt.Fprintf(&b, "== %s: %s\n%.0f x %.0f, %s\n", f.ID, f.Title, w, h, f.Caption)
	if f.Empty != "" {
		fmt.Fprintf(&b, "%s\n", f.Empty)
	}
	for _, p := range f.Panels {
		fmt.Fprintf(&b, "-- %s | %s | %s\n", p.Title, p.Sub, p.Mark)
		switch ch := p.chart.(type) {
		case *rowChart:
			ch.dump(&b)
		case *lineChart:
			ch.dump(&b)
		case *cellMap:
			ch.dump(&b)
		}
	}
	return b.String()
}

func labels(list []tick) string {
	var parts []string
	for _, t := range list {
		if t.label != "" {
			parts = append(parts, fmt.Sprintf("%s at %.2f", t.label, t.at))
		}
	}
	return strings.Join(parts, ", ")
}

func (ch *rowChart) dump(b *strings.Builder) {
	ch.fit(ch.limits())
	fmt.Fprintf(b, "x: %s: %s\n", ch.label, labels(ch.ticks(200, small.Width)))
	if ch.band != nil {
		fmt.Fprintf(b, "band: %.4g to %.4g\n", ch.band.low, ch.band.high)
	}
	if ch.reference != nil {
		fmt.Fprintf(b, "line: %.4g\n", *ch.reference)
	}
	for _, r := range ch.rows {
		if r.place == "" {
			fmt.Fprintf(b, "|%s|", r.name)
		} else {
			fmt.Fprintf(b, "%s|%s|", r.name, r.place)
		}
		switch {
		case r.empty != "":
			b.WriteString(r.empty)
		case r.zero:
			fmt.Fprintf(b, "arrow from %.4g to 0", r.high)
		default:
			fmt.Fprintf(b, "%.4g [%.4g, %.4g]", r.mid, r.low, r.high)
		}
		if len(r.dots) > 0 {
			fmt.Fprintf(b, "|%d dots %.4g to %.4g", len(r.dots), slices.Min(r.dots), slices.Max(r.dots))
		}
		fmt.Fprintf(b, "|%s\n", r.note)
	}
}

func (ch *lineChart) dump(b *strings.Builder) {
	ch.fitAxes()
	fmt.Fprintf(b, "x: %s: %s\ny: %s: %s\n", ch.x.label, labels(ch.x.ticks(300, small.Width)), ch.y.label, labels(ch.yTicks(130)))
	for _, c := range ch.curves {
		fmt.Fprintf(b, "%s|steps %v, intervals %v, dots alone %v, %d marks|", c.label, !c.dotted, !c.dotted, c.dotted, len(c.marks))
		for _, p := range c.points {
			fmt.Fprintf(b, " %.4g: %.4g [%.4g, %.4g]", p.x, p.y, p.low, p.high)
		}
		b.WriteString("\n")
	}
}

func (m *cellMap) dump(b *strings.Builder) {
	for _, k := range m.blocks {
		fmt.Fprintf(b, "block %s: %s\n", k.title, strings.Join(k.columns, ", "))
	}
	for _, r := range m.rows {
		b.WriteString(r.label + "|")
		for _, c := range r.cells {
			fmt.Fprintf(b, " %s, #%02x%02x%02x|", strings.Join(c.lines(), " "), c.fill.R, c.fill.G, c.fill.B)
		}
		b.WriteString("\n")
	}
}

func comparePicture(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		check(t, os.WriteFile(path, got, 0o644))
		return
	}
	want, err := os.ReadFile(path)
	check(t, err)
	same, err := cmpimg.Equal("png", got, want)
	check(t, err)
	if !same {
		fresh := filepath.Join(os.TempDir(), "got-"+filepath.Base(path))
		check(t, os.WriteFile(fresh, got, 0o644))
		t.Errorf("%s looks different now, see %s; refresh with -update", path, fresh)
	}
}

// drawnOn is the share of pixels that are not paper.
func drawnOn(t *testing.T, picture []byte) float64 {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(picture))
	check(t, err)
	n, box := 0, img.Bounds()
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			if r, g, b, _ := img.At(x, y).RGBA(); r+g+b < 3*0xF000 {
				n++
			}
		}
	}
	return float64(n) / float64(box.Dx()*box.Dy())
}

// TestSVG checks that each figure is well-formed XML with a title, a text
// alternative and faces of the same widths, needs nothing from elsewhere, fits
// the width of a sheet, and is the same when drawn again.
func TestSVG(t *testing.T) {
	for _, name := range []string{"full", "lines"} {
		d := load(t, name)
		again := Figures(d)
		for i, f := range Figures(d) {
			var b, c bytes.Buffer
			check(t, f.WriteSVG(&b))
			check(t, again[i].WriteSVG(&c))
			if !bytes.Equal(b.Bytes(), c.Bytes()) {
				t.Errorf("%s: drawn twice, and not the same", f.ID)
			}
			if w, _ := f.Size(); w > sheetWidth {
				t.Errorf("%s is %v wide, more than %v", f.ID, w, sheetWidth)
			}
			if err := xml.Unmarshal(b.Bytes(), new(struct{})); err != nil {
				t.Errorf("%s: %v", f.ID, err)
			}
			for _, want := range []string{"<title", "<desc", families} {
				if !strings.Contains(b.String(), want) {
					t.Errorf("%s: no %s", f.ID, want)
				}
			}
			text := strings.ReplaceAll(b.String(), "http://www.w3.org/", "")
			for _, wrong := range []string{"http://", "https://", "NaN", "Inf", "url("} {
				if strings.Contains(text, wrong) {
					t.Errorf("%s: %s in it", f.ID, wrong)
				}
			}
		}
	}
}

// TestCompact: styles become classes, and lines of one style that follow one
// another one path; what is filled stays apart. Pictures stand upright.
func TestCompact(t *testing.T) {
	s := make(Styles)
	got := s.svg(20, 10, func(c draw.Canvas) {
		line := func(y vg.Length) { c.StrokeLine2(axisLine, 1, y, 2, y) }
		line(1)
		line(2)
		fill(c, 0, 1, 0, 1, paper)
		fill(c, 0, 1, 0, 1, paper)
		line(3)
		c.FillText(plain, vg.Point{}, "a<b")
		line(4)
		c.DrawGlyphNoClip(draw.GlyphStyle{Color: ink, Radius: 1, Shape: draw.CircleGlyph{}}, vg.Point{X: 5, Y: 5})
	})
	if n := strings.Count(got, "<path"); n != 6 || strings.Contains(got, "style") {
		t.Errorf("%d paths:\n%s", n, got)
	}
	for _, want := range []string{`"M1 9h1M1 8h1"`, "a&lt;b</text>", `"M6 5A1 1 0 1 0 4 5A1 1 0 1 0 6 5z"`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	if !strings.Contains(s.CSS(), families) || len(s) != 4 || !strings.HasSuffix(got, "</g>\n") {
		t.Errorf("%d styles:\n%s\n%s", len(s), s.CSS(), got)
	}
}

// TestWrap: nothing is lost or too wide where it can be broken.
func TestWrap(t *testing.T) {
	for text, want := range map[string][]string{
		"pointer-match":  {"pointer-", "match"},
		"a b c":          {"a b c"},
		"≤":              {"≤"},
		"wwwwwwwwwwwwww": {"wwwww", "wwwww", "wwww"},
	} {
		if got := wrap(tiny, text, 36); !slices.Equal(got, want) {
			t.Errorf("%q is broken into %q, want %q", text, got, want)
		}
	}
}

// TestPromises checks what holds for every figure: a question as its title, a
// caption with the number of trials and the baseline of ratios, words for every
// panel.
func TestPromises(t *testing.T) {
	d := load(t, "full")
	for _, f := range Figures(d) {
		if !strings.HasSuffix(f.Title, "?") {
			t.Errorf("%s: the title is no question: %s", f.ID, f.Title)
		}
		if slices.Contains([]string{"handshakes", "forks"}, f.ID) && !strings.Contains(f.Caption, "key-owner") {
			t.Errorf("%s: the caption does not name the baseline: %s", f.ID, f.Caption)
		}
		if !strings.ContainsAny(f.Caption, "0123456789") || !strings.Contains(f.Caption, "interval") && !strings.Contains(f.Caption, "bound") {
			t.Errorf("%s: the caption has no counts or says nothing of intervals: %s", f.ID, f.Caption)
		}
		for _, p := range f.Panels {
			if p.Alt == "" || p.Title == "" || p.Sub == "" {
				t.Errorf("%s: a panel without words: %+v", f.ID, p)
			}
		}
	}
}

func TestControlsFailed(t *testing.T) {
	// Nothing fires under none in this one.
	for _, f := range Figures(load(t, "no-events")) {
		for _, p := range f.Panels {
			if !strings.Contains(p.Mark, "CONTROLS FAILED") {
				t.Errorf("%s: %s has no mark that the controls failed", f.ID, p.Title)
			}
		}
	}
}
