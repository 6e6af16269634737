package plots

import (
	"fmt"
	"io"
	"strings"
)

// Markdown writes the part of the report that fits into a README: the verdict
// on each strategy, the verdict tables, the costs, how to repeat it. With a
// folder of figures it shows three of them.
func Markdown(w io.Writer, d *Data, figures string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", d.summary())
	for _, warning := range d.warnings() {
		fmt.Fprintf(&b, "**%s**\n\n", warning)
	}
	for _, s := range Sentences(d) {
		fmt.Fprintf(&b, "- **%s**: %s\n", s.Strategy, s.Text)
	}
	if len(d.Scenes) == 0 {
		b.WriteString("- No trials to judge.\n")
	}
	for _, t := range mapTables(d) {
		t.markdown(&b)
	}
	if figures != "" {
		d.markdownFigures(&b, figures)
	}
	for _, t := range costTables(d) {
		if t.Hazard == "plain" {
			t.markdown(&b)
		}
	}
	b.WriteString("\nTo repeat it:\n\n```\n" + strings.Join(commands(d), "\n") + "\n```\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// readmeFigures are what a README shows.
var readmeFigures = []string{"verdicts", "corruption", "throughput"}

func (d *Data) markdownFigures(b *strings.Builder, folder string) {
	for _, f := range Figures(d) {
		for _, id := range readmeFigures {
			if f.ID == id {
				sheet := f.sheets()[0]
				fmt.Fprintf(b, "\n![%s: %s](%s/%s.svg)\n", f.Title, markdownCell(firstSentence(f.Caption)), folder, sheet.ID)
			}
		}
	}
}

func firstSentence(s string) string {
	head, _, _ := strings.Cut(s, ". ")
	return head
}

func (t *pageTable) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "\n%s\n\n", t.Title)
	if t.Mark != "" {
		fmt.Fprintf(b, "**%s**\n\n", t.Mark)
	}
	b.WriteString("|")
	for _, h := range t.Head {
		b.WriteString(" " + markdownCell(h) + " |")
	}
	b.WriteString("\n|" + strings.Repeat("---|", len(t.Head)) + "\n")
	for _, row := range t.Rows {
		b.WriteString("| " + markdownCell(row.Name) + " |")
		for _, c := range row.Cells {
			b.WriteString(" " + markdownCell(strings.TrimSpace(c.Text+" "+c.Detail)) + " |")
		}
		b.WriteString("\n")
	}
}

func markdownCell(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "[", `\[`, "]", `\]`).Replace(s)
}
