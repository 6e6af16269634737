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

// LogRatios gives log(a/b) for each pair that has one: values and ratio finite
// and above zero. It is what [PairedRatio] averages, and what [SignedRank] wants
// for a test of the same pairs.
func LogRatios(a, b []float64) []float64 {
	checkPaired("paired values", len(a), len(b))
	logs := make([]float64, 0, len(a))
	for i := range a {
		// Equal ratios give equal logarithms; a difference of logarithms does not.
		if log := math.Log(a[i] / b[i]); a[i] > 0 && b[i] > 0 && finite(log) {
			logs = append(logs, log)
		}
	}
	return logs
}

// PairedRatio estimates the ratio a/b from values paired by round: the
// geometric mean of the rounds' ratios with Student's t interval, both on the
// logarithms (Student, The Probable Error of a Mean, Biometrika 6 (1908) 1-25;
// P. J. Fleming and J. J. Wallace, How not to lie with statistics, Communications
// of the ACM 29 (1986) 218-221). From eight rounds on a sixth of the rounds is
// trimmed at each end and t is the trimmed one of Tukey and McLaughlin (1963),
// also called Yuen's.
//
// Pairing takes out what is common to a round: drift, and the speed of the
// machine at that time. What is left are the noise of single trials and stalls
// that hit one trial of a pair. Random order within the round makes both as
// likely on either side, so the log ratios lie symmetrically around the effect,
// and mean, trimmed mean and median all estimate the same.
//
// The interval was chosen by simulation: 3 to 30 rounds, random-walk drift,
// noise of 2 to 20 % (uniform and normal), and a stall of 10 to 70 % in none to
// one in ten trials. Plain t covered 94 to 99 %: never too little, but where
// trials agree within 2 % and each twentieth stalls, its interval is up to seven
// times as wide as it need be, and cannot show that two strategies are within
// 2 %. The BCa bootstrap covered 66 to 94 %, and 90 % at most up to ten rounds.
// The signed-rank interval of Hodges and Lehmann covered 94 to 97 % but is open
// below six rounds and up to five times as wide as the trimmed t for eight or
// ten. The trimmed t
// covered 93.8 to 97.5 % from eight rounds on; for six it falls to 92.9 %, so
// fewer than eight rounds take plain t.
//
// What a strategy does in less than one round of six is therefore not in this
// ratio. It shows in percentiles of latency, and in events.
func PairedRatio(a, b []float64, confidence float64) Estimate {
	tail := tails(confidence)
	logs := LogRatios(a, b)
	e := Unknown(len(logs))
	e.warnDropped(len(a), "pairs")
	switch len(logs) {
	case 0:
		e.warn("no pairs")
		return e
	case 1:
		e.Value = math.Exp(logs[0])
		e.warn("need at least 2 rounds for an interval, have 1")
		return e
	}
	l := locate(logs)
	i := l.interval(tail)
	e.Value, e.Low, e.High = math.Exp(l.centre), math.Exp(i.Low), math.Exp(i.High)
	if l.stdErr == 0 {
		e.warn("all %d ratios are equal: the interval has no width", len(logs))
	}
	return e
}

// RatioAbove is the p-value of the hypothesis that the ratio a/b is bound or
// less, from values paired by round. A small one supports "a is more than bound
// times b", as in a rule that a fix may cost at most 2 % of throughput (bound
// 0.98; E. Lesaffre, Superiority, equivalence, and non-inferiority trials,
// Bulletin of the NYU Hospital for Joint Diseases 66 (2008) 150-154). It is the
// one-sided test that belongs to [PairedRatio]: below alpha exactly if the
// interval at confidence 1-2*alpha lies above the bound. NaN with fewer than two
// pairs or a bound not above zero.
func RatioAbove(a, b []float64, bound float64) float64 {
	logs := LogRatios(a, b)
	if len(logs) < 2 || !(bound > 0) {
		return math.NaN()
	}
	return locate(logs).above(math.Log(bound))
}

// Equivalent tests whether a and b, paired by round, differ by less than margin
// (0.02 is 2 %): true means that the ratio was shown to lie between
// 1/(1+margin) and 1+margin, at error probability alpha. The second result is
// the p-value, the larger one of two one-sided tests (D. J. Schuirmann, A
// comparison of the Two One-Sided Tests Procedure and the Power Approach for
// Assessing the Equivalence of Average Bioavailability, Journal of
// Pharmacokinetics and Biopharmaceutics 15 (1987) 657-680). The limits are
// reciprocal so that exchanging a and b changes nothing. It is true exactly if
// the interval of [PairedRatio] at confidence 1-2*alpha lies within the limits.
// False and NaN with fewer than two pairs or a margin not above zero.
func Equivalent(a, b []float64, margin, alpha float64) (bool, float64) {
	checkLevel("alpha", alpha)
	if !(margin > 0) {
		return false, math.NaN()
	}
	low := RatioAbove(a, b, 1/(1+margin))
	high := RatioAbove(b, a, 1/(1+margin))
	p := math.Max(low, high)
	return p < alpha, p
}

// duetTrim is the share of blocks left out at each end of a pair's blocks.
const duetTrim = 5

// DuetPair is the log ratio of costs in one pair of processes: the 20 % trimmed
// mean over the log ratios of its blocks. A block is two slices of either side in
// random order, so that drift on a larger scale cancels, and a disturbance that
// hits a slice is trimmed. NaN without blocks.
//
// The pair is the unit to infer from, not the block: two processes of the same
// program differ by some tenths of a percent, because their memory lies
// otherwise, and all blocks of a pair share that. Blocks pooled as if they were
// independent give intervals that cover the truth in 37 to 56 % of cases.
// [PairedRatio] and [Equivalent] take the values of pairs.
func DuetPair(blocks []float64) float64 {
	sorted := slices.Sorted(slices.Values(keepFinite(blocks)))
	if len(sorted) == 0 {
		return math.NaN()
	}
	trim := len(sorted) / duetTrim
	return stat.Mean(sorted[trim:len(sorted)-trim], nil)
}

// Duet settings of the rule when a comparison has enough pairs.
const (
	DuetFirst = 20     // pairs that are always made
	DuetMost  = 80     // pairs after which it ends in any case
	DuetWidth = 0.0025 // half width, on the log scale, at which it ends
)

// DuetDone reports whether a comparison has enough pairs: at least DuetFirst,
// and then as many as make the half width of the 95 % interval at most DuetWidth,
// or DuetMost. The rule looks at the width alone. One that looked at the verdict
// would stop when chance pleases: "equivalent" would be wrong in 15 % of cases
// instead of 5 %.
func DuetDone(pairs []float64) bool {
	kept := keepFinite(pairs)
	switch {
	case len(pairs) >= DuetMost:
		return true
	case len(kept) < DuetFirst:
		return false
	}
	i := locate(kept).interval(tails(0.95))
	return (i.High-i.Low)/2 <= DuetWidth
}

// Components is where the spread of a duet comes from: the standard deviations
// between pairs and between the blocks of one, on the log scale, and the
// correlation of a block with the next one of its pair.
type Components struct {
	Between, Within float64
	Lag1            float64
}

// DuetComponents estimates the components by analysis of variance from the log
// ratios of the blocks of each pair. The variance between pairs is what the means
// of pairs vary more than their blocks explain, at least zero.
func DuetComponents(pairs [][]float64) Components {
	var within, freedom, lag, square float64
	var means []float64
	var count float64
	for _, blocks := range pairs {
		if len(blocks) < 2 {
			continue
		}
		mean, variance := stat.MeanVariance(blocks, nil)
		means = append(means, mean)
		count += float64(len(blocks))
		within += variance * float64(len(blocks)-1)
		freedom += float64(len(blocks) - 1)
		for i, b := range blocks {
			square += (b - mean) * (b - mean)
			if i > 0 {
				lag += (b - mean) * (blocks[i-1] - mean)
			}
		}
	}
	if len(means) < 2 {
		return Components{math.NaN(), math.NaN(), math.NaN()}
	}
	within /= freedom
	between := stat.Variance(means, nil) - within*float64(len(means))/count
	c := Components{Between: math.Sqrt(math.Max(0, between)), Within: math.Sqrt(within)}
	if square > 0 {
		c.Lag1 = lag / square
	}
	return c
}
