package page

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

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
			list = append(list, byBuild("Verdicts: "+conditions(group[0].Scene), group, field))
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

// Screening shows how one strategy did under many hazards: the verdicts in one
// view, what they come to, and the first event of each kind in words. The trials
// are those of the comparison.
func Screening(c *results.Comparison, trials []*results.Trial, strategy string) *Document {
	d := &Document{Data: c}
	for _, warning := range c.Warnings {
		d.Add(Alarm("warning: " + warning))
	}
	all := c.Tables
	for _, m := range matrices(all) {
		d.Add(m)
	}
	for _, t := range all {
		if t.Hazard == results.Plain && t.Mark != "" {
			d.Add(Alarm(t.Controls))
		} else if t.Hazard == results.Plain {
			d.Add(Text(t.Controls))
		}
	}
	if t := Answer(c, strategy); len(t.Rows) > 0 { // the fix was tried alone, too
		d.Add(t)
	}
	if events := firstEvents(trials, strategy); len(events) > 0 {
		d.Add(Heading{2, "The first event of each kind under " + strategy}, events)
	}
	return d
}

// fewHazards are named where an event was seen; more are counted.
const fewHazards = 6

// firstEvents tells of each kind of event where it was seen, and of the first in
// words.
func firstEvents(trials []*results.Trial, strategy string) List {
	hazards, words := map[string][]string{}, map[string]string{}
	tried := map[string]bool{}
	for _, t := range trials {
		if t.Cell.Strategy != strategy || t.Status != results.OK {
			continue
		}
		tried[t.Cell.Hazard] = true
		for kind := range t.Events {
			if !slices.Contains(hazards[kind], t.Cell.Hazard) {
				hazards[kind] = append(hazards[kind], t.Cell.Hazard)
			}
			i := slices.IndexFunc(t.Detail, func(text string) bool { return strings.Contains(text, ": "+kind+": ") })
			if i >= 0 && words[kind] == "" {
				words[kind] = "hazard " + results.HazardTitle(t.Cell.Hazard) + ", " + strings.Replace(t.Detail[i], ": "+kind+": ", ": ", 1)
			}
		}
	}
	var list List
	for _, kind := range slices.SortedFunc(maps.Keys(hazards), event.Compare) {
		where := results.JoinHazards(hazards[kind])
		if n := len(hazards[kind]); n > fewHazards {
			where = fmt.Sprintf("%d of the %d hazards", n, len(tried))
		}
		e := Entry{Term: kind, Texts: []string{"under " + where}}
		if words[kind] != "" {
			e.Texts = append(e.Texts, "first: "+words[kind])
		}
		list = append(list, e)
	}
	return list
}

// Daemons shows what daemons did and whether the rig agrees, disagreements
// first.
func Daemons(c *results.Comparison) []Part {
	d := c.Daemons
	const head = "daemon,openssl,safety,hazard,strategy,"
	verdicts := &Table{Title: "Daemons and the rig, disagreements first", Labels: 5, Head: strings.Split(head+"in daemon,in rig,agree", ",")}
	facts := &Table{Title: "What each daemon did", Labels: 5, Head: strings.Split(head+"first,hs/s,MiB,set up", ",")}
	facts.Notes = []string{"hs/s: good handshakes with their OPTIONS, before a death; MiB: memory of all processes together, shared pages " +
		"once; first: damage, from the load's start, the earliest of all trials; set up: the daemon's step at which the fix took " +
		"its mark (see tlsbench help field)"}
	for i := range d.Rows {
		r := &d.Rows[i]
		names := []Cell{{Text: strings.TrimPrefix(r.Server, "kamailio-")}, {Text: r.OpenSSL}, {Text: fmt.Sprint(r.MemSafety)}, {Text: r.Hazard}, {Text: r.Fix()}}
		agree := Cell{Text: string(r.Agree)}
		if r.Why != "" {
			agree.Notes = []string{r.Why}
		}
		tags := Tags{OpenSSL: r.OpenSSL, Hazard: r.Hazard}
		verdicts.Add(names, field(&results.Row{Verdict: r.Daemon}), field(&results.Row{Verdict: r.Rig}), agree).Tags = tags
		if r.Daemon.Trials > 0 {
			facts.Add(names, daemonFacts(r)).Tags = tags
		}
	}
	parts := []Part{verdicts, Text(d.ScoreLine()), Text(d.ControlLine())}
	for _, failed := range results.FailedControls(c.Tables) {
		parts = append(parts, Alarm(failed))
	}
	return append(parts, facts)
}

func daemonFacts(r *results.DaemonRow) []Cell {
	first, rate, memory := Cell{Text: "-"}, Cell{Text: "-"}, Cell{Text: "-"}
	switch {
	case r.Daemon.Damaged > 0 && r.Served == 0:
		first = Cell{Text: "at start", Sort: "0"}
	case r.Daemon.Damaged > 0:
		first = Cell{Text: r.First.Round(time.Millisecond).String(), Sort: sortable(r.First.Seconds())}
	}
	if r.Served > 0 {
		rate = Cell{Text: number.Short(r.Rate), Sort: sortable(r.Rate)}
	}
	if r.Memory > 0 {
		memory = Cell{Text: fmt.Sprintf("%.0f", r.Memory/(1<<20)), Sort: sortable(r.Memory)}
	}
	return []Cell{first, rate, memory, {Text: r.Mark}}
}
