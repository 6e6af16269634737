package inference

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// Survival in acute myelogenous leukaemia with and without maintenance
// chemotherapy: data set aml of R's package survival (R. G. Miller, Survival
// Analysis, 1997).
var (
	maintained = Group{
		Times:    []float64{9, 13, 13, 18, 23, 28, 31, 34, 45, 48, 161},
		Observed: []bool{true, true, false, true, true, false, true, true, false, true, false},
	}
	nonmaintained = Group{
		Times:    []float64{5, 5, 8, 8, 12, 16, 23, 27, 30, 33, 43, 45},
		Observed: []bool{true, true, true, true, true, false, true, true, true, true, true, true},
	}
)

// summary(survfit(Surv(time, status) ~ x, data = aml, conf.type = "log-log"))
func TestKaplanMeierAsSurvfit(t *testing.T) {
	got := KaplanMeier(maintained.Times, maintained.Observed)
	want := Curve{
		N: 11, Events: 7, End: 161,
		Censored: []float64{13, 28, 45, 161},
		Median:   Estimate{Value: 31, Interval: Interval{13, math.Inf(1)}, N: 11},
		Steps: []Step{
			{9, 11, 1, 0.9090909091, 0.0866784172, Interval{0.5080802058, 0.986673823}},
			{13, 10, 1, 0.8181818182, 0.1162912998, Interval{0.4474286147, 0.951162229}},
			{18, 8, 1, 0.7159090909, 0.1396649706, Interval{0.3501903859, 0.899023974}},
			{23, 7, 1, 0.6136363636, 0.1526323310, Interval{0.2657520400, 0.835299243}},
			{31, 5, 1, 0.4909090909, 0.1641932672, Interval{0.1673309098, 0.753399790}},
			{34, 4, 1, 0.3681818182, 0.1626688858, Interval{0.0928295749, 0.657040832}},
			{48, 2, 1, 0.1840909091, 0.1534927458, Interval{0.0117384801, 0.525014843}},
		},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(1e-8, 0)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestKaplanMeierToZero(t *testing.T) {
	c := KaplanMeier(nonmaintained.Times, nonmaintained.Observed)
	last := c.Steps[len(c.Steps)-1]
	if last.Time != 45 || last.Survival != 0 || last.StdErr != 0 {
		t.Errorf("last step %+v, want survival 0 at 45", last)
	}
	// R prints NA here; the end of the step before is a bound all the same.
	wantNear(t, "high at zero", last.High, 0.3489038611, 1e-8)
	want := Estimate{Value: 23, Interval: Interval{5, 33}, N: 12}
	if diff := cmp.Diff(want, c.Median); diff != "" {
		t.Errorf("median: -want +got\n%s", diff)
	}
}

func TestCurveAt(t *testing.T) {
	c := KaplanMeier(maintained.Times, maintained.Observed)
	for time, want := range map[float64]float64{0: 1, 8.9: 1, 9: 10. / 11, 12: 10. / 11, 13: 9. / 11, 1000: 0.1840909091} {
		wantNear(t, "survival", c.At(time), want, 1e-9)
	}
}

// survfit(Surv(1:4, rep(1, 4)) ~ 1, conf.type = "log-log"): the curve rests at
// a half from 2 to 3.
func TestMedianSurvivalBetweenSteps(t *testing.T) {
	c := KaplanMeier([]float64{4, 2, 1, 3}, []bool{true, true, true, true})
	want := Estimate{Value: 2.5, Interval: Interval{1, math.Inf(1)}, N: 4}
	if diff := cmp.Diff(want, c.Median); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// Runs without any event bound the median only where at least six were watched:
// half to the power of six is the first below 2.5 %.
func TestMedianSurvivalWithoutEvents(t *testing.T) {
	tests := []struct {
		times []float64
		low   float64
	}{
		{[]float64{60}, 0},
		{[]float64{60, 60, 60, 60, 60}, 0},
		{[]float64{60, 60, 60, 60, 60, 60}, 60},
		{[]float64{60, 60, 10, 60, 60, 60}, 10},
		{[]float64{900, 60, 60, 60, 60, 60, 60}, 60},
	}
	for _, tt := range tests {
		c := KaplanMeier(tt.times, make([]bool, len(tt.times)))
		if c.Median.Low != tt.low || !math.IsInf(c.Median.Value, 1) || !math.IsInf(c.Median.High, 1) {
			t.Errorf("%v: median %+v, want +Inf with low %v", tt.times, c.Median, tt.low)
		}
		if len(c.Warnings) != 1 {
			t.Errorf("%v: warnings %q, want one", tt.times, c.Warnings)
		}
	}
}

// survdiff(...)$chisq and pchisq(..., lower.tail = FALSE)
func TestLogRankAsSurvdiff(t *testing.T) {
	chi2, p := LogRank(maintained, nonmaintained)
	wantNear(t, "aml chisq", chi2, 3.396388699, 1e-9) // printed as 3.4, p = 0.07
	wantNear(t, "aml p", p, 0.06533932204, 1e-9)

	chi2, p = LogRank(ovarian()...)
	wantNear(t, "ovarian chisq", chi2, 1.062739861, 1e-9)
	wantNear(t, "ovarian p", p, 0.302591117, 1e-9)

	chi2, p = LogRank(veteran()...)
	wantNear(t, "veteran chisq", chi2, 25.40370035, 1e-9)
	wantNear(t, "veteran p", p, 1.271245939e-05, 1e-9)
}

// ovarian is Surv(futime, fustat) ~ rx of data set ovarian.
func ovarian() []Group {
	return []Group{
		{
			Times:    []float64{59, 115, 156, 431, 448, 477, 638, 803, 855, 1040, 1106, 268, 329},
			Observed: []bool{true, true, true, true, false, false, true, false, false, false, false, true, true},
		}, {
			Times:    []float64{421, 464, 475, 563, 744, 769, 770, 1129, 1206, 1227, 353, 365, 377},
			Observed: []bool{false, true, true, true, false, false, false, false, false, false, true, true, false},
		},
	}
}

// veteran is Surv(time, status) ~ celltype of data set veteran: four groups with
// many ties. Negative times are censored ones.
func veteran() []Group {
	cells := [][]float64{
		{72, 411, 228, 126, 118, 10, 82, 110, 314, -100, 42, 8, 144, -25, 11,
			999, 112, -87, -231, 242, 991, 111, 1, 587, 389, 33, 25, 357, 467, 201, 1, 30, 44, 283, 15},
		{30, 384, 4, 54, 13, -123, -97, 153, 59, 117, 16, 151, 22, 56, 21, 18, 139, 20, 31, 52, 287, 18, 51, 122, 27, 54, 7, 63, 392, 10,
			25, -103, 21, 13, 87, 2, 20, 7, 24, 99, 8, 99, 61, 25, 95, 80, 51, 29},
		{8, 92, 35, 117, 132, 12, 162, 3, 95, 24, 18, -83, 31, 51, 90, 52, 73, 8, 36, 48, 7, 140, 186, 84, 19, 45, 80},
		{177, 162, 216, 553, 278, 12, 260, 200, 156, -182, 143, 105, 103, 250, 100,
			52, 164, 19, 53, 15, 43, 340, 133, 111, 231, 378, 49},
	}
	groups := make([]Group, len(cells))
	for i, times := range cells {
		for _, x := range times {
			groups[i].Times = append(groups[i].Times, math.Abs(x))
			groups[i].Observed = append(groups[i].Observed, x > 0)
		}
	}
	return groups
}

func TestLogRankEdges(t *testing.T) {
	clean := Group{Times: []float64{60, 60, 60}, Observed: make([]bool, 3)}
	tests := []struct {
		name    string
		groups  []Group
		chi2, p float64
	}{
		{"no group", nil, math.NaN(), math.NaN()},
		{"one group", []Group{maintained}, math.NaN(), math.NaN()},
		{"one empty", []Group{maintained, {}}, math.NaN(), math.NaN()},
		{"no event", []Group{clean, clean}, 0, 1},
		{"same twice", []Group{maintained, maintained}, 0, 1},
		// A group without anyone left when the first event comes takes no part.
		{"censored early", []Group{maintained, nonmaintained, {[]float64{1}, []bool{false}}}, 3.396388699, 0.06533932204},
	}
	for _, tt := range tests {
		chi2, p := LogRank(tt.groups...)
		wantNear(t, tt.name+", chisq", chi2, tt.chi2, 1e-9)
		wantNear(t, tt.name+", p", p, tt.p, 1e-9)
	}
}
