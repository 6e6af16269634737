package inference

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/combin"
	"gonum.org/v1/gonum/stat/distuv"
)

// exactRankSum is the largest total of two samples that MannWhitney compares
// exactly. Above it the normal approximation is good to three digits.
const exactRankSum = 120

// MannWhitney is the two-sided p-value of the Mann-Whitney U test that two
// independent samples come from the same distribution (H. B. Mann and D. R.
// Whitney, On a Test of Whether One of Two Random Variables Is Stochastically
// Larger than the Other, Annals of Mathematical Statistics 18 (1947) 50-60).
// Equal values share their mean rank. Up to 120 values in all, the distribution
// of the rank sum is exact, also with ties, by the shift algorithm that
// [SignedRank] uses; above that it is the normal approximation with corrections
// for ties and continuity. Two-sided means twice the smaller tail, at most 1.
// NaN if a sample is empty, 1 if all values are equal.
//
// The test of golang.org/x/perf/benchmath is not used: with ties it doubles a tail of a
// distribution that is no longer symmetric, which gives values above 1 and
// another one when the samples are exchanged.
func MannWhitney(a, b []float64) float64 {
	a, b = keepFinite(a), keepFinite(b)
	if len(a) == 0 || len(b) == 0 {
		return math.NaN()
	}
	ranks := doubledRanks(slices.Concat(a, b), cmp.Compare[float64])
	var sum int
	for _, r := range ranks[:len(a)] {
		sum += r
	}
	if len(ranks) <= exactRankSum {
		return rankSumExact(ranks, len(a), sum)
	}
	return rankSumNormal(ranks, len(a), sum)
}

// MannWhitneyLeast is the smallest p-value that [MannWhitney] can give for n
// and m values without ties: samples that do not overlap. A test whose least
// p-value is above the level can find nothing, whatever the data say.
func MannWhitneyLeast(n, m int) float64 {
	return math.Min(1, 2/math.Exp(combin.LogGeneralizedBinomial(float64(n+m), float64(n))))
}

// rankSumExact counts how many choices of n ranks have each sum: ways[j][s] is
// the share of all choices, scaled so that the last row adds up to 1.
func rankSumExact(ranks []int, n, sum int) float64 {
	var total int
	for _, r := range ranks {
		total += r
	}
	ways := make([][]float64, n+1)
	for j := range ways {
		ways[j] = make([]float64, total+1)
	}
	ways[0][0] = 1
	for _, r := range ranks {
		for j := n; j > 0; j-- {
			for s := total; s >= r; s-- {
				ways[j][s] += ways[j-1][s-r]
			}
		}
	}
	var below, above, all float64
	for s, w := range ways[n] {
		all += w
		if s <= sum {
			below += w
		}
		if s >= sum {
			above += w
		}
	}
	return math.Min(1, 2*math.Min(below, above)/all)
}

// rankSumNormal is the approximation of R's wilcox.test. Under the null
// hypothesis n of the ranks are drawn without replacement, so the variance of
// their sum follows from the variance of all ranks, which contains the
// correction for ties.
func rankSumNormal(ranks []int, n, sum int) float64 {
	all := float64(len(ranks))
	values := make([]float64, len(ranks))
	for i, r := range ranks {
		values[i] = float64(r) / 2
	}
	mean, variance := stat.MeanVariance(values, nil)
	sd := math.Sqrt(float64(n) * (all - float64(n)) / all * variance)
	if sd == 0 {
		return 1
	}
	distance := math.Abs(float64(sum)/2-float64(n)*mean) - 0.5
	return math.Min(1, 2*distuv.UnitNormal.Survival(math.Max(0, distance)/sd))
}

// exactSignedRank is the largest sample that SignedRank computes exactly.
// Above it the normal approximation is good to two digits.
const exactSignedRank = 100

// SignedRank is the two-sided p-value of the Wilcoxon signed-rank test that
// paired differences d lie symmetrically around zero (F. Wilcoxon, Individual
// Comparisons by Ranking Methods, Biometrics Bulletin 1 (1945) 80-83). Zeros
// are left out, as Wilcoxon did; equal sizes share their mean rank. Up to 100
// differences the distribution is exact, also with ties, by the shift algorithm
// (B. Streitberg and J. Röhmel, Exact Distributions for Permutation and Rank
// Tests, Statistical Software Newsletter 12 (1986) 10-17); above that it is the
// normal approximation with corrections for ties and continuity. At least six
// differences are needed for p < 0.05, eight for p < 0.01. NaN without values,
// 1 if all are zero.
func SignedRank(d []float64) float64 {
	kept := keepFinite(d)
	if len(kept) == 0 {
		return math.NaN()
	}
	ranks, positive := signedRanks(kept)
	switch n := len(ranks); {
	case n == 0:
		return 1
	case n <= exactSignedRank:
		return signedRankExact(ranks, positive)
	default:
		return signedRankNormal(ranks, positive)
	}
}

// signedRanks gives twice the rank of each difference that is not zero, and
// twice the sum of the ranks of positive ones.
func signedRanks(d []float64) (ranks []int, positive int) {
	d = slices.DeleteFunc(slices.Clone(d), func(x float64) bool { return x == 0 })
	ranks = doubledRanks(d, func(x, y float64) int { return cmp.Compare(math.Abs(x), math.Abs(y)) })
	for i, x := range d {
		if x > 0 {
			positive += ranks[i]
		}
	}
	return ranks, positive
}

// doubledRanks gives twice the mid-rank of each value in that order: twice, so
// that shared ranks are whole numbers.
func doubledRanks(xs []float64, compare func(x, y float64) int) []int {
	order := make([]int, len(xs))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return compare(xs[i], xs[j]) })
	ranks := make([]int, len(xs))
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && compare(xs[order[j]], xs[order[i]]) == 0 {
			j++
		}
		for _, at := range order[i:j] {
			ranks[at] = i + 1 + j // twice the mean of ranks i+1 to j
		}
		i = j
	}
	return ranks
}

// signedRankExact adds the ranks one by one: after each, chance[s] is the
// probability that the positive ones so far sum to s under random signs.
func signedRankExact(ranks []int, positive int) float64 {
	var total int
	for _, r := range ranks {
		total += r
	}
	chance := make([]float64, total+1)
	chance[0] = 1
	for _, r := range ranks {
		for s := total; s >= 0; s-- {
			chance[s] /= 2
			if s >= r {
				chance[s] += chance[s-r] / 2
			}
		}
	}
	var tail float64
	for _, p := range chance[:min(positive, total-positive)+1] {
		tail += p
	}
	return math.Min(1, 2*tail)
}

// signedRankNormal is the approximation of R's wilcox.test. The variance of a
// sum of randomly signed ranks is a quarter of the sum of their squares, which
// contains the correction for ties.
func signedRankNormal(ranks []int, positive int) float64 {
	var mean, variance float64
	for _, r := range ranks {
		rank := float64(r) / 2
		mean += rank / 2
		variance += rank * rank / 4
	}
	distance := math.Abs(float64(positive)/2-mean) - 0.5
	z := math.Max(0, distance) / math.Sqrt(variance)
	return math.Min(1, 2*distuv.UnitNormal.Survival(z))
}

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
