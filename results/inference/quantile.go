package inference

import (
	"math"
	"slices"

	"github.com/montanaflynn/stats"
	"golang.org/x/perf/benchmath"
)

// Median is the sample median with the interval between two order statistics:
// it holds for every distribution, and its true confidence is at least the one
// asked for. Method and code are [benchmath.AssumeNothing], the ones of
// benchstat (W. J. Conover, Practical Nonparametric Statistics, 3rd edition
// 1999, section 3.2). For some sizes it reaches one rank further on one side
// than on the other, so its ends are no one-sided bounds. With fewer values than
// such an interval needs, six at 95 %, it is open and a warning says how many
// are needed.
func Median(xs []float64, confidence float64) Estimate {
	tails(confidence)
	kept := keepFinite(xs)
	e := Estimate{Value: math.NaN(), Interval: Interval{math.Inf(-1), math.Inf(1)}, N: len(kept)}
	e.warnDropped(len(xs), "values")
	if len(kept) == 0 {
		e.warn("no values")
		return e
	}
	if kept = slices.Sorted(slices.Values(kept)); len(kept) == 1 {
		e.Value = kept[0]
		e.warn("need more than one value for an interval")
		return e
	}
	s := benchmath.AssumeNothing.Summary(benchmath.NewSample(kept, &benchmath.DefaultThresholds), confidence)
	e.Value = s.Center
	// Too few values can still give one end, which by itself misleads.
	if finite(s.Lo) && finite(s.Hi) {
		e.Low, e.High = s.Lo, s.Hi
	}
	for _, w := range s.Warnings {
		e.warn("%v", w)
	}
	return e
}

// Percentile is the value below which percent of the values lie, by linear
// interpolation between closest ranks: definition 7 of R. J. Hyndman and Y. Fan,
// Sample Quantiles in Statistical Packages, The American Statistician 50 (1996)
// 361-365, the default of R, NumPy and spreadsheets. The 99th percentile of
// fewer than 100 values is therefore an interpolation close to the largest, not
// an observed value. NaN for no values or a percent outside (0, 100].
func Percentile(xs []float64, percent float64) float64 {
	p, err := stats.Percentile(keepFinite(xs), percent)
	if err != nil {
		return math.NaN()
	}
	return p
}
