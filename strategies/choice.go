package strategies

import (
	"fmt"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

// Choice is a strategy with its parameters, as a user names it: "hwm",
// "hwm:scan=64", or a shared object such as "./myfix.so".
type Choice struct {
	Name   string           // in the catalogue, or the base name of the shared object
	Params map[string]int64 // only those that were set and differ from the default
	Path   string           // shared object of a user's own strategy, else ""
}

// aliases are short forms that read better with a parameter.
var aliases = map[string]string{"clear": "clear-0-15"}

// String gives the name that stands in benchmark names, tables and figures.
// A strategy whose parameters all have their defaults goes by its plain name.
func (c Choice) String() string {
	if len(c.Params) == 0 {
		return c.Name
	}
	name := c.Name
	for short, long := range aliases {
		if long == name {
			name = short
		}
	}
	keys := make([]string, 0, len(c.Params))
	for k := range c.Params {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for i, k := range keys {
		sep := ","
		if i == 0 {
			sep = ":"
		}
		name += fmt.Sprintf("%s%s=%d", sep, k, c.Params[k])
	}
	return name
}

// Find returns the catalogue's line of that name.
func Find(name string) (Strategy, bool) {
	if long, ok := aliases[name]; ok {
		name = long
	}
	for _, s := range catalogue {
		if s.Name == name {
			return s, true
		}
	}
	return Strategy{}, false
}

// Parse reads a user's choice.
func Parse(text string) (Choice, error) {
	if strings.HasSuffix(text, ".so") {
		path, err := filepath.Abs(text)
		if err != nil {
			return Choice{}, fmt.Errorf("strategy %q: %w", text, err)
		}
		return Choice{Name: strings.TrimSuffix(filepath.Base(text), ".so"), Path: path}, nil
	}
	name, params, _ := strings.Cut(text, ":")
	s, ok := Find(name)
	if !ok {
		return Choice{}, fmt.Errorf("unknown strategy %q: choose from %s, or a shared object such as ./own.so",
			text, strings.Join(names(), ", "))
	}
	c := Choice{Name: s.Name}
	if params == "" {
		return c, nil
	}
	var err error
	if c.Params, err = parseParams(s, params); err != nil {
		return Choice{}, fmt.Errorf("strategy %q: %w", text, err)
	}
	return c, nil
}

func parseParams(s Strategy, text string) (map[string]int64, error) {
	set := map[string]int64{}
	for _, pair := range strings.Split(text, ",") {
		key, value, _ := strings.Cut(pair, "=")
		p, ok := s.param(key)
		if !ok {
			return nil, fmt.Errorf("unknown parameter %q: %s takes %s", key, s.Name, s.paramNames())
		}
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n < p.Min || n > p.Max {
			return nil, fmt.Errorf("parameter %s=%s: want a number from %d to %d", key, onOneLine(value), p.Min, p.Max)
		}
		if n != p.Default {
			set[key] = n
		}
	}
	if len(set) == 0 {
		return nil, nil
	}
	return set, nil
}

// onOneLine is what a user typed, with anything that does not print escaped.
func onOneLine(s string) string { return strings.Trim(strconv.Quote(s), `"`) }

func (s Strategy) param(name string) (Param, bool) {
	for _, p := range s.Params {
		if p.Name == name {
			return p, true
		}
	}
	return Param{}, false
}

func (s Strategy) paramNames() string {
	if len(s.Params) == 0 {
		return "none"
	}
	var list []string
	for _, p := range s.Params {
		list = append(list, p.Name)
	}
	return strings.Join(list, ", ")
}

func names() []string {
	var list []string
	for _, s := range catalogue {
		list = append(list, s.Name)
	}
	return list
}
