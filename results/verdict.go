package results

import (
	"fmt"
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

	Clean         Word = "clean"          // no damage, in enough trials to bound it
	NoDamageSeen  Word = "no damage seen" // no damage, in too few trials for that
	SkippedWord   Word = "skipped"        // this machine lacks what the hazard needs
	NotApplicWord Word = "not applicable" // this build lacks what the strategy needs
	NotCarriedOut Word = "failed"         // no trial could be carried out
	NoTrials      Word = "no trials"
)

// CleanBound is the damaged-trial probability that the exact one-sided 95 %
// upper bound has to stay below for the word clean. Without damage that takes
// 59 trials: 1-0.05^(1/59) is 4.95 %.
const CleanBound = 0.05

// boundConfidence is the one-sided confidence of all upper bounds of zero
// events.
const boundConfidence = 0.95

// Verdict is what the corruption trials of one cell say.
type Verdict struct {
	Words   []Word // worst first, never empty
	Damaged int    // trials with any event,
	Trials  int    // of those carried out
	Failed  int    // trials that could not be carried out
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
	case SkippedWord, NotApplicWord, NotCarriedOut:
		return fmt.Sprintf("%s: %s", v.Worst(), v.Reason)
	}
	return v.Short()
}

// Short is the words alone: the number of trials says what the bound says.
func (v Verdict) Short() string {
	list := make([]string, len(v.Words))
	for i, w := range v.Words {
		list[i] = string(w)
	}
	return strings.Join(list, " ")
}

// tally counts the trials of one cell as they come.
type tally struct {
	trials, damaged, failed int
	seen                    []Word
	skipped, notApplicable  string
	reason                  string // of the first failed trial
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
	t.trials++
	if !trial.Damaged() {
		return
	}
	t.damaged++
	for _, w := range event.WordsOf(trial.Events) {
		if !slices.Contains(t.seen, w) {
			t.seen = append(t.seen, w)
		}
	}
}

func orUnknown(reason string) string {
	if reason == "" {
		return "no reason given"
	}
	return reason
}

func (t *tally) verdict() Verdict {
	v := Verdict{Damaged: t.damaged, Trials: t.trials, Failed: t.failed, Upper: 1}
	if t.trials > 0 {
		v.Upper = inference.ProportionUpper(t.damaged, t.trials, boundConfidence)
	}
	for _, w := range event.Words {
		if slices.Contains(t.seen, w) {
			v.Words = append(v.Words, w)
		}
	}
	if len(v.Words) == 0 {
		var word Word
		word, v.Reason = t.quiet(v.Upper)
		v.Words = []Word{word}
	}
	return v
}

// quiet is the word where no damage was seen.
func (t *tally) quiet(upper float64) (word Word, reason string) {
	switch {
	case t.trials > 0 && upper <= CleanBound:
		return Clean, ""
	case t.trials > 0:
		return NoDamageSeen, ""
	case t.notApplicable != "":
		return NotApplicWord, t.notApplicable
	case t.skipped != "":
		return SkippedWord, t.skipped
	case t.failed > 0:
		return NotCarriedOut, orUnknown(t.reason)
	}
	return NoTrials, ""
}
