package plots

import (
	"fmt"

	"tlsbench/results"
	"tlsbench/results/number"
)

// handshakes is figure 4: CPU time by duets, CPU time and throughput relative to the
// baseline, all builds on one axis.
func handshakes(d *Data) *Figure {
	f := &Figure{ID: "handshakes", Title: "What does a fix cost a handshake?", Empty: "no undamaged trial measured throughput"}
	duets := f.addDuets(d)
	for _, group := range byBuild(d.mainCosts()) {
		for _, m := range handshakeCosts {
			f.addRatios(d, group, m.unit, m.title, nil)
		}
	}
	f.Caption = duets + fmt.Sprintf("Ratio to the baseline %s in the same round, one dot for each round; the large mark is the estimate, the bar is its interval (%s; dotted with an arrow: the end is beyond the axis). "+
		"Shaded: ± %[3]s, differences below the margin. "+
		"differs: by the signed-rank test, corrected for all comparisons of the kind (Holm), and by the interval. Intervals are not corrected, so an interval may exclude 1 without this word. same: shown to be within ± %[3]s. The baseline's row has the value itself. %s; damaged trials yield no value. "+
		"On few cores compare the server's CPU time: throughput includes the peers' work, CPU time does not.",
		d.Baseline, d.intervals(), number.Percent(d.Margin), f.trials("undamaged trials", "row"))
	return f
}

// addDuets adds the panels of duets, and explains them if there are any.
func (f *Figure) addDuets(d *Data) string {
	scenes := d.scenesWith(func(r *results.Row) bool { return r.Duet != nil })
	if len(scenes) == 0 {
		return ""
	}
	for _, group := range byBuild(scenes) {
		chart := d.sameRatio("ratio to "+group[0].Against()+" by duets", results.DuetMargin)
		f.addRows(d, group, "Processor time of a handshake, server and client, by duets", chart, func(of *results.Row) row {
			r := duetRow(of)
			chart.n.Add(len(r.dots))
			return r
		})
	}
	return fmt.Sprintf("Duets: two servers alive at once take turns on one processor; a dot is a pair of processes. Shaded: ± %s. A strategy against itself shows what the method itself adds. ",
		number.Percent(results.DuetMargin))
}

// duetRow has the pairs of processes of a strategy as dots, and their ratio.
func duetRow(r *results.Row) row {
	c := r.Duet
	switch {
	case c == nil:
		return noValue("no duet")
	case !c.Cost.Known():
		return noValue(c.Word)
	}
	return row{
		dots: c.Cost.Rounds, mid: c.Cost.Value, low: c.Cost.Low, high: c.Cost.High,
		note: number.Change(c.Cost.Value) + "  " + c.Word,
	}
}

// handshakeCosts are the costs that are drawn relative to the baseline.
var handshakeCosts = []struct{ unit, title string }{
	{results.CPUPerHandshake, "Server CPU for each handshake"}, {results.HandshakesPerSec, "Throughput"},
}

// addRatios adds a panel of one of them.
func (f *Figure) addRatios(d *Data, group []*results.Table, unit, what string, by *sweep) *Panel {
	chart := d.sameRatio("ratio to "+d.Baseline+" in the same round", d.Margin)
	chart.sweep = by
	return f.addRows(d, group, what+", relative to "+d.Baseline, chart, func(r *results.Row) row {
		cost, _ := r.Cost(unit)
		chart.n.Add(len(cost.Values))
		return d.ratioRow(r, unit)
	})
}

func (d *Data) ratioRow(r *results.Row, unit string) row {
	cost, ok := r.Cost(unit)
	switch {
	case !ok || !cost.Median.Known():
		return noValue(whyNone(r))
	case r.Strategy == d.Baseline:
		return noValue("1 = " + number.Of(unit)(cost.Median.Value))
	case !cost.Ratio.Known():
		return noValue("no round in common with " + d.Baseline)
	}
	q := cost.Ratio
	note := number.Ratio(q.Value)
	switch {
	case q.Same:
		note += "  same"
	case d.Differs(q):
		note += "  differs"
	}
	return row{mid: q.Value, low: q.Low, high: q.High, note: note, dots: q.Rounds}
}
