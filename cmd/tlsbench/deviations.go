package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"tlsbench/results"
	"tlsbench/strategies"
	"tlsbench/workload"
)

// deviation is what a cell's trials have to say to the catalogue's expectation.
type deviation struct {
	text   string
	trials int
}

// deviations compares every cell of a file with what the catalogue of hazards
// expects. A deviation is a finding: either the expectation is wrong, or the
// trials were too few to show what it expects.
func deviations(trials []*results.Trial) []deviation {
	type place struct{ hazard, strategy, openssl, key string }
	events := map[place]map[string]uint64{}
	count := map[place]int{}
	for _, t := range trials {
		if _, own := strategies.Find(t.Cell.Strategy); !own || t.Cell.Measure != results.Corruption || t.Status != results.OK {
			continue
		}
		p := place{t.Cell.Hazard, t.Cell.Strategy, t.Cell.OpenSSL, cmp.Or(t.Cell.Setting("key"), workload.Keys[0])}
		if events[p] == nil {
			events[p] = map[string]uint64{}
		}
		for kind, n := range t.Events {
			events[p][kind] += n
		}
		count[p]++
	}
	var list []deviation
	for p, seen := range events {
		// A file of another version may name what this one does not know.
		text, err := workload.Deviation(p.hazard, p.strategy, p.openssl, p.key, seen)
		if err == nil && text != "" {
			list = append(list, deviation{text, count[p]})
		}
	}
	slices.SortFunc(list, func(a, b deviation) int { return cmp.Compare(a.text, b.text) })
	return list
}

func printDeviations(w io.Writer, list []deviation) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(w, "\nFindings: what the catalogue of hazards did not expect\n")
	for _, f := range list {
		fmt.Fprintf(w, "  %s (%s)\n", f.text, plural(f.trials, "trial"))
	}
}
