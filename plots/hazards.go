package plots

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"tlsbench/results"
	"tlsbench/results/inference"
)

// numbered are the hazards that stand in figures with their number, also where it
// is the default.
var numbered = []string{"foreign-before", "foreign-after"}

// hazardParts splits a hazard's name; one with a number has its default in it.
func hazardParts(hazard string) (name, key, value string) {
	name, parameter, _ := strings.Cut(hazard, ":")
	if parameter == "" && slices.Contains(numbered, name) {
		if list, err := results.ParseHazard(name); err == nil {
			return name, "n", strconv.FormatInt(list[0].Number("n"), 10)
		}
	}
	key, value, _ = strings.Cut(parameter, "=")
	return name, key, value
}

// hazardName is a hazard's name with its number.
func hazardName(hazard string) string {
	name, key, value := hazardParts(hazard)
	if key == "" {
		return name
	}
	return name + ":" + key + "=" + value
}

// compareHazards has plain first, and numbers in their order.
func compareHazards(a, b string) int {
	nameA, keyA, valueA := hazardParts(a)
	nameB, keyB, valueB := hazardParts(b)
	x, _ := strconv.Atoi(valueA)
	y, _ := strconv.Atoi(valueB)
	first := map[bool]int{true: 0, false: 1}
	return cmp.Or(first[a == plainHazard]-first[b == plainHazard], cmp.Compare(nameA, nameB), cmp.Compare(keyA, keyB), x-y, cmp.Compare(valueA, valueB))
}

// hazardKinds are the headings of the verdict map, with the hazards below each.
var hazardKinds = []struct {
	title string
	names []string
}{
	{"Nothing else", []string{plainHazard}},
	{"What else has keys", []string{"foreign-before", "foreign-after", "foreign-shared", "python"}},
	{"Who uses OpenSSL where", []string{"rank0-client", "between-forks", "parent-errors", "handoff", "shared-ctx", "curl", "postgres", "mariadb"}},
	{"Providers", []string{"fips", "provider-state", "tls-variable"}},
	{"Forks", []string{"late-forks", "worker-forks", "atfork-user", "rank0-thread", "orderly-exit"}},
	{"Locks", []string{"private-locks"}},
	{"What peers do", []string{"many-errors", "mutual-tls", "long-lived", "reload"}},
	{"Others", nil},
}

// kindOf is the place of a hazard's heading: that of the first part of several.
func kindOf(hazard string) int {
	first, _, _ := strings.Cut(hazard, "+")
	name, _, _ := hazardParts(first)
	for i := range hazardKinds {
		if slices.Contains(hazardKinds[i].names, name) {
			return i
		}
	}
	return len(hazardKinds) - 1
}

func hazardKind(hazard string) string { return hazardKinds[kindOf(hazard)].title }

func compareByKind(a, b string) int {
	return cmp.Or(kindOf(a)-kindOf(b), compareHazards(a, b))
}

// joinHazards names hazards in as few words as can be: those that differ in
// their number alone are one.
func joinHazards(hazards []string) string {
	var parts []string
	last := ""
	for _, h := range slices.SortedFunc(slices.Values(hazards), compareHazards) {
		name, key, value := hazardParts(h)
		if key == "n" && last == name {
			parts[len(parts)-1] += "/" + value
			continue
		}
		parts, last = append(parts, hazardName(h)), ""
		if key == "n" {
			last = name
		}
	}
	return strings.Join(parts, ", ")
}

// mainGroups lists the verdict maps of default settings, of the load that most
// builds have.
func (d *Data) mainGroups() []*mapGroup {
	loads := make(map[string][]*mapGroup)
	var best []*mapGroup
	for _, g := range d.byHazard() {
		if g.controls || len(defaultScenes(g.scenes)) != len(g.scenes) {
			continue
		}
		list := append(loads[g.scene.Load], g)
		loads[g.scene.Load] = list
		if len(list) > len(best) {
			best = list
		}
	}
	return best
}

// covering leaves those groups that have nearly all hazards that any has: in
// others a hazard is not there by chance, and counts cannot be compared.
func covering(groups []*mapGroup) []*mapGroup {
	most := 0
	for _, g := range groups {
		most = max(most, len(g.scenes))
	}
	return slices.DeleteFunc(slices.Clone(groups), func(g *mapGroup) bool { return 5*len(g.scenes) < 4*most })
}

// screening is what hazards do to strategies, on builds that have nearly all.
type screening struct {
	groups  []*mapGroup
	hazards []string // those that leave the baseline of damage alone
	spoiled []string // those that damage key-owner too
	trials  tally    // of a cell
}

func newScreening(d *Data) *screening {
	s := &screening{groups: covering(d.mainGroups())}
	for _, g := range s.groups {
		for _, scene := range g.scenes {
			if scene.Hazard != plainHazard && !slices.Contains(s.hazards, scene.Hazard) {
				s.hazards = append(s.hazards, scene.Hazard)
			}
		}
	}
	slices.SortFunc(s.hazards, compareHazards)
	s.hazards = slices.DeleteFunc(s.hazards, func(hazard string) bool {
		spoiled := slices.ContainsFunc(s.groups, func(g *mapGroup) bool { return damaged(g.row(hazard, results.NegativeControl)) })
		if spoiled {
			s.spoiled = append(s.spoiled, hazard)
		}
		return spoiled
	})
	return s
}

func damaged(r *results.Row) bool { return r != nil && r.Verdict.Damaged > 0 }

// fate is what the hazards did to one strategy: hazards, each with the builds
// where that happened.
type fate struct {
	alone, judged, without []string // builds: damaged alone, judged, not applicable
	severe, neighbour      map[string][]string
	undamaged              []string // hazards that damaged it nowhere
	trials                 int      // under those
}

func (s *screening) fate(strategy string) *fate {
	f := &fate{severe: make(map[string][]string), neighbour: make(map[string][]string)}
	var judged []*mapGroup
	for _, g := range s.groups {
		build := g.scene.OpenSSL
		switch r := g.row(plainHazard, strategy); {
		case damaged(r):
			f.alone = append(f.alone, build)
		case r != nil && r.Verdict.Worst() == results.NotApplicWord:
			f.without = append(f.without, build)
		default:
			judged, f.judged = append(judged, g), append(f.judged, build)
		}
	}
	for _, hazard := range s.hazards {
		f.add(s, judged, hazard, strategy)
	}
	return f
}

func (f *fate) add(s *screening, groups []*mapGroup, hazard, strategy string) {
	trials, hurt := 0, false
	for _, g := range groups {
		r := g.row(hazard, strategy)
		if r == nil || r.Verdict.Trials == 0 {
			continue
		}
		s.trials.add(r.Verdict.Trials)
		trials += r.Verdict.Trials
		if !damaged(r) {
			continue
		}
		hurt = true
		where := f.severe
		if w := r.Verdict.Worst(); w == results.Broken || w == results.Collateral {
			where = f.neighbour
		}
		where[hazard] = append(where[hazard], g.scene.OpenSSL)
	}
	if trials > 0 && !hurt {
		f.undamaged, f.trials = append(f.undamaged, hazard), f.trials+trials
	}
}

// names lists hazards; those that did it on some builds only have these.
func (f *fate) names(where map[string][]string) string {
	groups := make(map[string][]string)
	for hazard, builds := range where {
		key := strings.Join(builds, ", ")
		if len(builds) == len(f.judged) {
			key = ""
		}
		groups[key] = append(groups[key], hazard)
	}
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(groups)) {
		text := joinHazards(groups[key])
		if key != "" {
			text = fmt.Sprintf("on %s alone: %s", key, text)
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "; ")
}

// hazardTable says for each strategy which hazards damage it. Plain is not
// among them.
func hazardTable(d *Data) *pageTable {
	s := newScreening(d)
	if len(s.hazards) == 0 {
		return nil
	}
	t := &pageTable{Head: []string{"strategy", "crashes, hangs or corrupts with", "breaks or wipes a neighbour with", "undamaged with all others"}}
	for _, name := range strategiesOf(s.scenes()) {
		t.Rows = append(t.Rows, s.tableRow(name, t.Head))
	}
	t.Title = fmt.Sprintf("With something else in the process: OpenSSL %s, load %s, %s. A screening, of %s trials for each strategy, hazard and build: it finds frequent damage only",
		strings.Join(s.builds(), ", "), s.groups[0].scene.Load, count(len(s.hazards)+len(s.spoiled), "hazard"), s.trials.String())
	t.Notes = s.notes(d)
	return t
}

func (s *screening) builds() []string {
	var list []string
	for _, g := range s.groups {
		list = append(list, g.scene.OpenSSL)
	}
	return list
}

func (s *screening) scenes() []*Scene {
	var list []*Scene
	for _, g := range s.groups {
		list = append(list, g.scenes...)
	}
	return list
}

func (s *screening) tableRow(name string, head []string) pageRow {
	f := s.fate(name)
	texts := []string{f.names(f.severe), f.names(f.neighbour), ""}
	if len(f.undamaged) > 0 {
		texts[2] = fmt.Sprintf("%s: 0 of %s, on average ≤ %s", count(len(f.undamaged), "hazard"), count(f.trials, "trial"),
			percent(roundUp(inference.ProportionUpper(0, f.trials, 0.95))))
	}
	if len(f.alone) > 0 {
		alone := "alone in the process already"
		if len(f.alone) < len(s.groups) {
			alone += " (" + strings.Join(f.alone, ", ") + ")"
		}
		texts[0] = strings.Join(slices.DeleteFunc([]string{alone, texts[0]}, func(t string) bool { return t == "" }), "; ")
	}
	if len(f.without) > 0 {
		texts[2] = strings.TrimPrefix(texts[2]+"; not applicable on "+strings.Join(f.without, ", "), "; ")
	}
	row := pageRow{Name: name}
	for i, text := range texts {
		if text == "" {
			text = "–"
		}
		row.Cells = append(row.Cells, pageCell{Head: head[i+1], Text: text})
	}
	return row
}

// notes say what the table leaves out, and what its bound is.
func (s *screening) notes(d *Data) []string {
	var list []string
	if len(s.spoiled) > 0 {
		list = append(list, fmt.Sprintf("Left out, because %s is damaged too and so no fix of this kind can help: %s.", results.NegativeControl, joinHazards(s.spoiled)))
	}
	list = append(list, "Without a build named: on all of them on which it is not damaged alone. "+
		"The bound is the exact one-sided 95 % one of the average over the hazards counted, not of any single one. The hazards: "+joinHazards(s.hazards)+".")
	var skipped []string
	for _, g := range s.groups {
		var names []string
		for _, scene := range g.scenes {
			if r := scene.row(results.NegativeControl); r != nil && r.Verdict.Worst() == results.SkippedWord {
				names = append(names, scene.Hazard)
			}
		}
		if len(names) > 0 {
			skipped = append(skipped, joinHazards(names)+" on "+g.scene.OpenSSL)
		}
	}
	if len(skipped) > 0 {
		list = append(list, "Skipped, for want of a library that fits: "+strings.Join(skipped, "; ")+".")
	}
	if all := d.mainGroups(); len(all) > len(s.groups) {
		var others []string
		for _, g := range all {
			if len(g.scenes) > 1 && !slices.Contains(s.builds(), g.scene.OpenSSL) {
				others = append(others, g.scene.OpenSSL)
			}
		}
		if len(others) > 0 {
			list = append(list, "Tried with fewer hazards, and therefore only in the map of each build: OpenSSL "+strings.Join(others, ", ")+".")
		}
	}
	return list
}

// finding is the table in words.
func (s *screening) finding() string {
	var parts []string
	for _, name := range strategiesOf(s.scenes()) {
		f := s.fate(name)
		var words []string
		if len(f.alone) > 0 {
			words = append(words, "damaged alone on "+strings.Join(f.alone, ", "))
		}
		if text := f.names(f.severe); text != "" {
			words = append(words, "crashes, hangs or corrupts with "+text)
		}
		if text := f.names(f.neighbour); text != "" {
			words = append(words, "breaks or wipes a neighbour with "+text)
		}
		if len(words) == 0 {
			words = append(words, fmt.Sprintf("undamaged with %s", count(len(f.undamaged), "hazard")))
		}
		parts = append(parts, name+" "+strings.Join(words, "; "))
	}
	return strings.Join(parts, ". ") + "."
}
