package page

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tlsbench/results"
	"tlsbench/results/event"
	"tlsbench/results/number"
)

// matrices show the verdicts in one view: strategies by builds where there is
// one hazard, else hazards by strategies for each build.
func matrices(scenes []*results.Table) []*Table {
	var list []*Table
	scenes = slices.DeleteFunc(slices.Clone(scenes), func(t *results.Table) bool { return !t.Judged() })
	for _, group := range results.Group(scenes, withoutHazard) {
		builds, hazards := results.Distinct(group, buildOf), results.Distinct(group, hazardOf)
		names := results.Strategies(group...)
		switch {
		case len(hazards) > 1:
			for _, tables := range results.Group(group, buildOf) {
				list = append(list, hazardMatrix(tables, names))
			}
		case len(builds) > 1:
			t := &Table{Title: "Verdicts: " + conditions(group[0].Scene), Mark: marks(group), Head: append([]string{"strategy"}, builds...), Tags: Tags{Hazard: hazards[0]}}
			for _, name := range names {
				var cells []Cell
				for _, scene := range group {
					cells = append(cells, field(scene.Row(name)))
				}
				t.Add(name, cells)
			}
			list = append(list, t)
		}
	}
	return list
}

// hazardMatrix is the view of one build. The positive control is left out: its
// outcome stands with each scene.
func hazardMatrix(tables []*results.Table, names []string) *Table {
	names = slices.DeleteFunc(slices.Clone(names), func(s string) bool { return s == results.PositiveControl && len(names) > 1 })
	first := tables[0]
	t := &Table{Title: fmt.Sprintf("Verdicts: openssl %s, %s", first.OpenSSL, settings(first.Scene)),
		Head: append([]string{"hazard"}, names...), Tags: Tags{OpenSSL: first.OpenSSL}}
	for _, scene := range tables {
		var cells []Cell
		for _, name := range names {
			cells = append(cells, field(scene.Row(name)))
		}
		t.Add(results.HazardTitle(scene.Hazard), cells).Tags = Tags{scene.OpenSSL, scene.Hazard}
		t.Mark = cmp.Or(t.Mark, shortMark(scene.Mark))
	}
	return t
}

// shortWords are those that are too long for a matrix.
var shortWords = map[results.Word]string{results.NotApplicWord: "n/a"}

// field is a verdict in as little room as possible: the worst word, the raced
// blocks where sharing trials counted them, and k/n; a word of damage without k/n
// stands for all of three trials or more.
func field(r *results.Row) Cell {
	if r == nil || r.Verdict.Worst() == results.NoTrials && r.Sharing == nil {
		return Cell{Text: "–"}
	}
	v := r.Verdict
	var details []string
	if r.Sharing != nil {
		details = append(details, raced(r).Text+" raced")
	}
	c := Cell{Text: cmp.Or(shortWords[v.Worst()], string(v.Worst())), Class: "verdict " + Class(v.Worst()), Sort: severity(v)}
	switch {
	case v.Worst() == results.NoTrials:
		c.Text = details[0]
		details = nil
	case v.Trials == 0 && v.Reason == "":
	case v.Trials == 0:
		c.Notes = []string{v.Reason}
	case v.Damaged == 0 && v.Worst() == results.NoDamageSeen:
		c.Text = r.Counts()
	case v.Damaged < v.Trials || v.Trials < 3:
		details = append(details, r.Counts())
	}
	c.Detail = strings.Join(details, ", ")
	return c
}

// events shows what was damaged, by the kind of event: how many events in how
// many trials. Strategies without any are left out.
func (b *comparison) events(builds []*results.Table) {
	var kinds []string
	for _, r := range results.Rows(builds) {
		for _, k := range r.Events {
			kinds = append(kinds, k.Kind)
		}
	}
	if len(kinds) == 0 {
		return
	}
	slices.SortFunc(kinds, event.Compare)
	kinds = slices.Compact(kinds)
	t := &Table{Title: "Events by kind, and in how many of the trials",
		Mark: marks(builds), Head: []string{"strategy"}, Tags: Tags{Hazard: builds[0].Hazard}}
	if len(builds) > 1 {
		t.Head, t.Labels = []string{"openssl", "strategy"}, 2
	}
	t.Head = append(append(t.Head, "trials"), kinds...)
	for build, r := range results.Rows(builds) {
		if len(r.Events) == 0 {
			continue
		}
		var cells []Cell
		if len(builds) > 1 {
			cells = []Cell{{Text: build.OpenSSL}}
		}
		cells = append(cells, Cell{Text: r.Strategy}, Cell{Text: strconv.Itoa(r.Verdict.Trials)})
		for _, kind := range kinds {
			cells = append(cells, kindCell(r, kind))
		}
		t.Add(cells).Tags = Tags{build.OpenSSL, build.Hazard}
	}
	b.Add(t)
}

func kindCell(r *results.Row, kind string) Cell {
	k := r.Event(kind)
	if k.Events == 0 {
		return Cell{Text: "–", Sort: "0"}
	}
	return Cell{Text: number.Short(float64(k.Events)), Detail: fmt.Sprintf("in %d", k.Trials), Sort: sortable(float64(k.Events))}
}
