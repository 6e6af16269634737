package results

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat/distuv"

	"tlsbench/results/inference"
	"tlsbench/results/number"
)

// A/A: duets of a strategy with itself show how small a difference the method can
// tell, and whether it tells one where there is none.

// How many sets of pairs it takes to find fault with the method, and how probable it
// may be that they differ too often though nothing is wrong: 3 of 20 are allowed.
const (
	aaSets       = 20
	aaSetsChance = 0.02
)

// checkAA is the rule that duets of a strategy with itself show no difference: of sets
// of as many pairs as a duet has at least, not too many differ; all pairs together do
// not; and neither the place of a turn nor which server was started first makes a
// difference.
func checkAA(g *gatherer) (ruling, error) {
	var f ruling
	all, places := g.duetsWithThemselves(func(scene Scene, name string, s *duetSample) { // such as one with an extra that is known
		sets, same := s.sets()
		f.note("duets: %s, %s: of %d sets of %d pairs %d differ by their 95 %% interval, and %d are shown to be within %s",
			scene, name, len(sets), inference.DuetFirst, differing(sets), same, number.Percent(DuetMargin))
	})
	if f.places = places; places == 0 {
		f.lack(g.filter(), "no duet of a strategy with itself")
		return f, nil
	}
	if all.tally.failed > 0 {
		f.lack("duets", "%s", couldNot(&all.tally))
	}
	o := Options{Confidence: 1 - checkAlpha}
	list, _ := all.sets()
	sets, differ, may := len(list), differing(list), allowed(len(list))
	f.note("duets: %d of %d sets of %d pairs differ by their 95 %% interval (chance allows %d)", differ, sets, inference.DuetFirst, may)
	if sets < aaSets {
		f.lack("duets", "%s in %d sets: too few, need %d, as from run --measure duet --strategy %s --duet-pairs %[3]d",
			number.Count(len(all.pairs), "pair"), sets, aaSets*inference.DuetFirst, NegativeControl)
	}
	if differ > may {
		f.add("duets", "%d of %d sets differ: chance allows %d", differ, sets, may)
	}
	for _, effect := range []struct {
		what string
		Estimate
	}{
		{"a strategy from itself", logs(all.pairs).estimate(o)},
		{"the first of two turns from the second", logs(all.position).estimate(o)},
		{"the server started first from the other, by twice", all.order(o)},
	} {
		text := fmt.Sprintf("%s %s", number.Change(effect.Value), number.Between(effect.Low, effect.High, number.Change))
		f.note("duets: %s differs by %s", effect.what, text)
		// Two standard errors: the interval is about that wide.
		if effect.Excludes(1) {
			f.add("duets", "%s differs by %s", effect.what, text)
		}
	}
	parts := inference.DuetComponents(all.blocks)
	f.note("duets: standard deviation %s between pairs, %s between blocks; correlation of neighbouring blocks %s",
		number.Percent(parts.Between), number.Percent(parts.Within), number.Figures(parts.Lag1))
	return f, nil
}

// allowed is the number of false findings in n tests at 5 % that is exceeded with a
// probability of aaSetsChance at most.
func allowed(n int) int {
	k := 0
	for k < n && 1-(distuv.Binomial{N: float64(n), P: checkAlpha}).CDF(float64(k)) > aaSetsChance {
		k++
	}
	return k
}

// duetsWithThemselves joins the duets of strategies with themselves, of so many
// places, and shows the others one by one.
func (g *gatherer) duetsWithThemselves(other func(Scene, string, *duetSample)) (all *duetSample, places int) {
	all = new(duetSample)
	for _, scene := range g.sorted() {
		for _, name := range sortedNames(g.scenes[scene]) {
			switch s := &g.scenes[scene][name].duet; {
			case len(s.pairs) == 0:
			case name == scene.Against():
				places++
				all.join(s)
			default:
				other(scene, name, s)
			}
		}
	}
	return all, places
}

// sets cuts the pairs into duets of as many as one has at least, and counts those
// that are equivalent, each for itself.
func (s *duetSample) sets() (list []Estimate, same int) {
	for set := range slices.Chunk(s.pairs, inference.DuetFirst) {
		if len(set) < inference.DuetFirst {
			break
		}
		p := logs(set)
		list = append(list, p.estimate(Options{Confidence: 1 - checkAlpha}))
		if yes, _ := inference.Equivalent(p.a, p.b, DuetMargin, checkAlpha); yes {
			same++
		}
	}
	return list, same
}

// differing counts the ratios whose interval excludes 1.
func differing(list []Estimate) int {
	n := 0
	for _, f := range list {
		if f.Excludes(1) {
			n++
		}
	}
	return n
}

// join adds the pairs of another place.
func (s *duetSample) join(o *duetSample) {
	s.tally = *s.tally.with(&o.tally)
	s.pairs = append(s.pairs, slices.DeleteFunc(slices.Clone(o.pairs), math.IsNaN)...)
	s.blocks, s.position = append(s.blocks, o.blocks...), append(s.position, o.position...)
	s.started, s.first = append(s.started, o.started...), append(s.first, o.first...)
}

// AASummary is what the duets of a strategy with itself in one file came to, as the
// rule of "tlsbench check --aa" counts them, for a figure and its text.
type AASummary struct {
	*Input
	Strategy string
	Builds   []string
	Ratios   []float64 // of sets of DuetFirst pairs
	Differ   int       // of these by their interval
}

// SummarizeAA reads a file of duets of one strategy with itself alone.
func SummarizeAA(path string) (*AASummary, error) {
	g, err := gather(Options{}, path)
	if err != nil {
		return nil, err
	}
	all, _ := g.duetsWithThemselves(func(Scene, string, *duetSample) {})
	sets, _ := all.sets()
	s := &AASummary{Input: g.inputs[0], Strategy: strings.Join(sortedNames(g.all), ", "), Differ: differing(sets)}
	s.Builds = Distinct(g.sorted(), func(s Scene) string { return s.OpenSSL })
	for _, f := range sets {
		s.Ratios = append(s.Ratios, f.Value)
	}
	return s, nil
}

// onlyAA reports whether the plan of a file has nothing but duets of one strategy with
// itself.
func (h Header) onlyAA() bool {
	p := h.plan()
	if p == nil || !p.Spec.Only(Duet) {
		return false
	}
	subjects, others := p.Spec.Strategies, p.Spec.Duet.Against
	return len(subjects) == 1 && len(others) == 1 && subjects[0].Name() == others[0].Name()
}
