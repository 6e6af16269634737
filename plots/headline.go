package plots

import (
	"fmt"
	"slices"
	"strings"

	"tlsbench/results"
)

// plainHazard is OpenSSL alone in the process.
const plainHazard = "plain"

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

// defaultScenes leaves the scenes with default heap and settings, or all if there are
// no such.
func defaultScenes(scenes []*Scene) []*Scene {
	var list []*Scene
	for _, s := range scenes {
		if s.Heap == "global" && s.Settings == "" {
			list = append(list, s)
		}
	}
	if len(list) == 0 {
		return scenes
	}
	return list
}

// trials counts what the verdicts of a scene rest on.
func (s *Scene) trials() int {
	n := 0
	for i := range s.Rows {
		n += s.Rows[i].Verdict.Trials
	}
	return n
}

// headlineScenes are the columns of the headline table: OpenSSL alone, for each
// build and load the number of workers with the most trials.
func (d *Data) headlineScenes() []*Scene {
	var list []*Scene
	for _, s := range defaultScenes(d.fullyJudged()) {
		if s.Hazard != plainHazard {
			continue
		}
		same := func(o *Scene) bool { return o.Machine == s.Machine && o.OpenSSL == s.OpenSSL && o.Load == s.Load }
		if i := slices.IndexFunc(list, same); i < 0 {
			list = append(list, s)
		} else if s.trials() > list[i].trials() {
			list[i] = s
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

const usualWorkers = 4

// runs counts the trials of throughput, those without a value too.
func (s *Scene) runs() int {
	n := 0
	for i := range s.Rows {
		n += s.Rows[i].Throughput
	}
	return n
}

// headline is the first table: strategies by builds, OpenSSL alone. Loads have
// columns of their own: the probability of a damaged trial differs between
// them, so their trials are no one sample.
func headline(d *Data) *pageTable {
	scenes := d.headlineScenes()
	if len(scenes) == 0 {
		return nil
	}
	t := &pageTable{Title: "Each strategy with OpenSSL alone in the process (hazard plain): verdict, damaged trials, and the interval or, for none damaged, the one-sided 95 % bound", Hazard: plainHazard, Head: []string{"strategy"}}
	names := strategiesOf(scenes)
	for _, s := range scenes {
		t.Head = append(t.Head, columnTitle(s, scenes))
	}
	for _, name := range names {
		row := pageRow{Name: name, Hazard: plainHazard}
		for i, s := range scenes {
			row.Cells = append(row.Cells, headlineCell(s.row(name), t.Head[i+1], d))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func headlineCell(r *results.Row, head string, d *Data) pageCell {
	c := mapCell(r, head)
	if r != nil && r.Verdict.Damaged > 0 {
		c.Detail += " " + between(r.Probability.Low, r.Probability.High, percent)
	}
	return c
}

// columnTitle is the build, and what else tells the columns apart.
func columnTitle(s *Scene, all []*Scene) string {
	text := "OpenSSL " + s.OpenSSL
	different := func(f func(*Scene) string) bool {
		return slices.ContainsFunc(all, func(o *Scene) bool { return f(o) != f(s) })
	}
	if different(func(o *Scene) string { return o.Load }) {
		text += ", " + s.Load
	}
	if different(func(o *Scene) string { return fmt.Sprint(o.Workers) }) {
		text += ", " + count(s.Workers, "worker")
	}
	if different(func(o *Scene) string { return o.Machine }) {
		text += ", " + s.Machine
	}
	return text
}

func strategiesOf(scenes []*Scene) []string {
	var names []string
	for _, s := range scenes {
		for _, name := range s.names() {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.SortFunc(names, compareStrategies)
	return names
}

// hazardTable says for each strategy and build how many hazards damaged it, and
// how. Plain is not among them.
func hazardTable(d *Data) *pageTable {
	var groups []*mapGroup
	var firsts []*Scene
	for _, g := range d.byHazard() {
		others := slices.DeleteFunc(slices.Clone(g.scenes), func(s *Scene) bool { return s.Hazard == plainHazard })
		if len(others) > 0 && !g.controls && len(defaultScenes(others)) == len(others) {
			groups, firsts = append(groups, &mapGroup{scene: g.scene, scenes: others, names: g.names}), append(firsts, others[0])
		}
	}
	if len(groups) == 0 {
		return nil
	}
	t := &pageTable{Title: "With something else in the process: how many hazards damaged it of those tried, and how; then the weakest one-sided 95 % bound of the others", Head: []string{"strategy"}}
	for _, s := range firsts {
		t.Head = append(t.Head, columnTitle(s, firsts))
	}
	for _, name := range strategiesOf(firsts) {
		row := pageRow{Name: name}
		for i, g := range groups {
			row.Cells = append(row.Cells, g.hazardCell(name, t.Head[i+1], d))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func (g *mapGroup) hazardCell(name, head string, d *Data) pageCell {
	j := &judged{strategy: name}
	for _, s := range g.scenes {
		j.add(s, s.row(name), d)
	}
	cell := pageCell{Head: head, Text: "–", Class: "verdict"}
	if j.cells == 0 {
		if len(j.reasons) > 0 {
			cell.Text, _, _ = strings.Cut(j.reasons[0], " on OpenSSL ")
		}
		return cell
	}
	cell.Class += " " + wordClass(j.worst())
	cell.Text, cell.Sort = fmt.Sprintf("%d of %d", j.damaged, j.cells), fmt.Sprint(j.damaged)
	var parts []string
	if words := j.sorted(); len(words) > 0 {
		cell.Text += ": " + strings.Join(words, ", ")
	}
	if j.damaged < j.cells {
		parts = append(parts, "≤ "+percent(roundUp(j.bound)))
	}
	cell.Detail = strings.Join(parts, "; ")
	return cell
}
