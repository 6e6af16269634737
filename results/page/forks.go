package page

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"tlsbench/results"
	"tlsbench/results/number"
	"tlsbench/results/version"
)

// Fork trials have tables of their own: the question is what a fork costs under
// each strategy on each OpenSSL, so all builds stand in one table, and absolute
// times say more than ratios.

// isForkUnit tells units that only fork trials have: plain nanoseconds, where
// handshake trials have nanoseconds for each handshake.
func isForkUnit(unit string) bool {
	return strings.HasSuffix(unit, "forks/s") || strings.HasSuffix(unit, "-ns")
}

func hasForks(t *results.Table) bool {
	return slices.ContainsFunc(t.Rows, func(r *results.Row) bool { return r.Forks() > 0 })
}

// onlyForks reports whether there is nothing else in the scene, and so nothing
// that controls would bear on.
func onlyForks(t *results.Table) bool {
	return hasForks(t) && !slices.ContainsFunc(t.Rows, func(r *results.Row) bool {
		return r.Verdict.Worst() != results.NoTrials || r.Passive.N > 0 || r.Throughput > 0
	})
}

// forks shows one set of tables for each machine, hazard and heap. What else
// differs, such as the build or the memory of a sweep, is a column.
func (b *comparison) forks(tables []*results.Table) {
	with := slices.DeleteFunc(slices.Clone(tables), func(t *results.Table) bool { return !hasForks(t) })
	groups := results.Group(with, func(t *results.Table) results.Scene {
		return results.Scene{Machine: t.Machine, Hazard: t.Hazard, Heap: t.Heap}
	})
	for _, group := range groups {
		slices.SortStableFunc(group, compareSweeps)
		g := newForkGroup(group)
		title := fmt.Sprintf("Forks: hazard %s, heap %s", group[0].Hazard, group[0].Heap)
		if len(groups) > 1 && group[0].Machine != tables[0].Machine {
			title = fmt.Sprintf("Forks: %s, hazard %s, heap %s", group[0].Machine, group[0].Hazard, group[0].Heap)
		}
		b.Add(Heading{2, strings.Join(append([]string{title}, g.common...), ", ")})
		for _, f := range forkTables {
			if t := g.table(f); t != nil {
				b.Add(t)
			}
		}
	}
}

// compareSweeps puts the values of a sweep in the order of their numbers, the
// default first; the builds have their order already.
func compareSweeps(a, b *results.Table) int {
	order := version.Compare(a.OpenSSL, b.OpenSSL)
	for _, key := range results.SettingOrder {
		order = cmp.Or(order, cmp.Compare(sweepNumber(a.Setting(key)), sweepNumber(b.Setting(key))))
	}
	return cmp.Or(order, cmp.Compare(a.Workers, b.Workers))
}

// sweepNumber is -1 for a setting that has its default, 0 for a word.
func sweepNumber(value string) int {
	if value == "" {
		return -1
	}
	digits := strings.TrimRightFunc(value, func(r rune) bool { return r < '0' || r > '9' })
	n, _ := strconv.Atoi(digits) // a word has none
	return n
}

// forkGroup are the rows of one set of tables.
type forkGroup struct {
	rows   []forkRow
	labels []forkLabel // that have a column, at least one
	common []string    // of the others: what is the same in all rows
	trials string      // of which each value is the median, if it is one number
}

type forkRow struct {
	table *results.Table
	row   *results.Row
}

type forkLabel struct {
	head   string
	cell   func(forkRow) string
	common func(forkRow) string // in the heading; "" to leave it out
}

var forkLabels = []forkLabel{
	{"openssl", func(e forkRow) string { return e.table.OpenSSL }, func(e forkRow) string { return "openssl " + e.table.OpenSSL }},
	{"setting", func(e forkRow) string { return string(cmp.Or(e.table.Settings, "default")) }, func(e forkRow) string { return string(e.table.Settings) }},
	{"workers", func(e forkRow) string { return strconv.Itoa(e.table.Workers) }, func(e forkRow) string { return number.Count(e.table.Workers, "live worker") }},
	{"strategy", func(e forkRow) string { return e.row.Strategy }, func(e forkRow) string { return "strategy " + e.row.Strategy }},
}

func newForkGroup(tables []*results.Table) *forkGroup {
	g := new(forkGroup)
	for t, r := range results.Rows(tables) {
		if r.Forks() > 0 {
			g.rows = append(g.rows, forkRow{t, r})
		}
	}
	for _, label := range forkLabels {
		first := label.cell(g.rows[0])
		alone := label.head == "strategy" && len(g.labels) == 0
		if alone || slices.ContainsFunc(g.rows, func(e forkRow) bool { return label.cell(e) != first }) {
			g.labels = append(g.labels, label)
		} else if text := label.common(g.rows[0]); text != "" {
			g.common = append(g.common, text)
		}
	}
	if n := g.rows[0].row.Forks(); !slices.ContainsFunc(g.rows, func(e forkRow) bool { return e.row.Forks() != n }) {
		g.trials = number.Count(n, "trial")
	}
	return g
}

type forkTable struct {
	title    string
	interval bool
	columns  []forkColumn
}

type forkColumn struct{ head, unit string }

const setupUnit = "setup-ns"

var forkTables = []forkTable{
	{"What a fix adds to a fork (pairs with and without it, same rank 0), then to the child", false, []forkColumn{
		{"to fork()", results.ForkDiff}, {"until ready", results.ReadyDiff},
		{"handler cold", results.HandlerCold}, {"handler warm", results.HandlerWarm},
		{"first random", results.FirstRandom}, {"first handsh.", results.FirstHandshake},
	}},
	{"Whole forks, mostly the kernel's work; ready: from before fork to the child", false, []forkColumn{
		{"fork p50", results.ForkP50}, {"fork p90", "p90-fork-ns"}, {"fork p99", "p99-fork-ns"}, {"fork max", "max-fork-ns"},
		{"ready p50", results.ReadyP50}, {"ready p90", "p90-ready-ns"}, {"ready p99", "p99-ready-ns"}, {"ready max", "max-ready-ns"},
	}},
	{"Rare cases: cold handlers, the child's first uses", false, []forkColumn{
		{"handler p90", "p90-handler-ns"}, {"handler p99", "p99-handler-ns"},
		{"random p90", "p90-first-random-ns"}, {"random p99", "p99-first-random-ns"},
		{"handsh. p90", "p90-first-handshake-ns"}, {"handsh. p99", "p99-first-handshake-ns"},
	}},
	{"The longest of each trial", false, []forkColumn{
		{"handler max", "max-handler-ns"}, {"random max", "max-first-random-ns"}, {"handsh. max", "max-first-handshake-ns"},
	}},
	{"Forks per second, reaping included; rank 0's set-up", true, []forkColumn{
		{"under the strategy", results.ForksPerSec}, {"handlers masked", "bare-forks/s"}, {"set-up", setupUnit},
	}},
}

// table is nil if there is nothing to show: files of earlier versions have fewer
// percentiles.
func (g *forkGroup) table(f forkTable) *Table {
	t := &Table{Title: f.title + "; medians of " + cmp.Or(g.trials, "n trials"), Labels: len(g.labels)}
	for _, label := range g.labels {
		t.Head = append(t.Head, label.head)
	}
	for _, column := range f.columns {
		t.Head = append(t.Head, column.head)
	}
	if g.trials == "" {
		t.Head = append(t.Head, "n")
	}
	known := false
	for _, e := range g.rows {
		var cells []Cell
		for _, label := range g.labels {
			cells = append(cells, Cell{Text: label.cell(e)})
		}
		for _, column := range f.columns {
			cost, ok := e.row.Cost(column.unit)
			known = known || ok
			cells = append(cells, forkCell(e.row, cost, ok, column.unit, f.interval))
		}
		if g.trials == "" {
			cells = append(cells, Cell{Text: strconv.Itoa(e.row.Forks())})
		}
		t.Add(cells).Tags = Tags{e.table.OpenSSL, e.table.Hazard}
	}
	if !known {
		return nil
	}
	return t
}

func forkCell(r *results.Row, c results.Cost, ok bool, unit string, interval bool) Cell {
	_, handler := r.Cost(results.HandlerCold)
	switch {
	case !ok && strings.HasSuffix(unit, "handler-ns") && !handler:
		return Cell{Text: "none", Notes: []string{noHandler}}
	case !ok:
		return Cell{}
	case (interval || isPaired(unit)) && unit != setupUnit:
		cell := estimate(c.Median, c.Unit)
		if isPaired(unit) && !handler {
			cell.Notes = append(slices.Clone(cell.Notes), bothAlike)
		}
		return cell
	}
	return Cell{Text: number.Of(c.Unit)(c.Median.Value), Sort: sortable(c.Median.Value)}
}

// isPaired tells what is worked out from pairs of forks: a difference that may be
// zero says nothing without its interval.
func isPaired(unit string) bool { return strings.HasSuffix(unit, "-diff-ns") }

const (
	noHandler = "the strategy has no at-fork handler"
	bothAlike = "no at-fork handler, so both forks of a pair do the same: this is the difference that noise alone makes"
)

// forkLegend says how fork tables are read, and what the clock cost.
func forkLegend(tables []*results.Table) List {
	list := List{
		{"to fork(), until ready", []string{"median of the trials, with its interval; each trial's value is the median difference of its pairs of forks"}},
		{"fork", []string{"rank 0's time in fork(), the strategy's handlers included"}},
		{"ready", []string{"from before fork() to its return in the child"}},
		{"handler cold", []string{"all handlers in a real fork; in the child the first write to a page copies the page"}},
		{"handler warm", []string{"the same work on pages that were touched before, many times in each process, minus the clock's cost; the 10th percentile of a trial's forks, because other work on the processor's core hardly changes it"}},
		{"first ...", []string{"first use in the child, which allocates again what was cleared"}},
	}
	var clock results.Range // of nanoseconds
	for _, r := range results.Rows(tables) {
		if c, ok := r.Cost(results.ClockNs); ok {
			clock.Add(int(math.RoundToEven(c.Median.Value)))
		}
	}
	if clock.Total > 0 {
		list = append(list, Entry{"the clock", []string{fmt.Sprintf("two readings are %s ns apart; cold handlers include this, warm handlers do not", clock)}})
	}
	return list
}
