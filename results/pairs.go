package results

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"tlsbench/results/inference"
)

// pairs are values of two strategies from the same rounds.
type pairs struct {
	a, b     []float64
	unpaired int // values of a that have no partner
	lone     int // values of b that have none
}

// pair matches values by round. A round that has several values of one cell,
// as plain "go test -count" output has, is matched in their order.
func pair(a, b *columns, unit string) pairs {
	var p pairs
	x, y := a.byRound(unit), b.byRound(unit)
	j := 0
	for _, v := range x {
		for j < len(y) && y[j].compare(v) < 0 {
			j++
		}
		if j < len(y) && y[j].compare(v) == 0 {
			p.a, p.b = append(p.a, v.value), append(p.b, y[j].value)
		}
	}
	p.unpaired = len(x) - len(p.a)
	p.lone = len(y) - len(p.b)
	return p
}

// point is one value and where it belongs.
type point struct {
	key   roundKey
	turn  int // how many trials of this round came before
	value float64
}

func (p point) compare(q point) int {
	return cmp.Or(p.key.compare(q.key), cmp.Compare(p.turn, q.turn))
}

func (k roundKey) compare(o roundKey) int {
	return cmp.Or(cmp.Compare(k.file, o.file), cmp.Compare(k.round, o.round))
}

func (c *columns) byRound(unit string) []point {
	return slices.SortedFunc(slices.Values(c.values[unit]), point.compare)
}

// minSignedRank is the number of rounds below which no signed-rank test is
// made: with fewer than eight even the clearest difference, p = 2/2^n, does
// not survive the correction for the six other strategies of a table.
const minSignedRank = 8

// signedRankRounds is the number of rounds from which a signed-rank test can
// find anything after the correction for that many tests: the smallest p-value
// of n rounds is 2/2^n.
func signedRankRounds(tests int, alpha float64) int {
	n := 1
	for float64(tests)*math.Ldexp(2, -n) >= alpha {
		n++
	}
	return n
}

// Ratio is one strategy's cost in relation to that of the baseline, paired by
// round.
type Ratio struct {
	Figure
	// P is the p-value of a signed-rank test that there is no difference, and
	// Adjusted is P corrected for all strategies of all tables (Holm). Both are
	// NaN with fewer than 8 rounds.
	P, Adjusted float64
	// Same says that the two were shown to differ by less than the margin (two
	// one-sided tests, corrected as P is), in 6 rounds at least: with fewer the
	// claim would rest on the shape of the distribution alone. Not the same and not
	// different means: not known.
	Same bool
	// Rounds are the ratios that it is estimated from, in ascending order.
	Rounds []float64

	same float64 // the p-value of Same, before the correction
}

func (p pairs) estimate(o Options) Figure {
	return figure(inference.PairedRatio(p.a, p.b, o.Confidence)).ofMore("rounds")
}

func (p pairs) ratio(o Options) Ratio {
	r := Ratio{Figure: p.estimate(o), P: math.NaN(), Adjusted: math.NaN(), same: math.NaN()}
	for i, b := range p.b {
		if b > 0 {
			r.Rounds = append(r.Rounds, p.a[i]/b)
		}
	}
	slices.Sort(r.Rounds)
	if p.unpaired > 0 {
		r.Warnings = append(r.Warnings, fmt.Sprintf("%d of %d rounds have no partner", p.unpaired, p.unpaired+len(p.a)))
	}
	if r.N == 0 {
		return r
	}
	if p.lone > 0 {
		r.Warnings = append(r.Warnings, fmt.Sprintf("%d of the baseline's %d rounds have no value of it", p.lone, p.lone+len(p.b)))
	}
	if r.N >= minRounds {
		_, r.same = inference.Equivalent(p.a, p.b, o.Margin, 1-o.Confidence)
	}
	if r.N < minSignedRank {
		r.Warnings = append(r.Warnings, fmt.Sprintf("%d rounds: too few to test for a difference, need %d", r.N, minSignedRank))
		return r
	}
	r.P = inference.SignedRank(inference.LogRatios(p.a, p.b))
	return r
}

// Differs reports whether a difference was shown, the other strategies of the
// table taken into account.
func (r Ratio) Differs(alpha float64) bool { return r.Adjusted < alpha }
