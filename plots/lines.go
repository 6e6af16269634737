package plots

import (
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// point is a value with its interval.
type point struct{ x, y, low, high float64 }

// curve is one strategy in a line chart.
type curve struct {
	label  string
	look   look
	points []point
	steps  bool    // y holds until the next x
	banded bool    // the intervals are drawn, as a band and as bars
	dotted bool    // points alone, no line
	marks  []point // ticks on the curve: censored trials
}

// lineChart shows a curve for each strategy, with the legend below.
type lineChart struct {
	x, y   scale
	curves []curve
	// within keeps axes from growing beyond what makes sense, such as a
	// probability of more than 1.
	yRange *span
	lines  []float64 // horizontal reference lines
	xTicks plot.Ticker
	dodge  vg.Length // curves stand side by side, this far apart
}

func (ch *lineChart) height() vg.Length {
	return plotHeight + vg.Length(len(ch.legend(panelWidth)))*legendLine
}

// compactHeight is that on a sheet of many panels.
func (ch *lineChart) compactHeight() vg.Length {
	return compactPlot + vg.Length(len(ch.legend(compactWidth)))*legendLine
}

const (
	legendLine   vg.Length = 15
	legendSample vg.Length = 26
)

// legend breaks the legend into lines.
func (ch *lineChart) legend(width vg.Length) [][]curve {
	var lines [][]curve
	room := vg.Length(0)
	for _, c := range ch.curves {
		w := legendSample + plain.Width(c.label) + 14
		if w > room {
			lines, room = append(lines, nil), width
		}
		room -= w
		lines[len(lines)-1] = append(lines[len(lines)-1], c)
	}
	return lines
}

func (ch *lineChart) draw(c draw.Canvas) {
	p := newPlot()
	xs, ys := newSpan(), newSpan()
	for _, cv := range ch.curves {
		for _, pt := range cv.points {
			if !ch.x.log || pt.x > 0 {
				xs.add(pt.x)
			}
			for _, v := range []float64{pt.y, pt.low, pt.high} {
				if !ch.y.log || v > 0 {
					ys.add(v)
				}
			}
		}
	}
	ys.add(ch.lines...)
	ch.x.fit(&p.X, xs)
	if ch.xTicks != nil {
		p.X.Tick.Marker = ch.xTicks
	}
	ch.y.fit(&p.Y, ys)
	if ch.yRange != nil {
		p.Y.Min, p.Y.Max = ch.yRange.low, ch.yRange.high
	}
	p.Add(ch)
	legend := ch.legend(c.Max.X - c.Min.X)
	bottom := vg.Length(len(legend)) * legendLine
	p.Draw(draw.Crop(c, 0, -8, bottom, 0))
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
			bold(c, cv.look, vg.Point{X: x + legendSample/2 - 2, Y: middle})
			c.FillText(aligned(plain, draw.XLeft, draw.YCenter), vg.Point{X: x + legendSample, Y: middle}, cv.label)
			x += legendSample + plain.Width(cv.label) + 14
		}
	}
}

// Plot implements plot.Plotter.
func (ch *lineChart) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	toX, toY = ch.x.onAxis(toX), ch.y.onAxis(toY)
	grid := draw.LineStyle{Color: gridInk, Width: 0.5}
	for _, t := range p.Y.Tick.Marker.Ticks(p.Y.Min, p.Y.Max) {
		if !t.IsMinor() {
			c.StrokeLine2(grid, c.Min.X, toY(t.Value), c.Max.X, toY(t.Value))
		}
	}
	for _, v := range ch.lines {
		c.StrokeLine2(draw.LineStyle{Color: ink, Width: 0.8, Dashes: []vg.Length{4, 2}}, c.Min.X, toY(v), c.Max.X, toY(v))
	}
	place := func(x, y float64) vg.Point {
		return vg.Point{X: clamp(toX(x), c.Min.X, c.Max.X), Y: clamp(toY(y), c.Min.Y, c.Max.Y)}
	}
	side := func(i int) func(x, y float64) vg.Point {
		shift := ch.dodge * (vg.Length(i) - vg.Length(len(ch.curves)-1)/2)
		return func(x, y float64) vg.Point {
			at := place(x, y)
			return vg.Point{X: at.X + shift, Y: at.Y}
		}
	}
	for i, cv := range ch.curves {
		cv.drawBand(c, side(i))
	}
	for i, cv := range ch.curves {
		cv.draw(c, i, side(i))
	}
}

// clamp also takes what a log axis makes of zero.
func clamp(v, low, high vg.Length) vg.Length {
	if math.IsNaN(float64(v)) || v < low {
		return low
	}
	return min(v, high)
}

func (cv *curve) draw(c draw.Canvas, index int, place func(x, y float64) vg.Point) {
	path := cv.path(func(p point) float64 { return p.y }, place)
	if !cv.dotted && len(path) > 1 {
		c.StrokeLines(cv.look.line(1.4), path)
	}
	if !cv.steps {
		cv.drawMarkers(c, place)
		return
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
	if n := len(path); n > 0 {
		for k := range 3 {
			bold(c, cv.look, along(path, (float64(k)+0.2+0.1*float64(index%8))/3))
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

func (cv *curve) drawMarkers(c draw.Canvas, place func(x, y float64) vg.Point) {
	type spot struct{ x, y int }
	drawn := make(map[spot]bool)
	for _, p := range cv.points {
		at := place(p.x, p.y)
		s := spot{int(at.X * 2), int(at.Y * 2)}
		if drawn[s] {
			continue
		}
		drawn[s] = true
		if cv.dotted {
			c.DrawGlyphNoClip(cv.look.marker(2), at)
			continue
		}
		if cv.banded && !math.IsNaN(p.low) && !math.IsNaN(p.high) {
			upright(c, cv.look, at, place(p.x, p.low).Y, math.IsInf(p.low, 0))
			upright(c, cv.look, at, place(p.x, p.high).Y, math.IsInf(p.high, 0))
		}
		bold(c, cv.look, at)
	}
}

// upright draws half an interval along y; an open one is dotted.
func upright(c draw.Canvas, l look, from vg.Point, to vg.Length, open bool) {
	line := draw.LineStyle{Color: l.color, Width: 1}
	if open {
		line.Dashes = []vg.Length{1, 2.5}
	} else {
		c.StrokeLine2(line, from.X-2.5, to, from.X+2.5, to)
	}
	c.StrokeLine2(line, from.X, from.Y, from.X, to)
}

// path gives the corners of a curve.
func (cv *curve) path(value func(point) float64, place func(x, y float64) vg.Point) []vg.Point {
	var path []vg.Point
	for i, p := range cv.points {
		y := value(p)
		if math.IsNaN(y) || math.IsInf(y, 0) {
			continue
		}
		if cv.steps && i > 0 && len(path) > 0 {
			path = append(path, vg.Point{X: place(p.x, y).X, Y: path[len(path)-1].Y})
		}
		path = append(path, place(p.x, y))
	}
	return thinned(path)
}

// thinned leaves out corners that cannot be seen: those nearly on the one
// before, and those in the middle of a level or upright line.
func thinned(path []vg.Point) []vg.Point {
	const near = 0.12
	close := func(a, b vg.Length) bool { return math.Abs(float64(a-b)) < near }
	var out []vg.Point
	for i, p := range path {
		n := len(out)
		switch {
		case n > 0 && i < len(path)-1 && close(p.X, out[n-1].X) && close(p.Y, out[n-1].Y):
			continue
		case n > 1 && (p.X == out[n-1].X && p.X == out[n-2].X || p.Y == out[n-1].Y && p.Y == out[n-2].Y):
			out[n-1] = p
			continue
		}
		out = append(out, p)
	}
	return out
}

func (cv *curve) drawBand(c draw.Canvas, place func(x, y float64) vg.Point) {
	if !cv.banded || cv.dotted {
		return
	}
	low := cv.path(func(p point) float64 { return p.low }, place)
	high := cv.path(func(p point) float64 { return p.high }, place)
	if len(low) < 2 || len(high) < 2 {
		return
	}
	for i, j := 0, len(low)-1; i < j; i, j = i+1, j-1 {
		low[i], low[j] = low[j], low[i]
	}
	c.FillPolygon(color.Color(faded(cv.look.color)), append(high, low...))
}
