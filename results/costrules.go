package results

import (
	"fmt"
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
