package plots

import (
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// row is one line of a row chart, mostly a strategy.
type row struct {
	label          string
	look           look
	dots           []float64 // single trials
	mid, low, high float64   // NaN = no value; infinite = open end
	zero           bool      // nothing was seen: high is an upper bound
	note           string    // right of the plot
	empty          string    // in place of all data
}

// noValue is a row without data, and why.
func noValue(label, why string) row {
	nan := math.NaN()
	return row{label: label, look: lookOf(label), mid: nan, low: nan, high: nan, empty: why}
}

// rowChart shows values and intervals along x, a row each.
type rowChart struct {
	scale
	rows      []row
	band      *span    // shaded: differences that do not matter
	reference *float64 // dashed line: the baseline
	zeroLane  bool     // a lane left of a log axis for what has no event
	noteWidth vg.Length
	shared    *span // limits that several charts have in common
}

// height is that of the chart.
func (ch *rowChart) height() vg.Length {
	return vg.Length(len(ch.rows))*rowHeight + 40
}

// compactHeight is that on a sheet of many panels.
func (ch *rowChart) compactHeight() vg.Length {
	return vg.Length(len(ch.rows))*compactRow + 40
}

// show makes the chart the picture of a panel.
func (p *Panel) show(ch interface {
	height() vg.Length
	compactHeight() vg.Length
	draw(draw.Canvas)
}) {
	p.height, p.compact, p.draw = ch.height(), ch.compactHeight(), ch.draw
}

// laneShare is the width of the lane for zero, in decades of the axis.
const laneShare = 0.13

// reach is how far beyond the values themselves the ends of intervals widen a
// log axis. An interval of two trials may span fifty decades; it then leaves the
// axis, and has an arrow.
const reach = 30

// limits gives the range that all rows need.
func (ch *rowChart) limits() span {
	s := newSpan()
	add := func(values ...float64) {
		for _, v := range values {
			if !ch.log || v > 0 {
				s.add(v)
			}
		}
	}
	for _, r := range ch.rows {
		add(r.mid)
		add(r.dots...)
		if r.zero {
			add(r.high)
		}
	}
	core := s
	for _, r := range ch.rows {
		low, high := r.low, r.high
		if ch.log && !core.empty() {
			low, high = math.Max(low, core.low/reach), math.Min(high, core.high*reach)
		}
		add(low, high)
	}
	if ch.band != nil {
		s.add(ch.band.low, ch.band.high)
	}
	if ch.reference != nil {
		s.add(*ch.reference)
	}
	if ch.zeroLane && !s.empty() {
		// Bounds alone may lie within a few percent; their decade is what counts.
		s.add(s.low/3, s.high*3)
	}
	return s
}

// spread makes the axis logarithmic if its values differ too much for any other.
func (ch *rowChart) spread() {
	if s := ch.limits(); !s.empty() && s.low > 0 && s.high > 100*s.low {
		ch.log = true
	}
}

func (ch *rowChart) draw(c draw.Canvas) {
	p := newPlot()
	limits := ch.limits()
	if ch.shared != nil {
		limits = *ch.shared
	}
	ch.fit(&p.X, limits)
	if t, ok := p.X.Tick.Marker.(logTicks); ok {
		t.share = float64(labelRoom / (c.Max.X - c.Min.X - ch.notes() - ch.names()))
		p.X.Tick.Marker = t
	}
	if t, ok := p.X.Tick.Marker.(linearTicks); ok {
		room := vg.Length(6)
		for _, tick := range t.Ticks(p.X.Min, p.X.Max) {
			room = max(room, small.Width(tick.Label)+6)
		}
		t.sparse = (p.X.Max - p.X.Min) * float64(room/(c.Max.X-c.Min.X-ch.notes()-ch.names()))
		p.X.Tick.Marker = t
	}
	if ch.zeroLane {
		ch.makeLane(p)
	}
	ticks := make([]plot.Tick, len(ch.rows))
	for i, r := range ch.rows {
		ticks[i] = plot.Tick{Value: float64(-i), Label: r.label}
	}
	p.Y.Min, p.Y.Max = -float64(len(ch.rows))+0.5, 0.5
	p.Y.Tick.Marker = plot.ConstantTicks(ticks)
	p.Y.Tick.Length, p.Y.LineStyle.Width = 0, 0
	p.Y.Tick.Label.Font = plain.Font
	p.Add(ch)
	p.Draw(draw.Crop(c, 0, -ch.notes(), 0, 0))
}

// notes is the room that the notes right of the plot take.
func (ch *rowChart) notes() vg.Length {
	w := ch.noteWidth
	for _, r := range ch.rows {
		w = max(w, small.Width(r.note))
	}
	return w + 8
}

// labelRoom is what a label of the axis takes, with some air.
const labelRoom vg.Length = 32

// names is the room that the rows' names take left of the plot.
func (ch *rowChart) names() vg.Length {
	w := vg.Length(0)
	for _, r := range ch.rows {
		w = max(w, plain.Width(r.label))
	}
	return w + 8
}

// makeLane widens a log axis to the left for those rows that have no events.
func (ch *rowChart) makeLane(p *plot.Plot) {
	decades := math.Log10(p.X.Max / p.X.Min)
	edge := p.X.Min
	p.X.Min = math.Pow(10, math.Log10(edge)-laneShare*decades)
	p.X.Tick.Marker = laneTicks{p.X.Tick.Marker, edge}
}

// laneTicks has one tick "0" in the middle of the lane.
type laneTicks struct {
	plot.Ticker
	edge float64
}

// Ticks implements plot.Ticker.
func (t laneTicks) Ticks(low, high float64) []plot.Tick {
	ticks := append([]plot.Tick{{Value: math.Sqrt(low * t.edge), Label: "0"}}, t.Ticker.Ticks(t.edge, high)...)
	room := labelShare
	if l, ok := t.Ticker.(logTicks); ok {
		room = l.room()
	}
	return apart(ticks, low, high, room)
}

// Plot implements plot.Plotter.
func (ch *rowChart) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	toX = ch.onAxis(toX)
	ch.background(c, p, toX)
	for i, r := range ch.rows {
		y := toY(float64(-i))
		if r.note != "" {
			c.FillText(aligned(small, draw.XLeft, draw.YCenter), vg.Point{X: c.Max.X + 8, Y: y + 1.5}, r.note)
		}
		if r.empty != "" {
			// In one line: a second would run into the row below.
			s := aligned(shrunk(small, r.empty, c.Max.X-c.Min.X-2), draw.XCenter, draw.YCenter)
			at := vg.Point{X: c.Center().X, Y: y + 1.5}
			half := s.Width(r.empty)/2 + 3
			fill(c, at.X-half, at.X+half, at.Y-6, at.Y+5, paper)
			c.FillText(s, at, r.empty)
			continue
		}
		r.drawDots(c, y, toX)
		if r.zero {
			ch.drawBound(c, p, r, y, toX)
			continue
		}
		r.drawInterval(c, y, toX)
	}
}

// background draws what stands behind the rows.
func (ch *rowChart) background(c draw.Canvas, p *plot.Plot, toX func(float64) vg.Length) {
	if ch.zeroLane {
		if t, ok := p.X.Tick.Marker.(laneTicks); ok {
			fill(c, c.Min.X, toX(t.edge), c.Min.Y, c.Max.Y, bandInk)
		}
	}
	if ch.band != nil {
		fill(c, toX(ch.band.low), toX(ch.band.high), c.Min.Y, c.Max.Y, bandInk)
	}
	for _, t := range p.X.Tick.Marker.Ticks(p.X.Min, p.X.Max) {
		if !t.IsMinor() {
			c.StrokeLine2(draw.LineStyle{Color: gridInk, Width: 0.5}, toX(t.Value), c.Min.Y, toX(t.Value), c.Max.Y)
		}
	}
	if ch.reference != nil {
		line := draw.LineStyle{Color: ink, Width: 1, Dashes: []vg.Length{4, 2}}
		c.StrokeLine2(line, toX(*ch.reference), c.Min.Y, toX(*ch.reference), c.Max.Y)
	}
}

// drawDots spreads the trials over three lanes above and below the middle,
// always the same for the same data. Dots that would cover each other wholly
// are drawn once, so that a hundred thousand trials make no larger picture.
func (r *row) drawDots(c draw.Canvas, y vg.Length, toX func(float64) vg.Length) {
	type place struct{ x, lane int }
	drawn := make(map[place]bool)
	marker := r.look.marker(1.8)
	for i, v := range r.dots {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			continue
		}
		x, lane := toX(v), (i*4)%7-3
		if math.IsNaN(float64(x)) {
			continue
		}
		at := place{int(x * 2), lane}
		if drawn[at] {
			continue
		}
		drawn[at] = true
		c.DrawGlyphNoClip(marker, vg.Point{X: x, Y: y + vg.Length(lane)*2})
	}
}

// drawInterval draws median and interval. An open end runs to the edge and has
// an arrow.
func (r *row) drawInterval(c draw.Canvas, y vg.Length, toX func(float64) vg.Length) {
	if math.IsNaN(r.mid) {
		return
	}
	if !math.IsNaN(r.low) && !math.IsNaN(r.high) { // else there is none
		low, openLow := within(r.low, toX, c.Min.X, c)
		high, openHigh := within(r.high, toX, c.Max.X, c)
		end(c, toX(r.mid), low, y, openLow)
		end(c, toX(r.mid), high, y, openHigh)
	}
	// White below the mark: it has to be seen among dots of its own colour.
	c.DrawGlyphNoClip(draw.GlyphStyle{Color: paper, Radius: 5, Shape: draw.CircleGlyph{}}, vg.Point{X: toX(r.mid), Y: y})
	bold(c, r.look, vg.Point{X: toX(r.mid), Y: y})
}

// bold draws a strategy's marker large; markers of thin lines are drawn
// several times to look as heavy as the others.
func bold(c draw.Canvas, l look, at vg.Point) {
	switch l.glyph.(type) {
	case draw.CircleGlyph, draw.BoxGlyph, draw.PyramidGlyph:
		c.DrawGlyphNoClip(l.marker(4.35), at)
		return
	}
	for _, d := range []vg.Length{-0.35, 0, 0.35} {
		c.DrawGlyphNoClip(l.marker(4), vg.Point{X: at.X + d, Y: at.Y})
		if d != 0 {
			c.DrawGlyphNoClip(l.marker(4), vg.Point{X: at.X, Y: at.Y + d})
		}
	}
}

// within gives the place of an interval's end, or the edge if it is open or
// beyond the axis.
func within(v float64, toX func(float64) vg.Length, edge vg.Length, c draw.Canvas) (x vg.Length, open bool) {
	if math.IsInf(v, 0) || math.IsNaN(v) {
		return edge, true
	}
	x = toX(v)
	if math.IsInf(float64(x), 0) || math.IsNaN(float64(x)) { // 0 on a log axis
		return edge, true
	}
	if x < c.Min.X-0.5 || x > c.Max.X+0.5 {
		return edge, true
	}
	return x, false
}

// end draws half an interval: a line with a cross bar, or a thin dotted one
// with an arrow where the end is open.
func end(c draw.Canvas, from, to, y vg.Length, open bool) {
	line := draw.LineStyle{Color: ink, Width: 1.4}
	if !open {
		c.StrokeLine2(line, from, y, to, y)
		c.StrokeLine2(line, to, y-4, to, y+4)
		return
	}
	line = draw.LineStyle{Color: softInk, Width: 0.8}
	direction := vg.Length(1)
	if to < from {
		direction = -1
	}
	arrow(c, line, to, y, direction)
	line.Dashes = []vg.Length{1, 2.5}
	c.StrokeLine2(line, from, y, to, y)
}

func arrow(c draw.Canvas, line draw.LineStyle, x, y, direction vg.Length) {
	c.StrokeLine2(line, x, y, x-direction*5, y-3.5)
	c.StrokeLine2(line, x, y, x-direction*5, y+3.5)
}

// drawBound draws "nothing seen": from the upper bound an arrow to the lane of
// zero.
func (ch *rowChart) drawBound(c draw.Canvas, p *plot.Plot, r row, y vg.Length, toX func(float64) vg.Length) {
	zero := c.Min.X
	if t, ok := p.X.Tick.Marker.(laneTicks); ok {
		zero = toX(math.Sqrt(p.X.Min * t.edge))
	} else if !ch.log {
		zero = toX(0)
	}
	bound, _ := within(r.high, toX, c.Max.X, c)
	line := draw.LineStyle{Color: r.look.color, Width: 1.2, Dashes: []vg.Length{3, 2}}
	c.StrokeLine2(line, zero, y, bound, y)
	line.Dashes = nil
	arrow(c, line, zero, y, -1)
	c.DrawGlyphNoClip(draw.GlyphStyle{Color: paper, Radius: 5, Shape: draw.CircleGlyph{}}, vg.Point{X: bound, Y: y})
	bold(c, r.look, vg.Point{X: bound, Y: y})
}

func fill(c draw.Canvas, x0, x1, y0, y1 vg.Length, ink interface {
	RGBA() (r, g, b, a uint32)
}) {
	c.SetColor(ink)
	path := vg.Path{}
	path.Move(vg.Point{X: x0, Y: y0})
	path.Line(vg.Point{X: x1, Y: y0})
	path.Line(vg.Point{X: x1, Y: y1})
	path.Line(vg.Point{X: x0, Y: y1})
	path.Close()
	c.Fill(path)
}
