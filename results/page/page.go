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

// Add appends a row; a value is a Cell or is printed into one.
func (t *Table) Add(values ...any) {
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
		head := make([]string, len(t.Head))
		for i, h := range t.Head {
			head[i] = formulaless(clean(h))
		}
		if err := out.Write(head); err != nil {
			return err
		}
		for _, row := range t.Rows {
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
	if !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' || r == unicode.ReplacementChar }) {
		return s
	}
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

// tables lists the tables alone.
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
