package main

import (
	"slices"
	"strings"

	"tlsbench/results"
)

// measuresOf are the trials that a flag is for, where those are not all. The others
// would leave it out of account.
var measuresOf = map[string][]results.Measure{
	"against": {results.Duet}, "duet-pairs": {results.Duet},
	"fork-memory": {results.Fork}, "fork-keys": {results.Fork}, "huge-pages": {results.Fork}, "fork-pairs": {results.Fork},
	"duration":   {results.Handshake, results.Corruption},
	"bad":        {results.Handshake, results.Corruption, results.Sharing},
	"check-rate": {results.Corruption}, "hazard-rounds": {results.Corruption},
}

// checkMeasures refuses flags that are for none of the trials of the plan.
func (c *runCommand) checkMeasures(given []string) error {
	measures, err := parseMeasures(c.Measure)
	if err != nil {
		return err
	}
	if len(measures) == 0 {
		measures = results.DefaultMeasures
	}
	for _, flag := range given {
		use := measuresOf[flag]
		if len(use) == 0 || slices.ContainsFunc(use, func(m results.Measure) bool { return slices.Contains(measures, m) }) {
			continue
		}
		var names []string
		for _, m := range use {
			names = append(names, strings.ToLower(string(m)))
		}
		return refuse("--%s: it is for %s trials alone; add --measure %s, or leave it out", flag, strings.Join(names, " and "), names[0])
	}
	return nil
}
