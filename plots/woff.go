package plots

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
)

// packFont puts a TrueType file into the WOFF format, which is the same tables,
// each compressed: a picture with two faces is half as large. The layout is that
// of W3C Recommendation "WOFF File Format 1.0", sections 3 to 5.
func packFont(ttf []byte) ([]byte, error) {
	const header, entry = 44, 20
	n := int(binary.BigEndian.Uint16(ttf[4:]))
	if len(ttf) < 12+16*n {
		return nil, fmt.Errorf("font file of %d bytes with %d tables", len(ttf), n)
	}
	var directory, body []byte
	plainSize := 12 + 16*n
	for i := range n {
		old := ttf[12+16*i:]
		offset, length := binary.BigEndian.Uint32(old[8:]), binary.BigEndian.Uint32(old[12:])
		table, err := deflate(ttf[offset : offset+length])
		if err != nil {
			return nil, err
		}
		at := header + entry*n + len(body)
		directory = append(directory, old[:4]...)
		for _, v := range []uint32{uint32(at), uint32(len(table)), length, binary.BigEndian.Uint32(old[4:])} {
			directory = binary.BigEndian.AppendUint32(directory, v)
		}
		body = append(body, table...)
		for len(body)%4 != 0 {
			body = append(body, 0)
		}
		plainSize += int(length+3) &^ 3
	}
	file := append([]byte("wOFF"), ttf[:4]...)
	file = binary.BigEndian.AppendUint32(file, uint32(header+len(directory)+len(body)))
	file = binary.BigEndian.AppendUint16(file, uint16(n))
	file = binary.BigEndian.AppendUint16(file, 0)
	file = binary.BigEndian.AppendUint32(file, uint32(plainSize))
	// Version 1.0; neither metadata nor private data.
	file = append(file, 0, 1, 0, 0)
	file = append(file, make([]byte, 20)...)
	return append(append(file, directory...), body...), nil
}

// deflate compresses a table, or leaves it as it is where that is no longer.
func deflate(table []byte) ([]byte, error) {
	var b bytes.Buffer
	z, err := zlib.NewWriterLevel(&b, zlib.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(table); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	if b.Len() >= len(table) {
		return table, nil
	}
	return b.Bytes(), nil
}
