package inference

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// Expected values are printed output of R 4.2.2 with package survival 3.5-3,
// unless a test names another source. R's own calls appear next to them.

func wantNear(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !cmp.Equal(got, want, cmpopts.EquateApprox(tolerance, 0), cmpopts.EquateNaNs()) {
		t.Errorf("%s: got %.12g, want %.12g", what, got, want)
	}
}

func TestProportionAsBinomTest(t *testing.T) {
	tests := []struct {
		k, n       int
		confidence float64
		low, high  float64
	}{
		// Mendelian inheritance, Conover (1971) p. 97: the example of ?binom.test.
		{682, 925, 0.95, 0.7076682641, 0.7654065582},
		{9, 24, 0.95, 0.1879929282, 0.5940636160},
		{1, 1497, 0.90, 3.42634707e-05, 3.1649543450e-03},
		{5, 100000, 0.95, 1.623505682e-05, 1.166794304e-04},
		{0, 10, 0.95, 0, 0.3084971078},
		{10, 10, 0.95, 0.6915028922, 1},
		{0, 1, 0.95, 0, 0.975},
		{1, 1, 0.95, 0.025, 1},
	}
	for _, tt := range tests {
		e := Proportion(tt.k, tt.n, tt.confidence)
		wantNear(t, "low", e.Low, tt.low, 1e-8)
		wantNear(t, "high", e.High, tt.high, 1e-8)
		wantNear(t, "value", e.Value, float64(tt.k)/float64(tt.n), 0)
	}
}

// binom.test(..., alternative = "less")
func TestProportionUpper(t *testing.T) {
	wantNear(t, "0 of 58", ProportionUpper(0, 58, 0.95), 0.05033933833, 1e-9)
	wantNear(t, "0 of 59", ProportionUpper(0, 59, 0.95), 0.04950760989, 1e-9)
	if n := TrialsFor(0.05, 0.95); n != 59 {
		t.Errorf("trials for 5 %% at 95 %%: %d, want 59", n)
	}
	wantNear(t, "3 of 10", ProportionUpper(3, 10, 0.95), 0.6066242161, 1e-9)
	wantNear(t, "4 of 4", ProportionUpper(4, 4, 0.95), 1, 0)
}

// One trial has no spread, so Rate is poisson.test.
func TestRateAsPoissonTest(t *testing.T) {
	tests := []struct {
		events, exposure, confidence float64
		low, high                    float64
	}{
		// Welsh nickel workers: the example of ?poisson.test.
		{137, 24.19893, 0.95, 4.753124805, 6.692709334},
		{3, 2.5, 0.90, 0.3270765789, 3.1014626112},
		{1, 1, 0.95, 0.02531780798, 5.57164339094},
		{0, 10, 0.95, 0, 0.3688879454},
	}
	for _, tt := range tests {
		e := Rate([]float64{tt.events}, []float64{tt.exposure}, tt.confidence)
		wantNear(t, "low", e.Low, tt.low, 1e-8)
		wantNear(t, "high", e.High, tt.high, 1e-8)
		wantNear(t, "value", e.Value, tt.events/tt.exposure, 0)
	}
}

// The formulas of Rate's doc comment, written in R with qgamma.
func TestRateOfClusters(t *testing.T) {
	ones := []float64{1, 1, 1, 1, 1, 1}
	e := Rate([]float64{0, 12, 3, 0, 40, 1}, []float64{1.1, 0.9, 1, 1.2, 1, 0.8}, 0.95)
	wantNear(t, "value", e.Value, 9.33333333333, 1e-11)
	wantNear(t, "low", e.Low, 0.398894016177, 1e-6)
	wantNear(t, "high", e.High, 218.381594053, 1e-6)

	e = Rate([]float64{5, 0, 0, 0, 0, 0}, ones, 0.95)
	wantNear(t, "low, one trial of six", e.Low, 0.00206651707396, 1e-6)
	wantNear(t, "high, one trial of six", e.High, 336.045829572, 1e-6)

	// Runs that differ less than single events would: poisson.test(27, 6).
	e = Rate([]float64{4, 5, 4, 5, 4, 5}, ones, 0.95)
	wantNear(t, "low, no clusters", e.Low, 2.96552835529, 1e-9)
	wantNear(t, "high, no clusters", e.High, 6.54726374086, 1e-9)
}

// qgamma(p, shape)
func TestGammaQuantile(t *testing.T) {
	tests := []struct{ shape, p, want float64 }{
		{0.01, 0.125, 2.77890926465e-91},
		{0.06, 0.125, 5.23176256557e-16},
		{0.1, 0.025, 5.79171024552e-17},
		{0.2, 5e-4, 2.03921276358e-17},
		{0.2, 0.025, 6.37253992003e-09},
		{0.001, 0.025, 0}, // below the smallest number
	}
	for _, tt := range tests {
		wantNear(t, "quantile", gammaQuantile(tt.shape, tt.p), tt.want, 1e-9)
	}
}

// fisher.test(matrix(c(a, b, c, d), 2))$p.value
func TestFisherExact(t *testing.T) {
	tests := []struct {
		k1, rest1, k2, rest2 int
		p                    float64
	}{
		{3, 1, 1, 3, 0.4857142857},       // Fisher's tea tasting, ?fisher.test
		{2, 10, 15, 3, 0.0005367241191},  // convictions of twins, ?fisher.test
		{1, 9, 11, 3, 0.002759456185},    // Wikipedia's dieting example
		{2, 13, 10, 5, 0.007775059839},   //
		{1, 24, 8, 47, 0.2601954429},     // sides of different length
		{0, 5, 5, 0, 0.007936507937},     //
		{0, 59, 10, 0, 2.940895794e-12},  // clean fix against no fix
		{100, 900, 60, 940, 0.001246582}, //
		{0, 10, 0, 10, 1},                // nothing anywhere
		{5, 5, 5, 5, 1},
	}
	for _, tt := range tests {
		got := FisherExact(tt.k1, tt.k1+tt.rest1, tt.k2, tt.k2+tt.rest2)
		wantNear(t, "p", got, tt.p, 1e-6)
	}
}

func TestMannWhitneyAsWilcoxTest(t *testing.T) {
	// Permeability constants, Hollander and Wolfe (1973) p. 69, ?wilcox.test.
	a := []float64{0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46}
	b := []float64{1.15, 0.88, 0.90, 0.74, 1.21}
	wantNear(t, "p", MannWhitney(a, b), 0.2544122544, 1e-9)
	if a[0] != 0.80 || b[4] != 1.21 {
		t.Error("the samples were reordered in place")
	}
}

func TestSignedRankAsWilcoxTest(t *testing.T) {
	// Depression scores, Hollander and Wolfe (1973) p. 29, ?wilcox.test.
	first := []float64{1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30}
	second := []float64{0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29}
	d := make([]float64, len(first))
	for i := range d {
		d[i] = first[i] - second[i]
	}
	wantNear(t, "depression", SignedRank(d), 0.0390625, 1e-12)
	wantNear(t, "1 to 6", SignedRank([]float64{1, 2, 3, 4, 5, 6}), 0.03125, 1e-12)
	wantNear(t, "1 to 8", SignedRank([]float64{1, 2, 3, 4, 5, 6, 7, 8}), 0.0078125, 1e-12)

	long := make([]float64, 60) // round(sin(1:60) + 0.2, 4), no ties
	for i := range long {
		long[i] = math.Round((math.Sin(float64(i+1))+0.2)*1e4) / 1e4
	}
	wantNear(t, "exact = TRUE", SignedRank(long), 0.01421898869, 1e-9)
	wantNear(t, "exact = FALSE", signedRankNormal(signedRanks(long)), 0.01497389594, 1e-9)

	ties := []float64{0, 0, 1, 1, -1, 2, 2, 3, -3, 4, 5, 5, 6}
	wantNear(t, "ties, exact = FALSE", signedRankNormal(signedRanks(ties)), 0.03225156682, 1e-9)
}

// p.adjust(p, "holm")
func TestHolm(t *testing.T) {
	nan := math.NaN()
	tests := []struct{ p, want []float64 }{
		{[]float64{0.01, 0.02, 0.03, 0.005}, []float64{0.03, 0.04, 0.04, 0.02}},
		{[]float64{0.01, nan, 0.02, 0.03, nan, 0.005}, []float64{0.03, nan, 0.04, 0.04, nan, 0.02}},
		{[]float64{0.9, 0.8}, []float64{1, 1}},
		{[]float64{0.04}, []float64{0.04}},
		{nil, nil},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, Holm(tt.p), cmpopts.EquateApprox(1e-12, 0), cmpopts.EquateNaNs()); diff != "" {
			t.Errorf("Holm(%v): -want +got\n%s", tt.p, diff)
		}
	}
}

// qbinom(0.025, n, 0.5) and qbinom(0.975, n, 0.5) + 1
func TestMedianRanks(t *testing.T) {
	for n, ranks := range map[int]Interval{6: {1, 6}, 10: {2, 9}, 20: {6, 15}} {
		xs := make([]float64, n)
		for i := range xs {
			xs[i] = float64(n - i)
		}
		e := Median(xs, 0.95)
		want := Estimate{Value: float64(n+1) / 2, Interval: ranks, N: n}
		if diff := cmp.Diff(want, e); diff != "" {
			t.Errorf("n=%d: -want +got\n%s", n, diff)
		}
		if xs[0] != float64(n) {
			t.Error("the sample was sorted in place")
		}
	}
}

// exp(t.test(log(a/b))$conf.int) and t.test(..., mu=, alternative=)
func TestPairedRatioAsTTest(t *testing.T) {
	a := []float64{102, 99, 110, 95, 101, 108}
	b := []float64{100, 100, 101, 99, 97, 103}
	e := PairedRatio(a, b, 0.95)
	wantNear(t, "value", e.Value, 1.023894499, 1e-9)
	wantNear(t, "low", e.Low, 0.9769172611, 1e-9)
	wantNear(t, "high", e.High, 1.0731307422, 1e-9)
	wantNear(t, "above 0.95", RatioAbove(a, b, 0.95), 0.004678375754, 1e-8)

	equal, p := Equivalent(a, b, 1/0.95-1, 0.10)
	wantNear(t, "equivalence", p, 0.09510534819, 1e-8)
	if !equal {
		t.Error("p = 0.095 is below 0.10, yet not equivalent")
	}
	if equal, _ := Equivalent(a, b, 1/0.95-1, 0.05); equal {
		t.Error("p = 0.095 is not below 0.05, yet equivalent")
	}
}

// Yuen's formulas written in R; the centre is also mean(log(a/b), trim = 1/6).
func TestPairedRatioTrimmed(t *testing.T) {
	a := []float64{102, 99, 110, 95, 101, 108, 97, 104, 160, 100, 99, 103}
	b := []float64{100, 100, 101, 99, 97, 103, 99, 100, 101, 102, 98, 60}
	e := PairedRatio(a, b, 0.95)
	wantNear(t, "value", e.Value, 1.02691770560, 1e-10)
	wantNear(t, "low", e.Low, 0.98390304984, 1e-9)
	wantNear(t, "high", e.High, 1.07181289279, 1e-9)
	wantNear(t, "above 0.98", RatioAbove(a, b, 0.98), 0.0181228475461, 1e-9)
}
