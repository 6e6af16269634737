package plots

import (
	"hash/fnv"
	"image/color"
	"math"
	"strings"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"tlsbench/strategies/catalogue"
)

// look is how one strategy is drawn, everywhere; the catalogue has it.
type look struct {
	color color.RGBA
	glyph draw.GlyphDrawer
	dash  []vg.Length
}

// glyphs are the marks that the catalogue names.
var glyphs = map[string]draw.GlyphDrawer{
	"cross": draw.CrossGlyph{}, "triangle": draw.TriangleGlyph{}, "square": draw.SquareGlyph{}, "circle": draw.CircleGlyph{},
	"triangle-full": draw.PyramidGlyph{}, "square-full": draw.BoxGlyph{}, "ring": draw.RingGlyph{}, "plus": draw.PlusGlyph{}, "star": starGlyph{},
	"triangle-down": polygonGlyph{corners: 3, turn: math.Pi}, "triangle-down-full": polygonGlyph{corners: 3, turn: math.Pi, full: true},
	"diamond": polygonGlyph{corners: 4}, "diamond-full": polygonGlyph{corners: 4, full: true},
	"pentagon": polygonGlyph{corners: 5}, "pentagon-full": polygonGlyph{corners: 5, full: true},
	"hexagon": polygonGlyph{corners: 6}, "hexagon-full": polygonGlyph{corners: 6, full: true},
}

// guestLooks are for strategies that a user brings. Which one a name gets
// depends on the name alone, so that it keeps it from figure to figure.
var guestLooks = []look{
	{rgb(0x555555), draw.PlusGlyph{}, []vg.Length{1, 2}},
	{rgb(0x7A5C00), draw.SquareGlyph{}, []vg.Length{10, 2}},
	{rgb(0x006D77), draw.RingGlyph{}, []vg.Length{4, 1, 1, 1}},
	{rgb(0x6A3D9A), draw.PlusGlyph{}, []vg.Length{6, 1}},
}

// lookOf gives how a strategy is drawn. One with a parameter of its own, such
// as clear:n=32, has the colour of its family and a marker that no other family
// has; the parameter decides on the dashes.
func lookOf(strategy string) look {
	h := fnv.New32a()
	h.Write([]byte(strategy))
	guest := guestLooks[h.Sum32()%uint32(len(guestLooks))]
	name, parameters, _ := strings.Cut(strategy, ":")
	s, ok := catalogue.Find(name)
	switch {
	case !ok:
		return guest
	case parameters != "":
		return look{rgb(s.Look.Color), glyphs[s.Look.Variant], guest.dash}
	}
	var dashes []vg.Length
	for _, d := range s.Look.Dashes {
		dashes = append(dashes, vg.Length(d))
	}
	return look{rgb(s.Look.Color), glyphs[s.Look.Mark], dashes}
}

// polygonGlyph has its first corner at the top.
type polygonGlyph struct {
	corners int
	turn    float64
	full    bool
}

// DrawGlyph implements draw.GlyphDrawer.
func (g polygonGlyph) DrawGlyph(c *draw.Canvas, s draw.GlyphStyle, at vg.Point) {
	var path vg.Path
	for i := range g.corners {
		sin, cos := math.Sincos(g.turn + 2*math.Pi*float64(i)/float64(g.corners))
		corner := vg.Point{X: at.X + 1.2*s.Radius*vg.Length(sin), Y: at.Y + 1.2*s.Radius*vg.Length(cos)}
		if i == 0 {
			path.Move(corner)
			continue
		}
		path.Line(corner)
	}
	path.Close()
	if g.full {
		c.Fill(path)
		return
	}
	c.SetLineStyle(draw.LineStyle{Color: s.Color, Width: vg.Points(0.5)})
	c.Stroke(path)
}

// starGlyph is a plus and a cross.
type starGlyph struct{}

// DrawGlyph implements draw.GlyphDrawer.
func (starGlyph) DrawGlyph(c *draw.Canvas, s draw.GlyphStyle, at vg.Point) {
	draw.PlusGlyph{}.DrawGlyph(c, s, at)
	draw.CrossGlyph{}.DrawGlyph(c, s, at)
}

func (l look) line(width vg.Length) draw.LineStyle {
	return draw.LineStyle{Color: l.color, Width: width, Dashes: l.dash}
}

func (l look) marker(radius vg.Length) draw.GlyphStyle {
	return draw.GlyphStyle{Color: l.color, Radius: radius, Shape: l.glyph}
}

// bold draws a strategy's marker large, on paper so that it is seen among dots
// of its own colour. Markers of thin lines are drawn several times, to look as
// heavy as the others.
func (l look) bold(c draw.Canvas, radius vg.Length, at vg.Point) {
	c.DrawGlyphNoClip(draw.GlyphStyle{Color: paper, Radius: radius + 1, Shape: draw.CircleGlyph{}}, at)
	switch l.glyph.(type) {
	case draw.CircleGlyph, draw.BoxGlyph, draw.PyramidGlyph:
		c.DrawGlyphNoClip(l.marker(1.09*radius), at)
		return
	}
	for _, d := range []vg.Length{-0.35, 0, 0.35} {
		c.DrawGlyphNoClip(l.marker(radius), vg.Point{X: at.X + d, Y: at.Y})
		c.DrawGlyphNoClip(l.marker(radius), vg.Point{X: at.X, Y: at.Y + d})
	}
}

// Colours of everything that is not a strategy. Text has at least 4.5:1.
var (
	ink      = rgb(0x1A1A1A)
	softInk  = rgb(0x555555)
	gridInk  = rgb(0xDDDDDD)
	bandInk  = rgb(0xE3ECF7) // equivalence margin, lane of zero
	alarmInk = rgb(0xA00000)
	paper    = rgb(0xFFFFFF)
)

func rgb(hex uint32) color.RGBA {
	return color.RGBA{uint8(hex >> 16), uint8(hex >> 8), uint8(hex), 0xFF}
}

// paint is how a cell of a map looks. Darker is worse, so that the order
// survives a black and white print; the word says the rest.
type paint struct{ fill, ink color.RGBA }

// Sizes, in points; one point is one CSS pixel on the report page.
const (
	sheetWidth vg.Length = 1200 // at most
	panelWidth vg.Length = 360
)

var (
	heading = style(15, true, ink)
	title   = style(12.5, true, ink)
	plain   = style(11, false, ink)
	small   = style(10, false, softInk)
	tiny    = style(9, false, ink)
	tinyTop = style(9, true, ink)
	alarm   = style(10, true, alarmInk)
)

func style(size vg.Length, bold bool, ink color.Color) text.Style {
	f := font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
	if bold {
		f.Weight = xfont.WeightBold
	}
	return text.Style{Color: ink, Font: f, Handler: plot.DefaultTextHandler}
}

// aligned returns the style with other alignments.
func aligned(s text.Style, x draw.XAlignment, y draw.YAlignment) text.Style {
	s.XAlign, s.YAlign = x, y
	return s
}

// inked returns the style in another colour.
func inked(s text.Style, ink color.Color) text.Style {
	s.Color = ink
	return s
}
