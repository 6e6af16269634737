package plots

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"tlsbench/results"
	"tlsbench/results/inference"
	"tlsbench/results/number"
	"tlsbench/results/version"
)

// One trial does not tell how far trials lie apart: no interval is printed.
func TestOneTrialHasNoInterval(t *testing.T) {
	row := rateRow(results.Estimate{Value: 20, Interval: inference.Interval{Low: 10, High: 30}, N: 1})
	if finite(row.low) || finite(row.high) || !strings.Contains(row.note, "one trial") {
		t.Errorf("a row of one trial: %+v", row)
	}
}

// Duets of a strategy with itself are a panel and a statement, each with its counts.
func TestAAPanel(t *testing.T) {
	d := load(t, "one-strategy")
	d.AA = []*results.AASummary{{Strategy: "hwm", Ratios: []float64{0.99, 1.03, 1}, Differ: 1}}
	p := noise(d).Panels[0]
	if !strings.Contains(p.Alt, "Of 3 sets of 20 duets of hwm with itself 1 differ") || !strings.Contains(p.Alt, "3 %") {
		t.Errorf("%s: %s", p.Title, p.Alt)
	}
}

// A heading says of disturbed trials what it does not say already, and once.
func TestDisturbedIsSaidOnce(t *testing.T) {
	scene := func(workers int, disturbed ...string) *results.Table {
		table := &results.Table{Scene: results.Scene{OpenSSL: "3.0.19", Workers: workers}}
		for _, name := range []string{"hwm", "key-owner"} {
			r := &results.Row{Strategy: name, Costs: []results.Cost{{}}}
			if slices.Contains(disturbed, name) {
				r.Costs[0].Disturbed = []string{"load above 6 before the trial"}
			}
			table.Rows = append(table.Rows, r)
		}
		return table
	}
	for want, group := range map[string][]*results.Table{
		"": {scene(1), scene(4)},
		"; many trials were disturbed: all strategies":                    {scene(1, "hwm", "key-owner"), scene(4, "hwm", "key-owner")},
		"; many trials were disturbed: hwm at 1; all strategies at 4, 16": {scene(1, "hwm"), scene(4, "hwm", "key-owner"), scene(16, "hwm", "key-owner")},
		"; many trials were disturbed: hwm":                               {scene(1, "hwm"), scene(4, "hwm")},
		"; many trials were disturbed: key-owner at 4":                    {scene(1), scene(4, "key-owner")},
	} {
		if got := disturbed(group, results.Strategies(group...), func(s *results.Table) string { return fmt.Sprint(s.Workers) }); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// A curve without damage reaches down to the exact bound.
func TestSurvivalOfUndamaged(t *testing.T) {
	c := survivalCurve("hwm", make([]results.Lifetime, 59), 0.95)
	if low := c.points[0].low; low < 0.950 || low > 0.951 {
		t.Errorf("the band of 59 undamaged trials begins at %v, want 0.95", low)
	}
}

func TestHazardNames(t *testing.T) {
	list := []string{"python", "foreign-before:n=40", "foreign-before", "plain", "foreign-before:n=5", "python:before=1"}
	if got, want := results.JoinHazards(list), "plain, foreign-before:n=5/14/40, python, python:before=1"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	builds := []string{"3.10.1", "4.0.3", "1.1.1w", "3.5.9", "1.1.1v"}
	slices.SortFunc(builds, version.Compare)
	if got, want := strings.Join(builds, " "), "1.1.1v 1.1.1w 3.5.9 3.10.1 4.0.3"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// Two strategies that differ in a parameter never look like one of another family.
func TestLooksOfFamilies(t *testing.T) {
	a, b := lookOf("clear:n=1000"), lookOf("hwm:scan=1000")
	if a.color == b.color || a.glyph == b.glyph {
		t.Error("clear:n=1000 and hwm:scan=1000 look alike")
	}
}

// TestPanelText: what a panel prints on the page is what was worked out.
func TestPanelText(t *testing.T) {
	d := load(t, "full")
	var b strings.Builder
	for _, p := range handshakes(d).Panels {
		w, h := p.chart.size()
		b.WriteString(make(Styles).svg(w, h, p.chart.draw))
	}
	for _, s := range d.Tables {
		for _, r := range s.Rows {
			for _, unit := range []string{results.HandshakesPerSec, results.CPUPerHandshake} {
				c, ok := r.Cost(unit)
				want := number.Ratio(c.Ratio.Value)
				if r.Strategy == d.Baseline {
					want = "1 = " + number.Of(unit)(c.Median.Value)
				}
				if ok && !strings.Contains(b.String(), ">"+want) {
					t.Errorf("%s of %s: no %q on the panels", r.Strategy, s.Scene, want)
				}
			}
		}
	}
}
