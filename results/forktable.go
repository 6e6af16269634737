package results

import (
	"fmt"
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
	{"More percentiles, and from before the fork to the child being ready", false, []forkColumn{
		{"fork p90", "p90-fork-ns"}, {"fork max", "max-fork-ns"},
		{"ready p50", "p50-ready-ns"}, {"ready p90", "p90-ready-ns"}, {"ready p99", "p99-ready-ns"}, {"ready max", "max-ready-ns"},
	}},
	{"What the handlers add, from pairs of forks with and without them", true, []forkColumn{
		{"to fork()", "fork-diff-ns"}, {"until the child is ready", "ready-diff-ns"},
	}},
	{"Forks a second, children's ends and reaping included; rank 0's set-up", true, []forkColumn{
		{"under the strategy", ForksPerSec}, {"handlers masked", "bare-forks/s"}, {"set-up", "setup-ns"},
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
			row = append(row, "none"+p.note("the strategy has no at-fork handler"))
		case !ok:
			row = append(row, "")
		case c.interval:
			row = append(row, p.withInterval(cost))
		default:
			row = append(row, valueText(cost.Median.Value, cost.Unit))
		}
	}
	return append(row, p50.Median.N)
}

func (p *printer) withInterval(c Cost) string {
	m := c.Median
	text := valueText(m.Value, c.Unit)
	if finite(m.Low) == nil || finite(m.High) == nil {
		return text + p.note(m.Warnings...)
	}
	return fmt.Sprintf("%s [%s, %s]", text, valueText(m.Low, c.Unit), valueText(m.High, c.Unit))
}
