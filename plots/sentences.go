package plots

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"tlsbench/results"
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

// Sentences answers for each strategy what a maintainer asks: is it safe
// alone, with what does it fail, and what does it cost.
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
			j.add(s, s.row(name))
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
	clean    int
	bound    float64    // weakest bound of the undamaged cells
	trials   tally      // of a cell
	fine     []judgedIn // undamaged
	hurt     []judgedIn
	reasons  []string // of cells without trials
	skipped  []string // of those that could have had some
}

// judgedIn is one cell, and whether the hazard damages the control there too.
type judgedIn struct {
	build, hazard string
	word          results.Word
	control       bool
}

// unseen is a strategy that no trial judges, and of which no cell says why.
func (j *judged) unseen() bool { return j.cells == 0 && len(j.reasons)+len(j.skipped) == 0 }

func (j *judged) add(s *Scene, r *results.Row) {
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
	j.trials.add(v.Trials)
	in := judgedIn{s.OpenSSL, s.Hazard, v.Worst(), damaged(s.row(results.NegativeControl))}
	if v.Damaged == 0 {
		j.fine, j.bound = append(j.fine, in), math.Max(j.bound, v.Upper)
		if v.Worst() == results.Clean {
			j.clean++
		}
		return
	}
	j.hurt = append(j.hurt, in)
	for _, w := range v.Words {
		if !slices.Contains(j.words, w) {
			j.words = append(j.words, w)
		}
	}
}

var wordRank = []results.Word{results.Crashed, results.Hung, results.Corrupt, results.Shared, results.Broken, results.Collateral}

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
	parts := slices.DeleteFunc([]string{alone.aloneText(), others.hazardText(alone), costPhrase(d, alone.strategy), handlerPhrase(d, alone.strategy)},
		func(s string) bool { return s == "" })
	if alone.cells+others.cells == 0 {
		parts = append([]string{"No trial looked for corruption"}, parts...)
	}
	reasons := append(alone.reasons, others.reasons...)
	if alone.cells+others.cells == 0 {
		reasons = append(append(reasons, alone.skipped...), others.skipped...)
	}
	if len(reasons) > 0 {
		parts = append(parts, strings.ToUpper(reasons[0][:1])+reasons[0][1:])
	}
	return strings.Join(parts, ". ") + "."
}

// buildsOf lists the builds of cells, each once.
func buildsOf(cells []judgedIn) []string {
	var list []string
	for _, c := range cells {
		if !slices.Contains(list, c.build) {
			list = append(list, c.build)
		}
	}
	return list
}

// onBuilds names builds, or says that it is all there are.
func onBuilds(some []string, all int) string {
	if len(some) == all && all > 1 {
		return fmt.Sprintf("on all %d builds", all)
	}
	return "on OpenSSL " + strings.Join(some, ", ")
}

// aloneText says how it fares with OpenSSL alone in the process.
func (j *judged) aloneText() string {
	if j.cells == 0 {
		return ""
	}
	hurt := buildsOf(j.hurt)
	fine := slices.DeleteFunc(buildsOf(j.fine), func(b string) bool { return slices.Contains(hurt, b) })
	all := len(hurt) + len(fine)
	var parts []string
	if len(hurt) > 0 {
		parts = append(parts, fmt.Sprintf("damaged %s (%s)", onBuilds(hurt, all), strings.Join(j.sorted(), ", ")))
	}
	if len(fine) > 0 {
		parts = append(parts, fmt.Sprintf("no damage %s (%s each: at most %s of trials)", onBuilds(fine, all), j.trials.text(), percent(roundUp(j.bound))))
	}
	return "Alone in the process: " + strings.Join(parts, "; ")
}

// hazardText names the hazards that it fails with: on builds where it is not
// damaged alone, and without those that damage the control too.
func (j *judged) hazardText(alone *judged) string {
	ruined := buildsOf(alone.hurt)
	own := func(c judgedIn) bool {
		return !slices.Contains(ruined, c.build) && (!c.control || j.strategy == results.NegativeControl)
	}
	var severe, neighbour, all []string
	add := func(list *[]string, hazard string) {
		if !slices.Contains(*list, hazard) {
			*list = append(*list, hazard)
		}
	}
	for _, c := range slices.Concat(j.hurt, j.fine) {
		if own(c) {
			add(&all, c.hazard)
		}
	}
	for _, c := range j.hurt {
		switch {
		case !own(c):
		case c.word == results.Broken || c.word == results.Collateral:
			add(&neighbour, c.hazard)
		default:
			add(&severe, c.hazard)
		}
	}
	switch {
	case len(all) == 0:
		return ""
	case len(severe)+len(neighbour) == 0:
		return fmt.Sprintf("No damage with any of %s", count(len(all), "hazard"))
	}
	var parts []string
	if len(severe) > 0 {
		parts = append(parts, "Fails with "+joinHazards(severe))
	}
	if len(neighbour) > 0 {
		parts = append(parts, "Breaks or wipes a neighbour with "+joinHazards(neighbour))
	}
	text := strings.Join(parts, ". ")
	if j.strategy == results.NegativeControl {
		text += ", as every strategy does"
	}
	return text
}
