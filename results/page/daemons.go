package page

import (
	"fmt"
	"strings"
	"time"

	"tlsbench/results"
	"tlsbench/results/number"
)

// Daemons shows what daemons did and whether the rig agrees, disagreements
// first.
func Daemons(d *results.Daemons) *Document { return &Document{Data: d, Parts: DaemonParts(d)} }

// DaemonParts are the parts of that document, for a longer one.
func DaemonParts(d *results.Daemons) []Part {
	const head = "daemon,openssl,safety,hazard,strategy,"
	verdicts := &Table{Title: "Daemons and the rig, disagreements first", Labels: 5, Head: strings.Split(head+"in daemon,in rig,agree", ",")}
	facts := &Table{Title: "What each daemon did", Labels: 5, Head: strings.Split(head+"first,hs/s,MiB,set up", ",")}
	facts.Notes = []string{"hs/s: good handshakes with their OPTIONS, before a death; MiB: memory of all processes together, shared pages " +
		"once; first: damage, from the load's start, the earliest of all trials; set up: the daemon's step at which the fix took " +
		"its mark (see tlsbench help field)"}
	for i := range d.Rows {
		r := &d.Rows[i]
		names := []Cell{{Text: strings.TrimPrefix(r.Server, "kamailio-")}, {Text: r.OpenSSL}, {Text: fmt.Sprint(r.MemSafety)}, {Text: r.Hazard}, {Text: r.Fix()}}
		agree := Cell{Text: string(r.Agree)}
		if r.Why != "" {
			agree.Notes = []string{r.Why}
		}
		tags := Tags{OpenSSL: r.OpenSSL, Hazard: r.Hazard}
		verdicts.Add(names, field(&results.Row{Verdict: r.Daemon}), field(&results.Row{Verdict: r.Rig}), agree).Tags = tags
		if r.Daemon.Trials > 0 {
			facts.Add(names, daemonFacts(r)).Tags = tags
		}
	}
	parts := []Part{verdicts, Text(d.ScoreLine()), Text(d.ControlLine())}
	for _, broken := range d.BrokenControls() {
		parts = append(parts, Alarm("CONTROL FAILED: "+broken+"."))
	}
	return append(parts, facts)
}

func daemonFacts(r *results.DaemonRow) []Cell {
	first, rate, memory := Cell{Text: "-"}, Cell{Text: "-"}, Cell{Text: "-"}
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
		memory = Cell{Text: fmt.Sprintf("%.0f", r.Memory/(1<<20)), Sort: sortable(r.Memory)}
	}
	return []Cell{first, rate, memory, {Text: r.Mark}}
}
