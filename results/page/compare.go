package page

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"tlsbench/results"
	"tlsbench/results/number"
)

// Compare shows what results files say: first the verdicts in one view, then
// damage, checks and costs scene by scene, then forks, then how to read it all.
// Builds that were tried alike are columns of one table.
func Compare(c *results.Comparison) *Document { return compare(c, 0) }

// Overview is Compare without the details of hazards that were looked at in few
// trials, where there are many: their verdicts and raced blocks are in the first
// view.
func Overview(c *results.Comparison) *Document { return compare(c, fewTrials) }

// Scenes of fewer trials have no details in an overview, if there are more scenes
// than a reader scrolls through.
const (
	fewTrials  = 20
	manyScenes = 12
)

func compare(c *results.Comparison, few int) *Document {
	b := &comparison{Comparison: c, Document: &Document{Data: c}}
	b.Add(Text(fmt.Sprintf("baseline %s, %s intervals", c.Baseline, number.Percent(c.Confidence))))
	if c.Family != nil {
		b.Add(Text(c.Family.String()))
	}
	for _, warning := range c.Warnings {
		b.Add(Alarm("warning: " + warning))
	}
	all := c.Tables
	for _, machine := range results.Group(all, func(t *results.Table) string { return t.Machine }) {
		b.Add(Heading{1, "machine: " + machine[0].Machine})
		scenes := slices.DeleteFunc(slices.Clone(machine), onlyForks)
		for _, t := range matrices(scenes) {
			b.Add(t)
		}
		groups, viewed := results.Group(scenes, withoutBuild), make(map[results.Scene]int)
		for _, t := range scenes {
			if t.Judged() {
				viewed[withoutHazard(t)]++
			}
		}
		left := 0
		for _, builds := range groups {
			// A scene alone is in no matrix.
			if len(groups) > manyScenes && builds[0].Hazard != results.Plain && viewed[withoutHazard(builds[0])] > 1 && judgedInFewer(builds, few) {
				left++
				continue
			}
			b.scene(builds)
		}
		if left > 0 {
			b.Add(Heading{2, fmt.Sprintf("Left out: details of %s", number.Count(left, "scene"))},
				Text(fmt.Sprintf("They had fewer than %d trials of each strategy, or these ended at the third damaged one; the tables above have their verdicts. "+
					"tlsbench compare --all shows the details, and --where hazard=NAME those of one hazard.", few)))
		}
	}
	b.forks(all)
	if c.Daemons != nil {
		b.Add(Heading{1, "Daemons and the rig"})
		b.Add(Daemons(c)...)
	}
	b.legend()
	return b.Document
}

// comparison is a document about a comparison.
type comparison struct {
	*results.Comparison
	*Document
}

func withoutBuild(t *results.Table) results.Scene {
	s := t.Scene
	s.OpenSSL = ""
	return s
}

func withoutHazard(t *results.Table) results.Scene {
	s := withoutBuild(t)
	s.Hazard = ""
	return s
}

func buildOf(t *results.Table) string  { return t.OpenSSL }
func hazardOf(t *results.Table) string { return t.Hazard }

// conditions name a scene without its build.
func conditions(s results.Scene) string {
	_, rest, _ := strings.Cut(s.String(), ", ")
	return rest
}

// settings name a scene without its build and its hazard.
func settings(s results.Scene) string {
	_, rest, _ := strings.Cut(conditions(s), ", ")
	return rest
}

// judgedInFewer reports whether scenes got their verdicts from fewer trials of
// each strategy, or ended at the third damaged one, where there are no rates; and
// nothing else was measured there.
func judgedInFewer(scenes []*results.Table, trials int) bool {
	return !slices.ContainsFunc(scenes, func(t *results.Table) bool {
		ended := trials > 0 && t.Ended()
		return slices.ContainsFunc(t.Rows, func(r *results.Row) bool {
			return r.Verdict.Trials >= trials && !ended || r.Throughput > 0 || r.Duet != nil
		})
	})
}

// scene shows scenes that differ in nothing but the build.
func (b *comparison) scene(builds []*results.Table) {
	first := builds[0]
	title := first.Scene.String()
	if len(builds) > 1 {
		title = conditions(first.Scene)
	}
	b.Add(Heading{2, title})
	for _, t := range builds {
		text := t.Controls
		if len(t.Floor) > 0 {
			text += fmt.Sprintf("; shared blocks left out, because %s shares them too: %s", results.NegativeControl, strings.Join(t.Floor, ", "))
		}
		if len(builds) > 1 {
			text = "openssl " + t.OpenSSL + ": " + text
		}
		if t.Mark != "" {
			b.Add(Alarm(text))
		} else {
			b.Add(Text(text))
		}
		if t.NoFix != "" {
			b.Add(Text("openssl " + t.OpenSSL + ": " + t.NoFix))
		}
	}
	b.grid("Damage", builds, b.damageMetrics())
	b.events(builds)
	b.grid("Active checks (same trials), slots lost and shared", builds, checkMetrics)
	b.grid("Cost, relative to "+b.Baseline+" in the same round", builds, b.costMetrics(builds))
	b.grid("Cost by duets", builds, duetMetrics)
}

// metric is a column of the table of one build. Several builds have a table of
// their own for each metric.
type metric struct {
	head string
	cell func(*results.Row) Cell
	n    func(*results.Row) int // trials or rounds that the value rests on; nil if the cell says so
}

// grid shows metrics of strategies: of one build in one table, of several in a
// table for each metric with the builds as columns.
func (b *comparison) grid(title string, builds []*results.Table, metrics []metric) {
	metrics = slices.DeleteFunc(slices.Clone(metrics), func(m metric) bool { return !m.any(builds) })
	if len(metrics) == 0 {
		return
	}
	if len(builds) == 1 {
		b.Add(table(title, builds[0], metrics))
		return
	}
	for _, m := range metrics {
		if m.head == "verdict" {
			continue // the matrix shows it
		}
		n := m.common(builds)
		t := byBuild(title+": "+m.head, builds, func(r *results.Row) Cell { return m.of(r, n) })
		if n > 0 {
			t.Title += fmt.Sprintf(" (n=%d)", n)
		}
		b.Add(t)
	}
}

// byBuild shows strategies by builds.
func byBuild(title string, builds []*results.Table, cell func(*results.Row) Cell) *Table {
	t := &Table{Title: title, Mark: marks(builds), Head: append([]string{"strategy"}, results.Distinct(builds, buildOf)...), Tags: Tags{Hazard: builds[0].Hazard}}
	for _, name := range results.Strategies(builds...) {
		var cells []Cell
		for _, build := range builds {
			cells = append(cells, cell(build.Row(name)))
		}
		t.Add(name, cells)
	}
	return t
}

func table(title string, scene *results.Table, metrics []metric) *Table {
	t := &Table{Title: title, Mark: shortMark(scene.Mark), Head: []string{"strategy"}, Tags: Tags{scene.OpenSSL, scene.Hazard}}
	numbers := make([]int, len(metrics))
	for i, m := range metrics {
		head := m.head
		if numbers[i] = m.common([]*results.Table{scene}); numbers[i] > 0 {
			head += fmt.Sprintf(" (n=%d)", numbers[i])
		}
		t.Head = append(t.Head, head)
	}
	for _, r := range scene.Rows {
		var cells []Cell
		for k, m := range metrics {
			cells = append(cells, m.of(r, numbers[k]))
		}
		t.Add(r.Strategy, cells)
	}
	return t
}

// shortMark is what failed, without its reason, which appears above the tables.
func shortMark(mark string) string {
	short, _, _ := strings.Cut(mark, ":")
	return short
}

// marks names the builds whose tables prove nothing.
func marks(builds []*results.Table) string {
	var list []string
	for _, t := range builds {
		if t.Mark != "" {
			list = append(list, shortMark(t.Mark)+" on "+t.OpenSSL)
		}
	}
	return strings.Join(list, ", ")
}

func (m metric) any(tables []*results.Table) bool {
	return anyRow(tables, func(r *results.Row) bool { return m.cell(r).Text != "" })
}

func anyRow(tables []*results.Table, is func(*results.Row) bool) bool {
	for _, r := range results.Rows(tables) {
		if is(r) {
			return true
		}
	}
	return false
}

// common is the number of trials that all values rest on, 0 if they differ.
func (m metric) common(tables []*results.Table) int {
	all := 0
	for _, r := range results.Rows(tables) {
		if m.n == nil || m.cell(r).Text == "" {
			continue
		}
		n := m.n(r)
		if all != 0 && n != all {
			return 0
		}
		all = n
	}
	return all
}

// of makes the cell, with the number of trials if not all values have the same.
func (m metric) of(r *results.Row, common int) Cell {
	if r == nil {
		return Cell{}
	}
	c := m.cell(r)
	if m.n != nil && c.Text != "" && m.n(r) != common {
		c.Detail = strings.TrimSpace(fmt.Sprintf("%s n=%d", c.Detail, m.n(r)))
	}
	return c
}

func span(r results.Range) string {
	switch least, most := number.Short(float64(r.Least)), number.Short(float64(r.Most)); {
	case r.Most == 0:
		return ""
	case least == most:
		return least
	default:
		return least + " to " + most
	}
}

func verdict(r *results.Row) Cell {
	if r.Verdict.Worst() == results.NoTrials {
		return Cell{}
	}
	c := verdictWords(r.Verdict)
	if r.Verdict.Reason != "" {
		c.Notes = []string{r.Strategy + ": " + r.Verdict.Reason}
	}
	return c
}

func verdictWords(v results.Verdict) Cell {
	return Cell{Text: v.Short(), Class: "verdict " + Class(v.Worst()), Sort: severity(v)}
}

// ranks are the words of a verdict in the order of their severity.
var ranks = []results.Word{results.Clean, results.NoDamageSeen, results.Collateral, results.Broken, results.Shared, results.Corrupt, results.Hung, results.Crashed}

// severity sorts verdicts: by the worst word, then by the share of damaged trials.
func severity(v results.Verdict) string {
	rank := slices.Index(ranks, v.Worst())
	if rank < 0 {
		return ""
	}
	return sortable(float64(rank) + float64(v.Damaged)/float64(2*max(1, v.Trials)))
}

func sortable(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }

// damaged shows k of n, and the probability that lies behind.
func damaged(r *results.Row) Cell {
	v := r.Verdict
	if v.Trials == 0 {
		return Cell{}
	}
	c := Cell{Text: r.Counts(), Sort: sortable(float64(v.Damaged) / float64(v.Trials)), Notes: r.Probability.Warnings}
	if r.Stopped {
		return c
	}
	if v.Damaged == 0 {
		c.Detail = number.AtMost(r.Probability.High)
		return c
	}
	c.Detail = number.Between(r.Probability.Low, r.Probability.High, func(p float64) string { return number.Figures(100 * p) }) + " %"
	return c
}

// damageMetrics are those of damage, with what they mean for the server that the
// user named.
func (b *comparison) damageMetrics() []metric {
	if b.Rate == 0 {
		return damageMetrics
	}
	const year = 365.25 * 24 * 3600
	scale := b.Rate * year / 1e6
	return slices.Insert(slices.Clone(damageMetrics), 4, metric{fmt.Sprintf("a year at %s/s", number.Short(b.Rate)), func(r *results.Row) Cell {
		return firstDamages(r, scale, 2)
	}, nil})
}

// firstDamage shows how often a first damage comes for each million attempts, and
// how that compares with no fix at all.
func firstDamage(r *results.Row) Cell {
	c := firstDamages(r, 1, 3)
	if c.Text != "" && r.Verdict.Damaged == 0 && r.Rarer != nil && *r.Rarer > 1 {
		c.Detail = "÷" + number.Short(number.Down(*r.Rarer, 2))
	}
	return c
}

// firstDamages are so many times those of a million attempts; a bound has so many
// figures.
func firstDamages(r *results.Row, scale float64, figures int) Cell {
	f := r.FirstDamage
	switch {
	case r.Verdict.Trials == 0 || math.IsNaN(f.Value):
		return Cell{}
	case r.Verdict.Damaged == 0:
		return Cell{Text: "≤ " + number.Short(number.Up(scale*f.High, figures)), Sort: sortable(f.Value)}
	}
	return Cell{Text: number.Short(scale * f.Value), Detail: number.Between(scale*f.Low, scale*f.High, number.Short), Sort: sortable(f.Value)}
}

// rate shows events for each million, nothing seen as an upper bound. What such
// a bound is worth is in the legend.
func rate(f results.Estimate) Cell {
	if !f.Known() {
		return Cell{}
	}
	notes := slices.DeleteFunc(slices.Clone(f.Warnings), func(w string) bool { return strings.HasPrefix(w, "no event in ") })
	c := shown(f, number.Short)
	c.Notes = notes
	switch {
	case f.Value == 0:
		c.Text, c.Detail = "≤ "+number.Short(number.Up(f.High, 3)), ""
	case f.N == 1:
		c.Detail = "one trial"
	}
	return c
}

// shown is a value with its interval.
func shown(f results.Estimate, print func(float64) string) Cell {
	return Cell{Text: print(f.Value), Detail: number.Between(f.Low, f.High, print), Sort: sortable(f.Value), Notes: f.Warnings}
}

func estimate(f results.Estimate, unit string) Cell {
	if !f.Known() {
		return Cell{}
	}
	text, detail := number.Estimate(f.Value, f.Low, f.High, unit)
	return Cell{Text: text, Detail: detail, Sort: sortable(f.Value), Notes: f.Warnings}
}

func (b *comparison) legend() {
	if len(b.Tables) == 0 {
		return
	}
	b.Add(Heading{2, "How to read this"})
	all := b.Tables
	var list List
	if slices.ContainsFunc(all, hasForks) {
		list = append(list, forkLegend(all)...)
	}
	if slices.ContainsFunc(all, hasDuets) {
		list = append(list, duetLegend(all)...)
	}
	if slices.ContainsFunc(all, func(t *results.Table) bool { return !onlyForks(t) && !hasDuets(t) }) {
		alpha := number.Figures(1 - b.Confidence)
		list = append(list, List{
			{"k/n", []string{"damaged trials of all trials, with the exact interval of the probability that a trial is damaged"}},
			{"≤", []string{"the one-sided 95 % upper bound if nothing was seen; for events that come in clusters it is a bound of the clusters"}},
			{"clean", []string{fmt.Sprintf("no damage in at least %d trials with at least %d attempts in total, so the bound is at most %s; no trial failed, no shared state was seen",
				results.CleanTrials, results.CleanAttempts, number.Percent(results.CleanBound))}},
			{"first damage", []string{"first damage of a trial per million attempts (connections, good and bad); valid if the risk of damage does not rise with age; ÷n: at least n times rarer than under none"}},
			{"/Mhs", []string{"events per million handshakes that show without active checks, from trials with these checks off"}},
			{"raced blocks", []string{"inherited memory that several processes write without a common lock; n read: read-raced ones, which one process writes and others read"}},
			{"shared slots", []string{"objects of OpenSSL that two workers hold, even if no damage followed"}},
			{"*", []string{fmt.Sprintf("differs from %s: by the signed-rank test (p < %s after Holm's correction for all comparisons of the kind) and by the interval", b.Baseline, alpha)}},
			{"=", []string{fmt.Sprintf("shown to be within %s of %s (two one-sided tests, p corrected likewise)", number.Percent(b.Margin), b.Baseline)}},
		}...)
	}
	if slices.ContainsFunc(all, (*results.Table).Ended) {
		list = append(list, List{{"k of n", []string{"damaged trials of all where damage ended the trials (--rounds auto): not a share of all trials"}}}...)
	}
	b.Add(list, Text("Verdicts say what was seen in these trials. All columns: tlsbench help reading"))
}
