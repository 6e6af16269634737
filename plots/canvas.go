package plots

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"hash/fnv"
	"image/color"
	"image/png"
	"io"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"tlsbench/results"
	"tlsbench/results/event"
)

// Styles are the style attributes of pictures, by the class that stands for
// each. vgsvg writes one at every line and letter, which is most of a file.
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

var (
	attribute = regexp.MustCompile(`\s*style="([^"]*)"`)
	// stroke is a path that vgsvg drew and did not fill: two such that follow one
	// another in one style can be one path.
	stroke = regexp.MustCompile(`(<path d="[^"]*)("[^>]* class="([^"]*)"[^>]*>\n)`)
)

// compact puts classes in the place of style attributes, and joins lines of one
// style that follow one another. What is filled or lets others show through is
// left alone: where two such overlap, one path would not look the same.
func (s Styles) compact(body string) string {
	body = attribute.ReplaceAllStringFunc(body, func(m string) string {
		style := strings.Replace(attribute.FindStringSubmatch(m)[1], "font-family:Liberation Sans", families, 1)
		h := fnv.New64a()
		h.Write([]byte(style)) // named by content, so that pictures of one page share it
		name := strconv.FormatUint(h.Sum64(), 36)
		class := "g" + name[len(name)-5:] // the last digits are evenly spread, the first are not
		s[class] = style
		return ` class="` + class + `"`
	})
	var out strings.Builder
	end, at := "", 0 // of the path that may go on
	for _, m := range stroke.FindAllStringSubmatchIndex(body, -1) {
		style := s[body[m[6]:m[7]]]
		joins := strings.Contains(style, "fill:none") && !strings.Contains(style, "opacity")
		next := body[m[4]:m[5]]
		if joins && end == next && m[0] == at {
			out.WriteString(strings.TrimPrefix(body[m[2]:m[3]], `<path d="`))
		} else {
			out.WriteString(end + body[at:m[3]])
		}
		at, end = m[5], next
		if !joins {
			out.WriteString(end)
			end = ""
		}
	}
	return out.String() + end + body[at:]
}

// svg draws and returns what appears within an <svg> element. Its styles are
// added to those given.
func (s Styles) svg(w, h vg.Length, paint func(draw.Canvas)) (string, error) {
	c := vgsvg.NewWith(vgsvg.UseWH(w, h))
	paint(draw.NewCanvas(c, w, h))
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return "", err
	}
	_, body, ok := strings.Cut(b.String(), "<svg")
	_, body, ok2 := strings.Cut(body, ">")
	if !ok || !ok2 {
		return "", fmt.Errorf("vgsvg wrote no svg element")
	}
	return upright(s.compact(strings.TrimSuffix(strings.TrimSpace(body), "</svg>"))), nil
}

var (
	mirrored = regexp.MustCompile(`^<g transform="scale\(1, -1\) translate\(0, -([0-9.]+)\)">`)
	letters  = regexp.MustCompile(`<text x="([^"]*)" y="([^"]*)" transform="scale\(1, -1\)"`)
	outline  = regexp.MustCompile(` d="([^"]*)"`)
	segment  = regexp.MustCompile(`([MLAZ])([^MLAZ]*)`)
)

// upright turns a body the right way up, and writes its places in the shortest
// form, to a tenth of a point. vgsvg has y grow upwards in a mirrored picture, and
// every letter mirrored again, which is a third of a file. A body with any other
// transformation is left as it is.
func upright(body string) string {
	m := mirrored.FindStringSubmatch(body)
	if m == nil || strings.Count(body, "transform=") != 1+len(letters.FindAllString(body, -1)) {
		return body
	}
	height := parsed(m[1])
	body = "<g>" + body[len(m[0]):]
	body = letters.ReplaceAllStringFunc(body, func(text string) string {
		at := letters.FindStringSubmatch(text)
		return fmt.Sprintf(`<text x="%s" y="%s"`, tenths(parsed(at[1])), tenths(height+parsed(at[2])))
	})
	body = outline.ReplaceAllStringFunc(body, func(path string) string {
		return ` d="` + shortPath(outline.FindStringSubmatch(path)[1], height) + `"`
	})
	return strings.ReplaceAll(body, " />", "/>")
}

// shortPath mirrors a path of lines and arcs, with lines relative to where they
// begin.
func shortPath(path string, height float64) string {
	var b strings.Builder
	var x, y, firstX, firstY float64
	for _, m := range segment.FindAllStringSubmatch(path, -1) {
		var v []float64
		for _, number := range strings.FieldsFunc(m[2], func(r rune) bool { return r == ' ' || r == ',' }) {
			v = append(v, parsed(number))
		}
		if m[1] == "Z" {
			x, y = firstX, firstY
			b.WriteString("z")
			continue
		}
		toX, toY := rounded(v[len(v)-2]), rounded(height-v[len(v)-1])
		switch dx, dy := tenths(toX-x), tenths(toY-y); {
		case m[1] == "M":
			firstX, firstY = toX, toY
			fmt.Fprintf(&b, "M%s %s", tenths(toX), tenths(toY))
		case m[1] == "A": // a mirrored arc turns the other way
			fmt.Fprintf(&b, "A%s %s %s %s %s %s %s", tenths(v[0]), tenths(v[1]), tenths(v[2]), tenths(v[3]), tenths(1-v[4]), tenths(toX), tenths(toY))
		case dy == "0":
			b.WriteString("h" + dx)
		case dx == "0":
			b.WriteString("v" + dy)
		default:
			b.WriteString("l" + dx + " " + dy)
		}
		x, y = toX, toY
	}
	return b.String()
}

func parsed(number string) float64 {
	x, _ := strconv.ParseFloat(number, 64) // vgsvg wrote it
	return x
}

func rounded(x float64) float64 { return math.Round(10*x) / 10 }

func tenths(x float64) string { return strconv.FormatFloat(rounded(x)+0, 'f', -1, 64) } // +0: -0 is 0

// SVG draws the panel for a page: its size in pixels, and what appears within the
// <svg> element. The page has the styles once.
func (p *Panel) SVG(s Styles) (width, height float64, body string, err error) {
	w, h := p.chart.size()
	body, err = s.svg(w, h, p.chart.draw)
	return float64(w), float64(h), body, err
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

func hex(c color.RGBA) string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }

// WriteSVG writes the figure as a sheet, with its text alternative as title and
// description.
func (f *Figure) WriteSVG(w io.Writer) error {
	width, height := f.Size()
	s := make(Styles)
	body, err := s.svg(width, height, f.draw)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="%.0f" height="%.0f" viewBox="0 0 %.5g %.5g" role="img" aria-labelledby="title desc">
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

// fill paints a rectangle.
func fill(c draw.Canvas, x0, x1, y0, y1 vg.Length, ink color.Color) {
	c.SetColor(ink)
	c.Fill(vg.Rectangle{Min: vg.Point{X: x0, Y: y0}, Max: vg.Point{X: x1, Y: y1}}.Path())
}

// write puts lines of text below one another, from the top of the first.
func write(c draw.Canvas, s text.Style, x, top vg.Length, lines []string) (bottom vg.Length) {
	for _, line := range lines {
		c.FillText(aligned(s, s.XAlign, draw.YTop), vg.Point{X: x, Y: top}, line)
		top -= leading(s)
	}
	return top
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

// paragraph is text in one style.
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
