package plots

import (
	"fmt"
	"slices"

	"tlsbench/results"
	"tlsbench/results/number"
)

// workers is figure 9: CPU time and throughput against the number of workers.
func workers(d *Data) *Figure {
	f := &Figure{ID: "workers", Title: "Does a fix cost more with more workers?", Empty: "throughput was measured with only one number of workers"}
	for _, group := range grouped(d.withRuns(), func(s *results.Scene) { s.Workers = 0 }) {
		if len(group) < 2 {
			continue // a single point is in the figure of cost
		}
		slices.SortFunc(group, func(a, b *Scene) int { return a.Workers - b.Workers })
		f.addWorkers(d, group, results.CPUPerHandshake, "Server CPU for each handshake", "CPU time per handshake")
		f.addWorkers(d, group, results.HandshakesPerSec, "Throughput", "good full handshakes/s")
	}
	n := f.counts()
	f.Caption = fmt.Sprintf("Medians, with %s as bars. %d undamaged trials, %s for each point. "+
		"On few cores compare CPU time, which does not include the peers' work. Baseline of the ratios elsewhere: %s.", d.intervals(), n.Total, n.String(), d.Baseline)
	return f
}

func (f *Figure) addWorkers(d *Data, group []*Scene, unit, title, label string) {
	var n tally
	chart := &lineChart{
		x: axis{label: "workers", print: number.Short, log: true}, y: axis{label: label, print: number.Of(unit), zero: true}, dodge: 4,
	}
	for _, s := range group {
		chart.xAt = append(chart.xAt, float64(s.Workers))
	}
	for _, name := range strategiesOf(group) {
		c := medianCurve(group, name, unit, func(s *Scene) float64 { return float64(s.Workers) }, &n)
		if len(c.points) > 0 {
			chart.curves = append(chart.curves, c)
		}
	}
	p := f.add(d, group[:1], title, chart, n)
	if p == nil {
		return
	}
	scene := group[0].Scene
	scene.Workers = 0
	p.Sub, p.Mark = sceneText(scene, d.severalMachines()), ""
	for _, s := range group {
		if s.Mark != "" {
			p.Mark = fmt.Sprintf("%s: %s", number.Count(s.Workers, "worker"), s.Mark)
		}
	}
}
