package plots

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"

	"tlsbench/results"
)

// sweep is a number that fork trials are made with, and that may be varied.
type sweep struct {
	key, label string
	usual      float64
	log        bool
}

// sweeps have the defaults of package bench.
var sweeps = []sweep{
	{"mem", "private memory of rank 0, MiB", 16, true},
	{"filled", "filled keys beside OpenSSL's", 0, false},
	{"workers", "live workers", usualWorkers, true},
}

// of gives the number's value in a scene, and the scene without it.
func (w sweep) of(s results.Scene) (rest results.Scene, x float64) {
	rest, x = s, w.usual
	if w.key == "workers" {
		rest.Workers = 0
		return rest, float64(s.Workers)
	}
	var kept []string
	for _, part := range strings.Fields(s.Settings) {
		value, ok := strings.CutPrefix(part, w.key+"=")
		if !ok {
			kept = append(kept, part)
			continue
		}
		if n, err := strconv.ParseFloat(strings.TrimSuffix(value, "MiB"), 64); err == nil {
			x = n
		}
	}
	rest.Settings = strings.Join(kept, " ")
	return rest, x
}

// forks counts the fork trials of a scene that gave values.
func (s *Scene) forks() int {
	n := 0
	for _, v := range s.series {
		n += len(v.fork)
	}
	return n
}

// mainForks lists the scenes whose forks are drawn in full: of those that
// differ in swept numbers alone the one that has the defaults, or else the one
// with the most trials.
func (d *Data) mainForks() []*Scene {
	var list []*Scene
	at := make(map[results.Scene]int)
	for _, s := range d.Scenes {
		if s.forks() == 0 {
			continue
		}
		place := s.Scene
		for _, w := range sweeps {
			place, _ = w.of(place)
		}
		i, ok := at[place]
		switch {
		case !ok:
			at[place], list = len(list), append(list, s)
		case s.unusual() < list[i].unusual() || s.unusual() == list[i].unusual() && s.forks() > list[i].forks():
			list[i] = s
		}
	}
	return list
}

// unusual counts the swept numbers that are not the default.
func (s *Scene) unusual() int {
	n := 0
	for _, w := range sweeps {
		if _, x := w.of(s.Scene); x != w.usual {
			n++
		}
	}
	return n
}

// sweepSheet is the sheet that they stand on.
const sweepSheet = "sweeps"

// sweepPanels draw fork latency against each number that was varied, one panel
// for each setting of the others.
func sweepPanels(d *Data) []*Panel {
	var panels []*Panel
	for _, w := range sweeps {
		var order []results.Scene
		groups := make(map[results.Scene][]*Scene)
		for _, s := range d.Scenes {
			if s.forks() == 0 {
				continue
			}
			rest, _ := w.of(s.Scene)
			if groups[rest] == nil {
				order = append(order, rest)
			}
			groups[rest] = append(groups[rest], s)
		}
		for _, rest := range order {
			if group := groups[rest]; len(group) > 1 {
				if p := w.panel(d, rest, group); p != nil {
					panels = append(panels, p)
				}
			}
		}
	}
	return panels
}

func (w sweep) panel(d *Data, rest results.Scene, group []*Scene) *Panel {
	n := new(tally)
	slices.SortFunc(group, func(a, b *Scene) int {
		_, x := w.of(a.Scene)
		_, y := w.of(b.Scene)
		return int(x - y)
	})
	chart := lineChart{
		x:     scale{label: w.label, print: figures3, log: w.log},
		y:     scale{label: "time in fork(), median", print: duration, zero: !w.log, log: w.log},
		dodge: 3,
	}
	var ticks plot.ConstantTicks
	for _, s := range group {
		_, x := w.of(s.Scene)
		ticks = append(ticks, plot.Tick{Value: x, Label: figures3(x)})
	}
	chart.xTicks = ticks
	var words []string
	for _, name := range strategiesOf(group) {
		c, text, counts := w.curve(group, name)
		if len(c.points) > 1 { // one point is no sweep
			chart.curves, words = append(chart.curves, c), append(words, text)
			for _, trials := range counts {
				n.add(trials)
			}
		}
	}
	if len(chart.curves) == 0 {
		return nil
	}
	p := newPanel(group[0], d, "Fork latency against "+strings.TrimSuffix(w.label, ", MiB"))
	p.Sub, p.Mark, p.sheet = sceneText(rest, d.severalMachines()), "", sweepSheet
	for _, s := range group {
		if text := s.disturbed(); text != "" {
			_, x := w.of(s.Scene)
			p.Sub += fmt.Sprintf("; at %s%s", figures3(x), strings.TrimPrefix(text, ";"))
		}
	}
	p.Alt, p.n = strings.Join(words, "; ")+".", *n
	p.show(&chart)
	return p
}

func (w sweep) curve(group []*Scene, name string) (c curve, text string, trials []int) {
	c = curve{label: name, look: lookOf(name), banded: true}
	var words []string
	for _, s := range group {
		r := s.row(name)
		if r == nil {
			continue
		}
		cost, ok := costOf(r, forkMedian)
		if !ok || !cost.Median.Known() {
			continue
		}
		m := cost.Median
		_, x := w.of(s.Scene)
		c.points, trials = append(c.points, point{x, m.Value, m.Low, m.High}), append(trials, m.N)
		words = append(words, fmt.Sprintf("%s %s at %s", duration(m.Value), between(m.Low, m.High, duration), figures3(x)))
	}
	return c, name + ": " + strings.Join(words, ", "), trials
}
