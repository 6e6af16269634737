package plots

import (
	"fmt"
	"math"
	"strings"

	"tlsbench/results/inference"
)

// survival is figure 7: the share of trials still undamaged against the good
// handshakes made.
func survival(d *Data) *Figure {
	f := &Figure{ID: "survival", Title: "Survival", Columns: 2}
	few := 0 // scenes
	for _, s := range d.Scenes {
		if s.controlsOnly(d) {
			continue // they stand in the verdict map
		}
		switch most := s.mostLives(); {
		case most >= minLives:
			f.Panels = append(f.Panels, survivalPanel(s, d))
		case most > 0:
			few++
		}
	}
	f.Empty = d.noCost(f, "no trial looked for corruption")
	if len(f.Panels) == 0 && few > 0 {
		f.Empty = fmt.Sprintf("no strategy has %d trials anywhere", minLives)
	}
	f.words = func(_ []*Panel, n tally) string {
		return fmt.Sprintf("Kaplan-Meier estimate with pointwise %s (bands) of the share of trials without any damage; ticks are trials that ended undamaged. "+
			"Where no trial was damaged the band reaches down to the exact one-sided 95 %% bound of all of them. "+
			"Logarithmic axis; damage before the second handshake stands at 1.%s %d trials, %s for each strategy and panel. Baseline of comparisons: %s.",
			d.intervals(), fewText(few), n.total, n.String(), d.Baseline)
	}
	return f
}

// minLives is how many trials of a strategy a panel needs: a curve of one or
// two is none.
const minLives = 10

func fewText(scenes int) string {
	if scenes == 0 {
		return ""
	}
	return fmt.Sprintf(" No panel for %s of fewer than %d trials of each strategy.", count(scenes, "combination"), minLives)
}

func (s *Scene) mostLives() int {
	most := 0
	for _, v := range s.series {
		most = max(most, len(v.lives))
	}
	return most
}

func survivalPanel(s *Scene, d *Data) *Panel {
	chart := lineChart{
		x:      scale{label: "good handshakes made in the trial", print: figures3, log: true},
		y:      scale{label: "share of trials undamaged", print: percent},
		yRange: &span{0, 1.03},
	}
	var words []string
	var n tally
	for _, name := range s.names() {
		lives := s.of(name).lives
		if len(lives) == 0 {
			continue
		}
		n.add(len(lives))
		c, text := survivalCurve(name, lives, d.Confidence)
		chart.curves = append(chart.curves, c)
		words = append(words, text)
	}
	p := newPanel(s, d, "Trials still undamaged")
	p.Alt, p.n = strings.Join(words, "; ")+".", n
	p.show(&chart)
	return p
}

func survivalCurve(name string, lives []life, confidence float64) (curve, string) {
	times, observed := make([]float64, len(lives)), make([]bool, len(lives))
	for i, l := range lives {
		times[i], observed[i] = math.Max(l.handshakes, 1), l.damaged
	}
	km := inference.KaplanMeierAt(times, observed, confidence)
	c := curve{label: name, look: lookOf(name), steps: true, banded: true, points: []point{{1, 1, 1, 1}}}
	if km.Events == 0 {
		// An estimate of 1 has a variance of nothing, which is no certainty.
		bound := 1 - inference.ProportionUpper(0, km.N, 0.95)
		c.points[0].low = bound
		c.points = append(c.points, point{math.Max(km.End, 1), 1, bound, 1})
	} else {
		c.addSteps(km)
	}
	for i, t := range km.Censored {
		if i == 0 || t != km.Censored[i-1] {
			c.marks = append(c.marks, point{x: t, y: km.At(t)})
		}
	}
	text := fmt.Sprintf("%s: %d of %s damaged, the longest watched for %s handshakes", name, km.Events, count(km.N, "trial"), figures3(km.End))
	if finite(km.Median.Value) && km.Events > 0 {
		text += fmt.Sprintf(", half of them by handshake %s", figures3(km.Median.Value))
	}
	return c, text
}

func (cv *curve) addSteps(km inference.Curve) {
	for _, step := range km.Steps {
		cv.points = append(cv.points, point{step.Time, step.Survival, step.Low, step.High})
	}
	last := cv.points[len(cv.points)-1]
	cv.points = append(cv.points, point{math.Max(km.End, 1), last.y, last.low, last.high})
}
