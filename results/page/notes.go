package page

import (
	"fmt"
	"slices"
	"strings"
)

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
			for _, note := range c.Notes {
				if !slices.Contains(list, note) {
					list = append(list, note)
				}
			}
		}
	}
	return list
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

// below lists what stands below a table: its own notes, and those of cells that
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

// end lists what stands at the end of the document.
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
	var s strings.Builder
	for _, d := range fmt.Sprint(n) {
		s.WriteRune(digits[d-'0'])
	}
	return s.String()
}

// title is that of the table, with what is wrong with it.
func (t *Table) title() string {
	if t.Mark == "" {
		return t.Title
	}
	return t.Title + " !! " + t.Mark
}
