package plots

import (
	"fmt"
	"math"
	"slices"

	"tlsbench/results"
	"tlsbench/results/number"
)

// damage is figure 3: how many attempts it takes until a trial is damaged, and how
// often trials are, all builds on one axis.
func damage(d *Data) *Figure {
	f := &Figure{ID: "damage", Title: "How often is something damaged?"}
	f.Empty = "no trial looked for corruption"
	if len(d.fullyJudged()) > 0 {
		f.Empty = fmt.Sprintf("no strategy has %d trials in any cell", minLives)
	}
	for _, group := range byBuild(d.wellJudged()) {
		f.addRates(d, group, "First damage", "first damage of a trial per million attempts", firstRow)
		share := &rowChart{axis: axis{label: "share of trials damaged", print: number.Percent, zero: true}}
		f.addRows(d, group, "Damaged trials", share, judged(func(r *results.Row) row {
			share.n.Add(r.Verdict.Trials)
			p := r.Probability
			return row{mid: p.Value, low: p.Low, high: p.High, zero: r.Verdict.Damaged == 0, note: damagedNote(r)}
		}))
		f.addRates(d, group, "Errors of another worker, active checks", "foreign errors per million checks", func(r *results.Row) row {
			return rateRow(r.Foreign)
		})
	}
	f.Caption = fmt.Sprintf("An arrow to 0 begins at the upper bound if no trial showed anything. First damage: per million attempted connections, good and bad, up to the damage; valid if the risk does not rise with a trial's age. Damaged trials: with any damage. Errors of another worker: found by an active check of the error queue. Rates are on logarithmic axes. "+
		"Bars are %s (exact for trials; rates include the spread between trials); bounds for zero events are one-sided at 95 %%. "+
		"%s. Combinations of fewer than %d trials, or whose trials ended at the third damaged one, are in the verdict map alone.",
		d.intervals(), f.trials("corruption trials", "row"), minLives)
	return f
}

// addRates adds a panel of rates, on a logarithmic axis with a lane for none.
func (f *Figure) addRates(d *Data, group []*results.Table, what, label string, rowOf func(*results.Row) row) {
	chart := &rowChart{axis: axis{label: label, print: number.Short, log: true, lane: true}}
	f.addRows(d, group, what, chart, judged(rowOf))
}

// judged makes rows of strategies that have a verdict; the others have a word.
func judged(rowOf func(*results.Row) row) func(*results.Row) row {
	return func(r *results.Row) row {
		if r.Verdict.Trials == 0 {
			return noValue(string(r.Verdict.Worst()))
		}
		return rowOf(r)
	}
}

// minLives is how many trials of a strategy a panel of damage needs, as many as
// the interval of a median: of one or two there is nothing to say but the
// verdict.
const minLives = 6

// wellJudged lists the scenes that have so many, and in which damage ended no
// strategy's trials: there is no rate then.
func (d *Data) wellJudged() []*results.Table {
	return slices.DeleteFunc(d.fullyJudged(), func(s *results.Table) bool {
		return s.Ended() || !slices.ContainsFunc(s.Rows, func(r *results.Row) bool { return len(r.Lifetimes) >= minLives })
	})
}

func damagedNote(r *results.Row) string {
	if r.Verdict.Damaged == 0 {
		return r.Counts() + "  " + number.AtMost(r.Probability.High)
	}
	return r.Counts()
}

func firstRow(r *results.Row) row {
	switch {
	case r.Stopped:
		return noValue(damagedNote(r) + ": no rate, because damage ended the trials")
	case r.Verdict.Damaged == 0 && finite(r.FirstDamage.High):
		return row{high: r.FirstDamage.High, zero: true, note: "≤ " + number.Short(number.Up(r.FirstDamage.High, 3))}
	}
	return rateRow(r.FirstDamage)
}

// rateRow is a rate with its interval or, where nothing was seen, its bound.
func rateRow(p results.Estimate) row {
	switch {
	case !p.Known() || math.IsInf(p.Value, 0):
		return noValue(fmt.Sprintf("nothing counted in %s", number.Count(p.N, "trial")))
	case p.Value > 0 && p.N == 1:
		// One trial does not tell how far trials lie apart.
		return row{mid: p.Value, low: math.NaN(), high: math.NaN(), note: number.Short(p.Value) + "  one trial"}
	case p.Value == 0:
		return row{high: p.High, zero: true, note: fmt.Sprintf("≤ %s  n=%d", number.Short(number.Up(p.High, 3)), p.N)}
	}
	return row{mid: p.Value, low: p.Low, high: p.High, note: fmt.Sprintf("%s  n=%d", number.Short(p.Value), p.N)}
}
