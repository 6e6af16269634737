package catalogue

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Param is a number that a strategy or a hazard can be given, as in hwm:scan=64.
type Param struct {
	Name     string
	Default  int64
	Min, Max int64
	Summary  string
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
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n < p.Min || n > p.Max {
			return nil, fmt.Errorf("parameter %s=%s: want a number from %d to %d", key, onOneLine(value), p.Min, p.Max)
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
func FormatParams(name string, set map[string]int64, separator string) string {
	between := ":"
	for _, key := range slices.Sorted(maps.Keys(set)) {
		name += fmt.Sprintf("%s%s=%d", between, key, set[key])
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
