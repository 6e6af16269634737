package results

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tlsbench/results/event"
	"tlsbench/results/version"
	"tlsbench/strategies/catalogue"
)

// Hazard is one line of the catalogue of what else can live in the server's
// process. Its C side is one file in the rig with the same name; what
// the harness starts for it is in package workload.
type Hazard struct {
	Name    string
	File    string // its C file in the rig, "" for plain
	Summary string
	Needs   string // on this machine, "" if nothing
	Source  string // what it is known from
	Expects string // which strategies it is expected to hurt, and why
	Params  []catalogue.Param
	// Variants are the settings that "all" stands for; none means the plain
	// name alone.
	Variants []string

	// NeedsHeap says that it makes no sense without a shared heap; NeedsWorkers,
	// with how many workers it does.
	NeedsHeap    bool
	NeedsWorkers int
	// OneArena says that processes or threads act in one part of the heap at the
	// same time, which has a lock under the policy global alone.
	OneArena bool
	RSA      string   // parameter with which the server's key is RSA-2048
	AllBad   bool     // where there are bad peers, all are
	Quiet    bool     // nothing to be seen in workers: rank 0 alone acts
	QuietIf  string   // parameter with which that is so
	Without  []string // hazards that this one excludes

	expect func(expecting) []Word
}

// HazardChoice is a hazard with the parameters that differ from the default.
type HazardChoice struct {
	Hazard
	Set map[string]int64
}

// MaxHazards is how many hazards one trial can have.
const MaxHazards = 4

// Key is the kind of the server's key under the hazard.
func (c HazardChoice) Key(otherwise string) string {
	if c.RSA != "" && c.Value(c.RSA) != 0 {
		return RSA2048
	}
	return otherwise
}

// InWorkers says whether workers act, or rank 0 alone.
func (c HazardChoice) InWorkers() bool {
	return !c.Quiet && (c.QuietIf == "" || c.Value(c.QuietIf) == 0)
}

// Refuses says why a trial with these settings makes no sense, "" if it does.
func (c HazardChoice) Refuses(heap string, workers int) string {
	switch {
	case workers < c.NeedsWorkers:
		return fmt.Sprintf("needs %d workers or more, not %d", c.NeedsWorkers, workers)
	case c.NeedsHeap && heap == "private":
		return "needs a shared heap: choose --heap global or scalable"
	case c.OneArena && heap == "scalable":
		return "needs a heap with one lock: choose --heap global"
	}
	return ""
}

// Value is the value of a parameter, set or by default.
func (c HazardChoice) Value(name string) int64 {
	if n, ok := c.Set[name]; ok {
		return n
	}
	p, _ := find(c.Params, func(p catalogue.Param) bool { return p.Name == name })
	return p.Default
}

// String gives the choice as it appears in benchmark names.
func (c HazardChoice) String() string { return catalogue.FormatParams(c.Name, c.Params, c.Set, ";") }

// Hazards lists the catalogue, in the order of tables; plain is first.
func Hazards() []Hazard { return slices.Clone(hazardCatalogue) }

// AllHazards lists what --hazard all stands for: each hazard, in each variant
// that is an experiment of its own.
func AllHazards() []string {
	var list []string
	for _, h := range hazardCatalogue {
		list = append(list, OrDefault(h.Variants, h.Name)...)
	}
	return list
}

// HazardName gives the one form of a user's choice that appears in benchmark
// names: parameters in order, and only those that differ from their default.
func HazardName(text string) (string, error) {
	list, err := ParseHazard(text)
	if err != nil {
		return "", err
	}
	return strings.Join(Texts(list), "+"), nil
}

// ParseHazard reads a user's choice: "plain", "foreign-before:n=20",
// "provider-state:when=after;every=4", or several joined by "+", such as
// "foreign-after+python".
func ParseHazard(text string) ([]HazardChoice, error) {
	var list []HazardChoice
	for part := range strings.SplitSeq(text, "+") {
		c, err := parseHazard(part)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	if err := exclude(list); err != nil {
		return nil, fmt.Errorf("hazard %q: %w", text, err)
	}
	return list, nil
}

func parseHazard(text string) (HazardChoice, error) {
	name, params, given := strings.Cut(text, ":")
	h, known := find(hazardCatalogue, func(h Hazard) bool { return h.Name == name })
	if !known {
		names := Distinct(hazardCatalogue, func(h Hazard) string { return h.Name })
		return HazardChoice{}, fmt.Errorf("unknown hazard %q: choose from %s", text, strings.Join(names, ", "))
	}
	c := HazardChoice{Hazard: h}
	if !given {
		return c, nil
	}
	var err error
	if c.Set, err = catalogue.ParseParams(c.Name, c.Params, params, ";"); err != nil {
		return HazardChoice{}, fmt.Errorf("hazard %q: %w", text, err)
	}
	return c, nil
}

// exclude refuses what cannot be in one process.
func exclude(list []HazardChoice) error {
	seen := map[string]bool{}
	for _, c := range list {
		switch {
		case seen[c.Name]:
			return fmt.Errorf("%s is given twice", c.Name)
		case c.Name == Plain && len(list) > 1:
			return fmt.Errorf("plain is OpenSSL alone: it cannot be combined with other hazards")
		}
		for _, other := range c.Without {
			if slices.ContainsFunc(list, func(d HazardChoice) bool { return d.Name == other }) {
				return fmt.Errorf("%s and %s cannot be combined", c.Name, other)
			}
		}
		seen[c.Name] = true
	}
	if len(list) > MaxHazards {
		return fmt.Errorf("%d hazards: one trial takes at most %d", len(list), MaxHazards)
	}
	return nil
}

// hazardParts splits a hazard's name; one with a number has its default in it.
func hazardParts(hazard string) (name, key, value string) {
	name, parameter, _ := strings.Cut(hazard, ":")
	if parameter == "" {
		// A hazard of another version is not in the catalogue, and has no number.
		h, _ := find(hazardCatalogue, func(h Hazard) bool { return h.Name == name })
		if len(h.Params) > 0 && h.Params[0].Name == "n" {
			return name, "n", strconv.FormatInt(h.Params[0].Default, 10)
		}
	}
	key, value, _ = strings.Cut(parameter, "=")
	return name, key, value
}

// HazardTitle is a hazard's name with its number, also where that is the default.
func HazardTitle(hazard string) string {
	name, key, value := hazardParts(hazard)
	if key == "" {
		return name
	}
	return name + ":" + key + "=" + value
}

// hazardKinds are the headings of the verdict map, what has to hold for a fix
// that hazards of the kind break, and the hazards.
var hazardKinds = []struct {
	title, condition string
	names            []string
}{
	{"Nothing else", "never", []string{Plain}},
	{"What else has keys", "nothing else has thread-local keys", []string{"foreign-before", "foreign-after", "foreign-shared", "python"}},
	{"Who uses OpenSSL where", "only workers use OpenSSL", []string{"rank0-client", "between-forks", "parent-errors", "handoff", "shared-ctx", "second-context", "curl", "postgres", "mariadb"}},
	{"Providers", "no other provider", []string{"fips", "provider-state", "tls-variable"}},
	{"Forks", "no worker is forked late", []string{"late-forks", "worker-forks", "atfork-user", "rank0-thread", "orderly-exit", "killed-worker"}},
	{"Locks", "locks work across processes", []string{"private-locks"}},
	{"What peers do", "peers do nothing unusual", []string{"many-errors", "mutual-tls", "long-lived", "reload"}},
	{"Others", "these hazards are absent", nil},
}

// conditionOf is what has to hold where that of the hazard's kind says something
// else, of a hazard with its parameter or of all of its name.
var conditionOf = map[string]string{
	"foreign-before":            "no keys before OpenSSL's",
	"python:before=1":           "no keys before OpenSSL's",
	"foreign-after:reuse=1":     "no key deleted",
	"foreign-shared":            "nothing else keeps keyed values in the heap",
	"parent-errors":             "no rank-0 errors",
	"second-context":            "one library context",
	"provider-state:when=after": "no later provider",
	"atfork-user":               "registered first",
	"worker-forks":              "no worker forks",
}

// hazardKind is the place of a hazard's heading: that of the first part of
// several.
func hazardKind(hazard string) int {
	first, _, _ := strings.Cut(hazard, "+")
	name, _, _ := hazardParts(first)
	for i := range hazardKinds {
		if slices.Contains(hazardKinds[i].names, name) {
			return i
		}
	}
	return len(hazardKinds) - 1
}

// HazardKind is the heading that a hazard stands under.
func HazardKind(hazard string) string { return hazardKinds[hazardKind(hazard)].title }

// HazardConditions is what has to hold in a process whose fix these hazards break:
// that of a kind, or what is special of a hazard if no other of its kind does.
func HazardConditions(hazards []string) []string {
	byKind := slices.SortedStableFunc(slices.Values(hazards), func(a, b string) int { return hazardKind(a) - hazardKind(b) })
	var list []string
	for _, kind := range Group(byKind, hazardKind) {
		special := Distinct(kind, func(hazard string) string {
			name, _, _ := hazardParts(hazard)
			return cmp.Or(conditionOf[hazard], conditionOf[name])
		})
		if slices.Contains(special, "") {
			special = []string{hazardKinds[hazardKind(kind[0])].condition}
		}
		list = append(list, special...)
	}
	return list
}

// CompareHazards puts hazards in the order of what they are about: OpenSSL
// alone first, then kind by kind, numbers in their order.
func CompareHazards(a, b string) int {
	nameA, keyA, valueA := hazardParts(a)
	nameB, keyB, valueB := hazardParts(b)
	x, _ := strconv.Atoi(valueA) // what is not a number is compared as text
	y, _ := strconv.Atoi(valueB)
	return cmp.Or(hazardKind(a)-hazardKind(b), cmp.Compare(nameA, nameB), cmp.Compare(keyA, keyB), x-y, cmp.Compare(valueA, valueB), cmp.Compare(a, b))
}

// HazardNames are the names of hazards without their parameters, each once.
func HazardNames(hazards []string) []string {
	return Distinct(slices.SortedFunc(slices.Values(hazards), CompareHazards), func(h string) string {
		name, _, _ := strings.Cut(h, ":")
		return name
	})
}

// JoinHazards names hazards in as few words as can be: those that differ in
// their number alone are one.
func JoinHazards(hazards []string) string {
	var parts []string
	last := ""
	for _, h := range slices.SortedFunc(slices.Values(hazards), CompareHazards) {
		name, key, value := hazardParts(h)
		if key == "n" && last == name {
			parts[len(parts)-1] += "/" + value
			continue
		}
		parts, last = append(parts, HazardTitle(h)), ""
		if key == "n" {
			last = name
		}
	}
	return strings.Join(parts, ", ")
}

// Verdict words that the trials of one cell are expected to earn.
var (
	corrupt    = []Word{Corrupt}
	collateral = []Word{Collateral}
	hanging    = []Word{Hung}
	// toBeMeasured says that nobody knows: no outcome deviates from it.
	toBeMeasured = []Word{"?"}
)

// expecting is what an expectation may depend on.
type expecting struct {
	strategy string
	choice   HazardChoice
	openssl  string // version
	key      string // kind of the server's key
}

func (e expecting) value(name string) int64 { return e.choice.Value(name) }

func (e expecting) line() string { return version.Line(e.openssl) }

// keysOfLine is how many pthread keys the lines make that expectations are about,
// as probe shows.
var keysOfLine = map[string]int64{"1.1.1": 4, "3.0": 6, "3.5": 7, "3.6": 4, "4.0": 4}

// KeysOfOpenSSL is how many pthread keys a release makes; 0 for a line that nobody
// has counted them of.
func KeysOfOpenSSL(openssl string) int64 { return keysOfLine[version.Line(openssl)] }

// onlyNone: the positive control corrupts, the others are clean. OpenSSL 3.6 keeps
// its objects in tables: the pointers that it hands out are in no slot, so that
// pointer-match finds none of them there (shared-slots shows it under plain).
func onlyNone(e expecting) []Word {
	if e.strategy == "none" || e.strategy == "pointer-match" && e.line() == "3.6" {
		return corrupt
	}
	return nil
}

// hurts: the positive control corrupts and some others are hurt in their way.
func hurts(how map[string][]Word) func(expecting) []Word {
	return func(e expecting) []Word {
		if w, ok := how[e.strategy]; ok {
			return w
		}
		return onlyNone(e)
	}
}

// bound is the number of keys that a strategy looks at, by default.
func bound(strategy string) int64 {
	s, _ := catalogue.Find(strategy)
	return s.Params[0].Default
}

func expectForeignBefore(e expecting) []Word {
	last := e.value("n") + KeysOfOpenSSL(e.openssl) // first key after OpenSSL's
	switch e.strategy {
	case "clear-0-15", "hwm":
		if last > bound(e.strategy) {
			return []Word{Corrupt, Collateral}
		}
		return collateral
	case "pointer-match":
		if last > bound(e.strategy) {
			return corrupt
		}
	}
	return onlyNone(e)
}

// means are the words that an expected one is met by, each of which it also
// explains: corruption crashes, blocks, and breaks a neighbour's TLS; a broken
// neighbour may take its process with it. Which comes first is luck.
var means = map[Word][]Word{
	Corrupt:    {Corrupt, Crashed, Hung, Broken},
	Hung:       {Hung, Crashed, Corrupt, Broken},
	Broken:     {Broken, Crashed},
	Collateral: {Collateral},
}

// asExpected compares what was seen with what was expected.
func asExpected(expected, saw []Word) bool {
	explained := map[Word]bool{}
	for _, e := range expected {
		met := false
		for _, w := range means[e] {
			met = met || slices.Contains(saw, w)
			explained[w] = true
		}
		if !met {
			return false
		}
	}
	return !slices.ContainsFunc(saw, func(w Word) bool { return !explained[w] })
}

// Expected says what the catalogue expects of a strategy under a hazard, in
// verdict words: empty for clean, "?" for what nobody has measured yet, such as
// anything on a line of OpenSSL that this suite has no row for.
func Expected(hazard, strategy, openssl, key string) ([]Word, error) {
	list, err := ParseHazard(hazard)
	if err != nil {
		return nil, err
	}
	if KeysOfOpenSSL(openssl) == 0 {
		return toBeMeasured, nil
	}
	var all []Word
	for _, c := range list {
		e := expecting{strategy: strategy, choice: c, openssl: openssl, key: c.Key(key)}
		all = append(all, c.expect(e)...)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// Deviation compares what was seen in all trials of a cell, as events by kind,
// with what the catalogue expects. It gives one line if they differ, else "".
func Deviation(hazard, strategy, openssl, key string, events map[string]uint64) (string, error) {
	expected, err := Expected(hazard, strategy, openssl, key)
	if err != nil || slices.Contains(expected, toBeMeasured[0]) {
		return "", err
	}
	saw := event.WordsOf(events)
	slices.Sort(saw)
	if asExpected(expected, saw) {
		return "", nil
	}
	return fmt.Sprintf("%s under hazard %s on openssl %s: expected %s, saw %s",
		strategy, hazard, openssl, orClean(expected), orClean(saw)), nil
}

func orClean(w []Word) string { return cmp.Or(strings.Join(Texts(w), " and "), "clean") }
