package inference

import (
	"cmp"
	"math"
	"slices"
)

// lifetime is what is known of one subject: the event came at time, or had not
// come by then.
type lifetime struct {
	time     float64
	observed bool
}

type lifetimes []lifetime

// newLifetimes leaves out times that cannot be, and sorts.
func newLifetimes(times []float64, observed []bool) lifetimes {
	checkPaired("times and observed", len(times), len(observed))
	ls := make(lifetimes, 0, len(times))
	for i, t := range times {
		if finite(t) && t >= 0 {
			ls = append(ls, lifetime{t, observed[i]})
		}
	}
	return ls.sorted()
}

func (ls lifetimes) sorted() lifetimes {
	slices.SortFunc(ls, func(a, b lifetime) int { return cmp.Compare(a.time, b.time) })
	return ls
}

// moment is all that happened at one time.
type moment struct {
	time             float64
	atRisk           int // just before
	events, censored int
}

func (ls lifetimes) moments() []moment {
	var ms []moment
	for i, l := range ls {
		if i == 0 || l.time != ls[i-1].time {
			ms = append(ms, moment{time: l.time, atRisk: len(ls) - i})
		}
		m := &ms[len(ms)-1]
		if l.observed {
			m.events++
		} else {
			m.censored++
		}
	}
	return ms
}

// watchedTo is the longest time to which so many subjects were watched that
// they would not all have got there if the median were shorter: the chance of
// that is a half for each, and must be at most tail for all. 0 if there never
// were so many.
func (ls lifetimes) watchedTo(tail float64) float64 {
	enough := int(math.Ceil(-math.Log2(tail)))
	if len(ls) < enough {
		return 0
	}
	return ls[len(ls)-enough].time
}
