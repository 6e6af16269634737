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
}

// finish takes what appears before the trials.
func (in *Input) finish(f File) {
	in.File = f
	if p := f.Header.plan(); p != nil && (p.Spec.Rounds > 0 || p.Spec.Sequential) {
		in.Plan = p
	}
}

// Base is the file's name without its folder.
func (in *Input) Base() string { return filepath.Base(in.Name) }

// Fact is a line of the file's configuration.
func (in *Input) Fact(key string) string { return cmp.Or(in.Header.Get(key), "not known") }

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

func (h Header) traits() []trait {
	var list []trait
	add := func(key, value string) { list = append(list, trait{key, key + value}) }
	add("tlsbench ", cmp.Or(h.Get("tlsbench"), "of an unknown version"))
	p := h.plan()
	if p == nil {
		return list
	}
	s := &p.Spec.Spec
	s.Measures = OrDefault(s.Measures, DefaultMeasures...)
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

// unlike gives for each file what tells its trials from those of the other files
// that are not of their kind, "" if all are alike. Files go together as long as no
// trait of one contradicts another's: trials of forks and of corruption need not
// have the same length.
func unlike(files []string) ([]string, error) {
	list := make([]string, len(files))
	if len(files) < 2 {
		return list, nil
	}
	// Files of lives come first: the others join those that have most scenes in
	// common with them, so that sharing trials are with the lives of their hazards.
	// Forks stay by themselves: their length says nothing of lives.
	var order, others []int
	heads, have := make([]Header, len(files)), make([][]trait, len(files))
	for i, path := range files {
		if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
			return nil, fmt.Errorf("%s is not a regular file, and cannot be read together with others: save it first", path)
		}
		heads[i] = headOf(path)
		have[i] = heads[i].traits()
		if slices.ContainsFunc(have[i], func(t trait) bool { return t.key == corruptionLength }) {
			order = append(order, i)
		} else {
			others = append(others, i)
		}
	}
	type kind struct {
		traits map[string]string // by their key
		scenes map[string]bool
	}
	var kinds []*kind
	of := make([]*kind, len(files))
	for _, i := range append(order, others...) {
		scenes := heads[i].scenes()
		forks := slices.ContainsFunc(have[i], func(t trait) bool { return t.key == forkLength })
		most := 0
		for _, k := range kinds {
			common := 0
			for _, s := range scenes {
				if k.scenes[s] {
					common++
				}
			}
			contradicts := slices.ContainsFunc(have[i], func(t trait) bool { return k.traits[t.key] != "" && k.traits[t.key] != t.text }) ||
				forks && k.traits[corruptionLength] != "" && slices.Contains(others, i)
			if !contradicts && (of[i] == nil && len(scenes) == 0 || common > most) {
				of[i], most = k, common
			}
		}
		if of[i] == nil {
			of[i] = &kind{make(map[string]string), make(map[string]bool)}
			kinds = append(kinds, of[i])
		}
		for _, s := range scenes {
			of[i].scenes[s] = true
		}
		for _, t := range have[i] {
			of[i].traits[t.key] = t.text
		}
	}
	for i := range list {
		var parts []string
		mine := of[i].traits
		for _, key := range slices.Sorted(maps.Keys(mine)) {
			if slices.ContainsFunc(kinds, func(k *kind) bool { return k.traits[key] != "" && k.traits[key] != mine[key] }) {
				parts = append(parts, mine[key])
			}
		}
		list[i] = strings.Join(parts, ", ")
	}
	return list, nil
}

// headOf reads what appears before a file's first trial. What is wrong with the
// file shows when it is read.
func headOf(path string) Header {
	f, err := os.Open(path)
	if err != nil {
		return Header{}
	}
	defer f.Close()
	r := NewReader(f, path)
	r.Scan()
	return r.Header()
}

// plan is nil if there is none, or one of another program.
func (h Header) plan() *Plan {
	p := new(Plan)
	if len(h.Plan) == 0 || json.Unmarshal(h.Plan, p) != nil {
		return nil
	}
	return p
}

// Sorted tells results files apart: those of daemons, with the rig next to them, those
// of duets of one strategy with itself, which are about the method, and all others.
// What cannot be read is one of these: whoever reads it says why.
func Sorted(paths []string) (others, daemons, itself []string) {
	for _, path := range paths {
		switch head := headOf(path); {
		case head.onlyAA():
			itself = append(itself, path)
		case head.Get(DaemonsKey) != "":
			daemons = append(daemons, path)
		default:
			others = append(others, path)
		}
	}
	return others, daemons, itself
}

// scenes lists the hazards of a file's plan under each of its loads.
func (h Header) scenes() []string {
	p := h.plan()
	if p == nil {
		return nil
	}
	var list []string
	for _, load := range OrDefault(p.Spec.Loads, Loads.Default()) {
		for _, hazard := range OrDefault(p.Spec.Hazards, Plain) {
			list = append(list, load+" "+hazard)
		}
	}
	return list
}

// OrDefault gives the list, or what an empty one stands for.
func OrDefault[E any](list []E, usual ...E) []E {
	if len(list) == 0 {
		return usual
	}
	return list
}

// changedTraits lists what two files have both and not the same, as pairs of traits.
func changedTraits(old, now []*Input) [][2]trait {
	var list [][2]trait
	for _, a := range old {
		for _, was := range a.Header.traits() {
			for _, b := range now {
				for _, is := range b.Header.traits() {
					if is.key == was.key && is != was {
						list = append(list, [2]trait{was, is})
					}
				}
			}
		}
	}
	return list
}

// Done counts the trials of some files that were carried out, by kind.
func Done(inputs []*Input) string {
	var parts []string
	for _, kind := range []struct {
		Measure
		what string
	}{{Corruption, "corruption trial"}, {Handshake, "throughput trial"}, {Duet, "duet"}, {Sharing, "sharing trial"}, {Fork, "fork trial"}} {
		n := 0
		for _, in := range inputs {
			n += in.Done[kind.Measure]
		}
		if n > 0 {
			parts = append(parts, number.Count(n, kind.what))
		}
	}
	return cmp.Or(strings.Join(parts, ", "), "no trial")
}

// Set is some results files read whole. For files of any size use Reader.
type Set struct {
	Files  []File
	Trials []*Trial // in the order of the files; each knows its File
}

// File is what is known of one file of a Set apart from its trials.
type File struct {
	Name   string
	Header Header
	Torn   bool // its end was cut off; see Reader.Torn
}

// ReadFiles reads results files. Errors have the form "file: line N: ...".
func ReadFiles(paths ...string) (*Set, error) {
	set := new(Set)
	for _, path := range paths {
		file, err := scanFile(path, func(_ string, t *Trial) { set.Trials = append(set.Trials, t.Clone()) })
		if err != nil {
			return nil, err
		}
		set.Files = append(set.Files, file)
	}
	return set, nil
}

// scanFile calls each with every trial of a file and its benchmark name. The
// trial is the reader's own: it changes with the next call.
func scanFile(path string, each func(name string, t *Trial)) (File, error) {
	f, err := os.Open(path)
	if err != nil {
		return File{}, fmt.Errorf("read results: %w", err)
	}
	defer f.Close()
	r := NewReader(f, path)
	n := 0
	for r.Scan() {
		n++
		each(r.cellName, &r.trial)
	}
	if err := r.Err(); err != nil {
		return File{}, err
	}
	if n == 0 && r.Header().Plan == nil {
		return File{}, fmt.Errorf("%s: no trials: not a results file, or an empty one", path)
	}
	return File{Name: path, Header: r.Header(), Torn: r.Torn()}, nil
}
