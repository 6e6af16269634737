package plots

import (
	"fmt"
	"slices"
	"strings"

	"gonum.org/v1/plot"

	"tlsbench/results"
	"tlsbench/strategies/catalogue"
)

// scaling is figure 2: throughput and server CPU against the number of
// workers.
func scaling(d *Data) *Figure {
	f := &Figure{ID: "scaling", Title: "Throughput and server CPU against number of workers", Columns: 2}
	var n tally
	for _, group := range d.byWorkers() {
		for _, m := range []struct{ unit, title, label string }{
			{results.HandshakesPerSec, "Throughput, handshakes/s", "good full handshakes/s"},
			{results.CPUPerHandshake, "Server CPU for each handshake", "CPU time per handshake"},
		} {
			if p := scalingPanel(d, group, m.unit, m.title, m.label, &n); p != nil {
				f.Panels = append(f.Panels, p)
			}
		}
	}
	f.Empty = d.noCost(f, "no undamaged trial measured throughput")
	f.Caption = fmt.Sprintf("Medians with their %s as bars and bands. %d runs, %s for each point. With a single number of workers there is a point and no line. "+
		"On few cores compare CPU: the peers' work is not in it. Baseline of the ratios elsewhere: %s.", d.intervals(), n.total, n.String(), d.Baseline)
	return f
}

// byWorkers groups the scenes that differ in the number of workers alone.
func (d *Data) byWorkers() [][]*Scene {
	var groups [][]*Scene
	at := make(map[results.Scene]int)
	for _, s := range d.Scenes {
		scene := s.Scene
		scene.Workers = 0
		i, ok := at[scene]
		if !ok {
			i = len(groups)
			at[scene], groups = i, append(groups, nil)
		}
		groups[i] = append(groups[i], s)
	}
	// Where one build has a curve, single points of others only repeat the
	// figure of throughput.
	if slices.ContainsFunc(groups, curved) {
		groups = slices.DeleteFunc(groups, func(g []*Scene) bool { return !curved(g) })
	}
	return groups
}

// curved reports whether throughput was measured with several numbers of
// workers.
func curved(group []*Scene) bool {
	n := 0
	for _, s := range group {
		if s.runs() > 0 {
			n++
		}
	}
	return n > 1
}

// workerTicks are the numbers of workers there are trials of.
func workerTicks(group []*Scene) plot.ConstantTicks {
	var ticks plot.ConstantTicks
	for _, s := range group {
		ticks = append(ticks, plot.Tick{Value: float64(s.Workers), Label: fmt.Sprint(s.Workers)})
	}
	return ticks
}

func scalingPanel(d *Data, group []*Scene, unit, title, label string, n *tally) *Panel {
	chart := lineChart{
		x: scale{label: "workers", print: figures3, log: true},
		y: scale{label: label, print: byUnit(unit), zero: true},

		dodge: 4, xTicks: workerTicks(group),
	}
	var names, words []string
	mark := ""
	for _, s := range group {
		for _, name := range s.names() {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		if s.Mark != "" {
			mark = fmt.Sprintf("%s: %s", count(s.Workers, "worker"), s.Mark)
		}
	}
	slices.SortFunc(names, catalogue.Compare)
	for _, name := range names {
		c := curve{label: name, look: lookOf(name), banded: true}
		for _, s := range group {
			r := s.row(name)
			if r == nil {
				continue
			}
			cost, ok := costOf(r, unit)
			if !ok || !cost.Median.Known() {
				continue
			}
			m := cost.Median
			n.add(m.N)
			c.points = append(c.points, point{float64(s.Workers), m.Value, m.Low, m.High})
			words = append(words, fmt.Sprintf("%s, %s: %s %s", name, count(s.Workers, "worker"),
				byUnit(unit)(m.Value), between(m.Low, m.High, byUnit(unit))))
		}
		if len(c.points) > 0 {
			chart.curves = append(chart.curves, c)
		}
	}
	if len(group) == 1 {
		chart.dodge = 24 // there is room, and no line to keep together
	}
	if len(chart.curves) == 0 {
		return nil
	}
	p := newPanel(group[0], d, title)
	scene := group[0].Scene
	scene.Workers = 0
	p.Sub, p.Mark = sceneText(scene, d.severalMachines()), mark
	p.Alt = strings.Join(words, "; ") + "."
	p.show(&chart)
	return p
}
