package inference

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var (
	nan  = math.NaN()
	inf  = math.Inf(1)
	open = Interval{math.Inf(-1), inf}
)

func TestEstimateEdges(t *testing.T) {
	positive := Interval{0, inf}
	tests := []struct {
		name string
		got  Estimate
		want Estimate // a warning is a part of what is expected
	}{
		{"median of nothing", Median(nil, 0.95),
			Estimate{nan, open, 0, []string{"no values"}}},
		{"median of one", Median([]float64{7}, 0.95),
			Estimate{7, open, 1, []string{"more than one value"}}},
		{"median of five", Median([]float64{1, 2, 3, 4, 5}, 0.95),
			Estimate{3, open, 5, []string{"need >= 6 samples"}}},
		{"median of equal values", Median([]float64{2, 2, 2, 2, 2, 2}, 0.95),
			Estimate{2, Interval{2, 2}, 6, nil}},
		{"median without a NaN", Median([]float64{1, nan, 2, 3, 4, 5, 6}, 0.95),
			Estimate{3.5, Interval{1, 6}, 6, []string{"1 of 7 values left out"}}},

		{"ratio of nothing", PairedRatio(nil, nil, 0.95),
			Estimate{nan, positive, 0, []string{"no pairs"}}},
		{"ratio of one", PairedRatio([]float64{3}, []float64{2}, 0.95),
			Estimate{1.5, positive, 1, []string{"at least 2 rounds"}}},
		{"equal ratios", PairedRatio([]float64{2, 4, 8}, []float64{1, 2, 4}, 0.95),
			Estimate{2, Interval{2, 2}, 3, []string{"all 3 ratios are equal"}}},
		{"pairs without a value", PairedRatio([]float64{2, nan, 0, 4, inf}, []float64{1, 2, 1, 2, 1}, 0.95),
			Estimate{2, Interval{2, 2}, 2, []string{"3 of 5 pairs left out", "all 2 ratios"}}},

		{"0 of 0", Proportion(0, 0, 0.95),
			Estimate{nan, Interval{0, 1}, 0, []string{"0 of 0 trials"}}},
		{"3 of 2", Proportion(3, 2, 0.95),
			Estimate{nan, Interval{0, 1}, 2, []string{"3 of 2 trials"}}},
		{"-1 of 2", Proportion(-1, 2, 0.95),
			Estimate{nan, Interval{0, 1}, 2, []string{"-1 of 2 trials"}}},

		{"rate of nothing", Rate(nil, nil, 0.95),
			Estimate{nan, positive, 0, []string{"no exposure"}}},
		{"no exposure", Rate([]float64{0, 0}, []float64{0, 0}, 0.95),
			Estimate{nan, positive, 0, []string{"2 of 2 trials left out", "no exposure"}}},
		{"events without exposure", Rate([]float64{2}, []float64{0}, 0.95),
			Estimate{nan, positive, 1, []string{"no exposure"}}},
		{"no events", Rate([]float64{0, 0}, []float64{5, 5}, 0.95),
			Estimate{0, Interval{0, 0.3688879454}, 2, []string{"no event in 2 trials"}}},
		{"one trial", Rate([]float64{1}, []float64{1}, 0.95),
			Estimate{1, Interval{0.02531780798, 5.57164339094}, 1, []string{"one trial"}}},
		{"impossible trials", Rate([]float64{0, nan, -1, 3}, []float64{10, 1, 1, -1}, 0.95),
			Estimate{0, Interval{0, 0.3688879454}, 1, []string{"3 of 4 trials left out", "no event"}}},
	}
	similar := cmp.Options{
		cmpopts.EquateApprox(1e-8, 0), cmpopts.EquateNaNs(),
		cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Warnings" },
			cmp.Comparer(func(a, b []string) bool {
				return slices.EqualFunc(a, b, strings.Contains) || slices.EqualFunc(b, a, strings.Contains)
			})),
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, tt.got, similar); diff != "" {
			t.Errorf("%s: -want +got\n%s", tt.name, diff)
		}
	}
}

// The first crash may come before the first good handshake: the event counts.
func TestRateKeepsEventsWithoutExposure(t *testing.T) {
	e := Rate([]float64{1, 0, 2}, []float64{0, 5, 5}, 0.95)
	if e.N != 3 || e.Value != 0.3 {
		t.Errorf("got %+v, want 3 events in 10 from 3 trials", e)
	}
}

func TestPValueEdges(t *testing.T) {
	equalPairs := func(a, b []float64) float64 { _, p := Equivalent(a, b, 0.02, 0.05); return p }
	tests := []struct {
		name      string
		got, want float64
	}{
		{"signed rank of nothing", SignedRank(nil), nan},
		{"signed rank of NaN", SignedRank([]float64{nan, nan}), nan},
		{"signed rank of zeros", SignedRank([]float64{0, 0, 0}), 1},
		{"signed rank of one", SignedRank([]float64{3}), 1},
		{"signed rank, all sizes equal", SignedRank([]float64{1, 1, 1, 1, 1, 1}), 0.03125},
		{"signed rank, balanced", SignedRank([]float64{1, -1, 2, -2}), 1},

		{"Mann-Whitney of nothing", MannWhitney(nil, []float64{1}), nan},
		{"Mann-Whitney of NaN", MannWhitney([]float64{nan}, []float64{1}), nan},
		{"Mann-Whitney, all equal", MannWhitney([]float64{1, 1}, []float64{1, 1, 1}), 1},
		{"Mann-Whitney, one each", MannWhitney([]float64{1}, []float64{2}), 1},

		{"Fisher, no trials", FisherExact(0, 0, 1, 2), nan},
		{"Fisher, more events than trials", FisherExact(3, 2, 1, 2), nan},
		{"Fisher, one each", FisherExact(0, 1, 1, 1), 1},
		{"Fisher, all of both", FisherExact(4, 4, 6, 6), 1},

		{"equivalence of one pair", equalPairs([]float64{1}, []float64{1}), nan},
		{"equivalence of equal pairs", equalPairs([]float64{1, 2}, []float64{1, 2}), 0},
		{"equivalence of pairs 3 % apart", equalPairs([]float64{103, 206}, []float64{100, 200}), 1},
		{"above, one pair", RatioAbove([]float64{1}, []float64{1}, 0.9), nan},
		{"above a negative bound", RatioAbove([]float64{1, 2}, []float64{1, 2}, -1), nan},
	}
	for _, tt := range tests {
		wantNear(t, tt.name, tt.got, tt.want, 1e-12)
	}
	if equal, p := Equivalent([]float64{1, 2}, []float64{1, 2}, 0, 0.05); equal || !math.IsNaN(p) {
		t.Errorf("no margin: got %v, p=%v, want false, NaN", equal, p)
	}
}

func TestKaplanMeierEdges(t *testing.T) {
	none := KaplanMeier(nil, nil, 0.95)
	if none.N != 0 || none.At(5) != 1 {
		t.Errorf("no times: %+v", none)
	}
	some := KaplanMeier([]float64{nan, -1, inf, 5}, []bool{true, true, true, true}, 0.95)
	if some.N != 1 || some.Events != 1 || some.End != 5 || some.At(5) != 0 {
		t.Errorf("unusable times: %+v, want that of 5 alone", some)
	}
}

func TestMistakesPanic(t *testing.T) {
	two, one := []float64{1, 2}, []float64{1}
	for name, call := range map[string]func(){
		"inference: paired values: lengths 2 and 1 differ":       func() { PairedRatio(two, one, 0.95) },
		"inference: events and exposure: lengths 1 and 2 differ": func() { Rate(one, two, 0.95) },
		"inference: times and observed: lengths 2 and 1 differ":  func() { KaplanMeier(two, []bool{true}, 0.95) },
		"inference: confidence 95 is not between 0 and 1":        func() { Proportion(1, 2, 95) },
		"inference: alpha 0 is not between 0 and 1":              func() { Equivalent(two, two, 0.1, 0) },
		"inference: confidence NaN is not between 0 and 1":       func() { Median(two, nan) },
		"inference: confidence 1 is not between 0 and 1":         func() { ProportionUpper(1, 2, 1) },
	} {
		func() {
			defer func() {
				if got := recover(); got != name {
					t.Errorf("got panic %v, want %q", got, name)
				}
			}()
			call()
		}()
	}
}
