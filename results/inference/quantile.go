package inference

import (
	"math"
	"slices"

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
