package results

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// width is what the text tables fit in, as long as names are not long
// themselves.
const width = 80

// writeTables prints text or Markdown.
func (c *Comparison) writeTables(w io.Writer, format Format) error {
	p := &printer{format: format, c: c}
	p.paragraph(fmt.Sprintf("baseline %s, %s %% intervals", c.Baseline, figures(100*c.Confidence)))
	for _, warning := range c.Warnings {
		p.paragraph("warning: " + warning)
	}
	machine := ""
	for i := range c.Tables {
		t := &c.Tables[i]
		if i == 0 || t.Machine != machine {
			machine = t.Machine
			p.heading("#", "machine: "+machine)
		}
		if !t.onlyForks() {
			p.scene(t)
		}
	}
	p.forks(c.Tables)
	if len(c.Tables) > 0 {
		p.legend()
	}
	_, err := io.WriteString(w, strings.TrimRight(p.out.String(), "\n")+"\n")
	return err
}

// printer collects the report, and the notes of the table at hand.
type printer struct {
	out    strings.Builder
	format Format
	c      *Comparison
	notes  []string
}

func (p *printer) paragraph(s string) {
	p.out.WriteString(p.wrap(s) + "\n")
	if p.format == Markdown {
		p.out.WriteString("\n")
	}
}

func (p *printer) wrap(s string) string {
	if p.format == Markdown {
		return s
	}
	lines := strings.Split(text.WrapSoft(s, width), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ") // WrapSoft fills up
	}
	return strings.Join(lines, "\n")
}

func (p *printer) heading(level, s string) {
	if p.format == Markdown {
		fmt.Fprintf(&p.out, "%s %s\n\n", level, s)
		return
	}
	fmt.Fprintf(&p.out, "\n%s\n", p.wrap(s))
}

// scene prints the tables of one scene: what was damaged, what the active
// checks found, what it cost.
func (p *printer) scene(t *Table) {
	p.heading("##", t.Scene.String())
	p.paragraph(t.Controls)
	p.damage(t)
	p.checks(t)
	rest := withoutForks(t.units())
	headline := []string{HandshakesPerSec, CPUPerHandshake}
	if slices.ContainsFunc(t.Rows, func(r Row) bool { return r.Throughput > 0 }) {
		p.costs(t, headline, true)
	}
	rest = slices.DeleteFunc(rest, func(u string) bool { return slices.Contains(headline, u) })
	for chunk := range slices.Chunk(rest, 2) {
		p.costs(t, chunk, false)
	}
}

// units lists the units that any row has a cost in.
func (t *Table) units() []string {
	var list []string
	for i := range t.Rows {
		for _, c := range t.Rows[i].Costs {
			if !slices.Contains(list, c.Unit) {
				list = append(list, c.Unit)
			}
		}
	}
	return list
}

func (p *printer) damage(t *Table) {
	if !slices.ContainsFunc(t.Rows, func(r Row) bool { return r.Verdict.Worst() != NoTrials || r.Passive.N > 0 }) {
		return
	}
	tw := p.table("strategy", "verdict", "damaged trials", "corruptions/Mhs")
	for i := range t.Rows {
		r := &t.Rows[i]
		passive := r.Passive.rateText()
		if passive != "" {
			passive += fmt.Sprintf(" n=%d", r.Passive.N)
		}
		tw.AppendRow(table.Row{r.Strategy, r.Verdict.words() + p.note(r.reason()...),
			r.damagedText() + p.star(r.Fisher) + p.note(r.Probability.Warnings...), passive + p.note(r.Passive.Warnings...)})
	}
	p.print(tw, "Damage", t.Mark)
	p.exposure(t)
}

// exposure says what an undamaged trial stands for, of all strategies.
func (p *printer) exposure(t *Table) {
	var all Range
	for i := range t.Rows {
		all.join(t.Rows[i].Exposure)
	}
	if all.Most > 0 {
		p.paragraph(fmt.Sprintf("undamaged trials made %s to %s good handshakes each", short(float64(all.Least)), short(float64(all.Most))))
	}
}

// star marks a strategy that is damaged more or less often than the baseline.
func (p *printer) star(fisher *float64) string {
	if fisher != nil && *fisher < 1-p.c.Confidence {
		return " *"
	}
	return ""
}

// reason is why there is no verdict, where there is none.
func (r *Row) reason() []string {
	if r.Verdict.Reason == "" {
		return nil
	}
	return []string{r.Strategy + ": " + r.Verdict.Reason}
}

func (p *printer) checks(t *Table) {
	if !slices.ContainsFunc(t.Rows, func(r Row) bool { return r.Foreign.Known() || r.Repeats.Known() }) {
		return
	}
	tw := p.table("strategy", "foreign/Mcheck", "repeats/Mdraw", "lost/fork", "shared")
	for i := range t.Rows {
		r := &t.Rows[i]
		shared := ""
		if r.SharedSlots >= 0 {
			shared = fmt.Sprint(r.SharedSlots)
		}
		lost := r.Lost.rateText()
		if r.Lost.Known() && r.Lost.Value > 0 {
			lost = short(r.Lost.Value)
		}
		tw.AppendRow(table.Row{r.Strategy, r.Foreign.rateText() + p.note(r.Foreign.Warnings...),
			r.Repeats.rateText() + p.note(r.Repeats.Warnings...), lost, shared})
	}
	p.print(tw, "Active checks (same trials), slots lost and shared", t.Mark)
}

// costs prints metrics as ratios to the baseline, and the baseline's own
// medians.
func (p *printer) costs(t *Table, units []string, undamaged bool) {
	head := []string{"strategy"}
	if undamaged {
		head = append(head, "undamaged")
	}
	tw := p.table(append(append(head, units...), "n")...)
	for i := range t.Rows {
		r := &t.Rows[i]
		row := table.Row{r.Strategy}
		if undamaged {
			row = append(row, count(r.Undamaged, r.Throughput))
		}
		n := ""
		for _, unit := range units {
			c, ok := r.cost(unit)
			row = append(row, p.cost(r, c, ok))
			if ok && n == "" {
				n = fmt.Sprint(c.rounds())
			}
		}
		tw.AppendRow(append(row, n))
	}
	p.print(tw, "Cost, relative to "+p.c.Baseline+" in the same round", t.Mark)
}

func count(k, n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", k, n)
}

// rounds is how many rounds the cost rests on.
func (c Cost) rounds() int {
	if c.Ratio.Known() {
		return c.Ratio.N
	}
	return c.Median.N
}

// cost prints the ratio. Without one, as for the baseline, it prints the
// median.
func (p *printer) cost(r *Row, c Cost, ok bool) string {
	switch {
	case !ok:
		return ""
	case r.Strategy == p.c.Baseline:
		return "1 = " + valueText(c.Median.Value, c.Unit) + p.note(c.Disturbed...)
	case !c.Ratio.Known():
		return valueText(c.Median.Value, c.Unit) + p.note("no round in common with the baseline: the median") + p.note(c.Disturbed...)
	}
	s := c.Ratio.ratioText()
	if c.Ratio.Differs(1 - p.c.Confidence) {
		s += " *"
	}
	if c.Ratio.Same {
		s += " ="
	}
	return s + p.note(slices.Concat(c.Ratio.Warnings, c.Disturbed)...)
}

// note keeps warnings for below the table and returns their marks.
func (p *printer) note(warnings ...string) string {
	marks := ""
	for _, w := range warnings {
		i := slices.Index(p.notes, w)
		if i < 0 {
			i = len(p.notes)
			p.notes = append(p.notes, w)
		}
		if marks += superscript(i + 1); p.format == Markdown {
			marks += " "
		}
	}
	return strings.TrimSuffix(marks, " ")
}

func superscript(n int) string {
	digits := []rune("⁰¹²³⁴⁵⁶⁷⁸⁹")
	var s strings.Builder
	for _, d := range fmt.Sprint(n) {
		s.WriteRune(digits[d-'0'])
	}
	return s.String()
}

// table begins a table without lines around it.
func (p *printer) table(head ...string) table.Writer {
	tw := table.NewWriter()
	style := table.StyleLight
	style.Options = table.Options{SeparateHeader: true, SeparateColumns: true}
	style.Box.PaddingLeft, style.Box.PaddingRight = "", ""
	style.Box.MiddleVertical, style.Box.MiddleSeparator = "  ", "──"
	style.Format.Header = text.FormatDefault
	tw.SetStyle(style)
	tw.SuppressTrailingSpaces()
	row := make(table.Row, len(head))
	var columns []table.ColumnConfig
	for i, h := range head {
		row[i] = h
		config := table.ColumnConfig{Number: i + 1}
		if p.format == Text && (h == "strategy" || h == "verdict") {
			config.WidthMax, config.WidthMaxEnforcer = 14, text.WrapSoft
		}
		columns = append(columns, config)
	}
	tw.SetColumnConfigs(columns)
	tw.AppendHeader(row)
	return tw
}

// print ends a table: its title with the mark of failed controls, its rows,
// its notes.
func (p *printer) print(tw table.Writer, title, mark string) {
	if short, _, _ := strings.Cut(mark, ":"); short != "" {
		title += " !! " + short
	}
	if p.format == Markdown {
		fmt.Fprintf(&p.out, "**%s**\n\n%s\n\n", title, tw.RenderMarkdown())
	} else {
		fmt.Fprintf(&p.out, "\n%s\n%s\n", title, tw.Render())
	}
	for i, note := range p.notes {
		p.paragraph(superscript(i+1) + " " + note)
	}
	p.notes = nil
}

func (p *printer) legend() {
	p.heading("##", "How to read this")
	if slices.ContainsFunc(p.c.Tables, func(t Table) bool { return t.hasForks() }) {
		p.forkLegend(p.c.Tables)
	}
	if !slices.ContainsFunc(p.c.Tables, func(t Table) bool { return !t.onlyForks() }) {
		return
	}
	alpha := figures(1 - p.c.Confidence)
	for _, line := range []string{
		"damaged trials: k/n, and the exact interval of the probability; ≤ is the one-sided 95 % bound where nothing was seen",
		"clean: that bound is at most 5 %, which takes 59 trials",
		"corruptions/Mhs: from n trials with the active checks off, for each million handshakes",
		"shared: objects of OpenSSL that two workers hold, whether or not damage came of it",
		fmt.Sprintf("*: differs from %s (Fisher's exact test for damage, signed-rank test for costs; p < %s after Holm's correction)", p.c.Baseline, alpha),
		fmt.Sprintf("=: shown to be within %s %% of %[2]s (two one-sided tests)", figures(100*p.c.Margin), p.c.Baseline),
		"the words of a verdict are what was seen in these trials; all columns: tlsbench help reading",
	} {
		p.paragraph(line)
	}
}
