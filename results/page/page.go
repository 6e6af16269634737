// Package page is the one model of what is shown: a document of headings,
// texts, lists and tables. Builders make it from plain results, writers print
// it. No other place of the suite lays out a table.
package page

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"tlsbench/results"
)

// Document is what a command has to say, in order.
type Document struct {
	Parts []Part
	Data  any // what JSON shows of it, nothing shortened
}

// Part is a Heading, Text, Alarm, Code, List or *Table.
type Part interface{ part() }

type (
	// Heading begins a section; level 1 is the highest.
	Heading struct {
		Level int
		Text  string
	}
	Text  string  // a paragraph
	Alarm string  // a paragraph that must not be overlooked
	Code  string  // a command or a path, never wrapped
	List  []Entry // terms, and what there is to say about each
	Entry struct {
		Term  string
		Texts []string
	}
)

// Table has its titles in Head; the first Labels columns, 1 if it is 0, name a
// row, and are repeated where a table is too wide.
type Table struct {
	Title, Mark string // Mark: why the table proves nothing
	Labels      int
	Head        []string
	Rows        []Row
	Notes       []string
	Tags
}

// Row is a line of a table.
type Row struct {
	Cells []Cell
	Tags
}

// Tags say what a table or a row is about, for filters; "" is everything.
type Tags struct{ OpenSSL, Hazard string }

// Cell is a field: a text in a few words, what has to be known with it, and
// notes that stand below the table or, if they hold for many, at the end.
type Cell struct {
	Text, Detail string
	Class        string // how it looks on the page
	Sort         string // the number to sort by; "" sorts by the text
	Notes        []string
}

func (Heading) part() {}
func (Text) part()    {}
func (Alarm) part()   {}
func (Code) part()    {}
func (List) part()    {}
func (*Table) part()  {}

// Add appends a row, and returns it; a value is a Cell, several or is printed into one.
func (t *Table) Add(values ...any) *Row {
	var row Row
	for _, v := range values {
		switch v := v.(type) {
		case Cell:
			row.Cells = append(row.Cells, v)
		case []Cell:
			row.Cells = append(row.Cells, v...)
		default:
			row.Cells = append(row.Cells, Cell{Text: fmt.Sprint(v)})
		}
	}
	t.Rows = append(t.Rows, row)
	return &t.Rows[len(t.Rows)-1]
}

func (t *Table) labels() int { return max(1, t.Labels) }

// Add appends parts.
func (d *Document) Add(parts ...Part) { d.Parts = append(d.Parts, parts...) }

// Format is how a document is written.
type Format string

// The formats. Terminal is text of 80 columns, CSV the tables alone.
const (
	Terminal Format = "text"
	Markdown Format = "markdown"
	HTML     Format = "html"
	CSV      Format = "csv"
	JSON     Format = "json"
)

// Write prints the document in one go.
func (d *Document) Write(w io.Writer, f Format) error {
	var out bytes.Buffer
	switch f {
	case JSON:
		enc := json.NewEncoder(&out)
		enc.SetIndent("", "  ")
		if err := enc.Encode(d.Data); err != nil {
			return err
		}
	case CSV:
		if err := d.writeCSV(&out); err != nil {
			return err
		}
	case HTML:
		d.writeHTML(&out)
	case Markdown:
		d.writeMarkdown(&out)
	default:
		d.writeText(&out)
	}
	_, err := w.Write(out.Bytes())
	return err
}

func (d *Document) writeCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	for i, t := range d.tables() {
		if i > 0 {
			out.Flush()
			fmt.Fprintln(w)
		}
		var head Row
		for _, h := range t.Head {
			head.Cells = append(head.Cells, Cell{Text: h})
		}
		for _, row := range append([]Row{head}, t.Rows...) {
			var record []string
			for _, c := range row.Cells {
				record = append(record, formulaless(clean(c.String())))
			}
			if err := out.Write(record); err != nil {
				return err
			}
		}
	}
	out.Flush()
	return out.Error()
}

// formulaless keeps a spreadsheet from carrying a text out.
func formulaless(s string) string {
	if s == "" || !strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return s
	}
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return s
	}
	return "'" + s
}

// clean makes what a results file or a strategy may contain harmless: a control
// character is shown, and reaches no terminal.
func clean(s string) string {
	var b strings.Builder
	for _, r := range s {
		if unicode.IsControl(r) && r != '\n' {
			fmt.Fprintf(&b, "\\x%02x", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// OneLine is a text for one line of a terminal, such as an error of several.
func OneLine(s string) string {
	return clean(strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\n' }), "; "))
}

func (d *Document) tables() []*Table {
	var list []*Table
	for _, p := range d.Parts {
		if t, ok := p.(*Table); ok {
			list = append(list, t)
		}
	}
	return list
}

// String is text and detail in one line.
func (c Cell) String() string { return strings.TrimSpace(c.Text + " " + c.Detail) }

// Class is how a verdict's word looks on the page.
func Class(w results.Word) string { return "w-" + strings.ReplaceAll(string(w), " ", "-") }

// notes numbers the notes of a document. A note of one table stands below it,
// one of several tables at the document's end, so that it is said once.
type notes struct {
	tables map[string]int        // tables that have the note
	order  []string              // of the numbers
	heads  map[*Table][][]string // by column, notes that hold for all rows
}

func (d *Document) notes() *notes {
	n := &notes{tables: make(map[string]int), heads: make(map[*Table][][]string)}
	for _, t := range d.tables() {
		for i := range t.Head {
			n.heads[t] = append(n.heads[t], t.common(i))
		}
		for _, note := range t.allNotes() {
			if n.tables[note]++; n.tables[note] == 1 {
				n.order = append(n.order, note)
			}
		}
	}
	return n
}

// allNotes lists the notes of the cells, each once.
func (t *Table) allNotes() []string {
	var list []string
	for _, row := range t.Rows {
		for _, c := range row.Cells {
			list = append(list, c.Notes...)
		}
	}
	return results.Distinct(list, func(note string) string { return note })
}

// Baseline is the class of cells that others are compared with. A note on all
// others of a column is said of the column.
const Baseline = "baseline"

// common lists the notes that all cells of a column have.
func (t *Table) common(column int) []string {
	var list []string
	cells := 0
	for _, row := range t.Rows {
		if column >= len(row.Cells) {
			continue
		}
		c := row.Cells[column]
		if c.Text == "" || c.Class == Baseline && len(c.Notes) == 0 {
			continue
		}
		if cells++; cells == 1 {
			list = slices.Clone(c.Notes)
		}
		list = slices.DeleteFunc(list, func(note string) bool { return !slices.Contains(c.Notes, note) })
	}
	if cells < 2 {
		return nil
	}
	return list
}

// head is a column's title, with the marks of notes that hold for all rows.
func (n *notes) head(t *Table, column int) string {
	return t.Head[column] + n.marks(n.heads[t][column])
}

// cell gives the marks of the notes that are the cell's own.
func (n *notes) cell(t *Table, column int, c Cell) string {
	return n.marks(slices.DeleteFunc(slices.Clone(c.Notes), func(note string) bool {
		return column < len(t.Head) && slices.Contains(n.heads[t][column], note)
	}))
}

// marks are the numbers of notes.
func (n *notes) marks(list []string) string {
	var marks []string
	for _, note := range list {
		marks = append(marks, superscript(slices.Index(n.order, note)+1))
	}
	return strings.Join(marks, " ")
}

// below lists what appears below a table: its own notes, and those of cells that
// no other table has.
func (n *notes) below(t *Table) []string {
	list := slices.Clone(t.Notes)
	for _, note := range t.allNotes() {
		if n.tables[note] == 1 {
			list = append(list, n.marks([]string{note})+" "+note)
		}
	}
	return list
}

// end lists what appears at the end of the document.
func (n *notes) end() []string {
	var list []string
	for _, note := range n.order {
		if n.tables[note] > 1 {
			list = append(list, n.marks([]string{note})+" "+note)
		}
	}
	return list
}

func superscript(n int) string {
	digits := []rune("⁰¹²³⁴⁵⁶⁷⁸⁹")
	return strings.Map(func(d rune) rune { return digits[d-'0'] }, fmt.Sprint(n))
}

// title is that of the table, with what is wrong with it.
func (t *Table) title() string {
	if t.Mark == "" {
		return t.Title
	}
	return t.Title + " !! " + t.Mark
}
