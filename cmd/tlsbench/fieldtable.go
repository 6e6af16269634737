package main

import (
	"fmt"
	"io"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"tlsbench/results"
)

// print shows the comparison in the form that was asked for.
func (c *fieldCommand) print(s *session, sum *results.FieldSummary) error {
	switch {
	case c.JSON:
		return writeJSON(s.stdout, sum)
	case c.Markdown:
		printField(s.stdout, sum, tableMarkdown)
	default:
		printField(s.stdout, sum, tableText)
	}
	return nil
}

// The forms of a table.
func tableText(t table.Writer) string     { return t.Render() }
func tableMarkdown(t table.Writer) string { return t.RenderMarkdown() }

// printField shows the two verdicts side by side, disagreements first, then what
// each daemon did.
func printField(w io.Writer, sum *results.FieldSummary, render func(table.Writer) string) {
	fmt.Fprintf(w, "%s\n\n", render(fieldVerdicts(sum)))
	paragraph(w, sum.ScoreLine())
	paragraph(w, sum.ControlLine())
	for _, broken := range sum.BrokenControls() {
		paragraph(w, "CONTROL FAILED: "+broken+".")
	}
	fmt.Fprintln(w)
	for _, note := range sum.Notes() {
		paragraph(w, "- "+note)
	}
	fmt.Fprintf(w, "\n%s\n\n", render(fieldFactTable(sum)))
	paragraph(w, "handshakes: good ones with their OPTIONS a second, before a death; memory: all "+
		"processes together, shared pages once; first: from the load's start, the earliest of all rounds; "+
		"set up: the daemon's step at which the fix took its mark (see tlsbench help field)")
	if sum.Torn {
		paragraph(w, "The last trial of the file was cut off and is left out.")
	}
}

// caseColumns begin the lines of both tables. Python is told with the strategy,
// as most runs have none.
func caseColumns(c results.FieldCase) table.Row {
	fix := c.Fix()
	if c.Python != "no" {
		fix += ", python " + c.Python
	}
	return table.Row{c.Kamailio, c.OpenSSL, c.MemSafety, fix}
}

// soft wraps a column at spaces, so that lines fit a terminal.
func soft(column, columns int) table.ColumnConfig {
	return table.ColumnConfig{Number: column, WidthMax: columns, WidthMaxEnforcer: text.WrapSoft}
}

func fieldVerdicts(sum *results.FieldSummary) table.Writer {
	t := newTableWithGap(1, "kamailio", "openssl", "safety", "strategy", "daemon", "rig", "agree")
	t.SetColumnConfigs([]table.ColumnConfig{soft(4, 18), soft(5, 14), soft(6, 14)})
	for _, c := range sum.Comparisons {
		t.AppendRow(append(caseColumns(c.FieldCase), c.Daemon.Short(), c.Rig.Short(), string(c.Agree)))
	}
	return t
}

func fieldFactTable(sum *results.FieldSummary) table.Writer {
	t := newTableWithGap(1, "kamailio", "openssl", "safety", "strategy", "damaged", "first", "hs/s", "memory", "set up")
	t.SetColumnConfigs([]table.ColumnConfig{soft(4, 15), soft(9, 10)})
	for _, c := range sum.Comparisons {
		f := c.Facts
		if f.Trials == 0 {
			continue
		}
		first, rate, memory := "-", "-", "-"
		if f.Damaged > 0 {
			first = f.First.Round(time.Millisecond).String()
		}
		if f.Damaged > 0 && f.Served == 0 {
			first = "at start"
		}
		if f.Served > 0 {
			rate = fmt.Sprintf("%.0f", f.Rate)
		}
		if f.Memory > 0 {
			memory = fmt.Sprintf("%d MiB", f.Memory>>20)
		}
		t.AppendRow(append(caseColumns(c.FieldCase), fmt.Sprintf("%d/%d", f.Damaged, f.Trials), first, rate, memory, c.Mark()))
	}
	return t
}
