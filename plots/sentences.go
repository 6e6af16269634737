package plots

import (
	"fmt"
	"slices"
	"strings"

	"tlsbench/results"
	"tlsbench/results/inference"
)

// Sentence is the verdict on one strategy.
type Sentence struct {
	Strategy string
	Word     results.Word // the worst of all cells
	Text     string
}

// Class is the word's class on the report page.
func (s Sentence) Class() string { return wordClass(s.Word) }

// Sentences gives the verdict on each strategy in one sentence, with its
// interval where there was damage and its bound where there was none.
func Sentences(d *Data) []Sentence {
	var names []string
	for _, s := range d.Scenes {
		for _, name := range s.names() {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.SortFunc(names, compareStrategies)
	var list []Sentence
	for _, name := range names {
		j := judge(d, name)
		list = append(list, Sentence{name, j.worst(), j.text(d)})
	}
	return list
}

// judged is what all cells of one strategy say together.
type judged struct {
	strategy string
	words    []results.Word // all that were seen
	cells    int
	damaged  int
	clean    int
	least    inference.Estimate // of the worst cell
	where    string             // that cell
	bound    float64            // weakest bound of the undamaged cells
	reasons  []string           // of cells without trials
}

func judge(d *Data, name string) *judged {
	j := &judged{strategy: name}
	for _, s := range d.Scenes {
		r := s.row(name)
		if r == nil {
			continue
		}
		v := r.Verdict
		if v.Trials == 0 {
			if v.Reason != "" {
				j.reasons = append(j.reasons, fmt.Sprintf("%s on OpenSSL %s: %s", v.Worst(), s.OpenSSL, v.Reason))
			}
			continue
		}
		j.add(s, r, d)
	}
	return j
}

func (j *judged) add(s *Scene, r *results.Row, d *Data) {
	v := r.Verdict
	j.cells++
	if v.Damaged == 0 {
		j.bound = max(j.bound, v.Upper)
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
	if j.damaged == 0 || e.Low > j.least.Low {
		j.least = e
		j.where = fmt.Sprintf("%s: %d of %s", sceneText(s.Scene, d.severalMachines()), v.Damaged, count(v.Trials, "trial"))
	}
	j.damaged++
}

var wordRank = []results.Word{results.Crashed, results.Hung, results.Corrupt, results.Broken, results.Collateral}

func (j *judged) worst() results.Word {
	for _, w := range wordRank {
		if slices.Contains(j.words, w) {
			return w
		}
	}
	switch {
	case j.cells == 0:
		return results.NoTrials
	case j.clean == j.cells:
		return results.Clean
	}
	return results.NoDamageSeen
}

func (j *judged) text(d *Data) string {
	var parts []string
	bound := fmt.Sprintf("the probability of a damaged trial is at most %s in each", percent(roundUp(j.bound)))
	switch {
	case j.cells == 0:
		parts = append(parts, "no trial looked for corruption")
	case j.damaged == 0:
		parts = append(parts, fmt.Sprintf("undamaged in %s of OpenSSL, hazard and load: %s", count(j.cells, "combination"), bound))
	default:
		var words []string
		for _, w := range wordRank {
			if slices.Contains(j.words, w) {
				words = append(words, string(w))
			}
		}
		parts = append(parts, fmt.Sprintf("%s in %d of %s of OpenSSL, hazard and load, surest in %s, interval %s",
			strings.Join(words, ", "), j.damaged, count(j.cells, "combination"), j.where, between(j.least.Low, j.least.High, percent)))
		if j.damaged < j.cells {
			parts = append(parts, fmt.Sprintf("undamaged in the other %d: %s", j.cells-j.damaged, bound))
		}
	}
	if cost := costPhrase(d, j.strategy); cost != "" {
		parts = append(parts, cost)
	}
	if len(j.reasons) > 0 {
		parts = append(parts, j.reasons[0])
	}
	return strings.Join(parts, "; ") + "."
}

// costPhrase gives throughput relative to the baseline in the first scene
// under hazard plain that has it.
func costPhrase(d *Data, name string) string {
	if name == d.Baseline {
		return "the baseline of all costs"
	}
	for _, s := range d.Scenes {
		r := s.row(name)
		if r == nil || s.Hazard != "plain" {
			continue
		}
		c, ok := costOf(r, results.HandshakesPerSec)
		if !ok || !c.Ratio.Known() {
			continue
		}
		text := fmt.Sprintf("throughput %s %s times that of %s (%s)", ratio(c.Ratio.Value),
			between(c.Ratio.Low, c.Ratio.High, ratio), d.Baseline, sceneText(s.Scene, d.severalMachines()))
		if c.Ratio.Same {
			text += fmt.Sprintf(", the same within %s", percent(d.Margin))
		}
		return text
	}
	return ""
}
