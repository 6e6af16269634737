package inference

import "math"

// FisherExact is the two-sided p-value of Fisher's exact test that something
// which happened in k1 of n1 and in k2 of n2 trials has the same probability in
// both (R. A. Fisher, The Logic of Inductive Inference, Journal of the Royal
// Statistical Society 98 (1935) 39-82). Two-sided means the total probability of
// all tables with the same margins that are no more likely than the one seen,
// as in R's fisher.test (A. Agresti, A Survey of Exact Inference for Contingency
// Tables, Statistical Science 7 (1992) 131-153, section 2.1, method b). NaN for
// counts that are not k of n.
func FisherExact(k1, n1, k2, n2 int) float64 {
	if !validCount(k1, n1) || !validCount(k2, n2) {
		return math.NaN()
	}
	hits := k1 + k2
	least := max(0, hits-n2)
	probs := hypergeometric(n1, n2, hits)
	// Tables equally likely in theory differ in the last digits; R's tolerance.
	seen := probs[k1-least] * (1 + 1e-7)
	var p float64
	for _, q := range probs {
		if q <= seen {
			p += q
		}
	}
	return math.Min(p, 1)
}

// hypergeometric gives the probabilities of all possible shares that the first
// of two groups can have in a number of hits, from the least possible one up.
// The logarithms are summed from one share to the next, not taken from
// factorials, whose digits cancel for large groups.
func hypergeometric(n1, n2, hits int) []float64 {
	least, most := max(0, hits-n2), min(n1, hits)
	logs := make([]float64, most-least+1)
	var top float64
	for i := 1; i < len(logs); i++ {
		k := least + i
		odds := float64(n1-k+1) * float64(hits-k+1) / (float64(k) * float64(n2-hits+k))
		logs[i] = logs[i-1] + math.Log(odds)
		top = math.Max(top, logs[i])
	}
	var sum float64
	for i := range logs {
		logs[i] = math.Exp(logs[i] - top)
		sum += logs[i]
	}
	for i := range logs {
		logs[i] /= sum
	}
	return logs
}

// FisherLeast is the smallest p-value that [FisherExact] can give for groups of
// n1 and n2 trials with hits in all: all of them in one group, as far as it goes.
func FisherLeast(hits, n1, n2 int) float64 {
	if hits < 0 || hits > n1+n2 || n1 <= 0 || n2 <= 0 {
		return math.NaN()
	}
	most := min(n1, hits)
	least := max(0, hits-n2)
	return math.Min(FisherExact(most, n1, hits-most, n2), FisherExact(least, n1, hits-least, n2))
}
