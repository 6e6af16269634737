package page

import (
	"math"
	"strconv"
	"strings"

	"tlsbench/results"
)

// Figures is the comparison as one long table, a line for each number, so that
// any tool can filter and turn it.
func Figures(c *results.Comparison) *Document {
	t := &Table{Head: []string{"machine", "openssl", "hazard", "load", "heap", "settings", "workers", "strategy", "controls",
		"verdict", "metric", "unit", "relative_to", "k", "n", "value", "low", "high", "p_adjusted", "same", "warnings"}}
	for scene, r := range results.Rows(c.Tables) {
		figures(t, scene, r, c.Baseline)
	}
	return &Document{Parts: []Part{t}, Data: c}
}

func figures(t *Table, scene *results.Table, r *results.Row, baseline string) {
	mark := scene.Mark
	if mark == "" {
		mark = "ok"
	}
	before := len(t.Rows)
	line := func(rest ...any) {
		t.Add(append([]any{scene.Machine, scene.OpenSSL, scene.Hazard, scene.Load, scene.Heap, scene.Settings, scene.Workers,
			r.Strategy, mark, r.Verdict.Short()}, rest...)...)
	}
	add := func(metric, unit, to, k string, f results.Figure, p, same string, more ...string) {
		if f.N > 0 {
			warnings := strings.Join(append(f.Warnings[:len(f.Warnings):len(f.Warnings)], more...), "; ")
			line(metric, unit, to, k, f.N, exact(f.Value), exact(f.Low), exact(f.High), p, same, warnings)
		}
	}
	fisher := math.NaN()
	if r.Fisher != nil {
		fisher = *r.Fisher
	}
	add("damaged", results.DamagedPerTrial, "", strconv.Itoa(r.Verdict.Damaged), r.Probability, exact(fisher), "")
	if e := r.HandshakeRange; e.Most > 0 {
		undamaged := r.Verdict.Trials - r.Verdict.Damaged
		add("handshakes-in-undamaged-trials", "handshakes/trial", "", "",
			results.Figure{N: undamaged, Value: math.NaN(), Low: float64(e.Least), High: float64(e.Most)}, "", "")
	}
	for _, k := range r.Events {
		add("events", k.Kind, "", strconv.Itoa(k.Trials), results.Figure{N: r.Verdict.Trials, Value: float64(k.Events), Low: math.NaN(), High: math.NaN()}, "", "")
	}
	add("passive", results.PassivePerMhs, "", "", r.Passive, "", "")
	add("foreign-errors", results.ForeignPerMcheck, "", "", r.Foreign, "", "")
	add("repeats", results.RepeatsPerMdraw, "", "", r.Repeats, "", "")
	add("lost-slots", "lost-slots/fork", "", "", r.Lost, "", "")
	add("kept", results.KeptBytes, "", "", r.Kept, "", "")
	for _, cost := range r.Costs {
		add("median", cost.Unit, "", strconv.Itoa(r.Undamaged), cost.Median, "", "", cost.Disturbed...)
		add("ratio", cost.Unit, baseline, "", cost.Ratio.Figure, exact(cost.Ratio.Adjusted), strconv.FormatBool(cost.Ratio.Same), cost.Disturbed...)
	}
	if d := r.Duet; d != nil {
		to := scene.Against()
		add("duet", results.CPURatio, to, "", d.Cost.Figure, exact(d.Cost.Adjusted), strconv.FormatBool(d.Cost.Same))
		add("duet", results.TotalRatio, to, "", d.Total, "", "")
		add("duet", results.InstructionRatio, to, "", d.Instructions, "", "")
	}
	if len(t.Rows) == before { // skipped, say: the reason must not get lost
		line("damaged", results.DamagedPerTrial, "", "0", "0", "", "", "", "", "", r.Verdict.Reason)
	}
}

// exact is empty for what is not a number.
func exact(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return ""
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}
