// Package report writes the report page, and the published figures and texts:
// what package plots draws with the documents of package page.
package report

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tlsbench/plots"
	"tlsbench/results"
	"tlsbench/results/number"
	"tlsbench/results/page"
)

// The report page holds everything in one file: no network, no script needed.
// What is on it is gathered in frame; report.html turns that into HTML.

//go:embed report.html
var reportHTML string

//go:embed report.css
var reportCSS string

//go:embed report.js
var reportJS string

var reportTemplate = template.Must(template.New("report").Funcs(template.FuncMap{
	"drawn": func(p *plots.Panel) template.HTML { return template.HTML(p.SVG) },
}).Parse(reportHTML))

// frame is what report.html shows.
type frame struct {
	Title, Summary  string
	Warnings        []string
	CSS             template.CSS
	JS              template.JS
	Builds, Hazards []string // for the filters

	Answer, Details, Daemons, Files template.HTML
	Map                             *plots.Figure
	Figures                         []*plots.Figure
	Limits                          []string
	Downloads                       []download
}

type download struct {
	Name, Size string
	URL        template.URL
}

// Write writes the report page. It holds the files that it was made from.
func Write(w io.Writer, d *plots.Data, sources ...string) error {
	f := &frame{
		Title:    "OpenSSL in preforked servers: which strategy is safe, and what it costs",
		Warnings: warnings(d.Comparison),
		JS:       template.JS(reportJS),
		Builds:   results.Distinct(d.Tables, func(t *results.Table) string { return t.OpenSSL }),
		Hazards:  results.Distinct(d.Tables, func(t *results.Table) string { return t.Hazard }),
		Details:  html(page.Overview(d.Comparison).Parts...),
		Files:    html(page.Files(allInputs(d)).Parts...),
		Limits:   limits(d),
	}
	f.Summary = f.summary(d)
	f.Answer = html(page.Text("The files have no trial that can give a verdict."))
	if t := page.Answer(d.Comparison); len(t.Rows) > 0 {
		f.Answer = html(t)
	}
	for _, c := range d.Field {
		f.Daemons += html(daemons(c)...)
	}
	figures, drawn := plots.Figures(d), make(plots.Styles)
	for _, figure := range figures {
		figure.Draw(drawn)
	}
	f.Map, f.Figures = figures[0], figures[1:] // the first one answers the most
	f.CSS = template.CSS(reportCSS + "\n" + plots.WordCSS(page.Class) + drawn.CSS())
	for _, path := range sources {
		dl, err := embedFile(path)
		if err != nil {
			return fmt.Errorf("embed %s: %w", path, err)
		}
		f.Downloads = append(f.Downloads, dl)
	}
	return reportTemplate.Execute(w, f)
}

// daemons is the section of one file.
func daemons(c *results.Comparison) []page.Part {
	var parts []page.Part
	for _, in := range c.Inputs {
		parts = append(parts, page.Heading{Level: 1, Text: in.Base()})
	}
	for _, w := range c.Warnings {
		parts = append(parts, page.Alarm(w))
	}
	if len(c.Tables) > 0 {
		parts = append(parts, page.Text("On "+c.Tables[0].Machine+"."))
	}
	return append(parts, page.Daemons(c)...)
}

// html is parts of a document as part of the page. Everything in them is escaped there.
func html(parts ...page.Part) template.HTML { return template.HTML(written(page.HTML, parts)) }

// summary says in one line what the page is about.
func (f *frame) summary(d *plots.Data) string {
	text := fmt.Sprintf("%s of %s under %s", results.Done(d.Inputs), number.Count(len(f.Builds), "OpenSSL build"), number.Count(len(f.Hazards), "hazard"))
	if machines := d.Machines(); len(machines) > 0 {
		text += ", on " + strings.Join(machines, "; ")
	}
	return text + "."
}

// warnings are about the files as a whole, and about controls.
func warnings(c *results.Comparison) []string {
	list := slices.Clone(c.Warnings)
	for i := range list {
		for _, in := range c.Inputs {
			list[i] = strings.ReplaceAll(list[i], in.Name, in.Base())
		}
	}
	for _, t := range c.Tables {
		text := fmt.Sprintf("%s (OpenSSL %s, load %s, heap %s, %s)", t.Mark, t.OpenSSL, t.Load, t.Heap, number.Count(t.Workers, "worker"))
		if t.Mark != "" && !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	return list
}

// limits says what the figures cannot show.
func limits(d *plots.Data) []string {
	list := []string{
		"A verdict holds only for the builds, hazards and loads that were tried. If n trials show no damage, this bounds the probability that a trial of this length is damaged; it does not prove that the strategy is safe.",
		fmt.Sprintf("Rare damage needs time: a trial lasts seconds or less, but a server runs for months. The bounds are for each trial. The word clean takes at least %d trials without damage, which means a bound of %s, with at least 15,000 attempts in total. Intervals are at %s.", results.CleanTrials, number.Percent(results.CleanBound), number.Percent(d.Confidence)),
		"Trials of one cell in several files are counted together if they have the same length and the same program; otherwise each kind is shown apart. Loads, hazards and builds are never counted together.",
		"Peers and workers share the processors of one machine, over loopback, in a closed loop. So latencies are not service latencies, and on few cores throughput depends on the peers as much as on the server. Compare the server's CPU time.",
		fmt.Sprintf("Costs are relative to %s, which clears the slots of all keys that were made while OpenSSL or a module of it was on the stack. No daemon has its ledger of keys. A damaged trial yields no throughput, so the costs of an often damaged strategy come from its best trials.", d.Baseline),
		"The rig imitates a preforked server with a shared heap. A real daemon and its modules may add hazards that are not here.",
		"Shared machines drift. Comparisons are paired within a round, which removes the drift that the round has in common; the figure of drift shows it.",
		"Many comparisons find differences by chance. Tests of one kind are corrected for this over all tables (Holm).",
	}
	return append(list, plots.AALines(d)...)
}

func embedFile(path string) (download, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return download{}, err
	}
	var b bytes.Buffer // which takes everything
	z := gzip.NewWriter(&b)
	_, _ = z.Write(raw)
	_ = z.Close()
	return download{
		Name: filepath.Base(path) + ".gz", Size: fmt.Sprintf("%s B, %s B unpacked", number.Short(float64(b.Len())), number.Short(float64(len(raw)))),
		URL: template.URL("data:application/gzip;base64," + base64.StdEncoding.EncodeToString(b.Bytes())),
	}, nil
}
