package plots

import (
	"fmt"
	"io"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"tlsbench/results/page"
)

// TablesFile is the name of the file with all tables, beside the figures.
const TablesFile = "TABLES.md"

// Markdown writes the part of the report that fits into a README: one sentence
// for each strategy, the tables in short, what a reader has to know of the
// files, how to repeat it. With a folder of figures it shows three of them and
// points to the tables there; without one the tables follow.
func Markdown(w io.Writer, d *Data, figures string) error {
	var b strings.Builder
	d.markdownHead(&b)
	b.WriteString("\n")
	for _, s := range Sentences(d) {
		fmt.Fprintf(&b, "- **%s**: %s\n", s.Strategy, s.Text)
	}
	if len(d.Scenes) == 0 {
		b.WriteString("- No trials to judge.\n")
	}
	for _, t := range d.shortTables() {
		t.markdown(&b)
	}
	if figures != "" {
		d.markdownFigures(&b, figures)
	} else {
		d.markdownTables(&b)
	}
	if err := writeDaemons(&b, d.Field, page.Markdown, d.set != nil); err != nil {
		return err
	}
	for _, line := range append(aaLines(d), d.housekeeping()...) {
		fmt.Fprintf(&b, "\n%s\n", markdownCell(line))
	}
	switch {
	case d.set != nil:
		d.set.links(&b, figures)
	case figures != "":
		fmt.Fprintf(&b, "\nEvery hazard, every cost, the exact files: [%s](%s). All figures: [%s](%[3]s).\n", TablesFile, path.Join(figures, TablesFile), figures)
	}
	if d.set == nil {
		b.WriteString("\nTo repeat it:\n\n```\n" + strings.Join(Commands(d), "\n") + "\n```\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// links says where the rest of a published set is.
func (s *set) links(b *strings.Builder, figures string) {
	raw := path.Join(PublishedData, s.name)
	fmt.Fprintf(b, "\nEvery hazard, every cost: [%s](%s). All figures: [%s](%[3]s). Conditions, commands to repeat it, raw data: [%s](%[4]s).\n",
		TablesFile, path.Join(figures, TablesFile), figures, raw)
}

// shortTables are those that fit into a README.
func (d *Data) shortTables() []*pageTable {
	return slices.DeleteFunc([]*pageTable{headline(d), hazardTable(d), cpuTable(d)}, func(t *pageTable) bool { return t == nil })
}

// housekeeping is what a reader has to know of the files.
func (d *Data) housekeeping() []string { return append(d.fileWarnings(), d.notes()...) }

// WriteTables writes all tables as Markdown into a folder of figures.
func WriteTables(folder string, d *Data) error {
	var b strings.Builder
	b.WriteString("# Tables of the results\n\n")
	d.markdownHead(&b)
	b.WriteString("\nMade from the raw data, as the figures beside this file are. " + wordsExplained() + "\n")
	for _, t := range d.shortTables() {
		t.markdown(&b)
	}
	d.markdownTables(&b)
	if err := writeDaemons(&b, d.Field, page.Markdown, false); err != nil {
		return err
	}
	for _, line := range append(aaLines(d), d.housekeeping()...) {
		fmt.Fprintf(&b, "\n%s\n", markdownCell(line))
	}
	b.WriteString("\n## How to repeat it\n\n```\n" + strings.Join(Commands(d), "\n") + "\n```\n")
	for _, line := range durations(d) {
		fmt.Fprintf(&b, "\n- %s", line)
	}
	b.WriteString("\n")
	for _, t := range runTables(d) {
		t.markdown(&b)
	}
	return writeFile(filepath.Join(folder, TablesFile), func(w io.Writer) error {
		_, err := io.WriteString(w, b.String())
		return err
	})
}

func wordsExplained() string {
	return "Verdict words, worst first: crash, hang, corrupt, broken (another library no longer works), collateral (its slots are wiped); " +
		"clean: none of these, and the bound is 5 % or less; no damage seen: too few trials for that. " +
		"Trials of different loads are not added up: the probability of damage differs between them."
}

func (d *Data) markdownHead(b *strings.Builder) {
	b.WriteString(d.summary() + "\n")
	for _, mark := range d.marks() {
		fmt.Fprintf(b, "\n**%s**\n", mark)
	}
}

// markdownTables writes the verdict maps, the costs and what was seen.
func (d *Data) markdownTables(b *strings.Builder) {
	for _, section := range []struct {
		title  string
		tables []*pageTable
	}{{"Verdicts", mapTables(d)}, {"Cost", costTables(d)}, {"What was seen, where more than two trials looked", checkTables(d)}} {
		if slices.ContainsFunc(section.tables, func(t *pageTable) bool { return !t.few }) {
			fmt.Fprintf(b, "\n## %s\n", section.title)
		}
		for _, t := range section.tables {
			if !t.few {
				t.markdown(b)
			}
		}
	}
}

// readmeFigures are what a README shows: the first has to be there, of the
// others the first two that are not empty.
var readmeFigures = []string{"verdicts", "handshakes", "forks", "damage", "survival"}

func (d *Data) markdownFigures(b *strings.Builder, folder string) {
	all := make(map[string]*Figure)
	for _, f := range Figures(d) {
		all[f.ID] = f
	}
	var list []*Figure
	for _, id := range readmeFigures {
		if f := all[id]; len(list) < 3 && f.Empty == "" {
			list = append(list, f)
		}
	}
	b.WriteString("\n")
	for _, f := range list {
		fmt.Fprintf(b, "![%s](%s/%s.svg)\n", strings.TrimSpace(f.Title+" "+markdownCell(d.finding(f))), folder, f.ID)
	}
}

// finding says what there is to see on a figure, for who does not see it.
func (d *Data) finding(f *Figure) string {
	if len(f.Panels) == 0 {
		return f.Empty
	}
	text := f.Panels[0].Alt
	switch {
	case f.ID == "verdicts" && f.Panels[0].OpenSSL == "":
		return newScreening(d).finding()
	case f.ID != "handshakes":
		return "" // the tables say it
	}
	var parts []string
	for _, name := range strategiesOf(d.mainCosts()) {
		if phrase := costPhrase(d, name); phrase != "" && name != d.Baseline {
			parts = append(parts, name+": "+phrase)
		}
	}
	if len(parts) == 0 {
		return text
	}
	return strings.Join(parts, ". ") + "."
}

func (t *pageTable) markdown(b *strings.Builder) {
	t = t.footnoted()
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
	for _, note := range t.Notes {
		fmt.Fprintf(b, "\n%s\n", markdownCell(note))
	}
}

// footnoted puts long reasons that stand in several cells below the table.
func (t *pageTable) footnoted() *pageTable {
	const long = 24
	times := make(map[string]int)
	for _, row := range t.Rows {
		for _, c := range row.Cells {
			times[c.Detail]++
		}
	}
	short := *t
	short.Rows, short.Notes = nil, slices.Clone(t.Notes)
	var notes []string
	for _, row := range t.Rows {
		row.Cells = slices.Clone(row.Cells)
		for i := range row.Cells {
			c := &row.Cells[i]
			if len(c.Detail) < long || times[c.Detail] < 2 {
				continue
			}
			n := slices.Index(notes, c.Detail)
			if n < 0 {
				n, notes = len(notes), append(notes, c.Detail)
			}
			c.Detail = fmt.Sprintf("(%d)", n+1)
		}
		short.Rows = append(short.Rows, row)
	}
	for i, text := range notes {
		short.Notes = append(short.Notes, fmt.Sprintf("(%d) %s", i+1, text))
	}
	return &short
}

func markdownCell(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "[", `\[`, "]", `\]`).Replace(s)
}
