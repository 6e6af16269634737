package plots

import (
	"cmp"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"slices"
)

// encodePNG writes a picture with at most 256 colours, which figures hardly
// exceed: three quarters of the file are gone, and no eye sees it.
func encodePNG(w io.Writer, img image.Image) error {
	e := png.Encoder{CompressionLevel: png.BestCompression}
	return e.Encode(w, paletted(img))
}

// bin is a colour of 5 bits a channel.
type bin uint16

func binOf(c color.RGBA) bin { return bin(c.R>>3)<<10 | bin(c.G>>3)<<5 | bin(c.B>>3) }

// paletted takes bins of colours, each shown as the colour most frequent in it:
// those with the most pixels, then those farthest from all taken. Others go to
// the nearest.
func paletted(img image.Image) *image.Paletted {
	box := img.Bounds()
	counts := make(map[color.RGBA]int)
	runs(img, func(c color.RGBA, x, y, n int) { counts[c] += n })
	palette := choosePalette(counts)
	index := make(map[color.RGBA]uint8, len(counts))
	for c := range counts {
		index[c] = uint8(palette.Index(c))
	}
	out := image.NewPaletted(box, palette)
	runs(img, func(c color.RGBA, x, y, n int) {
		at := out.PixOffset(x, y)
		for i := range n {
			out.Pix[at+i] = index[c]
		}
	})
	return out
}

// runs goes through a picture by stretches of one colour, of which most of a
// figure consists: looking each pixel up would take seconds.
func runs(img image.Image, each func(c color.RGBA, x, y, n int)) {
	box := img.Bounds()
	for y := box.Min.Y; y < box.Max.Y; y++ {
		start, last := box.Min.X, rgbaAt(img, box.Min.X, y)
		for x := box.Min.X + 1; x < box.Max.X; x++ {
			if c := rgbaAt(img, x, y); c != last {
				each(last, start, y, x-start)
				start, last = x, c
			}
		}
		each(last, start, y, box.Max.X-start)
	}
}

func rgbaAt(img image.Image, x, y int) color.RGBA {
	if m, ok := img.(*image.RGBA); ok {
		return m.RGBAAt(x, y)
	}
	return color.RGBAModel.Convert(img.At(x, y)).(color.RGBA)
}

func choosePalette(counts map[color.RGBA]int) color.Palette {
	type sort struct {
		bin         bin
		color       color.RGBA
		most, total int
	}
	bins := make(map[bin]*sort)
	for c, n := range counts {
		b := bins[binOf(c)]
		if b == nil {
			b = &sort{bin: binOf(c)}
			bins[b.bin] = b
		}
		b.total += n
		// The second condition makes the choice the same whatever the map's order.
		if n > b.most || n == b.most && brighter(c, b.color) {
			b.color, b.most = c, n
		}
	}
	var list []*sort
	for _, b := range bins {
		list = append(list, b)
	}
	slices.SortFunc(list, func(a, b *sort) int { return cmp.Or(cmp.Compare(b.total, a.total), cmp.Compare(a.bin, b.bin)) })
	var colors []color.RGBA
	for _, b := range list {
		colors = append(colors, b.color)
	}
	return spread(colors)
}

// spread takes the first half of a palette as it comes, and then always the
// colour farthest from those taken, so that a rare one has a neighbour too.
func spread(colors []color.RGBA) color.Palette {
	var palette color.Palette
	away := make([]int, len(colors)) // from the palette, squared
	for i := range away {
		away[i] = math.MaxInt
	}
	for len(palette) < min(256, len(colors)) {
		next := len(palette)
		if next >= 128 {
			for i := range away {
				if away[i] > away[next] {
					next = i
				}
			}
		}
		palette = append(palette, colors[next])
		for i, c := range colors {
			away[i] = min(away[i], apartness(c, colors[next]))
		}
	}
	return palette
}

func apartness(a, b color.RGBA) int {
	r, g, bl := int(a.R)-int(b.R), int(a.G)-int(b.G), int(a.B)-int(b.B)
	return r*r + g*g + bl*bl
}

func brighter(a, b color.RGBA) bool {
	return cmp.Or(cmp.Compare(a.R, b.R), cmp.Compare(a.G, b.G), cmp.Compare(a.B, b.B)) > 0
}
