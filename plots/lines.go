package plots

import (
	"fmt"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"tlsbench/results/number"
)

// point is a value with its interval.
type point struct{ x, y, low, high float64 }

// curve is one strategy in a line chart.
type curve struct {
	label  string
	look   look
	points []point // y holds until the next x
	dotted bool    // points alone, no line and no intervals
	marks  []point // ticks on the curve: censored trials
}

// lineChart shows a curve for each strategy, with the legend below.
type lineChart struct {
	counted
	x, y   axis
	curves []curve
	top    float64 // of the y axis, from 0; if it is 0, the values decide
}

const (
	lineHeight   vg.Length = 190 // of axes and plot
	legendLine   vg.Length = 15
	legendSample vg.Length = 26
)

func (ch *lineChart) size() (w, h vg.Length) {
	return panelWidth, lineHeight + vg.Length(len(ch.legend()))*legendLine
}

// describe tells of the end of each curve.
func (ch *lineChart) describe() string {
	var parts []string
	for _, c := range ch.curves {
		p := c.points[len(c.points)-1]
		text := fmt.Sprintf("%s %s at %s", ch.y.print(p.y), number.Between(p.low, p.high, ch.y.print), ch.x.print(p.x))
		if c.dotted {
			text = number.Count(len(c.points), "trial")
		}
		parts = append(parts, c.label+": "+text)
	}
	return sentence(parts)
}

// legend breaks the legend into lines.
func (ch *lineChart) legend() [][]curve {
	var lines [][]curve
	room := vg.Length(0)
	for _, c := range ch.curves {
		w := legendSample + plain.Width(c.label) + 14
		if w > room {
			lines, room = append(lines, nil), panelWidth
		}
		room -= w
		lines[len(lines)-1] = append(lines[len(lines)-1], c)
	}
	return lines
}

// fitAxes gives the axes the range of all curves.
func (ch *lineChart) fitAxes() {
	xs, ys := newSpan(), newSpan()
	for _, cv := range ch.curves {
		for _, p := range cv.points {
			if !ch.x.log || p.x > 0 {
				xs.add(p.x)
			}
			ys.add(p.y, p.low, p.high)
		}
	}
	ch.x.fit(xs)
	ch.y.fit(ys)
	if ch.top > 0 {
		ch.y.span = span{0, ch.top}
	}
}

// yTicks are those of the fitted axis.
func (ch *lineChart) yTicks(height vg.Length) []tick {
	return ch.y.ticks(height, func(string) vg.Length { return 14 })
}

func (ch *lineChart) draw(c draw.Canvas) {
	ch.fitAxes()
	legend := ch.legend()
	bottom := vg.Length(len(legend)) * legendLine
	in := draw.Crop(c, 0, -8, bottom+axisHeight, -18) // above is the label of y
	y := ch.yTicks(in.Max.Y - in.Min.Y)
	in.Min.X += widest(small, y, func(t tick) string { return t.label }) + 10
	c.FillText(aligned(inked(small, ink), draw.XLeft, draw.YTop), vg.Point{X: c.Min.X, Y: c.Max.Y}, ch.y.label)
	ch.y.drawLeft(in, y)
	ch.x.drawBelow(in, ch.x.ticks(in.Max.X-in.Min.X, small.Width))
	for _, paint := range []func(*curve, draw.Canvas, int, func(x, y float64) vg.Point){(*curve).drawBand, (*curve).draw} {
		for i := range ch.curves {
			paint(&ch.curves[i], in, i, func(x, y float64) vg.Point {
				left, _ := clamped(ch.x.at(x), in.Min.X, in.Max.X)
				up, _ := clamped(ch.y.at(y), in.Min.Y, in.Max.Y)
				return vg.Point{X: left, Y: up}
			})
		}
	}
	drawLegend(c, legend, c.Min.Y+bottom)
}

func drawLegend(c draw.Canvas, legend [][]curve, y vg.Length) {
	for _, line := range legend {
		y -= legendLine
		x := c.Min.X
		for _, cv := range line {
			middle := y + legendLine/2
			if !cv.dotted {
				c.StrokeLine2(cv.look.line(1.4), x, middle, x+legendSample-4, middle)
			}
			cv.look.bold(c, 4, vg.Point{X: x + legendSample/2 - 2, Y: middle})
			s := shrunk(plain, cv.label, panelWidth-legendSample)
			c.FillText(aligned(s, draw.XLeft, draw.YCenter), vg.Point{X: x + legendSample, Y: middle + 1}, cv.label)
			x += legendSample + s.Width(cv.label) + 14
		}
	}
}

func (cv *curve) draw(c draw.Canvas, index int, place func(x, y float64) vg.Point) {
	if cv.dotted {
		cv.drawDots(c, place)
		return
	}
	path := cv.path(func(p point) float64 { return p.y }, place)
	if len(path) > 1 {
		c.StrokeLines(cv.look.line(1.4), path)
	}
	last := vg.Length(-1)
	for _, m := range cv.marks {
		at := place(m.x, m.y)
		if math.Abs(float64(at.X-last)) < 0.7 {
			continue // on the one before
		}
		last = at.X
		c.StrokeLine2(draw.LineStyle{Color: cv.look.color, Width: 0.8}, at.X, at.Y-3, at.X, at.Y+3)
	}
	// Some markers along the line, apart for each curve: curves that lie on
	// one another can then still be told apart, without colours too.
	if len(path) > 0 {
		for k := range 3 {
			cv.look.bold(c, 4, along(path, (float64(k)+0.2+0.1*float64(index%8))/3))
		}
	}
}

// along gives the point at a share of a path's width.
func along(path []vg.Point, share float64) vg.Point {
	x := path[0].X + vg.Length(share)*(path[len(path)-1].X-path[0].X)
	at := path[0]
	for _, p := range path {
		if p.X > x {
			break
		}
		at = p
	}
	return vg.Point{X: x, Y: at.Y}
}

func (cv *curve) drawDots(c draw.Canvas, place func(x, y float64) vg.Point) {
	type spot struct{ x, y int }
	drawn := make(map[spot]bool)
	for _, p := range cv.points {
		at := place(p.x, p.y)
		s := spot{int(at.X * 2), int(at.Y * 2)}
		if !drawn[s] {
			drawn[s] = true
			c.DrawGlyphNoClip(cv.look.marker(2), at)
		}
	}
}

// path gives the corners of a curve, without those that cannot be seen: nearly
// on the one before, or in the middle of a level or upright line.
func (cv *curve) path(value func(point) float64, place func(x, y float64) vg.Point) []vg.Point {
	var path []vg.Point
	add := func(p vg.Point) {
		n := len(path)
		if n > 1 && (p.X == path[n-1].X && p.X == path[n-2].X || p.Y == path[n-1].Y && p.Y == path[n-2].Y) {
			path[n-1] = p
			return
		}
		path = append(path, p)
	}
	for _, p := range cv.points {
		y := value(p)
		if !finite(y) {
			continue
		}
		at := place(p.x, y)
		if len(path) > 0 {
			add(vg.Point{X: at.X, Y: path[len(path)-1].Y})
		}
		add(at)
	}
	return path
}

func (cv *curve) drawBand(c draw.Canvas, _ int, place func(x, y float64) vg.Point) {
	if cv.dotted {
		return
	}
	low := cv.path(func(p point) float64 { return p.low }, place)
	high := cv.path(func(p point) float64 { return p.high }, place)
	if len(low) < 2 || len(high) < 2 {
		return
	}
	slices.Reverse(low)
	l := cv.look.color // others show through
	c.FillPolygon(color.NRGBA{l.R, l.G, l.B, 0x30}, append(high, low...))
}
