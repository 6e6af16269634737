// Package number prints numbers. It is the one place that does, so that a value
// looks the same in a table, in a figure, on the page and in a message: three
// figures, no more than the data can bear.
package number

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Short prints 3 significant figures, thousands as k and millions as M.
func Short(x float64) string {
	switch a := math.Abs(x); {
	case math.IsNaN(x):
		return "?"
	case math.IsInf(x, 1):
		return "∞"
	case math.IsInf(x, -1):
		return "-∞"
	case a >= 999.5e6:
		return strconv.FormatFloat(x, 'g', 3, 64)
	case a >= 999.5e3:
		return Figures(x/1e6) + "M"
	case a >= 999.5:
		return Figures(x/1e3) + "k"
	}
	return Figures(x)
}

// Figures prints 3 significant figures without an exponent where that is
// shorter.
func Figures(x float64) string {
	s := strconv.FormatFloat(x, 'g', 3, 64)
	if !strings.Contains(s, "e") {
		return s
	}
	if a := math.Abs(x); a >= 1e-4 && a < 1e6 {
		rounded, _ := strconv.ParseFloat(s, 64) // of what was just formatted
		return strconv.FormatFloat(rounded, 'f', -1, 64)
	}
	return s
}

// Up rounds to some significant figures, away from zero, so that a bound stays
// one.
func Up(x float64, figures int) float64 { return round(x, figures, math.Ceil, -1e-9) }

// Down does so towards zero, for lower bounds.
func Down(x float64, figures int) float64 { return round(x, figures, math.Floor, 1e-9) }

// round goes up or down to a number of figures; slack keeps what has no more of them.
func round(x float64, figures int, to func(float64) float64, slack float64) float64 {
	if x <= 0 || math.IsInf(x, 0) || math.IsNaN(x) {
		return x
	}
	step := math.Pow(10, math.Floor(math.Log10(x))-float64(figures-1))
	return to(x/step+slack) * step
}

// Percent prints a share.
func Percent(share float64) string { return Figures(100*share) + " %" }

// AtMost prints an upper bound of a probability, rounded up so that it stays
// one. It is the only way in which zero of n is printed.
func AtMost(share float64) string { return "≤ " + Figures(Up(100*share, 3)) + " %" }

// Ratio prints a ratio to a baseline.
func Ratio(x float64) string {
	if math.IsInf(x, 0) || math.IsNaN(x) || x >= 100 {
		return Short(x) // from so few rounds that no decimal means anything
	}
	return strconv.FormatFloat(x, 'f', 3, 64)
}

// Change prints a ratio as a change from the baseline.
func Change(x float64) string {
	text := Figures(100 * (x - 1))
	if x >= 1 {
		text = "+" + text
	}
	return strings.Replace(text, "-", "−", 1) + " %"
}

// durations are the units of time, largest first, in nanoseconds.
var durations = []struct {
	size float64
	name string
}{{1e9, "s"}, {1e6, "ms"}, {1e3, "µs"}}

// Duration prints nanoseconds in the unit that a person would use. They are no
// time.Duration, because a file may hold more than fits into one.
func Duration(ns float64) string {
	if math.IsInf(ns, 0) || math.IsNaN(ns) {
		return Short(ns)
	}
	for _, u := range durations {
		if math.Abs(ns) >= 0.9995*u.size {
			return Figures(ns/u.size) + " " + u.name
		}
	}
	return Figures(ns) + " ns"
}

// Of gives the printer of a metric's unit.
func Of(unit string) func(float64) string {
	if strings.Contains(unit, "ns") {
		return Duration
	}
	return Short
}

// Between prints an interval in brackets.
func Between(low, high float64, print func(float64) string) string {
	if math.IsNaN(low) || math.IsNaN(high) || low <= 0 && math.IsInf(high, 1) {
		return "[no interval: too few]"
	}
	return "[" + print(low) + ", " + print(high) + "]"
}

// Estimate prints a value of a unit and its interval, all three in one unit of
// time where it is a time.
func Estimate(x, low, high float64, unit string) (value, interval string) {
	switch {
	case math.IsNaN(low) || math.IsInf(low, 0) || math.IsInf(high, 0):
		return Of(unit)(x), ""
	case !strings.Contains(unit, "ns"):
		return Short(x), Between(low, high, Short)
	}
	size, name := 1.0, "ns"
	for _, u := range durations {
		if max(math.Abs(low), math.Abs(high)) >= u.size {
			size, name = u.size, u.name
			break
		}
	}
	print := func(x float64) string { return Figures(x / size) }
	return print(x), Between(low, high, print) + " " + name
}

// Count prints a number with its noun.
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
