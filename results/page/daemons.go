package page

import (
	"fmt"
	"strconv"
	"time"

	"tlsbench/results"
	"tlsbench/results/number"
)

// Daemons shows the verdicts on daemon and rig side by side, disagreements
// first, then what each daemon did.
func Daemons(s *results.FieldSummary) *Document {
	d := &Document{Data: s}
	d.Add(daemonVerdicts(s), Text(s.ScoreLine()), Text(s.ControlLine()))
	for _, broken := range s.BrokenControls() {
		d.Add(Alarm("CONTROL FAILED: " + broken + "."))
	}
	for _, note := range s.Notes() {
		d.Add(Text("- " + note))
	}
	d.Add(daemonFacts(s))
	if s.Torn {
		d.Add(Alarm("The last trial of the file was cut off and is left out."))
	}
	return d
}

// daemonCase begins the rows of both tables. Python is told with the strategy,
// because most runs have none.
func daemonCase(c results.FieldCase, cells ...Cell) Row {
	fix, hazard := c.Fix(), "plain"
	switch c.Python {
	case "before":
		fix, hazard = fix+", python before", "python:before=1"
	case "after":
		fix, hazard = fix+", python after", "python"
	}
	first := []Cell{{Text: c.Kamailio}, {Text: c.OpenSSL}, {Text: strconv.Itoa(c.MemSafety)}, {Text: fix}}
	return Row{append(first, cells...), Tags{c.OpenSSL, hazard}}
}

var daemonHead = []string{"kamailio", "openssl", "safety", "strategy"}

func daemonVerdicts(s *results.FieldSummary) *Table {
	t := &Table{Title: "Verdicts of the daemon and of the rig, disagreements first", Labels: 4, Head: append(daemonHead[:4:4], "daemon", "rig", "agree")}
	for _, c := range s.Comparisons {
		t.Rows = append(t.Rows, daemonCase(c.FieldCase, verdictWords(c.Daemon), verdictWords(c.Rig), Cell{Text: string(c.Agree)}))
	}
	return t
}

func daemonFacts(s *results.FieldSummary) *Table {
	t := &Table{Title: "What each daemon did", Labels: 4, Head: append(daemonHead[:4:4], "damaged", "first", "hs/s", "memory", "set up")}
	t.Notes = []string{"hs/s: good handshakes with their OPTIONS, before a death; memory: all processes together, shared pages " +
		"once; first: from the load's start, the earliest of all rounds; set up: the daemon's step at which the fix took " +
		"its mark (see tlsbench help field)"}
	for i := range s.Comparisons {
		c := &s.Comparisons[i]
		f, none := c.Facts, Cell{Text: "-"}
		if f.Trials == 0 {
			continue
		}
		first, rate, memory := none, none, none
		if f.Damaged > 0 {
			first = Cell{Text: f.First.Round(time.Millisecond).String(), Sort: sortable(f.First.Seconds())}
		}
		if f.Damaged > 0 && f.Served == 0 {
			first.Text = "at start"
		}
		if f.Served > 0 {
			rate = Cell{Text: number.Short(f.Rate), Sort: sortable(f.Rate)}
		}
		if f.Memory > 0 {
			memory = Cell{Text: fmt.Sprintf("%d MiB", f.Memory>>20), Sort: sortable(float64(f.Memory))}
		}
		counted := Cell{Text: fmt.Sprintf("%d/%d", f.Damaged, f.Trials), Sort: sortable(float64(f.Damaged) / float64(f.Trials))}
		t.Rows = append(t.Rows, daemonCase(c.FieldCase, counted, first, rate, memory, Cell{Text: c.Mark()}))
	}
	return t
}
