package page

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"tlsbench/results"
	"tlsbench/results/number"
)

// Answer is what a maintainer asks, a row for each strategy: is it safe alone,
// what breaks it, what does it cost, and so when to use it. Only scenes with the
// default heap and settings count, if there are some. With only, rows and notes are
// about these strategies.
func Answer(c *results.Comparison, only ...string) *Table {
	b := &comparison{Comparison: c}
	tables := usualScenes(c.Tables)
	t := &Table{Title: "Which fix is safe, which hazards break it, and what it costs",
		Head: []string{"strategy", "alone", "breaks with", "costs", "use it when"}}
	var tried, alone results.Range
	bound := 0.0
	for _, name := range results.Strategies(tables...) {
		f := newRecord(tables, name)
		if len(f.safe)+len(f.ruined)+len(f.reasons) == 0 || len(only) > 0 && !slices.Contains(only, name) {
			continue // there is no verdict on a strategy of a sweep of forks alone, say
		}
		t.Add(name, f.alone(), f.breaks(), b.costAnswer(tables, name), f.advice())
		tried.Join(f.tried)
		alone.Join(f.trials)
		bound = max(bound, f.bound)
	}
	if names := scenesThat(tables, func(t *results.Table) bool { return t.NoFix != "" }); names != "" && len(t.Rows) > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("Left out, because they damage %s too: %s.", results.NegativeControl, names))
	}
	if names := scenesThat(tables, func(t *results.Table) bool { return t.NoFix == "" && hopeless(t) }); names != "" && len(t.Rows) > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("Left out, because %s is expected to be damaged, though it was not in these trials: %s.", results.NegativeControl, names))
	}
	if names := scenesThat(tables, func(t *results.Table) bool {
		return t.Hazard != results.Plain && !hopeless(t) && shares(t.Row(results.NegativeControl))
	}); names != "" && len(t.Rows) > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("What %s shares too does not count: %s.", results.NegativeControl, names))
	}
	switch {
	case c.Family != nil && c.Family.Holds():
		t.Notes = append(t.Notes, c.Family.String())
	case tried.Total > 0:
		t.Notes = append(t.Notes, fmt.Sprintf("Hazards without damage: a screening with %s for each hazard and build. It finds only frequent damage.", trialsOf(tried)))
	}
	if alone.Total > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("Alone without damage: at least %s on each build; share of damaged trials: %s.", number.Count(alone.Least, "trial"), number.AtMost(bound)))
	}
	return t
}

// usualScenes leaves the scenes with the default heap and settings, or all if
// there are no such.
func usualScenes(tables []*results.Table) []*results.Table {
	list := slices.DeleteFunc(slices.Clone(tables), func(t *results.Table) bool { return t.Heap != "global" || t.Settings != "" })
	return results.OrDefault(list, tables...)
}

// hopeless reports whether no fix of this kind can help in a scene, as its trials
// show or the catalogue of hazards says: in few lives the negative control may have
// been lucky.
func hopeless(t *results.Table) bool {
	return t.NoFix != "" || results.HurtsOracle(t.Hazard, t.OpenSSL)
}

// scenesThat names the hazards of some scenes, with the builds if those are not all.
func scenesThat(tables []*results.Table, some func(*results.Table) bool) string {
	var whole []string
	partly := map[string][]string{} // hazards by their builds
	for _, scenes := range results.Group(tables, hazardOf) {
		bad := slices.DeleteFunc(slices.Clone(scenes), func(t *results.Table) bool { return !some(t) })
		switch hazard := scenes[0].Hazard; {
		case len(bad) == len(scenes):
			whole = append(whole, hazard)
		case len(bad) > 0:
			builds := strings.Join(results.Distinct(bad, buildOf), ", ")
			partly[builds] = append(partly[builds], hazard)
		}
	}
	var parts []string
	for _, builds := range slices.Sorted(maps.Keys(partly)) {
		parts = append(parts, results.JoinHazards(partly[builds])+" on "+builds)
	}
	if len(whole) > 0 {
		parts = append([]string{results.JoinHazards(whole)}, parts...)
	}
	return strings.Join(parts, "; ")
}

// record is what the trials of one strategy showed: alone in the process, build by build,
// and with hazards on the builds where it is safe alone.
type record struct {
	strategy string
	safe     []string            // builds on which it is not damaged alone
	ruined   []string            // builds on which it is
	shared   []string            // safe builds on which workers were seen to share memory
	untried  []string            // builds without a verdict,
	without  results.Word        // for which of the words for that
	reasons  []string            // and why
	trials   results.Range       // of a build, alone
	bound    float64             // the weakest of the safe builds
	clean    bool                // on all safe builds
	word     results.Word        // the worst of the others
	hazards  []string            // tried on a safe build
	broken   map[string][]string // hazards, with the builds where they hurt it
	tried    results.Range       // undamaged trials with a hazard
	weakest  float64             // the highest bound of a hazard on a build
}

func trialsOf(r results.Range) string {
	if r.Least == r.Most {
		return number.Count(r.Least, "trial")
	}
	return r.String() + " trials"
}

func newRecord(tables []*results.Table, strategy string) *record {
	f := &record{strategy: strategy, clean: true, broken: make(map[string][]string)}
	alone := slices.DeleteFunc(slices.Clone(tables), func(t *results.Table) bool { return t.Hazard != results.Plain })
	for _, scenes := range results.Group(alone, buildOf) {
		f.addAlone(scenes[0].OpenSSL, scenes)
	}
	// Of scenes of a hazard and a build that differ in the number of workers, say, the
	// one with the most trials.
	best := make(map[[2]string]*results.Verdict)
	for _, t := range tables {
		r := t.Row(strategy)
		if t.Hazard == results.Plain || r == nil || r.Verdict.Trials == 0 || !slices.Contains(f.safe, t.OpenSSL) || hopeless(t) {
			continue
		}
		where := [2]string{t.Hazard, t.OpenSSL}
		if v, b := &r.Verdict, best[where]; v.Damaged == 0 && (b == nil || v.Trials > b.Trials) {
			best[where] = v
		}
		if !slices.Contains(f.hazards, t.Hazard) {
			f.hazards = append(f.hazards, t.Hazard)
		}
		if f.hurt(t, r) && !slices.Contains(f.broken[t.Hazard], t.OpenSSL) {
			f.broken[t.Hazard] = append(f.broken[t.Hazard], t.OpenSSL)
		}
	}
	for _, v := range best {
		f.weakest = max(f.weakest, v.Upper)
		f.tried.Add(v.Trials)
	}
	return f
}

// hurt reports whether the fix failed in a scene: a life was damaged, or workers
// share what they share neither when it is alone nor under a perfect fix.
func (f *record) hurt(t *results.Table, r *results.Row) bool {
	return r.Verdict.Damaged > 0 || shares(r) && !shares(t.Row(results.NegativeControl)) && !slices.Contains(f.shared, t.OpenSSL)
}

// shares reports whether workers share what they inherited; nobody does in no row.
func shares(r *results.Row) bool {
	return r != nil && slices.Contains(r.Verdict.Words, results.Shared)
}

// addAlone takes what became of it alone on one build: any damage counts, and if
// there is none the scene with the most trials.
func (f *record) addAlone(build string, scenes []*results.Table) {
	var best *results.Verdict
	damaged, shared, without := false, false, results.Word("")
	for _, t := range scenes {
		r := t.Row(f.strategy)
		if r == nil {
			continue
		}
		shared = shared || shares(r)
		switch v := &r.Verdict; {
		case v.Trials == 0 && v.Reason == "":
		case v.Trials == 0:
			without = v.Worst()
			if !slices.Contains(f.reasons, v.Reason) {
				f.reasons = append(f.reasons, v.Reason)
			}
		case v.Damaged > 0:
			damaged = true
			if f.word == "" || slices.Index(ranks, v.Worst()) > slices.Index(ranks, f.word) {
				f.word = v.Worst()
			}
		case best == nil || v.Trials > best.Trials:
			best = v
		}
	}
	switch {
	case damaged:
		f.ruined = append(f.ruined, build)
	case best != nil:
		if shared {
			f.shared = append(f.shared, build)
		}
		f.safe = append(f.safe, build)
		f.trials.Add(best.Trials)
		f.bound, f.clean = max(f.bound, best.Upper), f.clean && best.Worst() == results.Clean
	case without != "":
		f.without = without
		f.untried = append(f.untried, build)
	}
}

// on names builds, or says that it is all there are.
func (f *record) on(some []string) string {
	if all := len(f.safe) + len(f.ruined); len(some) == all && all > 1 {
		return fmt.Sprintf("on all %d", all)
	}
	return "on " + strings.Join(some, ", ")
}

func (f *record) alone() Cell {
	safe, shared := results.NoDamageSeen, f.shared
	switch {
	case len(shared) > 0 && len(shared) == len(f.safe):
		safe, shared = results.Shared, nil
	case f.clean:
		safe = results.Clean
	}
	c := Cell{Notes: f.reasons}
	var parts []string
	if len(f.ruined) > 0 {
		c.Class = "verdict " + Class(f.word)
		parts = append(parts, fmt.Sprintf("%s %s", f.word, f.on(f.ruined)))
	}
	if len(f.safe) > 0 {
		c.Class = cmp.Or(c.Class, "verdict "+Class(safe))
		parts = append(parts, fmt.Sprintf("%s %s", safe, f.on(f.safe)))
		c.Detail = fmt.Sprintf("(0 of %s each, %s)", trialsOf(f.trials), number.AtMost(f.bound))
	}
	if len(shared) > 0 {
		parts = append(parts, "shared on "+strings.Join(shared, ", "))
		if len(f.ruined) == 0 {
			c.Class = "verdict " + Class(results.Shared)
		}
	}
	if len(parts) == 0 {
		return Cell{Text: string(cmp.Or(f.without, results.NotApplicWord)), Notes: f.reasons}
	}
	if len(f.untried) > 0 {
		parts = append(parts, fmt.Sprintf("%s on %s", f.without, strings.Join(f.untried, ", ")))
	}
	c.Text = strings.Join(parts, "; ")
	return c
}

func (f *record) breaks() Cell {
	switch {
	case len(f.hazards) == 0:
		return Cell{Text: "–"}
	case len(f.broken) == 0:
		return Cell{Text: fmt.Sprintf("none of %s", number.Count(len(f.hazards), "hazard")), Sort: "0",
			Detail: fmt.Sprintf("(0/%s, %s each)", number.Count(f.tried.Total, "trial"), number.AtMost(f.weakest))}
	}
	where := func(hazard string) string {
		if builds := f.broken[hazard]; len(builds) < len(f.safe) {
			return strings.Join(builds, ", ")
		}
		return "" // on all safe builds
	}
	names := slices.SortedFunc(maps.Keys(f.broken), func(a, b string) int { return strings.Compare(where(a), where(b)) })
	var parts []string
	for _, group := range results.Group(names, where) {
		text := results.JoinHazards(group)
		if builds := where(group[0]); builds != "" {
			text = "on " + builds + ": " + text
		}
		parts = append(parts, text)
	}
	c := Cell{Text: fmt.Sprintf("%d of %s", len(names), number.Count(len(f.hazards), "hazard")), Detail: strings.Join(parts, "; "), Sort: sortable(float64(len(names)))}
	switch kinds := strings.Join(results.HazardNames(names), ", "); {
	case len(c.Detail) <= fewWords:
		c.Text, c.Detail = fmt.Sprintf("%d of %d: %s", len(names), len(f.hazards), c.Detail), ""
	case len(kinds) <= fewWords:
		c.Text = fmt.Sprintf("%d of %d: %s", len(names), len(f.hazards), kinds)
	}
	return c
}

// fewWords are characters that fit in a cell, and manyNeeds of conditions that nobody
// reads any more.
const fewWords, manyNeeds = 50, 100

// advice follows from the other columns.
func (f *record) advice() Cell {
	needs := strings.Join(results.HazardConditions(slices.Sorted(maps.Keys(f.broken))), ", ")
	switch {
	case f.strategy == results.NegativeControl:
		return Cell{Text: "never in a daemon: it shows a perfect fix"}
	case len(f.safe) == 0:
		return Cell{Text: "never"}
	case len(f.shared) > 0:
		return Cell{Text: "not yet: workers share blocks", Detail: f.only()}
	case len(f.hazards) == 0:
		return Cell{Text: "unknown: tried only alone", Detail: f.only()}
	case len(f.broken) == 0:
		return Cell{Text: "in all cases tried", Detail: f.only()}
	case len(needs) > manyNeeds:
		return Cell{Text: "in a plain process: OpenSSL's defaults, used by workers alone", Detail: f.only()}
	}
	return Cell{Text: needs, Detail: f.only()}
}

// only names the builds that a strategy is safe on, if that is not all.
func (f *record) only() string {
	if len(f.ruined) == 0 && len(f.reasons) == 0 {
		return ""
	}
	return "(OpenSSL " + strings.Join(f.safe, ", ") + " only)"
}

// costAnswer gives the server's CPU time for each handshake, alone in the
// process: by duets where there are some, which tell a fraction of a percent. On
// few cores throughput is the peers' as well.
func (b *comparison) costAnswer(tables []*results.Table, name string) Cell {
	if name == b.Baseline {
		return Cell{Text: "the baseline"}
	}
	duets := slices.DeleteFunc(slices.Clone(b.Tables), func(t *results.Table) bool {
		return t.Heap != results.Heaps.Default() || t.Settings != results.Settings(results.AgainstKey+"="+b.Baseline)
	})
	if list := costsOf(duets, name, func(r *results.Row) results.Ratio { return r.Duet.Cost }); len(list) > 0 {
		return b.costWords(list, results.CPURatio, results.DuetMargin)
	}
	for _, unit := range []string{results.CPUPerHandshake, results.HandshakesPerSec} {
		list := costsOf(tables, name, func(r *results.Row) results.Ratio {
			c, _ := r.Cost(unit)
			return c.Ratio
		})
		if len(list) > 0 {
			return b.costWords(list, unit, b.Margin)
		}
	}
	return Cell{Text: "–"}
}

// costsOf gives the costs of a strategy alone in the process, build by build: of
// scenes that differ in load or workers that with the most rounds.
func costsOf(tables []*results.Table, name string, of func(*results.Row) results.Ratio) []buildCost {
	var list []buildCost
	for _, t := range tables {
		r := t.Row(name)
		if r == nil || t.Hazard != results.Plain || !of(r).Known() {
			continue
		}
		i := slices.IndexFunc(list, func(c buildCost) bool { return c.build == t.OpenSSL })
		switch c := (buildCost{t.OpenSSL, of(r)}); {
		case i < 0:
			list = append(list, c)
		case c.N > list[i].N:
			list[i] = c
		}
	}
	return list
}

type buildCost struct {
	build string
	results.Ratio
}

// costWords tells what differs, and of the rest how much cannot be excluded.
func (b *comparison) costWords(list []buildCost, unit string, margin float64) Cell {
	var differ, alike []string
	same, far := true, 0.0
	for _, q := range list {
		if b.Differs(q.Ratio) {
			differ = append(differ, fmt.Sprintf("%s on %s", number.Change(q.Value), q.build))
			continue
		}
		alike, same = append(alike, q.build), same && q.Same
		end := q.High - 1 // more CPU is dearer,
		if unit == results.HandshakesPerSec {
			end = 1 - q.Low // fewer handshakes are
		}
		if math.IsNaN(end) || math.IsInf(q.High, 1) { // an open interval has a low end of 0
			end = math.Inf(1)
		}
		far = max(far, end)
	}
	c := Cell{Text: strings.Join(differ, ", ")}
	rest := fmt.Sprintf("≈ (up to +%s)", number.Percent(number.Up(far, 2)))
	switch {
	case len(alike) == 0:
		return c
	case same:
		rest = number.AtMost(margin)
	case math.IsInf(far, 1):
		rest = "too few rounds to tell"
	}
	if len(differ) == 0 {
		c.Text = rest
		return c
	}
	c.Detail = "else " + rest
	return c
}
