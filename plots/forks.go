package plots

import (
	"fmt"
	"slices"
	"strings"
)

// Units of fork trials. The names are those of package results' Units.
const (
	forkMedian     = "p50-fork-ns"
	handlerCold    = "handler-ns"
	handlerWarm    = "warm-handler-ns"
	firstRandom    = "first-random-ns"
	firstHandshake = "first-handshake-ns"
)

// forkLatency is figure 3: distribution functions of the fork latency, and the
// time inside the strategy's own handlers.
func forkLatency(d *Data) *Figure {
	f := &Figure{ID: "fork", Title: "Fork latency, and the cost of the handlers", Columns: 2}
	var n tally
	for _, s := range d.Scenes {
		if p := latencyPanel(s, d, &n); p != nil {
			f.Panels = append(f.Panels, p)
		}
		for _, m := range []struct{ unit, title string }{
			{handlerCold, "At-fork handlers, as they happen"}, {handlerWarm, "At-fork handlers, pages touched before"},
		} {
			if p := forkMetric(s, d, m.unit, m.title, &tally{}); p != nil {
				f.Panels = append(f.Panels, p)
			}
		}
	}
	f.Empty = d.noCost(f, "no trial measured forks")
	f.Caption = fmt.Sprintf("First: distribution over trials of the median time rank 0 spends in fork(), handlers included (logarithmic axis). "+
		"Then: time in the strategy's own at-fork handlers, every trial a dot, median with its %s; logarithmic axes. "+
		"%d trials, %s for each strategy and panel. Baseline of ratios: %s.", d.intervals(), n.total, n.String(), d.Baseline)
	return f
}

func latencyPanel(s *Scene, d *Data, n *tally) *Panel {
	chart := lineChart{
		x:      scale{label: "median time in fork() of a trial", print: duration, log: true},
		y:      scale{label: "share of trials", print: percent},
		yRange: &span{0, 1},
	}
	var words []string
	for _, name := range s.names() {
		v := values(s.of(name).fork, forkMedian)
		if len(v) == 0 {
			continue
		}
		n.add(len(v))
		c := curve{label: name, look: lookOf(name), steps: true, points: distribution(v)}
		chart.curves = append(chart.curves, c)
		words = append(words, fmt.Sprintf("%s: from %s to %s in %s", name, duration(slices.Min(v)), duration(slices.Max(v)), count(len(v), "trial")))
	}
	if len(chart.curves) == 0 {
		return nil
	}
	p := newPanel(s, d, "Time in fork(), distribution")
	p.Alt = strings.Join(words, "; ") + "."
	p.height, p.draw = chart.height(), chart.draw
	return p
}

// distribution gives the steps of an empirical distribution function.
func distribution(v []float64) []point {
	v = slices.Sorted(slices.Values(v))
	points := []point{{x: v[0], y: 0}}
	for i, x := range v {
		points = append(points, point{x: x, y: float64(i+1) / float64(len(v))})
	}
	return points
}

// forkMetric is a panel of one metric of fork trials, nil without data.
func forkMetric(s *Scene, d *Data, unit, title string, n *tally) *Panel {
	chart := rowChart{scale: scale{label: "time", print: duration, log: true}}
	chart.rows = s.metricRows(d, unit, forkRuns, n)
	if !anyValue(chart.rows) {
		return nil
	}
	for i := range chart.rows {
		// A log axis has no place for a handler that took no time at all.
		if r := &chart.rows[i]; r.empty == "" && r.mid <= 0 {
			*r = noValue(r.label, "no handler: "+duration(r.mid))
		} else {
			r.dots = slices.DeleteFunc(r.dots, func(v float64) bool { return v <= 0 })
		}
	}
	p := newPanel(s, d, title)
	p.Alt = describe(chart.rows, duration)
	p.height, p.draw = chart.height(), chart.draw
	return p
}

// laterCost is figure 4: what a fresh worker pays for state that was cleared.
func laterCost(d *Data) *Figure {
	f := &Figure{ID: "later", Title: "What the child pays later", Columns: 2}
	var n tally
	for _, s := range d.Scenes {
		for _, m := range []struct{ unit, title string }{
			{firstRandom, "First random draw in a fresh worker"}, {firstHandshake, "First handshake in a fresh worker"},
		} {
			if p := forkMetric(s, d, m.unit, m.title, &n); p != nil {
				f.Panels = append(f.Panels, p)
			}
		}
	}
	f.Empty = d.noCost(f, "no trial measured forks")
	f.Caption = fmt.Sprintf("Every trial is a dot, the large mark is the median, the bar its %s; logarithmic axes. "+
		"%d values, %s for each strategy and panel. Baseline of ratios: %s.", d.intervals(), n.total, n.String(), d.Baseline)
	return f
}
