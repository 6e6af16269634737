package main

import (
	"slices"

	"tlsbench/results"
)

// parseHazards reads --hazard. "all" is all there are, each in the variants
// that are experiments of their own.
func parseHazards(list []string) ([]string, error) {
	if slices.Equal(list, []string{"all"}) {
		return results.AllHazards(), nil
	}
	var names []string
	for _, text := range list {
		name, err := results.HazardName(text)
		if err != nil {
			return nil, refuse("%w, or all; see tlsbench list hazard", err)
		}
		names = append(names, name)
	}
	return names, nil
}
