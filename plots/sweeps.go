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

// sweep is a number that trials are made with, and that may be varied: its values are
// the rows of a strategy.
type sweep struct {
	key, title string
	usual      float64
}

// sweeps have the defaults of package bench.
var sweeps = []sweep{
	{"mem", "private memory of rank 0, MiB", results.DefaultForkMemory},
	{"filled", "filled keys besides OpenSSL's", 0},
	{"workers", "live workers", results.DefaultWorkers},
}

// forkSweeps is figure 6: whether what the handlers add to a fork grows with the
// process.
func forkSweeps(d *Data) *Figure {
	f := &Figure{ID: "sweeps", Title: "Does a fix cost more in a larger process?"}
	f.Empty = "no setting was varied in fork trials"
	for i := range sweeps {
		for _, group := range sweeps[i].groups(d.withForks()) {
			f.addForks(d, group, results.ForkDiff, "Added to fork(), by "+sweeps[i].title, true, &sweeps[i])
		}
	}
	f.Caption = fmt.Sprintf("Time that the handlers add to a fork, paired as in the figure of forks: a dot is a trial, the large mark is the median, the bar is its interval (%s; dotted with an arrow: too few trials give no end). "+
		"Everything else stays the same. not resolved: the interval is open, or over %d times as wide as the narrowest of its panel. %s.", d.intervals(), unresolvedWidth, f.trials("values", "row"))
	return f
}

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

// An interval that is so many times as wide as the narrowest of a panel does not tell
// whether a cost grows.
const unresolvedWidth = 20

// narrowest is the width of the narrowest interval that a unit has in some scenes.
func narrowest(group []*results.Table, unit string) float64 {
	width := math.Inf(1)
	for _, r := range results.Rows(group) {
		if c, ok := r.Cost(unit); ok && c.Median.Known() {
			width = math.Min(width, c.Median.High-c.Median.Low)
		}
	}
	return width
}

// groups are scenes that differ in the number alone, in its order.
func (w *sweep) groups(scenes []*results.Table) [][]*results.Table {
	list := grouped(scenes, func(s *results.Scene) { *s, _ = w.of(*s) })
	list = slices.DeleteFunc(list, func(group []*results.Table) bool { return len(group) < 2 })
	for _, group := range list {
		slices.SortFunc(group, func(a, b *results.Table) int { return cmp.Compare(w.value(a), w.value(b)) })
	}
	return list
}

func (w *sweep) value(s *results.Table) float64 {
	_, x := w.of(s.Scene)
	return x
}

// place names a row by the number.
func (w *sweep) place(s *results.Table) string { return strconv.FormatFloat(w.value(s), 'f', -1, 64) }

// of gives the number's value in a scene, and the scene without it.
func (w *sweep) of(s results.Scene) (rest results.Scene, x float64) {
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
	return d.scenesWith(func(r *results.Row) bool { return r.Forks() > 0 })
}

// mainForks lists the scenes whose forks are drawn in full: of those that
// differ in workers and settings alone the one that has the defaults, or else
// the one with the most trials.
func (d *Data) mainForks() []*results.Table {
	trials := func(s *results.Table) (n int) {
		for _, r := range s.Rows {
			n += r.Forks()
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
