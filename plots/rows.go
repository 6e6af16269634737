package plots

import (
	"cmp"
	"math"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"tlsbench/results"
	"tlsbench/results/number"
)

// row is one line of a row chart: a strategy, or a strategy in one place.
type row struct {
	name           string // of a strategy
	place          string // the build, or the value of a sweep; "" where the row is of all
	look           look
	dots           []float64 // single trials
	mid, low, high float64   // NaN = no value; infinite = open end
	zero           bool      // nothing was seen: high is an upper bound
	note           string    // right of the plot
	empty          string    // in place of all data
}

// noValue is a row without data, and why.
func noValue(why string) row {
	nan := math.NaN()
	return row{mid: nan, low: nan, high: nan, empty: why}
}

// rowChart shows values and intervals along x, a row each.
type rowChart struct {
	counted
	axis
	rows      []row
	band      *span    // shaded: differences that do not matter
	reference *float64 // dashed line: the baseline
	sweep     *sweep   // what the rows of a strategy differ in, nil for the build
}

// placeOf names the row of a scene among those of a strategy.
func (ch *rowChart) placeOf(s *results.Table) string {
	if ch.sweep != nil {
		return ch.sweep.place(s)
	}
	return s.OpenSSL
}

const (
	rowHeight vg.Length = 13
	rowGap    vg.Length = 4   // between strategies
	nameRoom  vg.Length = 110 // for a strategy; a longer name is written smaller
)

// tops gives how far below the first each row begins, and the height of all.
func (ch *rowChart) tops() (list []vg.Length, height vg.Length) {
	for i := range ch.rows {
		if i > 0 && ch.begins(i) {
			height += rowGap
		}
		list = append(list, height)
		height += rowHeight
	}
	return list, height
}

// begins reports whether a row is the first of a strategy.
func (ch *rowChart) begins(i int) bool {
	return ch.rows[i].place == "" || i == 0 || ch.rows[i-1].name != ch.rows[i].name
}

func (ch *rowChart) size() (w, h vg.Length) {
	_, h = ch.tops()
	return panelWidth, h + axisHeight + 4
}

func (ch *rowChart) describe() string {
	var parts []string
	any := false
	for _, r := range ch.rows {
		text := cmp.Or(r.empty, r.note)
		if r.empty == "" {
			any = true
			if !r.zero {
				text += " " + number.Between(r.low, r.high, ch.print)
			}
		}
		parts = append(parts, strings.TrimSpace(r.name+" "+r.place)+": "+text)
	}
	if !any {
		return ""
	}
	return sentence(parts)
}

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
	if ch.lane && !s.empty() {
		// Bounds alone may lie within a few percent; their decade is what counts.
		s.add(s.low/3, s.high*3)
	}
	return s
}

// inner is the part of the canvas where values stand: left of it are names,
// right of it notes.
func (ch *rowChart) inner(c draw.Canvas) draw.Canvas {
	left := min(nameRoom, widest(plain, ch.rows, func(r row) string { return r.name })) + 8
	if places := widest(small, ch.rows, func(r row) string { return r.place }); places > 0 {
		left += places + 4
	}
	right := widest(small, ch.rows, func(r row) string { return r.note }) + 8
	return draw.Crop(c, left, -right, axisHeight, -4)
}

func (ch *rowChart) draw(c draw.Canvas) {
	ch.fit(ch.limits())
	in := ch.inner(c)
	toX := func(v float64) (vg.Length, bool) { return clamped(ch.at(v), in.Min.X, in.Max.X) }
	ch.drawBackground(in, toX)
	ch.drawBelow(in, ch.ticks(in.Max.X-in.Min.X, small.Width))
	tops, _ := ch.tops()
	for i, r := range ch.rows {
		top := in.Max.Y - tops[i]
		y := top - rowHeight/2
		if ch.begins(i) {
			c.FillText(aligned(shrunk(plain, r.name, nameRoom), draw.XLeft, draw.YCenter), vg.Point{X: c.Min.X, Y: y + 1}, r.name)
			c.StrokeLine2(gridLine, c.Min.X, top+rowGap/2, c.Max.X, top+rowGap/2)
		}
		c.FillText(aligned(small, draw.XRight, draw.YCenter), vg.Point{X: in.Min.X - 6, Y: y + 1}, r.place)
		c.FillText(aligned(small, draw.XLeft, draw.YCenter), vg.Point{X: in.Max.X + 8, Y: y + 1}, r.note)
		r.draw(in, y, toX)
	}
}

// drawBackground draws what appears behind the rows.
func (ch *rowChart) drawBackground(c draw.Canvas, toX func(float64) (vg.Length, bool)) {
	if ch.lane {
		fill(c, c.Min.X, c.Min.X+laneShare*(c.Max.X-c.Min.X), c.Min.Y, c.Max.Y, bandInk)
	}
	if ch.band != nil {
		low, _ := toX(ch.band.low)
		high, _ := toX(ch.band.high)
		fill(c, low, high, c.Min.Y, c.Max.Y, bandInk)
	}
	if ch.reference != nil {
		x, _ := toX(*ch.reference)
		c.StrokeLine2(draw.LineStyle{Color: ink, Width: 1, Dashes: []vg.Length{4, 2}}, x, c.Min.Y, x, c.Max.Y)
	}
}

func (r row) draw(c draw.Canvas, y vg.Length, toX func(float64) (vg.Length, bool)) {
	if r.empty != "" {
		// In one line: a second would run into the row below.
		s := aligned(shrunk(small, r.empty, c.Max.X-c.Min.X-2), draw.XCenter, draw.YCenter)
		half := s.Width(r.empty)/2 + 3
		fill(c, c.Center().X-half, c.Center().X+half, y-5, y+5, paper)
		c.FillText(s, vg.Point{X: c.Center().X, Y: y + 1}, r.empty)
		return
	}
	r.drawDots(c, y, toX)
	mark, _ := toX(r.mid)
	switch {
	case r.zero: // nothing seen: from the upper bound an arrow to zero
		zero, _ := toX(0)
		mark, _ = toX(r.high)
		line := draw.LineStyle{Color: r.look.color, Width: 1.2, Dashes: []vg.Length{3, 2}}
		c.StrokeLine2(line, zero, y, mark, y)
		line.Dashes = nil
		arrow(c, line, zero, y, -1)
	case !math.IsNaN(r.low) && !math.IsNaN(r.high): // else there is no interval
		for _, end := range []float64{r.low, r.high} {
			x, beyond := toX(end)
			drawEnd(c, mark, x, y, beyond)
		}
	}
	r.look.bold(c, 3.2, vg.Point{X: mark, Y: y})
}

// drawDots spreads the trials over three lanes above and below the middle,
// always the same for the same data. A dot is a short line, because those of a
// row become one path. Dots that would cover each other wholly are drawn once,
// so that a hundred thousand trials make no larger picture.
func (r row) drawDots(c draw.Canvas, y vg.Length, toX func(float64) (vg.Length, bool)) {
	type place struct{ x, lane int }
	drawn := make(map[place]bool)
	for i, v := range r.dots {
		x, beyond := toX(v)
		at := place{int(x * 2), (i*4)%7 - 3}
		if beyond || drawn[at] {
			continue
		}
		drawn[at] = true
		middle := y + 1.4*vg.Length(at.lane)
		c.StrokeLine2(draw.LineStyle{Color: r.look.color, Width: 1.6}, x, middle-0.8, x, middle+0.8)
	}
}

// drawEnd draws half an interval: a line with a cross bar, or a thin dotted one
// with an arrow where it goes on beyond the axis.
func drawEnd(c draw.Canvas, from, to, y vg.Length, open bool) {
	line := draw.LineStyle{Color: ink, Width: 1.3}
	if !open {
		c.StrokeLine2(line, from, y, to, y)
		c.StrokeLine2(line, to, y-3.5, to, y+3.5)
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
