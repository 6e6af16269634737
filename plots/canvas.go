package plots

import (
	"encoding/xml"
	"fmt"
	"hash/fnv"
	"image/color"
	"image/png"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/recorder"
	"gonum.org/v1/plot/vg/vgimg"

	"tlsbench/results"
	"tlsbench/results/event"
)

// Styles are the style attributes of pictures, by the class that stands for
// each: pictures of one page share them, and none is written at every line.
type Styles map[string]string

// families are faces with the same widths: text is measured in the first, and
// its lines break at the same places in the others.
const families = `font-family:"Liberation Sans",Arial,Helvetica,sans-serif`

// CSS gives the rules, always in the same order.
func (s Styles) CSS() string {
	var b strings.Builder
	for _, class := range slices.Sorted(maps.Keys(s)) {
		fmt.Fprintf(&b, ".%s{%s}\n", class, s[class])
	}
	return b.String()
}

// class names a style by its content.
func (s Styles) class(style string) string {
	h := fnv.New64a()
	h.Write([]byte(style))
	name := strconv.FormatUint(h.Sum64(), 36)
	class := "g" + name[len(name)-5:] // the last digits are evenly spread, the first are not
	s[class] = style
	return class
}

// svg draws and returns what appears within an <svg> element. Its styles are added
// to those given. The writer of gonum has a style at every line and letter, and all
// of it mirrored, which makes files several times as long.
func (s Styles) svg(w, h vg.Length, paint func(draw.Canvas)) string {
	var drawn recorder.Canvas
	paint(draw.NewCanvas(&drawn, w, h))
	out := svgWriter{styles: s, height: five(h)}
	out.WriteString("<g>\n")
	var set color.Color
	var ink, opacity, width, dashes string
	for _, action := range drawn.Actions {
		switch a := action.(type) {
		case *recorder.SetColor:
			if a.Color == set { // most are
				continue
			}
			set = a.Color
			_, _, _, alpha := set.RGBA()
			ink, opacity = hex(set), fmt.Sprintf("%.5g", float64(alpha)/0xFFFF)
		case *recorder.SetLineWidth:
			width = fmt.Sprintf("%.5g", a.Width)
		case *recorder.SetLineDash:
			dashes = strings.Trim(strings.ReplaceAll(fmt.Sprint(a.Dashes), " ", ","), "[]")
		case *recorder.Stroke:
			out.path(a.Path, "fill:none;stroke:"+ink+unless("1", "stroke-width", width)+unless("", "stroke-dasharray", dashes), true)
		case *recorder.Fill:
			out.path(a.Path, strings.TrimPrefix(unless("#000000", "fill", ink)+unless("1", "fill-opacity", opacity), ";"), false)
		case *recorder.FillString:
			out.end()
			weight := "normal"
			if a.Font.Weight == xfont.WeightBold {
				weight = "bold"
			}
			style := fmt.Sprintf("%s;font-variant:normal;font-weight:%s;font-style:normal;font-size:%.5gpx;fill:%s", families, weight, a.Size, ink)
			fmt.Fprintf(&out, "<text x=\"%s\" y=\"%s\" class=\"%s\">%s</text>\n",
				tenths(five(a.Point.X)), tenths(out.height-five(a.Point.Y)), s.class(style), escaped(a.String))
		}
	}
	out.end()
	out.WriteString("</g>\n")
	return out.String()
}

// unless gives a property that has not its usual value.
func unless(usual, property, value string) string {
	if value == usual {
		return ""
	}
	return ";" + property + ":" + value
}

// svgWriter writes the elements of a picture, with their places in the shortest
// form, to a tenth of a point.
type svgWriter struct {
	strings.Builder
	styles Styles
	height float64 // of the picture, whose y grows upwards here and downwards there
	class  string  // of the path that may go on
}

// path writes a path. Lines of one style that follow one another are joined. What is
// filled is left alone: where two such overlap, one path would not look the same.
func (w *svgWriter) path(p vg.Path, style string, joins bool) {
	class := w.styles.class(style)
	if class != w.class {
		w.end()
		w.WriteString(`<path d="`)
	}
	w.class = class
	w.outline(p)
	if !joins {
		w.end()
	}
}

func (w *svgWriter) end() {
	if w.class != "" {
		fmt.Fprintf(w, "\" class=\"%s\"/>\n", w.class)
	}
	w.class = ""
}

// outline writes a path of lines, which are relative to where they begin, and of
// circles: figures have nothing else.
func (w *svgWriter) outline(p vg.Path) {
	var x, y, firstX, firstY float64
	for _, part := range p {
		toX, toY := rounded(five(part.Pos.X)), rounded(w.height-five(part.Pos.Y))
		switch dx, dy := tenths(toX-x), tenths(toY-y); {
		case part.Type == vg.CloseComp:
			toX, toY = firstX, firstY
			w.WriteString("z")
		case part.Type == vg.MoveComp:
			firstX, firstY = toX, toY
			w.WriteString("M" + tenths(toX) + " " + tenths(toY))
		case part.Type == vg.ArcComp: // in two halves: an arc that ends where it begins is none
			r := float64(part.Radius)
			for _, end := range []float64{-r, r} {
				toX = rounded(five(part.Pos.X + vg.Length(end)))
				fmt.Fprintf(w, "A%s %s 0 1 0 %s %s", tenths(r), tenths(r), tenths(toX), tenths(toY))
			}
		case dy == "0":
			w.WriteString("h" + dx)
		case dx == "0":
			w.WriteString("v" + dy)
		default:
			w.WriteString("l" + dx + " " + dy)
		}
		x, y = toX, toY
	}
}

// five rounds to five figures: the noise in the last bits of a sum then decides no
// tenth.
func five(x vg.Length) float64 {
	v, _ := strconv.ParseFloat(strconv.FormatFloat(float64(x), 'g', 5, 64), 64)
	return v
}

func rounded(x float64) float64 { return math.Round(10*x) / 10 }

func tenths(x float64) string { return strconv.FormatFloat(rounded(x)+0, 'f', -1, 64) } // +0: -0 is 0

// Draw draws the panels for a page, which has the styles once.
func (f *Figure) Draw(s Styles) {
	for i, p := range f.Panels {
		w, h := p.chart.size()
		p.ID, p.Width, p.Height = fmt.Sprintf("%s-%d", f.ID, i), float64(w), float64(h)
		p.SVG = s.svg(w, h, p.chart.draw)
	}
}

// WordCSS gives the colours of verdict words, the same as in the figures; class
// names the rule of a word.
func WordCSS(class func(results.Word) string) string {
	var b strings.Builder
	for _, word := range append(slices.Clone(event.Words), results.Clean, results.NoDamageSeen) {
		p := wordPaint[word]
		fmt.Fprintf(&b, ".%s{background:%s;color:%s}\n", class(word), hex(p.fill), hex(p.ink))
	}
	return b.String()
}

func hex(c color.Color) string {
	r, g, b, alpha := c.RGBA()
	full := 255 / float64(alpha)
	return fmt.Sprintf("#%02X%02X%02X", int(full*float64(r)), int(full*float64(g)), int(full*float64(b)))
}

// WriteSVG writes the figure as a sheet, with its text alternative as title and
// description.
func (f *Figure) WriteSVG(w io.Writer) error {
	width, height := f.Size()
	s := make(Styles)
	body := s.svg(width, height, f.draw)
	_, err := fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="%.0f" height="%.0f" viewBox="0 0 %.5g %.5g" role="img" aria-labelledby="title desc">
<title id="title">%s</title>
<desc id="desc">%s</desc>
<defs><style>%s</style></defs>
%s</svg>
`, width, height, width, height, escaped(f.Title), escaped(f.Alt()), s.CSS(), body)
	return err
}

func escaped(s string) string {
	var b strings.Builder
	// EscapeText fails only where the writer does.
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}

// WritePNG writes the figure as a sheet, two pixels to a point.
func (f *Figure) WritePNG(w io.Writer) error { return f.writePNG(w, 144) }

func (f *Figure) writePNG(w io.Writer, dpi int) error {
	width, height := f.Size()
	c := vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(dpi))
	f.draw(draw.New(c))
	return (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(w, c.Image())
}

func fill(c draw.Canvas, x0, x1, y0, y1 vg.Length, ink color.Color) {
	c.SetColor(ink)
	c.Fill(vg.Rectangle{Min: vg.Point{X: x0, Y: y0}, Max: vg.Point{X: x1, Y: y1}}.Path())
}

// write puts lines of text below one another, from the top of the first.
func write(c draw.Canvas, s text.Style, x, top vg.Length, lines []string) {
	for _, line := range lines {
		c.FillText(aligned(s, s.XAlign, draw.YTop), vg.Point{X: x, Y: top}, line)
		top -= leading(s)
	}
}

// leading is from one line to the next.
func leading(s text.Style) vg.Length { return 1.25 * s.Font.Size }

// shrunk is the style at a size in which the text fits.
func shrunk(s text.Style, txt string, width vg.Length) text.Style {
	if w := s.Width(txt); w > width {
		s.Font.Size *= width / w
	}
	return s
}

// wrap breaks text at spaces; a word that is too long by itself is broken too,
// so that nothing is ever cut.
func wrap(s text.Style, txt string, width vg.Length) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(txt) {
		if line != "" && s.Width(line+" "+word) <= width {
			line += " " + word
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		for line = word; s.Width(line) > width && len(line) > 1; {
			head := fitting(s, line, width)
			lines, line = append(lines, head), line[len(head):]
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// fitting is the longest beginning of a word that fits, at least a letter. A
// name breaks after a mark of punctuation if it has one.
func fitting(s text.Style, word string, width vg.Length) string {
	end := 0
	for i := range word {
		if end > 0 && s.Width(word[:i]) > width {
			break
		}
		end = i
	}
	if end == 0 {
		end = len(word)
	}
	if cut := strings.LastIndexAny(word[:end], ":-=") + 1; cut > 0 {
		return word[:cut]
	}
	return word[:end]
}

type paragraph struct {
	style text.Style
	text  string
}

// write breaks the text into lines of a width and puts them below y; it returns
// where it ended. Without a canvas it only measures.
func (p paragraph) write(c draw.Canvas, width, y vg.Length) (end vg.Length) {
	lines := wrap(p.style, p.text, width)
	if c.Canvas != nil {
		write(c, p.style, c.Min.X, y, lines)
	}
	return y - vg.Length(len(lines))*leading(p.style)
}
