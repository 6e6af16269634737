package main

import (
	"cmp"
	"fmt"
	"slices"

	"tlsbench/results"
	"tlsbench/results/number"
	"tlsbench/results/page"
	"tlsbench/strategies/catalogue"
)

// deviations compares every cell of a file with what the catalogue of hazards
// expects. A deviation is a finding: either the expectation is wrong, or the
// trials were too few to show what it expects.
func deviations(trials []*results.Trial) []page.Part {
	type place struct{ hazard, strategy, openssl, key string }
	events := map[place]map[string]uint64{}
	count := map[place]int{}
	for _, t := range trials {
		if _, own := catalogue.Find(t.Cell.Strategy); !own || t.Cell.Measure != results.Corruption || t.Status != results.OK {
			continue
		}
		p := place{t.Cell.Hazard, t.Cell.Strategy, t.Cell.OpenSSL, cmp.Or(t.Cell.Setting("key"), results.Keys.Default())}
		if events[p] == nil {
			events[p] = map[string]uint64{}
		}
		for kind, n := range t.Events {
			events[p][kind] += n
		}
		count[p]++
	}
	var list []string
	for p, seen := range events {
		// A file of another version may name what this one does not know.
		text, err := results.Deviation(p.hazard, p.strategy, p.openssl, p.key, seen)
		if err == nil && text != "" {
			list = append(list, fmt.Sprintf("%s (%s)", text, number.Count(count[p], "trial")))
		}
	}
	if len(list) == 0 {
		return nil
	}
	slices.Sort(list)
	parts := []page.Part{page.Heading{Level: 2, Text: "Findings: what the catalogue of hazards did not expect"}}
	for _, text := range list {
		parts = append(parts, page.Text(text))
	}
	return parts
}
