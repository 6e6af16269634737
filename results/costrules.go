package results

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tlsbench/results/inference"
	"tlsbench/results/number"
)

// slowdown is the rule that one strategy has at most so much less throughput than
// another, and in duets costs so much processor time that this follows. It holds where
// that was shown: the one-sided t-test on the ratios of the same rounds rejects a
// greater slowdown at 5 %. (A ratio that merely is not significantly lower would let
// noise pass.)
type slowdown struct {
	strategy, baseline string
	limit              float64
}

// minRounds is the smallest number of rounds that a slowdown, or a cost of nothing, is
// judged on: as many as an order-statistic interval at 95 % needs, so that the claim
// does not rest on the shape of the distribution alone.
const minRounds = 6

const checkAlpha = 0.05

func parseSlowdown(text string) (check, error) {
	names, limit, ok := cutLast(text, "=")
	strategy, baseline, both := strings.Cut(names, "/")
	if !ok || !both || strategy == "" || baseline == "" || strategy == baseline {
		return nil, fmt.Errorf("want STRATEGY/BASELINE=PERCENT, such as hwm/%s=2%%", NegativeControl)
	}
	share, err := percent(limit)
	if err != nil {
		return nil, err
	}
	return slowdown{strategy, baseline, share}.check, nil
}

func (r slowdown) check(g *gatherer) (findings, error) {
	var f findings
	for _, name := range []string{r.strategy, r.baseline} {
		if err := g.knows(name); err != nil {
			return f, err
		}
	}
	for _, scene := range g.sorted() {
		sides := g.scenes[scene]
		s := sides[r.strategy]
		switch {
		case s == nil: // the scene makes no claim
		case len(s.duet.pairs) > 0:
			if scene.Against() == r.baseline {
				f.places++
				s.duet.judge(&f, scene.String(), 0, 1/(1-r.limit))
			}
		case s.trialsOf(Handshake)+sides[r.baseline].trialsOf(Handshake) > 0:
			f.places++
			r.judge(&f, scene.String(), sides)
			if why := r.unsupported(sides, g.workers); why != "" {
				f.lack(scene.String(), "%s", why)
			}
			f.mark(scene.String(), g.mark(scene))
		}
	}
	if f.places == 0 {
		f.lack(g.filter(), "no throughput trial of %s, and no duet with %s", r.strategy, r.baseline)
	}
	return f, nil
}

// judge says why the rule does not hold, or cannot be told to.
func (r slowdown) judge(f *findings, place string, sides map[string]*sample) {
	for _, name := range []string{r.baseline, r.strategy} {
		side := sides[name]
		if side.trialsOf(Handshake) == 0 {
			f.lack(place, "no throughput trial of %s", name)
			return
		}
		if t := side.throughput.tally; t.failed > 0 {
			f.lack(place, "%s: %s", name, couldNot(&t))
			return
		} else if t.damaged > 0 {
			f.add(place, "%d of %s of %s damaged: no throughput to speak of", t.damaged, number.Count(t.trials, "trial"), name)
			return
		}
	}
	p := pair(&sides[r.strategy].throughput.columns, &sides[r.baseline].throughput.columns, HandshakesPerSec)
	if len(p.a) < minRounds {
		f.lack(place, "%d rounds in common: too few, need %d", len(p.a), minRounds)
		return
	}
	if inference.RatioAbove(p.a, p.b, 1-r.limit) < checkAlpha {
		return
	}
	ratio := figure(inference.PairedRatio(p.a, p.b, 1-checkAlpha))
	found, verdict := f.lack, "not shown to be within the limit"
	if ratio.High < 1-r.limit {
		found, verdict = f.add, "beyond the limit"
	}
	found(place, "throughput is %s of %s's in %d rounds: %s", number.Ratio(ratio.Value)+" "+number.Between(ratio.Low, ratio.High, number.Ratio), r.baseline, ratio.N, verdict)
}

// muchDisturbed is the share of disturbed trials beyond which they support no
// claim on a cost: then the median trial itself is a disturbed one.
const muchDisturbed = 0.5

// unsupported says why trials say more about the machine than about the
// strategies, "" if they do not.
func (r slowdown) unsupported(sides map[string]*sample, workers []int) string {
	for _, name := range []string{r.baseline, r.strategy} {
		if sides[name] == nil {
			continue
		}
		if list := sides[name].throughput.disturbed(workers, muchDisturbed); len(list) > 0 {
			return fmt.Sprintf("the data cannot support the claim: %s of %s", strings.Join(list, ", "), name)
		}
	}
	return ""
}

// steady is the rule that a cost is known well enough: the 95 % order-statistic
// interval of the median over the trials of each strategy lies within a share
// of the median.
type steady struct {
	unit  string
	share float64
}

func parseSteady(text string) (check, error) {
	unit, limit, ok := cutLast(text, "=")
	if !ok {
		return nil, errors.New("want UNIT=PERCENT, such as warm-handler-ns=10%")
	}
	share, err := percent(limit)
	if err != nil {
		return nil, err
	}
	return steady{unit, share}.check, nil
}

func (r steady) check(g *gatherer) (findings, error) {
	var f findings
	if units := g.units(); len(units) > 0 && !slices.Contains(units, r.unit) {
		return f, fmt.Errorf("no trial has it; the files have %s", strings.Join(units, ", "))
	}
	for _, scene := range g.sorted() {
		for _, name := range sortedNames(g.scenes[scene]) {
			for _, m := range []Measure{Handshake, Fork} {
				s := g.scenes[scene][name].times(m)
				if s.values[r.unit] == nil {
					continue // temp-thread has no handler, say
				}
				f.places++
				r.judge(&f, scene.String()+", "+name, s)
			}
		}
		f.mark(scene.String(), g.mark(scene))
	}
	if f.places == 0 {
		f.lack(g.filter(), "no trial has %s", r.unit)
	}
	return f, nil
}

// judge says why the rule does not hold, or cannot be told to.
func (r steady) judge(f *findings, place string, s *timed) {
	median := s.median(r.unit, 1-checkAlpha)
	print := number.Of(r.unit)
	off := max(median.High-median.Value, median.Value-median.Low) / median.Value
	switch {
	case s.failed > 0:
		f.lack(place, "%s", couldNot(&s.tally))
	case median.N < minRounds:
		f.lack(place, "%s: too few for an interval, need %d", number.Count(median.N, "trial"), minRounds)
	case !(median.Value > 0):
		f.lack(place, "the median is %s, so it has no relative interval", print(median.Value))
	case off > r.share:
		f.add(place, "the median of %s is %s %s: up to %s %% away", number.Count(median.N, "trial"), print(median.Value),
			number.Between(median.Low, median.High, print), number.Figures(100*off))
	}
}

// units lists those that any trial has a cost in.
func (g *gatherer) units() []string {
	all := make(map[string][]point)
	for _, samples := range g.scenes {
		for _, s := range samples {
			maps.Copy(all, s.throughput.values)
			maps.Copy(all, s.forks.values)
		}
	}
	return slices.SortedFunc(maps.Keys(all), compareUnits)
}
