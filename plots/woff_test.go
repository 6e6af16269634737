package plots

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"io"
	"testing"

	"codeberg.org/go-fonts/liberation/liberationsansregular"
)

// TestPackFont unpacks every table again.
func TestPackFont(t *testing.T) {
	ttf, err := subsetFont(liberationsansregular.TTF, alphabet)
	check(t, err)
	packed, err := packFont(ttf)
	check(t, err)
	if len(packed) > len(ttf)*7/10 || int(binary.BigEndian.Uint32(packed[8:])) != len(packed) {
		t.Errorf("%d bytes of %d, and says %d", len(packed), len(ttf), binary.BigEndian.Uint32(packed[8:]))
	}
	tables, err := fontTables(ttf)
	check(t, err)
	n := int(binary.BigEndian.Uint16(packed[12:]))
	if n != len(tables) {
		t.Fatalf("%d tables, want %d", n, len(tables))
	}
	for i := range n {
		entry := packed[44+20*i:]
		number := func(at int) uint32 { return binary.BigEndian.Uint32(entry[at:]) }
		got := packed[number(4) : number(4)+number(8)]
		if number(8) < number(12) {
			z, err := zlib.NewReader(bytes.NewReader(got))
			check(t, err)
			got, err = io.ReadAll(z)
			check(t, err)
		}
		if name := string(entry[:4]); !bytes.Equal(got, tables[name]) || checksum(got) != number(16) {
			t.Errorf("table %s is not what it was", name)
		}
	}
}
