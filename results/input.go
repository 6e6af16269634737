package results

import (
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tlsbench/results/number"
)

// Input is what is known of one results file as a whole.
type Input struct {
	File
	Plan        *Plan           // nil where the file has none
	Trials      int             // of all kinds, compared or not
	Rounds      map[int]int     // trials of each round
	Done        map[Measure]int // trials that were carried out
	First, Last time.Time       // starts of trials
	Load        [2]float64      // load average before a trial, the least and the most
	Steal       float64         // the largest share of a trial

	host  string
	ended time.Time // of the trial that ended last
}

func newInput(path string) *Input {
	return &Input{File: File{Name: path}, Rounds: make(map[int]int), Done: make(map[Measure]int), Load: [2]float64{math.Inf(1), math.Inf(-1)}}
}

func (in *Input) add(t *Trial) {
	in.Trials++
	in.Rounds[t.Round]++
	if t.Status == OK {
		in.Done[t.Cell.Measure]++
	}
	in.Load = [2]float64{math.Min(in.Load[0], t.LoadBefore), math.Max(in.Load[1], t.LoadBefore)}
	in.Steal = math.Max(in.Steal, t.Steal)
	if t.Start.IsZero() {
		return
	}
	if in.First.IsZero() || t.Start.Before(in.First) {
		in.First = t.Start
	}
	if t.Start.After(in.Last) {
		in.Last = t.Start
	}
	if end := t.Start.Add(t.Load); end.After(in.ended) {
		in.ended = end
	}
}

// finish takes what appears before the trials.
func (in *Input) finish(f File) {
	in.File = f
	p := new(Plan)
	if len(f.Header.Plan) == 0 || json.Unmarshal(f.Header.Plan, p) != nil {
		return // no plan, or one of another program
	}
	in.host = p.Machine.Host
	if p.Spec.Rounds > 0 || p.Spec.Sequential {
		in.Plan = p
	}
}

// Base is the file's name without its folder.
func (in *Input) Base() string { return filepath.Base(in.Name) }

// Fact is a line of the file's configuration.
func (in *Input) Fact(key string) string {
	if v := in.Header.Get(key); v != "" {
		return v
	}
	return "not known"
}

// partial reports whether the number of planned trials cannot be told: a shard
// has a part of each round, cases of daemons differ in how many they have, and the
// cells of a sequential plan, and duets, end by what they show.
func (in *Input) partial() bool {
	return in.Plan == nil || in.Plan.Shard.Count > 1 || in.Plan.Spec.OfDaemons() || in.Plan.Spec.Sequential || slices.Contains(in.Plan.Spec.Measures, Duet)
}

// Planned is the number of trials of the plan: each round has every cell once,
// and rounds follow one another, so one whole round tells. 0 is for not known:
// no plan, one of several shards, which deal a round unevenly, or less than a
// whole round.
func (in *Input) Planned() int {
	if in.partial() {
		return 0
	}
	whole := 0
	for _, n := range in.Rounds {
		whole = max(whole, n)
	}
	if len(in.Rounds) < 2 && in.Plan.Spec.Rounds > 1 {
		return 0
	}
	return whole * in.Plan.Spec.Rounds
}

// Unfinished says how much of its plan a file holds, "" if that is all.
func (in *Input) Unfinished() string {
	planned := in.Planned()
	switch {
	case in.partial() || planned > 0 && in.Trials >= planned:
		return ""
	case planned == 0:
		return fmt.Sprintf("%s is not finished: %d trials, less than one of its %d rounds", in.Base(), in.Trials, in.Plan.Spec.Rounds)
	}
	return fmt.Sprintf("%s is not finished: %d of %d planned trials are in", in.Base(), in.Trials, planned)
}

// overlaps warns of files whose trials were made at the same time on hosts of
// one name: each was the other's load.
func overlaps(inputs []*Input) []string {
	var list []string
	for i, a := range inputs {
		for _, b := range inputs[:i] {
			if a.host != "" && a.host == b.host && a.First.Before(b.ended) && b.First.Before(a.ended) {
				list = append(list, fmt.Sprintf("%s and %s ran at the same time on host %s: each disturbed the other", b.Name, a.Name, a.host))
			}
		}
	}
	return list
}

// unlike says what differs between trials of some files that are counted
// together: their length, and the version of the program. "" is for nothing.
func unlike(inputs []*Input) string {
	var versions, names []string
	for _, in := range inputs {
		names = append(names, in.Base())
		if v := in.Fact("tlsbench"); !slices.Contains(versions, v) {
			versions = append(versions, v)
		}
	}
	var parts []string
	if text := lengths(inputs); strings.Contains(text, " and ") {
		parts = append(parts, "of "+text)
	}
	if len(versions) > 1 {
		parts = append(parts, fmt.Sprintf("by %d versions of the program", len(versions)))
	}
	if len(parts) == 0 {
		return ""
	}
	return fmt.Sprintf("trials %s are counted together (%s)", strings.Join(parts, " and "), strings.Join(names, ", "))
}

// lengths lists how long the corruption trials of some files are, as far as their
// plans tell.
func lengths(inputs []*Input) string {
	var list []time.Duration
	for _, in := range inputs {
		if in.Plan != nil && !slices.Contains(list, in.Plan.Spec.CorruptionTime) {
			list = append(list, in.Plan.Spec.CorruptionTime)
		}
	}
	slices.Sort(list)
	return strings.Join(texts(list), " and ")
}

// Done counts the trials of some files that were carried out, by kind.
func Done(inputs []*Input) string {
	var parts []string
	for _, kind := range []struct {
		Measure
		what string
	}{{Corruption, "corruption trial"}, {Handshake, "throughput trial"}, {Sharing, "sharing trial"}, {Fork, "fork trial"}} {
		n := 0
		for _, in := range inputs {
			n += in.Done[kind.Measure]
		}
		if n > 0 {
			parts = append(parts, number.Count(n, kind.what))
		}
	}
	if len(parts) == 0 {
		return "no trial"
	}
	return strings.Join(parts, ", ")
}
