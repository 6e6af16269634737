package inference

import (
	"cmp"
	"math"
	"slices"

	"golang.org/x/perf/benchmath"
	"gonum.org/v1/gonum/stat/distuv"
)

// MannWhitney is the two-sided p-value of the Mann-Whitney U test that two
// independent samples come from the same distribution (H. B. Mann and D. R.
// Whitney, On a Test of Whether One of Two Random Variables Is Stochastically
// Larger than the Other, Annals of Mathematical Statistics 18 (1947) 50-60),
// as [benchmath.AssumeNothing] computes it: exact for small samples, ties
// included. NaN if a sample is empty, 1 if all values are equal.
func MannWhitney(a, b []float64) float64 {
	a, b = keepFinite(a), keepFinite(b)
	if len(a) == 0 || len(b) == 0 {
		return math.NaN()
	}
	limits := &benchmath.DefaultThresholds
	return benchmath.AssumeNothing.Compare(benchmath.NewSample(a, limits), benchmath.NewSample(b, limits)).P
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
	ranks = doubledRanks(d)
	for i, x := range d {
		if x > 0 {
			positive += ranks[i]
		}
	}
	return ranks, positive
}

// doubledRanks gives twice the mid-rank of each absolute value: twice, so that
// shared ranks are whole numbers.
func doubledRanks(xs []float64) []int {
	order := make([]int, len(xs))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(math.Abs(xs[i]), math.Abs(xs[j])) })
	ranks := make([]int, len(xs))
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && math.Abs(xs[order[j]]) == math.Abs(xs[order[i]]) {
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
