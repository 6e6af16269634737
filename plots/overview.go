package plots

import (
	"fmt"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"tlsbench/results"
	"tlsbench/strategies/catalogue"
)

// overview is the verdict map in one picture that can be read in a README: a
// block of hazards by strategies for each build that has nearly all hazards,
// two blocks beside one another.
type overview struct {
	columns []string // strategies, without none: it is damaged everywhere
	groups  []*mapGroup
	hazards []string
}

const (
	overviewLabel vg.Length = 124
	overviewField vg.Length = 57
	overviewGap   vg.Length = 10 // between blocks
	overviewRow   vg.Length = 16
	overviewHead  vg.Length = 36
	overviewPair            = 2 // blocks beside one another
)

var (
	fieldText = style(10, false, ink)
	fieldBold = style(10, true, ink)
)

// shortWord is a word of damage as it fits into a field.
var shortWord = map[results.Word]string{
	results.Crashed: "crash", results.Hung: "hang", results.Corrupt: "corrupt", results.Broken: "broken", results.Collateral: "wiped",
	results.SkippedWord: "skipped", results.NotApplicWord: "n/a", results.NotCarriedOut: "failed", results.NoTrials: "–",
}

// newOverview is nil where there is one build alone, whose own map is as short.
func newOverview(d *Data) *overview {
	groups := d.mainGroups()
	if len(groups) < 2 {
		return nil
	}
	o := &overview{groups: covering(groups)}
	for _, g := range o.groups {
		for _, s := range g.scenes {
			if !slices.Contains(o.hazards, s.Hazard) {
				o.hazards = append(o.hazards, s.Hazard)
			}
		}
		for _, name := range g.names {
			if name != results.PositiveControl && !slices.Contains(o.columns, name) {
				o.columns = append(o.columns, name)
			}
		}
	}
	if len(o.columns) == 0 {
		return nil
	}
	slices.SortFunc(o.columns, catalogue.Compare)
	slices.SortFunc(o.hazards, compareHazards)
	return o
}

func (o *overview) blockWidth() vg.Length { return vg.Length(len(o.columns)) * overviewField }

func (o *overview) blockHeight() vg.Length {
	return vg.Length(len(o.hazards))*overviewRow + overviewHead
}

func (o *overview) width() vg.Length {
	n := vg.Length(min(overviewPair, len(o.groups)))
	return max(panelWidth, overviewLabel+n*o.blockWidth()+(n-1)*overviewGap)
}

func (o *overview) height() vg.Length {
	pairs := vg.Length((len(o.groups) + overviewPair - 1) / overviewPair)
	return pairs*o.blockHeight() + (pairs-1)*overviewGap
}

// row finds the results of a field.
func (g *mapGroup) row(hazard, strategy string) *results.Row {
	for _, s := range g.scenes {
		if s.Hazard == hazard {
			return s.row(strategy)
		}
	}
	return nil
}

// boundTrials is how many trials it takes for a bound to say something: with
// fewer a field has the counts.
const boundTrials = 10

// field gives word and colour: the worst word, and how many trials, where that
// is not all of them; or what nothing was seen in.
func (o *overview) field(g *mapGroup, hazard, strategy string) (paint, string) {
	r := g.row(hazard, strategy)
	if r == nil {
		return wordPaint[results.NoTrials], "–"
	}
	v := r.Verdict
	look, word := wordPaint[v.Worst()], shortWord[v.Worst()]
	counts := fmt.Sprintf("%d/%d", v.Damaged, v.Trials)
	switch {
	case v.Trials > 0 && v.Damaged == 0 && v.Trials < boundTrials:
		return look, counts
	case v.Trials > 0 && v.Damaged == 0:
		return look, "≤ " + shortPercent(v.Upper)
	case v.Trials > 0 && (v.Damaged < v.Trials || v.Trials < 3):
		return look, word + " " + counts
	}
	return look, word
}

// shortPercent is a bound in two figures, rounded up.
func shortPercent(x float64) string {
	return trim(ceilTo(100*x, 2)) + " %"
}

func (o *overview) draw(c draw.Canvas) {
	top := c.Max.Y
	for i, g := range o.groups {
		if i > 0 && i%overviewPair == 0 {
			top -= o.blockHeight() + overviewGap
		}
		if i%overviewPair == 0 {
			for k, hazard := range o.hazards {
				y := top - overviewHead - (vg.Length(k)+0.5)*overviewRow
				c.FillText(aligned(small, draw.XLeft, draw.YCenter), vg.Point{X: c.Min.X, Y: y}, hazardName(hazard))
			}
		}
		left := c.Min.X + overviewLabel + vg.Length(i%overviewPair)*(o.blockWidth()+overviewGap)
		o.drawBlock(c, g, left, top)
	}
}

func (o *overview) drawBlock(c draw.Canvas, g *mapGroup, left, top vg.Length) {
	c.FillText(aligned(title, draw.XCenter, draw.YCenter), vg.Point{X: left + o.blockWidth()/2, Y: top - 9}, "OpenSSL "+g.scene.OpenSSL)
	for j, strategy := range o.columns {
		x := left + vg.Length(j)*overviewField
		s := aligned(shrunk(fieldText, strategy, overviewField-2), draw.XCenter, draw.YCenter)
		c.FillText(s, vg.Point{X: x + overviewField/2, Y: top - 27}, strategy)
		for k, hazard := range o.hazards {
			p, word := o.field(g, hazard, strategy)
			drawField(c, x, top-overviewHead-vg.Length(k)*overviewRow, p, word)
		}
	}
}

func drawField(c draw.Canvas, x, y vg.Length, p paint, word string) {
	fill(c, x+0.5, x+overviewField-0.5, y-overviewRow+0.75, y-0.75, p.fill)
	s := fieldBold
	if first, _, _ := strings.Cut(word, "/"); first == "0" || strings.HasPrefix(word, "≤") || word == "–" {
		s = fieldText
	}
	s = shrunk(s, word, overviewField-3)
	s.Color = p.ink
	c.FillText(aligned(s, draw.XCenter, draw.YCenter), vg.Point{X: x + overviewField/2, Y: y - overviewRow/2}, word)
}

func overviewPanel(d *Data) *Panel {
	o := newOverview(d)
	if o == nil {
		return nil
	}
	p := &Panel{Title: "Worst word of each field; k/n: damaged trials of all; ≤: bound where nothing was seen", width: o.width(), height: o.height(), draw: o.draw}
	g := o.groups[0]
	p.Sub = fmt.Sprintf("load %s, %s; a word alone stands for all trials; none, which is damaged everywhere, and builds tried with few hazards are in the map of each build", g.scene.Load, count(g.scene.Workers, "worker"))
	for _, g := range o.groups {
		for _, s := range g.scenes {
			for _, name := range o.columns {
				if r := s.row(name); r != nil && r.Verdict.Trials > 0 {
					p.n.add(r.Verdict.Trials)
				}
			}
		}
		if m := g.mark(); m != "" {
			p.Mark = "OpenSSL " + g.scene.OpenSSL + ": " + m
		}
	}
	var words []string
	for _, strategy := range o.columns {
		var parts []string
		for _, g := range o.groups {
			parts = append(parts, o.found(g, strategy))
		}
		words = append(words, strategy+": "+strings.Join(parts, "; "))
	}
	p.Alt = strings.Join(words, ". ") + "."
	return p
}

// found says in words what a column of a block shows.
func (o *overview) found(g *mapGroup, strategy string) string {
	by, fine := make(map[string][]string), 0
	for _, hazard := range o.hazards {
		switch r := g.row(hazard, strategy); {
		case damaged(r):
			word := string(r.Verdict.Worst())
			by[word] = append(by[word], hazard)
		case r != nil && r.Verdict.Trials > 0:
			fine++
		}
	}
	var parts []string
	for _, w := range wordRank {
		switch list := by[string(w)]; {
		case len(list) == len(o.hazards):
			parts = append(parts, string(w)+" with every hazard")
		case len(list) > 0:
			parts = append(parts, string(w)+" with "+joinHazards(list))
		}
	}
	if fine > 0 {
		parts = append(parts, fmt.Sprintf("nothing seen with %s", count(fine, "hazard")))
	}
	if len(parts) == 0 {
		parts = []string{"no trials"}
	}
	return "on " + g.scene.OpenSSL + " " + strings.Join(parts, ", ")
}
