package plots

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"testing"
)

// TestPaletteKeeps: colours of which there are few stay exactly what they are,
// and of thousands none moves far.
func TestPaletteKeeps(t *testing.T) {
	few, many := image.NewRGBA(image.Rect(0, 0, 64, 64)), image.NewRGBA(image.Rect(0, 0, 64, 64))
	for y := range 64 {
		for x := range 64 {
			few.SetRGBA(x, y, []color.RGBA{paper, ink, alarmInk, bandInk}[(x/8+y)%4])
			many.SetRGBA(x, y, color.RGBA{uint8(4 * x), uint8(4 * y), 128, 255})
		}
	}
	for _, c := range []struct {
		name  string
		img   *image.RGBA
		worst int
	}{{"few", few, 0}, {"many", many, 64}} {
		var b bytes.Buffer
		check(t, encodePNG(&b, c.img))
		got, err := png.Decode(&b)
		check(t, err)
		for y := range 64 {
			for x := range 64 {
				p, q := c.img.RGBAAt(x, y), color.RGBAModel.Convert(got.At(x, y)).(color.RGBA)
				if off := max(diff(p.R, q.R), diff(p.G, q.G), diff(p.B, q.B)); off > c.worst {
					t.Fatalf("%s: (%d,%d) is %v, was %v", c.name, x, y, q, p)
				}
			}
		}
	}
}

func diff(a, b uint8) int { return max(int(a)-int(b), int(b)-int(a)) }
