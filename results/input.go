package results

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
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

// trait is what trials that are counted together have in common, apart from the
// machine and their cell: the program, the length of a kind of trial, the content
// of a library or of a user's own fix.
type trait struct{ key, text string }

// The keys of the lengths, which is what a comparison over time wants alike too.
const (
	corruptionLength = "corruption trials of "
	throughputLength = "throughput trials of "
	forkLength       = "pairs of forks in a trial: "
)

// traits reads those of a file from what stands before its first trial. What is
// wrong with the file shows when it is read.
func traits(path string) []trait {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	r := NewReader(f, path)
	r.Scan()
	var list []trait
	add := func(key, value string) { list = append(list, trait{key, key + value}) }
	add("tlsbench ", cmp.Or(r.Header().Get("tlsbench"), "of an unknown version"))
	p := new(Plan)
	if len(r.Header().Plan) == 0 || json.Unmarshal(r.Header().Plan, p) != nil {
		return list
	}
	s := &p.Spec.Spec
	if len(s.Measures) == 0 {
		s.Measures = DefaultMeasures
	}
	handshake := slices.Contains(s.Measures, Handshake) // with controls, which are corruption trials
	if d := s.CorruptionTime; d > 0 && (slices.Contains(s.Measures, Corruption) || handshake && !s.NoControls) {
		add(corruptionLength, d.String())
	}
	if d := s.HandshakeTime; d > 0 && handshake {
		add(throughputLength, d.String())
	}
	if slices.Contains(s.Measures, Fork) {
		add(forkLength, fmt.Sprint(s.Fork.Pairs))
	}
	for _, st := range s.Strategies {
		if st.Digest != "" {
			list = append(list, trait{"strategy " + st.Name(), st.String()})
		}
	}
	for _, b := range p.Spec.Builds {
		if b.Digest != "" {
			list = append(list, trait{"openssl " + b.Label, fmt.Sprintf("openssl %s (sha256 %s)", b.Label, ShortDigest(b.Digest))})
		}
	}
	return list
}

// Kinds gives for each file what tells its trials from those of the other files
// that are not of their kind, "" if all are alike. Files go together as long as no
// trait of one contradicts another's: trials of forks and of corruption need not
// have the same length.
func Kinds(files []string) ([]string, error) {
	list := make([]string, len(files))
	if len(files) < 2 {
		return list, nil
	}
	var groups []map[string]string
	of := make([]int, len(files))
	values := make(map[string]map[string]bool)
	for i, path := range files {
		if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
			return nil, fmt.Errorf("%s is not a regular file, and cannot be read together with others: save it first", path)
		}
		have := traits(path)
		of[i] = slices.IndexFunc(groups, func(g map[string]string) bool {
			return !slices.ContainsFunc(have, func(t trait) bool { return g[t.key] != "" && g[t.key] != t.text })
		})
		if of[i] < 0 {
			of[i], groups = len(groups), append(groups, make(map[string]string))
		}
		for _, t := range have {
			groups[of[i]][t.key] = t.text
			if values[t.key] == nil {
				values[t.key] = make(map[string]bool)
			}
			values[t.key][t.text] = true
		}
	}
	for i := range list {
		var parts []string
		for _, key := range slices.Sorted(maps.Keys(groups[of[i]])) {
			if len(values[key]) > 1 {
				parts = append(parts, groups[of[i]][key])
			}
		}
		list[i] = strings.Join(parts, ", ")
	}
	return list, nil
}

// lengthsDiffer says which length of trials two files do not share, "" if none.
func lengthsDiffer(old, now []string) string {
	for _, a := range old {
		for _, was := range traits(a) {
			for _, b := range now {
				i := slices.IndexFunc(traits(b), func(t trait) bool { return t.key == was.key })
				if i < 0 || !slices.Contains([]string{corruptionLength, throughputLength, forkLength}, was.key) {
					continue
				}
				if is := traits(b)[i]; is != was {
					return fmt.Sprintf("were %s, are %s", was.text, is.text)
				}
			}
		}
	}
	return ""
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
