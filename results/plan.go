package results

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tlsbench/strategies/catalogue"
)

// Plan is the part of a run's plan that its command line is made of. The plan
// belongs to package bench, whose names and defaults these are; a test of
// cmd/tlsbench reads the commands back and compares the plans.
type Plan struct {
	Machine struct{ Host string }
	Spec    Spec
	Shard   struct{ Index, Count int }
}

// Spec is what a plan was made from.
type Spec struct {
	Preset     string
	Builds     []PlannedBuild
	Strategies []struct {
		Choice struct {
			Name, Path string
			Params     map[string]json.Number
		}
	}
	Hazards, Loads, Heaps, TLS, Keys, Rands, Locks, Measures []string

	HeapSafety []string `json:"heap_safety"`
	HeapBytes  uint64   `json:"heap_bytes"`
	Workers    []int
	Bad        *float64
	CheckRate  *int `json:"check_rate"`
	Fork       struct {
		Memory    []int `json:"memory_mib"`
		Filled    []int
		HugePages []string `json:"huge_pages"`
		Pairs     int
	}
	Daemon struct {
		List          []struct{ Release string }
		Duration      time.Duration `json:"duration_ns"`
		ControlRounds int           `json:"control_rounds"`
		NoRig         bool          `json:"no_rig"`
	}
	Rounds     int
	Seed       uint64
	NoControls bool          `json:"no_controls"`
	Warmup     time.Duration `json:"warmup_ns"`
	Handshake  time.Duration `json:"handshake_ns"`
	Corruption time.Duration `json:"corruption_ns"`
}

// PlannedBuild is one OpenSSL of a plan.
type PlannedBuild struct {
	Label, Digest string
	Library       Library
}

// Library is the files of a build, as they are on the disk.
type Library struct{ Name, Libcrypto, Libssl, Loader, Text, Package string }

// From says where a library comes from.
func (l Library) From() string {
	if l.Package != "" {
		return l.Package
	}
	return "not from a package of the suite's cache"
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

// Command is the command that makes a file like it.
func (p *Plan) Command(file string) string {
	if p.Spec.OfDaemons() {
		return p.fieldCommand(file)
	}
	args := arguments{"tlsbench run"}
	s := &p.Spec
	args.add("preset", []string{s.Preset}, "default")
	args.add("openssl", s.builds(), "system")
	args.add("strategy", s.strategies(), strings.Join(catalogue.Names(), ","))
	args.add("hazard", s.Hazards, Plain)
	args.add("workers", texts(s.Workers), fmt.Sprint(DefaultWorkers))
	args.add("load", s.Loads, Loads.Default())
	args.add("heap", s.Heaps, Heaps.Default())
	args.add("tls", s.TLS, TLSVersions.Default())
	args.add("key", s.Keys, Keys.Default())
	args.add("rand", s.Rands, Rands.Default())
	args.add("locks", s.Locks, LockSharings.Default())
	args.add("heap-safety", s.HeapSafety, HeapSafeties.Default())
	measures := texts(s.Measures)
	for i := range measures {
		measures[i] = strings.ToLower(measures[i])
	}
	args.add("measure", measures, "handshake,corruption")
	args.numbers(s)
	if p.Shard.Count > 1 {
		args = append(args, fmt.Sprintf("--shard %d/%d", p.Shard.Index, p.Shard.Count))
	}
	return strings.Join(append(args, "-o "+file), " ")
}

func (a *arguments) numbers(s *Spec) {
	if s.HeapBytes > 0 {
		a.add("heap-size", []string{fmt.Sprint(s.HeapBytes >> 20)}, "")
	}
	if s.Bad != nil {
		a.add("bad", []string{strconv.FormatFloat(*s.Bad, 'g', -1, 64)}, "")
	}
	if s.CheckRate != nil {
		a.add("check-rate", []string{fmt.Sprint(*s.CheckRate)}, "")
	}
	if slices.Contains(s.Measures, "Fork") {
		a.add("fork-memory", texts(s.Fork.Memory), fmt.Sprint(DefaultForkMemory))
		a.add("fork-keys", texts(s.Fork.Filled), "0")
		a.add("huge-pages", s.Fork.HugePages, HugePages.Default())
		a.add("fork-pairs", []string{fmt.Sprint(s.Fork.Pairs)}, fmt.Sprint(DefaultForkPairs))
	}
	*a = append(*a, fmt.Sprintf("--rounds %d", s.Rounds))
	// Presets give each kind of trial a length of its own; the flag gives all
	// the same. So lengths that differ came from the preset.
	if s.Handshake == s.Corruption && s.Corruption > 0 {
		*a = append(*a, fmt.Sprintf("--duration %v", s.Corruption))
	}
	*a = append(*a, fmt.Sprintf("--seed %d", s.Seed))
	if s.NoControls {
		*a = append(*a, "--no-controls")
	}
}

func texts[T any](list []T) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = fmt.Sprint(v)
	}
	return out
}

// builds gives the names that the builds were asked for by; the label is what
// they turned out to be.
func (s *Spec) builds() []string {
	var names []string
	for _, b := range s.Builds {
		name := b.Library.Name
		if name == "" {
			name = b.Label
		}
		names = append(names, name)
	}
	return names
}

// strategies gives the choices as a user writes them.
func (s *Spec) strategies() []string {
	var names []string
	for _, st := range s.Strategies {
		name := st.Choice.Name
		if st.Choice.Path != "" {
			name = st.Choice.Path
		}
		var keys []string
		for key := range st.Choice.Params {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		for _, key := range keys {
			name += fmt.Sprintf(":%s=%s", key, st.Choice.Params[key])
		}
		names = append(names, name)
	}
	return names
}

// OfDaemons reports whether the plan is one of tlsbench field: its cells differ in
// how many trials they have.
func (s *Spec) OfDaemons() bool { return len(s.Daemon.List) > 0 }

// fieldCommand makes a plan of daemons.
func (p *Plan) fieldCommand(file string) string {
	args := arguments{"tlsbench field"}
	s := &p.Spec
	var daemons []string
	for _, d := range s.Daemon.List {
		daemons = append(daemons, d.Release)
	}
	own := strings.NewReplacer("abort", "0", "count", "1", "plain", "no", "python:before=1", "before", "python", "after").Replace
	args.add("daemon", daemons, "")
	args.add("strategy", s.strategies(), strings.Join(catalogue.Names(), ","))
	args.add("mem-safety", []string{own(strings.Join(s.HeapSafety, ","))}, "0,1")
	args.add("python", []string{own(strings.Join(s.Hazards, ","))}, "no,before,after")
	args.add("readers", texts(s.Workers), "4")
	args.add("tls", s.TLS, TLSVersions.Default())
	if s.Bad != nil {
		args.add("bad", []string{strconv.FormatFloat(*s.Bad, 'g', -1, 64)}, "0.2")
	}
	args.add("rounds", []string{fmt.Sprint(s.Rounds)}, "1")
	args.add("control-rounds", []string{fmt.Sprint(s.Daemon.ControlRounds)}, "5")
	args.add("duration", []string{s.Daemon.Duration.String()}, "2s")
	rig := s.Corruption
	if s.Daemon.NoRig {
		rig = 0
	}
	args.add("rig-time", []string{rig.String()}, "1s")
	if p.Shard.Count > 1 {
		args = append(args, fmt.Sprintf("--shard %d/%d", p.Shard.Index, p.Shard.Count))
	}
	return strings.Join(append(args, fmt.Sprintf("--seed %d -o %s", s.Seed, file)), " ")
}
