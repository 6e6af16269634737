package plots

import (
	"fmt"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"

	"tlsbench/results"
	"tlsbench/results/event"
	"tlsbench/results/inference"
	"tlsbench/results/number"
	"tlsbench/results/version"
)

// wordPaint is the colour of a verdict, by its worst word.
var wordPaint = map[results.Word]paint{
	results.Crashed:       {rgb(0x6E0B14), paper},
	results.Hung:          {rgb(0x5A2A83), paper},
	results.Corrupt:       {rgb(0xB0400A), paper},
	results.Shared:        {rgb(0xD9782D), ink},
	results.Broken:        {rgb(0xE59B3A), ink},
	results.Collateral:    {rgb(0xF5D97E), ink},
	results.Clean:         {rgb(0xBFE5D2), ink},
	results.NoDamageSeen:  {rgb(0xE4F0F9), ink},
	results.SkippedWord:   {paper, softInk},
	results.NotApplicWord: {paper, softInk},
	results.NotCarriedOut: {paper, alarmInk},
	results.NoTrials:      {paper, softInk},
	results.NoAttempts:    {paper, softInk},
}

// shortWord is a word as it fits into a field, where that is not the word
// itself. Where nothing was seen the counts are enough.
var shortWord = map[results.Word]string{
	results.NoDamageSeen: "", results.SkippedWord: "skip", results.NotApplicWord: "n/a", results.NotCarriedOut: "failed", results.NoTrials: "–",
}

// verdictMap is figure 1: hazards by strategies and builds, on one sheet.
func verdictMap(d *Data) *Figure {
	f := &Figure{ID: "verdicts", Title: "Which fix survives which hazard?", Empty: "no trial looked for corruption"}
	for _, scenes := range grouped(d.fullyJudged(), func(s *results.Scene) { s.OpenSSL, s.Hazard = "", "" }) {
		names := slices.DeleteFunc(results.Strategies(scenes...), func(name string) bool { return name == results.PositiveControl })
		if len(names) == 0 {
			names = []string{results.PositiveControl}
		}
		builds := grouped(scenes, func(s *results.Scene) { s.Hazard = "" })
		slices.SortStableFunc(builds, func(a, b []*results.Table) int { return version.Compare(a[0].OpenSSL, b[0].OpenSSL) })
		for chunk := range slices.Chunk(builds, buildsPerMap(len(builds), len(names))) {
			f.addMap(d, chunk, names)
		}
	}
	f.Caption = fmt.Sprintf("Each field has the worst verdict and the damaged trials of all; only counts: no damage seen. After a dot: raced blocks (inherited memory that several processes write without a common lock) and read-raced ones (one writes, others read). "+
		"collateral: slots of a third-party library were cleared. clean: no damage, and the exact one-sided 95 %% upper bound is at most %s, which takes %d trials. "+
		"The control none is left out, because it is damaged everywhere. Darker is worse. %s: %s.",
		number.Percent(results.CleanBound), results.CleanTrials, f.trials("trials", "field"), excluded(f.counts()))
	return f
}

// excluded says what trials without damage leave open, where there are fewest of
// them and where there are most.
func excluded(n results.Range) string {
	if n.Total == 0 {
		return "without trials there is no bound"
	}
	bound := func(trials int) string { return number.AtMost(inference.ProportionUpper(0, trials, 0.95)) }
	text := fmt.Sprintf("the share of damaged ones is %s where %d show none", bound(n.Least), n.Least)
	if n.Most > n.Least {
		text += fmt.Sprintf(", %s where %d do", bound(n.Most), n.Most)
	}
	return text
}

const (
	mapLabel  vg.Length = 124 // room for a hazard with its number, or an object
	fieldLow  vg.Length = 33  // a field's width: no word is broken
	fieldHigh vg.Length = 62
	mapRoom             = sheetWidth - 2*sheetMargin - mapLabel
)

// buildsPerMap is how many builds fit next to one another.
func buildsPerMap(builds, strategies int) int {
	fit := max(1, int(mapRoom/(vg.Length(strategies)*fieldLow+blockGap)))
	maps := (builds + fit - 1) / fit
	return (builds + maps - 1) / maps
}

// newMap begins a map with a block of strategies for each build.
func newMap(corner string, builds, names []string) *cellMap {
	m := &cellMap{corner: corner, labelWidth: mapLabel}
	m.cellWidth = min(fieldHigh, (mapRoom-vg.Length(len(builds)-1)*blockGap)/vg.Length(len(builds)*len(names)))
	for _, build := range builds {
		b := block{"OpenSSL " + build, names}
		// A single narrow column is as wide as its title.
		m.cellWidth = max(m.cellWidth, title.Width(b.title)/vg.Length(len(names)))
		m.blocks = append(m.blocks, b)
	}
	return m
}

// addMap adds the map of some builds: a list of scenes for each.
func (f *Figure) addMap(d *Data, builds [][]*results.Table, names []string) {
	all := slices.Concat(builds...)
	m := newMap("hazard", results.Distinct(all, buildOf), names)
	for _, scenes := range builds {
		for _, name := range names {
			m.words = append(m.words, fmt.Sprintf("%s on %s: %s", name, scenes[0].OpenSSL, found(scenes, name, &m.n)))
		}
	}
	hazards := results.Distinct(all, func(s *results.Table) string { return s.Hazard })
	slices.SortFunc(hazards, results.CompareHazards)
	kind := ""
	for _, hazard := range hazards {
		if k := results.HazardKind(hazard); k != kind && len(hazards) > 1 {
			kind = k
			m.rows = append(m.rows, mapRow{label: kind})
		}
		r := mapRow{label: results.HazardTitle(hazard)}
		for _, scenes := range builds {
			i := slices.IndexFunc(scenes, func(s *results.Table) bool { return s.Hazard == hazard })
			for _, name := range names {
				var of *results.Row
				if i >= 0 {
					of = scenes[i].Row(name)
				}
				r.cells = append(r.cells, verdictField(of))
			}
		}
		m.rows = append(m.rows, r)
	}
	if p := f.add(d, all, "", m); p != nil {
		parts := []string{p.Sub, checksOff(all)}
		if p.OpenSSL == "" {
			parts = append([]string{"OpenSSL " + strings.Join(results.Distinct(all, buildOf), ", ")}, parts...)
		}
		if p.Hazard == "" {
			parts = append([]string{number.Count(len(hazards), "hazard")}, parts...)
		}
		p.Title = strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ", ")
		p.Sub = strings.TrimSuffix("Worst verdict, and damaged trials of all; "+p.trials, "; ")
	}
}

// checksOff says so where none of the scenes' trials had active checks.
func checksOff(scenes []*results.Table) string {
	for _, r := range results.Rows(scenes) {
		if len(r.Lifetimes) > 0 {
			return ""
		}
	}
	return "active checks off"
}

// verdictField is one field of the map.
func verdictField(r *results.Row) cell {
	if r == nil {
		return cell{paint: wordPaint[results.NoTrials], word: shortWord[results.NoTrials]}
	}
	v := r.Verdict
	word, ok := shortWord[v.Worst()]
	if !ok {
		word = string(v.Worst())
	}
	c := cell{paint: wordPaint[v.Worst()], word: word}
	if v.Trials > 0 {
		c.detail = fmt.Sprintf("%d/%d", v.Damaged, v.Trials)
	}
	if r.Sharing != nil {
		c.detail += fmt.Sprintf("·%d", r.Sharing.Raced+r.Sharing.ReadRaced)
	}
	return c
}

// found says in words what a column of the map shows, and counts its trials.
func found(scenes []*results.Table, strategy string, n *results.Range) string {
	by := make(map[results.Word][]string)
	fine, bad := 0, 0
	for _, s := range scenes {
		r := s.Row(strategy)
		if r == nil || r.Verdict.Trials == 0 {
			continue
		}
		n.Add(r.Verdict.Trials)
		if r.Verdict.Damaged == 0 {
			fine++
			continue
		}
		bad++
		by[r.Verdict.Worst()] = append(by[r.Verdict.Worst()], s.Hazard)
	}
	var parts []string
	for _, w := range event.Words {
		switch list := by[w]; {
		case len(list) == bad && fine == 0 && bad > 1:
			parts = append(parts, string(w)+" with every hazard")
		case len(list) > 0:
			parts = append(parts, string(w)+" with "+results.JoinHazards(list))
		}
	}
	if fine > 0 {
		parts = append(parts, fmt.Sprintf("nothing seen with %s", number.Count(fine, "hazard")))
	}
	if len(parts) == 0 {
		return "no trials"
	}
	return strings.Join(parts, ", ")
}
