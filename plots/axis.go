package plots

import (
	"math"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// span is the range of an axis as it grows with the values put in.
type span struct{ low, high float64 }

func newSpan() span { return span{math.Inf(1), math.Inf(-1)} }

// add takes values in; what is not finite has no place on an axis.
func (s *span) add(values ...float64) {
	for _, v := range values {
		if finite(v) {
			s.low, s.high = math.Min(s.low, v), math.Max(s.high, v)
		}
	}
}

func (s *span) empty() bool { return s.low > s.high }

// axis turns values into places. Fit gives it its limits.
type axis struct {
	label string
	print func(float64) string
	log   bool
	zero  bool // linear, and zero is on it
	lane  bool // a log axis with a lane for zero before it
	span       // limits
}

// laneShare is the width of the lane for zero, as a share of the axis.
const laneShare = 0.12

// fit gives limits with some air around the values.
func (a *axis) fit(s span) {
	switch {
	case a.log && (s.empty() || s.high <= 0):
		s = span{1, 10}
	case a.log:
		low, high := math.Log10(math.Max(s.low, s.high*1e-12)), math.Log10(s.high)
		air := math.Max(0.05*(high-low), 0.01)
		s = span{math.Pow(10, low-air), math.Pow(10, high+air)}
	case s.empty():
		s = span{0, 1}
	default:
		if a.zero {
			s.add(0)
		}
		// Values that are nearly the same get some air too: an axis of a few units
		// in the last place has no ticks to count by.
		air := math.Max(0.06*(s.high-s.low), 1e-3*math.Max(math.Abs(s.low), math.Abs(s.high)))
		air = math.Max(air, 1e-9)
		if !a.zero || s.low != 0 {
			s.low -= air
		}
		s.high += air
	}
	a.span = s
}

// at gives the place of a value, as a share of the axis: below 0 and above 1 it
// lies outside, NaN has no place. Zero lies in the middle of its lane.
func (a *axis) at(v float64) float64 {
	switch {
	case a.lane && v == 0:
		return laneShare / 2
	case a.log && v <= 0:
		return math.NaN()
	case a.log:
		v = math.Log(v/a.low) / math.Log(a.high/a.low)
	default:
		v = (v - a.low) / (a.high - a.low)
	}
	if a.lane && v >= -0.003 { // else it is beyond the lane too
		v = laneShare + (1-laneShare)*v
	}
	return v
}

// tick is a place on an axis; without a label it is a minor one.
type tick struct {
	at    float64 // share of the axis
	label string
}

// ticks are as many as there is room for the labels of. Where even the sparsest
// ones are too close, as the lane's zero and a long first label are, those that
// run into the one before lose their label.
func (a *axis) ticks(length vg.Length, room func(label string) vg.Length) []tick {
	list := a.tickSet(0)
	for sparse := 1; sparse <= 20 && len(colliding(list, length, room)) > 0; sparse++ {
		list = a.tickSet(sparse)
	}
	for _, i := range colliding(list, length, room) {
		list[i].label = ""
	}
	return list
}

// colliding gives the ticks whose label runs into the one before.
func colliding(list []tick, length vg.Length, room func(string) vg.Length) []int {
	var found []int
	end := math.Inf(-1)
	for i, t := range list {
		if t.label == "" {
			continue
		}
		half := float64(room(t.label)/length) / 2
		if t.at-half < end {
			found = append(found, i)
			continue
		}
		end = t.at + half + 4/float64(length)
	}
	return found
}

// tickSet gives the ticks in one density; the next higher number has fewer.
// Axes of less than half a decade have those of a linear one.
func (a *axis) tickSet(sparse int) []tick {
	var list []tick
	if a.lane {
		list = append(list, tick{a.at(0), "0"})
	}
	if !a.log || a.high < 4*a.low {
		step := math.Pow(10, math.Floor(math.Log10((a.high-a.low)/8)))
		for factors, i := []float64{2, 2.5, 2}, 0; (a.high-a.low)/step > 8 || i < sparse && (a.high-a.low)/step > 1; i++ {
			step *= factors[i%3]
		}
		for i, first := 0.0, math.Ceil(a.low/step); i < 12 && (first+i)*step <= a.high; i++ {
			v := (first+i)*step + 0 // without the + there is a negative zero
			list = append(list, tick{a.at(v), a.print(v)})
		}
		return list
	}
	first, last := int(math.Floor(math.Log10(a.low))), int(math.Ceil(math.Log10(a.high)))
	for e := first; e <= last; e++ {
		for m := 1.0; m < 10; m++ {
			v := m * math.Pow(10, float64(e))
			if v < a.low || v > a.high {
				continue
			}
			t := tick{at: a.at(v)}
			if sparse == 0 && (m == 1 || m == 2 || m == 5) || sparse > 0 && m == 1 && (e-first)%sparse == 0 {
				t.label = a.print(v)
			}
			list = append(list, t)
		}
	}
	return list
}

var axisLine = draw.LineStyle{Color: softInk, Width: 0.7}

var gridLine = draw.LineStyle{Color: gridInk, Width: 0.5}

const axisHeight vg.Length = 36 // ticks, their labels and the axis' own

func (a *axis) drawBelow(c draw.Canvas, list []tick) {
	width := c.Max.X - c.Min.X
	c.StrokeLine2(axisLine, c.Min.X, c.Min.Y, c.Max.X, c.Min.Y)
	for _, t := range list {
		x, length := c.Min.X+width*vg.Length(t.at), vg.Length(2)
		if t.label != "" {
			length = 4
			c.StrokeLine2(gridLine, x, c.Min.Y, x, c.Max.Y)
			c.FillText(aligned(inked(small, ink), draw.XCenter, draw.YTop), vg.Point{X: x, Y: c.Min.Y - 5}, t.label)
		}
		c.StrokeLine2(axisLine, x, c.Min.Y, x, c.Min.Y-length)
	}
	c.FillText(aligned(inked(small, ink), draw.XCenter, draw.YTop), vg.Point{X: c.Center().X, Y: c.Min.Y - 19}, a.label)
}

// drawLeft draws the axis left of a plot, and its grid; its label stands above.
func (a *axis) drawLeft(c draw.Canvas, list []tick) {
	height := c.Max.Y - c.Min.Y
	c.StrokeLine2(axisLine, c.Min.X, c.Min.Y, c.Min.X, c.Max.Y)
	for _, t := range list {
		y, length := c.Min.Y+height*vg.Length(t.at), vg.Length(2)
		if t.label != "" {
			length = 4
			c.StrokeLine2(gridLine, c.Min.X, y, c.Max.X, y)
			c.FillText(aligned(inked(small, ink), draw.XRight, draw.YCenter), vg.Point{X: c.Min.X - 6, Y: y}, t.label)
		}
		c.StrokeLine2(axisLine, c.Min.X, y, c.Min.X-length, y)
	}
}

// widest is the room that the widest of some texts takes.
func widest[T any](s text.Style, list []T, txt func(T) string) vg.Length {
	w := vg.Length(0)
	for _, t := range list {
		w = max(w, s.Width(txt(t)))
	}
	return w
}

// clamped is a place on the canvas for a share of an axis, and whether the
// value lies beyond it or has no place.
func clamped(share float64, from, to vg.Length) (at vg.Length, beyond bool) {
	switch {
	case math.IsNaN(share) || share < -0.003:
		return from, true
	case share > 1.003:
		return to, true
	}
	return from + (to-from)*vg.Length(share), false
}
