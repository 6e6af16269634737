package plots

import (
	"fmt"

	"tlsbench/results"
	"tlsbench/results/number"
)

// handshakes is figure 4: CPU time and throughput relative to the baseline, all builds
// on one axis.
func handshakes(d *Data) *Figure {
	f := &Figure{ID: "handshakes", Title: "What does a fix cost a handshake?", Empty: "no undamaged trial measured throughput"}
	for _, group := range byBuild(d.mainCosts()) {
		f.addRatios(d, group, results.CPUPerHandshake, "Server CPU for each handshake")
		f.addRatios(d, group, results.HandshakesPerSec, "Throughput")
	}
	n := f.counts()
	f.Caption = fmt.Sprintf("Ratio to the baseline %s in the same round, one dot for each round; the large mark is the estimate, the bar is its interval (%s; dotted with an arrow: the end is beyond the axis). "+
		"Shaded: ± %s, differences below the margin. %s The baseline's row has the value itself. %d undamaged trials, %s for each row; damaged trials yield no value. "+
		"On few cores compare the server's CPU time: throughput includes the peers' work, CPU time does not.",
		d.Baseline, d.intervals(), number.Percent(d.Margin), d.differsExplained(), n.total, n.String())
	return f
}

// addRatios adds a panel of one metric relative to the baseline.
func (f *Figure) addRatios(d *Data, group []*Scene, unit, what string) {
	var n tally
	chart := d.sameRatio("ratio to " + d.Baseline + " in the same round")
	chart.rows = strips(group, func(s *Scene, name string) row {
		r := s.ratioRow(d, name, unit)
		n.add(len(values(s.of(name).handshake, unit)))
		return r
	})
	f.add(d, group, what+", relative to "+d.Baseline, chart, n)
}

func (s *Scene) ratioRow(d *Data, name, unit string) row {
	r := s.row(name)
	cost, ok := costOf(r, unit)
	switch {
	case !ok || !cost.Median.Known():
		return noValue(name, s.whyNone(r))
	case name == d.Baseline:
		return noValue(name, "1 = "+number.Of(unit)(cost.Median.Value))
	case !cost.Ratio.Known():
		return noValue(name, "no round in common with "+d.Baseline)
	}
	q := cost.Ratio
	note := number.Ratio(q.Value)
	switch {
	case q.Same:
		note += "  same"
	case d.Differs(q):
		note += "  differs"
	}
	return row{
		mid: q.Value, low: q.Low, high: q.High, note: note,
		dots: paired(s.of(name).handshake, s.of(d.Baseline).handshake, unit),
	}
}

// differsExplained goes with every table and figure of ratios.
func (d *Data) differsExplained() string {
	return fmt.Sprintf("differs: by the signed-rank test, corrected for the other strategies of the table (Holm), and by the interval. Intervals are not corrected, so an interval may exclude 1 without this word. same: shown to be within ± %s.", number.Percent(d.Margin))
}
