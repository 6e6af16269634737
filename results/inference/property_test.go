package inference

import (
	"math"
	"math/bits"
	"slices"
	"testing"

	"github.com/montanaflynn/stats"
	"pgregory.net/rapid"
)

var level = rapid.Float64Range(0.5, 0.999)

// needsInterval fails unless the interval holds the value and, at a higher
// confidence, everything it held before.
func needsInterval(t *rapid.T, narrow, wide Estimate) {
	if !narrow.Contains(narrow.Value) {
		t.Fatalf("%v is not in its interval %v", narrow.Value, narrow.Interval)
	}
	const slack = 1e-9
	if wide.Low > narrow.Low+slack*math.Abs(narrow.Low) || wide.High < narrow.High-slack*math.Abs(narrow.High) {
		t.Fatalf("interval %v of a higher confidence does not hold %v", wide.Interval, narrow.Interval)
	}
}

func levels(t *rapid.T) (low, high float64) {
	a, b := level.Draw(t, "confidence"), level.Draw(t, "confidence")
	return min(a, b), max(a, b)
}

func TestProportionProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 5000).Draw(t, "n")
		k := rapid.IntRange(0, n).Draw(t, "k")
		low, high := levels(t)
		e := Proportion(k, n, low)
		needsInterval(t, e, Proportion(k, n, high))
		if k < n {
			more := Proportion(k+1, n, low)
			if more.Low <= e.Low || (k+1 < n && more.High <= e.High) {
				t.Fatalf("%d of %d: %v, one more: %v", k, n, e.Interval, more.Interval)
			}
		}
		mirror := Proportion(n-k, n, low)
		if math.Abs(mirror.Low-(1-e.High)) > 1e-9 || math.Abs(mirror.High-(1-e.Low)) > 1e-9 {
			t.Fatalf("%d of %d: %v, mirrored: %v", k, n, e.Interval, mirror.Interval)
		}
		if upper := ProportionUpper(k, n, low); upper > e.High+1e-12 || upper < e.Value {
			t.Fatalf("one-sided bound %v, two-sided %v", upper, e.Interval)
		}
	})
}

func TestTrialsForProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bound, confidence := rapid.Float64Range(0.001, 0.5).Draw(t, "bound"), level.Draw(t, "confidence")
		n := TrialsFor(bound, confidence)
		if upper := ProportionUpper(0, n, confidence); upper > bound*(1+1e-9) {
			t.Fatalf("%d trials give %v", n, upper)
		}
		if n > 1 && ProportionUpper(0, n-1, confidence) <= bound*(1-1e-9) {
			t.Fatalf("%d trials would do, got %d", n-1, n)
		}
	})
}

func TestRateProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 30).Draw(t, "trials")
		events, exposure := make([]float64, n), make([]float64, n)
		for i := range events {
			events[i] = float64(rapid.OneOf(rapid.Just(0), rapid.IntRange(0, 20), rapid.IntRange(0, 1e6)).Draw(t, "events"))
			exposure[i] = rapid.Float64Range(0.01, 100).Draw(t, "exposure")
		}
		low, high := levels(t)
		e := Rate(events, exposure, low)
		needsInterval(t, e, Rate(events, exposure, high))
		if math.IsNaN(e.Low) || math.IsNaN(e.High) {
			t.Fatalf("interval %v", e.Interval)
		}
		alone := Rate([]float64{sum(events)}, []float64{sum(exposure)}, low)
		if e.Low > alone.Low*(1+1e-9) || e.High < alone.High*(1-1e-9) {
			t.Fatalf("interval %v of trials is narrower than %v of single events", e.Interval, alone.Interval)
		}
		slices.Reverse(events)
		slices.Reverse(exposure)
		if r := Rate(events, exposure, low); math.Abs(r.High-e.High) > 1e-6*e.High {
			t.Fatalf("order of trials matters: %v, %v", e.Interval, r.Interval)
		}
	})
}

func sum(xs []float64) (s float64) {
	for _, x := range xs {
		s += x
	}
	return s
}

var throughputs = rapid.SliceOfN(rapid.Float64Range(1, 1e6), 2, 40)

func pairs(t *rapid.T) (a, b []float64) {
	a = throughputs.Draw(t, "a")
	b = rapid.SliceOfN(rapid.Float64Range(1, 1e6), len(a), len(a)).Draw(t, "b")
	return a, b
}

func TestPairedRatioProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := pairs(t)
		low, high := levels(t)
		e := PairedRatio(a, b, low)
		needsInterval(t, e, PairedRatio(a, b, high))
		back := PairedRatio(b, a, low)
		if math.Abs(math.Log(back.Low*e.High)) > 1e-6 || math.Abs(math.Log(back.Value*e.Value)) > 1e-6 {
			t.Fatalf("a/b: %+v, b/a: %+v", e, back)
		}
		// What is common to a round must not matter.
		for i := range a {
			factor := rapid.Float64Range(0.1, 10).Draw(t, "drift")
			a[i], b[i] = a[i]*factor, b[i]*factor
		}
		if d := PairedRatio(a, b, low); math.Abs(math.Log(d.High/e.High)) > 1e-6 {
			t.Fatalf("drift changed %v to %v", e.Interval, d.Interval)
		}
	})
}

// The tests say what the interval says.
func TestEquivalenceIsTheInterval(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := pairs(t)
		alpha := rapid.Float64Range(0.001, 0.4).Draw(t, "alpha")
		margin := rapid.Float64Range(0.001, 100).Draw(t, "margin")
		e := PairedRatio(a, b, 1-2*alpha)
		equal, p := Equivalent(a, b, margin, alpha)
		if within := e.Low > 1/(1+margin) && e.High < 1+margin; equal != within && math.Abs(p-alpha) > 1e-9 {
			t.Fatalf("equivalent %v (p=%v) but the interval is %v", equal, p, e.Interval)
		}
		if p := RatioAbove(a, b, 1/(1+margin)); (p < alpha) != (e.Low > 1/(1+margin)) && math.Abs(p-alpha) > 1e-9 {
			t.Fatalf("above with p=%v but the interval is %v", p, e.Interval)
		}
		if back, q := Equivalent(b, a, margin, alpha); math.Abs(p-q) > 1e-6 || (back != equal && math.Abs(p-alpha) > 1e-6) {
			t.Fatalf("a to b: %v, b to a: %v", p, q)
		}
	})
}

func TestMedianProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		xs := rapid.SliceOfN(rapid.Float64Range(-1e6, 1e6), 1, 60).Draw(t, "xs")
		low, high := levels(t)
		narrow, wide := Median(xs, low), Median(xs, high)
		needsInterval(t, narrow, wide)
		if m, err := stats.Median(xs); err != nil || math.Abs(m-narrow.Value) > 1e-9*math.Abs(m)+1e-9 {
			t.Fatalf("median %v, another library's %v, %v", narrow.Value, m, err)
		}
	})
}

func TestHolmProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SliceOf(rapid.Float64Range(0, 1)).Draw(t, "p")
		adjusted := Holm(p)
		for i := range p {
			if adjusted[i] < p[i] || adjusted[i] > 1 {
				t.Fatalf("%v became %v", p[i], adjusted[i])
			}
			for j := range p {
				if p[i] < p[j] && adjusted[i] > adjusted[j] {
					t.Fatalf("order of %v and %v was reversed: %v, %v", p[i], p[j], adjusted[i], adjusted[j])
				}
			}
		}
	})
}

func TestFisherProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n1, n2 := rapid.IntRange(1, 300).Draw(t, "n1"), rapid.IntRange(1, 300).Draw(t, "n2")
		k1, k2 := rapid.IntRange(0, n1).Draw(t, "k1"), rapid.IntRange(0, n2).Draw(t, "k2")
		p := FisherExact(k1, n1, k2, n2)
		if !(p > 0 && p <= 1) {
			t.Fatalf("p=%v", p)
		}
		for _, q := range []float64{FisherExact(k2, n2, k1, n1), FisherExact(n1-k1, n1, n2-k2, n2)} {
			if math.Abs(p-q) > 1e-9 {
				t.Fatalf("p=%v, of the same table turned: %v", p, q)
			}
		}
	})
}

// All 2^n signings, counted one by one: an implementation that shares nothing
// with the shift algorithm, ties and zeros included.
func TestSignedRankByEnumeration(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		small := rapid.SliceOfN(rapid.IntRange(-4, 4), 1, 10).Draw(t, "d")
		d := make([]float64, len(small))
		for i, x := range small {
			d[i] = float64(x)
		}
		if got, want := SignedRank(d), enumeratedSignedRank(d); math.Abs(got-want) > 1e-12 {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

func enumeratedSignedRank(d []float64) float64 {
	d = slices.DeleteFunc(slices.Clone(d), func(x float64) bool { return x == 0 })
	ranks := make([]float64, len(d))
	var seen, total float64
	for i, x := range d {
		for _, y := range d {
			if math.Abs(y) < math.Abs(x) {
				ranks[i]++
			} else if math.Abs(y) == math.Abs(x) {
				ranks[i] += 0.5
			}
		}
		ranks[i] += 0.5
		total += ranks[i]
		if x > 0 {
			seen += ranks[i]
		}
	}
	distance := math.Abs(seen - total/2)
	var asFar int
	for signs := range uint(1) << len(d) {
		var positive float64
		for rest := signs; rest != 0; rest &= rest - 1 {
			positive += ranks[bits.TrailingZeros(rest)]
		}
		if math.Abs(positive-total/2) >= distance-1e-9 {
			asFar++
		}
	}
	return float64(asFar) / float64(uint(1)<<len(d))
}

func TestKaplanMeierProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(t, "n")
		times, observed := make([]float64, n), make([]bool, n)
		for i := range times {
			times[i] = float64(rapid.IntRange(0, 20).Draw(t, "time"))
			observed[i] = rapid.Bool().Draw(t, "observed")
		}
		c := KaplanMeier(times, observed, 0.95)
		last := 1.0
		for _, s := range c.Steps {
			if s.Survival >= last || !s.Contains(s.Survival) || s.Low < 0 || s.High > 1 {
				t.Fatalf("step %+v after survival %v", s, last)
			}
			last = s.Survival
		}
		if c.Events+len(c.Censored) != n {
			t.Fatalf("%d subjects gave %+v", n, c)
		}
		for i := range observed {
			observed[i] = true
		}
		// Without censoring the curve is the share of longer times.
		all, at := KaplanMeier(times, observed, 0.95), times[0]
		var longer float64
		for _, x := range times {
			if x > at {
				longer++
			}
		}
		if got := all.At(at); math.Abs(got-longer/float64(n)) > 1e-9 {
			t.Fatalf("survival past %v is %v, but %v of %d are longer", at, got, longer, n)
		}
	})
}
