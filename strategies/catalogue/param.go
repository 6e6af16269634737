package catalogue

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Param is a number that a strategy or a hazard can be given, as in hwm:scan=64,
// or one of a few words, as in provider-state:when=after.
type Param struct {
	Name     string
	Default  int64
	Min, Max int64
	Words    []string // what 0, 1, ... are called; none for a number
	Summary  string
}

// OneOf is a parameter that takes one of some words, the first by default. In C
// it is the number of the word.
func OneOf(name, summary string, words ...string) Param {
	return Param{Name: name, Max: int64(len(words) - 1), Words: words, Summary: summary}
}

// Values says what the parameter takes.
func (p Param) Values() string {
	if len(p.Words) > 0 {
		return strings.Join(p.Words, " or ")
	}
	return fmt.Sprintf("%d to %d", p.Min, p.Max)
}

func (p Param) wanted() string {
	if len(p.Words) > 0 {
		return p.Values()
	}
	return "a number from " + p.Values()
}

// Format gives a value as a user types it.
func (p Param) Format(n int64) string {
	if n >= 0 && n < int64(len(p.Words)) {
		return p.Words[n]
	}
	return strconv.FormatInt(n, 10)
}

func (p Param) parse(value string) (int64, bool) {
	if len(p.Words) > 0 {
		i := slices.Index(p.Words, value)
		return int64(i), i >= 0
	}
	n, err := strconv.ParseInt(value, 10, 64)
	return n, err == nil && n >= p.Min && n <= p.Max
}

// ParseParams reads key=value pairs with a separator between them, for whoever
// takes these parameters. What has its default is left out; nil if all have.
func ParseParams(owner string, takes []Param, text, separator string) (map[string]int64, error) {
	var set map[string]int64
	for pair := range strings.SplitSeq(text, separator) {
		key, value, _ := strings.Cut(pair, "=")
		i := slices.IndexFunc(takes, func(p Param) bool { return p.Name == key })
		if i < 0 {
			return nil, fmt.Errorf("unknown parameter %q: %s takes %s", key, owner, paramNames(takes))
		}
		p := takes[i]
		n, ok := p.parse(value)
		if !ok {
			return nil, fmt.Errorf("parameter %s=%s: want %s", key, onOneLine(value), p.wanted())
		}
		if n == p.Default {
			continue
		}
		if set == nil {
			set = map[string]int64{}
		}
		set[key] = n
	}
	return set, nil
}

// FormatParams gives a name with its parameters, in the form that stands in
// benchmark names.
func FormatParams(name string, takes []Param, set map[string]int64, separator string) string {
	between := ":"
	for _, key := range slices.Sorted(maps.Keys(set)) {
		var p Param
		if i := slices.IndexFunc(takes, func(p Param) bool { return p.Name == key }); i >= 0 {
			p = takes[i]
		}
		name += fmt.Sprintf("%s%s=%s", between, key, p.Format(set[key]))
		between = separator
	}
	return name
}

// onOneLine is what a user typed, with anything that does not print escaped.
func onOneLine(s string) string { return strings.Trim(strconv.Quote(s), `"`) }

func paramNames(takes []Param) string {
	if len(takes) == 0 {
		return "none"
	}
	var list []string
	for _, p := range takes {
		list = append(list, p.Name)
	}
	return strings.Join(list, ", ")
}
