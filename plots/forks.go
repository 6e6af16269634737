package plots

import (
	"fmt"
	"slices"
	"strings"

	"tlsbench/results"
	"tlsbench/results/number"
)

// forks is figure 5: what the handlers of a strategy add to a fork, the time in
// them, and what the child pays later; all builds on one axis.
func forks(d *Data) *Figure {
	f := &Figure{ID: "forks", Title: "What does a fix cost a fork?", Empty: "no trial measured forks"}
	for _, group := range byBuild(d.mainForks()) {
		for _, m := range []struct {
			unit, title string
			linear      bool
		}{
			{results.ForkDiff, "Added to fork() by the handlers", true}, {results.ReadyDiff, "Added until the child runs", true},
			{results.HandlerCold, "At-fork handlers, as they happen", false}, {results.HandlerWarm, "At-fork handlers, pages touched before", false},
			{results.FirstRandom, "Later: first random draw of the child", false}, {results.FirstHandshake, "Later: first handshake of the child", false},
		} {
			f.addForks(d, group, m.unit, m.title, m.linear, nil)
		}
	}
	f.Caption = fmt.Sprintf("Each dot is a trial, the large mark is the median, the bar is its interval (%s; dotted with an arrow: it continues beyond the axis, or too few trials give no end). "+
		"Added: each fork is paired with the next one, in which the handlers do nothing; each dot is the median difference of a trial's pairs. The axes of differences are linear, all others logarithmic. "+
		"A whole fork of %s takes %s in these trials. %s.",
		d.intervals(), d.Baseline, d.wholeForks(), f.trials("values", "row"))
	return f
}

// wholeForks is how long the baseline's forks take.
func (d *Data) wholeForks() string {
	times := newSpan()
	for _, s := range d.mainForks() {
		if r := s.Row(d.Baseline); r != nil {
			if c, ok := r.Cost(results.ForkP50); ok && c.Median.Known() {
				times.add(c.Median.Value)
			}
		}
	}
	switch {
	case times.empty():
		return "an unknown time"
	case number.Duration(times.low) == number.Duration(times.high):
		return number.Duration(times.low)
	}
	return number.Duration(times.low) + " to " + number.Duration(times.high)
}

func (f *Figure) addForks(d *Data, group []*results.Table, unit, what string, linear bool, by *sweep) {
	chart := &rowChart{axis: axis{label: "time, logarithmic", print: number.Duration, log: true}, sweep: by}
	if linear {
		chart.axis, chart.reference = axis{label: "difference between the two forks of a pair", print: number.Duration, zero: true}, new(float64)
	}
	p := f.addRows(d, group, what, chart, func(of *results.Row) row {
		r := forkRow(of, unit)
		if !linear && r.empty == "" {
			if r.mid <= 0 { // a log axis has no place for no time at all
				return noValue("no handler: " + number.Duration(r.mid))
			}
			r.dots = slices.DeleteFunc(r.dots, func(v float64) bool { return v <= 0 })
		}
		if by != nil && r.empty == "" && !(r.high-r.low <= unresolvedWidth*narrowest(group, unit)) {
			return noValue("not resolved: " + number.Between(r.low, r.high, number.Duration))
		}
		chart.n.Add(len(r.dots))
		return r
	})
	if p != nil {
		drawn := results.Distinct(chart.rows, func(r row) string { return r.name })
		p.Sub += disturbed(group, drawn, chart.placeOf)
	}
}

// forkRow has the trials of a strategy as dots, their median and its interval.
func forkRow(r *results.Row, unit string) row {
	c, ok := r.Cost(unit)
	switch m := c.Median; {
	case ok && m.Known():
		return row{dots: slices.Clone(c.Values), mid: m.Value, low: m.Low, high: m.High, note: number.Duration(m.Value)}
	case r.Forks() > 0:
		return noValue("nothing to measure") // no handlers, say
	}
	return noValue(whyNone(r))
}

// controlMark is what is wrong with the controls. A scene that has none because all it
// has are forks needs none: controls are about damage, and fork trials make no
// claim about it.
func controlMark(s *results.Table) string {
	if !s.Judged() && strings.HasPrefix(s.Mark, "NO CONTROLS") {
		return ""
	}
	return s.Mark
}

// disturbed names those of the strategies drawn whose trials of cost met too much
// else on the machine, and the places in the panel if those are not all; the tables of
// cost say what it was.
func disturbed(group []*results.Table, drawn []string, place func(*results.Table) string) string {
	names := func(s *results.Table) string {
		shown := slices.DeleteFunc(slices.Clone(drawn), func(name string) bool { return s.Row(name) == nil })
		list := slices.DeleteFunc(slices.Clone(shown), func(name string) bool {
			return !slices.ContainsFunc(s.Row(name).Costs, func(c results.Cost) bool { return len(c.Disturbed) > 0 })
		})
		if len(list) > 1 && len(list) == len(shown) {
			return "all strategies"
		}
		return strings.Join(list, ", ")
	}
	var list []string
	for _, scenes := range results.Group(group, names) {
		text := names(scenes[0])
		switch {
		case text == "":
			continue
		case len(scenes) < len(group):
			text += " at " + strings.Join(results.Distinct(scenes, place), ", ")
		}
		list = append(list, text)
	}
	if len(list) == 0 {
		return ""
	}
	return "; many trials were disturbed: " + strings.Join(list, "; ")
}
