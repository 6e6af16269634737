package results

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tlsbench/results/event"
	"tlsbench/results/version"
	"tlsbench/strategies/catalogue"
)

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

func (e expecting) number(name string) int64 { return e.choice.Number(name) }

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
	last := e.number("n") + KeysOfOpenSSL(e.openssl) // first key after OpenSSL's
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
