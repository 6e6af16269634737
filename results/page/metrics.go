package page

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"tlsbench/results"
	"tlsbench/results/inference"
	"tlsbench/results/number"
)

// costMetrics are the costs that any of the scenes has, forks apart.
func (b *comparison) costMetrics(builds []*results.Table) []metric {
	var units []string
	for _, r := range results.Rows(builds) {
		for _, c := range r.Costs {
			if !isForkUnit(c.Unit) && !slices.Contains(units, c.Unit) {
				units = append(units, c.Unit)
			}
		}
	}
	list := []metric{{"undamaged trials", func(r *results.Row) Cell {
		if r.Throughput == 0 {
			return Cell{}
		}
		return Cell{Text: fmt.Sprintf("%d/%d", r.Undamaged, r.Throughput), Sort: sortable(float64(r.Undamaged) / float64(r.Throughput))}
	}, nil}}
	for _, unit := range units {
		list = append(list, metric{unit, func(r *results.Row) Cell { return b.cost(r, unit) }, func(r *results.Row) int {
			c, _ := r.Cost(unit)
			return c.Rounds()
		}})
	}
	return list
}

// cost shows the ratio to the baseline. Without one, as for the baseline itself,
// it shows the median.
func (b *comparison) cost(r *results.Row, unit string) Cell {
	c, ok := r.Cost(unit)
	median := number.Of(unit)(c.Median.Value)
	switch {
	case !ok || !c.Median.Known():
		return Cell{}
	case r.Strategy == b.Baseline:
		return Cell{Text: "1 = " + median, Sort: "1", Class: Baseline, Notes: c.Disturbed}
	case !c.Ratio.Known():
		return Cell{Text: median, Notes: append([]string{"no round in common with the baseline: the median"}, c.Disturbed...)}
	}
	cell := shown(c.Ratio.Estimate, number.Ratio)
	cell.Notes = slices.Concat(c.Ratio.Warnings, c.Disturbed)
	if b.Differs(c.Ratio) {
		cell.Detail += " *"
	}
	if c.Ratio.Same {
		cell.Detail += " ="
	}
	return cell
}

var damageMetrics = []metric{
	{"verdict", verdict, nil},
	{"damaged trials", damaged, nil},
	{"raced blocks", raced, func(r *results.Row) int {
		if r.Sharing == nil {
			return 0
		}
		return r.Sharing.Trials
	}},
	{"first damage/Mattempt", firstDamage, nil},
	{"handshakes in undamaged ones", func(r *results.Row) Cell {
		return Cell{Text: span(r.HandshakeRange), Sort: sortable(float64(r.HandshakeRange.Least))}
	}, nil},
	{"corruptions/Mhs", func(r *results.Row) Cell { return rate(r.Passive) }, func(r *results.Row) int { return r.Passive.N }},
}

var checkMetrics = []metric{
	{"foreign errors/Mcheck", func(r *results.Row) Cell { return rate(r.Foreign) }, nil},
	{"repeats/Mdraw", func(r *results.Row) Cell { return rate(r.Repeats) }, nil},
	{"lost slots/fork", func(r *results.Row) Cell { return rate(r.Lost) }, nil},
	{"shared slots", func(r *results.Row) Cell {
		if r.SharedSlots < 0 {
			return Cell{}
		}
		return Cell{Text: strconv.Itoa(r.SharedSlots), Sort: strconv.Itoa(r.SharedSlots)}
	}, nil},
	{"kept bytes/worker", func(r *results.Row) Cell {
		return estimate(r.Kept, results.KeptBytes)
	}, func(r *results.Row) int { return r.Kept.N }},
}

// raced shows what the tracer saw above the floor, and where.
func raced(r *results.Row) Cell {
	s := r.Sharing
	if s == nil {
		return Cell{}
	}
	c := Cell{Text: strconv.Itoa(s.Raced), Sort: strconv.Itoa(s.Raced + s.ReadRaced)}
	if s.ReadRaced > 0 {
		c.Text += fmt.Sprintf(" + %d read", s.ReadRaced)
	}
	if s.Cut > 0 {
		c.Text += fmt.Sprintf(", %d cut short", s.Cut)
	}
	if len(s.Sites) > 0 && r.Strategy != results.PositiveControl {
		c.Notes = []string{fmt.Sprintf("%s: raced block of %s", r.Strategy, s.Sites[0].Site)}
	}
	return c
}

// hasDuets reports whether a scene is one of duets: the other side is part of its
// settings, so there is nothing else in it.
func hasDuets(t *results.Table) bool {
	return slices.ContainsFunc(t.Rows, func(r *results.Row) bool { return r.Duet != nil })
}

var duetMetrics = []metric{
	{"processor time of a handshake", duetCost, func(r *results.Row) int {
		if r.Duet == nil {
			return 0
		}
		return r.Duet.Cost.N
	}},
	{"all blocks added up", ofDuet(func(c *results.DuetCost) results.Estimate { return c.Total }), nil},
	{"instructions", ofDuet(func(c *results.DuetCost) results.Estimate { return c.Instructions }), nil},
	{"spread", func(r *results.Row) Cell {
		if r.Duet == nil || r.Duet.Between == nil || r.Duet.Within == nil {
			return Cell{}
		}
		return Cell{Text: fmt.Sprintf("%s, %s", number.Percent(*r.Duet.Between), number.Percent(*r.Duet.Within)), Sort: sortable(*r.Duet.Within)}
	}, nil},
}

// duetCost shows the change, its interval, and the word.
func duetCost(r *results.Row) Cell {
	if r.Duet != nil && r.Duet.Cost.N == 0 {
		return Cell{Text: r.Duet.Word, Notes: []string{r.Strategy + ": " + r.Duet.Reason}}
	}
	cell := ofDuet(func(c *results.DuetCost) results.Estimate { return c.Cost.Estimate })(r)
	if cell.Text == "" {
		return cell
	}
	word := r.Duet.Word
	if word == results.NotResolved && !math.IsInf(r.Duet.Cost.High, 1) {
		word += ": up to " + number.Change(r.Duet.Far())
	}
	cell.Detail += " " + word
	return cell
}

func ofDuet(of func(*results.DuetCost) results.Estimate) func(*results.Row) Cell {
	return func(r *results.Row) Cell {
		if r.Duet == nil || !of(r.Duet).Known() {
			return Cell{}
		}
		return shown(of(r.Duet), number.Change)
	}
}

// duetLegend says how tables of duets are read, and once why something is not
// there.
func duetLegend(tables []*results.Table) List {
	list := List{
		{"duet", []string{fmt.Sprintf("two servers at once, one worker each, take turns on one processor; a pair of processes is one value, the trimmed mean of %d blocks of four turns", results.DuetBlocks-results.DuetDropped)}},
		{results.Equivalent, []string{"shown to differ by less than " + number.Percent(results.DuetMargin) + " (two one-sided tests, corrected for all of them)"}},
		{results.Different, []string{"shown to differ, by the signed-rank test, corrected likewise, and by the interval"}},
		{results.NotResolved, []string{"neither; a difference up to the far end of the interval cannot be excluded"}},
		{"pairs", []string{fmt.Sprintf("%d, and up to %d until the interval is within ±%s; the verdict plays no part in that", inference.DuetFirst, inference.DuetMost, number.Percent(inference.DuetWidth))}},
		{"spread", []string{"standard deviation between pairs of processes (layout of memory), and between the blocks of one"}},
	}
	for _, r := range results.Rows(tables) {
		if d := r.Duet; d != nil && d.NoCounter != "" {
			return append(list, Entry{"instructions", []string{"could not be counted: " + d.NoCounter}})
		}
	}
	return list
}

// Figures is the comparison as one long table, a line for each number, so that
// any tool can filter and turn it.
func Figures(c *results.Comparison) *Document {
	t := &Table{Head: []string{"machine", "openssl", "hazard", "load", "heap", "settings", "workers", "strategy", "controls",
		"verdict", "metric", "unit", "relative_to", "k", "n", "value", "low", "high", "p_adjusted", "same", "warnings"}}
	for scene, r := range results.Rows(c.Tables) {
		figures(t, scene, r, c.Baseline)
	}
	return &Document{Parts: []Part{t}, Data: c}
}

func figures(t *Table, scene *results.Table, r *results.Row, baseline string) {
	mark := scene.Mark
	if mark == "" {
		mark = "ok"
	}
	before := len(t.Rows)
	line := func(rest ...any) {
		t.Add(append([]any{scene.Machine, scene.OpenSSL, scene.Hazard, scene.Load, scene.Heap, scene.Settings, scene.Workers,
			r.Strategy, mark, r.Verdict.Short()}, rest...)...)
	}
	add := func(metric, unit, to, k string, f results.Estimate, p, same string, more ...string) {
		if f.N > 0 {
			warnings := strings.Join(append(f.Warnings[:len(f.Warnings):len(f.Warnings)], more...), "; ")
			line(metric, unit, to, k, f.N, exact(f.Value), exact(f.Low), exact(f.High), p, same, warnings)
		}
	}
	fisher := math.NaN()
	if r.Fisher != nil {
		fisher = *r.Fisher
	}
	add("damaged", results.DamagedPerTrial, "", strconv.Itoa(r.Verdict.Damaged), r.Probability, exact(fisher), "")
	if e := r.HandshakeRange; e.Most > 0 {
		undamaged := r.Verdict.Trials - r.Verdict.Damaged
		add("handshakes-in-undamaged-trials", "handshakes/trial", "", "",
			results.Estimate{N: undamaged, Value: math.NaN(), Interval: inference.Interval{Low: float64(e.Least), High: float64(e.Most)}}, "", "")
	}
	for _, k := range r.Events {
		add("events", k.Kind, "", strconv.Itoa(k.Trials), results.Estimate{N: r.Verdict.Trials, Value: float64(k.Events), Interval: inference.Interval{Low: math.NaN(), High: math.NaN()}}, "", "")
	}
	add("passive", results.PassivePerMhs, "", "", r.Passive, "", "")
	add("foreign-errors", results.ForeignPerMcheck, "", "", r.Foreign, "", "")
	add("repeats", results.RepeatsPerMdraw, "", "", r.Repeats, "", "")
	add("lost-slots", "lost-slots/fork", "", "", r.Lost, "", "")
	add("kept", results.KeptBytes, "", "", r.Kept, "", "")
	for _, cost := range r.Costs {
		add("median", cost.Unit, "", strconv.Itoa(r.Undamaged), cost.Median, "", "", cost.Disturbed...)
		add("ratio", cost.Unit, baseline, "", cost.Ratio.Estimate, exact(cost.Ratio.Adjusted), strconv.FormatBool(cost.Ratio.Same), cost.Disturbed...)
	}
	if d := r.Duet; d != nil {
		to := scene.Against()
		add("duet", results.CPURatio, to, "", d.Cost.Estimate, exact(d.Cost.Adjusted), strconv.FormatBool(d.Cost.Same))
		add("duet", results.TotalRatio, to, "", d.Total, "", "")
		add("duet", results.InstructionRatio, to, "", d.Instructions, "", "")
	}
	if len(t.Rows) == before { // skipped, say: the reason must not get lost
		line("damaged", results.DamagedPerTrial, "", "0", "0", "", "", "", "", "", r.Verdict.Reason)
	}
}

// exact is empty for what is not a number.
func exact(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return ""
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}
