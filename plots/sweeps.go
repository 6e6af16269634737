package plots

import (
	"cmp"
	"fmt"
	"math"
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
		for _, group := range grouped(d.withForks(), func(s *results.Scene) { *s, _ = w.of(*s) }) {
			if len(group) > 1 {
				chart := &lineChart{y: axis{label: "added to fork(), median", print: number.Duration, zero: true}, line: new(float64), dodge: 3}
				if p := w.addPanel(f, d, group, results.ForkDiff, chart, func(c results.Cost) results.Estimate { return c.Median }); p != nil {
					p.Sub += disturbed(group, results.Distinct(chart.curves, func(c curve) string { return c.label }), "at", func(s *results.Table) string { return chart.x.print(w.value(s)) })
				}
			}
		}
	}
	f.Caption = fmt.Sprintf("Time that the handlers add to a fork, paired as in the figure of forks: medians over trials, with %s as bars, dotted and open if all have too few trials. "+
		"Everything else stays the same. %s.", d.intervals(), f.trials("trials", "point"))
	return f
}

// An interval that is so many times as wide as the narrowest of a panel does not tell
// whether a cost grows.
const unresolvedWidth = 20

// addPanel draws a value of a unit's costs against the number, with a curve for each
// strategy that has two points or more: one is not a sweep. It is nil if there is
// none. A number at which a strategy's value is not resolved is named and left out.
func (w sweep) addPanel(f *Figure, d *Data, group []*results.Table, unit string, chart *lineChart, value func(results.Cost) results.Estimate) *Panel {
	chart.x = axis{label: w.label, print: func(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }, log: w.log}
	slices.SortFunc(group, func(a, b *results.Table) int { return int(w.value(a) - w.value(b)) })
	all := make(map[string][]results.Estimate) // of each strategy, one for each scene
	narrowest := math.Inf(1)
	for _, name := range results.Strategies(group...) {
		known := 0
		for _, s := range group {
			var v results.Estimate
			if r := s.Row(name); r != nil {
				if c, ok := r.Cost(unit); ok && value(c).Known() {
					v = value(c)
					known++
					if width := v.High - v.Low; width < narrowest {
						narrowest = width
					}
				}
			}
			all[name] = append(all[name], v)
		}
		if known > 1 {
			chart.curves = append(chart.curves, curve{label: name, look: lookOf(name)})
		}
	}
	var unresolved []string
	for i, s := range group {
		x := w.value(s)
		if slices.ContainsFunc(chart.curves, func(c curve) bool {
			v := all[c.label][i]
			return v.Known() && !(v.High-v.Low <= unresolvedWidth*narrowest)
		}) {
			unresolved = append(unresolved, chart.x.print(x))
			continue
		}
		chart.xAt = append(chart.xAt, x)
		for j := range chart.curves {
			c := &chart.curves[j]
			if v := all[c.label][i]; v.Known() {
				chart.n.Add(v.N)
				c.points = append(c.points, point{x, v.Value, v.Low, v.High})
			}
		}
	}
	chart.curves = slices.DeleteFunc(chart.curves, func(c curve) bool { return len(c.points) == 0 })
	p := f.add(d, group[:1], w.title, chart)
	if p != nil {
		rest, _ := w.of(group[0].Scene)
		p.Sub = sceneText(rest, len(d.Machines()) > 1)
		if len(unresolved) > 0 {
			p.Sub += fmt.Sprintf("; not resolved at %s: an interval is open, or over %d times as wide as the narrowest", strings.Join(unresolved, ", "), unresolvedWidth)
		}
	}
	return p
}

func (w sweep) value(s *results.Table) float64 {
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

// withForks lists the scenes that have fork trials with values.
func (d *Data) withForks() []*results.Table {
	return d.scenesWith(func(r *results.Row) bool { return forked(r) > 0 })
}

// mainForks lists the scenes whose forks are drawn in full: of those that
// differ in workers and settings alone the one that has the defaults, or else
// the one with the most trials.
func (d *Data) mainForks() []*results.Table {
	trials := func(s *results.Table) (n int) {
		for _, r := range s.Rows {
			n += forked(r)
		}
		return n
	}
	var list []*results.Table
	for _, group := range grouped(d.withForks(), func(s *results.Scene) {
		s.Machine, _ = s.Kind()
		s.Workers, s.Settings = 0, ""
	}) {
		list = append(list, slices.MinFunc(group, func(a, b *results.Table) int {
			return cmp.Or(unusual(a)-unusual(b), trials(b)-trials(a))
		}))
	}
	return list
}
