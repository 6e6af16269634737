package results

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
)

// Fork trials have tables of their own: the question is what a fork costs under
// each strategy on each OpenSSL, so all builds stand in one table, and absolute
// times say more than ratios.

// isForkUnit tells units that only fork trials have: plain nanoseconds, where
// handshake trials have nanoseconds for each handshake.
func isForkUnit(unit string) bool {
	return strings.HasSuffix(unit, "forks/s") || strings.HasSuffix(unit, "-ns")
}

// withoutForks leaves out the units that stand in the tables of forks.
func withoutForks(units []string) []string {
	return slices.DeleteFunc(units, isForkUnit)
}

const forkUnit = "p50-fork-ns"

func (t *Table) hasForks() bool {
	return slices.ContainsFunc(t.Rows, func(r Row) bool { _, ok := r.cost(forkUnit); return ok })
}

// onlyForks reports whether there is nothing else in the scene, and so nothing
// that controls would bear on.
func (t *Table) onlyForks() bool {
	return t.hasForks() && !slices.ContainsFunc(t.Rows, func(r Row) bool {
		return r.Verdict.Worst() != NoTrials || r.Passive.N > 0 || r.Throughput > 0
	})
}

// forks prints the tables of forks: one set for each scene, whatever its build.
func (p *printer) forks(tables []Table) {
	var done []string
	for i := range tables {
		place := tables[i].Scene.forkPlace()
		if !tables[i].hasForks() || slices.Contains(done, place) {
			continue
		}
		done = append(done, place)
		var group []*Table
		for j := i; j < len(tables); j++ {
			if tables[j].Scene.forkPlace() == place && tables[j].hasForks() {
				group = append(group, &tables[j])
			}
		}
		p.heading("##", "Forks: "+place)
		for _, columns := range forkTables {
			p.forkTable(group, columns)
		}
	}
}

// forkPlace is the scene without its build.
func (s Scene) forkPlace() string {
	text := fmt.Sprintf("hazard %s, heap %s, %d live workers", s.Hazard, s.Heap, s.Workers)
	if s.Workers == 1 {
		text = strings.TrimSuffix(text, "s")
	}
	if s.Settings != "" {
		text += ", " + s.Settings
	}
	return text
}

// forkColumns is one table: its title, and what stands in it.
type forkColumns struct {
	title    string
	interval bool
	columns  []forkColumn
}

type forkColumn struct{ head, unit string }

var forkTables = []forkColumns{
	{"What a fork costs, and what the child pays later (medians of trials)", false, []forkColumn{
		{"fork p50", "p50-fork-ns"}, {"fork p99", "p99-fork-ns"},
		{"handler cold", "handler-ns"}, {"handler warm", "warm-handler-ns"},
		{"first random", "first-random-ns"}, {"first handsh.", "first-handshake-ns"},
	}},
	{"More percentiles; from before the fork to the child being ready; rank 0's set-up", false, []forkColumn{
		{"fork p90", "p90-fork-ns"}, {"fork max", "max-fork-ns"},
		{"ready p50", "p50-ready-ns"}, {"ready p90", "p90-ready-ns"}, {"ready p99", "p99-ready-ns"}, {"ready max", "max-ready-ns"},
		{"OpenSSL set-up", "setup-ns"},
	}},
	{"What the handlers add, from pairs of forks with and without them", true, []forkColumn{
		{"to fork()", "fork-diff-ns"}, {"until the child is ready", "ready-diff-ns"},
	}},
	{"Forks a second, one after the other, children's ends and reaping included", true, []forkColumn{
		{"under the strategy", ForksPerSec}, {"handlers masked", "bare-forks/s"},
	}},
}

func (p *printer) forkTable(group []*Table, c forkColumns) {
	head := []string{"openssl", "strategy"}
	for _, column := range c.columns {
		name := column.head
		if p.format != Markdown && !c.interval {
			name = strings.Replace(name, " ", "\n", 1)
		}
		head = append(head, name)
	}
	tw := p.table(append(head, "n")...)
	for _, t := range group {
		for i := range t.Rows {
			if row := p.forkRow(t, &t.Rows[i], c); row != nil {
				tw.AppendRow(row)
			}
		}
	}
	p.print(tw, c.title, "")
}

// forkRow is nil if the strategy has no fork trials.
func (p *printer) forkRow(t *Table, r *Row, c forkColumns) table.Row {
	p50, ok := r.cost(forkUnit)
	if !ok {
		return nil
	}
	row := table.Row{t.OpenSSL, r.Strategy}
	for _, column := range c.columns {
		cost, ok := r.cost(column.unit)
		switch {
		case !ok && strings.HasSuffix(column.unit, "handler-ns"):
			row = append(row, "none"+p.note(noHandler))
		case !ok:
			row = append(row, "")
		case c.interval:
			text := p.withInterval(cost)
			if strings.HasSuffix(column.unit, "-diff-ns") && !r.hasHandler() {
				text += p.note(bothAlike)
			}
			row = append(row, text)
		default:
			row = append(row, valueText(cost.Median.Value, cost.Unit))
		}
	}
	return append(row, p50.Median.N)
}

const (
	noHandler = "the strategy has no at-fork handler"
	bothAlike = "no at-fork handler, so both forks of a pair are alike: what is found where there is no difference"
)

func (r *Row) hasHandler() bool {
	_, ok := r.cost("handler-ns")
	return ok
}

// forkLegend says how fork tables are read, and what the clock cost.
func (p *printer) forkLegend(tables []Table) {
	lines := []string{
		"fork: rank 0's time in fork(), the strategy's handlers included; ready: from before fork() to its return in the child",
		"handler cold: all handlers of a fork, as it happens; in the child the first write to a page copies it",
		"handler warm: the same work again on pages touched before, many times in each process, less the clock's cost; the 10th percentile of a trial's forks, which a busy neighbour on the processor's core does not move",
		"first random, first handshake: in the child, which makes anew what was cleared",
	}
	if low, high := clockRange(tables); high > 0 {
		lines = append(lines, fmt.Sprintf("the clock: two readings lie %s apart; so much is in each cold handler, and taken off the warm ones", nanosecondRange(low, high)))
	}
	for _, line := range lines {
		p.paragraph(line)
	}
}

// clockRange is what two readings of the clock lay apart, at least and at most.
func clockRange(tables []Table) (low, high float64) {
	for i := range tables {
		for j := range tables[i].Rows {
			if c, ok := tables[i].Rows[j].cost(ClockNs); ok {
				if high == 0 || c.Median.Value < low {
					low = c.Median.Value
				}
				high = max(high, c.Median.Value)
			}
		}
	}
	return low, high
}

func nanosecondRange(low, high float64) string {
	if a, b := fmt.Sprintf("%.0f", low), fmt.Sprintf("%.0f", high); a != b {
		return a + " to " + b + " ns"
	}
	return fmt.Sprintf("%.0f ns", low)
}

// withInterval prints the three numbers in one unit, which leaves room for them.
func (p *printer) withInterval(c Cost) string {
	m := c.Median
	if finite(m.Low) == nil || finite(m.High) == nil {
		return valueText(m.Value, c.Unit) + p.note(m.Warnings...)
	}
	if !strings.Contains(c.Unit, "ns") {
		return short(m.Value) + " " + interval(m.Low, m.High, short)
	}
	size, unit := 1.0, "ns"
	for _, larger := range []string{"µs", "ms", "s"} {
		if max(math.Abs(m.Low), math.Abs(m.High)) < 1e3*size {
			break
		}
		size, unit = 1e3*size, larger
	}
	print := func(x float64) string { return figures(x / size) }
	return print(m.Value) + " " + interval(m.Low, m.High, print) + " " + unit
}
