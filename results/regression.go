package results

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"tlsbench/results/inference"
	"tlsbench/results/number"
)

// regression is the rule that nothing got worse than in older files: no
// damage where there was none, not significantly more where there was some,
// no block shared that was not, no word "clean" lost, no lower throughput, no more
// processor time and no dearer fork in relation to the oracle, and nothing missing.
//
// Costs are compared through their ratio to key-owner of the same round, or to the
// other side of a duet, so that two runs may be days apart. The positive control is
// left out: it is there to be damaged.
type regression struct {
	files  []string
	where  []string
	margin float64 // by which a cost may have risen; 0: no rise may be found
}

func (r regression) check(now *gatherer) (ruling, error) {
	var f ruling
	old, err := gather(Options{Where: r.where}, r.files...)
	if err != nil {
		return f, err
	}
	if err := now.apart(old); err != nil {
		return f, err
	}
	for _, is := range now.inputs {
		for _, was := range old.inputs {
			if shardsOfOne(was.Plan, is.Plan) {
				return f, fmt.Errorf("%s and %s are shards of one run: neither is older", was.Base(), is.Base())
			}
		}
	}
	if a, b := old.machines(), now.machines(); !slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) }) {
		f.lack("all files", "the machines differ, was %s, now %s", strings.Join(a, " and "), strings.Join(b, " and "))
		return f, nil
	}
	for _, t := range changedTraits(old.inputs, now.inputs) {
		if slices.Contains([]string{corruptionLength, throughputLength, forkLength}, t[0].key) {
			f.lack("all files", "trials of unlike length say nothing about a change: they were %s, are %s", t[0].text, t[1].text)
			return f, nil
		}
	}
	var tests []change
	for _, scene := range old.sorted() {
		if mark := old.mark(scene); mark != "" {
			f.mark(scene.String(), "older files: "+mark)
		}
		if now.scenes[scene] != nil {
			f.mark(scene.String(), now.mark(scene))
		}
		if why, unforeseen := now.noFix(scene); why != "" && !unforeseen {
			f.note("%s: left out: %s", scene, why)
			continue
		}
		for _, c := range changes(old, scene, now, scene) {
			if c.strategy == PositiveControl {
				continue
			}
			if f.places++; !c.obvious(&f) {
				tests = append(tests, c)
			}
		}
	}
	f.moreDamage(tests)
	r.dearer(&f, tests, throughputCosts)
	r.dearer(&f, tests, forkCosts)
	r.dearer(&f, tests, duetCosts)
	if f.places == 0 {
		f.lack(old.filter(), "no trial in the older files that a fix could be judged by")
	}
	return f, nil
}

func (g *gatherer) machines() []string {
	return Distinct(g.sorted(), func(s Scene) string { return s.Machine })
}

// change is one strategy in one scene, then and now.
type change struct {
	scene            Scene
	strategy         string
	old, now         *sample
	oldBase, nowBase *sample
	// What the sharing trials showed, nil where there are none.
	oldShared, nowShared *SharedBlocks
}

// changes lists the strategies that a scene had; at is the scene of the newer files.
func changes(old *gatherer, scene Scene, now *gatherer, at Scene) []change {
	var list []change
	was, is := old.scenes[scene], now.scenes[at]
	for _, name := range sortedNames(was) {
		c := change{scene: scene, strategy: name, old: was[name], now: is[name], oldBase: was[NegativeControl], nowBase: is[NegativeControl]}
		c.oldShared = old.shared(scene, c.old)
		if c.now != nil {
			c.nowShared = now.shared(at, c.now)
		}
		list = append(list, c)
	}
	return list
}

// base is what costs are relative to.
func (c change) base() string { return cmp.Or(c.scene.Against(), NegativeControl) }

func (c change) ratios(cost comparedCost) comparedRatios {
	return comparedRatios{cost, c.place(), c.base(), logRatios(c.old, c.oldBase, cost), logRatios(c.now, c.nowBase, cost)}
}

func (c change) place() string { return c.scene.String() + ", " + c.strategy }

// obvious finds what needs no test, and reports whether there is something. An event
// where there were none is news however few the trials: with a silent negative
// control, detectors do not make events up.
func (c change) obvious(f *ruling) bool {
	if c.now == nil {
		f.lack(c.place(), "no trial any more")
		return true
	}
	was, is := c.old.looked.verdict(), c.now.looked.verdict()
	tried := c.now.looked.with(&c.now.throughput.tally).with(&c.now.unlooked).with(&c.now.forks.tally).with(&c.now.duet.tally)
	wasClean, all := c.old.verdict().share(c.oldShared).Worst() == Clean, c.now.verdict().share(c.nowShared)
	switch {
	case was.Undamaged() && is.Damaged > 0:
		f.add(c.place(), "was %s, now %s, %d of %s damaged", was, is.Short(), is.Damaged, number.Count(is.Trials, "trial"))
		return true
	case tried.failed > 0:
		f.lack(c.place(), "%s", couldNot(tried))
		return true
	case was.Trials > 0 && is.Trials == 0:
		f.lack(c.place(), "was %s, now %s", was, is)
		return true
	case c.sharesMore(f):
		return true
	case wasClean && all.Damaged == 0 && all.lacks() != "":
		f.lack(c.place(), "was clean, now %s in %s: %s", all.Worst(), number.Count(all.Trials, "trial"), all.lacks())
		return true
	case wasClean && all.Worst() == Shared:
		f.add(c.place(), "was clean, now %s in %s: shared memory", all.Worst(), number.Count(all.Trials, "trial"))
		return true
	}
	before := c.old.kinds()
	for i, k := range c.now.kinds() {
		if before[i].trials > 0 && before[i].damaged == 0 && k.damaged > 0 {
			f.add(c.place(), "%d of %s damaged, was none", k.damaged, number.Count(k.trials, "trial")+k.what)
			return true
		}
	}
	if c.old.unlooked.trials > 0 && c.now.unlooked.trials == 0 {
		f.lack(c.place(), "no trial with the active checks off any more")
		return true
	}
	return false
}

// sharesMore finds what processes share now and did not, and what can no longer be
// told of that. A block is known by the place that allocated it.
func (c change) sharesMore(f *ruling) bool {
	was, is := c.oldShared, c.nowShared
	switch {
	case was == nil:
		return false
	case c.now.sharing.tally.failed > 0:
		f.lack(c.place(), "%s", couldNot(&c.now.sharing.tally))
	case is == nil:
		f.lack(c.place(), "no sharing trial any more")
	default:
		for _, s := range is.Sites {
			if !slices.ContainsFunc(was.Sites, func(o SharedSite) bool { return o.place() == s.place() }) {
				f.add(c.place(), "%s, was %s: new is %s", is, was, s.Site)
				return true
			}
		}
		if is.Cut > was.Cut {
			f.lack(c.place(), "%s, was %s", is, was)
			return true
		}
		return false
	}
	return true
}

// kind is trials of one kind.
type kind struct {
	*tally
	what string
}

// kinds lists the trials that may be damaged; only the first have a verdict of
// their own.
func (s *sample) kinds() []kind {
	return []kind{{&s.looked, ""}, {&s.throughput.tally, " for throughput"}, {&s.unlooked, " with the active checks off"}, {&s.forks.tally, " of forks"}, {&s.duet.tally, " of duets"}}
}

// moreDamage tests what was damaged before and is damaged more often now. Where
// trials are so few that even damage to all of them would not be found, the data
// cannot support that it did not get worse.
func (f *ruling) moreDamage(tests []change) {
	type comparison struct {
		place    string
		old, now kind
	}
	var list []comparison
	var p, least []float64
	for _, c := range tests {
		after := c.now.kinds()
		for i, a := range c.old.kinds() {
			if b := after[i]; a.trials > 0 && b.trials > 0 {
				list = append(list, comparison{c.place(), a, b})
				p = append(p, inference.FisherExact(a.damaged, a.trials, b.damaged, b.trials))
				least = append(least, inference.FisherLeast(a.damaged+b.damaged, a.trials, b.trials))
			}
		}
	}
	found, able := inference.Tarone(p, least, checkAlpha)
	level := checkAlpha / float64(max(1, count(able)))
	for i, c := range list {
		a, b := c.old, c.now
		what := "trials" + a.what
		switch worst := inference.FisherExact(a.damaged, a.trials, b.trials, b.trials); {
		case found[i] && b.damaged*a.trials > a.damaged*b.trials:
			f.add(c.place, "%d/%d %s damaged, was %d/%d (Fisher's exact test, p = %s among %s)",
				b.damaged, b.trials, what, a.damaged, a.trials, number.Figures(p[i]), number.Count(count(able), "comparison"))
		case a.damaged > 0 && a.damaged < a.trials && worst > level:
			f.lack(c.place, "the data cannot support that damage is not more frequent: was %d/%d %s, and %d/%[4]d now would have p = %s in Fisher's exact test, need %s",
				a.damaged, a.trials, what, b.trials, number.Figures(worst), number.Figures(level))
		}
	}
}

func count(list []bool) (n int) {
	for _, b := range list {
		if b {
			n++
		}
	}
	return n
}

// comparedCost is a cost that must not rise, or a gain that must not fall.
type comparedCost struct {
	measure Measure
	unit    string
	what    string
	higher  bool // higher is better
}

var (
	throughputCosts = []comparedCost{{Handshake, HandshakesPerSec, "throughput", true}}
	forkCosts       = []comparedCost{{Fork, ForkP50, ForkP50, false}, {Fork, ReadyP50, ReadyP50, false}}
	duetCosts       = []comparedCost{{Duet, CPURatio, "processor time by duets", false}}
)

// comparedRatios are the log ratios to the oracle or to the other side of a duet,
// then and now.
type comparedRatios struct {
	cost        comparedCost
	place, base string
	was, now    []float64
}

// dearer tests whether costs in relation to the oracle rose. Without a margin a
// rise must not be found, and the rounds must be enough to find one: all costs
// are one family, which those leave that could find nothing anyway (Tarone). With
// a margin each cost must be shown to have risen by less.
func (r regression) dearer(f *ruling, tests []change, costs []comparedCost) {
	var list []comparedRatios
	for _, c := range tests {
		for _, cost := range costs {
			if c.strategy == NegativeControl || c.old.trialsOf(cost.measure) == 0 {
				continue
			}
			if cost.measure != Duet && c.oldBase.trialsOf(cost.measure) == 0 {
				f.note("%s: %s is not compared: no trial of %s in the older files", c.place(), cost.what, c.base())
				continue
			}
			r := c.ratios(cost)
			if len(r.was) < minRounds || len(r.now) < minRounds {
				f.lack(c.place(), "%s cannot be compared: %d rounds with %s, was %d, need %d", cost.what, len(r.now), r.base, len(r.was), minRounds)
				continue
			}
			list = append(list, r)
		}
	}
	if r.margin > 0 {
		for _, c := range list {
			c.within(f, r.margin)
		}
		return
	}
	var p, least []float64
	for _, c := range list {
		p = append(p, inference.MannWhitney(c.was, c.now))
		least = append(least, inference.MannWhitneyLeast(len(c.was), len(c.now)))
	}
	found, able := inference.Tarone(p, least, checkAlpha)
	for i, c := range list {
		a, b := c.medians()
		switch {
		case found[i] && b != a && (b < a) == c.cost.higher:
			f.add(c.place, "%s (Mann-Whitney test, p = %s among %s)", c, number.Figures(p[i]), number.Count(count(able), "comparison"))
		case !able[i]:
			f.lack(c.place, "the data cannot support that %s is not worse: among %s no difference could be found in %d rounds against %d; want more rounds, or a margin",
				c.cost.what, number.Count(len(list), "comparison"), len(c.now), len(c.was))
		}
	}
}

func (c comparedRatios) medians() (was, now float64) {
	return inference.Median(c.was, 0.95).Value, inference.Median(c.now, 0.95).Value
}

// String says how the cost changed.
func (c comparedRatios) String() string {
	was, now := c.medians()
	return fmt.Sprintf("%s is %s of %s's, was %s", c.cost.what, number.Ratio(math.Exp(now)), c.base, number.Ratio(math.Exp(was)))
}

// within wants it shown that the cost rose by less than the margin: ratios that
// are made better by the margin must be better than the old ones, by the
// one-sided Mann-Whitney test at 5 %. Every place has to show it, so there is
// nothing to correct for.
func (c comparedRatios) within(f *ruling, margin float64) {
	shift := math.Log1p(margin)
	if !c.cost.higher {
		shift = -shift
	}
	moved := make([]float64, len(c.now))
	for i, x := range c.now {
		moved[i] = x + shift
	}
	was, now := c.medians()
	better := (now+shift > was) == c.cost.higher && now+shift != was
	switch p := inference.MannWhitney(c.was, moved) / 2; {
	case better && p < checkAlpha:
	case !better && p < checkAlpha:
		f.add(c.place, "%s: worse by more than %s in %d rounds against %d", c, number.Percent(margin), len(c.now), len(c.was))
	default:
		f.lack(c.place, "%s: not shown to be worse by less than %s in %d rounds against %d", c, number.Percent(margin), len(c.now), len(c.was))
	}
}

// logRatios are the logarithms of a sample's ratios to the oracle by round, or of
// its duets to their other side.
func logRatios(s, base *sample, cost comparedCost) []float64 {
	if cost.measure == Duet {
		return slices.DeleteFunc(slices.Clone(s.duet.pairs), math.IsNaN)
	}
	if s.trialsOf(cost.measure) == 0 || base.trialsOf(cost.measure) == 0 {
		return nil
	}
	p := pair(&s.times(cost.measure).columns, &base.times(cost.measure).columns, cost.unit)
	return inference.LogRatios(p.a, p.b)
}
