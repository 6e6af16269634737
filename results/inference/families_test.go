package inference

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// Twenty-four comparisons of 6 rounds against 6: the least p-value is 0.00216, so
// Holm's correction can find nothing at 5 %, and neither can Tarone's. It says
// which tests are not able. With 8 rounds against 8 all are.
func TestTaroneSaysWhatCannotFire(t *testing.T) {
	for _, tt := range []struct {
		n    int
		able bool
	}{{6, false}, {8, true}} {
		least := MannWhitneyLeast(tt.n, tt.n)
		var p, leasts []float64
		for range 24 {
			p, leasts = append(p, least), append(leasts, least)
		}
		found, able := Tarone(p, leasts, 0.05)
		for i := range p {
			if able[i] != tt.able || found[i] != tt.able {
				t.Fatalf("%d against %d: test %d able %v, found %v, want %v", tt.n, tt.n, i, able[i], found[i], tt.able)
			}
		}
	}
}

// Tests of 0 of n against 0 of n have p = 1 whatever happens: with them in the
// family one real difference goes under, without them it is found.
func TestTaroneDropsTestsWithoutEvents(t *testing.T) {
	p, least := []float64{FisherExact(1, 10, 10, 10)}, []float64{FisherLeast(11, 10, 10)}
	for range 839 {
		p, least = append(p, 1), append(least, FisherLeast(0, 10, 10))
	}
	if Holm(p)[0] < 0.05 {
		t.Fatal("Holm finds it: the example shows nothing")
	}
	found, able := Tarone(p, least, 0.05)
	if !found[0] || !able[0] || found[1] || able[1] {
		t.Errorf("1 of 10 against 10 of 10 in a family of 840: found %v, able %v; 0 against 0: found %v, able %v",
			found[0], able[0], found[1], able[1])
	}
}

// Where every test can reach any level, Tarone's correction finds what Holm's
// does; and it never finds less.
func TestTaroneAgainstHolm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SliceOfN(rapid.Float64Range(0, 0.2), 1, 30).Draw(t, "p")
		zeros := make([]float64, len(p))
		least := make([]float64, len(p))
		for i := range p {
			least[i] = rapid.Float64Range(0, p[i]).Draw(t, "least")
		}
		holm := Holm(p)
		plain, _ := Tarone(p, zeros, 0.05)
		found, _ := Tarone(p, least, 0.05)
		for i := range p {
			// Holm's adjusted value may round to either side of the level.
			if math.Abs(holm[i]-0.05) > 1e-9 && plain[i] != (holm[i] < 0.05) {
				t.Fatalf("test %d: Holm %v, Tarone %v", i, holm[i], plain[i])
			}
			if holm[i] < 0.05-1e-9 && !found[i] {
				t.Fatalf("test %d: Holm finds it at %v, Tarone does not", i, holm[i])
			}
		}
	})
}

// The chance of any false finding in a family of discrete tests stays below the
// level, here 40 comparisons of counts, some of them too small to matter.
func TestTaroneKeepsTheLevel(t *testing.T) {
	const families = 2000
	random := newRand(t)
	binomial := func(n int, p float64) (k int) {
		for range n {
			if random.Float64() < p {
				k++
			}
		}
		return k
	}
	var wrong int
	for range families {
		var p, least []float64
		for i := range 40 {
			n := 5 + 5*(i%6)
			rate := []float64{0.01, 0.1, 0.4}[i%3]
			k1, k2 := binomial(n, rate), binomial(n, rate)
			p, least = append(p, FisherExact(k1, n, k2, n)), append(least, FisherLeast(k1+k2, n, n))
		}
		found, _ := Tarone(p, least, 0.05)
		for _, f := range found {
			if f {
				wrong++
				break
			}
		}
	}
	if high := Proportion(wrong, families, 0.999).Low; high > 0.05 {
		t.Errorf("%d of %d families have a false finding", wrong, families)
	}
}

// The figures of the plan, and the family-wise error of its rule: cells that are
// damaged in 5 % of their lives, as many as they may be, in one part or in three.
// Cells that are damaged in most of their lives do not change it.
func TestFamilyOfCells(t *testing.T) {
	for late, want := range map[int]int{0: 61, 1: 77, 2: 85, 3: 91, 5: 100, 10: 112, 20: 124, 50: 142} {
		if got := LivesForFamily(late, 1, 0.05); got != want {
			t.Errorf("%d late cells: %d lives, want %d", late, got, want)
		}
	}
	const maps = 20000
	for _, parts := range []int{1, 3} {
		for _, cells := range []int{1, 3, 10, 100} {
			for _, often := range []int{0, 30} {
				random := newRand(t)
				var missed int
				for range maps {
					left := 0
					for part := range parts {
						left += missedCells(random, parts, (cells+part)/parts, often)
					}
					missed += min(1, left)
				}
				if low := Proportion(missed, maps, 0.999).Low; low > 0.05 {
					t.Errorf("%d cells at 5 %% in %d parts, %d at 80 %%: in %d of %d maps one is called bounded", cells, parts, often, missed, maps)
				}
			}
		}
	}
}

// missedCells is how many cells one part calls bounded, of those that are damaged
// in 5 % of their lives, and of often ones that are in 80 %.
func missedCells(random *rand.Rand, parts, cells, often int) int {
	var first []int // the life in which a cell is first damaged
	for i := range cells + often {
		survives := 0.95
		if i >= cells {
			survives = 0.2
		}
		first = append(first, 1+int(math.Log(1-random.Float64())/math.Log(survives)))
	}
	lives, late := 0, 0
	for next := LivesForFamily(0, parts, 0.05); next > lives; next = LivesForFamily(late, parts, 0.05) {
		lives, late = next, 0
		for _, f := range first {
			if f >= LateLife && f <= lives {
				late++
			}
		}
	}
	missed := 0
	for _, f := range first {
		if f > lives {
			missed++
		}
	}
	return missed
}

// The bound per attempt covers the truth also where lives differ: one in five at
// risk, the others not, and a damaged life ends.
func TestFirstDamageCovers(t *testing.T) {
	const plans, lives, length = 4000, 40, 400
	for _, share := range []float64{1, 0.2} {
		random := newRand(t)
		risk := 0.0004
		var covered int
		for range plans {
			var damaged int
			var attempts float64
			for range lives {
				if at := random.ExpFloat64() / risk; random.Float64() < share && at < length {
					damaged++
					attempts += at
				} else {
					attempts += length
				}
			}
			// The average risk of an attempt over a life of that length.
			truth := share * -math.Expm1(-risk*length) / length
			if FirstDamage(damaged, attempts, 0.95).High >= truth {
				covered++
			}
		}
		if high := Proportion(covered, plans, 0.999).High; high < 0.95 {
			t.Errorf("%g of lives at risk: covered in %d of %d plans", share, covered, plans)
		}
	}
}

// How many times rarer a fix without damage is than the control is at most as wrong
// as it says: over all true ratios, a bound that is too low is given in 5 % of cases.
func TestRarerCovers(t *testing.T) {
	const runs = 20000
	for _, damaged := range []int{1, 3, 10} {
		for _, truth := range []float64{0.01, 0.1, 1} {
			random := newRand(t)
			wrong := 0
			for range runs {
				control := 0.0
				for range damaged {
					control += random.ExpFloat64()
				}
				attempts := 1 / truth // so few that damage is often missed: then the bound has to be wide
				none := random.ExpFloat64()/truth > attempts
				if none && Rarer(attempts, damaged, control, 0.95) < truth {
					wrong++
				}
			}
			if low := Proportion(wrong, runs, 0.999).Low; low > 0.05 {
				t.Errorf("%d damaged lives of the control, ratio %g: too low in %d of %d", damaged, truth, wrong, runs)
			}
		}
	}
}
