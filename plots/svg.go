package plots

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// styles are the style attributes of pictures, by the class that stands for
// each. vgsvg writes one at every line and letter, which is most of a file.
type styles map[string]string

// families are faces with the same widths: text is measured in the first, and
// its lines break at the same places in the others.
const families = `font-family:"Liberation Sans",Arial,Helvetica,sans-serif`

// css gives the rules, always in the same order.
func (s styles) css() string {
	var b strings.Builder
	for _, class := range slices.Sorted(maps.Keys(s)) {
		fmt.Fprintf(&b, ".%s{%s}\n", class, s[class])
	}
	return b.String()
}

// class names a style by its content, so that pictures of one page share it.
func (s styles) class(style string) string {
	style = strings.Replace(style, "font-family:Liberation Sans", families, 1)
	h := fnv.New64a()
	h.Write([]byte(style))
	name := "g" + strconv.FormatUint(h.Sum64(), 36)[:7]
	s[name] = style
	return name
}

// compact replaces style attributes by classes, and joins lines of one style
// that follow one another into one path.
func (s styles) compact(body string) string {
	body = s.classes(body)
	var out strings.Builder
	open := "" // end of a path that may go on
	for line := range strings.Lines(body) {
		line = strings.TrimSuffix(line, "\n")
		data, end, ok := s.stroke(line)
		if ok && end == open {
			out.WriteString(data)
			continue
		}
		if open != "" {
			out.WriteString(open + "\n")
			open = ""
		}
		if ok {
			out.WriteString(`<path d="` + data)
			open = end
			continue
		}
		out.WriteString(line + "\n")
	}
	if open != "" {
		out.WriteString(open + "\n")
	}
	return out.String()
}

// classes replaces style attributes, and the white space before them.
func (s styles) classes(body string) string {
	var out strings.Builder
	for {
		before, rest, ok := strings.Cut(body, `style="`)
		style, after, closed := strings.Cut(rest, `"`)
		if !ok || !closed {
			out.WriteString(body)
			return out.String()
		}
		out.WriteString(strings.TrimRight(before, " \t\n") + ` class="` + s.class(style) + `"`)
		body = after
	}
}

// stroke takes a line of output apart if it is a path that is not filled.
// Filled ones are left: where two overlap, one path would not look the same.
func (s styles) stroke(line string) (data, end string, ok bool) {
	rest, ok := strings.CutPrefix(line, `<path d="`)
	if !ok {
		return "", "", false
	}
	data, end, ok = strings.Cut(rest, `"`)
	end = `"` + end
	_, class, found := strings.Cut(end, `class="`)
	class, _, _ = strings.Cut(class, `"`)
	style := s[class]
	return data, end, ok && found && strings.Contains(style, "fill:none") && !strings.Contains(style, "opacity")
}

// svgBody draws on an SVG canvas and returns what stands within the <svg>
// element. Its styles are added to those given.
func svgBody(s styles, w, h vg.Length, draw func(draw.Canvas)) (string, error) {
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
	return s.compact(strings.TrimSuffix(strings.TrimSpace(text[start:]), "</svg>")), nil
}

func newCanvas(c vg.CanvasSizer, w, h vg.Length) draw.Canvas {
	return draw.NewCanvas(c, w, h)
}

// WriteSVG writes the figure as a sheet, with its text
// alternative as title and description.
func (f *Figure) WriteSVG(w io.Writer) error {
	width, height := f.Size()
	s := make(styles)
	body, err := svgBody(s, width, height, f.Draw)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="%.0f" height="%.0f" viewBox="0 0 %.5g %.5g" role="img" aria-labelledby="title desc">
<title id="title">%s</title>
<desc id="desc">%s</desc>
<defs><style>%s</style></defs>
%s</svg>
`, width, height, width, height, escaped(f.Title), escaped(f.Alt()), s.css(), body)
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
func (p *Panel) svg(s styles) (string, error) { return svgBody(s, p.width, p.height, p.draw) }
