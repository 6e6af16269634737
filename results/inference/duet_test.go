package inference

import (
	"math"
	"math/rand/v2"
	"testing"
)

// duetMachine makes the log ratios of a duet: process pairs differ by layout,
// blocks by noise, and some blocks are hit by a burst.
type duetMachine struct {
	*rand.Rand
	layout, noise, bursts float64
}

func (m *duetMachine) pair(effect float64) []float64 {
	b := effect + m.layout*m.NormFloat64()
	blocks := make([]float64, 22)
	for i := range blocks {
		blocks[i] = b + m.noise*m.NormFloat64()
		if m.Float64() < m.bursts {
			blocks[i] += 0.3 * (m.Float64() - 0.5)
		}
	}
	return blocks
}

// comparison makes pairs until the rule says that they are enough.
func (m *duetMachine) comparison(effect float64) (ratios, ones []float64) {
	var pairs []float64
	for !DuetDone(pairs) {
		pairs = append(pairs, DuetPair(m.pair(effect)))
		ratios, ones = append(ratios, math.Exp(pairs[len(pairs)-1])), append(ones, 1)
	}
	return ratios, ones
}

// The rule that ends a comparison must not spoil what is said afterwards: the
// interval covers, "equivalent" is seldom wrong at the margin and mostly found
// without a difference, and a difference of 1 % is found.
func TestDuetRule(t *testing.T) {
	const margin, comparisons = 0.005, simulations / 2
	for _, conditions := range []struct {
		name                  string
		layout, noise, bursts float64
	}{
		{"quiet", 0.004, 0.008 / math.Sqrt2, 0},
		{"load 6", 0.004, 0.056 / math.Sqrt2, 0.05},
	} {
		m := &duetMachine{newRand(t), conditions.layout, conditions.noise, conditions.bursts}
		var c covers
		var wrong, same, found, pairs int
		for range comparisons {
			ratios, ones := m.comparison(math.Log1p(margin))
			c.add(PairedRatio(ratios, ones, 0.95).Interval, 1+margin)
			if yes, _ := Equivalent(ratios, ones, margin, 0.05); yes {
				wrong++
			}
			ratios, ones = m.comparison(0)
			pairs += len(ratios)
			if yes, _ := Equivalent(ratios, ones, margin, 0.05); yes {
				same++
			}
			ratios, ones = m.comparison(math.Log1p(0.01))
			if PairedRatio(ratios, ones, 0.95).Low > 1 {
				found++
			}
		}
		c.within(t, conditions.name, 0.93, 0.97)
		n := float64(comparisons)
		t.Logf("%s: equivalent wrongly %.1f %%, rightly %.1f %%, 1 %% found %.1f %%, %.0f pairs", conditions.name,
			100*float64(wrong)/n, 100*float64(same)/n, 100*float64(found)/n, float64(pairs)/n)
		if float64(wrong)/n > 0.07 || float64(same)/n < 0.95 || float64(found)/n < 0.95 {
			t.Errorf("%s: at the margin called equivalent in %d of %d, without a difference in %d, 1 %% found in %d",
				conditions.name, wrong, comparisons, same, found)
		}
	}
}

// Why the pair is the unit: blocks taken as independent cover far too seldom.
func TestDuetBlocksAreNotIndependent(t *testing.T) {
	m := &duetMachine{newRand(t), 0.004, 0.008 / math.Sqrt2, 0}
	var c covers
	for range simulations {
		var ratios, ones []float64
		for range DuetFirst {
			for _, b := range m.pair(0) {
				ratios, ones = append(ratios, math.Exp(b)), append(ones, 1)
			}
		}
		c.add(PairedRatio(ratios, ones, 0.95).Interval, 1)
	}
	c.within(t, "blocks pooled", 0.2, 0.8)
}

func TestDuetComponents(t *testing.T) {
	m := &duetMachine{newRand(t), 0.004, 0.01, 0}
	var pairs [][]float64
	for range 400 {
		pairs = append(pairs, m.pair(0.02))
	}
	got := DuetComponents(pairs)
	if math.Abs(got.Between-0.004) > 0.0006 || math.Abs(got.Within-0.01) > 0.0006 || math.Abs(got.Lag1) > 0.1 {
		t.Errorf("components %+v, want 0.004, 0.01 and about no correlation", got)
	}
	if none := DuetComponents(pairs[:1]); !math.IsNaN(none.Between) {
		t.Errorf("one pair has components: %+v", none)
	}
}
