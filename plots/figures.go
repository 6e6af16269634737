package plots

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"tlsbench/results"
	"tlsbench/results/number"
	"tlsbench/results/version"
)

// drawers draw up the figures, by their position.
var drawers = make(map[int]func(*Data) *Figure)

// register gives a figure its position on the report page. A figure's own file can
// call it; those of the suite stand here together, so that their order can be
// seen.
func register(position int, draw func(*Data) *Figure) bool {
	if drawers[position] != nil {
		panic(fmt.Sprintf("two figures are number %d", position))
	}
	drawers[position] = draw
	return true
}

var (
	_ = register(1, verdictMap)
	_ = register(2, shared)
	_ = register(3, damage)
	_ = register(4, handshakes)
	_ = register(5, forks)
	_ = register(6, forkSweeps)
	_ = register(7, survival)
	_ = register(8, threadKeys)
	_ = register(9, workers)
	_ = register(10, noise)
	_ = register(11, drift)
)

// Figures draws up all figures of the data, also those there is no data for.
func Figures(d *Data) []*Figure {
	var list []*Figure
	for _, position := range slices.Sorted(maps.Keys(drawers)) {
		f := drawers[position](d)
		f.tellApart()
		switch {
		case len(f.Panels) > 0:
			f.Empty = ""
		case len(d.Tables) == 0 && len(d.Probes) == 0:
			f.Empty = "Nothing to draw: no trials in the files."
		default:
			f.Empty = "Nothing to draw: " + cmp.Or(f.Empty, "no data") + "."
		}
		list = append(list, f)
	}
	return list
}

// grouped puts scenes together that differ alone in what blank takes away.
func grouped(scenes []*results.Table, blank func(*results.Scene)) [][]*results.Table {
	return results.Group(scenes, func(s *results.Table) results.Scene {
		key := s.Scene
		blank(&key)
		return key
	})
}

func buildOf(s *results.Table) string { return s.OpenSSL }

// byBuild puts scenes together that differ in OpenSSL alone: they share a panel.
func byBuild(scenes []*results.Table) [][]*results.Table {
	groups := grouped(scenes, func(s *results.Scene) { s.OpenSSL = "" })
	for _, g := range groups {
		slices.SortStableFunc(g, func(a, b *results.Table) int { return version.Compare(a.OpenSSL, b.OpenSSL) })
	}
	return groups
}

// addRows makes such a panel: the builds of each strategy below one another, or the
// values of a sweep, of which one alone says nothing. Where all of a strategy's say the
// same, and that is not a value, one row says it.
func (f *Figure) addRows(d *Data, group []*results.Table, what string, ch *rowChart, rowOf func(*results.Row) row) *Panel {
	for _, name := range results.Strategies(group...) {
		var strip []row
		for _, s := range group {
			of := s.Row(name)
			if of == nil {
				continue
			}
			r := rowOf(of)
			r.name, r.look = name, lookOf(name)
			if len(group) > 1 {
				r.place = ch.placeOf(s)
			}
			strip = append(strip, r)
		}
		if !slices.ContainsFunc(strip, func(r row) bool { return r.empty == "" || r.empty != strip[0].empty }) {
			strip[0].place = ""
			strip = strip[:1]
		}
		if ch.sweep != nil && !slices.ContainsFunc(strip[1:], func(r row) bool { return r.empty == "" }) {
			continue
		}
		ch.rows = append(ch.rows, strip...)
	}
	return f.add(d, group, what, ch)
}

// intervals says what the bars of a caption are.
func (d *Data) intervals() string {
	return fmt.Sprintf("%s %% intervals", number.Figures(100*d.Confidence))
}

// whyNone says why a strategy has no value of a cost.
func whyNone(r *results.Row) string {
	switch {
	case r.Throughput > 0 && r.Undamaged > 0:
		return fmt.Sprintf("no value in %s", number.Count(r.Undamaged, "undamaged trial"))
	case r.Throughput > 0:
		return fmt.Sprintf("no value: 0 of %s undamaged", number.Count(r.Throughput, "trial"))
	case r.Verdict.Worst() == results.NotApplicWord, r.Verdict.Worst() == results.SkippedWord:
		return string(r.Verdict.Worst())
	case r.NoCost == results.NotCarriedOut:
		return "could not be carried out"
	}
	return cmp.Or(string(r.NoCost), "no trial")
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
