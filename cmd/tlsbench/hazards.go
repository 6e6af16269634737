package main

import (
	"slices"
	"strings"
)

// hazard is one thing that can be in the process beside OpenSSL.
type hazard struct {
	Name    string
	Summary string
}

// hazards lists what the rig can do.
var hazards = []hazard{
	{"plain", "OpenSSL alone"},
}

func hazardNames() []string {
	var list []string
	for _, h := range hazards {
		list = append(list, h.Name)
	}
	return list
}

// findHazard looks a hazard up by its name; name:key=value is its name too.
func findHazard(text string) (hazard, bool) {
	name, _, _ := strings.Cut(text, ":")
	i := slices.IndexFunc(hazards, func(h hazard) bool { return h.Name == name })
	if i < 0 {
		return hazard{}, false
	}
	return hazards[i], true
}

// parseHazards reads --hazard. "all" is all there are.
func parseHazards(list []string) ([]string, error) {
	if slices.Equal(list, []string{"all"}) {
		return hazardNames(), nil
	}
	for _, h := range list {
		if _, ok := findHazard(h); !ok {
			return nil, refuse("unknown hazard %q: choose from %s, or all", h, strings.Join(hazardNames(), ", "))
		}
	}
	return list, nil
}
