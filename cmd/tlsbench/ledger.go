package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"tlsbench/strategies/catalogue"
	"tlsbench/workload"
)

// Marks of what became of a slot in the workers.
const (
	markShared    = "S"
	markLate      = "s"
	markCleared   = "c"
	markReplaced  = "r"
	markInherited = "i"
	markEmpty     = "-"
	markUnseen    = "?"
	markNone      = "n/a"
)

var fateMarks = map[workload.Fate]string{
	workload.Empty: markEmpty, workload.Cleared: markCleared, workload.Replaced: markReplaced,
	workload.Inherited: markInherited, workload.Shared: markShared,
}

// legend explains the marks, in the order it is printed in.
var legend = []struct{ mark, text string }{
	{markShared, "shared: two workers have one address in the shared heap"},
	{markLate, "cleared or replaced by the fork, and shared after the first handshake"},
	{markCleared, "cleared: NULL in every worker"},
	{markReplaced, "replaced: each worker has a value of its own"},
	{markInherited, "inherited: rank 0's value in private memory, a copy in each worker"},
	{markEmpty, "rank 0's slot was empty at the fork, nothing to inherit"},
	{markUnseen, "no worker lived to tell, or the key was not there"},
}

// mark is what the table shows for a slot.
func mark(s workload.ProbedSlot) string {
	if s.Fate != workload.Shared && s.SharedInUse {
		return markLate
	}
	if m, ok := fateMarks[s.Fate]; ok {
		return m
	}
	return markUnseen
}

// printLedger shows every key of one build: whose it is, what rank 0 had in
// it, and what each strategy made of it.
func (f *findings) printLedger(w io.Writer, b *finding) {
	paragraph(w, fmt.Sprintf("OpenSSL %s, hazard %s, heap %s, locks %s, rand %s, 2 workers",
		b.Version, f.Hazard, f.Heap, f.Locks, f.Rand))
	fmt.Fprintln(w, b.Library.Libcrypto)
	if b.base() == nil {
		fmt.Fprintln(w, "  nothing was found out")
		return
	}
	for _, names := range fitting(b.Names, ledgerColumns, 1) {
		fmt.Fprintf(w, "\n%s\n", b.ledger(names).Render())
	}
	for _, name := range b.Names {
		if fn := b.Under[name].NotApplicable; fn != "" {
			paragraph(w, fmt.Sprintf("%s: not applicable, this build has no %s", name, fn))
		}
	}
}

func (b *finding) ledger(names []string) table.Writer {
	// One space between columns and one more in the first ones: seven
	// strategies just fit.
	t := newTableWithGap(1, append([]string{"key", "creator", "own", "rank 0"}, headings(names)...)...)
	columns := []table.ColumnConfig{{Number: 1, Align: text.AlignRight, AlignFooter: text.AlignLeft}}
	for i := range names {
		columns = append(columns, table.ColumnConfig{Number: 5 + i, Align: text.AlignCenter, AlignFooter: text.AlignCenter})
	}
	t.SetColumnConfigs(columns)
	for _, k := range b.keys() {
		row := table.Row{strconv.Itoa(k.Key), text.Snip(creator(k), creatorWidth, "~") + " ",
			yesNo(k.OpenSSL) + " ", content(b.base(), k.Key) + " "}
		for _, name := range names {
			row = append(row, b.markOf(name, k.Key))
		}
		t.AppendRow(row)
	}
	foot := table.Row{"", sharedLabel, "", ""}
	for _, name := range names {
		foot = append(foot, b.shared(name))
	}
	t.AppendFooter(foot)
	return t
}

// keys lists every key that any strategy's trial had, once.
func (b *finding) keys() []workload.ProbedSlot {
	var list []workload.ProbedSlot
	seen := map[int]bool{}
	add := func(p *workload.Probed) {
		for _, s := range p.Slots {
			if !seen[s.Key] {
				seen[s.Key] = true
				list = append(list, s)
			}
		}
	}
	add(b.base())
	for _, name := range b.Names {
		add(b.Under[name])
	}
	slices.SortFunc(list, func(x, y workload.ProbedSlot) int { return cmp.Compare(x.Key, y.Key) })
	return list
}

func creator(s workload.ProbedSlot) string {
	if !s.Known {
		return "not seen"
	}
	return s.Creator
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// content is what rank 0 had in a slot right before the first fork.
func content(p *workload.Probed, key int) string {
	s, ok := slotOf(p, key)
	switch {
	case !ok:
		return markUnseen
	case !s.Filled:
		return "empty"
	case s.InHeap:
		return "shared"
	}
	return "private"
}

func slotOf(p *workload.Probed, key int) (workload.ProbedSlot, bool) {
	i := slices.IndexFunc(p.Slots, func(s workload.ProbedSlot) bool { return s.Key == key })
	if i < 0 {
		return workload.ProbedSlot{}, false
	}
	return p.Slots[i], true
}

func (b *finding) markOf(strategy string, key int) string {
	p := b.Under[strategy]
	if p.NotApplicable != "" {
		return markNone
	}
	s, ok := slotOf(p, key)
	if !ok {
		return markUnseen
	}
	return mark(s)
}

// shared is the number of shared addresses under a strategy.
func (b *finding) shared(strategy string) string {
	p := b.Under[strategy]
	switch {
	case p == nil:
		return markUnseen
	case p.NotApplicable != "":
		return markNone
	}
	return strconv.Itoa(p.SharedSlots)
}

func (f *findings) printLegend(w io.Writer) {
	fmt.Fprintln(w)
	entry(w, 6, "own", "created by libcrypto or libssl")
	entry(w, 6, "rank 0", "its value right before the first fork: empty, in private memory, or in the shared heap")
	for _, o := range legend {
		entry(w, 6, o.mark, o.text)
	}
	entry(w, 6, sharedLabel, "number of addresses that both workers have, in OpenSSL's slots or in per-thread objects that OpenSSL hands out")
}

const (
	sharedLabel  = "shared"
	creatorWidth = len("libcrypto.so.1.1")
	// Width of the columns left of the strategies, in both tables.
	ledgerColumns  = len("key libcrypto.so.1.1  own  private ")
	summaryColumns = len("openssl  keys  filled  heap")
)

// heading breaks a strategy's name into two lines at its first hyphen or
// colon.
func heading(name string) string {
	if i := strings.IndexAny(name, "-:"); i > 0 {
		return name[:i] + "\n" + name[i+1:]
	}
	return name
}

func headings(names []string) []string {
	var list []string
	for _, n := range names {
		list = append(list, heading(n))
	}
	return list
}

// fitting deals the strategies out to as many tables as it takes for each to
// fit; used is the width of the columns before them.
func fitting(names []string, used, gap int) [][]string {
	var tables [][]string
	room := 0
	for _, n := range names {
		need := text.LongestLineLen(heading(n)) + gap
		if len(tables) == 0 || need > room {
			tables = append(tables, nil)
			room = width - used
		}
		room -= need
		tables[len(tables)-1] = append(tables[len(tables)-1], n)
	}
	return tables
}

// printSummary shows one line for each build, then which slots stayed shared
// under which strategy, and whose they are.
func (f *findings) printSummary(w io.Writer) {
	paragraph(w, fmt.Sprintf("OpenSSL's thread-local keys, and addresses that 2 workers share under each strategy"+
		" (hazard %s, heap %s, locks %s, rand %s)", f.Hazard, f.Heap, f.Locks, f.Rand))
	for _, names := range fitting(f.strategies(), summaryColumns, 2) {
		t := newTable(append([]string{"openssl", "keys", "filled", "in\nheap"}, headings(names)...)...)
		for _, b := range f.Builds {
			row := table.Row{b.Version, "?", "?", "?"}
			if p := b.base(); p != nil {
				k := count(p)
				row = table.Row{b.Version, k.keys, k.filled, k.inHeap}
			}
			for _, name := range names {
				row = append(row, b.shared(name))
			}
			t.AppendRow(row)
		}
		fmt.Fprintf(w, "\n%s\n", t.Render())
	}
	f.printReasons(w)
}

// strategies lists those that any build was probed under.
func (f *findings) strategies() []string {
	var list []string
	for _, b := range f.Builds {
		for _, n := range b.Names {
			if !slices.Contains(list, n) {
				list = append(list, n)
			}
		}
	}
	return list
}

// keyCount counts OpenSSL's keys.
type keyCount struct{ keys, filled, inHeap, shared int }

func count(p *workload.Probed) keyCount {
	var k keyCount
	for _, s := range p.Slots {
		if !s.OpenSSL {
			continue
		}
		k.keys++
		if s.Filled {
			k.filled++
		}
		if s.InHeap {
			k.inHeap++
		}
		if s.Fate == workload.Shared {
			k.shared++
		}
	}
	return k
}

// printReasons names the slots that stayed shared although a strategy was
// there to prevent it.
func (f *findings) printReasons(w io.Writer) {
	var lines []string
	for _, b := range f.Builds {
		for _, name := range b.Names {
			p := b.Under[name]
			if name != catalogue.PositiveControl && p.SharedSlots > 0 {
				lines = append(lines, fmt.Sprintf("%s under %s shares %s", b.Version, name, stayed(p)))
			}
			if p.NotApplicable != "" {
				lines = append(lines, fmt.Sprintf("%s under %s: not applicable, no %s", b.Version, name, p.NotApplicable))
			}
		}
	}
	if len(lines) > 0 {
		fmt.Fprintln(w)
	}
	for _, l := range lines {
		paragraph(w, l)
	}
}

// stayed names the shared slots of a trial.
func stayed(p *workload.Probed) string {
	var list []string
	for _, s := range p.Slots {
		if s.Fate == workload.Shared || s.SharedInUse {
			list = append(list, fmt.Sprintf("key %d of %s", s.Key, creator(s)))
		}
	}
	if len(list) == 0 {
		return "objects that OpenSSL hands out and keeps in no slot"
	}
	return strings.Join(list, ", ")
}
