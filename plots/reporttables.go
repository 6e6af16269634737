package plots

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tlsbench/results"
	"tlsbench/strategies/catalogue"
)

// pageTable is a table of the report page. Its first column is a row's name.
type pageTable struct {
	Title, Mark     string
	OpenSSL, Hazard string // for the filters; a row may have its own
	Head            []string
	Rows            []pageRow
	Notes           []string // below it
	mixed           []string // what unlike trials some cells count together
	few             bool     // trials: too few to be worth a place in TABLES.md
}

type pageRow struct {
	OpenSSL, Hazard string
	Name            string
	Cells           []pageCell
}

type pageCell struct {
	Head   string // of its column, for narrow screens
	Text   string
	Detail string
	Class  string
	Sort   string // number to sort by
}

// verdictCell is one field: the words, and what they rest on.
func verdictCell(r *results.Row) (c cell) {
	if r == nil {
		return cell{word: string(results.NoTrials)}
	}
	v := r.Verdict
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

// row finds the results of a field.
func (g *mapGroup) row(hazard, strategy string) *results.Row {
	for _, s := range g.scenes {
		if s.Hazard == hazard {
			return s.row(strategy)
		}
	}
	return nil
}

// mapTables are the verdict maps.
func mapTables(d *Data) []*pageTable {
	var list []*pageTable
	for _, g := range d.byHazard() {
		t := &pageTable{Title: g.title(d), Mark: g.mark(), OpenSSL: g.scene.OpenSSL, Head: append([]string{"hazard"}, g.names...)}
		if g.controls {
			t.Head[0] = "run"
		}
		for _, s := range g.scenes {
			row := pageRow{OpenSSL: s.OpenSSL, Hazard: s.Hazard, Name: g.rowName(s, d)}
			for _, name := range g.names {
				cell := mapCell(s.row(name), name)
				t.mark(&cell, d.mixed(s, name))
				row.Cells = append(row.Cells, cell)
			}
			t.Rows = append(t.Rows, row)
		}
		list = append(list, t)
	}
	return list
}

func mapCell(r *results.Row, name string) pageCell {
	c := verdictCell(r)
	cell := pageCell{Head: name, Text: c.word, Detail: c.detail, Class: "verdict"}
	if r == nil {
		return cell
	}
	cell.Class += " " + wordClass(r.Verdict.Worst())
	if r.Verdict.Trials == 0 {
		cell.Detail = r.Verdict.Reason
		return cell
	}
	cell.Sort = number(float64(r.Verdict.Damaged) / float64(r.Verdict.Trials))
	return cell
}

func number(x float64) string {
	if !finite(x) {
		return ""
	}
	return strconv.FormatFloat(x, 'g', 6, 64)
}

// costTables have one table a scene: medians and ratios to the baseline.
func costTables(d *Data) []*pageTable {
	var list []*pageTable
	for _, s := range d.Scenes {
		units := s.units()
		if len(units) == 0 {
			continue
		}
		s := withoutMark(s)
		t := s.table(d)
		t.Head = []string{"strategy", "undamaged"}
		for _, u := range units {
			t.Head = append(t.Head, u.title, u.title+", relative")
		}
		for _, name := range s.names() {
			t.Rows = append(t.Rows, s.costRow(name, units, d))
		}
		list = append(list, t)
	}
	// Throughput is what most readers come for; forks stand after it.
	slices.SortStableFunc(list, func(a, b *pageTable) int {
		rank := map[bool]int{true: 0, false: 1}
		return rank[a.throughput()] - rank[b.throughput()]
	})
	return list
}

func (t *pageTable) throughput() bool { return t.Head[2] == "handshakes/s" }

// costUnit is a metric that the cost tables show.
type costUnit struct{ unit, title string }

var costUnits = []costUnit{
	{results.HandshakesPerSec, "handshakes/s"}, {results.CPUPerHandshake, "CPU/handshake"}, {"p99-ns/handshake", "p99 latency"},
	{forkMedian, "fork (median)"}, {handlerCold, "handlers"}, {firstHandshake, "first handshake"},
}

// units lists the metrics that any strategy of the scene has.
func (s *Scene) units() []costUnit {
	var list []costUnit
	for _, u := range costUnits {
		for i := range s.Rows {
			if _, ok := costOf(&s.Rows[i], u.unit); ok {
				list = append(list, u)
				break
			}
		}
	}
	return list
}

func (s *Scene) table(d *Data) *pageTable {
	return &pageTable{Title: sceneText(s.Scene, d.severalMachines()), Mark: s.Mark, OpenSSL: s.OpenSSL, Hazard: s.Hazard}
}

func (s *Scene) costRow(name string, units []costUnit, d *Data) pageRow {
	r := s.row(name)
	row := pageRow{Name: name, OpenSSL: s.OpenSSL, Hazard: s.Hazard}
	undamaged := pageCell{Head: "undamaged", Text: "–"}
	if r.Throughput > 0 {
		undamaged.Text = fmt.Sprintf("%d/%d", r.Undamaged, r.Throughput)
		undamaged.Sort = number(float64(r.Undamaged) / float64(r.Throughput))
	}
	row.Cells = append(row.Cells, undamaged)
	for _, u := range units {
		c, _ := costOf(r, u.unit)
		median, relative := pageCell{Head: u.title, Text: "–"}, pageCell{Head: u.title + ", relative", Text: "–"}
		if c.Median.Known() {
			print := byUnit(u.unit)
			median.Text, median.Sort = print(c.Median.Value), number(c.Median.Value)
			median.Detail = fmt.Sprintf("%s n=%d", between(c.Median.Low, c.Median.High, print), c.Median.N)
			if len(c.Disturbed) > 0 {
				median.Detail += " disturbed: " + strings.Join(c.Disturbed, ", ")
			}
		}
		switch {
		case name == d.Baseline && c.Median.Known():
			relative.Text, relative.Sort = "1 (baseline)", "1"
		case c.Ratio.Known():
			relative.Text, relative.Sort = ratio(c.Ratio.Value), number(c.Ratio.Value)
			relative.Detail = between(c.Ratio.Low, c.Ratio.High, ratio)
			if c.Ratio.Same {
				relative.Detail += " same"
			} else if d.shownToDiffer(c.Ratio) {
				relative.Detail += " differs"
			}
		}
		row.Cells = append(row.Cells, median, relative)
	}
	return row
}

// checkTables have what was damaged, and what the active checks found.
func checkTables(d *Data) []*pageTable {
	var list []*pageTable
	for _, s := range d.Scenes {
		if !s.judged() {
			continue
		}
		t := s.table(d)
		t.Head = []string{"strategy", "damaged trials", "corruptions/Mhs", "foreign errors/Mcheck", "repeats/Mdraw", "lost slots/fork", "shared slots"}
		t.few = s.mostLives() <= 2
		for _, name := range s.names() {
			r := s.row(name)
			damaged := pageCell{Text: "–", Detail: r.Verdict.Reason}
			if r.Verdict.Trials > 0 {
				damaged = pageCell{Text: damagedNote(r), Sort: number(r.Probability.Value)}
				if r.Verdict.Damaged > 0 {
					damaged.Detail = between(r.Probability.Low, r.Probability.High, percent)
				}
			}
			shared := pageCell{Text: "–"}
			if r.SharedSlots >= 0 {
				shared = pageCell{Text: fmt.Sprint(r.SharedSlots), Sort: fmt.Sprint(r.SharedSlots)}
			}
			cells := []pageCell{damaged, rateCell(r.Passive), rateCell(r.Foreign), rateCell(r.Repeats), rateCell(r.Lost), shared}
			for i := range cells {
				cells[i].Head = t.Head[i+1]
			}
			t.Rows = append(t.Rows, pageRow{Name: name, OpenSSL: s.OpenSSL, Hazard: s.Hazard, Cells: cells})
		}
		list = append(list, t)
	}
	return list
}

func rateCell(f results.Figure) pageCell {
	switch {
	case !f.Known():
		return pageCell{Text: "–"}
	case f.Value > 0 && f.N == 1:
		return pageCell{Text: figures3(f.Value), Detail: "no interval: one trial", Sort: number(f.Value)}
	case f.Value == 0:
		return pageCell{Text: "≤ " + figures3(roundUp(f.High)), Sort: "0", Detail: fmt.Sprintf("n=%d", f.N)}
	}
	return pageCell{Text: figures3(f.Value), Detail: fmt.Sprintf("%s n=%d", between(f.Low, f.High, figures3), f.N), Sort: number(f.Value)}
}
