package plots

import (
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
)

// span is the range of an axis as it grows with the values put in.
type span struct{ low, high float64 }

func newSpan() span { return span{math.Inf(1), math.Inf(-1)} }

// add takes values in; what is not finite has no place on an axis.
func (s *span) add(values ...float64) {
	for _, v := range values {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			s.low, s.high = math.Min(s.low, v), math.Max(s.high, v)
		}
	}
}

func (s *span) empty() bool { return s.low > s.high }

// linear gives axis limits with some air around the values.
func (s span) linear() span {
	if s.empty() {
		return span{0, 1}
	}
	// Values that are nearly the same get some air too: an axis of a few units
	// in the last place has no ticks to count by.
	air := math.Max(0.06*(s.high-s.low), 1e-3*math.Max(math.Abs(s.low), math.Abs(s.high)))
	if air == 0 {
		air = 1e-9
	}
	return span{s.low - air, s.high + air}
}

// fromZero is linear with zero on the axis.
func (s span) fromZero() span {
	s.add(0)
	l := s.linear()
	if s.low == 0 {
		l.low = 0
	}
	return l
}

// logarithmic gives axis limits above zero and apart: gonum's log scale panics
// on anything else.
func (s span) logarithmic() span {
	if s.empty() || s.high <= 0 {
		return span{1, 10}
	}
	low, high := math.Log10(math.Max(s.low, s.high*1e-12)), math.Log10(s.high)
	if high-low < 0.02 {
		middle := (low + high) / 2
		low, high = middle-0.01, middle+0.01
	}
	air := 0.05 * (high - low)
	return span{math.Pow(10, low-air), math.Pow(10, high+air)}
}

// scale is what kind of axis it is and how its ticks are printed.
type scale struct {
	label string
	log   bool
	zero  bool // linear from zero
	print func(float64) string
}

// fit gives a gonum axis this scale and range.
func (sc scale) fit(a *plot.Axis, s span) {
	a.Label.Text = sc.label
	switch {
	case sc.log:
		s = s.logarithmic()
		a.Scale, a.Tick.Marker = plot.LogScale{}, logTicks{print: sc.print}
	case sc.zero:
		s = s.fromZero()
		a.Tick.Marker = linearTicks{print: sc.print}
	default:
		s = s.linear()
		a.Tick.Marker = linearTicks{print: sc.print}
	}
	a.Min, a.Max = s.low, s.high
}

// onAxis guards a transform of gonum's against values that a log axis has no
// place for: those are not a number instead of a panic.
func (sc scale) onAxis(to func(float64) vg.Length) func(float64) vg.Length {
	return func(v float64) vg.Length {
		if sc.log && v <= 0 {
			return vg.Length(math.NaN())
		}
		return to(v)
	}
}

// linearTicks are those of gonum, fewer, and printed our way.
type linearTicks struct {
	print  func(float64) string
	sparse float64 // labels closer than this: every other is left out
}

// Ticks implements plot.Ticker.
func (t linearTicks) Ticks(low, high float64) []plot.Tick {
	if !(high > low) {
		return nil
	}
	step := math.Pow(10, math.Floor(math.Log10((high-low)/4)))
	for _, f := range []float64{5, 2} {
		if (high-low)/(f*step) >= 4 {
			step *= f
			break
		}
	}
	if (high-low)/step > 7 {
		step *= 2
	}
	var ticks []plot.Tick
	first := math.Ceil(low / step)
	for i := range 12 {
		v := (first+float64(i))*step + 0 // without the + there is a negative zero
		if v > high {
			break
		}
		label := t.print(v)
		if step < t.sparse && math.Mod(math.Abs(first+float64(i)), 2) == 1 {
			label = ""
		}
		ticks = append(ticks, plot.Tick{Value: v, Label: label})
	}
	return ticks
}

// logTicks label decades, each or each so many; ranges below two decades also
// have 2 and 5, and those of a few percent have the ticks of a linear axis.
type logTicks struct {
	print func(float64) string
	share float64 // of the axis that a label takes; 0 for that of a panel
}

// Ticks implements plot.Ticker.
func (t logTicks) Ticks(low, high float64) []plot.Tick {
	if high < 4*low {
		return apart(linearTicks{print: t.print}.Ticks(low, high), low, high, t.room())
	}
	first, last := int(math.Floor(math.Log10(low))), int(math.Ceil(math.Log10(high)))
	every := max(1, (last-first+3)/6)
	var ticks []plot.Tick
	for e := first; e <= last; e++ {
		for m := 1.0; m < 10; m++ {
			v := m * math.Pow(10, float64(e))
			if v < low || v > high {
				continue
			}
			tick := plot.Tick{Value: v}
			if m == 1 && (e-first)%every == 0 || (m == 2 || m == 5) && math.Log10(high/low) < 1.7 {
				tick.Label = t.print(v)
			}
			ticks = append(ticks, tick)
		}
	}
	return apart(ticks, low, high, t.room())
}

// labelShare is the room that a label takes on an axis of a panel.
const labelShare = 0.15

func (t logTicks) room() float64 { return math.Max(t.share, labelShare) }

// apart takes off those labels of a log axis that would run into the one
// before.
func apart(ticks []plot.Tick, low, high, room float64) []plot.Tick {
	last := math.Inf(-1)
	for i := range ticks {
		at := math.Log(ticks[i].Value/low) / math.Log(high/low)
		switch {
		case ticks[i].IsMinor():
		case at-last < room:
			ticks[i].Label = ""
		default:
			last = at
		}
	}
	return ticks
}

// figures3 prints three significant figures, thousands as k, millions as M.
func figures3(x float64) string {
	switch a := math.Abs(x); {
	case math.IsNaN(x):
		return "?"
	case math.IsInf(x, -1):
		return "-∞"
	case math.IsInf(x, 1):
		return "∞"
	case a >= 999.5e6:
		return trim(x/1e9) + "G"
	case a >= 999.5e3:
		return trim(x/1e6) + "M"
	case a >= 9995:
		return trim(x/1e3) + "k"
	}
	return trim(x)
}

func trim(x float64) string {
	if a := math.Abs(x); a >= 1000 {
		return strconv.FormatFloat(x, 'f', 0, 64)
	}
	s := strconv.FormatFloat(x, 'g', 3, 64)
	if mantissa, exponent, ok := strings.Cut(s, "e"); ok && math.Abs(x) >= 1e-4 {
		s = strconv.FormatFloat(x, 'f', -1, 64)
		if len(s) > 9 {
			s = mantissa + "e" + exponent
		}
	}
	return s
}

// duration prints nanoseconds in the unit a person would use.
func duration(ns float64) string {
	switch a := math.Abs(ns); {
	case math.IsInf(ns, 0) || math.IsNaN(ns):
		return figures3(ns)
	case a >= 999.5e6:
		return trim(ns/1e9) + " s"
	case a >= 999.5e3:
		return trim(ns/1e6) + " ms"
	case a >= 999.5:
		return trim(ns/1e3) + " µs"
	}
	return trim(ns) + " ns"
}

// percent prints a share.
func percent(x float64) string { return trim(100*x) + " %" }

// ratio prints a ratio to the baseline.
func ratio(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return figures3(x)
	}
	return strconv.FormatFloat(x, 'f', 3, 64)
}

// shortRatio is for ticks.
func shortRatio(x float64) string { return strconv.FormatFloat(x, 'g', 4, 64) }

// byUnit gives the printer of a metric's unit.
func byUnit(unit string) func(float64) string {
	if strings.Contains(unit, "ns") {
		return duration
	}
	return figures3
}

// roundUp rounds to three figures away from zero, so that a bound stays one.
func roundUp(x float64) float64 { return ceilTo(x, 3) }

// ceilTo rounds up to some figures.
func ceilTo(x float64, figures int) float64 {
	if x <= 0 || math.IsInf(x, 0) || math.IsNaN(x) {
		return x
	}
	step := math.Pow(10, math.Floor(math.Log10(x))-float64(figures-1))
	return math.Ceil(x/step-1e-9) * step
}

// between prints an interval in brackets.
func between(low, high float64, print func(float64) string) string {
	if math.IsInf(low, 0) && math.IsInf(high, 0) || math.IsNaN(low) {
		return "[no interval: too few]"
	}
	return "[" + print(low) + ", " + print(high) + "]"
}
