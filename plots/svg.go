package plots

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// svgBody draws on an SVG canvas and returns what stands within the <svg>
// element.
func svgBody(w, h vg.Length, draw func(draw.Canvas)) (string, error) {
	c := vgsvg.NewWith(vgsvg.UseWH(w, h))
	draw(newCanvas(c, w, h))
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return "", err
	}
	text := b.String()
	start := strings.Index(text, "<svg")
	if start < 0 {
		return "", fmt.Errorf("no svg element in what vgsvg wrote")
	}
	start += strings.Index(text[start:], ">") + 1
	return strings.TrimSuffix(strings.TrimSpace(text[start:]), "</svg>"), nil
}

func newCanvas(c vg.CanvasSizer, w, h vg.Length) draw.Canvas {
	return draw.NewCanvas(c, w, h)
}

// WriteSVG writes the figure as a sheet, with the letters it uses embedded and
// its text alternative as title and description.
func (f *Figure) WriteSVG(w io.Writer) error {
	width, height := f.Size()
	body, err := svgBody(width, height, f.Draw)
	if err != nil {
		return err
	}
	fonts, err := fontFaces(body)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="%.0f" height="%.0f" viewBox="0 0 %.5g %.5g" role="img" aria-labelledby="title desc">
<title id="title">%s</title>
<desc id="desc">%s</desc>
<defs><style>%s</style></defs>
%s</svg>
`, width, height, width, height, escaped(f.Title), escaped(f.Alt()), fonts, body)
	return err
}

// Alt says in words what there is to see.
func (f *Figure) Alt() string {
	if f.Empty != "" {
		return f.Empty
	}
	var parts []string
	for _, p := range f.Panels {
		parts = append(parts, p.Title+" ("+p.Sub+"). "+p.Alt)
	}
	return strings.Join(parts, " ")
}

func escaped(s string) string {
	var b strings.Builder
	// EscapeText fails only where the writer does.
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}

// svg draws the panel for a page, without its heading, which the page has as
// text.
func (p *Panel) svg() (string, error) { return svgBody(p.width, p.height, p.draw) }
