package inference

import (
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Group is one sample of [LogRank]: times to an event, and whether each is that
// of the event or that of censoring.
type Group struct {
	Times    []float64
	Observed []bool
}

// LogRank tests whether groups have the same survival function, and gives the
// chi-squared statistic with one degree of freedom less than there are groups,
// and its p-value (N. Mantel, Evaluation of Survival Data and Two New Rank Order
// Statistics Arising in Its Consideration, Cancer Chemotherapy Reports 50 (1966)
// 163-170; R. Peto and J. Peto, Asymptotically Efficient Rank Invariant Test
// Procedures, Journal of the Royal Statistical Society A 135 (1972) 185-207).
// Ties take the hypergeometric variance, as in R's survdiff. Groups without
// subjects do not count; NaN with fewer than two of the others, 0 and 1 if there
// is no event at all.
func LogRank(groups ...Group) (chi2, p float64) {
	var all lifetimes
	var each [][]moment
	for _, g := range groups {
		if ls := newLifetimes(g.Times, g.Observed); len(ls) > 0 {
			all, each = append(all, ls...), append(each, ls.moments())
		}
	}
	if len(each) < 2 {
		return math.NaN(), math.NaN()
	}
	excess, variance := logRankSums(all.sorted().moments(), each)
	return quadraticForm(excess, variance)
}

// logRankSums adds up, over all times with an event, what each group had more
// than its share of the events, and the covariance of that.
func logRankSums(all []moment, each [][]moment) ([]float64, *mat.SymDense) {
	k := len(each)
	excess, variance := make([]float64, k), mat.NewSymDense(k, nil)
	next := make([]int, k) // index of each group's first moment not yet past
	share := make([]float64, k)
	for _, m := range all {
		d, n := float64(m.events), float64(m.atRisk)
		for g, ms := range each {
			share[g] = 0
			if next[g] < len(ms) {
				share[g] = float64(ms[next[g]].atRisk) / n
				if ms[next[g]].time == m.time {
					excess[g] += float64(ms[next[g]].events)
					next[g]++
				}
			}
			excess[g] -= d * share[g]
		}
		if m.events == 0 || m.atRisk == 1 {
			continue
		}
		spread := d * (n - d) / (n - 1)
		for g := range each {
			for h := g; h < k; h++ {
				v := -share[g] * share[h]
				if g == h {
					v += share[g]
				}
				variance.SetSym(g, h, variance.At(g, h)+spread*v)
			}
		}
	}
	return excess, variance
}

// quadraticForm is x' V^- x with the pseudo-inverse of V: the excesses add up to
// zero, so V has at most one rank less than groups, and fewer where a group was
// never at risk of an event. Its rank is the number of degrees of freedom.
func quadraticForm(x []float64, v *mat.SymDense) (chi2, p float64) {
	var eigen mat.EigenSym
	if !eigen.Factorize(v, true) {
		return math.NaN(), math.NaN()
	}
	values := eigen.Values(nil)
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	limit := values[len(values)-1] * 1e-10
	var df int
	for i, value := range values {
		if value <= limit {
			continue
		}
		df++
		along := mat.Dot(vectors.ColView(i), mat.NewVecDense(len(x), x))
		chi2 += along * along / value
	}
	if df == 0 {
		return 0, 1
	}
	return chi2, distuv.ChiSquared{K: float64(df)}.Survival(chi2)
}
