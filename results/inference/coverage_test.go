package inference

import (
	"fmt"
	"math"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

// What the doc comments say about intervals and tests, on data whose truth is
// known.

func TestPairedRatioCoverage(t *testing.T) {
	r := newRand(t)
	for _, noise := range []float64{0.05, 0.20} {
		for _, rounds := range []int{5, 8, 12, 20, 30} {
			for _, effect := range []float64{1, 0.99, 0.98, 0.95} {
				m := &machine{Rand: r, noise: noise, stalls: 0.05}
				var c covers
				for range simulations {
					y := m.rounds(rounds, effect, 1)
					c.add(PairedRatio(y[0], y[1], 0.95).Interval, effect)
				}
				c.within(t, fmt.Sprintf("noise %v, %d rounds, effect %v", noise, rounds, effect), 0.93, 0.97)
			}
		}
	}
}

// An interval that covers is worth little if it is wide: from eight rounds on,
// stalls in one trial of twenty must not hide an effect of 5 %.
func TestPairedRatioFindsEffects(t *testing.T) {
	m := &machine{Rand: newRand(t), noise: 0.02, stalls: 0.05}
	var found int
	for range simulations {
		y := m.rounds(12, 0.95, 1)
		if e := PairedRatio(y[0], y[1], 0.95); e.High < 1 {
			found++
		}
	}
	if share := float64(found) / simulations; share < 0.8 {
		t.Errorf("an effect of 5 %% was found in %.1f %% of 12-round experiments, want 80 %% at least", 100*share)
	}
}

// The same program under several names: nothing may be found more often than
// the level says, in one comparison or in a corrected table.
func TestNothingFoundInAA(t *testing.T) {
	const rounds, strategies = 10, 7
	m := &machine{Rand: newRand(t), noise: 0.10, stalls: 0.05}
	var byInterval, byRank, byU, tables int
	for range simulations {
		y := m.rounds(rounds, 1, 1, 1, 1, 1, 1, 1)
		var p []float64
		for _, other := range y[1:] {
			p = append(p, SignedRank(LogRatios(other, y[0])))
		}
		for _, adjusted := range Holm(p) {
			if adjusted < 0.05 {
				tables++
				break
			}
		}
		if !PairedRatio(y[1], y[0], 0.95).Contains(1) {
			byInterval++
		}
		if p[0] < 0.05 {
			byRank++
		}
		if MannWhitney(y[1], y[0]) < 0.05 {
			byU++
		}
	}
	wantSeldom(t, "interval without 1", byInterval, simulations, 0.07)
	wantSeldom(t, "signed rank below 0.05", byRank, simulations, 0.06)
	wantSeldom(t, "Mann-Whitney below 0.05", byU, simulations, 0.06)
	wantSeldom(t, "any of a table below 0.05 after Holm", tables, simulations, 0.06)
}

// Programs that differ by just the margin are not to be called equivalent, nor
// one that is as slow as allowed to be called faster than that.
func TestEquivalenceAtItsMargin(t *testing.T) {
	r := newRand(t)
	for _, rounds := range []int{5, 10, 20} {
		m := &machine{Rand: r, noise: 0.03, stalls: 0.05}
		var equal, above, same int
		for range simulations {
			y := m.rounds(rounds, 1/1.05, 1, 1)
			if ok, _ := Equivalent(y[0], y[1], 0.05, 0.05); ok {
				equal++
			}
			if RatioAbove(y[0], y[1], 1/1.05) < 0.05 {
				above++
			}
			if ok, _ := Equivalent(y[1], y[2], 0.05, 0.05); ok {
				same++
			}
		}
		what := fmt.Sprintf("%d rounds: ", rounds)
		wantSeldom(t, what+"equivalent at the margin", equal, simulations, 0.07)
		wantSeldom(t, what+"above the bound", above, simulations, 0.07)
		if rounds == 20 && same < simulations*6/10 {
			t.Errorf("equal programs called equivalent in %d of %d cases, want 60 %% at least", same, simulations)
		}
	}
}

func TestRateCoverage(t *testing.T) {
	tests := []struct {
		name   string
		of     func(rate float64) process
		rate   float64
		trials []int
	}{
		{"one by one", singly, 1, []int{6, 20}},
		{"one by one", singly, 20, []int{6}},
		{"trials of shape 0.3", func(r float64) process { return unlikeTrials(r, 0.3) }, 50, []int{6, 12}},
		{"trials of shape 0.5", func(r float64) process { return unlikeTrials(r, 0.5) }, 5, []int{6, 8, 20}},
		{"trials of shape 1", func(r float64) process { return unlikeTrials(r, 1) }, 50, []int{6, 8, 20}},
		{"trials of shape 3", func(r float64) process { return unlikeTrials(r, 3) }, 5, []int{6, 20}},
		{"clusters of 3", func(r float64) process { return clustered(r, 3) }, 15, []int{6, 12}},
		{"clusters of 10", func(r float64) process { return clustered(r, 10) }, 5, []int{6, 8, 20}},
		{"clusters of 10", func(r float64) process { return clustered(r, 10) }, 20, []int{6, 12}},
		{"clusters of 30", func(r float64) process { return clustered(r, 30) }, 60, []int{6, 20}},
	}
	m := &machine{Rand: newRand(t), noise: 0.2, stalls: 0.05}
	for _, tt := range tests {
		for _, trials := range tt.trials {
			for _, effect := range []float64{1.01, 1.02, 1.05} {
				rate := tt.rate * effect
				c := m.rateCoverage(trials, rate, tt.of(rate))
				// Counts are discrete, and exact limits of them cover more.
				c.within(t, fmt.Sprintf("%s, rate %.2f, %d trials", tt.name, rate, trials), 0.93, 1)
			}
		}
	}
}

// rateCoverage takes the exposures from the drifting machine: a slow trial makes
// fewer handshakes.
func (m *machine) rateCoverage(trials int, rate float64, events process) *covers {
	var c covers
	seen := make([]float64, trials)
	for range simulations {
		exposure := m.rounds(trials, 1)[0]
		for i := range seen {
			seen[i] = events(m.Rand, exposure[i])
		}
		c.add(Rate(seen, exposure, 0.95).Interval, rate)
	}
	return &c
}

// The limit that Rate's doc comment names: where all trials miss the clusters more
// than one time in twenty, no interval from these trials can hold.
func TestRateLimit(t *testing.T) {
	m := &machine{Rand: newRand(t)}
	few := m.rateCoverage(6, 3, clustered(3, 10))
	if share := float64(few.held) / float64(few.all); share > 0.93 {
		t.Errorf("coverage %.1f %% with two clusters in six trials: the doc comment is too modest", 100*share)
	}
}

// Exact, without simulation: the probability of all k whose interval holds p.
func TestProportionCoverage(t *testing.T) {
	for _, n := range []int{1, 5, 20, 59} {
		intervals := make([]Interval, n+1)
		for k := range intervals {
			intervals[k] = Proportion(k, n, 0.95).Interval
		}
		for p := 0.005; p < 1; p += 0.005 {
			var covered, bounded float64
			for k, i := range intervals {
				chance := distuv.Binomial{N: float64(n), P: p}.Prob(float64(k))
				if i.Contains(p) {
					covered += chance
				}
				if p <= ProportionUpper(k, n, 0.95) {
					bounded += chance
				}
			}
			if covered < 0.95-1e-9 || bounded < 0.95-1e-9 {
				t.Fatalf("n=%d, p=%.3f: interval holds with %.4f, upper bound with %.4f", n, p, covered, bounded)
			}
		}
	}
}

func TestMedianCoverage(t *testing.T) {
	r := newRand(t)
	for _, n := range []int{6, 10, 11, 20, 50} {
		var c covers
		xs := make([]float64, n)
		for range simulations {
			for i := range xs {
				xs[i] = r.ExpFloat64()
			}
			c.add(Median(xs, 0.95).Interval, math.Ln2)
		}
		c.within(t, fmt.Sprintf("median of %d", n), 0.94, 0.99)
	}
}
