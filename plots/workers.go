package plots

import (
	"fmt"
	"slices"

	"tlsbench/results"
	"tlsbench/results/number"
)

// workers is figure 9: CPU time and throughput, relative to the baseline, against
// the number of workers.
func workers(d *Data) *Figure {
	f := &Figure{ID: "workers", Title: "Does a fix cost more with more workers?", Empty: "throughput was measured with only one number of workers"}
	for _, group := range grouped(d.scenesWith(measured), func(s *results.Scene) { s.Workers = 0 }) {
		if len(group) < 2 {
			continue // a single point is in the figure of cost
		}
		for _, m := range []struct{ unit, title string }{
			{results.CPUPerHandshake, "Server CPU for each handshake"}, {results.HandshakesPerSec, "Throughput"},
		} {
			one := 1.0
			chart := &lineChart{y: axis{label: "ratio to " + d.Baseline + " in the same round", print: number.Figures}, line: &one, dodge: 4}
			w := sweep{key: "workers", title: m.title, label: "workers", log: true}
			if p := w.addPanel(f, d, group, m.unit, chart, func(c results.Cost) results.Estimate { return c.Ratio.Estimate }); p != nil {
				p.Mark = workerMark(group)
			}
		}
	}
	f.Caption = fmt.Sprintf("Ratio to the baseline %s, the dashed line, with as many workers: with %s as bars. %s. "+
		"On few cores compare CPU time, which does not include the peers' work.", d.Baseline, d.intervals(), f.trials("pairs of undamaged trials", "point"))
	return f
}

// workerMark is what is wrong with the controls of the most workers that lack them.
func workerMark(group []*results.Table) string {
	for _, s := range slices.Backward(group) {
		if s.Mark != "" {
			return fmt.Sprintf("%s: %s", number.Count(s.Workers, "worker"), s.Mark)
		}
	}
	return ""
}
