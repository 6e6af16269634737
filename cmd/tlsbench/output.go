package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/sys/unix"

	"tlsbench/results/page"
)

// width is what all output fits in, paths and commands to type apart.
const width = 80

// paragraph writes text wrapped.
func paragraph(w io.Writer, s string) {
	for _, line := range wrap(s, width) {
		fmt.Fprintln(w, line)
	}
}

// wrap breaks text at spaces.
func wrap(s string, columns int) []string {
	lines := strings.Split(text.WrapSoft(s, columns), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ") // WrapSoft fills lines up
	}
	return lines
}

// entry writes a term and what there is to say about it, each text on lines
// of its own.
func entry(w io.Writer, column int, term string, texts ...string) {
	lead := "  " + text.Pad(term, column, ' ')
	if len(term) > column {
		fmt.Fprintln(w, "  "+term)
		lead = strings.Repeat(" ", column+2)
	}
	for _, t := range texts {
		for _, line := range wrap(t, width-column-4) {
			fmt.Fprintln(w, lead+"  "+line)
			lead = strings.Repeat(" ", column+2)
		}
	}
}

// newTable begins a table without lines around it.
func newTable(head ...string) table.Writer { return newTableWithGap(2, head...) }

// newTableWithGap leaves gap spaces between columns.
func newTableWithGap(gap int, head ...string) table.Writer {
	t := table.NewWriter()
	style := table.StyleLight
	style.Options = table.Options{SeparateHeader: true, SeparateColumns: true, SeparateFooter: true}
	style.Box.PaddingLeft, style.Box.PaddingRight = "", ""
	style.Box.MiddleVertical, style.Box.MiddleSeparator = strings.Repeat(" ", gap), strings.Repeat("─", gap)
	style.Format.Header, style.Format.Footer = text.FormatDefault, text.FormatDefault
	style.Format.HeaderAlign = text.AlignLeft
	t.SetStyle(style)
	t.SuppressTrailingSpaces()
	row := make(table.Row, len(head))
	for i, h := range head {
		row[i] = h
	}
	t.AppendHeader(row)
	return t
}

// form is the format that a command's flags ask for.
func form(json, markdown bool) page.Format {
	switch {
	case json:
		return page.JSON
	case markdown:
		return page.Markdown
	}
	return page.Terminal
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// isTerminal reports whether a person is likely to be looking.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// plural is a number with its noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
