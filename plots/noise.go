package plots

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"gonum.org/v1/gonum/stat"

	"tlsbench/results"
	"tlsbench/results/inference"
	"tlsbench/results/number"
)

// noise is figure 10: a strategy against itself, in sets of as many duets as a
// comparison has.
func noise(d *Data) *Figure {
	f := &Figure{ID: "noise", Title: "How small a difference can this machine show?"}
	f.Empty = fmt.Sprintf("no file has duets of a strategy with itself alone; tlsbench run --measure duet --strategy %s --duet-pairs 400 makes one", d.Baseline)
	for _, a := range d.AA {
		if len(a.Ratios) == 0 {
			continue
		}
		sorted := slices.Sorted(slices.Values(a.Ratios))
		at := func(q float64) float64 { return stat.Quantile(q, stat.Empirical, sorted, nil) }
		chart := d.sameRatio("a strategy / itself", results.DuetMargin)
		chart.log, chart.print = false, number.Ratio // within a percent both scales are alike, and this one shows less around it
		chart.n.Add(len(sorted))
		chart.rows = []row{{name: a.Strategy, look: lookOf(a.Strategy), dots: a.Ratios, mid: at(0.5), low: at(0.025), high: at(0.975),
			note: fmt.Sprintf("%d of %d differ", a.Differ, len(sorted))}}
		f.Panels = append(f.Panels, &Panel{Title: "A strategy against itself", Sub: "OpenSSL " + strings.Join(a.Builds, ", "), Alt: aaLine(a), chart: chart})
	}
	f.Caption = fmt.Sprintf("A dot is the ratio of a strategy to itself in %d duets, as many as a comparison has at least; the bar is the interval that holds 95 %% of the dots. Shaded: ± %s. %s.",
		inference.DuetFirst, number.Percent(results.DuetMargin), f.trials("sets", "row"))
	return f
}

// drift is figure 11: throughput against the time in the run.
func drift(d *Data) *Figure {
	f := &Figure{ID: "drift", Title: "Did the machine drift?", Empty: "no undamaged trial measured throughput"}
	for _, s := range d.mainCosts() {
		f.addDrift(d, s)
	}
	f.Caption = fmt.Sprintf("Every trial, a dot without an interval, by the time since the first trial of its file. If all strategies dip together, the cause is the machine. %s.", f.trials("trials", "strategy and panel"))
	return f
}

// sameRatio is a chart of ratios that should be 1, give or take a margin.
func (d *Data) sameRatio(label string, margin float64) *rowChart {
	one := 1.0
	return &rowChart{axis: axis{label: label, print: number.Figures, log: true}, band: &span{1 / (1 + margin), 1 + margin}, reference: &one}
}

// AALines state what duets of a strategy with itself came to, as tlsbench check --aa
// counts.
func AALines(d *Data) []string {
	var list []string
	for _, a := range d.AA {
		if len(a.Ratios) > 0 {
			list = append(list, aaLine(a))
		}
	}
	return list
}

func aaLine(a *results.AASummary) string {
	worst := 0.0
	for _, r := range a.Ratios {
		worst = math.Max(worst, math.Abs(r-1))
	}
	return fmt.Sprintf("Of %s of %d duets of %s with itself %d differ by their 95 %% interval (1 in 20 is to be expected); the largest apparent difference is %s.",
		number.Count(len(a.Ratios), "set"), inference.DuetFirst, a.Strategy, a.Differ, number.Percent(worst))
}

// addDrift shows each trial at its time.
func (f *Figure) addDrift(d *Data, s *results.Table) {
	chart := &lineChart{
		x: axis{label: "minutes since the first trial", print: number.Short},
		y: axis{label: "good full handshakes/s", print: number.Short, zero: true},
	}
	first := make(map[int]time.Time) // by file
	for _, r := range s.Rows {
		for _, m := range r.Course {
			if at, ok := first[m.File]; !ok || m.Start.Before(at) {
				first[m.File] = m.Start
			}
			if m.Start.IsZero() {
				chart.x.label = "round (the file has no times)"
			}
		}
	}
	for _, r := range s.Rows {
		c := curve{label: r.Strategy, look: lookOf(r.Strategy), dotted: true}
		for _, m := range r.Course {
			x := float64(m.Round)
			if !m.Start.IsZero() {
				x = m.Start.Sub(first[m.File]).Minutes()
			}
			c.points = append(c.points, point{x, m.Rate, m.Rate, m.Rate})
		}
		if len(c.points) > 0 {
			chart.n.Add(len(c.points))
			chart.curves = append(chart.curves, c)
		}
	}
	f.add(d, []*results.Table{s}, "Throughput over the run", chart)
}
