package inference

import (
	"math"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// LogRatios gives log(a/b) for each pair that has one: both values finite and
// above zero. It is what [PairedRatio] averages, and what [SignedRank] wants
// for a test of the same pairs.
func LogRatios(a, b []float64) []float64 {
	checkPaired("paired values", len(a), len(b))
	logs := make([]float64, 0, len(a))
	for i := range a {
		if finite(a[i]) && finite(b[i]) && a[i] > 0 && b[i] > 0 {
			logs = append(logs, math.Log(a[i])-math.Log(b[i]))
		}
	}
	return logs
}

// PairedRatio estimates the ratio a/b from values paired by round: the
// geometric mean of the ratios, with Student's t interval on their logarithms
// (Student, The Probable Error of a Mean, Biometrika 6 (1908) 1-25; on ratios
// of benchmarks: P. J. Fleming and J. J. Wallace, How not to lie with
// statistics, CACM 29 (1986) 218-221).
func PairedRatio(a, b []float64, confidence float64) Estimate {
	tail := tails(confidence)
	logs := LogRatios(a, b)
	e := Estimate{Value: math.NaN(), Interval: Interval{0, math.Inf(1)}, N: len(logs)}
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
	mean, sd := stat.MeanStdDev(logs, nil)
	half := tQuantile(tail, len(logs)-1) * stat.StdErr(sd, float64(len(logs)))
	e.Value, e.Low, e.High = math.Exp(mean), math.Exp(mean-half), math.Exp(mean+half)
	if sd == 0 {
		e.warn("all %d ratios are equal: the interval has no width", len(logs))
	}
	return e
}

// RatioAbove is the p-value of the hypothesis that the ratio a/b is bound or
// less, from values paired by round: a small one supports "a is more than bound
// times b", as in a rule that a fix may cost at most 2 % (bound 0.98). It is
// the one-sided t-test on log ratios, the counterpart of [PairedRatio]'s
// interval. NaN with fewer than two pairs.
func RatioAbove(a, b []float64, bound float64) float64 {
	logs := LogRatios(a, b)
	if len(logs) < 2 || !(bound > 0) {
		return math.NaN()
	}
	mean, sd := stat.MeanStdDev(logs, nil)
	diff := mean - math.Log(bound)
	if sd == 0 {
		return degenerateP(diff)
	}
	t := diff / stat.StdErr(sd, float64(len(logs)))
	return distuv.StudentsT{Sigma: 1, Nu: float64(len(logs) - 1)}.Survival(t)
}

// degenerateP is the one-sided p-value of a mean known without any error.
func degenerateP(diff float64) float64 {
	if diff > 0 {
		return 0
	}
	return 1
}

// Equivalent tests whether a and b, paired by round, differ by less than margin
// (0.02 is 2 %): true means that the ratio was shown to lie between
// 1/(1+margin) and 1+margin, at error probability alpha. The second result is
// the p-value, the larger one of two one-sided t-tests on log ratios (D. J.
// Schuirmann, A comparison of the Two One-Sided Tests Procedure and the Power
// Approach, J. Pharmacokinetics and Biopharmaceutics 15 (1987) 657-680). The
// limits are reciprocal so that exchanging a and b changes nothing. It is true
// exactly if the interval of [PairedRatio] at confidence 1-2*alpha lies within
// the limits. False and NaN with fewer than two pairs.
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
