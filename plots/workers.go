package plots

import (
	"fmt"
	"slices"

	"tlsbench/results"
	"tlsbench/results/number"
)

// workers is figure 9: CPU time and throughput, relative to the baseline, by the number
// of workers.
func workers(d *Data) *Figure {
	f := &Figure{ID: "workers", Title: "Does a fix cost more with more workers?", Empty: "throughput was measured with only one number of workers"}
	by := &sweep{key: "workers"}
	for _, group := range by.groups(d.scenesWith(measured)) {
		for _, m := range handshakeCosts {
			if p := f.addRatios(d, group, m.unit, m.title+", by workers", by); p != nil {
				p.Mark = workerMark(group)
			}
		}
	}
	f.Caption = fmt.Sprintf("Ratio to the baseline %s with as many workers, in the same round: a dot is a round, the large mark is the estimate, the bar is its interval (%s). Shaded: ± %s. %s. "+
		"On few cores compare CPU time, which does not include the peers' work.", d.Baseline, d.intervals(), number.Percent(d.Margin), f.trials("undamaged trials", "row"))
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
