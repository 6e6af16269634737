package inference

import (
	"math"
	"slices"

	"golang.org/x/perf/benchmath"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// fewestTrimmed is the number of values from which the extreme ones are
// trimmed: with fewer there is too little left to judge the spread by.
const fewestTrimmed = 8

// trimmedShare of the values is left out at each end, rounded down: one of 8,
// two of 12.
const trimmedShare = 6

// location is the centre of a sample, its standard error, and the degrees of
// freedom of that.
type location struct {
	centre, stdErr float64
	df             int
}

// locate gives the mean of fewer than eight values, and the trimmed mean of
// more, with the standard error from the Winsorized variance (J. W. Tukey and D.
// H. McLaughlin, Less Vulnerable Confidence and Significance Procedures for
// Location Based on a Single Sample, Sankhya A 25 (1963) 331-352; K. K. Yuen,
// The two-sample trimmed t for unequal population variances, Biometrika 61
// (1974) 165-170). It needs at least two values.
func locate(xs []float64) location {
	n := len(xs)
	trim := n / trimmedShare
	if n >= fewestTrimmed {
		if l := trimmed(slices.Sorted(slices.Values(xs)), trim); l.stdErr > 0 {
			return l
		}
		// All the middle values are equal: only the others tell the spread.
	}
	mean, sd := stat.MeanStdDev(xs, nil)
	return location{mean, stat.StdErr(sd, float64(n)), n - 1}
}

func trimmed(sorted []float64, trim int) location {
	n := len(sorted)
	kept := sorted[trim : n-trim]
	winsorized := slices.Clone(sorted)
	for i := range trim {
		winsorized[i], winsorized[n-1-i] = kept[0], kept[len(kept)-1]
	}
	share := float64(len(kept)) / float64(n)
	return location{
		centre: stat.Mean(kept, nil),
		stdErr: stat.StdDev(winsorized, nil) / (share * math.Sqrt(float64(n))),
		df:     len(kept) - 1,
	}
}

// interval is the two-sided t interval of the centre.
func (l location) interval(tail float64) Interval {
	half := tQuantile(tail, l.df) * l.stdErr
	return Interval{l.centre - half, l.centre + half}
}

// above is the p-value of the one-sided t-test that the centre is at most
// bound.
func (l location) above(bound float64) float64 {
	diff := l.centre - bound
	if l.stdErr == 0 {
		if diff > 0 {
			return 0
		}
		return 1
	}
	return distuv.StudentsT{Sigma: 1, Nu: float64(l.df)}.Survival(diff / l.stdErr)
}

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
