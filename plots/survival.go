package plots

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot/vg/draw"

	"tlsbench/results"
	"tlsbench/results/inference"
	"tlsbench/results/number"
)

// survival is figure 7: the share of trials still undamaged against the good
// handshakes made.
func survival(d *Data) *Figure {
	f := &Figure{ID: "survival", Title: "How long does it take until something is damaged?"}
	f.Empty = "no trial looked for corruption"
	if len(d.fullyJudged()) > 0 {
		f.Empty = fmt.Sprintf("no strategy has %d trials in any cell", minLives)
	}
	for _, s := range d.wellJudged() {
		chart := &lineChart{
			x:   axis{label: "good handshakes made in the trial", print: number.Short, log: true},
			y:   axis{label: "share of trials undamaged", print: number.Percent},
			top: 1.03,
		}
		var fine [][]results.Lifetime // of strategies that nothing damaged: their curves would lie on one another
		for _, r := range s.Rows {
			chart.n.Add(len(r.Lifetimes))
			if slices.ContainsFunc(r.Lifetimes, func(l results.Lifetime) bool { return l.Damaged }) {
				chart.curves = append(chart.curves, survivalCurve(r.Strategy, r.Lifetimes, d.Confidence))
			} else if len(r.Lifetimes) > 0 {
				fine = append(fine, r.Lifetimes)
			}
		}
		if len(fine) > 0 {
			fewest := slices.MinFunc(fine, func(a, b []results.Lifetime) int { return cmp.Compare(len(a), len(b)) })
			c := survivalCurve(fmt.Sprintf("all others (%d): none damaged", len(fine)), fewest, d.Confidence)
			c.look = look{softInk, draw.PlusGlyph{}, nil}
			chart.curves = append(chart.curves, c)
		}
		f.add(d, []*results.Table{s}, "Trials still undamaged", chart)
	}
	f.Caption = fmt.Sprintf("Kaplan-Meier estimate with pointwise %s (bands) of the share of trials without any damage; ticks are trials that ended undamaged. "+
		"Strategies without a damaged trial are one line, whose band reaches down to the exact one-sided 95 %% bound of the one with the fewest trials. "+
		"Logarithmic axis; damage before the second handshake is at 1. Trials without active checks are left out, because they find damage later. %s; combinations of fewer than %d trials, or whose trials ended at the third damaged one, have no panel.",
		d.intervals(), f.trials("trials", "strategy"), minLives)
	return f
}

func survivalCurve(name string, lives []results.Lifetime, confidence float64) curve {
	times, observed := make([]float64, len(lives)), make([]bool, len(lives))
	for i, l := range lives {
		times[i], observed[i] = math.Max(l.Handshakes, 1), l.Damaged
	}
	km := inference.KaplanMeier(times, observed, confidence)
	last := point{1, 1, 1, 1}
	if km.Events == 0 {
		// An estimate of 1 has a variance of nothing, which is not certainty.
		last.low = 1 - inference.ProportionUpper(0, km.N, 0.95)
	}
	c := curve{label: name, look: lookOf(name), points: []point{last}}
	for _, step := range km.Steps {
		last = point{step.Time, step.Survival, step.Low, step.High}
		c.points = append(c.points, last)
	}
	last.x = math.Max(km.End, 1)
	c.points = append(c.points, last)
	for i, t := range km.Censored {
		if i == 0 || t != km.Censored[i-1] {
			c.marks = append(c.marks, point{x: t, y: km.At(t)})
		}
	}
	return c
}
