package plots

import (
	"fmt"
	"math"

	"tlsbench/results"
)

// corruption is figure 5: the share of damaged trials, and the passive rate on
// a log axis with a lane for those that have no event.
func corruption(d *Data) *Figure {
	f := &Figure{ID: "corruption", Title: "Corruption", Columns: 2}
	axes := d.passiveAxes()
	for _, s := range d.Scenes {
		if s.controlsOnly(d) {
			continue // they stand in the verdict map
		}
		damaged, any1 := damagedPanel(s, d)
		passive, any2 := passivePanel(s, d, axes[s.OpenSSL])
		if any1 || any2 {
			// Both, so that they stay in their columns; an empty one says why.
			f.Panels = append(f.Panels, damaged, passive)
		}
	}
	f.Empty = d.noCost(f, "no trial looked for corruption")
	f.words = func(_ []*Panel, n tally) string {
		return fmt.Sprintf("Damaged trials: share of trials with any damage, active checks on. Passive corruption rate: active checks off, logarithmic axis, the same in all panels of a build; "+
			"an arrow into the lane 0 starts at the upper bound of what was not seen. An arrow at the edge is an end that lies beyond it. Bars are %s (exact for trials; for rates widened by the spread from trial to trial), bounds of nothing seen are one-sided at 95 %%. "+
			"%d trials with active checks, %s for each strategy and panel. Baseline of comparisons: %s.",
			d.intervals(), n.total, n.String(), d.Baseline)
	}
	return f
}

func damagedPanel(s *Scene, d *Data) (panel *Panel, any bool) {
	chart := rowChart{scale: scale{label: "share of trials damaged", print: percent, zero: true}}
	var n tally
	for _, name := range s.names() {
		r := s.row(name)
		if r.Verdict.Trials == 0 {
			chart.rows = append(chart.rows, noValue(name, string(r.Verdict.Worst())))
			continue
		}
		n.add(r.Verdict.Trials)
		p := r.Probability
		chart.rows = append(chart.rows, row{
			label: name, look: lookOf(name), mid: p.Value, low: p.Low, high: p.High, zero: r.Verdict.Damaged == 0,
			note: damagedNote(r),
		})
	}
	p := newPanel(s, d, "Damaged trials")
	p.Alt, p.n = describe(chart.rows, percent), n
	p.show(&chart)
	return p, anyValue(chart.rows)
}

func damagedNote(r *results.Row) string {
	if r.Verdict.Damaged == 0 {
		return fmt.Sprintf("0/%d  ≤ %s", r.Verdict.Trials, percent(roundUp(r.Probability.High)))
	}
	return fmt.Sprintf("%d/%d", r.Verdict.Damaged, r.Verdict.Trials)
}

// passiveAxes gives the panels of a build one axis, so that they can be held
// against one another.
func (d *Data) passiveAxes() map[string]*span {
	axes := make(map[string]*span)
	for _, s := range d.Scenes {
		if s.controlsOnly(d) {
			continue
		}
		// Of rates and bounds alone: an interval of two trials spans decades,
		// and has an arrow.
		for _, r := range s.passiveChart().rows {
			v := r.mid
			if r.zero {
				v = r.high
			}
			if !finite(v) || v <= 0 {
				continue
			}
			if axes[s.OpenSSL] == nil {
				axes[s.OpenSSL] = new(newSpan())
			}
			axes[s.OpenSSL].add(v/3, v*3)
		}
	}
	return axes
}

func (s *Scene) passiveChart() *rowChart {
	chart := &rowChart{scale: scale{label: "corruptions per million handshakes", print: figures3, log: true}, zeroLane: true}
	for _, name := range s.names() {
		chart.rows = append(chart.rows, passiveRow(s, s.row(name)))
	}
	return chart
}

func passivePanel(s *Scene, d *Data, axis *span) (panel *Panel, any bool) {
	chart := s.passiveChart()
	chart.shared = axis
	p := newPanel(s, d, "Passive corruption rate, corruptions/Mhs")
	p.Alt = describe(chart.rows, figures3)
	p.show(chart)
	return p, anyValue(chart.rows)
}

func passiveRow(s *Scene, r *results.Row) row {
	p := r.Passive
	switch {
	case p.N == 0:
		return noValue(r.Strategy, s.whyUnseen(r))
	case !p.Known() || math.IsInf(p.Value, 0):
		return noValue(r.Strategy, fmt.Sprintf("no handshake in %s", count(p.N, "trial")))
	case p.Value > 0 && p.N == 1:
		// One trial does not tell how far trials lie apart.
		return row{label: r.Strategy, look: lookOf(r.Strategy), dots: []float64{p.Value}, mid: p.Value, low: math.NaN(), high: math.NaN(),
			note: figures3(p.Value) + "  one trial"}
	case p.Value == 0:
		return row{label: r.Strategy, look: lookOf(r.Strategy), mid: 0, low: 0, high: p.High, zero: true,
			note: fmt.Sprintf("≤ %s  n=%d", figures3(roundUp(p.High)), p.N)}
	}
	return row{label: r.Strategy, look: lookOf(r.Strategy), mid: p.Value, low: p.Low, high: p.High,
		note: fmt.Sprintf("%s  n=%d", figures3(p.Value), p.N)}
}

// whyUnseen says why there is no passive rate.
func (s *Scene) whyUnseen(r *results.Row) string {
	if why := s.of(r.Strategy).without[results.Corruption]; why != "" {
		return why
	}
	if n := s.of(r.Strategy).unchecked; n > 0 {
		return fmt.Sprintf("no handshake in %s", count(n, "trial"))
	}
	return "no trial with checks off"
}
