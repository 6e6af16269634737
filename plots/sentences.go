package plots

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"tlsbench/results"
	"tlsbench/results/inference"
)

// Sentence is the verdict on one strategy.
type Sentence struct {
	Strategy string
	Alone    results.Word // the worst with OpenSSL alone in the process
	Word     results.Word // the worst of all cells
	Text     string
}

// Class is the word's class on the report page.
func (s Sentence) Class() string { return wordClass(s.Word) }

// AloneClass is the class of the other word.
func (s Sentence) AloneClass() string { return wordClass(s.Alone) }

// Sentences gives the verdict on each strategy in one sentence, with its
// interval where there was damage and its bound where there was none.
func Sentences(d *Data) []Sentence {
	var list, silent []Sentence
	for _, name := range strategiesOf(d.Scenes) {
		alone, others := &judged{strategy: name}, &judged{strategy: name}
		for _, s := range d.Scenes {
			if s.controlsOnly(d) && s.judged() {
				continue // the other strategies have nothing to stand beside it
			}
			j := others
			if s.Hazard == plainHazard {
				j = alone
			}
			j.add(s, s.row(name), d)
		}
		sentence := Sentence{name, alone.worst(), worse(alone, others), verdictText(alone, others, d)}
		if alone.unseen() && others.unseen() {
			silent = append(silent, sentence)
			continue
		}
		list = append(list, sentence)
	}
	if len(list) == 0 {
		return silent
	}
	return list // nothing is to be said of a strategy that is in a sweep of forks alone
}

// judged is what some cells of one strategy say together.
type judged struct {
	strategy string
	words    []results.Word // all that were seen
	cells    int
	damaged  int
	clean    int
	surest   inference.Estimate // of the cell with the highest lower bound
	where    string             // that cell
	bound    float64            // weakest bound of the undamaged cells
	reasons  []string           // of cells without trials
	skipped  []string           // of those that could have had some
}

// unseen is a strategy that no trial judges, and of which no cell says why.
func (j *judged) unseen() bool { return j.cells == 0 && len(j.reasons)+len(j.skipped) == 0 }

func (j *judged) add(s *Scene, r *results.Row, d *Data) {
	if r == nil {
		return
	}
	v := r.Verdict
	if v.Trials == 0 {
		switch text := fmt.Sprintf("%s on OpenSSL %s: %s", v.Worst(), s.OpenSSL, v.Reason); {
		case v.Reason == "":
		case v.Worst() == results.SkippedWord:
			j.skipped = append(j.skipped, text)
		default:
			j.reasons = append(j.reasons, text)
		}
		return
	}
	j.cells++
	if v.Damaged == 0 {
		j.bound = math.Max(j.bound, v.Upper)
		if v.Worst() == results.Clean {
			j.clean++
		}
		return
	}
	for _, w := range v.Words {
		if !slices.Contains(j.words, w) {
			j.words = append(j.words, w)
		}
	}
	e := inference.Proportion(v.Damaged, v.Trials, d.Confidence)
	if j.damaged == 0 || e.Low > j.surest.Low {
		j.surest = e
		j.where = fmt.Sprintf("%s %s: %d/%d", strings.TrimPrefix(s.Hazard+" on "+s.OpenSSL, plainHazard+" on "), s.Load, v.Damaged, v.Trials)
	}
	j.damaged++
}

var wordRank = []results.Word{results.Crashed, results.Hung, results.Corrupt, results.Broken, results.Collateral}

// sorted gives the words of damage, worst first.
func (j *judged) sorted() []string {
	var words []string
	for _, w := range wordRank {
		if slices.Contains(j.words, w) {
			words = append(words, string(w))
		}
	}
	return words
}

func (j *judged) worst() results.Word {
	if words := j.sorted(); len(words) > 0 {
		return results.Word(words[0])
	}
	switch {
	case j.cells == 0:
		return results.NoTrials
	case j.clean == j.cells:
		return results.Clean
	}
	return results.NoDamageSeen
}

// worse is the worst word of both.
func worse(a, b *judged) results.Word {
	both := &judged{words: append(slices.Clone(a.words), b.words...), cells: a.cells + b.cells, clean: a.clean + b.clean}
	return both.worst()
}

func verdictText(alone, others *judged, d *Data) string {
	var parts []string
	if alone.cells > 0 {
		parts = append(parts, "alone in the process "+alone.text("OpenSSL and load"))
	}
	if others.cells > 0 {
		parts = append(parts, "with a hazard "+others.text("OpenSSL, load and hazard"))
	}
	if len(parts) == 0 {
		parts = append(parts, "no trial looked for corruption")
	}
	if cost := costPhrase(d, alone.strategy); cost != "" {
		parts = append(parts, cost)
	}
	reasons := append(alone.reasons, others.reasons...)
	if alone.cells+others.cells == 0 {
		reasons = append(append(reasons, alone.skipped...), others.skipped...)
	}
	if len(reasons) > 0 {
		parts = append(parts, reasons[0])
	}
	return strings.Join(parts, "; ") + "."
}

// text tells what was seen in the cells: combinations of what is named.
func (j *judged) text(of string) string {
	bound := "at most " + percent(roundUp(j.bound))
	if j.damaged == 0 {
		return fmt.Sprintf("undamaged in %s of %s (%s of trials each)", count(j.cells, "combination"), of, bound)
	}
	text := fmt.Sprintf("damaged in %d of %s of %s (%s; surest %s, %s", j.damaged, count(j.cells, "combination"), of,
		strings.Join(j.sorted(), ", "), j.where, between(j.surest.Low, j.surest.High, percent))
	if j.damaged < j.cells {
		text += fmt.Sprintf("; the other %d %s each", j.cells-j.damaged, bound)
	}
	return text + ")"
}

// costPhrase gives throughput relative to the baseline under hazard plain: of
// one build, or the range of several.
func costPhrase(d *Data, name string) string {
	if name == d.Baseline {
		return "the baseline of all costs"
	}
	var values, ends span = newSpan(), newSpan()
	var builds []string
	same := true
	for _, s := range d.mainCosts() {
		r := s.row(name)
		if r == nil || s.Hazard != plainHazard {
			continue
		}
		c, ok := costOf(r, results.HandshakesPerSec)
		if !ok || !c.Ratio.Known() {
			continue
		}
		values.add(c.Ratio.Value)
		ends.add(c.Ratio.Low, c.Ratio.High)
		same = same && c.Ratio.Same
		builds = append(builds, s.OpenSSL)
	}
	var text string
	switch {
	case len(builds) == 0:
		return ""
	case len(builds) == 1:
		text = fmt.Sprintf("throughput %s %s times that of %s (OpenSSL %s)", ratio(values.low), costEnds(ends), d.Baseline, builds[0])
	default:
		text = fmt.Sprintf("throughput %s to %s times that of %s on %d builds, intervals within %s", ratio(values.low), ratio(values.high),
			d.Baseline, len(builds), costEnds(ends))
	}
	if same {
		text += ", the same within " + percent(d.Margin)
	}
	return text
}

func costEnds(ends span) string {
	if ends.empty() {
		return "[no interval: too few]"
	}
	return between(ends.low, ends.high, ratio)
}
