package page

import (
	"bytes"
	"fmt"
	"html"
	"regexp"
	"strings"
)

func (d *Document) writeMarkdown(w *bytes.Buffer) {
	notes := d.notes()
	paragraph := func(s string) { fmt.Fprintf(w, "%s\n\n", escapeMarkdown(s)) }
	for _, p := range d.Parts {
		switch p := p.(type) {
		case Heading:
			paragraph(strings.Repeat("#", p.Level) + " " + p.Text)
		case Text:
			paragraph(string(p))
		case Alarm:
			paragraph("**" + string(p) + "**")
		case Code:
			fmt.Fprintf(w, "```\n%s\n```\n\n", clean(string(p)))
		case List:
			for _, e := range p {
				fmt.Fprintf(w, "- **%s**: %s\n", escapeMarkdown(e.Term), escapeMarkdown(strings.Join(e.Texts, ". ")))
			}
			fmt.Fprintln(w)
		case *Table:
			if p.Title != "" {
				paragraph("**" + p.title() + "**")
			}
			p.markdown(w, notes)
			for _, note := range notes.below(p) {
				paragraph(note)
			}
		}
	}
	for _, note := range notes.end() {
		paragraph(note)
	}
	w.Truncate(len(bytes.TrimRight(w.Bytes(), "\n")))
	w.WriteString("\n")
}

func (t *Table) markdown(w *bytes.Buffer, notes *notes) {
	line := func(n int, cell func(int) string) {
		w.WriteString("|")
		for i := range n {
			w.WriteString(" " + cell(i) + " |")
		}
		w.WriteString("\n")
	}
	line(len(t.Head), func(i int) string { return escapeMarkdown(notes.head(t, i)) })
	w.WriteString("|" + strings.Repeat("---|", len(t.Head)) + "\n")
	for _, row := range t.Rows {
		line(len(row.Cells), func(i int) string {
			return escapeMarkdown(row.Cells[i].String() + notes.cell(t, i, row.Cells[i]))
		})
	}
	w.WriteString("\n")
}

var markdownEscapes = strings.NewReplacer("|", `\|`, "\n", " ", "[", `\[`, "]", `\]`, "<", "&lt;", "`", "\\`")

func escapeMarkdown(s string) string { return markdownEscapes.Replace(clean(s)) }

// writeHTML writes the parts alone; the frame of the page is the caller's, with
// headings of its own. Sections of the second level are folded.
func (d *Document) writeHTML(w *bytes.Buffer) {
	notes := d.notes()
	end := "" // of the section that is open
	for _, p := range d.Parts {
		switch p := p.(type) {
		case Heading:
			w.WriteString(end)
			if end = ""; p.Level == 1 {
				fmt.Fprintf(w, "<h3>%s</h3>\n", escapeHTML(p.Text))
				continue
			}
			fmt.Fprintf(w, "<details class=\"scene\"><summary>%s</summary>\n", escapeHTML(p.Text))
			end = "</details>\n"
		case Text:
			fmt.Fprintf(w, "<p class=\"caption\">%s</p>\n", escapeHTML(string(p)))
		case Alarm:
			fmt.Fprintf(w, "<p class=\"mark\">%s</p>\n", escapeHTML(string(p)))
		case Code:
			fmt.Fprintf(w, "<pre tabindex=\"0\"><code>%s</code></pre>\n", breakable(string(p)))
		case List:
			w.WriteString("<dl>\n")
			for _, e := range p {
				fmt.Fprintf(w, "<dt>%s</dt><dd>%s</dd>\n", escapeHTML(e.Term), escapeHTML(strings.Join(e.Texts, ". ")))
			}
			w.WriteString("</dl>\n")
		case *Table:
			p.html(w, notes)
		}
	}
	w.WriteString(end)
	for _, note := range notes.end() {
		fmt.Fprintf(w, "<p class=\"caption\">%s</p>\n", escapeHTML(note))
	}
}

func (t *Table) html(w *bytes.Buffer, notes *notes) {
	fmt.Fprintf(w, "<div class=\"table\"%s>\n<h4>%s</h4>\n", t.Tags.html(), escapeHTML(t.Title))
	if t.Mark != "" {
		fmt.Fprintf(w, "<p class=\"mark\">%s</p>\n", escapeHTML(t.Mark))
	}
	fmt.Fprintf(w, "<table>\n<caption class=\"hidden\">%s</caption>\n<thead><tr>", escapeHTML(t.Title))
	for i := range t.Head {
		fmt.Fprintf(w, "<th scope=\"col\">%s</th>", escapeHTML(notes.head(t, i)))
	}
	w.WriteString("</tr></thead>\n<tbody>\n")
	for _, row := range t.Rows {
		fmt.Fprintf(w, "<tr%s>", row.Tags.html())
		for i, c := range row.Cells {
			t.cell(w, i, c, notes)
		}
		w.WriteString("</tr>\n")
	}
	w.WriteString("</tbody>\n</table>\n")
	for _, note := range notes.below(t) {
		fmt.Fprintf(w, "<p class=\"caption\">%s</p>\n", escapeHTML(note))
	}
	w.WriteString("</div>\n")
}

func (t *Table) cell(w *bytes.Buffer, i int, c Cell, notes *notes) {
	text := breakable(c.Text + notes.cell(t, i, c))
	if i < t.labels() {
		fmt.Fprintf(w, "<th scope=\"row\">%s</th>", text)
		return
	}
	if c.Detail != "" { // on a narrow page text and detail are one column, beside the head
		text = "<div>" + text + " <small>" + breakable(c.Detail) + "</small></div>"
	}
	if text == "" {
		w.WriteString("<td></td>")
		return
	}
	fmt.Fprintf(w, "<td%s%s%s>%s</td>", attribute("class", c.Class), attribute("data-head", t.Head[i]), attribute("data-sort", c.Sort), text)
}

func (g Tags) html() string {
	return attribute("data-openssl", g.OpenSSL) + attribute("data-hazard", g.Hazard)
}

func attribute(name, value string) string {
	if value == "" {
		return ""
	}
	return fmt.Sprintf(" %s=\"%s\"", name, escapeHTML(value))
}

// wordParts are pieces of a word that may be wider than its column: a path, a digest.
var wordParts = regexp.MustCompile(`[0-9a-f]{16}|[/,]`)

// breakable is a text in HTML, with places where a browser may break a long word.
func breakable(s string) string {
	words := strings.SplitAfter(s, " ")
	for i, w := range words {
		if w = escapeHTML(w); len(w) > 32 && !strings.Contains(w, "&") {
			w = wordParts.ReplaceAllString(w, "$0<wbr>")
		}
		words[i] = w
	}
	return strings.Join(words, "")
}

func escapeHTML(s string) string { return html.EscapeString(clean(s)) }
