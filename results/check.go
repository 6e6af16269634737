package results

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"tlsbench/results/inference"
	"tlsbench/results/number"
)

// CheckOptions are the claims to test, as a user writes them.
type CheckOptions struct {
	Expect      []string // "hwm=clean", "hwm=undamaged", "hwm=unshared" or "hwm=equivalent"
	MaxSlowdown []string // "hwm/key-owner=2%"
	Against     []string // older results files that these must not be worse than
	Margin      string   // "5%": costs must be shown to have risen by less than that, with Against
	AA          bool     // duets of a strategy with itself must not differ
	Where       []string // filters, as in Options
}

// Unmet counts the places where claims do not hold.
type Unmet struct {
	Broken    int // the data contradict the claim, or controls failed
	Undecided int // the data cannot support it
}

// Check tests claims on results files, for use in continuous integration. It
// prints one line for each place where a rule is broken or undecided, and one for
// each rule that holds; an error means that the rules or the files are no good.
//
// A rule is undecided where the data cannot support it: too few trials, or such as
// could not be carried out, no controls, a machine that was busy with other work.
func Check(w io.Writer, o CheckOptions, files ...string) (sum Unmet, err error) {
	rules, err := o.rules()
	if err != nil {
		return sum, err
	}
	now, err := gather(Options{Where: o.Where}, files...)
	if err != nil {
		return sum, err
	}
	for _, r := range rules {
		f, err := r.check(now)
		if err != nil {
			return sum, r.named(err)
		}
		sum.Broken += len(f.broken)
		sum.Undecided += len(f.undecided)
		var ok []string
		if len(f.broken)+len(f.undecided) == 0 {
			ok = append(ok, strings.TrimSuffix(fmt.Sprintf("holds in %s: %s", number.Count(f.places, "place"), f.bound), ": "))
		}
		for _, kind := range []struct {
			prefix string
			list   []string
		}{{"", f.notes}, {"broken: ", f.broken}, {"undecided: ", f.undecided}, {"ok: ", ok}} {
			for _, text := range kind.list {
				if _, err := fmt.Fprintf(w, "%s%s: %s\n", kind.prefix, r.text, text); err != nil {
					return sum, err
				}
			}
		}
	}
	return sum, nil
}

// A rule is one claim.
type rule struct {
	kind, text string // the text is the user's; the kind names it in errors
	check      check
}

type check func(*gatherer) (ruling, error)

func (r rule) named(err error) error {
	if r.kind == "" {
		return err
	}
	return fmt.Errorf("%s %q: %w", r.kind, r.text, err)
}

// ruling is what came of one rule: in how many places it was looked at,
// and where and why it does not hold, or cannot be told to.
type ruling struct {
	places            int
	broken, undecided []string
	notes             []string // what is worth knowing in any case
	bound             string   // what the trials bound, where the rule holds
}

func (f *ruling) note(format string, args ...any) {
	f.notes = append(f.notes, fmt.Sprintf(format, args...))
}

func (f *ruling) add(place, format string, args ...any) {
	f.broken = append(f.broken, place+": "+fmt.Sprintf(format, args...))
}

// lack is add where the data cannot tell.
func (f *ruling) lack(place, format string, args ...any) {
	f.undecided = append(f.undecided, place+": "+fmt.Sprintf(format, args...))
}

// mark takes what is wrong with the controls: those that failed break a rule,
// without any there is no telling.
func (f *ruling) mark(place, mark string) {
	switch {
	case mark == "":
	case strings.Contains(mark, controlsFailed):
		f.add(place, "%s", mark)
	default:
		f.lack(place, "%s", mark)
	}
}

func (o CheckOptions) rules() ([]rule, error) {
	var rules []rule
	for _, kind := range []struct {
		name  string
		texts []string
		parse func(string) (check, error)
	}{{"expectation", o.Expect, parseExpectation}, {"largest slowdown", o.MaxSlowdown, parseSlowdown}} {
		for _, text := range kind.texts {
			check, err := kind.parse(text)
			r := rule{kind.name, text, check}
			if err != nil {
				return nil, r.named(err)
			}
			rules = append(rules, r)
		}
	}
	if o.Margin != "" && len(o.Against) == 0 {
		return nil, fmt.Errorf("margin %q: there is nothing to check against", o.Margin)
	}
	if len(o.Against) > 0 {
		r := regression{files: o.Against, where: o.Where}
		if o.Margin != "" {
			var err error
			if r.margin, err = percent(o.Margin); err != nil {
				return nil, fmt.Errorf("margin %w", err)
			}
		}
		rules = append(rules, rule{"", "not worse than " + strings.Join(o.Against, ", "), r.check})
	}
	if o.AA {
		rules = append(rules, rule{"", "aa", checkAA})
	}
	if len(rules) == 0 {
		return nil, fmt.Errorf("nothing to check: pass --expect, --max-slowdown, --against or --aa")
	}
	return rules, nil
}

// cutLast cuts at the last separator: a strategy with a parameter, such as
// clear:n=16, has a = of its own.
func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i <= 0 || i+len(sep) == len(s) {
		return "", "", false
	}
	return s[:i], s[i+len(sep):], true
}

// expectation is a rule on the damage to one strategy.
type expectation struct {
	strategy string
	word     string // Clean: the bound is met; else one of these
}

const (
	undamagedWord = "undamaged" // no event in these trials
	unsharedWord  = "unshared"  // no raced block above the floor in sharing trials
)

// Equivalent is one too: shown by duets to cost as much as the other side.
var expectations = []string{string(Clean), undamagedWord, unsharedWord, Equivalent}

func parseExpectation(text string) (check, error) {
	strategy, word, ok := cutLast(text, "=")
	if !ok || !slices.Contains(expectations, word) {
		return nil, fmt.Errorf("want STRATEGY=%s", strings.Join(expectations, " or STRATEGY="))
	}
	return expectation{strategy, word}.check, nil
}

func (e expectation) check(g *gatherer) (ruling, error) {
	var f ruling
	if err := g.knows(e.strategy); err != nil {
		return f, err
	}
	least, bound := math.MaxInt, 0.0
	for _, scene := range g.sorted() {
		s := g.scenes[scene][e.strategy]
		if s == nil || !e.isAbout(s) {
			continue
		}
		if why, unforeseen := g.noFix(scene); why != "" && !unforeseen && e.strategy != NegativeControl {
			f.note("%s: left out: %s", scene, why)
			continue
		} else if unforeseen {
			f.add(scene.String(), "%s", why)
		}
		f.places++
		e.judge(&f, scene.String(), s, g.shared(scene, s))
		f.mark(scene.String(), g.mark(scene))
		if v := s.lives().verdict(); v.Trials > 0 {
			least, bound = min(least, v.Trials), max(bound, v.Upper)
		}
	}
	if f.places == 0 {
		f.lack(g.filter(), "no trial of %s under load that a fix could be judged by", e.strategy)
	}
	if e.word != unsharedWord && e.word != Equivalent {
		f.bound = fmt.Sprintf("0 of at least %s damaged, %s each", number.Count(least, "trial"), number.AtMost(bound))
	}
	return f, nil
}

// isAbout reports whether the trials of a sample are of the kind that the
// expectation is about. Forks and duets without damage say nothing about damage under
// load, and a trial of the tracer nothing but what is shared.
func (e expectation) isAbout(s *sample) bool {
	switch e.word {
	case unsharedWord:
		return s.sharing.tally.trials+s.sharing.tally.failed > 0
	case Equivalent:
		return len(s.duet.pairs) > 0
	}
	return s.underLoad || s.forks.damaged+s.duet.tally.damaged > 0
}

// judge says why the expectation is not met, or cannot be told to be. Damage counts
// wherever it was seen, but only corruption trials support a claim.
func (e expectation) judge(f *ruling, place string, s *sample, shared *SharedBlocks) {
	switch e.word {
	case unsharedWord:
		judgeSharing(f, place, s, shared)
		return
	case Equivalent:
		s.duet.judge(f, place, 1/(1+DuetMargin), 1+DuetMargin)
		return
	}
	for _, t := range s.kinds() {
		if t.damaged > 0 {
			f.add(place, "%s, %d of %s damaged", t.verdict().Short(), t.damaged, number.Count(t.trials, "trial")+t.what)
			return
		}
	}
	v := s.verdict()
	tried := s.looked.with(&s.throughput.tally).with(&s.unlooked)
	switch {
	case s.looked.verdict().Worst() == NoTrials:
		f.lack(place, "no corruption trials with the active checks on")
	case v.Trials == 0:
		f.lack(place, "%s", v)
	case tried.failed > 0:
		f.lack(place, "%s", couldNot(tried))
	case v.Idle > 0:
		f.lack(place, "%s made no attempt that the file knows of", number.Count(v.Idle, "trial"))
	case e.word == undamagedWord:
	case shared != nil && shared.Raced+shared.ReadRaced+shared.Cut > 0:
		judgeSharing(f, place, s, shared)
	case v.Worst() == Shared:
		f.add(place, "shared: two workers hold %s of OpenSSL's", number.Count(s.sharedMost(), "object"))
	case v.Worst() != Clean:
		f.lack(place, "%s in %s: %s", v, number.Count(v.Trials, "trial"), v.lacks())
	}
}

func judgeSharing(f *ruling, place string, s *sample, shared *SharedBlocks) {
	switch {
	case s.sharing.tally.failed > 0:
		f.lack(place, "%s", couldNot(&s.sharing.tally))
	case shared != nil && shared.Cut > 0:
		f.lack(place, "%s", shared)
	case shared != nil && shared.Raced+shared.ReadRaced > 0:
		f.add(place, "%s, such as %s", shared, shared.Sites[0].Site)
	}
}

// couldNot says how many trials could not be carried out, and why the first
// could not: what they would have shown is not known, so they support nothing.
func couldNot(t *tally) string {
	return fmt.Sprintf("%s could not be carried out: %s", number.Count(t.failed, "trial"), orUnknown(t.reason))
}

// knows returns an error that names the choices if no trial is of a strategy.
func (g *gatherer) knows(strategy string) error {
	if g.all[strategy] {
		return nil
	}
	return fmt.Errorf("no trial of strategy %q; the files have %s", strategy, strings.Join(sortedNames(g.all), ", "))
}

// filter names what is left of the files, where there is no scene to name.
func (g *gatherer) filter() string {
	if len(g.where) == 0 {
		return "all files"
	}
	return "where " + strings.Join(g.where, " ")
}

// percent reads "2%", "2 %" or "0.5%" as a share.
func percent(s string) (float64, error) {
	number, ok := strings.CutSuffix(s, "%")
	x, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if !ok || err != nil || !(x > 0 && x < 100) {
		return 0, fmt.Errorf("%q is not a percentage between 0%% and 100%%, such as 2%%", s)
	}
	return x / 100, nil
}

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

func (r slowdown) check(g *gatherer) (ruling, error) {
	var f ruling
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
func (r slowdown) judge(f *ruling, place string, sides map[string]*sample) {
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
		f.lack(place, "%s in common: too few, need %d", number.Count(len(p.a), "round"), minRounds)
		return
	}
	if inference.RatioAbove(p.a, p.b, 1-r.limit) < checkAlpha {
		return
	}
	ratio := inference.PairedRatio(p.a, p.b, 1-checkAlpha)
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
