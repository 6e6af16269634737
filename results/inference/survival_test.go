package inference

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// sample is times to an event, and whether each is that of the event or that of
// censoring.
type sample struct {
	Times    []float64
	Observed []bool
}

// Survival in acute myelogenous leukaemia with and without maintenance
// chemotherapy: data set aml of R's package survival (R. G. Miller, Survival
// Analysis, 1997).
var (
	maintained = sample{
		Times:    []float64{9, 13, 13, 18, 23, 28, 31, 34, 45, 48, 161},
		Observed: []bool{true, true, false, true, true, false, true, true, false, true, false},
	}
	nonmaintained = sample{
		Times:    []float64{5, 5, 8, 8, 12, 16, 23, 27, 30, 33, 43, 45},
		Observed: []bool{true, true, true, true, true, false, true, true, true, true, true, true},
	}
)

// summary(survfit(Surv(time, status) ~ x, data = aml, conf.type = "log-log"))
func TestKaplanMeierAsSurvfit(t *testing.T) {
	got := KaplanMeier(maintained.Times, maintained.Observed, 0.95)
	want := Curve{
		N: 11, Events: 7, End: 161,
		Censored: []float64{13, 28, 45, 161},
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
	c := KaplanMeier(nonmaintained.Times, nonmaintained.Observed, 0.95)
	last := c.Steps[len(c.Steps)-1]
	if last.Time != 45 || last.Survival != 0 || last.StdErr != 0 {
		t.Errorf("last step %+v, want survival 0 at 45", last)
	}
	// R prints NA here; the end of the step before is a bound all the same.
	wantNear(t, "high at zero", last.High, 0.3489038611, 1e-8)
}

func TestCurveAt(t *testing.T) {
	c := KaplanMeier(maintained.Times, maintained.Observed, 0.95)
	for time, want := range map[float64]float64{0: 1, 8.9: 1, 9: 10. / 11, 12: 10. / 11, 13: 9. / 11, 1000: 0.1840909091} {
		wantNear(t, "survival", c.At(time), want, 1e-9)
	}
}
