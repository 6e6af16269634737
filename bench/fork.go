package bench

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/montanaflynn/stats"

	"tlsbench/results"
	"tlsbench/results/inference"
	"tlsbench/workload"
)

const (
	maxMemory = 64 << 10
	// shortPairs is for plans of forks alone, which have many rounds.
	shortPairs = 100
	maxPairs   = 1_000_000
	// forkLimit ends a trial whose forks are slow: with much memory one takes
	// ten milliseconds and more.
	forkLimit = time.Minute
)

// validateForks refuses what fork trials cannot be made of, and hazards, of which they
// know nothing: what a hazard does is not done in them, and a name must not say that it
// was. With other measures they are made under plain alone.
func (s Spec) validateForks() error {
	if !slices.Contains(s.Measures, results.Fork) {
		return nil
	}
	for _, h := range s.Hazards {
		if h != results.Plain && (s.Only(results.Fork) || !slices.Contains(s.Hazards, results.Plain)) {
			return fmt.Errorf("hazard %s: fork trials take no hazard; use %s with --measure fork", h, results.Plain)
		}
	}
	f := s.Fork
	err := cmp.Or(
		checkList("huge pages", f.HugePages, &results.HugePages),
		checkList("private memory of", results.Texts(f.Memory), nil),
		checkList("number of filled keys", results.Texts(f.Filled), nil),
	)
	if err != nil {
		return err
	}
	for _, m := range f.Memory {
		if m < 1 || m > maxMemory {
			return fmt.Errorf("memory of %d MiB: want 1 to %d", m, maxMemory)
		}
	}
	for _, n := range f.Filled {
		if n < 0 || n > workload.MaxForkKeys {
			return fmt.Errorf("%d filled keys: want 0 to %d", n, workload.MaxForkKeys)
		}
	}
	if f.Pairs < 0 || f.Pairs > maxPairs {
		return fmt.Errorf("%d pairs of forks: want 1 to %d", f.Pairs, maxPairs)
	}
	return nil
}

// forkCells lists the fork cells of one strategy in a block. The child plays
// both sides of its handshake, so the load is always memory.
func (p *Plan) forkCells(l scene, s *results.Strategy) []Cell {
	if l.load != p.Spec.Loads[0] || l.hazard != results.Plain {
		return nil
	}
	l.load = "memory"
	spec := p.Spec.Fork
	var list []Cell
	for _, memory := range spec.Memory {
		for _, filled := range spec.Filled {
			for _, pages := range spec.HugePages {
				c := p.cell(l, s, results.Fork, 0, 0)
				c.fork = &workload.ForkConfig{
					Pairs: spec.Pairs, Sustained: spec.Pairs, Limit: forkLimit,
					Memory: uint64(memory) << 20, Keys: filled, HugePages: pages == "on",
				}
				c.addSetting("mem", mebibytes(memory), mebibytes(results.DefaultForkMemory))
				c.addSetting("filled", filled, 0)
				c.addSetting("thp", pages, results.HugePages.Default())
				list = append(list, c)
			}
		}
	}
	return list
}

func mebibytes(n int) string { return fmt.Sprintf("%dMiB", n) }

// forkLength is a guess at the length of a trial of forks, until one is done:
// there are eight forks to a pair, and each copies 256 entries for a MiB.
func forkLength(f *workload.ForkConfig) time.Duration {
	pair := 4*time.Millisecond + time.Duration(f.Memory>>20)*100*time.Microsecond
	return min(time.Duration(f.Pairs)*pair, forkLimit)
}

// needsControls reports whether there is a claim about damage under load. Forks
// and duets make none.
func (s Spec) needsControls() bool { return !s.NoControls && !s.Only(results.Fork, results.Duet) }

// forkMetrics are those of a trial of forks; see workload.ForkOutcome.Series
// for what the names mean. Percentiles are by nearest rank: p50 and so on where
// the name says so, the tenth for the warm handlers, the median else. The
// difference to forks without the strategy's handlers is the median of the
// pairs, with its 95 % interval.
func forkMetrics(o *workload.Outcome) []results.Metric {
	f := o.Fork
	var list []results.Metric
	add := func(value float64, unit string) {
		list = append(list, results.Metric{Value: value, Unit: unit})
	}
	for _, s := range f.Series() {
		for _, p := range forkPercentiles(s.Name) {
			if p.percent == 99 && len(s.Values) < 100 {
				continue // it would be the largest value under another name
			}
			if v, err := stats.PercentileNearestRank(s.Values, p.percent); err == nil {
				add(v, p.before+s.Name)
			}
		}
		switch s.Name {
		case "masked-fork-ns":
			list = append(list, difference("fork-diff", f.ForkDifferences())...)
		case "masked-ready-ns":
			list = append(list, difference("ready-diff", f.ReadyDifferences())...)
		}
	}
	if o.Setup > 0 {
		add(float64(o.Setup), "setup-ns")
	}
	if f.Sustained > 0 {
		add(f.Sustained, results.ForksPerSec)
	}
	if f.Bare > 0 {
		add(f.Bare, "bare-forks/s")
	}
	if cost := clockCost(f.ClockCost); cost > 0 {
		add(cost, results.ClockNs)
	}
	return list
}

type percentile struct {
	percent float64
	before  string // the name of what was measured
}

// forkPercentiles are all four for what a user waits for: the fork, the child,
// and what that does first. The median of the handlers and of what a child does
// first stands under the plain name. Of the rest there is the median alone, but
// for the warm handlers. They are there to say what the
// work itself takes, and on a processor that shares a core with a neighbour's
// they take half as long again for as long as that one is busy: the median of a
// trial is one or the other by chance, the tenth percentile the undisturbed one
// wherever the neighbour left a tenth of the trial in peace. All others are in
// the trial's series.
func forkPercentiles(name string) []percentile {
	switch {
	case name == "fork-ns" || name == "ready-ns":
		return []percentile{{50, "p50-"}, {90, "p90-"}, {99, "p99-"}, {100, "max-"}}
	case name == "handler-ns" || strings.HasPrefix(name, "first-"):
		return []percentile{{50, ""}, {90, "p90-"}, {99, "p99-"}, {100, "max-"}}
	case strings.HasPrefix(name, "warm-"):
		return []percentile{{10, ""}}
	}
	return []percentile{{50, ""}}
}

// clockCost is the mean of what two readings of the clock, one right after the
// other, lie apart. A counter that steps by ten nanoseconds has no better
// median; the longest hundredth, where an interrupt came between, is left out.
func clockCost(ns []float64) float64 {
	if len(ns) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(ns))
	mean, err := stats.Mean(sorted[:len(sorted)-len(sorted)/100])
	if err != nil {
		return 0
	}
	return mean
}

// difference is the median of paired differences and its interval, which needs
// six pairs.
func difference(name string, values []float64) []results.Metric {
	if len(values) == 0 {
		return nil
	}
	e := inference.Median(values, 0.95)
	list := []results.Metric{{Value: e.Value, Unit: name + "-ns"}}
	if len(values) >= 6 {
		list = append(list,
			results.Metric{Value: e.Low, Unit: name + "-low-ns"}, results.Metric{Value: e.High, Unit: name + "-high-ns"})
	}
	return list
}

// copyFork keeps the facts of a trial of forks, and all that was measured.
func copyFork(r *results.Trial, o *workload.Outcome) error {
	if o == nil || o.Fork == nil {
		return nil
	}
	f := o.Fork
	r.Forks = uint64(len(f.Forks))
	r.Detail = append(r.Detail, describeFork(f)...)
	for _, s := range f.Series() {
		series, err := results.NewSeries(s.Name, s.Values)
		if err != nil {
			return fmt.Errorf("trial %d: %w", r.ID, err)
		}
		r.Series = append(r.Series, series)
	}
	return nil
}

// describeFork says what the figures were taken with.
func describeFork(f *workload.ForkOutcome) []string {
	handlers := "the strategy has no at-fork handler"
	if len(f.Handlers) > 0 {
		handlers = fmt.Sprintf("at-fork handlers: %v", f.Handlers)
	}
	clock := fmt.Sprintf("%.0f ns a reading", clockCost(f.ClockCost))
	if len(f.ClockCost) == 0 {
		clock = "the time of a reading is unknown" // it ended too early
	}
	lines := []string{fmt.Sprintf("clock %s, %s; rank 0 has %d MiB of private memory, %d of them in huge pages; %s",
		f.Clock, clock, f.Resident>>20, f.Huge>>20, handlers)}
	if done := len(f.Forks); f.Stopped == nil && done < f.Wanted {
		lines = append(lines, fmt.Sprintf("%d of %d pairs: the time limit or the end of the trial stopped the loop", done/2, f.Wanted/2))
	}
	if f.Stopped != nil && len(f.Forks) > 0 {
		p50, _ := stats.PercentileNearestRank(f.Series()[0].Values, 50)
		lines = append(lines, fmt.Sprintf("measured until then: %d forks, median %.0f ns", len(f.Forks), p50))
	}
	return lines
}
