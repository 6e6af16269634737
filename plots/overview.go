package plots

import (
	"fmt"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"tlsbench/results"
)

// overview is the verdict map in one picture: hazards by strategies, and in
// each field the builds side by side.
type overview struct {
	columns []string // strategies
	groups  []*mapGroup
	hazards []string
}

const (
	overviewLabel vg.Length = 118
	overviewField vg.Length = 34 // one build's
	overviewGap   vg.Length = 6  // between strategies
	overviewRow   vg.Length = 17
)

var (
	tiny     = style(8, false, ink)
	tinyBold = style(8, true, ink)
)

// shortWord is a word of damage as it fits into a field.
var shortWord = map[results.Word]string{
	results.Crashed: "crash", results.Hung: "hang", results.Corrupt: "corrupt", results.Broken: "broken", results.Collateral: "collat.",
	results.SkippedWord: "skip", results.NotApplicWord: "n/a", results.NotCarriedOut: "failed", results.NoTrials: "–",
}

// newOverview needs several groups of one load, and takes the load that most
// builds have. It is nil where there is one build alone, whose own map is as
// short.
func newOverview(d *Data) *overview {
	loads := make(map[string][]*mapGroup)
	var order []string
	for _, g := range d.byHazard() {
		if g.controls || len(defaultScenes(g.scenes)) != len(g.scenes) {
			continue
		}
		if loads[g.scene.Load] == nil {
			order = append(order, g.scene.Load)
		}
		loads[g.scene.Load] = append(loads[g.scene.Load], g)
	}
	o := new(overview)
	for _, load := range order {
		if len(loads[load]) > len(o.groups) {
			o.groups = loads[load]
		}
	}
	if len(o.groups) < 2 || len(o.groups) > 8 {
		return nil
	}
	var scenes []*Scene
	for _, g := range o.groups {
		scenes = append(scenes, g.scenes...)
	}
	o.columns = strategiesOf(scenes)
	for _, s := range scenes {
		if !slices.Contains(o.hazards, s.Hazard) {
			o.hazards = append(o.hazards, s.Hazard)
		}
	}
	slices.SortFunc(o.hazards, func(a, b string) int {
		if (a == plainHazard) != (b == plainHazard) {
			if a == plainHazard {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	return o
}

func (o *overview) columnWidth() vg.Length { return vg.Length(len(o.groups)) * overviewField }

func (o *overview) width() vg.Length {
	return max(panelWidth, overviewLabel+vg.Length(len(o.columns))*(o.columnWidth()+overviewGap))
}

func (o *overview) height() vg.Length { return vg.Length(len(o.hazards))*overviewRow + 34 }

// row finds the results of a field.
func (g *mapGroup) row(hazard, strategy string) *results.Row {
	for _, s := range g.scenes {
		if s.Hazard == hazard {
			return s.row(strategy)
		}
	}
	return nil
}

// field gives word and colour: the worst word, or the bound where nothing was
// seen.
func (o *overview) field(g *mapGroup, hazard, strategy string) (paint, string) {
	r := g.row(hazard, strategy)
	if r == nil {
		return wordPaint[results.NoTrials], "–"
	}
	v := r.Verdict
	if v.Trials > 0 && v.Damaged == 0 {
		return wordPaint[v.Worst()], "≤" + strings.ReplaceAll(shortPercent(v.Upper), " ", "")
	}
	return wordPaint[v.Worst()], shortWord[v.Worst()]
}

// shortPercent is a bound in two figures, rounded up.
func shortPercent(x float64) string {
	return trim(ceilTo(100*x, 2)) + "%"
}

func (o *overview) draw(c draw.Canvas) {
	o.drawHead(c)
	y := c.Max.Y - 34
	for _, hazard := range o.hazards {
		c.FillText(aligned(small, draw.XLeft, draw.YCenter), vg.Point{X: c.Min.X, Y: y - overviewRow/2}, hazard)
		for i, strategy := range o.columns {
			for k, g := range o.groups {
				x := o.left(c, i) + vg.Length(k)*overviewField
				p, word := o.field(g, hazard, strategy)
				o.drawField(c, x, y, p, word)
			}
		}
		y -= overviewRow
	}
}

func (o *overview) left(c draw.Canvas, column int) vg.Length {
	return c.Min.X + overviewLabel + vg.Length(column)*(o.columnWidth()+overviewGap)
}

func (o *overview) drawHead(c draw.Canvas) {
	for i, strategy := range o.columns {
		x := o.left(c, i)
		c.FillText(aligned(plain, draw.XCenter, draw.YCenter), vg.Point{X: x + o.columnWidth()/2, Y: c.Max.Y - 8}, strategy)
		for k, g := range o.groups {
			at := vg.Point{X: x + (vg.Length(k)+0.5)*overviewField, Y: c.Max.Y - 25}
			c.FillText(aligned(tiny, draw.XCenter, draw.YCenter), at, g.scene.OpenSSL)
		}
	}
}

func (o *overview) drawField(c draw.Canvas, x, y vg.Length, p paint, word string) {
	fill(c, x+0.5, x+overviewField-0.5, y-overviewRow+0.75, y-0.75, p.fill)
	s := tinyBold
	if strings.HasPrefix(word, "≤") {
		s = tiny
	}
	s.Color = p.ink
	c.FillText(aligned(s, draw.XCenter, draw.YCenter), vg.Point{X: x + overviewField/2, Y: y - overviewRow/2}, word)
}

func overviewPanel(d *Data) *Panel {
	o := newOverview(d)
	if o == nil {
		return nil
	}
	p := &Panel{Title: "All builds: worst word of each field; ≤ is the bound where nothing was seen", width: o.width(), height: o.height(), draw: o.draw}
	g := o.groups[0]
	p.Sub = fmt.Sprintf("load %s, %s; fields from left to right: OpenSSL %s", g.scene.Load, count(g.scene.Workers, "worker"), strings.Join(o.builds(), ", "))
	for _, g := range o.groups {
		if m := g.mark(); m != "" {
			p.Mark = "OpenSSL " + g.scene.OpenSSL + ": " + m
		}
	}
	var words []string
	for _, hazard := range o.hazards {
		for _, strategy := range o.columns {
			var fields []string
			for _, g := range o.groups {
				_, word := o.field(g, hazard, strategy)
				fields = append(fields, word)
			}
			words = append(words, fmt.Sprintf("%s, %s: %s", hazard, strategy, strings.Join(fields, " ")))
		}
	}
	p.Alt = strings.Join(words, "; ") + "."
	return p
}

func (o *overview) builds() []string {
	var list []string
	for _, g := range o.groups {
		list = append(list, g.scene.OpenSSL)
	}
	return list
}
