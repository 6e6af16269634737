package plots

import (
	"cmp"
	"slices"
	"strings"

	"tlsbench/results"
)

// Which scenes a figure is of.

// judgesOthers reports whether there is a verdict on anything but a control.
func (s *Scene) judgesOthers() bool {
	return slices.ContainsFunc(s.Rows, func(r *results.Row) bool {
		return r.Strategy != results.PositiveControl && r.Strategy != results.NegativeControl && r.Verdict.Worst() != results.NoTrials
	})
}

// scenesWith lists the scenes in which some strategy has something.
func (d *Data) scenesWith(some func(*results.Row) bool) []*Scene {
	return slices.DeleteFunc(slices.Clone(d.Scenes), func(s *Scene) bool { return !slices.ContainsFunc(s.Rows, some) })
}

// fullyJudged lists the scenes that compare strategies by damage: without those of
// a throughput run, whose plan wanted verdicts on the controls alone.
func (d *Data) fullyJudged() []*Scene {
	return slices.DeleteFunc(slices.Clone(d.Scenes), func(s *Scene) bool {
		return !s.Judged() || d.judgesOthers && !s.judgesOthers()
	})
}

// mainCosts lists the scenes that compare throughput: of those that differ in
// the number of workers alone, the one with the most runs. The others stand in
// the figure of scaling.
func (d *Data) mainCosts() []*Scene {
	var list []*Scene
	for _, group := range grouped(d.withRuns(), func(s *results.Scene) { s.Workers = 0 }) {
		list = append(list, slices.MinFunc(group, func(a, b *Scene) int {
			return cmp.Or(b.runs()-a.runs(), a.unusual()-b.unusual())
		}))
	}
	return list
}

// withRuns lists the scenes that have trials of throughput.
func (d *Data) withRuns() []*Scene {
	return d.scenesWith(func(r *results.Row) bool { return r.Throughput > 0 })
}

// runs counts the trials of throughput, those without a value too.
func (s *Scene) runs() int {
	n := 0
	for _, r := range s.Rows {
		n += r.Throughput
	}
	return n
}

// unusual counts what differs from the default.
func (s *Scene) unusual() int {
	n := len(strings.Fields(s.Settings)) // what has its default is not among them
	if s.Workers != results.DefaultWorkers {
		n++
	}
	return n
}

// names lists the strategies that a scene has, in the order of all figures.
func (s *Scene) names() []string { return results.Strategies(s.Table) }

func strategiesOf(scenes []*Scene) []string {
	var tables []*results.Table
	for _, s := range scenes {
		tables = append(tables, s.Table)
	}
	return results.Strategies(tables...)
}
