package plots

import (
	"fmt"
	"slices"
	"strings"

	"tlsbench/results"
	"tlsbench/strategies/catalogue"
)

// plainHazard is OpenSSL alone in the process.
const plainHazard = results.Plain

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
	t := &pageTable{Title: "With OpenSSL alone in the process (hazard plain): verdict, damaged trials, and the 95 % interval or, for none damaged, the one-sided 95 % bound" + loadsExplained(scenes), Hazard: plainHazard, Head: []string{"strategy"}}
	names := strategiesOf(scenes)
	for _, s := range scenes {
		t.Head = append(t.Head, columnTitle(s, scenes))
	}
	for _, name := range names {
		row := pageRow{Name: name, Hazard: plainHazard}
		for i, s := range scenes {
			cell := headlineCell(s.row(name), t.Head[i+1], d)
			t.mark(&cell, d.mixed(s, name))
			row.Cells = append(row.Cells, cell)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// loadsExplained says what the words for loads stand for.
func loadsExplained(scenes []*Scene) string {
	var parts []string
	for _, l := range []struct{ load, text string }{
		{"memory", "memory: each worker does both sides of a handshake by itself"}, {"tcp", "tcp: peers connect over loopback"},
	} {
		if slices.ContainsFunc(scenes, func(s *Scene) bool { return s.Load == l.load }) {
			parts = append(parts, l.text)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, "; ") + ")"
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
	slices.SortFunc(names, catalogue.Compare)
	return names
}
