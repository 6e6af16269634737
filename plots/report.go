package plots

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"image/color"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tlsbench/results"
	"tlsbench/results/page"
)

// The report page holds everything in one file: no network, no script needed.
// What is on it is gathered in reportPage; report.html turns that into HTML.

//go:embed report.html
var reportHTML string

//go:embed report.css
var reportCSS string

//go:embed report.js
var reportJS string

var reportTemplate = template.Must(template.New("report").Parse(reportHTML))

// reportPage is what report.html shows.
type reportPage struct {
	Title    string
	Summary  string
	Warnings []string
	CSS      template.CSS
	JS       template.JS

	Builds, Hazards []string // for the filters
	Sentences       []Sentence
	Headlines       []*pageTable // in short: OpenSSL alone, and how many hazards
	Maps            []*pageTable
	Costs           []*pageTable
	Checks          []*pageTable
	CostFigures     []*pageFigure
	OtherFigures    []*pageFigure
	MapCaption      string
	Limits          []string
	Runs            []*pageTable
	Commands        []string
	Durations       []string
	Downloads       []download
	Baseline        string
	Differs         string        // what the word stands for
	Field           template.HTML // of the daemons
}

type pageFigure struct {
	ID, Title, Caption, Empty string
	Panels                    []pagePanel
}

type pagePanel struct {
	ID, Title, Sub, Mark, Alt string
	OpenSSL, Hazard           string
	Width, Height             float64
	SVG                       template.HTML
}

type download struct {
	Name, Size string
	URL        template.URL
}

// Report writes the report page.
func Report(w io.Writer, d *Data) error {
	p := &reportPage{
		Title:     "OpenSSL in preforked servers: which strategy is safe, and what it costs",
		Summary:   d.summary(),
		Warnings:  append(d.fileWarnings(), d.marks()...),
		JS:        template.JS(reportJS),
		Sentences: Sentences(d),
		Maps:      mapTables(d), Costs: costTables(d), Checks: checkTables(d),
		Limits:   limits(d),
		Runs:     runTables(d),
		Commands: Commands(d), Durations: durations(d),
		Baseline: d.Baseline, Differs: d.differsExplained(),
	}
	var err error
	var daemons strings.Builder
	if err = writeDaemons(&daemons, d.Field, page.HTML, false); err != nil {
		return err
	}
	p.Field = template.HTML(daemons.String())
	p.Headlines = d.shortTables()
	p.Builds, p.Hazards = d.choices()
	drawn := make(styles)
	if err := p.addFigures(d, drawn); err != nil {
		return err
	}
	p.CSS = template.CSS(reportCSS + "\n" + wordCSS() + drawn.css())
	if p.Downloads, err = d.downloads(); err != nil {
		return err
	}
	return reportTemplate.Execute(w, p)
}

// addFigures draws all panels. The verdict map is a table on the page, which
// can be read aloud, sorted and filtered.
func (p *reportPage) addFigures(d *Data, drawn styles) error {
	for _, f := range Figures(d) {
		figure := &pageFigure{ID: f.ID, Title: f.Title, Caption: f.Caption, Empty: f.Empty}
		if f.ID == "verdicts" {
			p.MapCaption = f.Caption
			continue
		}
		for i, panel := range f.Panels {
			width, height := panel.chart.size()
			svg, err := drawn.svg(width, height, panel.chart.draw)
			if err != nil {
				return fmt.Errorf("figure %s: %w", f.ID, err)
			}
			figure.Panels = append(figure.Panels, pagePanel{
				ID: fmt.Sprintf("%s-%d", f.ID, i), Title: panel.Title, Sub: panel.Sub, Mark: panel.Mark, Alt: panel.Alt,
				OpenSSL: panel.OpenSSL, Hazard: panel.Hazard,
				Width: float64(width), Height: float64(height), SVG: template.HTML(svg),
			})
		}
		if slices.Contains([]string{"handshakes", "forks", "sweeps", "workers"}, f.ID) {
			p.CostFigures = append(p.CostFigures, figure)
		} else {
			p.OtherFigures = append(p.OtherFigures, figure)
		}
	}
	return nil
}

// summary says in one line what the page is about.
func (d *Data) summary() string {
	var machines []string
	for i := range d.Tables {
		if !slices.Contains(machines, d.Tables[i].Machine) {
			machines = append(machines, d.Tables[i].Machine)
		}
	}
	builds, hazards := d.choices()
	text := fmt.Sprintf("%s of %s under %s", count(d.Trials, "trial"), count(len(builds), "OpenSSL build"), count(len(hazards), "hazard"))
	if len(machines) > 0 {
		text += ", on " + strings.Join(machines, "; ")
	}
	return text + "."
}

// fileWarnings are about the files as a whole.
func (d *Data) fileWarnings() []string {
	list := slices.Clone(d.Warnings)
	for i := range list {
		for _, in := range d.Inputs {
			list[i] = strings.ReplaceAll(list[i], in.Path, in.name())
		}
	}
	return list
}

// marks are about controls.
func (d *Data) marks() []string {
	var list []string
	for _, s := range d.Scenes {
		mark := withoutMark(s).Mark
		text := fmt.Sprintf("%s (OpenSSL %s, load %s, heap %s, %s)", mark, s.OpenSSL, s.Load, s.Heap, count(s.Workers, "worker"))
		if mark != "" && !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	return list
}

// choices lists the builds and hazards there are, in the order of the tables.
func (d *Data) choices() (builds, hazards []string) {
	for i := range d.Tables {
		t := &d.Tables[i]
		if !slices.Contains(builds, t.OpenSSL) {
			builds = append(builds, t.OpenSSL)
		}
		if !slices.Contains(hazards, t.Hazard) {
			hazards = append(hazards, t.Hazard)
		}
	}
	return builds, hazards
}

// downloads embeds the files that all of this was made from.
func (d *Data) downloads() ([]download, error) {
	var paths []string
	for _, in := range d.Inputs {
		paths = append(paths, in.Path)
	}
	for _, f := range d.Field {
		paths = append(paths, f.Files...)
	}
	paths = slices.Concat(paths, d.aaPaths, d.probePaths)
	var list []download
	for _, path := range paths {
		dl, err := embedFile(path)
		if err != nil {
			return nil, fmt.Errorf("embed %s: %w", path, err)
		}
		list = append(list, dl)
	}
	return list, nil
}

func embedFile(path string) (download, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return download{}, err
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(raw); err != nil {
		return download{}, err
	}
	if err := z.Close(); err != nil {
		return download{}, err
	}
	return download{
		Name: filepath.Base(path) + ".gz", Size: fmt.Sprintf("%s B, %s B unpacked", figures3(float64(b.Len())), figures3(float64(len(raw)))),
		URL: template.URL("data:application/gzip;base64," + base64.StdEncoding.EncodeToString(b.Bytes())),
	}, nil
}

// wordCSS gives the colours of the verdict words, the same as in the figures.
func wordCSS() string {
	var b strings.Builder
	for _, word := range []results.Word{results.Crashed, results.Hung, results.Corrupt, results.Shared, results.Broken, results.Collateral,
		results.Clean, results.NoDamageSeen} {
		p := wordPaint[word]
		fmt.Fprintf(&b, ".%s{background:%s;color:%s}\n", wordClass(word), hex(p.fill), hex(p.ink))
	}
	return b.String()
}

func wordClass(w results.Word) string { return "w-" + strings.ReplaceAll(string(w), " ", "-") }

func hex(c color.RGBA) string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }
