package plots

import (
	"fmt"
	"math"

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
		for _, name := range s.names() {
			if lives := s.of(name).lives; len(lives) > 0 {
				chart.n.Add(len(lives))
				chart.curves = append(chart.curves, survivalCurve(name, lives, d.Confidence))
			}
		}
		f.add(d, []*Scene{s}, "Trials still undamaged", chart)
	}
	f.Caption = fmt.Sprintf("Kaplan-Meier estimate with pointwise %s (bands) of the share of trials without any damage; ticks are trials that ended undamaged. "+
		"If no trial was damaged, the band reaches down to the exact one-sided 95 %% bound. "+
		"Logarithmic axis; damage before the second handshake is at 1. %s; combinations of fewer than %d trials have no panel. Baseline of comparisons: %s.",
		d.intervals(), f.trials("trials", "curve"), minLives, d.Baseline)
	return f
}

func survivalCurve(name string, lives []life, confidence float64) curve {
	times, observed := make([]float64, len(lives)), make([]bool, len(lives))
	for i, l := range lives {
		times[i], observed[i] = math.Max(l.handshakes, 1), l.damaged
	}
	km := inference.KaplanMeier(times, observed, confidence)
	last := point{1, 1, 1, 1}
	if km.Events == 0 {
		// An estimate of 1 has a variance of nothing, which is not certainty.
		last.low = 1 - inference.ProportionUpper(0, km.N, 0.95)
	}
	c := curve{label: name, look: lookOf(name), steps: true, points: []point{last}}
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
