package inference

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Proportion estimates the probability of something that happened in k of n
// independent trials, with the exact two-sided interval of C. J. Clopper and E. S.
// Pearson, The use of confidence or fiducial limits illustrated in the case of
// the binomial, Biometrika 26 (1934) 404-413. Its confidence is never below the
// one asked for, and mostly above.
func Proportion(k, n int, confidence float64) Estimate {
	tail := tails(confidence)
	e := Estimate{Value: math.NaN(), Interval: Interval{0, 1}, N: n}
	if !validCount(k, n) {
		e.warn("%d of %d trials is not a proportion", k, n)
		return e
	}
	e.Value = float64(k) / float64(n)
	e.Low, e.High = proportionLow(k, n, tail), proportionHigh(k, n, tail)
	return e
}

// ProportionUpper is the exact one-sided upper bound of the probability of
// something that happened in k of n independent trials: the Clopper-Pearson bound
// with the whole error in one tail. For k = 0 it is 1-(1-confidence)^(1/n), so
// that 59 trials without an event bound the probability to 5 % at 95 %. It is 1
// where k of n is not a proportion.
func ProportionUpper(k, n int, confidence float64) float64 {
	checkLevel("confidence", confidence)
	if !validCount(k, n) {
		return 1
	}
	return proportionHigh(k, n, 1-confidence)
}

// TrialsFor is how many trials without an event bring [ProportionUpper] down to
// the bound: 59 for 5 % at 95 %. It is what to plan for, and what to name where
// trials are too few. It panics on a bound outside (0, 1).
func TrialsFor(bound, confidence float64) int {
	checkLevel("bound", bound)
	checkLevel("confidence", confidence)
	return int(math.Ceil(math.Log1p(-confidence) / math.Log1p(-bound)))
}

func validCount(k, n int) bool { return n > 0 && k >= 0 && k <= n }

func proportionLow(k, n int, tail float64) float64 {
	if k == 0 {
		return 0
	}
	// The closed form where it exists, as in proportionHigh: at extreme
	// confidence the search for the quantile is wrong in the second digit.
	if k == n {
		return math.Exp(math.Log(tail) / float64(n))
	}
	return distuv.Beta{Alpha: float64(k), Beta: float64(n - k + 1)}.Quantile(tail)
}

func proportionHigh(k, n int, tail float64) float64 {
	if k == n {
		return 1
	}
	// The closed form where it exists: quantiles next to 1 cost digits.
	if k == 0 {
		return -math.Expm1(math.Log(tail) / float64(n))
	}
	return distuv.Beta{Alpha: float64(k + 1), Beta: float64(n - k)}.Quantile(1 - tail)
}
