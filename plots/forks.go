package plots

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/HdrHistogram/hdrhistogram-go"

	"tlsbench/results"
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
	f := &Figure{ID: "fork", Title: "Fork latency, and the cost of the handlers", Columns: 3}
	for _, s := range d.mainForks() {
		s = withoutMark(s)
		if p := latencyPanel(s, d); p != nil {
			f.Panels = append(f.Panels, p)
		}
		for _, m := range []struct{ unit, title string }{
			{handlerCold, "At-fork handlers, as they happen"}, {handlerWarm, "At-fork handlers, pages touched before"},
		} {
			if p := forkMetric(s, d, m.unit, m.title, new(tally)); p != nil {
				f.Panels = append(f.Panels, p)
			}
		}
	}
	f.Panels = append(f.Panels, sweepPanels(d)...)
	f.Empty = d.noCost(f, "no trial measured forks")
	f.words = d.forkCaption
	return f
}

func (d *Data) forkCaption(panels []*Panel, n tally) string {
	var parts []string
	is := func(sweep bool) func(*Panel) bool {
		return func(p *Panel) bool { return (p.sheet == sweepSheet) == sweep }
	}
	if slices.ContainsFunc(panels, is(false)) {
		parts = append(parts, fmt.Sprintf("Time in fork(): distribution of the time rank 0 spends there, handlers included (logarithmic axis): of all forks, with the range from trial to trial as band, cut at the longest time that %v %% of any strategy's forks take; "+
			"or of the trials' medians with a simultaneous band, where the samples are missing. At-fork handlers: time in the strategy's own, every trial a dot, median with its interval (%s); logarithmic axes.", tailCut, d.intervals()))
	}
	if slices.ContainsFunc(panels, is(true)) {
		parts = append(parts, fmt.Sprintf("Against a number: medians over trials of each trial's median time in fork(), with %s as bars and bands, dotted and open where trials are too few for one; everything else in the process stays as it is.", d.intervals()))
	}
	return fmt.Sprintf("%s %d trials, %s for each strategy and point or panel. Baseline of ratios: %s.", strings.Join(parts, " "), n.total, n.String(), d.Baseline)
}

// withoutMark takes the mark off a scene that has no controls because all it
// has are forks: controls are about damage, and fork trials make no claim about
// it. Controls that failed stay marked.
func withoutMark(s *Scene) *Scene {
	if s.judged() || !strings.HasPrefix(s.Mark, "NO CONTROLS") {
		return s
	}
	t := *s.Table
	t.Mark = ""
	return &Scene{&t, s.series}
}

// latencyPanel draws the distribution functions of single forks where the
// samples are there, else those of the trials' medians.
func latencyPanel(s *Scene, d *Data) *Panel {
	n := new(tally)
	chart := lineChart{
		x:      scale{label: "time in fork(), all forks of all trials", print: duration, log: true},
		y:      scale{label: "share of forks", print: percent},
		yRange: &span{0, 1.02},
	}
	chart.curves = s.forkCurves(n)
	if len(chart.curves) == 0 {
		chart.x.label, chart.y.label = "median time in fork() of a trial", "share of trials"
		chart.curves = s.medianCurves(d, n)
	}
	if len(chart.curves) == 0 {
		return nil
	}
	var words []string
	for _, c := range chart.curves {
		words = append(words, fmt.Sprintf("%s: half within %s, 99 %% within %s", c.label, duration(c.quantile(0.5)), duration(c.quantile(0.99))))
	}
	p := newPanel(s, d, "Time in fork(), distribution")
	p.Sub += s.disturbed()
	p.Alt, p.n = strings.Join(words, "; ")+".", *n
	p.show(&chart)
	return p
}

// disturbed names the strategies whose trials of cost met too much else on the
// machine; the tables of cost say what.
func (s *Scene) disturbed() string {
	var list []string
	for _, name := range s.names() {
		if slices.ContainsFunc(s.row(name).Costs, func(c results.Cost) bool { return len(c.Disturbed) > 0 }) {
			list = append(list, name)
		}
	}
	switch {
	case len(list) == 0:
		return ""
	case len(list) > 1 && len(list) == len(s.names()):
		return "; many trials of all strategies were disturbed"
	}
	return "; many trials were disturbed of " + strings.Join(list, ", ")
}

// quantile reads a distribution function backwards.
func (cv *curve) quantile(q float64) float64 {
	for _, p := range cv.points {
		if p.y >= q {
			return p.x
		}
	}
	return math.NaN()
}

// latencyGrid is how many points a distribution function of forks is drawn at.
const latencyGrid = 160

// tailCut is the percentile at which distributions of forks are cut: a single
// fork that took a thousand times as long would squeeze all others.
const tailCut = 99.5

// forkCurves gives the pooled distribution function of each strategy's forks,
// and how far it lies apart from trial to trial.
func (s *Scene) forkCurves(n *tally) []curve {
	ends := newSpan()
	for _, v := range s.series {
		if len(v.latency) == 0 {
			continue
		}
		all := hdrhistogram.Import(v.latency[0].Export())
		for _, h := range v.latency[1:] {
			all.Merge(h)
		}
		ends.add(float64(max(all.Min(), 1)), float64(all.ValueAtQuantile(tailCut)))
	}
	if ends.empty() {
		return nil
	}
	ends = ends.logarithmic()
	xs := make([]float64, latencyGrid)
	for i := range xs {
		xs[i] = ends.low * math.Pow(ends.high/ends.low, float64(i)/(latencyGrid-1))
	}
	var curves []curve
	for _, name := range s.names() {
		hists := s.of(name).latency
		if len(hists) == 0 {
			continue
		}
		n.add(len(hists))
		curves = append(curves, curve{label: name, look: lookOf(name), steps: true, banded: true, points: pooled(hists, xs)})
	}
	return curves
}

// pooled gives the distribution function of all histograms together, with the
// lowest and the highest of the single ones as interval.
func pooled(hists []*hdrhistogram.Histogram, xs []float64) []point {
	points := make([]point, len(xs))
	for i, x := range xs {
		points[i] = point{x: x, low: 1}
	}
	var total float64
	for _, h := range hists {
		total += float64(h.TotalCount())
	}
	for _, h := range hists {
		bars, i, seen := h.Distribution(), 0, int64(0)
		for j, x := range xs {
			for i < len(bars) && float64(bars[i].From) <= x {
				seen += bars[i].Count
				i++
			}
			share := float64(seen) / float64(h.TotalCount())
			points[j].y += float64(seen) / total
			points[j].low, points[j].high = math.Min(points[j].low, share), math.Max(points[j].high, share)
		}
	}
	return points
}

// medianCurves gives the distribution functions of the trials' medians with
// the band of Dvoretzky, Kiefer and Wolfowitz, in the form of P. Massart, The
// Tight Constant in the Dvoretzky-Kiefer-Wolfowitz Inequality, Annals of
// Probability 18 (1990) 1269-1283.
func (s *Scene) medianCurves(d *Data, n *tally) []curve {
	var curves []curve
	for _, name := range s.names() {
		v := slices.Sorted(slices.Values(values(s.of(name).fork, forkMedian)))
		if len(v) == 0 {
			continue
		}
		n.add(len(v))
		c := curve{label: name, look: lookOf(name), steps: true, banded: true}
		half := math.Sqrt(math.Log(2/(1-d.Confidence)) / (2 * float64(len(v))))
		c.points = []point{{v[0], 0, 0, math.Min(1, half)}}
		for i, x := range v {
			y := float64(i+1) / float64(len(v))
			c.points = append(c.points, point{x, y, math.Max(0, y-half), math.Min(1, y+half)})
		}
		curves = append(curves, c)
	}
	return curves
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
	p.Sub += s.disturbed()
	p.Alt = describe(chart.rows, duration)
	p.show(&chart)
	return p
}

// laterCost is figure 4: what a fresh worker pays for state that was cleared.
func laterCost(d *Data) *Figure {
	f := &Figure{ID: "later", Title: "What the child pays later", Columns: 2}
	var n tally
	for _, s := range d.mainForks() {
		s = withoutMark(s)
		for _, m := range []struct{ unit, title string }{
			{firstRandom, "First random draw in a fresh worker"}, {firstHandshake, "First handshake in a fresh worker"},
		} {
			if p := forkMetric(s, d, m.unit, m.title, &n); p != nil {
				f.Panels = append(f.Panels, p)
			}
		}
	}
	f.Empty = d.noCost(f, "no trial measured forks")
	f.Caption = fmt.Sprintf("Every trial is a dot, the large mark is the median, the bar its interval (%s; a dotted line with an arrow is an open end: too few trials); logarithmic axes. "+
		"%d values, %s for each strategy and panel. Baseline of ratios: %s.", d.intervals(), n.total, n.String(), d.Baseline)
	return f
}
