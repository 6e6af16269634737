package page

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"tlsbench/results"
	"tlsbench/results/event"
)

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
	d.Add(Answer(c, strategy))
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
