package plots

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"tlsbench/results"
	"tlsbench/results/number"
	"tlsbench/results/outfile"
)

// Figure is one picture: panels that belong together, on one sheet.
type Figure struct {
	ID      string // name of its files, and anchor on the report page
	Title   string // the question that it answers
	Caption string // how to read it, how many trials, what the baseline is
	Empty   string // why there is nothing to see, "" where there is
	Panels  []*Panel
}

// chart is what a panel shows: rows, lines or cells.
type chart interface {
	size() (w, h vg.Length)
	draw(draw.Canvas)
	describe() string // in words, "" if there is no value
	trials() results.Range
}

// counted is the part of a chart that counts the trials which it shows.
type counted struct{ n results.Range }

func (c *counted) trials() results.Range { return c.n }

// sentence puts what a chart shows into words.
func sentence(parts []string) string {
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, "; ") + "."
}

// Panel is one chart of a figure with its heading.
type Panel struct {
	Title, Sub string
	Mark       string // what is wrong with the run's controls
	Alt        string // what there is to see, in words
	OpenSSL    string // for the filters of the report page, "" for several
	Hazard     string

	// For a page, after Draw: its place on it, in pixels, and what appears within the
	// <svg> element.
	ID            string
	Width, Height float64
	SVG           string

	chart  chart
	trials string // what they are, where files have unlike ones
}

// add makes a panel about scenes; what they differ in is not in its heading. One
// without any value is left out, and nil is returned.
func (f *Figure) add(d *Data, group []*results.Table, what string, ch chart) *Panel {
	scene := group[0].Scene
	p := &Panel{Title: what, Alt: ch.describe(), chart: ch}
	_, p.trials = scene.Kind()
	if p.Alt == "" {
		return nil
	}
	for _, s := range group {
		if s.OpenSSL != scene.OpenSSL {
			scene.OpenSSL = ""
		}
		if s.Hazard != scene.Hazard {
			scene.Hazard = ""
		}
		if s.Workers != scene.Workers {
			scene.Workers = 0
		}
		for _, key := range results.SettingOrder {
			if s.Setting(key) != scene.Setting(key) {
				scene = scene.Without(key)
			}
		}
		if mark := controlMark(s); !strings.Contains(p.Mark, mark) {
			p.Mark = strings.TrimPrefix(p.Mark+"; "+mark, "; ")
		}
	}
	p.OpenSSL, p.Hazard, p.Sub = scene.OpenSSL, scene.Hazard, sceneText(scene, len(d.Machines()) > 1)
	f.Panels = append(f.Panels, p)
	return p
}

// counts are those of all panels together.
func (f *Figure) counts() results.Range {
	var n results.Range
	for _, p := range f.Panels {
		n.Join(p.chart.trials())
	}
	return n
}

// trials says how many there are in all panels, and for each row, say.
func (f *Figure) trials(what, each string) string {
	n := f.counts()
	return fmt.Sprintf("%d %s, %v for each %s", n.Total, what, n, each)
}

// sceneText names a scene in the few words that fit over a panel. Settings
// that have their defaults are left out.
func sceneText(s results.Scene, machine bool) string {
	var parts []string
	if s.OpenSSL != "" {
		parts = append(parts, "OpenSSL "+s.OpenSSL)
	}
	if s.Hazard != "" {
		parts = append(parts, s.Hazard)
	}
	parts = append(parts, "load "+s.Load)
	if s.Heap != "global" {
		parts = append(parts, "heap "+s.Heap)
	}
	if rate, err := strconv.Atoi(s.Setting("check")); err == nil {
		parts = append(parts, number.Count(rate, "active check")+" a handshake")
		s = s.Without("check")
	}
	if s.Settings != "" {
		parts = append(parts, string(s.Settings))
	}
	if s.Workers > 0 {
		parts = append(parts, number.Count(s.Workers, "worker"))
	}
	if machine {
		name, _ := s.Kind()
		parts = append(parts, name)
	}
	return strings.Join(parts, ", ")
}

// Machines names those that the trials ran on.
func (d *Data) Machines() []string {
	return results.Distinct(d.Tables, func(t *results.Table) string { name, _ := t.Kind(); return name })
}

// tellApart names the trials of panels that differ in nothing else.
func (f *Figure) tellApart() {
	for _, twins := range results.Group(f.Panels, func(p *Panel) [2]string { return [2]string{p.Title, p.Sub} }) {
		several := len(results.Distinct(twins, func(p *Panel) string { return p.trials })) > 1
		for _, p := range twins {
			if several && p.trials != "" {
				p.Sub += ", " + p.trials
			}
		}
	}
}

// Alt says in words what there is to see.
func (f *Figure) Alt() string {
	if f.Empty != "" {
		return f.Empty
	}
	var parts []string
	for _, p := range f.Panels {
		parts = append(parts, p.Title+" ("+p.Sub+"). "+p.Alt)
	}
	return strings.Join(parts, " ")
}

// WriteFiles writes each figure as SVG, and if asked for also as PNG, into a
// folder and returns the names of the files, which their owner alone may read. It
// writes nothing before it has seen that it may write all of them.
func WriteFiles(folder string, figures []*Figure, pngs bool) ([]string, error) {
	var names []string
	var writers []func(io.Writer) error
	for _, f := range figures {
		names, writers = append(names, f.ID+".svg"), append(writers, f.WriteSVG)
		if pngs {
			names, writers = append(names, f.ID+".png"), append(writers, f.WritePNG)
		}
	}
	if err := outfile.Way(filepath.Join(folder, names[0])); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, &outfile.RefusalError{Path: folder, Why: "it cannot be the folder for figures: " + errors.Unwrap(err).Error()}
	}
	for _, name := range names {
		if err := outfile.Check(filepath.Join(folder, name)); err != nil {
			return nil, err
		}
	}
	for i, name := range names {
		if err := outfile.Write(filepath.Join(folder, name), writers[i]); err != nil {
			return nil, err
		}
	}
	return names, nil
}

func (p *Panel) size() (w, h vg.Length) {
	w, h = p.chart.size()
	return w, h - p.write(draw.Canvas{}, w) + 6
}

// write puts the heading at the top of a canvas of a width and returns where it
// ends; without a canvas it only measures.
func (p *Panel) write(c draw.Canvas, width vg.Length) vg.Length {
	y := c.Max.Y
	for _, part := range []paragraph{{title, p.Title}, {small, p.Sub}, {alarm, p.Mark}} {
		y = part.write(c, width, y)
	}
	return y
}

// The sheet of a figure has its title, its panels and its caption below one
// another.
const (
	sheetMargin vg.Length = 16
	sheetGap    vg.Length = 22
	emptyHeight vg.Length = 120 // of the frame that says why there is no picture
)

// layout places the panels in rows, as many in each as fit, and gives the size
// of all of them.
func (f *Figure) layout() (corners []vg.Point, width, height vg.Length) {
	x, y, deep := vg.Length(0), vg.Length(0), vg.Length(0)
	for _, p := range f.Panels {
		w, h := p.size()
		if x > 0 && x+w > sheetWidth-2*sheetMargin {
			x, y, deep = 0, y+deep+sheetGap, 0
		}
		corners = append(corners, vg.Point{X: x, Y: y})
		width, deep = max(width, x+w), max(deep, h)
		height = max(height, y+deep)
		x += w + sheetGap
	}
	if f.Empty != "" {
		height = emptyHeight
	}
	return corners, max(width, 1.5*panelWidth), height
}

// Size is that of the sheet.
func (f *Figure) Size() (w, h vg.Length) {
	_, w, h = f.layout()
	h -= paragraph{heading, f.Title}.write(draw.Canvas{}, w, 0) + paragraph{small, f.Caption}.write(draw.Canvas{}, w, 0)
	return w + 2*sheetMargin, h + 2*sheetMargin + 20
}

func (f *Figure) draw(c draw.Canvas) {
	fill(c, c.Min.X, c.Max.X, c.Min.Y, c.Max.Y, paper)
	c = draw.Crop(c, sheetMargin, -sheetMargin, sheetMargin, -sheetMargin)
	corners, width, height := f.layout()
	top := paragraph{heading, f.Title}.write(c, width, c.Max.Y) - 8
	for i, p := range f.Panels {
		w, h := p.size()
		at := vg.Point{X: c.Min.X + corners[i].X, Y: top - corners[i].Y}
		inner := draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{Min: vg.Point{X: at.X, Y: at.Y - h}, Max: vg.Point{X: at.X + w, Y: at.Y}}}
		inner.Max.Y = p.write(inner, w) - 6
		p.chart.draw(inner)
	}
	if f.Empty != "" {
		f.drawEmpty(c, top)
	}
	paragraph{small, f.Caption}.write(c, width, top-height-12)
}

// drawEmpty says in a frame why there is no picture.
func (f *Figure) drawEmpty(c draw.Canvas, top vg.Length) {
	c.Min.Y, c.Max.Y = top-100, top
	frame := draw.LineStyle{Color: softInk, Width: 0.8, Dashes: []vg.Length{4, 3}}
	c.StrokeLines(frame, []vg.Point{{X: c.Min.X, Y: c.Max.Y}, c.Max, {X: c.Max.X, Y: c.Min.Y}, c.Min, {X: c.Min.X, Y: c.Max.Y}})
	write(c, aligned(plain, draw.XCenter, draw.YTop), c.Center().X, top-40, wrap(plain, f.Empty, c.Max.X-c.Min.X-24))
}
