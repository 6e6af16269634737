// Package inference holds the statistics that the suite's tables and checks
// rest on: pure functions from numbers to an estimate with its interval, or to
// a p-value. It reads no files and knows nothing of benchmarks.
//
// What it is built around:
//
//   - A shared machine drifts, by 20 % from one minute to the next. So two
//     strategies are compared within a round, where both saw the same machine,
//     and only the ratios are averaged: [PairedRatio], [Equivalent],
//     [RatioAbove].
//   - Damage is rare and comes in clusters: one broken error queue fails many
//     handshakes. So the trial is the unit. [Proportion] counts damaged trials and
//     is exact; [Rate] counts events and takes its spread from trial to trial.
//   - Nothing seen is not nothing there. Every estimate has an interval, and
//     zero events have an upper bound.
//   - A difference that was not found is not equality. "Costs nothing" is a
//     result of its own, and [Equivalent] is its test.
//   - Twenty comparisons at 5 % find one difference where there is none.
//     [Holm] corrects a table for that.
//
// Caveats travel with the value they belong to, in [Estimate].Warnings, as in
// golang.org/x/perf/benchmath.
//
// # What cannot be computed
//
// A value that is not a number stands for a trial that yielded none. It is left
// out, together with its partner where values are paired, and an [Estimate]
// says how many were left out. An estimate that the data do not support is NaN
// with the widest possible interval. A p-value is NaN where no test could be
// made, and 1 where a test was made on data without any difference. Slices that
// belong together and differ in length are a mistake of the program: the
// functions panic.
package inference

import (
	"encoding/json"
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Interval is a two-sided interval at the confidence that was asked for. An
// open end is infinite.
type Interval struct {
	Low, High float64
}

// Contains reports whether x lies in the interval, ends included.
func (i Interval) Contains(x float64) bool { return i.Low <= x && x <= i.High }

// Estimate is a value with its interval, the number of observations it rests
// on, and what a reader has to know before trusting it.
type Estimate struct {
	Value float64
	Interval
	N        int
	Warnings []string
}

// Unknown is an estimate without a value, from n observations of what is at least zero.
func Unknown(n int) Estimate {
	return Estimate{Value: math.NaN(), Interval: Interval{0, math.Inf(1)}, N: n}
}

// Known reports whether there is a value.
func (e Estimate) Known() bool { return e.N > 0 && !math.IsNaN(e.Value) }

// Excludes reports whether the interval lies beyond x.
func (i Interval) Excludes(x float64) bool { return i.Low > x || i.High < x }

// Scale gives the estimate in another unit.
func (e Estimate) Scale(by float64) Estimate {
	e.Value, e.Low, e.High = by*e.Value, by*e.Low, by*e.High
	return e
}

// MarshalJSON writes null for what JSON has no number for.
func (e Estimate) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Value    *float64 `json:"value"`
		Low      *float64 `json:"low"`
		High     *float64 `json:"high"`
		N        int      `json:"n"`
		Warnings []string `json:"warnings,omitempty"`
	}{Finite(e.Value), Finite(e.Low), Finite(e.High), e.N, e.Warnings})
}

// Finite is nil for what JSON has no number for.
func Finite(x float64) *float64 {
	if !finite(x) {
		return nil
	}
	return &x
}

func (e *Estimate) warn(format string, args ...any) {
	e.Warnings = append(e.Warnings, fmt.Sprintf(format, args...))
}

// warnDropped says how many of all observations were left out.
func (e *Estimate) warnDropped(all int, what string) {
	if all > e.N {
		e.warn("%d of %d %s left out: no usable value", all-e.N, all, what)
	}
}

// tails is the probability left in each tail of a two-sided interval.
func tails(confidence float64) float64 {
	checkLevel("confidence", confidence)
	return (1 - confidence) / 2
}

// checkLevel panics on a probability outside (0, 1): no interval has such a
// confidence, and 95 for 0.95 is the usual slip.
func checkLevel(name string, p float64) {
	if !(p > 0 && p < 1) {
		panic(fmt.Sprintf("inference: %s %v is not between 0 and 1", name, p))
	}
}

func checkPaired(what string, a, b int) {
	if a != b {
		panic(fmt.Sprintf("inference: %s: lengths %d and %d differ", what, a, b))
	}
}

// tQuantile is the upper-tail quantile of Student's t distribution.
func tQuantile(tail float64, df int) float64 {
	return distuv.StudentsT{Sigma: 1, Nu: float64(df)}.Quantile(1 - tail)
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

func keepFinite(xs []float64) []float64 {
	kept := make([]float64, 0, len(xs))
	for _, x := range xs {
		if finite(x) {
			kept = append(kept, x)
		}
	}
	return kept
}
