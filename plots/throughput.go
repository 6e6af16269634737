package plots

import (
	"fmt"

	"tlsbench/results"
)

func handshakeRuns(s *series) []run { return s.handshake }
func forkRuns(s *series) []run      { return s.fork }

// throughput is figure 1: each run, median and interval, and the ratio to the
// baseline.
func throughput(d *Data) *Figure {
	f := &Figure{ID: "throughput", Title: "Throughput and server CPU", Columns: 2}
	for _, s := range d.mainCosts() {
		var n tally
		chart := rowChart{scale: scale{label: "good full handshakes/s", print: figures3, zero: true}}
		chart.rows = s.metricRows(d, results.HandshakesPerSec, handshakeRuns, &n)
		if !anyValue(chart.rows) {
			continue
		}
		chart.spread()
		p := newPanel(s, d, "Throughput, handshakes/s")
		p.Sub += withoutMark(s).disturbed()
		p.Alt, p.n = describe(chart.rows, figures3), n
		p.show(&chart)
		f.Panels = append(f.Panels, p, ratioPanel(s, d, results.HandshakesPerSec, "Throughput"))
		n = tally{}
		cpu := rowChart{scale: scale{label: "CPU time per handshake", print: duration, zero: true}}
		if cpu.rows = s.metricRows(d, results.CPUPerHandshake, handshakeRuns, &n); !anyValue(cpu.rows) {
			continue
		}
		cpu.spread()
		p = newPanel(s, d, "Server CPU for each handshake")
		p.Alt, p.n = describe(cpu.rows, duration), n
		p.show(&cpu)
		relative := ratioPanel(s, d, results.CPUPerHandshake, "Server CPU")
		p.sheet, relative.sheet = "cpu", "cpu"
		f.Panels = append(f.Panels, p, relative)
	}
	f.Empty = d.noCost(f, "no undamaged trial measured throughput")
	f.words = func(_ []*Panel, n tally) string {
		return fmt.Sprintf("Handshakes/s: every undamaged run is a dot, the large mark is the median, the bar its interval (%s; a dotted line with an arrow is an open end: "+
			"too few runs). Relative: ratio to the baseline %s in the same round; shaded: ± %s, differences that do not matter; %s "+
			"%d runs, %s for each strategy and panel. Damaged runs yield no value. On few cores the server's CPU is the figure to compare: the peers' work is in throughput and not in it.",
			d.intervals(), d.Baseline, percent(d.Margin), d.differsExplained(), n.total, n.String())
	}
	return f
}

// noCost says why a figure of costs is empty, "" if it is not.
func (d *Data) noCost(f *Figure, why string) string {
	switch {
	case len(f.Panels) > 0:
		return ""
	case len(d.Scenes) == 0:
		return "no trials in the files"
	}
	return why
}

// ratioPanel shows a metric of each strategy relative to the baseline.
func ratioPanel(s *Scene, d *Data, unit, what string) *Panel {
	one := 1.0
	chart := rowChart{
		scale:     scale{label: "ratio to " + d.Baseline + ", same round", print: shortRatio, log: true},
		band:      &span{1 / (1 + d.Margin), 1 + d.Margin},
		reference: &one,
	}
	for _, name := range s.names() {
		chart.rows = append(chart.rows, s.ratioRow(d, name, unit))
	}
	p := newPanel(s, d, what+", relative to "+d.Baseline)
	p.Alt = describe(chart.rows, ratio)
	p.show(&chart)
	return p
}

func (s *Scene) ratioRow(d *Data, name, unit string) row {
	if name == d.Baseline {
		return noValue(name, "baseline = 1")
	}
	r := s.row(name)
	cost, ok := costOf(r, unit)
	if !ok {
		return noValue(name, s.whyNone(r))
	}
	if !cost.Ratio.Known() {
		return noValue(name, "no round in common with "+d.Baseline)
	}
	q := cost.Ratio
	note := ratio(q.Value)
	switch {
	case q.Same:
		note += "  same"
	case d.shownToDiffer(q):
		note += "  differs"
	}
	return row{
		label: name, look: lookOf(name), mid: q.Value, low: q.Low, high: q.High, note: note,
		dots: paired(s.of(name).handshake, s.of(d.Baseline).handshake, unit),
	}
}
