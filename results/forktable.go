package results

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
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

const setupUnit = "setup-ns"

func (t *Table) hasForks() bool {
	return slices.ContainsFunc(t.Rows, func(r Row) bool { return r.hasForks() })
}

func (r *Row) hasForks() bool {
	_, ok := r.cost(forkUnit)
	return ok
}

// onlyForks reports whether there is nothing else in the scene, and so nothing
// that controls would bear on.
func (t *Table) onlyForks() bool {
	return t.hasForks() && !slices.ContainsFunc(t.Rows, func(r Row) bool {
		return r.Verdict.Worst() != NoTrials || r.Passive.N > 0 || r.Throughput > 0
	})
}

// forks prints the tables of forks: one set for each machine, hazard and heap.
// What else differs, such as the build or the memory of a sweep, is a column.
func (p *printer) forks(tables []Table) {
	var groups [][]*Table
	index := make(map[Scene]int)
	for i := range tables {
		t := &tables[i]
		if !t.hasForks() {
			continue
		}
		key := Scene{Machine: t.Machine, Hazard: t.Hazard, Heap: t.Heap}
		n, ok := index[key]
		if !ok {
			n = len(groups)
			index[key] = n
			groups = append(groups, nil)
		}
		groups[n] = append(groups[n], t)
	}
	for _, group := range groups {
		slices.SortStableFunc(group, compareSweeps)
		p.forkGroup(group, len(groups) > 1 && group[0].Machine != tables[0].Machine)
	}
}

// compareSweeps puts the values of a sweep in the order of their numbers, the
// default first.
func compareSweeps(a, b *Table) int {
	order := compareVersions(a.OpenSSL, b.OpenSSL)
	for _, key := range SettingOrder {
		order = cmp.Or(order, cmp.Compare(sweepNumber(a.Settings, key), sweepNumber(b.Settings, key)))
	}
	return cmp.Or(order, cmp.Compare(a.Workers, b.Workers))
}

// sweepNumber is -1 for a setting that has its default, 0 for a word.
func sweepNumber(settings, key string) int {
	for part := range strings.FieldsSeq(settings) {
		if value, ok := strings.CutPrefix(part, key+"="); ok {
			digits := strings.TrimRightFunc(value, func(r rune) bool { return r < '0' || r > '9' })
			n, _ := strconv.Atoi(digits) // a word has none
			return n
		}
	}
	return -1
}

func (p *printer) forkGroup(group []*Table, nameMachine bool) {
	g := newForkGroup(group)
	place := fmt.Sprintf("hazard %s, heap %s", group[0].Hazard, group[0].Heap)
	if nameMachine {
		place = group[0].Machine + ", " + place
	}
	p.heading("##", strings.Join(append([]string{"Forks: " + place}, g.common...), ", "))
	for _, columns := range forkTables {
		if g.has(columns) {
			p.forkTable(g, columns)
		}
	}
}

// forkGroup are the rows of one set of tables.
type forkGroup struct {
	rows   []forkEntry
	labels []forkLabel // that have a column, at least one
	common []string    // of the others: what is the same in all rows
	trials string      // of which each value is the median, if it is one number
}

type forkEntry struct {
	table *Table
	row   *Row
}

// forkLabel tells rows apart.
type forkLabel struct {
	head   string
	cell   func(forkEntry) string
	common func(forkEntry) string // in the heading; "" to leave it out
}

var forkLabels = []forkLabel{
	{"openssl", func(e forkEntry) string { return e.table.OpenSSL }, func(e forkEntry) string { return "openssl " + e.table.OpenSSL }},
	{"setting", func(e forkEntry) string { return cmp.Or(e.table.Settings, "default") }, func(e forkEntry) string { return e.table.Settings }},
	{"workers", func(e forkEntry) string { return fmt.Sprint(e.table.Workers) }, liveWorkers},
	{"strategy", func(e forkEntry) string { return e.row.Strategy }, func(e forkEntry) string { return "strategy " + e.row.Strategy }},
}

func liveWorkers(e forkEntry) string {
	if e.table.Workers == 1 {
		return "1 live worker"
	}
	return fmt.Sprintf("%d live workers", e.table.Workers)
}

func newForkGroup(tables []*Table) *forkGroup {
	g := new(forkGroup)
	for _, t := range tables {
		for i := range t.Rows {
			if t.Rows[i].hasForks() {
				g.rows = append(g.rows, forkEntry{t, &t.Rows[i]})
			}
		}
	}
	for _, label := range forkLabels {
		first := label.cell(g.rows[0])
		alone := label.head == "strategy" && len(g.labels) == 0
		if alone || slices.ContainsFunc(g.rows, func(e forkEntry) bool { return label.cell(e) != first }) {
			g.labels = append(g.labels, label)
		} else if text := label.common(g.rows[0]); text != "" {
			g.common = append(g.common, text)
		}
	}
	if n := g.rows[0].trials(); !slices.ContainsFunc(g.rows, func(e forkEntry) bool { return e.trials() != n }) {
		g.trials = trialCount(n)
	}
	return g
}

// has reports whether there is anything to print. Files of earlier versions have
// fewer percentiles.
func (g *forkGroup) has(c forkColumns) bool {
	return slices.ContainsFunc(g.rows, func(e forkEntry) bool {
		return slices.ContainsFunc(c.columns, func(column forkColumn) bool {
			_, ok := e.row.cost(column.unit)
			return ok
		})
	})
}

func (e forkEntry) trials() int {
	c, _ := e.row.cost(forkUnit)
	return c.Median.N
}

// forkColumns is one table: its title, and what stands in it.
type forkColumns struct {
	title    string
	interval bool
	columns  []forkColumn
}

type forkColumn struct{ head, unit string }

var forkTables = []forkColumns{
	{"What a fork costs, and what the child pays later", false, []forkColumn{
		{"fork p50", "p50-fork-ns"}, {"fork p99", "p99-fork-ns"},
		{"handler cold", "handler-ns"}, {"handler warm", "warm-handler-ns"},
		{"first random", "first-random-ns"}, {"first handsh.", "first-handshake-ns"},
	}},
	{"More percentiles; ready: from before fork to the child", false, []forkColumn{
		{"fork p90", "p90-fork-ns"}, {"fork max", "max-fork-ns"},
		{"ready p50", "p50-ready-ns"}, {"ready p90", "p90-ready-ns"}, {"ready p99", "p99-ready-ns"}, {"ready max", "max-ready-ns"},
	}},
	{"Rarely met: cold handlers, the child's first uses", false, []forkColumn{
		{"handler p90", "p90-handler-ns"}, {"handler p99", "p99-handler-ns"},
		{"random p90", "p90-first-random-ns"}, {"random p99", "p99-first-random-ns"},
		{"handsh. p90", "p90-first-handshake-ns"}, {"handsh. p99", "p99-first-handshake-ns"},
	}},
	{"The longest of each trial", false, []forkColumn{
		{"handler max", "max-handler-ns"}, {"random max", "max-first-random-ns"}, {"handsh. max", "max-first-handshake-ns"},
	}},
	{"What the handlers add, in pairs of forks with and without", true, []forkColumn{
		{"to fork()", "fork-diff-ns"}, {"until the child is ready", "ready-diff-ns"},
	}},
	{"Forks a second, reaping included; rank 0's set-up", true, []forkColumn{
		{"under the strategy", ForksPerSec}, {"handlers masked", "bare-forks/s"}, {"set-up", setupUnit},
	}},
}

func (p *printer) forkTable(g *forkGroup, c forkColumns) {
	var head []string
	for _, label := range g.labels {
		head = append(head, label.head)
	}
	for _, column := range c.columns {
		name := column.head
		if p.format != Markdown && !c.interval {
			name = strings.Replace(name, " ", "\n", 1)
		}
		head = append(head, name)
	}
	medians := cmp.Or(g.trials, "n trials")
	if g.trials == "" {
		head = append(head, "n")
	}
	tw := p.table(head...)
	for _, e := range g.rows {
		var row table.Row
		for _, label := range g.labels {
			row = append(row, label.cell(e))
		}
		row = p.forkRow(row, e.row, c)
		if g.trials == "" {
			row = append(row, e.trials())
		}
		tw.AppendRow(row)
	}
	p.print(tw, c.title+"; medians of "+medians, "")
}

// forkRow adds the values to the labels.
func (p *printer) forkRow(row table.Row, r *Row, c forkColumns) table.Row {
	for _, column := range c.columns {
		cost, ok := r.cost(column.unit)
		switch {
		case !ok && strings.HasSuffix(column.unit, "handler-ns") && !r.hasHandler():
			row = append(row, "none"+p.note(noHandler))
		case !ok:
			row = append(row, "")
		case c.interval && column.unit != setupUnit:
			text := p.withInterval(cost)
			if strings.HasSuffix(column.unit, "-diff-ns") && !r.hasHandler() {
				text += p.note(bothAlike)
			}
			row = append(row, text)
		default:
			row = append(row, valueText(cost.Median.Value, cost.Unit))
		}
	}
	return row
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
		"handler warm: the same work again on pages touched before, many times in each process, less the clock's cost; the 10th percentile of a trial's forks, which a busy neighbour on the processor's core hardly moves",
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
