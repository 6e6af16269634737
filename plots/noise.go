package plots

import (
	"cmp"
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

// noise is figure 10: a strategy against itself.
func noise(d *Data) *Figure {
	f := &Figure{ID: "noise", Title: "How small a difference can this machine show?", Empty: "no undamaged trial measured throughput"}
	f.addAA(d)
	for _, group := range byBuild(d.mainCosts()) {
		for _, m := range []struct{ unit, label string }{{results.CPUPerHandshake, "server CPU"}, {results.HandshakesPerSec, "throughput"}} {
			chart := d.sameRatio(d.Baseline+", next round / this round", d.Margin)
			for _, s := range group {
				r := floorRow(s, d, m.unit)
				chart.n.Add(len(r.dots))
				chart.rows = append(chart.rows, r)
			}
			f.add(d, group, "Baseline against itself, "+m.label, chart)
		}
	}
	aa := "An A/A experiment (tlsbench run --aa, or duets of a strategy with itself) would show how small a difference can be resolved; this set has none."
	if len(d.AA) > 0 {
		aa = fmt.Sprintf("A/A: one strategy compared with itself as different strategies are; a dot is a comparison, over eight rounds or %d duets, the bar holds the middle 95 %% of them.", inference.DuetFirst)
	}
	f.Caption = fmt.Sprintf("%s Baseline against itself: %s in one round and in the next, with %s. This includes the drift between rounds, which comparisons within a round do not have: "+
		"they resolve smaller differences. %s.",
		aa, d.Baseline, d.intervals(), f.trials("pairs of rounds", "row"))
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

// addAA shows how far a strategy seems to differ from itself.
func (f *Figure) addAA(d *Data) {
	chart := d.sameRatio("a strategy / itself", d.Margin)
	for _, a := range d.AA {
		sorted := slices.Sorted(slices.Values(a.Ratios))
		at := func(q float64) float64 { return stat.Quantile(q, stat.Empirical, sorted, nil) }
		chart.rows = append(chart.rows, row{
			name: aaLabel[a.Unit], look: lookOf(d.Baseline), dots: a.Ratios, mid: at(0.5), low: at(0.025), high: at(0.975),
			note: fmt.Sprintf("%d of %d differ", a.Interval, len(a.Ratios)),
		})
	}
	if len(chart.rows) > 0 {
		f.Panels = append(f.Panels, &Panel{
			Title: "A/A: a strategy against itself", Sub: "OpenSSL " + strings.Join(d.AA[0].Builds, ", ") + "; as in comparisons: over eight rounds, each within itself, or over as many pairs as a duet has",
			Alt: strings.Join(AALines(d), " "), chart: chart,
		})
	}
}

var aaLabel = map[string]string{
	results.HandshakesPerSec: "throughput", results.CPUPerHandshake: "server CPU", results.CPURatio: "duets",
}

// AALines state what the A/A experiment came to, as tlsbench check --aa counts.
func AALines(d *Data) []string {
	var list []string
	for _, a := range d.AA {
		worst := 0.0
		for _, r := range a.Ratios {
			worst = math.Max(worst, math.Abs(r-1))
		}
		text := fmt.Sprintf("A/A, %s: of %d comparisons of a strategy with itself %d differ by their 95 %% interval", aaLabel[a.Unit], len(a.Ratios), a.Interval)
		if a.Tables > 0 {
			text += fmt.Sprintf(" and %d by the signed-rank test; of %d tables of eight rounds %d have a difference after Holm's correction", a.Rank, a.Tables, a.Any)
		}
		list = append(list, fmt.Sprintf("%s (1 in 20 is to be expected); the largest apparent difference is %s.", text, number.Percent(worst)))
	}
	return list
}

// floorRow compares the baseline on one build with itself, one round with the
// next.
func floorRow(s *Scene, d *Data, unit string) row {
	runs := inTime(s.of(d.Baseline).runs[results.Handshake])
	var a, b, dots []float64
	for i := 1; i < len(runs); i++ {
		x, ok1 := runs[i-1].value(unit)
		y, ok2 := runs[i].value(unit)
		if runs[i].file == runs[i-1].file && ok1 && ok2 {
			a, b, dots = append(a, y), append(b, x), append(dots, y/x)
		}
	}
	e := inference.PairedRatio(a, b, d.Confidence)
	if e.N == 0 {
		r := noValue("needs two rounds")
		r.name = s.OpenSSL
		return r
	}
	return row{name: s.OpenSSL, look: lookOf(d.Baseline), dots: dots, mid: e.Value, low: e.Low, high: e.High,
		note: fmt.Sprintf("%s  n=%d", number.Ratio(e.Value), e.N)}
}

// addDrift shows each trial at its time.
func (f *Figure) addDrift(d *Data, s *Scene) {
	chart := &lineChart{
		x: axis{label: "minutes since the first trial", print: number.Short},
		y: axis{label: "good full handshakes/s", print: number.Short, zero: true},
	}
	first := make(map[int]time.Time) // by file
	for _, v := range s.series {
		for _, r := range v.runs[results.Handshake] {
			if at, ok := first[r.file]; !ok || r.start.Before(at) {
				first[r.file] = r.start
			}
			if r.start.IsZero() {
				chart.x.label = "round (the file has no times)"
			}
		}
	}
	for _, name := range s.names() {
		c := curve{label: name, look: lookOf(name), dotted: true}
		for _, r := range inTime(s.of(name).runs[results.Handshake]) {
			if v, ok := r.value(results.HandshakesPerSec); ok {
				x := float64(r.round)
				if !r.start.IsZero() {
					x = r.start.Sub(first[r.file]).Minutes()
				}
				c.points = append(c.points, point{x, v, v, v})
			}
		}
		if len(c.points) > 0 {
			chart.n.Add(len(c.points))
			chart.curves = append(chart.curves, c)
		}
	}
	f.add(d, []*Scene{s}, "Throughput over the run", chart)
}

// inTime sorts runs by the time they started.
func inTime(runs []run) []run {
	runs = slices.Clone(runs)
	slices.SortStableFunc(runs, func(a, b run) int {
		return cmp.Or(cmp.Compare(a.file, b.file), a.start.Compare(b.start), cmp.Compare(a.round, b.round))
	})
	return runs
}
