package plots

import (
	"fmt"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"

	"tlsbench/results"
	"tlsbench/results/inference"
	"tlsbench/strategies/catalogue"
)

// wordPaint is the colour of a verdict, by its worst word.
var wordPaint = map[results.Word]paint{
	results.Crashed:       {rgb(0x6E0B14), paper},
	results.Hung:          {rgb(0x5A2A83), paper},
	results.Corrupt:       {rgb(0xB0400A), paper},
	results.Broken:        {rgb(0xE59B3A), ink},
	results.Collateral:    {rgb(0xF5D97E), ink},
	results.Clean:         {rgb(0xBFE5D2), ink},
	results.NoDamageSeen:  {rgb(0xE4F0F9), ink},
	results.SkippedWord:   {paper, softInk},
	results.NotApplicWord: {paper, softInk},
	results.NotCarriedOut: {paper, alarmInk},
	results.NoTrials:      {paper, softInk},
}

// verdictCell is one field: the words, and what they rest on.
func verdictCell(r *results.Row) cell {
	if r == nil {
		return cell{paint: wordPaint[results.NoTrials], word: string(results.NoTrials)}
	}
	v := r.Verdict
	c := cell{paint: wordPaint[v.Worst()]}
	words := make([]string, len(v.Words))
	for i, w := range v.Words {
		words[i] = string(w)
	}
	c.word = strings.Join(words, " ")
	switch {
	case v.Trials > 0 && v.Damaged == 0:
		c.detail = fmt.Sprintf("0/%d ≤ %s", v.Trials, percent(roundUp(v.Upper)))
	case v.Trials > 0:
		c.detail = fmt.Sprintf("%d/%d", v.Damaged, v.Trials)
	}
	return c
}

// mapGroup is what one verdict map shows: scenes that differ in their hazard
// alone.
type mapGroup struct {
	scene  results.Scene // without hazard
	scenes []*Scene
	names  []string // strategies
	// controls is the one group of those scenes that have verdicts on the
	// controls alone. Its rows are whole scenes.
	controls bool
}

// byHazard groups the scenes that looked for corruption. Scenes of controls
// alone come last, in a group of their own.
func (d *Data) byHazard() []*mapGroup {
	var groups []*mapGroup
	controls := &mapGroup{controls: true}
	at := make(map[results.Scene]*mapGroup)
	for _, s := range d.Scenes {
		if !s.judged() {
			continue
		}
		if s.controlsOnly(d) {
			controls.add(s)
			continue
		}
		scene := s.Scene
		scene.Hazard = ""
		g := at[scene]
		if g == nil {
			g = &mapGroup{scene: scene}
			at[scene], groups = g, append(groups, g)
		}
		g.add(s)
	}
	for _, g := range groups {
		slices.SortStableFunc(g.scenes, func(a, b *Scene) int { return compareHazards(a.Hazard, b.Hazard) })
	}
	if len(controls.scenes) > 0 {
		groups = append(groups, controls)
	}
	return groups
}

func (g *mapGroup) add(s *Scene) {
	g.scenes = append(g.scenes, s)
	for _, name := range s.names() {
		if !slices.Contains(g.names, name) && (!g.controls || isControl(name)) {
			g.names = append(g.names, name)
		}
	}
	slices.SortFunc(g.names, catalogue.Compare)
}

// rowName is what stands before a scene's row.
func (g *mapGroup) rowName(s *Scene, d *Data) string {
	if g.controls {
		return sceneText(s.Scene, d.severalMachines())
	}
	return hazardName(s.Hazard)
}

// title names the group.
func (g *mapGroup) title(d *Data) string {
	if g.controls {
		return "Controls of the runs that measure cost"
	}
	scene := g.scene
	scene.Hazard = "all hazards"
	return sceneText(scene, d.severalMachines())
}

// sheet names the sheet of a group's map where there is an overview.
func (g *mapGroup) sheet() string {
	if g.controls {
		return "controls"
	}
	return g.scene.OpenSSL
}

// mark is what is wrong with any of the controls.
func (g *mapGroup) mark() string {
	for _, s := range g.scenes {
		if s.Mark != "" {
			return s.Mark
		}
	}
	return ""
}

// judged reports whether any trial of the scene could have got a verdict.
func (s *Scene) judged() bool {
	return slices.ContainsFunc(s.Rows, func(r results.Row) bool { return r.Verdict.Worst() != results.NoTrials })
}

// verdictMap is figure 6: strategies and hazards for each OpenSSL.
func verdictMap(d *Data) *Figure {
	f := &Figure{ID: "verdicts", Title: "Verdict map", Columns: 1}
	if p := overviewPanel(d); p != nil {
		f.Panels = append(f.Panels, p)
	}
	overviewed := len(f.Panels) > 0
	for _, g := range d.byHazard() {
		p := mapPanel(d, g)
		if overviewed {
			p.sheet = g.sheet()
		}
		f.Panels = append(f.Panels, p)
	}
	f.Empty = d.noCost(f, "no trial looked for corruption")
	f.words = func(panels []*Panel, n tally) string {
		text := fmt.Sprintf("Worst word first; below it damaged trials of all, and for none damaged the exact one-sided 95 %% upper bound. clean: bound at most %s, which takes %d trials.",
			percent(results.CleanBound), inference.TrialsFor(results.CleanBound, 0.95))
		if len(panels) > 1 && overviewed && panels[0].sheet == "" {
			n = tally{} // the overview shows what the maps show
			for _, p := range panels[1:] {
				n.merge(p.n)
			}
		}
		if len(panels) == 1 && overviewed && panels[0].sheet == "" {
			text = "k/n: damaged trials of all. One or two trials are a screening: they find what is frequent, and bound nothing. ≤: exact one-sided 95 % upper bound. wiped: another library's slots (collateral)."
		}
		return fmt.Sprintf("%s %d trials, %s for each field. Darker is worse. Baseline of costs elsewhere: %s.", text, n.total, n.String(), d.Baseline)
	}
	return f
}

// mapLabel is the room for a hazard with its number.
const mapLabel vg.Length = 116

func mapPanel(d *Data, g *mapGroup) *Panel {
	var n tally
	m := cellMap{corner: "hazard", columns: g.names, labelWidth: mapLabel, width: mapLabel + 68*float(len(g.names))}
	if g.controls {
		m.corner, m.labelWidth, m.width = "run", 220, panelWidth
	}
	m.width = max(m.width, panelWidth)
	var words []string
	for _, s := range g.scenes {
		var cells []cell
		name := g.rowName(s, d)
		for _, strategy := range g.names {
			r := s.row(strategy)
			if r != nil && r.Verdict.Trials > 0 {
				n.add(r.Verdict.Trials)
			}
			c := verdictCell(r)
			cells = append(cells, c)
			words = append(words, strings.TrimSpace(fmt.Sprintf("%s, %s: %s %s", name, strategy, c.word, c.detail)))
		}
		m.rows, m.cells = append(m.rows, name), append(m.cells, cells)
	}
	p := newPanel(g.scenes[0], d, "OpenSSL "+g.scene.OpenSSL)
	p.Sub, p.Mark, p.Hazard = strings.TrimPrefix(g.title(d), "OpenSSL "+g.scene.OpenSSL+", "), g.mark(), ""
	if g.controls {
		p.Title, p.Sub, p.OpenSSL = g.title(d), "none has to be damaged, key-owner must not", ""
	}
	p.Alt, p.n = strings.Join(words, "; ")+".", n
	p.width, p.height, p.draw = m.width, m.height(), m.draw
	return p
}
