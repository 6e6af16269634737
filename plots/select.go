package plots

import (
	"slices"

	"tlsbench/results"
	"tlsbench/strategies/catalogue"
)

// Which scenes a figure is of.

// controlsOnly reports whether the scene has verdicts on the controls alone,
// because that is all its plan wanted of it: those of a throughput run.
func (s *Scene) controlsOnly(d *Data) bool {
	for i := range s.Rows {
		r := &s.Rows[i]
		if !isControl(r.Strategy) && r.Verdict.Worst() != results.NoTrials {
			return false
		}
	}
	return d.judgesOthers
}

func isControl(strategy string) bool {
	return strategy == results.PositiveControl || strategy == results.NegativeControl
}

// judgesAny reports whether there is a verdict on anything but a control.
func (d *Data) judgesAny() bool {
	return slices.ContainsFunc(d.Scenes, func(s *Scene) bool {
		return slices.ContainsFunc(s.Rows, func(r results.Row) bool {
			return !isControl(r.Strategy) && r.Verdict.Worst() != results.NoTrials
		})
	})
}

// scenesWith lists the scenes in which some strategy has something.
func (d *Data) scenesWith(some func(results.Row) bool) []*Scene {
	return slices.DeleteFunc(slices.Clone(d.Scenes), func(s *Scene) bool { return !slices.ContainsFunc(s.Rows, some) })
}

// judged reports whether any trial of the scene could have got a verdict.
func (s *Scene) judged() bool {
	return slices.ContainsFunc(s.Rows, func(r results.Row) bool { return r.Verdict.Worst() != results.NoTrials })
}

// fullyJudged lists the scenes that compare strategies by damage.
func (d *Data) fullyJudged() []*Scene {
	var list []*Scene
	for _, s := range d.Scenes {
		if s.judged() && !s.controlsOnly(d) {
			list = append(list, s)
		}
	}
	return list
}

// mainCosts lists the scenes that compare throughput: of those that differ in
// the number of workers alone, the one with the most runs. The others stand in
// the figure of scaling.
func (d *Data) mainCosts() []*Scene {
	var list []*Scene
	at := make(map[results.Scene]int)
	for _, s := range d.Scenes {
		if s.runs() == 0 {
			continue
		}
		scene := s.Scene
		scene.Workers = 0
		i, ok := at[scene]
		switch {
		case !ok:
			at[scene], list = len(list), append(list, s)
		case s.runs() > list[i].runs() || s.runs() == list[i].runs() && s.Workers == usualWorkers:
			list[i] = s
		}
	}
	return list
}

// runs counts the trials of throughput, those without a value too.
func (s *Scene) runs() int {
	n := 0
	for i := range s.Rows {
		n += s.Rows[i].Throughput
	}
	return n
}

const usualWorkers = 4

func strategiesOf(scenes []*Scene) []string {
	var names []string
	for _, s := range scenes {
		for _, name := range s.names() {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.SortFunc(names, catalogue.Compare)
	return names
}
