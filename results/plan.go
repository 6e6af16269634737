package results

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"tlsbench/strategies/catalogue"
)

// Plan is a run's plan as it appears in the file, for those who know no OpenSSL
// and no machine. A test of cmd/tlsbench reads the commands back and compares the
// plans.
type Plan struct {
	Spec struct {
		Spec
		Builds []PlannedBuild
	}
	Shard struct{ Index, Count int }
}

// Spec is what a user chose. Every list is one dimension of the plan; an empty
// one means its default.
type Spec struct {
	Preset     string     `json:"preset,omitempty"`
	Strategies []Strategy `json:"strategies"`
	Hazards    []string   `json:"hazards"`
	Workers    []int      `json:"workers"`
	Loads      []string   `json:"loads"`
	Heaps      []string   `json:"heaps"`

	TLS        []string `json:"tls"`
	Keys       []string `json:"keys"`
	Rands      []string `json:"rands"`
	Locks      []string `json:"locks"`
	HeapSafety []string `json:"heap_safety"`
	// HeapBytes is the size of the shared heap, 0 for one by the number of
	// workers. It is a limit, and not part of a cell's name.
	HeapBytes uint64 `json:"heap_bytes,omitempty"`

	// Measures are Handshake and Corruption unless others are named. Corruption
	// makes two cells: one with the active checks at CheckRate, one with them
	// off, which alone gives the passive rate. Fork makes those of Fork.
	Measures []Measure `json:"measures"`
	// Bad is the share of bad peers, nil for 20 % in corruption trials and
	// none in throughput trials.
	Bad *float64 `json:"bad,omitempty"`
	// CheckRate is the number of active checks for each handshake of a
	// corruption trial, nil for 4.
	CheckRate *int `json:"check_rate,omitempty"`

	// Fork is what Fork trials are made of.
	Fork ForkSpec `json:"fork,omitzero"`

	// Duet is what duets are made of.
	Duet DuetSpec `json:"duet,omitzero"`

	// Daemon makes this a plan of daemons, and of the rig.
	Daemon DaemonSpec `json:"daemon,omitzero"`

	Rounds int `json:"rounds"`
	// HazardRounds has scenes with a hazard looked at for damage alone, in so many
	// trials of each strategy but none; 0 has them measured as all others are.
	HazardRounds int `json:"hazard_rounds,omitempty"`
	// Sequential makes each cell stop by what it shows, and not after a number of
	// rounds: at StopDamaged damaged lives, or at as many undamaged ones as the
	// whole map needs (inference.LivesForFamily).
	Sequential bool `json:"sequential,omitempty"`
	// Extended lists how many rounds the plan had before that was changed, each time:
	// whoever adds some has seen what the others showed.
	Extended []int `json:"extended,omitempty"`
	// Seed decides every order and every trial's seed. 0 means that NewPlan
	// draws one; the shards of one plan need the same, so there it is refused.
	Seed uint64 `json:"seed"`
	// NoControls leaves the controls out.
	NoControls bool `json:"no_controls,omitempty"`

	Warmup         time.Duration `json:"warmup_ns"` // of Handshake trials
	HandshakeTime  time.Duration `json:"handshake_ns"`
	CorruptionTime time.Duration `json:"corruption_ns"`
}

// ForkSpec is what fork trials are made of. Every list is one dimension of the
// plan; an empty one means its default. Workers of the Spec are the live ones.
type ForkSpec struct {
	// Memory lists how much private memory rank 0 has, in MiB.
	Memory []int `json:"memory_mib,omitempty"`
	// Filled lists how many filled keys there are besides OpenSSL's.
	Filled []int `json:"filled,omitempty"`
	// HugePages lists how transparent huge pages are pinned: off, on.
	HugePages []string `json:"huge_pages,omitempty"`
	// Pairs is how many pairs of forks a trial makes, and how many forks each
	// arm of its sustained loop.
	Pairs int `json:"pairs,omitempty"`
}

// DuetSpec is what duets are made of.
type DuetSpec struct {
	// Against lists the other sides; key-owner by default.
	Against []Strategy `json:"against,omitempty"`
	// Pairs is how many pairs of processes each duet has, 0 for as many as it
	// takes: at least 20, and up to 80 until the interval is narrow enough.
	Pairs int `json:"pairs,omitempty"`
}

// DaemonSpec makes a plan one of daemons: each of them in each hazard and heap
// safety, and with it the rig on the build of the same OpenSSL line. Workers
// are their TCP readers.
type DaemonSpec struct {
	List     []Daemon      `json:"list"`
	Duration time.Duration `json:"duration_ns"` // of a daemon's trial; CorruptionTime is the rig's
	// Patience is the longest trial of a daemon without a fix, which goes on as
	// long as nothing was seen. Such a daemon on OpenSSL 3 or later has to be
	// damaged, so it and the rig of its line get ControlRounds trials if that is
	// more than Rounds.
	Patience      time.Duration `json:"patience_ns"`
	ControlRounds int           `json:"control_rounds"`
	NoRig         bool          `json:"no_rig,omitempty"`
}

// Daemon is one packaged daemon. Where its files lie is in Runner.Daemons.
type Daemon struct {
	Release string `json:"release"` // as package daemon names it
	Package string `json:"package"`
	OpenSSL string `json:"openssl"` // exact version of its libcrypto
}

// Name is what appears in benchmark names: the version without Debian's own
// number of it.
func (d Daemon) Name() string {
	version := d.Package[strings.IndexByte(d.Package, ':')+1:]
	if i := strings.LastIndexByte(version, '-'); i >= 0 {
		version = version[:i]
	}
	return "kamailio-" + version
}

// Strategy is a strategy under test.
type Strategy struct {
	catalogue.Choice `json:"choice"`
	// Digest is the SHA-256 of a user's own shared object.
	Digest string `json:"digest,omitempty"`
}

// MarshalJSON writes a shared object by its base name: a published file names no
// one's home. Its digest tells whether another is the same.
func (s Strategy) MarshalJSON() ([]byte, error) {
	type fields Strategy
	if s.Path != "" {
		s.Path = filepath.Base(s.Path)
	}
	return json.Marshal(fields(s))
}

// Name returns what appears in benchmark names.
func (s Strategy) Name() string { return s.Choice.String() }

// String names the strategy for a message.
func (s Strategy) String() string {
	if s.Digest != "" {
		return s.Name() + " (sha256 " + ShortDigest(s.Digest) + ")"
	}
	return s.Name()
}

// Is reports whether it is that strategy of the suite, with no parameter set.
func (s Strategy) Is(name string) bool {
	return s.Choice.Name == name && s.Path == "" && len(s.Params) == 0
}

// ShortDigest is as much of a digest as a person compares.
func ShortDigest(digest string) string { return digest[:min(12, len(digest))] }

// PlannedBuild is one OpenSSL of a plan.
type PlannedBuild struct {
	Label, Digest string
	Library       Library
}

// Library is the files of a build, as they are on the disk.
type Library struct{ Name, Libcrypto, Libssl, Loader, Text, Package string }

// From says where a library comes from.
func (l Library) From() string {
	return cmp.Or(l.Package, "not from a package of the suite's cache")
}

// Files lists what the digest is of.
func (l Library) Files() string {
	list := []string{l.Libcrypto, l.Libssl}
	if l.Loader != "" {
		list = append(list, l.Loader)
	}
	return strings.Join(list, ", ")
}

// arguments puts a command line together, without what is default.
type arguments []string

func (a *arguments) add(flag string, values []string, normal string) {
	if text := strings.Join(values, ","); text != "" && text != normal {
		*a = append(*a, "--"+flag+" "+text)
	}
}

func (a *arguments) one(flag string, value any, normal string) {
	a.add(flag, []string{fmt.Sprint(value)}, normal)
}

func (a *arguments) shard(p *Plan) {
	if p.Shard.Count > 1 {
		a.one("shard", fmt.Sprintf("%d/%d", p.Shard.Index, p.Shard.Count), "")
	}
}

// Command is the command that makes a file like it, and the one that ends a
// sequential plan where it was ended.
func (p *Plan) Command(file string) string {
	if p.Spec.OfDaemons() {
		return p.fieldCommand(file)
	}
	args := arguments{"tlsbench run"}
	s := &p.Spec.Spec
	args.one("preset", s.Preset, "default")
	args.add("openssl", p.builds(), "system")
	args.add("strategy", typed(s.Strategies), strings.Join(catalogue.Names(), ","))
	args.add("hazard", s.Hazards, Plain)
	workers, load := fmt.Sprint(DefaultWorkers), Loads.Default()
	if s.Only(Duet) {
		workers, load = "1", "memory"
	}
	args.add("workers", Texts(s.Workers), workers)
	args.add("load", s.Loads, load)
	args.add("heap", s.Heaps, Heaps.Default())
	args.add("tls", s.TLS, TLSVersions.Default())
	args.add("key", s.Keys, Keys.Default())
	args.add("rand", s.Rands, Rands.Default())
	args.add("locks", s.Locks, LockSharings.Default())
	args.add("heap-safety", s.HeapSafety, HeapSafeties.Default())
	measures := Texts(s.Measures)
	for i := range measures {
		measures[i] = strings.ToLower(measures[i])
	}
	args.add("measure", measures, "handshake,corruption")
	args.one("hazard-rounds", s.HazardRounds, "0")
	args.numbers(s)
	args.shard(p)
	text := strings.Join(append(args, "-o "+file), " ")
	if s.Sequential && s.Rounds > 0 {
		text += fmt.Sprintf("\ntlsbench run --resume %s --rounds %d", file, s.Rounds)
	}
	return text
}

func (a *arguments) numbers(s *Spec) {
	a.one("heap-size", s.HeapBytes>>20, "0")
	if s.Bad != nil {
		a.one("bad", *s.Bad, "")
	}
	if s.CheckRate != nil {
		a.one("check-rate", *s.CheckRate, "")
	}
	if slices.Contains(s.Measures, Fork) {
		a.add("fork-memory", Texts(s.Fork.Memory), fmt.Sprint(DefaultForkMemory))
		a.add("fork-keys", Texts(s.Fork.Filled), "0")
		a.add("huge-pages", s.Fork.HugePages, HugePages.Default())
		a.one("fork-pairs", s.Fork.Pairs, fmt.Sprint(DefaultForkPairs))
	}
	if slices.Contains(s.Measures, Duet) {
		a.add("against", typed(s.Duet.Against), NegativeControl)
		a.one("duet-pairs", s.Duet.Pairs, "0")
	}
	if s.Sequential {
		*a = append(*a, "--rounds auto")
	} else if !s.Only(Duet) { // which have their own number
		*a = append(*a, fmt.Sprintf("--rounds %d", s.Rounds))
	}
	// Presets give each kind of trial a length of its own; the flag gives all
	// the same. So lengths that differ came from the preset. Other trials have none.
	timed := slices.Contains(s.Measures, Handshake) || slices.Contains(s.Measures, Corruption)
	if timed && s.HandshakeTime == s.CorruptionTime && s.CorruptionTime > 0 {
		*a = append(*a, fmt.Sprintf("--duration %v", s.CorruptionTime))
	}
	*a = append(*a, fmt.Sprintf("--seed %d", s.Seed))
	if s.NoControls {
		*a = append(*a, "--no-controls")
	}
}

// Texts prints each element of a list.
func Texts[T any](list []T) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = fmt.Sprint(v)
	}
	return out
}

// builds gives the names that the builds were asked for by; the label is what
// they turned out to be.
func (p *Plan) builds() []string {
	var names []string
	for _, b := range p.Spec.Builds {
		names = append(names, cmp.Or(b.Library.Name, b.Label))
	}
	return names
}

// typed gives strategies as a user writes them.
func typed(list []Strategy) []string {
	var names []string
	for _, st := range list {
		name := cmp.Or(st.Choice.Path, st.Choice.Name)
		if row, ok := catalogue.Find(name); ok && len(st.Choice.Params) > 0 {
			name = catalogue.FormatParams(name, row.Params, st.Choice.Params, ",")
		}
		names = append(names, name)
	}
	return names
}

// Only reports whether the plan has no trials but those.
func (s *Spec) Only(measures ...Measure) bool {
	return len(s.Measures) > 0 && !slices.ContainsFunc(s.Measures, func(m Measure) bool { return !slices.Contains(measures, m) })
}

// OfDaemons reports whether the plan is one of tlsbench field: its cells differ in
// how many trials they have.
func (s *Spec) OfDaemons() bool { return len(s.Daemon.List) > 0 }

// fieldCommand makes a plan of daemons.
func (p *Plan) fieldCommand(file string) string {
	args := arguments{"tlsbench field"}
	s := &p.Spec.Spec
	var daemons []string
	for _, d := range s.Daemon.List {
		daemons = append(daemons, d.Release)
	}
	own := strings.NewReplacer("abort", "0", "count", "1").Replace
	args.add("daemon", daemons, "")
	args.add("strategy", typed(s.Strategies), strings.Join(catalogue.Names(), ","))
	traced := slices.Contains(s.Measures, Sharing)
	if traced {
		args = append(args, "--trace")
	} else {
		args.one("mem-safety", own(strings.Join(s.HeapSafety, ",")), "0,1")
	}
	args.add("hazard", s.Hazards, "plain,python:before=1,python")
	args.add("readers", Texts(s.Workers), "4")
	args.add("tls", s.TLS, TLSVersions.Default())
	if s.Bad != nil {
		args.one("bad", *s.Bad, "0.2")
	}
	args.one("rounds", s.Rounds, "1")
	if !traced {
		args.one("control-rounds", s.Daemon.ControlRounds, "5")
		args.one("duration", s.Daemon.Duration, "2s")
	}
	switch {
	case s.Daemon.NoRig:
		args = append(args, "--rig-time 0s")
	case !traced:
		args.one("rig-time", s.CorruptionTime, "1s")
	}
	args.shard(p)
	return strings.Join(append(args, fmt.Sprintf("--seed %d -o %s", s.Seed, file)), " ")
}

// LastPlan finds the plan of a results file that is in force, nil if there is none.
func LastPlan(r io.Reader) (json.RawMessage, error) {
	var plan json.RawMessage
	lines := newLineReader(r)
	for {
		line, err := lines.readLine()
		switch text, ok := bytes.CutPrefix(line, []byte(planPrefix)); {
		case errors.Is(err, io.EOF):
			return plan, nil
		case err != nil:
			return nil, err
		case ok:
			plan = bytes.Clone(bytes.TrimRight(text, "\r\n"))
		}
	}
}

// checkPlan refuses the plan of a later version, whose trials may mean something
// else.
func checkPlan(text []byte) error {
	var plan struct{ Format int }
	if err := json.Unmarshal(text, &plan); err != nil {
		return fmt.Errorf("plan is not valid JSON: %w", err)
	}
	if plan.Format > PlanFormat {
		return fmt.Errorf("plan of format %d: this version reads formats up to %d", plan.Format, PlanFormat)
	}
	return nil
}

// sameRun reports whether two plans differ in their rounds alone. Of others, put
// into one file, the trials would be counted together, whatever changed between.
func sameRun(plans ...json.RawMessage) bool {
	var same [2]map[string]any
	for i, text := range plans {
		if err := json.Unmarshal(text, &same[i]); err != nil {
			return false
		}
		if spec, ok := same[i]["spec"].(map[string]any); ok {
			delete(spec, "rounds")
			delete(spec, "extended")
		}
	}
	return reflect.DeepEqual(same[0], same[1])
}
