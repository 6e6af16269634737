package selftest

import (
	"fmt"
	"slices"
	"strings"
)

// find gives those of a catalogue that a user named; what they are is said in
// the error. "all" or nothing is all of them, "none" is none.
func find[T any](what string, catalogue []T, name func(T) string, names []string) ([]T, error) {
	if len(names) == 0 || slices.Equal(names, []string{"all"}) {
		return slices.Clone(catalogue), nil
	}
	if slices.Equal(names, []string{"none"}) {
		return nil, nil
	}
	var list []T
	for k, n := range names {
		if n == "all" || n == "none" {
			return nil, fmt.Errorf("%s %q stands alone, and here are %s", what, n, strings.Join(names, ", "))
		}
		if slices.Contains(names[:k], n) {
			return nil, fmt.Errorf("%s %s is given twice", what, n)
		}
		i := slices.IndexFunc(catalogue, func(t T) bool { return name(t) == n })
		if i < 0 {
			return nil, fmt.Errorf("unknown %s %q: choose from all, none, %s", what, n, strings.Join(namesOf(catalogue, name), ", "))
		}
		list = append(list, catalogue[i])
	}
	return list, nil
}

func namesOf[T any](catalogue []T, name func(T) string) []string {
	var list []string
	for _, t := range catalogue {
		list = append(list, name(t))
	}
	return list
}
