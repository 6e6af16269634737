package page

import (
	"fmt"
	"slices"

	"tlsbench/results"
	"tlsbench/results/inference"
	"tlsbench/results/number"
)

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
	{"all blocks added up", ofDuet(func(c *results.DuetCost) results.Figure { return c.Total }), nil},
	{"instructions", ofDuet(func(c *results.DuetCost) results.Figure { return c.Instructions }), nil},
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
	cell := ofDuet(func(c *results.DuetCost) results.Figure { return c.Cost.Figure })(r)
	if cell.Text == "" {
		return cell
	}
	word := r.Duet.Word
	if word == results.NotResolved {
		word += ": up to " + number.Change(r.Duet.Far())
	}
	cell.Detail += " " + word
	return cell
}

func ofDuet(of func(*results.DuetCost) results.Figure) func(*results.Row) Cell {
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
