package plots

import (
	_ "embed"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"tlsbench/results"
)

// The field's section of the report: what tlsbench field found inside the real
// daemon, a table of the two verdicts and one of what each daemon did. The page
// gets it by one line, {{with .Field}}{{template "field" .}}{{end}}.

//go:embed field.html
var fieldHTML string

var _ = template.Must(reportTemplate.Parse(fieldHTML))

// fieldSection is what is shown of one file.
type fieldSection struct {
	Title  string
	Lines  []string // agreement, and the daemons without a fix
	Notes  []string
	Tables []*pageTable
}

// splitField takes the field's files out of a list.
func splitField(files []string) (runs, fields []string) {
	for _, f := range files {
		if results.IsFieldFile(f) {
			fields = append(fields, f)
		} else {
			runs = append(runs, f)
		}
	}
	return runs, fields
}

// readFields reads them.
func readFields(files []string) ([]*results.FieldSummary, error) {
	var list []*results.FieldSummary
	for _, path := range files {
		f, err := results.ReadField(path)
		if err != nil {
			return nil, err
		}
		list = append(list, results.SummarizeField(f))
	}
	return list, nil
}

// fieldSections has one for each file.
func fieldSections(list []*results.FieldSummary) []*fieldSection {
	var out []*fieldSection
	for _, s := range list {
		section := &fieldSection{
			Title: base(s.Path), Lines: []string{s.ScoreLine(), s.ControlLine()}, Notes: s.Notes(),
			Tables: []*pageTable{fieldVerdictTable(s), fieldFactTable(s)},
		}
		if s.Torn {
			section.Lines = append(section.Lines, "The last trial of the file was cut off and is left out.")
		}
		for _, f := range s.Header.Config {
			if f.Key == "machine" {
				section.Lines = append(section.Lines, fmt.Sprintf("On %s, seed %d.", f.Value, s.Header.Seed))
			}
		}
		out = append(out, section)
	}
	return out
}

// fieldRow begins a row: the case is its name and its first cells.
func fieldRow(c results.FieldCase, head []string, cells ...pageCell) pageRow {
	row := pageRow{OpenSSL: c.OpenSSL, Hazard: fieldHazard(c), Name: c.Fix()}
	first := []pageCell{
		{Text: c.Kamailio, Detail: c.Package}, {Text: c.OpenSSL}, {Text: fmt.Sprint(c.MemSafety)}, {Text: c.Python},
	}
	row.Cells = append(first, cells...)
	for i := range row.Cells {
		row.Cells[i].Head = head[i+1]
	}
	return row
}

// fieldHazard is the rig's name for the neighbour, for the page's filter.
func fieldHazard(c results.FieldCase) string {
	switch c.Python {
	case "before":
		return "python:before=1"
	case "after":
		return "python"
	}
	return "plain"
}

var fieldHead = []string{"strategy", "Kamailio", "OpenSSL", "mem_safety", "Python"}

func fieldVerdictTable(s *results.FieldSummary) *pageTable {
	t := &pageTable{Title: "Verdicts of the daemon and of the rig, disagreements first"}
	t.Head = append(slices.Clone(fieldHead), "daemon", "rig", "agree")
	for _, c := range s.Comparisons {
		t.Rows = append(t.Rows, fieldRow(c.FieldCase, t.Head, fieldVerdict(c.Daemon), fieldVerdict(c.Rig), pageCell{Text: string(c.Agree)}))
	}
	return t
}

func fieldVerdict(v results.Verdict) pageCell {
	cell := pageCell{Text: v.Short(), Class: "verdict " + wordClass(v.Worst())}
	if v.Trials == 0 {
		cell.Detail = v.Reason
		return cell
	}
	cell.Detail = fmt.Sprintf("%d/%d damaged", v.Damaged, v.Trials)
	cell.Sort = number(float64(v.Damaged) / float64(v.Trials))
	return cell
}

func fieldFactTable(s *results.FieldSummary) *pageTable {
	t := &pageTable{Title: "What each daemon did: good handshakes with their OPTIONS until a death; all processes' memory, shared pages once"}
	t.Head = append(slices.Clone(fieldHead), "first event", "handshakes/s", "memory", "mark taken")
	for i := range s.Comparisons {
		c := &s.Comparisons[i]
		if c.Facts.Trials > 0 {
			t.Rows = append(t.Rows, fieldRow(c.FieldCase, t.Head, fieldFacts(c)...))
		}
	}
	return t
}

func fieldFacts(c *results.FieldComparison) []pageCell {
	f, none := c.Facts, pageCell{Text: "–"}
	first, rate, memory := none, none, none
	if f.Damaged > 0 {
		first = pageCell{Text: f.First.Round(time.Millisecond).String(), Sort: number(f.First.Seconds())}
	}
	if f.Damaged > 0 && f.Served == 0 {
		first.Text = "at start"
	}
	if f.Served > 0 {
		rate = pageCell{Text: figures3(f.Rate), Sort: number(f.Rate)}
	}
	if f.Memory > 0 {
		memory = pageCell{Text: fmt.Sprintf("%d MiB", f.Memory>>20), Sort: number(float64(f.Memory))}
	}
	return []pageCell{first, rate, memory, {Text: strings.Replace(c.Mark(), "-", "–", 1)}}
}

// fieldMarkdown writes the section: the numbers, and, where it is not to be
// brief as in a README, why, and each case.
func fieldMarkdown(b *strings.Builder, list []*results.FieldSummary, brief bool) {
	for _, section := range fieldSections(list) {
		fmt.Fprintf(b, "\nIn the real daemon (%s):\n\n", section.Title)
		lines := section.Lines
		if !brief {
			lines = append(slices.Clone(lines), section.Notes...)
		}
		for _, line := range lines {
			fmt.Fprintf(b, "- %s\n", markdownCell(line))
		}
		if !brief {
			section.Tables[0].markdown(b)
		}
	}
}
