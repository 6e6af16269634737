package plots

import (
	"fmt"
	"slices"
	"strings"

	"tlsbench/results"
	"tlsbench/results/inference"
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
}

// byHazard groups the scenes that looked for corruption.
func (d *Data) byHazard() []*mapGroup {
	var groups []*mapGroup
	at := make(map[results.Scene]*mapGroup)
	for _, s := range d.Scenes {
		if !s.judged() {
			continue
		}
		scene := s.Scene
		scene.Hazard = ""
		g := at[scene]
		if g == nil {
			g = &mapGroup{scene: scene}
			at[scene], groups = g, append(groups, g)
		}
		g.scenes = append(g.scenes, s)
		for _, name := range s.names() {
			if !slices.Contains(g.names, name) {
				g.names = append(g.names, name)
			}
		}
	}
	for _, g := range groups {
		slices.SortFunc(g.names, compareStrategies)
	}
	return groups
}

// judged reports whether any trial of the scene could have got a verdict.
func (s *Scene) judged() bool {
	return slices.ContainsFunc(s.Rows, func(r results.Row) bool { return r.Verdict.Worst() != results.NoTrials })
}

// verdictMap is figure 6: strategies and hazards for each OpenSSL.
func verdictMap(d *Data) *Figure {
	f := &Figure{ID: "verdicts", Title: "Verdict map", Columns: 1}
	var n tally
	for _, g := range d.byHazard() {
		f.Panels = append(f.Panels, mapPanel(d, g, &n))
	}
	f.Empty = d.noCost(f, "no trial looked for corruption")
	f.Caption = fmt.Sprintf("Worst word first; below it damaged trials of all, and for none damaged the exact one-sided 95 %% upper bound. "+
		"clean: bound at most %s, which takes %d trials. %d trials, %s for each field. Darker is worse. Baseline of costs elsewhere: %s.",
		percent(results.CleanBound), inference.TrialsFor(results.CleanBound, 0.95), n.total, n.String(), d.Baseline)
	return f
}

func mapPanel(d *Data, g *mapGroup, n *tally) *Panel {
	m := cellMap{corner: "hazard", columns: g.names, labelWidth: 96, width: 96 + 68*float(len(g.names))}
	m.width = max(m.width, panelWidth)
	var words []string
	mark := ""
	for _, s := range g.scenes {
		var cells []cell
		for _, name := range g.names {
			r := s.row(name)
			if r != nil && r.Verdict.Trials > 0 {
				n.add(r.Verdict.Trials)
			}
			c := verdictCell(r)
			cells = append(cells, c)
			words = append(words, strings.TrimSpace(fmt.Sprintf("%s, %s: %s %s", s.Hazard, name, c.word, c.detail)))
		}
		m.rows, m.cells = append(m.rows, s.Hazard), append(m.cells, cells)
		if s.Mark != "" {
			mark = s.Mark
		}
	}
	p := newPanel(g.scenes[0], d, "OpenSSL "+g.scene.OpenSSL)
	scene := g.scene
	scene.Hazard = "all hazards"
	p.Sub, p.Mark, p.Hazard = strings.TrimPrefix(sceneText(scene, d.severalMachines()), "OpenSSL "+scene.OpenSSL+", "), mark, ""
	p.Alt = strings.Join(words, "; ") + "."
	p.width, p.height, p.draw = m.width, m.height(), m.draw
	return p
}
