package catalogue

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strings"
)

// Choice is a strategy with its parameters, as a user names it: "hwm",
// "hwm:scan=64", or a shared object such as "./myfix.so".
type Choice struct {
	Name   string           // in the catalogue, or the base name of the shared object
	Params map[string]int64 // only those that were set and differ from the default
	Path   string           // shared object of a custom strategy, else ""
}

// String gives the name in benchmark names, tables and figures. A strategy whose
// parameters all have their defaults has the bare name.
func (c Choice) String() string {
	if len(c.Params) == 0 {
		return c.Name
	}
	s, _ := Find(c.Name)
	return FormatParams(cmp.Or(s.Alias, c.Name), s.Params, c.Params, ",")
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
			text, strings.Join(Names(), ", "))
	}
	c := Choice{Name: s.Name}
	if params == "" {
		return c, nil
	}
	var err error
	if c.Params, err = ParseParams(s.Name, s.Params, params, ","); err != nil {
		return Choice{}, fmt.Errorf("strategy %q: %w", text, err)
	}
	return c, nil
}
