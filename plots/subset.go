package plots

import (
	"encoding/binary"
	"fmt"
	"slices"

	"golang.org/x/image/font/sfnt"
)

// A TrueType font of which only some letters are used shrinks to a tenth: the
// outlines of all others are left out, and with them the tables that only
// matter for what is not done here (hinting, kerning, layout). Glyph numbers
// stay as they are, so no other table has to change. The format is that of the
// OpenType specification, chapters "Font file", "glyf" and "loca".

// neededTables are what a browser's font sanitizer asks for.
var neededTables = []string{"OS/2", "cmap", "glyf", "head", "hhea", "hmtx", "loca", "maxp", "name", "post"}

// subsetFont keeps the outlines of the letters of text.
func subsetFont(ttf []byte, text string) ([]byte, error) {
	tables, err := fontTables(ttf)
	if err != nil {
		return nil, err
	}
	keep, err := glyphsOf(ttf, text)
	if err != nil {
		return nil, err
	}
	glyf, loca, err := keepGlyphs(tables["glyf"], tables["loca"], tables["head"], keep)
	if err != nil {
		return nil, err
	}
	tables["glyf"], tables["loca"] = glyf, loca
	tables["head"] = slices.Clone(tables["head"])
	binary.BigEndian.PutUint16(tables["head"][50:], 1) // long offsets in loca
	// Version 3 of post has no glyph names.
	tables["post"] = slices.Clone(tables["post"][:32])
	binary.BigEndian.PutUint32(tables["post"], 0x00030000)
	return joinTables(ttf[:4], tables), nil
}

// fontTables finds the tables of a font file.
func fontTables(ttf []byte) (map[string][]byte, error) {
	if len(ttf) < 12 {
		return nil, fmt.Errorf("font file of %d bytes", len(ttf))
	}
	n := int(binary.BigEndian.Uint16(ttf[4:]))
	all := make(map[string][]byte, n)
	for i := range n {
		entry := ttf[12+16*i:]
		offset, length := binary.BigEndian.Uint32(entry[8:]), binary.BigEndian.Uint32(entry[12:])
		if uint64(offset)+uint64(length) > uint64(len(ttf)) {
			return nil, fmt.Errorf("font table %q ends beyond the file", entry[:4])
		}
		all[string(entry[:4])] = ttf[offset : offset+length]
	}
	tables := make(map[string][]byte, len(neededTables))
	for _, name := range neededTables {
		if all[name] == nil {
			return nil, fmt.Errorf("font has no table %q", name)
		}
		tables[name] = all[name]
	}
	return tables, nil
}

// glyphsOf gives the glyph numbers of the letters, and .notdef.
func glyphsOf(ttf []byte, text string) (map[int]bool, error) {
	font, err := sfnt.Parse(ttf)
	if err != nil {
		return nil, fmt.Errorf("parse font: %w", err)
	}
	keep := map[int]bool{0: true}
	var buffer sfnt.Buffer
	for _, r := range text {
		g, err := font.GlyphIndex(&buffer, r)
		if err != nil {
			return nil, fmt.Errorf("font: letter %q: %w", r, err)
		}
		keep[int(g)] = true
	}
	return keep, nil
}

// keepGlyphs rebuilds outlines and their index. Glyphs made of others bring
// those along.
func keepGlyphs(glyf, loca, head []byte, keep map[int]bool) (outlines, index []byte, err error) {
	long := binary.BigEndian.Uint16(head[50:]) == 1
	count := len(loca)/2 - 1
	if long {
		count = len(loca)/4 - 1
	}
	at := func(i int) int {
		if long {
			return int(binary.BigEndian.Uint32(loca[4*i:]))
		}
		return 2 * int(binary.BigEndian.Uint16(loca[2*i:]))
	}
	queue := make([]int, 0, len(keep))
	for g := range keep {
		queue = append(queue, g)
	}
	for len(queue) > 0 {
		g := queue[0]
		queue = queue[1:]
		for _, part := range components(glyf[at(g):at(g+1)]) {
			if !keep[part] {
				keep[part] = true
				queue = append(queue, part)
			}
		}
	}
	for g := range count {
		index = binary.BigEndian.AppendUint32(index, uint32(len(outlines)))
		if keep[g] {
			outlines = append(outlines, glyf[at(g):at(g+1)]...)
			for len(outlines)%4 != 0 {
				outlines = append(outlines, 0)
			}
		}
	}
	return outlines, binary.BigEndian.AppendUint32(index, uint32(len(outlines))), nil
}

// Flags of a component, as the specification names them.
const (
	argsAreWords   = 0x0001
	haveScale      = 0x0008
	moreComponents = 0x0020
	haveXYScale    = 0x0040
	haveTwoByTwo   = 0x0080
)

// components lists the glyphs that a glyph is made of.
func components(glyph []byte) []int {
	if len(glyph) < 10 || int16(binary.BigEndian.Uint16(glyph)) >= 0 {
		return nil
	}
	var parts []int
	for p := 10; p+4 <= len(glyph); {
		flags := binary.BigEndian.Uint16(glyph[p:])
		parts = append(parts, int(binary.BigEndian.Uint16(glyph[p+2:])))
		p += 6
		if flags&argsAreWords != 0 {
			p += 2
		}
		switch {
		case flags&haveScale != 0:
			p += 2
		case flags&haveXYScale != 0:
			p += 4
		case flags&haveTwoByTwo != 0:
			p += 8
		}
		if flags&moreComponents == 0 {
			break
		}
	}
	return parts
}

// joinTables writes a font file.
func joinTables(version []byte, tables map[string][]byte) []byte {
	n := len(neededTables)
	file := append([]byte{}, version...)
	shift := 0
	for 2<<shift <= n {
		shift++
	}
	for _, v := range []int{n, 16 << shift, shift, 16*n - 16<<shift} {
		file = binary.BigEndian.AppendUint16(file, uint16(v))
	}
	offset := len(file) + 16*n
	var body []byte
	for _, name := range neededTables {
		t := tables[name]
		file = append(file, name...)
		file = binary.BigEndian.AppendUint32(file, checksum(t))
		file = binary.BigEndian.AppendUint32(file, uint32(offset+len(body)))
		file = binary.BigEndian.AppendUint32(file, uint32(len(t)))
		body = append(body, t...)
		for len(body)%4 != 0 {
			body = append(body, 0)
		}
	}
	return append(file, body...)
}

func checksum(t []byte) (sum uint32) {
	for i := 0; i < len(t); i += 4 {
		var word [4]byte
		copy(word[:], t[i:])
		sum += binary.BigEndian.Uint32(word[:])
	}
	return sum
}
