package results

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// hazardParts splits a hazard's name; one with a number has its default in it.
func hazardParts(hazard string) (name, key, value string) {
	name, parameter, _ := strings.Cut(hazard, ":")
	if parameter == "" {
		// A hazard of another version is not in the catalogue, and has no number.
		i := slices.IndexFunc(hazardCatalogue, func(h Hazard) bool { return h.Name == name })
		if i >= 0 && len(hazardCatalogue[i].Params) > 0 && hazardCatalogue[i].Params[0].Name == "n" {
			return name, "n", strconv.FormatInt(hazardCatalogue[i].Params[0].Default, 10)
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
	{"Who uses OpenSSL where", "workers alone use OpenSSL", []string{"rank0-client", "between-forks", "parent-errors", "handoff", "shared-ctx", "curl", "postgres", "mariadb"}},
	{"Providers", "no further provider is loaded", []string{"fips", "provider-state", "tls-variable"}},
	{"Forks", "no worker is forked late", []string{"late-forks", "worker-forks", "atfork-user", "rank0-thread", "orderly-exit"}},
	{"Locks", "locks work across processes", []string{"private-locks"}},
	{"What peers do", "peers do nothing unusual", []string{"many-errors", "mutual-tls", "long-lived", "reload"}},
	{"Others", "these hazards are absent", nil},
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

// HazardCondition is what has to hold in a process whose fix a hazard breaks.
func HazardCondition(hazard string) string { return hazardKinds[hazardKind(hazard)].condition }

// CompareHazards puts hazards in the order of what they are about: OpenSSL
// alone first, then kind by kind, numbers in their order.
func CompareHazards(a, b string) int {
	nameA, keyA, valueA := hazardParts(a)
	nameB, keyB, valueB := hazardParts(b)
	x, _ := strconv.Atoi(valueA) // what is no number is compared as text
	y, _ := strconv.Atoi(valueB)
	return cmp.Or(hazardKind(a)-hazardKind(b), cmp.Compare(nameA, nameB), cmp.Compare(keyA, keyB), x-y, cmp.Compare(valueA, valueB))
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
