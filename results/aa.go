package results

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat/distuv"

	"tlsbench/results/inference"
	"tlsbench/results/number"
	"tlsbench/results/version"
)

// AAName is the n-th name, from 2, of a strategy that runs under several names
// in one plan, to be compared with itself: "hwm:aa=2", "hwm:scan=64,aa=2". The
// first name is the strategy's own.
func AAName(strategy string, n int) string {
	sep := ":"
	if strings.Contains(strategy, ":") {
		sep = ","
	}
	return fmt.Sprintf("%s%saa=%d", strategy, sep, n)
}

// aaName is a name of AAName.
var aaName = regexp.MustCompile(`^(.+)[:,]aa=[0-9]+$`)

// aaBase is the strategy behind a name of AAName, else the name itself.
func aaBase(name string) string { return aaName.ReplaceAllString(name, "$1") }

// The size of an A/A experiment below which it proves little: with 200
// comparisons a test that errs in 10 % of cases instead of 5 % is found out
// in half of all experiments, and with 28 tables as much as one that errs in
// 24 %.
const (
	aaComparisons = 200
	aaTables      = 28
)

// aaChance is the probability that an A/A experiment fails though the
// statistics are right. With it chance allows 20 findings in 200 comparisons,
// and 6 in 28 tables.
const aaChance = 0.002

// checkAA is the rule that a strategy under several names does not differ from
// itself more often than chance allows. The rounds are cut into tables of
// eight, the fewest that a signed-rank test is made on.
//
// Within a table the names are taken two by two, so that no trial is in two
// comparisons and their number of findings is binomial. The tables themselves
// are tested as compare does: the others against the first, corrected by Holm.
// Only six others: with more, even the clearest difference in eight rounds,
// p = 2/2^8, would not survive the correction, and the test could not fail.
func checkAA(g *gatherer) (findings, error) {
	var f findings
	g.aaDuets(&f)
	for _, unit := range aaUnits {
		s, groups := g.aaSummary(unit)
		if f.places += groups; groups > 0 {
			s.report(&f)
		}
	}
	if f.places == 0 {
		f.lack(g.filter(), "no strategy under several names, as tlsbench run --aa makes them, and no duet of one with itself")
	}
	return f, nil
}

// aaOthers is how many names a table holds against the first.
const aaOthers = 6

// aaUnits are the metrics that A/A is about.
var aaUnits = []string{HandshakesPerSec, CPUPerHandshake}

// aaGroups lists the names of each strategy that has several, its own first.
func aaGroups(samples map[string]*sample) [][]string {
	names := slices.SortedFunc(maps.Keys(samples), func(a, b string) int { // aa=2 before aa=10
		return cmp.Or(strings.Compare(aaBase(a), aaBase(b)), cmp.Compare(len(a), len(b)), strings.Compare(a, b))
	})
	names = slices.DeleteFunc(names, func(name string) bool { return samples[name].throughput.trials == 0 })
	return slices.DeleteFunc(Group(names, aaBase), func(names []string) bool { return len(names) < 2 })
}

// aaSummary is one metric of all strategies under several names, and how many
// there are of them, scene by scene.
func (g *gatherer) aaSummary(unit string) (s AASummary, groups int) {
	s.Unit = unit
	for _, scene := range g.sorted() {
		for _, names := range aaGroups(g.scenes[scene]) {
			groups++
			s.add(g.scenes[scene], names)
		}
	}
	return s, groups
}

func (s *AASummary) add(samples map[string]*sample, names []string) {
	rows, left := aaRows(samples, names, s.Unit)
	s.Left += left + len(rows)%minSignedRank
	for len(rows) >= minSignedRank {
		s.table(rows[:minSignedRank])
		rows = rows[minSignedRank:]
	}
}

// aaRows are the values of each round in which all names have one, in the
// order of the rounds, and how many rounds are left out.
func aaRows(samples map[string]*sample, names []string, unit string) (rows [][]float64, left int) {
	values := make(map[roundKey][]float64)
	for _, name := range names {
		for _, p := range samples[name].throughput.byRound(unit) {
			if p.turn == 0 {
				values[p.key] = append(values[p.key], p.value)
			}
		}
	}
	for _, key := range slices.SortedFunc(maps.Keys(values), roundKey.compare) {
		if row := values[key]; len(row) == len(names) {
			rows = append(rows, row)
		}
	}
	return rows, len(values) - len(rows)
}

// table tests one table of rounds.
func (s *AASummary) table(rows [][]float64) {
	column := func(i int) []float64 {
		var list []float64
		for _, row := range rows {
			list = append(list, row[i])
		}
		return list
	}
	for i := 0; i+1 < len(rows[0]); i += 2 {
		a, b := column(i), column(i+1)
		ratio := figure(inference.PairedRatio(b, a, 1-checkAlpha))
		s.Ratios = append(s.Ratios, ratio.Value)
		if ratio.Excludes(1) {
			s.Interval++
		}
		if inference.SignedRank(inference.LogRatios(b, a)) < checkAlpha {
			s.Rank++
		}
	}
	var p []float64
	for i := 1; i < min(len(rows[0]), 1+aaOthers); i++ {
		p = append(p, inference.SignedRank(inference.LogRatios(column(i), column(0))))
	}
	s.Tables++
	if slices.Min(inference.Holm(p)) < checkAlpha {
		s.Any++
	}
}

// report says what was found, and breaks the rule if that is more than
// chance allows or too few trials to tell.
func (s *AASummary) report(f *findings) {
	comparisons := len(s.Ratios)
	f.note("%s: of %d comparisons from trials of their own %d differ by their 95 %% interval and %d by the signed-rank test (chance allows %d); of %d tables of %d rounds %d have a difference after Holm's correction (chance allows %d); %d rounds left over",
		s.Unit, comparisons, s.Interval, s.Rank, allowed(comparisons), s.Tables, minSignedRank, s.Any, allowed(s.Tables), s.Left)
	if comparisons < aaComparisons || s.Tables < aaTables {
		f.lack(s.Unit, "%d comparisons in %d tables: too few, need %d in %d, as from run --aa 8 --rounds 420",
			comparisons, s.Tables, aaComparisons, aaTables)
	}
	for _, found := range []struct {
		what string
		k, n int
	}{
		{"comparisons differ by their 95 % interval", s.Interval, comparisons},
		{"comparisons differ by the signed-rank test", s.Rank, comparisons},
		{"tables have a difference after Holm's correction", s.Any, s.Tables},
	} {
		if found.k > allowed(found.n) {
			f.add(s.Unit, "%d of %d %s: chance allows %d", found.k, found.n, found.what, allowed(found.n))
		}
	}
}

// allowed is the number of false findings in n tests at 5 % that is exceeded
// with a probability of aaChance at most.
func allowed(n int) int { return exceeded(n, aaChance) }

func exceeded(n int, chance float64) int {
	k := 0
	for k < n && 1-(distuv.Binomial{N: float64(n), P: checkAlpha}).CDF(float64(k)) > chance {
		k++
	}
	return k
}

// AASummary is what a strategy against itself came to in one metric: the rule
// of "tlsbench check --aa", for a figure and its text.
type AASummary struct {
	Unit   string
	Builds []string // that the file has
	// Comparisons of eight rounds, or of DuetFirst duets, from trials of their own:
	// the ratio of each, and how many differ, by the interval and by the
	// signed-rank test, which duets do not have.
	Ratios         []float64
	Interval, Rank int
	// Tables, and those that have a difference after Holm's correction.
	Tables, Any int
	Left        int // rounds that fill no table, or pairs that fill no duet
}

// SummarizeAA reads results files of "tlsbench run --aa", or of duets of a
// strategy with itself. A metric without a
// comparison is left out.
func SummarizeAA(files ...string) ([]AASummary, error) {
	g, err := gather(Options{}, files...)
	if err != nil {
		return nil, err
	}
	list := []AASummary{g.summarizeDuets()}
	for _, unit := range aaUnits {
		s, _ := g.aaSummary(unit)
		list = append(list, s)
	}
	builds := Distinct(g.sorted(), func(s Scene) string { return s.OpenSSL })
	slices.SortFunc(builds, version.Compare)
	for i := range list {
		list[i].Builds = builds
	}
	return slices.DeleteFunc(list, func(s AASummary) bool { return len(s.Ratios) == 0 }), nil
}

// How many duets of a strategy with itself it takes to find fault with them, and
// how probable it may be that sets of pairs differ too often though nothing is
// wrong: 3 of 20 are allowed.
const (
	aaSets       = 20
	aaSetsChance = 0.02
)

// aaDuets is the rule of aa for duets of a strategy with itself: of sets of as many
// pairs as a duet has at least, not too many differ; all pairs together do not; and
// neither the place of a turn nor which server was started first makes a difference.
func (g *gatherer) aaDuets(f *findings) {
	all, places := g.duetsWithThemselves(func(scene Scene, name string, s *duetSample) { // such as one with an extra that is known
		sets, same := s.sets()
		f.note("duets: %s, %s: of %d sets of %d pairs %d differ by their 95 %% interval, and %d are shown to be within %s",
			scene, name, len(sets), inference.DuetFirst, differing(sets), same, number.Percent(DuetMargin))
	})
	if f.places += places; f.places == 0 {
		return
	}
	if all.tally.failed > 0 {
		f.add("duets", "%s", couldNot(&all.tally))
	}
	o := Options{Confidence: 1 - checkAlpha}
	list, _ := all.sets()
	sets, differ := len(list), differing(list)
	may := exceeded(sets, aaSetsChance)
	f.note("duets: %d of %d sets of %d pairs differ by their 95 %% interval (chance allows %d)", differ, sets, inference.DuetFirst, may)
	if sets < aaSets {
		f.add("duets", "%s in %d sets: too few, need %d, as from run --measure duet --strategy %s --duet-pairs %[3]d",
			number.Count(len(all.pairs), "pair"), sets, aaSets*inference.DuetFirst, NegativeControl)
	}
	if differ > may {
		f.add("duets", "%d of %d sets differ: chance allows %d", differ, sets, may)
	}
	for _, effect := range []struct {
		what string
		Figure
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
}

// duetsWithThemselves joins the duets of strategies with themselves, of so many
// places, and shows the others one by one.
func (g *gatherer) duetsWithThemselves(other func(Scene, string, *duetSample)) (all *duetSample, places int) {
	all = new(duetSample)
	for _, scene := range g.sorted() {
		for _, name := range sortedNames(g.scenes[scene]) {
			switch s := &g.scenes[scene][name].duet; {
			case len(s.pairs) == 0:
			case aaBase(name) == scene.Against():
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
func (s *duetSample) sets() (list []Figure, same int) {
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
func differing(list []Figure) int {
	n := 0
	for _, f := range list {
		if f.Excludes(1) {
			n++
		}
	}
	return n
}

// summarizeDuets is what duets of strategies with themselves came to.
func (g *gatherer) summarizeDuets() AASummary {
	all, _ := g.duetsWithThemselves(func(Scene, string, *duetSample) {})
	list, _ := all.sets()
	s := AASummary{Unit: CPURatio, Interval: differing(list), Left: len(all.pairs) % inference.DuetFirst}
	for _, f := range list {
		s.Ratios = append(s.Ratios, f.Value)
	}
	return s
}

// join adds the pairs of another place.
func (s *duetSample) join(o *duetSample) {
	s.tally = *s.tally.with(&o.tally)
	s.pairs = append(s.pairs, slices.DeleteFunc(slices.Clone(o.pairs), math.IsNaN)...)
	s.blocks, s.position = append(s.blocks, o.blocks...), append(s.position, o.position...)
	s.started, s.first = append(s.started, o.started...), append(s.first, o.first...)
}
