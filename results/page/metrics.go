package page

import (
	"fmt"
	"slices"
	"strconv"

	"tlsbench/results"
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
	cell := shown(c.Ratio.Figure, number.Ratio)
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
