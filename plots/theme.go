package plots

import (
	"hash/fnv"
	"image/color"
	"math"
	"slices"
	"strings"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"gonum.org/v1/plot"
)

// look is how one strategy is drawn, everywhere.
type look struct {
	color color.RGBA
	glyph draw.GlyphDrawer
	dash  []vg.Length
}

// strategyLooks gives colours that were searched for: at least 3:1 against
// white (WCAG 2.2, 1.4.11), and as far apart as can be, in CIELAB, in the eyes
// of people with normal sight and with each of the three colour deficiencies
// (Machado, Oliveira and Fernandes, A Physiologically-based Model for
// Simulation of Color Vision Deficiency, IEEE TVCG 15 (2009) 1291-1298).
// TestPalette holds them to it. In black and white, markers and dashes tell
// the strategies apart.
var strategyLooks = map[string]look{
	"none":          {rgb(0xA62D1C), draw.CrossGlyph{}, nil},
	"temp-thread":   {rgb(0xCB8400), draw.TriangleGlyph{}, []vg.Length{7, 2}},
	"clear-0-15":    {rgb(0x8C5B85), draw.SquareGlyph{}, []vg.Length{2, 2}},
	"hwm":           {rgb(0x00308F), draw.CircleGlyph{}, nil},
	"thread-stop":   {rgb(0x07A86C), draw.PyramidGlyph{}, []vg.Length{5, 2, 1, 2}},
	"pointer-match": {rgb(0x8382DE), draw.BoxGlyph{}, []vg.Length{3, 3}},
	"key-owner":     {rgb(0x000000), draw.RingGlyph{}, []vg.Length{8, 3, 2, 3}},
}

// strategyOrder is the order of rows, columns and legends. It is that of the
// tables of package results.
var strategyOrder = []string{"none", "temp-thread", "clear-0-15", "hwm", "thread-stop", "pointer-match", "key-owner"}

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
	if l, ok := strategyLooks[strategy]; ok {
		return l
	}
	h := fnv.New32a()
	h.Write([]byte(strategy))
	guest := guestLooks[h.Sum32()%uint32(len(guestLooks))]
	name, _, _ := strings.Cut(strategy, ":")
	if name == "clear" {
		name = "clear-0-15"
	}
	if i := slices.Index(strategyOrder, name); i >= 0 {
		return look{strategyLooks[name].color, familyGlyphs[i], guest.dash}
	}
	return guest
}

// familyGlyphs are the markers of strategies with parameters, in strategyOrder.
var familyGlyphs = []draw.GlyphDrawer{
	starGlyph{}, polygonGlyph{corners: 3, turn: math.Pi}, polygonGlyph{corners: 4}, polygonGlyph{corners: 4, full: true},
	polygonGlyph{corners: 3, turn: math.Pi, full: true}, polygonGlyph{corners: 6, full: true}, polygonGlyph{corners: 6},
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

func compareStrategies(a, b string) int {
	i, j := slices.Index(strategyOrder, a), slices.Index(strategyOrder, b)
	switch {
	case i < 0 && j < 0 && a < b, i >= 0 && (j < 0 || i < j):
		return -1
	case i == j && a == b:
		return 0
	}
	return 1
}

// Colours of everything that is no strategy. Text has at least 4.5:1.
var (
	ink      = rgb(0x1A1A1A)
	softInk  = rgb(0x555555)
	gridInk  = rgb(0xDDDDDD)
	bandInk  = rgb(0xE3ECF7) // equivalence margin, zero lane
	alarmInk = rgb(0xA00000)
	paper    = rgb(0xFFFFFF)
)

func rgb(hex uint32) color.RGBA {
	return color.RGBA{uint8(hex >> 16), uint8(hex >> 8), uint8(hex), 0xFF}
}

// faded is a colour for areas that others show through.
func faded(c color.RGBA) color.NRGBA { return color.NRGBA{c.R, c.G, c.B, 0x30} }

// Sizes, in points; one point is one CSS pixel on the report page.
const (
	panelWidth vg.Length = 360
	rowHeight  vg.Length = 23
	plotHeight vg.Length = 190 // of line charts

	// On a sheet of many panels.
	compactWidth vg.Length = 300
	compactRow   vg.Length = 15
	compactPlot  vg.Length = 150
	textSize               = 11
	smallSize              = 10
	titleSize              = 12.5
	headingSize            = 15
)

func style(size vg.Length, bold bool, ink color.Color) text.Style {
	f := font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
	if bold {
		f.Weight = xfont.WeightBold
	}
	return text.Style{Color: ink, Font: f, Handler: plot.DefaultTextHandler}
}

var (
	plain = style(textSize, false, ink)
	small = style(smallSize, false, softInk)
	title = style(titleSize, true, ink)
	alarm = style(smallSize, true, alarmInk)
)

// aligned returns the style with other alignments.
func aligned(s text.Style, x draw.XAlignment, y draw.YAlignment) text.Style {
	s.XAlign, s.YAlign = x, y
	return s
}

// newPlot begins a plot in the house style, without title and legend: panels
// draw their own.
func newPlot() *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.TextStyle.Font = style(smallSize, false, ink).Font
		a.Label.TextStyle.Color = ink
		a.Tick.Label.Font = style(smallSize, false, ink).Font
		a.Tick.Label.Color = ink
		a.Tick.LineStyle.Color, a.LineStyle.Color = softInk, softInk
		a.Tick.Length = 4
		a.Padding = 0
	}
	return p
}
