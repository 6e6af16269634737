package plots

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat"

	"tlsbench/results"
	"tlsbench/results/inference"
)

// drift is figure 9: a metric against the time in the run, and the baseline
// against itself as the noise floor.
func drift(d *Data) *Figure {
	f := &Figure{ID: "drift", Title: "Drift and noise floor", Columns: 2}
	var n tally
	for _, s := range d.mainCosts() {
		if p := driftPanel(s, d, &n); p != nil {
			f.Panels = append(f.Panels, p)
		}
		if p := floorPanel(s, d); p != nil {
			f.Panels = append(f.Panels, p)
		}
	}
	if p := aaPanel(d); p != nil {
		f.Panels = append(f.Panels, p)
	}
	f.Empty = d.noCost(f, "no undamaged trial measured throughput")
	f.Caption = fmt.Sprintf("Over the run: every run against the time since the file's first trial of the panel; a dip that all strategies share is the machine, not a strategy. "+
		"Noise floor: the baseline %s in one round against itself in the next, with %s. It has the drift from round to round in it, which comparisons within a round do not: "+
		"those tell smaller differences than this. %s%d runs, %s for each strategy and panel.",
		d.Baseline, d.intervals(), d.aaCaption(), n.total, n.String())
	return f
}

func (d *Data) aaCaption() string {
	if len(d.AA) == 0 {
		return "How small a difference can be told within a round, an A/A experiment shows (tlsbench run --aa); this set has none. "
	}
	return "A/A: one strategy under several names, compared within the round as different strategies are; a dot is a comparison over eight rounds, the bar holds the middle 95 % of them. "
}

// aaPanel shows how far a strategy seems to differ from itself.
func aaPanel(d *Data) *Panel {
	one := 1.0
	chart := rowChart{
		scale:     scale{label: "one name / another name of it, same round", print: shortRatio, log: true},
		band:      &span{1 / (1 + d.Margin), 1 + d.Margin},
		reference: &one,
	}
	for _, a := range d.AA {
		sorted := slices.Sorted(slices.Values(a.Ratios))
		at := func(q float64) float64 { return stat.Quantile(q, stat.Empirical, sorted, nil) }
		chart.rows = append(chart.rows, row{
			label: aaLabel[a.Unit], look: lookOf(d.Baseline), dots: a.Ratios, mid: at(0.5), low: at(0.025), high: at(0.975),
			note: fmt.Sprintf("%d of %d differ", a.Interval, len(a.Ratios)),
		})
	}
	if len(chart.rows) == 0 {
		return nil
	}
	p := &Panel{Title: "A/A: a strategy against itself", Sub: "as comparisons are made: within a round, over eight rounds", width: panelWidth}
	p.Alt = strings.Join(aaLines(d), " ")
	p.show(&chart)
	return p
}

var aaLabel = map[string]string{results.HandshakesPerSec: "throughput", results.CPUPerHandshake: "server CPU"}

// aaLines state what the A/A experiment came to, as tlsbench check --aa counts.
func aaLines(d *Data) []string {
	var list []string
	for _, a := range d.AA {
		worst := 0.0
		for _, r := range a.Ratios {
			worst = math.Max(worst, math.Abs(r-1))
		}
		list = append(list, fmt.Sprintf("A/A, %s: of %d comparisons of a strategy with itself %d differ by their 95 %% interval and %d by the signed-rank test (1 in 20 is to be expected); "+
			"of %d tables of eight rounds %d have a difference after Holm's correction; the largest apparent difference is %s.",
			aaLabel[a.Unit], len(a.Ratios), a.Interval, a.Rank, a.Tables, a.Any, percent(worst)))
	}
	return list
}

func driftPanel(s *Scene, d *Data, n *tally) *Panel {
	chart := lineChart{
		x: scale{label: "minutes since the first trial", print: figures3},
		y: scale{label: "good full handshakes/s", print: figures3, zero: true},
	}
	first := s.firstStarts()
	var words []string
	for _, name := range s.names() {
		c := curve{label: name, look: lookOf(name), dotted: true}
		low, high := newSpan(), 0
		for _, r := range inTime(s.of(name).handshake) {
			v, ok := r.value(results.HandshakesPerSec)
			if !ok {
				continue
			}
			low.add(v)
			high++
			x := float64(r.round)
			if !r.start.IsZero() {
				x = r.start.Sub(first[r.file].start).Minutes()
			}
			c.points = append(c.points, point{x: x, y: v, low: v, high: v})
		}
		if len(c.points) > 0 {
			n.add(len(c.points))
			chart.curves = append(chart.curves, c)
			words = append(words, fmt.Sprintf("%s: %s to %s in %s", name, figures3(low.low), figures3(low.high), count(high, "run")))
		}
	}
	if len(chart.curves) == 0 {
		return nil
	}
	if first.untimed() {
		chart.x.label = "round (the file has no times)"
	}
	p := newPanel(s, d, "Throughput over the run, handshakes/s")
	p.Alt = strings.Join(words, "; ") + "."
	p.show(&chart)
	return p
}

// starts holds the first run of each file.
type starts map[int]run

func (s *Scene) firstStarts() starts {
	first := make(starts)
	for _, v := range s.series {
		for _, r := range v.handshake {
			if f, ok := first[r.file]; !ok || r.start.Before(f.start) {
				first[r.file] = r
			}
		}
	}
	return first
}

func (s starts) untimed() bool {
	for _, r := range s {
		if r.start.IsZero() {
			return true
		}
	}
	return false
}

// floorPanel compares the baseline with itself, one round with the next.
func floorPanel(s *Scene, d *Data) *Panel {
	one := 1.0
	chart := rowChart{
		scale:     scale{label: d.Baseline + ", next round / this round", print: shortRatio, log: true},
		band:      &span{1 / (1 + d.Margin), 1 + d.Margin},
		reference: &one,
	}
	runs := inTime(s.of(d.Baseline).handshake)
	for _, m := range []struct{ unit, label string }{
		{results.HandshakesPerSec, "throughput"}, {results.CPUPerHandshake, "server CPU"},
	} {
		chart.rows = append(chart.rows, floorRow(runs, d, m.unit, m.label))
	}
	if !anyValue(chart.rows) {
		return nil
	}
	p := newPanel(s, d, "Noise floor: "+d.Baseline+" against itself")
	p.Alt = describe(chart.rows, ratio)
	p.show(&chart)
	return p
}

func floorRow(runs []run, d *Data, unit, label string) row {
	var a, b []float64
	for i := 1; i < len(runs); i++ {
		x, ok1 := runs[i-1].value(unit)
		y, ok2 := runs[i].value(unit)
		if runs[i].file == runs[i-1].file && ok1 && ok2 {
			a, b = append(a, y), append(b, x)
		}
	}
	e := inference.PairedRatio(a, b, d.Confidence)
	if e.N == 0 {
		return noValue(label, "needs two rounds")
	}
	dots := make([]float64, len(a))
	for i := range a {
		dots[i] = a[i] / b[i]
	}
	return row{label: label, look: lookOf(d.Baseline), dots: dots, mid: e.Value, low: e.Low, high: e.High,
		note: fmt.Sprintf("%s  n=%d", ratio(e.Value), e.N)}
}
