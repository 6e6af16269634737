package page

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Width is what text fits in, paths and commands to type apart.
const Width = 80

func (d *Document) writeText(w *bytes.Buffer) {
	notes := d.notes()
	gap := func() {
		if w.Len() > 0 {
			w.WriteString("\n")
		}
	}
	paragraph := func(s string) {
		for _, line := range Wrap(s, Width) {
			w.WriteString(line + "\n")
		}
	}
	var before Part
	for _, p := range d.Parts {
		_, apart := before.(*Table)
		switch p.(type) {
		case Heading, *Table:
			apart = true
		}
		if apart {
			gap()
		}
		before = p
		switch p := p.(type) {
		case Heading:
			paragraph(p.Text)
		case Text:
			paragraph(string(p))
		case Alarm:
			paragraph("! " + string(p))
		case Code:
			w.WriteString(clean(string(p)) + "\n")
		case List:
			p.text(w)
		case *Table:
			if p.Title != "" {
				paragraph(p.title())
			}
			p.text(w, notes)
			for _, note := range notes.below(p) {
				paragraph(note)
			}
		}
	}
	if end := notes.end(); len(end) > 0 {
		gap()
		for _, note := range end {
			paragraph(note)
		}
	}
}

// termWidth is the most that the terms of a list take of a line.
const termWidth = 14

func (l List) text(w *bytes.Buffer) {
	column := 0
	for _, e := range l {
		if n := size(e.Term); n <= termWidth {
			column = max(column, n)
		}
	}
	for _, e := range l {
		lead := "  " + pad(clean(e.Term), column)
		if size(e.Term) > column {
			fmt.Fprintf(w, "  %s\n", clean(e.Term))
			lead = strings.Repeat(" ", column+2)
		}
		for _, text := range e.Texts {
			for _, line := range Wrap(text, Width-column-4) {
				w.WriteString(strings.TrimRight(lead+"  "+line, " ") + "\n")
				lead = strings.Repeat(" ", column+2)
			}
		}
	}
}

// text writes the table, in as many parts as it takes for each to fit.
func (t *Table) text(w *bytes.Buffer, notes *notes) {
	cells := make([][]string, len(t.Rows))
	for i, row := range t.Rows {
		for k, c := range row.Cells {
			cells[i] = append(cells[i], c.String()+notes.cell(t, k, c))
		}
	}
	head := make([]string, len(t.Head))
	for i := range head {
		head[i] = notes.head(t, i)
	}
	gap := 2
	all := parts(head, cells, t.labels(), gap)
	if narrow := parts(head, cells, t.labels(), 1); len(narrow) < len(all) && singleWords(cells) {
		all, gap = narrow, 1
	}
	for i, columns := range all {
		if i > 0 {
			w.WriteString("\n")
		}
		writeRow(w, columns, head, gap)
		w.WriteString(strings.Repeat("─", total(columns, gap)) + "\n")
		for _, row := range cells {
			writeRow(w, columns, row, gap)
		}
	}
}

// singleWords reports whether columns can be told apart with one space between
// them.
func singleWords(cells [][]string) bool {
	return !slices.ContainsFunc(cells, func(row []string) bool {
		return slices.ContainsFunc(row, func(cell string) bool { return strings.Contains(cell, " ") })
	})
}

// column is one of a part of a table, in characters.
type column struct {
	index       int
	least, most int // without breaking words; without breaking lines
	width       int
}

// usual is the width from which on a column's lines are broken where that
// saves a part.
const usual = 20

// parts deals the columns out; the labels are in each part.
func parts(head []string, cells [][]string, n, gap int) [][]column {
	all := make([]column, len(head))
	for i, title := range head {
		c := column{index: i, least: longest(words(title))}
		for _, row := range cells {
			if i < len(row) {
				c.least, c.most = max(c.least, longest(words(row[i]))), max(c.most, size(row[i]))
			}
		}
		c.width = max(c.least, min(c.most, usual)) // a title's lines are broken before
		c.most = max(c.most, size(title))
		all[i] = c
	}
	labels := all[:min(n, len(all))]
	parts := deal(labels, all[len(labels):], len(all), gap)
	// As many columns in each part as in any other, so that none is left alone.
	rest := len(all) - len(labels)
	parts = deal(labels, all[len(labels):], (rest+len(parts)-1)/len(parts), gap)
	for _, columns := range parts {
		spread(columns, gap)
	}
	return parts
}

// deal begins a new part where a column does not fit, or there are enough.
func deal(labels, rest []column, most, gap int) [][]column {
	parts := [][]column{slices.Clone(labels)}
	for _, c := range rest {
		last := &parts[len(parts)-1]
		if n := len(*last) - len(labels); n == most || n > 0 && total(*last, gap)+gap+c.width > Width {
			parts = append(parts, slices.Clone(labels))
			last = &parts[len(parts)-1]
		}
		*last = append(*last, c)
	}
	return parts
}

// spread gives the room that is left to columns whose lines are broken, to those
// first that need least.
func spread(columns []column, gap int) {
	order := make([]*column, len(columns))
	for i := range columns {
		order[i] = &columns[i]
	}
	slices.SortStableFunc(order, func(a, b *column) int { return (a.most - a.width) - (b.most - b.width) })
	for _, c := range order {
		c.width += max(0, min(c.most-c.width, Width-total(columns, gap)))
	}
}

func total(columns []column, gap int) int {
	sum := gap * (len(columns) - 1)
	for _, c := range columns {
		sum += c.width
	}
	return sum
}

func writeRow(w *bytes.Buffer, columns []column, row []string, gap int) {
	lines := make([][]string, len(columns))
	high := 1
	for i, c := range columns {
		if c.index < len(row) {
			lines[i] = Wrap(row[c.index], c.width)
		}
		high = max(high, len(lines[i]))
	}
	for n := range high {
		var line strings.Builder
		for i, c := range columns {
			text := ""
			if n < len(lines[i]) {
				text = lines[i][n]
			}
			line.WriteString(pad(text, c.width+gap))
		}
		w.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}

func size(s string) int { return utf8.RuneCountInString(s) }

func pad(s string, columns int) string {
	return s + strings.Repeat(" ", max(0, columns-size(s)))
}

func longest(list []string) int {
	n := 0
	for _, s := range list {
		n = max(n, size(strings.TrimRight(s, " ")))
	}
	return n
}

// Wrap breaks text into lines of so many columns.
func Wrap(s string, columns int) []string {
	var lines []string
	for line := range strings.SplitSeq(clean(s), "\n") {
		at := ""
		for _, word := range words(line) {
			if at != "" && size(at)+size(strings.TrimRight(word, " ")) > columns {
				lines, at = append(lines, strings.TrimRight(at, " ")), ""
			}
			at += word
		}
		lines = append(lines, strings.TrimRight(at, " "))
	}
	return lines
}

// longWord is the length from which on a word may be broken behind the signs
// that names are made of.
const longWord = 8

// words splits a line where it may be broken, each with the spaces behind it. An
// interval stays whole, and a number keeps its unit.
func words(line string) []string {
	var list []string
	start, inside := 0, 0
	for i, r := range line {
		switch r {
		case '[':
			inside++
		case ']':
			inside = max(0, inside-1)
		case ' ':
			if inside == 0 && !unit(line[i+1:]) {
				list, start = append(list, line[start:i+1]), i+1
			}
		case '-', ':', '/', '=':
			if word, _, _ := strings.Cut(line[start:], " "); inside == 0 && size(word) > longWord && i > start && !path(word) {
				list, start = append(list, line[start:i+1]), i+1
			}
		}
	}
	return append(list, line[start:])
}

// path reports whether a word is to be copied whole.
func path(word string) bool {
	return strings.HasPrefix(word, "/") || strings.HasPrefix(word, "~/") || strings.HasPrefix(word, "./")
}

// unit reports whether what follows a space belongs to the number before it.
func unit(rest string) bool {
	word, _, _ := strings.Cut(rest, " ")
	return slices.Contains([]string{"%", "ns", "µs", "ms", "s"}, strings.TrimRight(word, "¹²³⁴⁵⁶⁷⁸⁹⁰,;.)"))
}
