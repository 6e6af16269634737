package plots

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tlsbench/results"
	"tlsbench/results/number"
)

// sweep is a number that fork trials are made with, and that may be varied.
type sweep struct {
	key, title, label string
	usual             float64
	log               bool
}

// sweeps have the defaults of package bench.
var sweeps = []sweep{
	{"mem", "More memory", "private memory of rank 0, MiB", 16, true},
	{"filled", "More keys", "filled keys besides OpenSSL's", 0, false},
	{"workers", "More workers", "live workers", results.DefaultWorkers, true},
}

// forkSweeps is figure 6: whether what the handlers add to a fork grows with the
// process.
func forkSweeps(d *Data) *Figure {
	f := &Figure{ID: "sweeps", Title: "Does a fix cost more in a larger process?"}
	f.Empty = "no setting was varied in fork trials"
	for _, w := range sweeps {
		scenes := slices.DeleteFunc(slices.Clone(d.Scenes), func(s *Scene) bool { return s.forks() == 0 })
		for _, group := range grouped(scenes, func(s *results.Scene) { *s, _ = w.of(*s) }) {
			if len(group) > 1 {
				chart := &lineChart{y: axis{label: "added to fork(), median", print: number.Duration, zero: true}, line: true, dodge: 3}
				// One point is not a sweep.
				if p := w.addPanel(f, d, group, results.ForkDiff, chart, 2); p != nil {
					p.Sub += disturbed(group)
				}
			}
		}
	}
	f.Caption = fmt.Sprintf("Time that the handlers add to a fork, paired as in the figure of forks: medians over trials, with %s as bars, dotted and open if there are too few trials. "+
		"Everything else stays the same. %s. Baseline of ratios: %s.", d.intervals(), f.trials("trials", "point"), d.Baseline)
	return f
}

// addPanel draws a unit's medians against the number, with a curve for each strategy
// that has so many points; nil if there is none.
func (w sweep) addPanel(f *Figure, d *Data, group []*Scene, unit string, chart *lineChart, points int) *Panel {
	chart.x = axis{label: w.label, print: number.Short, log: w.log}
	slices.SortFunc(group, func(a, b *Scene) int { return int(w.value(a) - w.value(b)) })
	for _, s := range group {
		chart.xAt = append(chart.xAt, w.value(s))
	}
	for _, name := range strategiesOf(group) {
		c := curve{label: name, look: lookOf(name)}
		for _, s := range group {
			if r := s.Row(name); r != nil {
				if cost, ok := r.Cost(unit); ok && cost.Median.Known() {
					m := cost.Median
					chart.n.Add(m.N)
					c.points = append(c.points, point{w.value(s), m.Value, m.Low, m.High})
				}
			}
		}
		if len(c.points) >= points {
			chart.curves = append(chart.curves, c)
		}
	}
	p := f.add(d, group[:1], w.title, chart)
	if p != nil {
		rest, _ := w.of(group[0].Scene)
		p.Sub = sceneText(rest, len(d.Machines()) > 1)
	}
	return p
}

func (w sweep) value(s *Scene) float64 {
	_, x := w.of(s.Scene)
	return x
}

// of gives the number's value in a scene, and the scene without it.
func (w sweep) of(s results.Scene) (rest results.Scene, x float64) {
	if w.key == "workers" {
		x, s.Workers = float64(s.Workers), 0
		return s, x
	}
	x, err := strconv.ParseFloat(strings.TrimSuffix(s.Setting(w.key), "MiB"), 64)
	if err != nil {
		x = w.usual
	}
	return s.Without(w.key), x
}

// forks counts the fork trials of a scene that gave values.
func (s *Scene) forks() int {
	n := 0
	for _, v := range s.series {
		n += len(v.runs[results.Fork])
	}
	return n
}

// mainForks lists the scenes whose forks are drawn in full: of those that
// differ in workers and settings alone the one that has the defaults, or else
// the one with the most trials.
func (d *Data) mainForks() []*Scene {
	scenes := slices.DeleteFunc(slices.Clone(d.Scenes), func(s *Scene) bool { return s.forks() == 0 })
	var list []*Scene
	for _, group := range grouped(scenes, func(s *results.Scene) {
		s.Machine, _ = s.Kind()
		s.Workers, s.Settings = 0, ""
	}) {
		list = append(list, slices.MinFunc(group, func(a, b *Scene) int {
			return cmp.Or(a.unusual()-b.unusual(), b.forks()-a.forks())
		}))
	}
	return list
}
