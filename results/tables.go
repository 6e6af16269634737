package results

import (
	"fmt"
	"iter"
	"slices"

	"tlsbench/strategies/catalogue"
)

// What pages and figures ask of tables.

// Row is the one of a strategy, nil if there is none.
func (t *Table) Row(strategy string) *Row {
	r, _ := find(t.Rows, func(r *Row) bool { return r.Strategy == strategy })
	return r
}

// Judged reports whether any trial of the scene could have got a verdict.
func (t *Table) Judged() bool {
	return slices.ContainsFunc(t.Rows, func(r *Row) bool { return r.Verdict.Worst() != NoTrials })
}

// Ended reports whether damage ended the trials of a strategy: then its scene has
// no rates to compare.
func (t *Table) Ended() bool {
	return slices.ContainsFunc(t.Rows, func(r *Row) bool { return r.Stopped })
}

// Counts gives k/n, and "k of n" where damage ended the trials: that is no share.
func (r *Row) Counts() string {
	if r.Stopped {
		return fmt.Sprintf("%d of %d", r.Verdict.Damaged, r.Verdict.Trials)
	}
	return fmt.Sprintf("%d/%d", r.Verdict.Damaged, r.Verdict.Trials)
}

// Rows gives those of all tables, each with its table.
func Rows(tables []*Table) iter.Seq2[*Table, *Row] {
	return func(yield func(*Table, *Row) bool) {
		for _, t := range tables {
			for _, r := range t.Rows {
				if !yield(t, r) {
					return
				}
			}
		}
	}
}

// Strategies lists those of all tables, in the order of the catalogue.
func Strategies(tables ...*Table) []string {
	var list []string
	for _, r := range Rows(tables) {
		list = append(list, r.Strategy)
	}
	slices.SortFunc(list, catalogue.Compare)
	return slices.Compact(list)
}

// Distinct lists what elements have, each once, in their order.
func Distinct[E any](list []E, of func(E) string) []string {
	var values []string
	for _, e := range list {
		if v := of(e); !slices.Contains(values, v) {
			values = append(values, v)
		}
	}
	return values
}

// find gives the first element that is the one; false if none is.
func find[E any](list []E, isOne func(E) bool) (found E, there bool) {
	if i := slices.IndexFunc(list, isOne); i >= 0 {
		return list[i], true
	}
	return found, false
}

// Group puts elements together that have the same key, in their order.
func Group[E any, K comparable](list []E, key func(E) K) [][]E {
	var groups [][]E
	index := make(map[K]int)
	for _, e := range list {
		k := key(e)
		i, ok := index[k]
		if !ok {
			i = len(groups)
			index[k], groups = i, append(groups, nil)
		}
		groups[i] = append(groups[i], e)
	}
	return groups
}

// Range is the least and the most of some numbers above 0, and their sum; all are 0
// if there are none.
type Range struct {
	Least int `json:"least"`
	Most  int `json:"most"`
	Total int `json:"-"`
}

// Add takes a number.
func (r *Range) Add(n int) { r.Join(Range{n, n, n}) }

// Join takes those of another range.
func (r *Range) Join(o Range) {
	switch {
	case o.Total == 0:
	case r.Total == 0:
		*r = o
	default:
		*r = Range{min(r.Least, o.Least), max(r.Most, o.Most), r.Total + o.Total}
	}
}

// String is "4" or "4 to 60".
func (r Range) String() string {
	if r.Least == r.Most {
		return fmt.Sprint(r.Least)
	}
	return fmt.Sprintf("%d to %d", r.Least, r.Most)
}
