package plots

import (
	"fmt"
	"strings"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"tlsbench/results"
)

// Figure is one picture: panels that belong together.
type Figure struct {
	ID      string // name of its files, and anchor on the report page
	Title   string
	Caption string // how to read it, how many trials, what the baseline is
	Empty   string // why there is nothing to see, "" where there is
	Panels  []*Panel
	Columns int // of panels on a sheet

	// words make the caption of those panels that stand on a sheet; with the
	// counts of these alone. nil where there is one sheet only.
	words     func(panels []*Panel, n tally) string
	libraries func(builds []string) string
}

// caption is the text below the panels of a figure or sheet.
func (f *Figure) caption() string {
	var builds []string
	var n tally
	for _, p := range f.Panels {
		n.merge(p.n)
		if p.OpenSSL != "" {
			builds = append(builds, p.OpenSSL)
		}
	}
	if len(builds) < len(f.Panels) {
		builds = nil // a panel is of several
	}
	return strings.TrimSpace(f.words(f.Panels, n) + " " + f.libraries(builds))
}

// Panel is one scene of a figure.
type Panel struct {
	Title, Sub string
	Mark       string // what is wrong with the run's controls
	Alt        string // what there is to see, in words
	OpenSSL    string // for the filters of the report page
	Hazard     string

	width, height vg.Length // of what draw draws, without the heading
	compact       vg.Length // height on a sheet of many panels, 0 if it has none
	sheet         string    // part of the name of the sheet it stands on
	draw          func(draw.Canvas)
	n             tally // of trials
}

// newPanel begins a panel about a scene.
func newPanel(s *Scene, d *Data, what string) *Panel {
	p := &Panel{Title: what, Sub: sceneText(s.Scene, d.severalMachines()), Mark: s.Mark, OpenSSL: s.OpenSSL, Hazard: s.Hazard, width: panelWidth}
	return p
}

// sceneText names a scene in the few words that fit over a panel. Settings
// that have their defaults are left out.
func sceneText(s results.Scene, machine bool) string {
	parts := []string{"OpenSSL " + s.OpenSSL, s.Hazard}
	if s.Load != "tcp" {
		parts = append(parts, "load "+s.Load)
	}
	if s.Heap != "global" {
		parts = append(parts, "heap "+s.Heap)
	}
	if s.Settings != "" {
		parts = append(parts, s.Settings)
	}
	if s.Workers > 0 {
		parts = append(parts, count(s.Workers, "worker"))
	}
	if machine {
		parts = append(parts, s.Machine)
	}
	return strings.Join(parts, ", ")
}

// severalMachines reports whether panels have to name their machine.
func (d *Data) severalMachines() bool {
	for i := range d.Tables {
		if d.Tables[i].Machine != d.Tables[0].Machine {
			return true
		}
	}
	return false
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Size is that of the whole panel.
func (p *Panel) Size() (w, h vg.Length) {
	return p.width, p.height + p.headingHeight()
}

const leading = 1.25

// paragraph is text with the style it is in, broken into lines.
type paragraph struct {
	style text.Style
	lines []string
}

func (p paragraph) height() vg.Length {
	return vg.Length(len(p.lines)) * p.style.Font.Size * leading
}

func (p *Panel) heading() []paragraph {
	list := []paragraph{{title, wrap(title, p.Title, p.width)}}
	if p.Sub != "" {
		list = append(list, paragraph{small, wrap(small, p.Sub, p.width)})
	}
	if p.Mark != "" {
		list = append(list, paragraph{alarm, wrap(alarm, p.Mark, p.width)})
	}
	return list
}

func (p *Panel) headingHeight() vg.Length {
	h := vg.Length(6)
	for _, part := range p.heading() {
		h += part.height()
	}
	return h
}

// Draw draws the panel with its heading.
func (p *Panel) Draw(c draw.Canvas) {
	y := c.Max.Y
	for _, part := range p.heading() {
		y = part.draw(c, c.Min.X, y)
	}
	c.Max.Y = y - 6
	p.draw(c)
}

// draw writes the lines from y down, and returns where it ended.
func (p paragraph) draw(c draw.Canvas, x, y vg.Length) vg.Length {
	s := aligned(p.style, draw.XLeft, draw.YTop)
	for _, line := range p.lines {
		c.FillText(s, vg.Point{X: x, Y: y}, line)
		y -= p.style.Font.Size * leading
	}
	return y
}

// shrunk is the style at a size in which the text fits.
func shrunk(s text.Style, txt string, width vg.Length) text.Style {
	if w := s.Width(txt); w > width {
		s.Font.Size *= width / w
	}
	return s
}

// wrap breaks text at spaces; a word that is too long by itself is broken too,
// so that nothing is ever cut.
func wrap(s text.Style, txt string, width vg.Length) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(txt) {
		if line != "" && s.Width(line+" "+word) <= width {
			line += " " + word
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		for line = word; s.Width(line) > width && len(line) > 1; {
			head := fitting(s, line, width)
			lines, line = append(lines, head), line[len(head):]
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// fitting is the longest beginning of a word that fits, at least a letter.
func fitting(s text.Style, word string, width vg.Length) string {
	end := 0
	for i := range word {
		if i > 0 && s.Width(word[:i]) > width {
			break
		}
		end = i
	}
	// A name breaks after a mark of punctuation if it has one.
	if cut := strings.LastIndexAny(word[:end], ":-=") + 1; cut > 0 {
		return word[:cut]
	}
	if end == 0 {
		for i := range word {
			if i > 0 {
				return word[:i]
			}
		}
		return word
	}
	return word[:end]
}
