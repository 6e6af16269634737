package results

import (
	"fmt"
	"slices"
	"strings"

	"tlsbench/results/inference"
)

// regression is the rule that nothing got worse than in older files: no
// damage where there was none, not significantly more where there was some,
// no word "clean" lost, no lower throughput in relation to the oracle, and
// nothing missing.
//
// Throughput is compared through its ratio to key-owner of the same round, so
// that two runs may be days apart. The positive control is left out: it is
// there to be damaged.
type regression struct {
	files []string
	where []string
}

func (r regression) String() string { return "not worse than " + strings.Join(r.files, ", ") }

func (r regression) check(now *gatherer) (findings, error) {
	var f findings
	old, err := gather(r.where, r.files...)
	if err != nil {
		return f, err
	}
	if a, b := old.machines(), now.machines(); !overlap(a, b) {
		f.add("all files", "the machines differ, was %s, now %s", strings.Join(a, " and "), strings.Join(b, " and "))
		return f, nil
	}
	var tests []change
	for _, scene := range old.sorted() {
		f.marks(scene, old, now)
		for _, name := range sortedNames(old.scenes[scene]) {
			if name == PositiveControl {
				continue
			}
			f.places++
			c := change{scene: scene, strategy: name, old: old.scenes[scene][name], now: now.scenes[scene][name]}
			if why := c.plain(); why != "" {
				f.add(c.place(), "%s", why)
				continue
			}
			c.oldBase, c.nowBase = old.scenes[scene][NegativeControl], now.scenes[scene][NegativeControl]
			tests = append(tests, c)
		}
	}
	f.moreDamage(tests)
	f.slower(tests)
	if f.places == 0 {
		f.add(old.filter(), "no trial in the older files")
	}
	return f, nil
}

// marks reports failed controls on either side.
func (f *findings) marks(scene Scene, old, now *gatherer) {
	if mark := old.control(scene).Mark(); mark != "" {
		f.add(scene.String(), "older files: %s", mark)
	}
	if mark := now.control(scene).Mark(); mark != "" && now.scenes[scene] != nil {
		f.add(scene.String(), "%s", mark)
	}
}

func sortedNames(samples map[string]*sample) []string {
	var names []string
	for name := range samples {
		names = append(names, name)
	}
	slices.SortFunc(names, compareStrategies)
	return names
}

func (g *gatherer) machines() []string {
	var list []string
	for _, s := range g.sorted() {
		if !slices.Contains(list, s.Machine) {
			list = append(list, s.Machine)
		}
	}
	return list
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

// change is one strategy in one scene, then and now.
type change struct {
	scene            Scene
	strategy         string
	old, now         *sample
	oldBase, nowBase *sample
}

func (c change) place() string { return c.scene.String() + ", " + c.strategy }

// plain finds what needs no test. An event where there were none is news
// however few the trials: with a silent negative control, detectors do not
// make events up.
func (c change) plain() string {
	if c.now == nil {
		return "no trial any more"
	}
	was, is := c.old.verdict.verdict(), c.now.verdict.verdict()
	switch {
	case is.Failed+c.now.throughput.failed+c.now.unlooked.failed > 0:
		return c.now.couldNot()
	case was.Trials > 0 && is.Trials == 0:
		return fmt.Sprintf("was %s, now %s", was, is)
	case was.Undamaged() && is.Damaged > 0:
		return fmt.Sprintf("was %s, now %s, %d of %s damaged", was, is.words(), is.Damaged, trialCount(is.Trials))
	case was.Worst() == Clean && is.Worst() != Clean:
		return fmt.Sprintf("was clean, now %s: too few trials", is)
	case c.old.throughput.damaged == 0 && c.now.throughput.damaged > 0 && c.old.throughput.trials > 0:
		return fmt.Sprintf("%d of %s for throughput damaged, was none", c.now.throughput.damaged, trialCount(c.now.throughput.trials))
	}
	return ""
}

// moreDamage tests what was damaged before and is damaged more often now.
func (f *findings) moreDamage(tests []change) {
	p := make([]float64, len(tests))
	for i, c := range tests {
		a, b := c.old.verdict, c.now.verdict
		p[i] = inference.FisherExact(a.damaged, a.trials, b.damaged, b.trials)
	}
	for i, q := range inference.Holm(p) {
		a, b := tests[i].old.verdict, tests[i].now.verdict
		if q < checkAlpha && b.damaged*a.trials > a.damaged*b.trials {
			f.add(tests[i].place(), "%d/%d trials damaged, was %d/%d (Fisher's exact test, p = %s after Holm's correction)",
				b.damaged, b.trials, a.damaged, a.trials, figures(q))
		}
	}
}

// slower tests whether the throughput in relation to the oracle fell.
func (f *findings) slower(tests []change) {
	var places []string
	var then, since [][]float64
	var p []float64
	for _, c := range tests {
		if c.strategy == NegativeControl || c.old.handshakes() == 0 || c.oldBase.handshakes() == 0 {
			continue
		}
		a, b := logRatios(c.old, c.oldBase), logRatios(c.now, c.nowBase)
		if len(a) < minRounds || len(b) < minRounds {
			f.add(c.place(), "throughput cannot be compared: %d rounds with %s, was %d, need %d", len(b), NegativeControl, len(a), minRounds)
			continue
		}
		places, then, since = append(places, c.place()), append(then, a), append(since, b)
		p = append(p, inference.MannWhitney(a, b))
	}
	for i, q := range inference.Holm(p) {
		a, b := inference.Median(then[i], 0.95).Value, inference.Median(since[i], 0.95).Value
		if q < checkAlpha && b < a {
			f.add(places[i], "throughput is %s of %s's, was %s (Mann-Whitney test, p = %s after Holm's correction)",
				ratioOf(b), NegativeControl, ratioOf(a), figures(q))
		}
	}
}

// logRatios are the logarithms of a sample's throughput ratios by round.
func logRatios(s, base *sample) []float64 {
	if s.handshakes() == 0 || base.handshakes() == 0 {
		return nil
	}
	p := pair(s.cost[Handshake], base.cost[Handshake], HandshakesPerSec)
	return inference.LogRatios(p.a, p.b)
}
