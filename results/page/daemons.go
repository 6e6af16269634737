package page

import (
	"fmt"
	"time"

	"tlsbench/results"
	"tlsbench/results/number"
)

// Daemons shows what daemons did and whether the rig agrees, disagreements
// first.
func Daemons(d *results.Daemons) *Document {
	doc := &Document{Data: d}
	doc.Add(DaemonParts(d)...)
	return doc
}

// DaemonParts are the parts of that document, for a longer one.
func DaemonParts(d *results.Daemons) []Part {
	parts := []Part{daemonVerdicts(d), Text(d.ScoreLine()), Text(d.ControlLine())}
	for _, broken := range d.BrokenControls() {
		parts = append(parts, Alarm("CONTROL FAILED: "+broken+"."))
	}
	for _, note := range d.Notes() {
		parts = append(parts, Text("- "+note))
	}
	return append(parts, daemonFacts(d))
}

// daemonRow begins a row: which daemon, and what is in it. Python is told with
// the strategy, because most cases have none.
func daemonRow(t *Table, r *results.DaemonRow, cells ...Cell) {
	fix := r.Fix()
	if r.Python != "no" {
		fix += ", python " + r.Python
	}
	t.Add(Cell{Text: r.DaemonName()}, r.OpenSSL, r.MemSafety, fix, cells)
	t.Rows[len(t.Rows)-1].Tags = Tags{OpenSSL: r.OpenSSL, Hazard: r.Hazard}
}

var daemonHead = []string{"server", "openssl", "safety", "strategy"}

func daemonVerdicts(d *results.Daemons) *Table {
	t := &Table{Title: "Daemons and the rig: verdicts, disagreements first", Labels: len(daemonHead)}
	t.Head = append(daemonHead[:len(daemonHead):len(daemonHead)], "daemon", "rig", "agree")
	for i := range d.Rows {
		r := &d.Rows[i]
		daemonRow(t, r, verdictWords(r.Daemon), verdictWords(r.Rig), Cell{Text: string(r.Agree)})
	}
	return t
}

func daemonFacts(d *results.Daemons) *Table {
	t := &Table{Title: "What each daemon did", Labels: len(daemonHead)}
	t.Head = append(daemonHead[:len(daemonHead):len(daemonHead)], "damaged", "first", "hs/s", "memory", "set up")
	t.Notes = []string{"hs/s: good handshakes with their OPTIONS, before a death; memory: all processes together, shared pages " +
		"once; first: from the load's start, the earliest of all trials; set up: the daemon's step at which the fix took " +
		"its mark (see tlsbench help field)"}
	for i := range d.Rows {
		r := &d.Rows[i]
		if r.Daemon.Trials == 0 {
			continue
		}
		none := Cell{Text: "-"}
		first, rate, memory := none, none, none
		switch {
		case r.Daemon.Damaged > 0 && r.Served == 0:
			first = Cell{Text: "at start", Sort: "0"}
		case r.Daemon.Damaged > 0:
			first = Cell{Text: r.First.Round(time.Millisecond).String(), Sort: sortable(r.First.Seconds())}
		}
		if r.Served > 0 {
			rate = Cell{Text: number.Short(r.Rate), Sort: sortable(r.Rate)}
		}
		if r.Memory > 0 {
			memory = Cell{Text: fmt.Sprintf("%.0f MiB", r.Memory/(1<<20)), Sort: sortable(r.Memory)}
		}
		damaged := Cell{Text: counts(r.Daemon), Sort: sortable(float64(r.Daemon.Damaged) / float64(r.Daemon.Trials))}
		daemonRow(t, r, damaged, first, rate, memory, Cell{Text: r.Mark})
	}
	return t
}
