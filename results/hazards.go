package results

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

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
	if c.RSA != "" && c.Number(c.RSA) != 0 {
		return RSA2048
	}
	return otherwise
}

// InWorkers says whether workers act, or rank 0 alone.
func (c HazardChoice) InWorkers() bool {
	return !c.Quiet && (c.QuietIf == "" || c.Number(c.QuietIf) == 0)
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

// Number is the value of a parameter, set or by default.
func (c HazardChoice) Number(name string) int64 {
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
