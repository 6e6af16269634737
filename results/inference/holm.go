package inference

import (
	"cmp"
	"math"
	"slices"
)

// Holm adjusts the p-values of one table so that the chance of any false
// finding in the whole table stays below the level they are compared with,
// whatever their dependence (S. Holm, A Simple Sequentially Rejective Multiple
// Test Procedure, Scandinavian Journal of Statistics 6 (1979) 65-70). The order
// is kept. NaN stands for a test that could not be made: it stays NaN and does
// not count, as in R's p.adjust.
func Holm(p []float64) []float64 {
	adjusted := slices.Clone(p)
	order := make([]int, 0, len(p))
	for i, v := range p {
		if !math.IsNaN(v) {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(p[i], p[j]) })
	var least float64 // adjusted values must not fall as raw ones rise
	for rank, i := range order {
		least = math.Max(least, p[i]*float64(len(order)-rank))
		adjusted[i] = math.Min(1, least)
	}
	return adjusted
}

// Tarone tells which of the tests of one family find something at level alpha,
// and which of them could. least[i] is the smallest p-value that test i can give
// for data of its size: a test whose least p-value is above the level that the
// correction leaves can find nothing, so it takes no part in the correction (R.
// E. Tarone, A Modified Bonferroni Method for Discrete Data, Biometrics 46 (1990)
// 515-522). The correction goes down step by step, as in [Holm]: after a finding
// the others are corrected for those that remain, which keeps the chance of any
// false finding below alpha because a smaller family never has a smaller level
// (J. P. Romano and M. Wolf, Exact and Approximate Stepdown Methods for Multiple
// Hypothesis Testing, JASA 100 (2005) 94-108). A NaN is not a test.
//
// A claim whose test is not able cannot be broken by the data, and so cannot be
// supported by them either.
func Tarone(p, least []float64, alpha float64) (found, able []bool) {
	checkPaired("p-values and their least ones", len(p), len(least))
	checkLevel("alpha", alpha)
	found, able = make([]bool, len(p)), make([]bool, len(p))
	left := make([]bool, len(p))
	for i := range p {
		left[i] = !math.IsNaN(p[i]) && !math.IsNaN(least[i])
	}
	for first, more := true, true; more; first = false {
		level := alpha / float64(taroneFamily(least, left, alpha))
		more = false
		for i := range p {
			if first {
				able[i] = left[i] && least[i] <= level
			}
			if left[i] && p[i] <= level {
				found[i], left[i], more = true, false, true
			}
		}
	}
	return found, able
}

// taroneFamily is the smallest size k for which at most k of the tests that are
// left can reach alpha/k.
func taroneFamily(least []float64, left []bool, alpha float64) int {
	for k := 1; ; k++ {
		var reach int
		for i := range least {
			if left[i] && least[i] <= alpha/float64(k) {
				reach++
			}
		}
		if reach <= k {
			return k
		}
	}
}
