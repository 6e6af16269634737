package results

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// How numbers are printed: three figures, no more than the data can bear.

// short prints 3 significant figures, thousands as k and millions as M.
func short(x float64) string {
	switch a := math.Abs(x); {
	case math.IsNaN(x):
		return "?"
	case math.IsInf(x, 0):
		return "∞"
	case a >= 999.5e6:
		return strconv.FormatFloat(x, 'g', 3, 64)
	case a >= 999.5e3:
		return figures(x/1e6) + "M"
	case a >= 999.5:
		return figures(x/1e3) + "k"
	}
	return figures(x)
}

// figures prints 3 significant figures without an exponent where that is
// shorter.
func figures(x float64) string {
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

// atMost prints an upper bound of a probability, rounded up so that it stays
// one. It is the only way in which zero of n is printed.
func atMost(p float64) string {
	return "≤ " + figures(roundUp(100*p)) + " %"
}

// roundUp rounds to 3 significant figures, away from zero.
func roundUp(x float64) float64 {
	if x <= 0 || math.IsInf(x, 0) || math.IsNaN(x) {
		return x
	}
	step := math.Pow(10, math.Floor(math.Log10(x))-2)
	return math.Ceil(x/step-1e-9) * step
}

// trialCount prints a number of trials.
func trialCount(n int) string {
	if n == 1 {
		return "1 trial"
	}
	return fmt.Sprintf("%d trials", n)
}

// interval prints "low, high" in brackets.
func interval(low, high float64, print func(float64) string) string {
	return "[" + print(low) + ", " + print(high) + "]"
}

// rateText prints events for each million, nothing seen as an upper bound.
func (f Figure) rateText() string {
	switch {
	case !f.Known():
		return ""
	case f.Value == 0:
		return "≤ " + short(roundUp(f.High))
	}
	return short(f.Value) + " " + interval(f.Low, f.High, short)
}

// ratioText prints a ratio with its interval.
func (f Figure) ratioText() string {
	if !f.Known() {
		return ""
	}
	print := func(x float64) string {
		if math.IsInf(x, 0) || math.IsNaN(x) || x >= 100 {
			return short(x) // from so few rounds that no decimal means anything
		}
		return strconv.FormatFloat(x, 'f', 3, 64)
	}
	if math.IsNaN(f.Low) || f.Low == 0 && math.IsInf(f.High, 1) {
		return print(f.Value)
	}
	return print(f.Value) + " " + interval(f.Low, f.High, print)
}

// damagedText prints k of n and the probability that lies behind.
func (r *Row) damagedText() string {
	if r.Verdict.Trials == 0 {
		return ""
	}
	count := fmt.Sprintf("%d/%d ", r.Verdict.Damaged, r.Verdict.Trials)
	if r.Verdict.Damaged == 0 {
		return count + atMost(r.Probability.High)
	}
	percent := func(p float64) string { return figures(100 * p) }
	return count + interval(r.Probability.Low, r.Probability.High, percent) + " %"
}

// valueText prints a metric's value in a unit a person would use.
func valueText(x float64, unit string) string {
	if strings.Contains(unit, "ns") {
		return durationText(math.Round(x))
	}
	return short(x)
}

// durationText prints nanoseconds. They are no time.Duration: a file may hold
// more than fits into one.
func durationText(ns float64) string {
	if ns < 0 {
		return "-" + durationText(-ns)
	}
	for _, u := range []struct {
		size time.Duration
		name string
	}{{time.Second, "s"}, {time.Millisecond, "ms"}, {time.Microsecond, "µs"}} {
		if ns >= float64(u.size) {
			return figures(ns/float64(u.size)) + " " + u.name
		}
	}
	return fmt.Sprintf("%.0f ns", ns)
}

// ratioOf prints a ratio given as its logarithm.
func ratioOf(log float64) string { return strconv.FormatFloat(math.Exp(log), 'f', 3, 64) }
