package results

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"tlsbench/results/event"
	"tlsbench/results/inference"
	"tlsbench/results/number"
)

// Word is one word of a verdict.
type Word = event.Word

// The verdict words. The first six say that there was damage, worst first; a
// cell has all that apply. The others stand alone.
const (
	Crashed    = event.Crashed
	Hung       = event.Hung
	Corrupt    = event.Corrupt
	Shared     = event.Shared
	Broken     = event.Broken
	Collateral = event.Collateral

	Clean         Word = "clean"          // no damage, in enough trials and attempts to bound it
	NoDamageSeen  Word = "no damage seen" // no damage, in too few for that
	SkippedWord   Word = "skipped"        // this machine lacks what the hazard needs
	NotApplicWord Word = "not applicable" // this build lacks what the strategy needs
	NotCarriedOut Word = "failed"         // no trial could be carried out
	NoAttempts    Word = "no attempts"    // trials without a single connection
	NoTrials      Word = "no trials"
)

// CleanBound is the damaged-trial probability that the exact one-sided 95 %
// upper bound has to stay below for the word clean.
const CleanBound = 0.05

// CleanTrials is how many trials without damage that takes: 59, because
// 1-0.05^(1/59) is 4.95 %.
var CleanTrials = inference.TrialsFor(CleanBound, boundConfidence)

// CleanAttempts is how many attempts the word clean takes besides: one first
// damage in 5,000 attempts would then be seen with 95 % confidence.
const CleanAttempts = 15000

// StopDamaged is how many damaged lives end a cell of a sequential plan. Three
// protect from a false alarm, and bound the share of damaged lives from below at
// 29 % where all were damaged.
const StopDamaged = 3

// boundConfidence is the one-sided confidence of all upper bounds of zero
// events.
const boundConfidence = 0.95

// Verdict is what the corruption trials of one cell say.
type Verdict struct {
	Words   []Word // worst first, never empty
	Damaged int    // trials with any event,
	Trials  int    // of those carried out
	Failed  int    // trials that could not be carried out
	Idle    int    // trials without damage, and without an attempt: they say nothing
	// Attempts are those of all trials, up to the first damage of each.
	Attempts float64
	// Upper is the exact one-sided 95 % upper bound of the probability that a
	// trial is damaged; 1 without trials.
	Upper  float64
	Reason string // of skipped, not applicable, failed
}

// Worst is the first word.
func (v Verdict) Worst() Word { return v.Words[0] }

// Undamaged reports whether trials were carried out and none was damaged.
func (v Verdict) Undamaged() bool { return v.Trials > 0 && v.Damaged == 0 }

// String gives the words, and what one has to know with them: the bound or the
// reason.
func (v Verdict) String() string {
	switch v.Worst() {
	case NoDamageSeen:
		return fmt.Sprintf("no damage seen (%s)", number.AtMost(v.Upper))
	case SkippedWord, NotApplicWord, NotCarriedOut, NoAttempts:
		return fmt.Sprintf("%s: %s", v.Worst(), v.Reason)
	}
	return v.Short()
}

// Short is the words alone: the number of trials says what the bound says.
func (v Verdict) Short() string { return strings.Join(Texts(v.Words), " ") }

// lacks says what keeps trials without damage from the word clean, "" if nothing
// does.
func (v Verdict) lacks() string {
	switch {
	case v.Failed > 0:
		return fmt.Sprintf("%s could not be carried out", number.Count(v.Failed, "trial"))
	case v.Idle > 0:
		return fmt.Sprintf("%s had no attempt", number.Count(v.Idle, "trial"))
	case v.Trials < CleanTrials:
		return fmt.Sprintf("clean takes %s without damage", number.Count(CleanTrials, "trial"))
	case v.Attempts < CleanAttempts:
		return fmt.Sprintf("%s: clean takes %d", number.Count(int(v.Attempts), "attempt"), CleanAttempts)
	}
	return ""
}

// tally counts the trials of one cell as they come.
type tally struct {
	trials, damaged, failed, idle int
	attempts                      float64
	seen                          []Word
	skipped, notApplicable        string
	reason                        string // of the first failed trial
}

func (t *tally) add(trial *Trial) {
	switch trial.Status {
	case Failed:
		if t.failed++; t.failed == 1 {
			t.reason = trial.Reason
		}
		return
	case Skipped:
		t.skipped = orUnknown(trial.Reason)
		return
	case NotApplicable:
		t.notApplicable = orUnknown(trial.Reason)
		return
	}
	if trial.Idle() {
		t.idle++
		return
	}
	t.trials++
	t.attempts += trial.untilDamage()
	if !trial.Damaged() {
		return
	}
	t.damaged++
	t.seen = event.InOrder(append(t.seen, event.WordsOf(trial.Events)...))
}

// with gives a tally of the trials of both.
func (t tally) with(o *tally) *tally {
	t.trials, t.damaged, t.failed, t.idle = t.trials+o.trials, t.damaged+o.damaged, t.failed+o.failed, t.idle+o.idle
	t.attempts += o.attempts
	t.seen = slices.Concat(t.seen, o.seen)
	t.skipped, t.notApplicable = cmp.Or(t.skipped, o.skipped), cmp.Or(t.notApplicable, o.notApplicable)
	t.reason = cmp.Or(t.reason, o.reason)
	return &t
}

func orUnknown(reason string) string { return cmp.Or(reason, "no reason given") }

func (t *tally) verdict() Verdict {
	v := Verdict{Words: event.InOrder(t.seen), Damaged: t.damaged, Trials: t.trials, Failed: t.failed, Idle: t.idle, Attempts: t.attempts, Upper: 1}
	if t.trials > 0 {
		v.Upper = inference.ProportionUpper(t.damaged, t.trials, boundConfidence)
	}
	if len(v.Words) == 0 {
		var word Word
		word, v.Reason = t.quiet(v)
		v.Words = []Word{word}
	}
	return v
}

// quiet is the word where no damage was seen.
func (t *tally) quiet(v Verdict) (word Word, reason string) {
	switch {
	case t.trials > 0 && v.lacks() == "":
		return Clean, ""
	case t.trials > 0:
		return NoDamageSeen, ""
	case t.idle > 0:
		return NoAttempts, number.Count(t.idle, "trial") + " without a connection that the file knows of"
	case t.notApplicable != "":
		return NotApplicWord, t.notApplicable
	case t.skipped != "":
		return SkippedWord, t.skipped
	case t.failed > 0:
		return NotCarriedOut, orUnknown(t.reason)
	}
	return NoTrials, ""
}

// kindCounts count events, and the trials that had some.
type kindCounts map[string]*KindCount

func (k *kindCounts) add(events map[string]uint64) {
	for kind, n := range events {
		if n == 0 {
			continue
		}
		if *k == nil {
			*k = make(kindCounts)
		}
		c := entry(*k, kind)
		c.Kind, c.Events, c.Trials = kind, c.Events+n, c.Trials+1
	}
}

// list gives the worst first.
func (k kindCounts) list() []KindCount {
	var list []KindCount
	for _, c := range k {
		list = append(list, *c)
	}
	slices.SortFunc(list, func(a, b KindCount) int { return event.Compare(a.Kind, b.Kind) })
	return list
}

// Estimate is a value with its interval and what a reader has to know before
// trusting it.
type Estimate = inference.Estimate

// ofMore takes the interval from an estimate of two values: it would run over tens
// of orders of magnitude, and say nothing.
func ofMore(e Estimate, what string) Estimate {
	if e.N == 2 {
		e.Low, e.High = 0, math.Inf(1)
		e.Warnings = []string{"no interval from 2 " + what}
	}
	return e
}

// proportion estimates the probability of what happened in k of n trials,
// with the one-sided bound where it never did.
func proportion(k, n int, confidence float64) Estimate {
	if n == 0 {
		return Estimate{Value: math.NaN(), Interval: inference.Interval{High: 1}}
	}
	f := inference.Proportion(k, n, confidence)
	if k == 0 {
		f.High = inference.ProportionUpper(0, n, boundConfidence)
	}
	return f
}

// MarshalJSON gives the verdict with its words as text.
func (v Verdict) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Words   []Word  `json:"words"`
		Damaged int     `json:"damaged"`
		Trials  int     `json:"trials"`
		Failed  int     `json:"failed,omitempty"`
		Idle    int     `json:"idle,omitempty"`
		Tries   uint64  `json:"attempts"`
		Upper   float64 `json:"upper"`
		Reason  string  `json:"reason,omitempty"`
	}{v.Words, v.Damaged, v.Trials, v.Failed, v.Idle, uint64(v.Attempts), v.Upper, v.Reason})
}

// MarshalJSON is needed because that of Estimate would hide the rest.
func (r Ratio) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Ratio    Estimate `json:"ratio"`
		P        *float64 `json:"p"`
		Adjusted *float64 `json:"p_adjusted"`
		Same     bool     `json:"same"`
	}{r.Estimate, inference.Finite(r.P), inference.Finite(r.Adjusted), r.Same})
}

// Family is what sequential runs say of all cells at once: of none of those
// without damage are CleanBound of the lives or more damaged.
type Family struct {
	Cells  int `json:"cells"`       // without damage
	Late   int `json:"late"`        // cells whose first damage came late (inference.LateLife)
	Lives  int `json:"lives"`       // the least of a cell without damage
	Need   int `json:"lives_need"`  // the most that the statement takes of one
	Lacked int `json:"cells_short"` // cells with fewer
}

// sequential leaves those of these files that are of sequential runs.
func (g *gatherer) sequential(files []int) []int {
	return slices.DeleteFunc(slices.Clone(files), func(i int) bool {
		plan := g.inputs[i].Plan
		return plan == nil || !plan.Spec.Sequential
	})
}

// family is nil where no cell is of a sequential run. Each such file decides by
// itself how many lives its cells get; more lives, of a run whose number of rounds
// was fixed beforehand, do no harm to a cell of one, and alone make none.
func (g *gatherer) family() *Family {
	type part struct {
		late  int
		lives []int // of each cell without damage
	}
	f, parts := &Family{Lives: math.MaxInt}, make(map[string]*part)
	for _, samples := range g.scenes {
		for _, s := range samples {
			t, files := s.lives(), g.sequential(s.files)
			if t.trials == 0 || len(files) == 0 {
				continue
			}
			p := entry(parts, fmt.Sprint(files))
			if t.damaged == 0 && !s.doubted {
				p.lives = append(p.lives, t.trials)
			} else if s.spared >= inference.LateLife-1 {
				p.late++
			}
		}
	}
	for _, p := range parts {
		need := inference.LivesForFamily(p.late, len(parts), CleanBound)
		f.Late, f.Need, f.Cells = f.Late+p.late, max(f.Need, need), f.Cells+len(p.lives)
		for _, n := range p.lives {
			f.Lives = min(f.Lives, n)
			if n < need {
				f.Lacked++
			}
		}
	}
	if f.Cells == 0 {
		return nil
	}
	return f
}

// Holds reports whether the statement is supported.
func (f *Family) Holds() bool { return f.Lacked == 0 }

// String says what all cells without damage together show.
func (f *Family) String() string {
	if f.Holds() {
		return fmt.Sprintf("With %s confidence none of the %s of --rounds auto without damage is damaged in %s of its lives or more, over all of them at once: at least %d lives each, %s first damaged in life %d or later.",
			number.Percent(boundConfidence), number.Count(f.Cells, "cell"), number.Percent(CleanBound), f.Lives, number.Count(f.Late, "cell"), inference.LateLife)
	}
	return fmt.Sprintf("Nothing can be said yet of all cells of --rounds auto without damage together: each needs %d lives (%s first damaged in life %d or later), and %d of %s have fewer.",
		f.Need, number.Count(f.Late, "cell"), inference.LateLife, f.Lacked, number.Count(f.Cells, "cell"))
}
