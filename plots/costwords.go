package plots

import (
	"fmt"
	"math"
	"strings"

	"tlsbench/results"
)

// unresolved is how small a difference the interval of a ratio cannot tell
// from none: half its width, as a share.
func unresolved(r results.Ratio) (share float64, ok bool) {
	if !finite(r.Low) || !finite(r.High) || r.Low <= 0 {
		return 0, false
	}
	return math.Sqrt(r.High/r.Low) - 1, true
}

// shownToDiffer is the one inference of all texts: the test, corrected for the
// other strategies of the table, and the interval have to say it.
func (d *Data) shownToDiffer(q results.Ratio) bool {
	return q.Known() && q.Differs(1-d.Confidence) && (q.Low > 1 || q.High < 1)
}

// differsExplained goes with every table and figure of ratios.
func (d *Data) differsExplained() string {
	return fmt.Sprintf("differs: by the signed-rank test, corrected for the other strategies of the table (Holm), and by the interval. Intervals are not corrected, so that one may exclude 1 without that word. same: shown to be within ± %s.", percent(d.Margin))
}

// change prints a ratio as a change from the baseline.
func change(x float64) string {
	text := trim(100 * (x - 1))
	if x >= 1 {
		text = "+" + text
	}
	return strings.Replace(text, "-", "−", 1) + " %"
}

// coarse prints a share in two figures, rounded up.
func coarse(share float64) string { return trim(ceilTo(100*share, 2)) + " %" }

// plainCosts lists the ratios to the baseline of one metric with OpenSSL alone,
// a build each.
func plainCosts(d *Data, name, unit string) (builds []string, ratios []results.Ratio) {
	for _, s := range d.mainCosts() {
		r := s.row(name)
		if r == nil || s.Hazard != plainHazard {
			continue
		}
		if c, ok := costOf(r, unit); ok && c.Ratio.Known() {
			builds, ratios = append(builds, s.OpenSSL), append(ratios, c.Ratio)
		}
	}
	return builds, ratios
}

// costPhrase gives the server's CPU time relative to the baseline under hazard
// plain: on few cores throughput is the peers' as well.
func costPhrase(d *Data, name string) string {
	if name == d.Baseline {
		return "The baseline of all costs"
	}
	what := "CPU/handshake"
	builds, ratios := plainCosts(d, name, results.CPUPerHandshake)
	if len(builds) == 0 {
		what = "Throughput"
		builds, ratios = plainCosts(d, name, results.HandshakesPerSec)
	}
	if len(builds) == 0 {
		return ""
	}
	var differ, alike []string
	same, known, worst := true, true, 0.0
	for i, q := range ratios {
		if d.shownToDiffer(q) {
			differ = append(differ, fmt.Sprintf("%s on %s", change(q.Value), builds[i]))
			continue
		}
		alike, same = append(alike, builds[i]), same && q.Same
		share, ok := unresolved(q)
		known, worst = known && ok, math.Max(worst, share)
	}
	var parts []string
	if len(differ) > 0 {
		parts = append(parts, fmt.Sprintf("%s differs from that of %s: %s", what, d.Baseline, strings.Join(differ, ", ")))
	}
	if len(alike) > 0 {
		where := onBuilds(alike, len(builds))
		switch {
		case same:
			parts = append(parts, fmt.Sprintf("%s shown to be that of %s within %s %s", what, d.Baseline, percent(d.Margin), where))
		case !known:
			parts = append(parts, fmt.Sprintf("%s not shown to differ from that of %s %s; too few rounds for an interval", what, d.Baseline, where))
		default:
			parts = append(parts, fmt.Sprintf("%s not shown to differ from that of %s %s; differences under %s are not resolved", what, d.Baseline, where, coarse(worst)))
		}
	}
	return strings.Join(parts, "; ")
}

// handlerPhrase gives the time in the strategy's own at-fork handlers.
func handlerPhrase(d *Data, name string) string {
	times := newSpan()
	for _, s := range d.mainForks() {
		r := s.row(name)
		if r == nil || s.Hazard != plainHazard {
			continue
		}
		if c, ok := costOf(r, handlerCold); ok && c.Median.Known() && c.Median.Value > 0 {
			times.add(c.Median.Value)
		}
	}
	switch {
	case times.empty():
		return ""
	case duration(times.low) == duration(times.high):
		return fmt.Sprintf("Its at-fork handlers take %s", duration(times.low))
	}
	return fmt.Sprintf("Its at-fork handlers take %s to %s", duration(times.low), duration(times.high))
}

// cpuTable is CPU/handshake relative to the baseline, strategies by builds.
func cpuTable(d *Data) *pageTable {
	var scenes []*Scene
	for _, s := range d.mainCosts() {
		if s.Hazard == plainHazard && s.Heap == "global" && s.Settings == "" {
			scenes = append(scenes, s)
		}
	}
	if len(scenes) == 0 {
		return nil
	}
	t := &pageTable{Hazard: plainHazard, Head: []string{"strategy"}, Title: fmt.Sprintf(
		"Cost: CPU time of the workers for each handshake, relative to %s in the same round. ≈ stands for: not shown to differ, differences under that share are not resolved", d.Baseline)}
	for _, s := range scenes {
		t.Head = append(t.Head, columnTitle(s, scenes))
	}
	for _, name := range strategiesOf(scenes) {
		row := pageRow{Name: name, Hazard: plainHazard}
		any := false
		for i, s := range scenes {
			cell := s.cpuCell(d, name)
			cell.Head = t.Head[i+1]
			any = any || cell.Sort != ""
			row.Cells = append(row.Cells, cell)
		}
		if any {
			t.Rows = append(t.Rows, row)
		}
	}
	if len(t.Rows) < 2 {
		return nil
	}
	return t
}

func (s *Scene) cpuCell(d *Data, name string) pageCell {
	r := s.row(name)
	if r == nil {
		return pageCell{Text: "–"}
	}
	c, ok := costOf(r, results.CPUPerHandshake)
	switch {
	case !ok || !c.Median.Known():
		return pageCell{Text: s.whyNone(r)}
	case name == d.Baseline:
		return pageCell{Text: byUnit(c.Unit)(c.Median.Value), Sort: "1"}
	case !c.Ratio.Known():
		return pageCell{Text: "–"}
	}
	cell := pageCell{Sort: number(c.Ratio.Value)}
	share, known := unresolved(c.Ratio)
	switch {
	case d.shownToDiffer(c.Ratio):
		cell.Text, cell.Detail = change(c.Ratio.Value), between(c.Ratio.Low, c.Ratio.High, change)
	case c.Ratio.Same:
		cell.Text = "the same within " + percent(d.Margin)
	case !known:
		cell.Text = "too few rounds"
	default:
		cell.Text = "≈ (" + coarse(share) + ")"
	}
	if c.Ratio.N < c.Median.N && r.Undamaged < r.Throughput {
		cell.Detail = strings.TrimSpace(fmt.Sprintf("%s %d of %d undamaged", cell.Detail, r.Undamaged, r.Throughput))
	}
	if len(c.Disturbed) > 0 {
		cell.Detail = strings.TrimSpace(cell.Detail + " disturbed: " + strings.Join(c.Disturbed, ", "))
	}
	return cell
}
