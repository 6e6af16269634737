package results

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"tlsbench/results/number"
)

// CheckOptions are the claims to test, as a user writes them.
type CheckOptions struct {
	Expect      []string // "hwm=clean", "hwm=undamaged", "hwm=unshared" or "hwm=equivalent"
	MaxSlowdown []string // "hwm/key-owner=2%"
	Steady      []string // "warm-handler-ns=10%"
	Against     []string // older results files that these must not be worse than
	Margin      string   // "5%": costs must be shown to have risen by less than that, with Against
	AA          bool     // strategies under several names must not differ from themselves
	Where       []string // filters, as in Options
}

// Check tests claims on results files, for use in continuous integration. It
// prints one line for each place where a rule is broken and returns how many
// there are; an error means that the rules or the files are no good.
//
// A rule is broken as well where the data cannot support it: too few trials,
// controls that failed or are missing, damage in the trials that a slowdown is
// worked out from.
func Check(w io.Writer, o CheckOptions, files ...string) (broken int, err error) {
	rules, err := o.rules()
	if err != nil {
		return 0, err
	}
	now, err := gather(o.Where, files...)
	if err != nil {
		return 0, err
	}
	places := 0
	for _, r := range rules {
		found, err := r.check(now)
		if err != nil {
			return 0, err
		}
		places += found.places
		for _, n := range found.notes {
			if _, err := fmt.Fprintf(w, "%s: %s\n", r, n); err != nil {
				return 0, err
			}
		}
		broken += len(found.broken)
		for _, b := range found.broken {
			if _, err := fmt.Fprintf(w, "broken: %s: %s\n", r, b); err != nil {
				return 0, err
			}
		}
	}
	if broken == 0 {
		_, err = fmt.Fprintf(w, "ok: %d rules hold in %d places\n", len(rules), places)
	}
	return broken, err
}

// A rule is one claim; String gives it as the user wrote it.
type rule interface {
	fmt.Stringer
	check(*gatherer) (findings, error)
}

// findings are what came of one rule: in how many places it was looked at,
// and where and why it does not hold.
type findings struct {
	places int
	broken []string
	notes  []string // what is worth knowing in any case
}

func (f *findings) note(format string, args ...any) {
	f.notes = append(f.notes, fmt.Sprintf(format, args...))
}

func (f *findings) add(place, format string, args ...any) {
	f.broken = append(f.broken, place+": "+fmt.Sprintf(format, args...))
}

func (o CheckOptions) rules() ([]rule, error) {
	var rules []rule
	for _, text := range o.Expect {
		r, err := parseExpectation(text)
		if err != nil {
			return nil, err
		}
		rules = append(rules, r)
	}
	for _, text := range o.MaxSlowdown {
		r, err := parseSlowdown(text)
		if err != nil {
			return nil, err
		}
		rules = append(rules, r)
	}
	for _, text := range o.Steady {
		r, err := parseSteady(text)
		if err != nil {
			return nil, err
		}
		rules = append(rules, r)
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
		rules = append(rules, r)
	}
	if o.AA {
		rules = append(rules, aa{})
	}
	if len(rules) == 0 {
		return nil, fmt.Errorf("nothing to check: pass --expect, --max-slowdown, --steady, --against or --aa")
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
	text     string
}

const (
	undamagedWord = "undamaged" // no event in these trials
	unsharedWord  = "unshared"  // no raced block above the floor in sharing trials
)

// Equivalent is one too: shown by duets to cost as much as the other side.
var expectations = []string{string(Clean), undamagedWord, unsharedWord, Equivalent}

func parseExpectation(text string) (rule, error) {
	strategy, word, ok := cutLast(text, "=")
	if !ok || !slices.Contains(expectations, word) {
		return nil, fmt.Errorf("expectation %q: want STRATEGY=%s", text, strings.Join(expectations, " or STRATEGY="))
	}
	return expectation{strategy, word, text}, nil
}

func (e expectation) String() string { return e.text }

func (e expectation) check(g *gatherer) (findings, error) {
	var f findings
	if err := g.knows(e.strategy); err != nil {
		return f, fmt.Errorf("expectation %q: %w", e.text, err)
	}
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
		if why := e.against(s, g.shared(scene, s)); why != "" {
			f.add(scene.String(), "%s", why)
		}
		if why := unlike(g.of(s.files)); why != "" && e.word != unsharedWord && e.word != Equivalent {
			f.add(scene.String(), "the data cannot support it: %s", why)
		}
		if mark := g.mark(scene); mark != "" {
			f.add(scene.String(), "%s", mark)
		}
	}
	if f.places == 0 {
		f.add(g.filter(), "no trial of %s under load that a fix could be judged by", e.strategy)
	}
	return f, nil
}

// isAbout reports whether the trials of a sample are of the kind that the
// expectation is about. Forks without damage say nothing about damage under load,
// and a trial of the tracer nothing but what is shared.
func (e expectation) isAbout(s *sample) bool {
	switch e.word {
	case unsharedWord:
		return s.sharing.tally.trials+s.sharing.tally.failed > 0
	case Equivalent:
		return len(s.duet.pairs) > 0
	}
	return s.other || s.forks.damaged > 0
}

// against says why the expectation is not met, "" if it is. Damage counts
// wherever it was seen, but only corruption trials support a claim.
func (e expectation) against(s *sample, shared *SharedBlocks) string {
	switch e.word {
	case unsharedWord:
		return againstSharing(s, shared)
	case Equivalent:
		return s.duet.unlike(1/(1+DuetMargin), 1+DuetMargin)
	}
	v := s.lives().verdict().shareSlots(s.sharedMax)
	switch {
	case s.looked.damaged > 0:
		return fmt.Sprintf("%s, %d of %s damaged", s.looked.verdict().Short(), s.looked.damaged, number.Count(s.looked.trials, "trial"))
	case s.throughput.damaged > 0:
		return fmt.Sprintf("%d of %s damaged", s.throughput.damaged, number.Count(s.throughput.trials, "trial")+" for throughput")
	case s.unlooked.damaged > 0:
		return fmt.Sprintf("%d of %s damaged", s.unlooked.damaged, number.Count(s.unlooked.trials, "trial")+" with the active checks off")
	case s.forks.damaged > 0:
		return fmt.Sprintf("%d of %s damaged", s.forks.damaged, number.Count(s.forks.trials, "trial")+" of forks")
	case s.looked.verdict().Worst() == NoTrials:
		return "no corruption trials with the active checks on"
	case v.Trials == 0:
		return v.String()
	case v.Failed+s.throughput.failed+s.unlooked.failed > 0:
		return couldNot(&s.looked, &s.throughput, &s.unlooked)
	case v.Idle > 0:
		return fmt.Sprintf("%s made no attempt that the file knows of: the data cannot support it", number.Count(v.Idle, "trial"))
	case e.word == string(Clean) && shared != nil && shared.Raced+shared.ReadRaced+shared.Cut > 0:
		return againstSharing(s, shared)
	case e.word == string(Clean) && v.Worst() == Shared:
		return fmt.Sprintf("shared: two workers hold %s of OpenSSL's", number.Count(s.sharedMax, "object"))
	case e.word == string(Clean) && v.Worst() != Clean:
		return fmt.Sprintf("%s in %s: %s", v, number.Count(v.Trials, "trial"), v.lacks())
	}
	return ""
}

func againstSharing(s *sample, shared *SharedBlocks) string {
	switch {
	case s.sharing.tally.failed > 0:
		return couldNot(&s.sharing.tally)
	case shared != nil && shared.Cut > 0:
		return fmt.Sprintf("%s: the data cannot support it", shared)
	case shared != nil && shared.Raced+shared.ReadRaced > 0:
		return fmt.Sprintf("%s, such as %s", shared, shared.Places[0].Site)
	}
	return ""
}

// couldNot says how many trials could not be carried out, and why the first
// could not: what they would have shown is not known, so they support nothing.
func couldNot(list ...*tally) string {
	failed, reason := 0, ""
	for _, t := range list {
		failed += t.failed
		if reason == "" {
			reason = t.reason
		}
	}
	return fmt.Sprintf("%s could not be carried out: %s", number.Count(failed, "trial"), orUnknown(reason))
}

// cleanTrials is how many trials without damage meet CleanBound: the smallest
// n with 1-0.05^(1/n) <= 0.05.
const cleanTrials = 59

// knows returns an error that names the choices if no trial is of a strategy.
func (g *gatherer) knows(strategy string) error {
	if g.all[strategy] {
		return nil
	}
	return fmt.Errorf("no trial of strategy %q; the files have %s", strategy, strings.Join(g.strategyNames(), ", "))
}

// filter names what is left of the files, where there is no scene to name.
func (g *gatherer) filter() string {
	if len(g.where) == 0 {
		return "all files"
	}
	var list []string
	for _, s := range g.where {
		list = append(list, s.Key+"="+s.Value)
	}
	return "where " + strings.Join(list, " ")
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

// both lists the scenes in which either strategy has handshake trials, and those
// of duets of the two.
func (g *gatherer) both(a, b string) []Scene {
	return slices.DeleteFunc(g.sorted(), func(scene Scene) bool {
		if s := g.scenes[scene][a]; s != nil && len(s.duet.pairs) > 0 {
			return scene.Against() != b
		}
		x, y := g.scenes[scene][a], g.scenes[scene][b]
		return x.handshakes() == 0 && y.handshakes() == 0
	})
}

func (s *sample) handshakes() int {
	if s == nil {
		return 0
	}
	return s.throughput.trials
}
