package plots

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tlsbench/results"
	"tlsbench/strategies/catalogue"
)

// plan is the part of a run's plan that its command line is made of. The plan
// belongs to package bench, whose names and defaults these are; a test of
// cmd/tlsbench reads the commands back and compares the plans.
type plan struct {
	Spec  spec
	Shard struct{ Index, Count int }
}

type spec struct {
	Preset     string
	Builds     []planBuild
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

// planBuild is one OpenSSL of a plan.
type planBuild struct {
	Label, Digest string
	Library       library
}

type library struct{ Name, Libcrypto, Libssl, Loader, Text, Package string }

// from says where a library comes from.
func (l library) from() string {
	if l.Package != "" {
		return l.Package
	}
	return "not from a package of the suite's cache"
}

// files lists what the digest is of.
func (l library) files() string {
	list := []string{l.Libcrypto, l.Libssl}
	if l.Loader != "" {
		list = append(list, l.Loader)
	}
	return strings.Join(list, ", ")
}

// Commands gives for each file the command that makes one like it.
func Commands(d *Data) []string {
	var list []string
	for _, in := range d.Inputs {
		if in.plan == nil {
			list = append(list, fmt.Sprintf("go test -bench . ./bench # %s has no plan", in.name()))
			continue
		}
		list = append(list, in.plan.command(in.name()))
	}
	return list
}

// Command gives the command that makes a file with that header.
func Command(path string, h results.Header) string {
	in := newInput(path)
	in.finish(h)
	return Commands(&Data{Inputs: []*Input{in}})[0]
}

// durations says in words how long trials were: presets may change, and only
// one length for all kinds has a flag.
func durations(d *Data) []string {
	var list []string
	for _, in := range d.Inputs {
		if in.plan == nil {
			continue
		}
		s := &in.plan.Spec
		var parts []string
		if s.ofDaemons() {
			parts = append(parts, fmt.Sprintf("trials of daemons of %v", s.Daemon.Duration))
		}
		for _, m := range s.Measures {
			switch m {
			case "Handshake":
				parts = append(parts, fmt.Sprintf("throughput trials of %v after %v of warm-up", s.Handshake, s.Warmup))
			case "Corruption":
				parts = append(parts, fmt.Sprintf("corruption trials of %v", s.Corruption))
			case "Fork":
				parts = append(parts, fmt.Sprintf("fork trials of %s of forks", count(s.Fork.Pairs, "pair")))
			}
		}
		if len(parts) > 0 {
			list = append(list, fmt.Sprintf("%s: %s", in.name(), strings.Join(parts, ", ")))
		}
	}
	return list
}

// arguments puts a command line together, without what is default.
type arguments []string

func (a *arguments) add(flag string, values []string, normal string) {
	if text := strings.Join(values, ","); text != "" && text != normal {
		*a = append(*a, "--"+flag+" "+text)
	}
}

// ofDaemons reports whether the plan is one of tlsbench field: its cells differ in
// how many trials they have.
func (s *spec) ofDaemons() bool { return len(s.Daemon.List) > 0 }

// fieldCommand makes a plan of daemons.
func (p *plan) fieldCommand(file string) string {
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
	args.add("tls", s.TLS, results.TLSVersions.Default())
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

func (p *plan) command(file string) string {
	if p.Spec.ofDaemons() {
		return p.fieldCommand(file)
	}
	args := arguments{"tlsbench run"}
	s := &p.Spec
	args.add("preset", []string{s.Preset}, "default")
	args.add("openssl", s.builds(), "system")
	args.add("strategy", s.strategies(), strings.Join(catalogue.Names(), ","))
	args.add("hazard", s.Hazards, results.Plain)
	args.add("workers", texts(s.Workers), fmt.Sprint(results.DefaultWorkers))
	args.add("load", s.Loads, results.Loads.Default())
	args.add("heap", s.Heaps, results.Heaps.Default())
	args.add("tls", s.TLS, results.TLSVersions.Default())
	args.add("key", s.Keys, results.Keys.Default())
	args.add("rand", s.Rands, results.Rands.Default())
	args.add("locks", s.Locks, results.LockSharings.Default())
	args.add("heap-safety", s.HeapSafety, results.HeapSafeties.Default())
	measures := texts(s.Measures)
	for i := range measures {
		measures[i] = strings.ToLower(measures[i])
	}
	args.add("measure", measures, strings.ToLower(strings.Join(texts(results.DefaultMeasures), ",")))
	args.numbers(s)
	if p.Shard.Count > 1 {
		args = append(args, fmt.Sprintf("--shard %d/%d", p.Shard.Index, p.Shard.Count))
	}
	return strings.Join(append(args, "-o "+file), " ")
}

func (a *arguments) numbers(s *spec) {
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
		a.add("fork-memory", texts(s.Fork.Memory), fmt.Sprint(results.DefaultForkMemory))
		a.add("fork-keys", texts(s.Fork.Filled), "0")
		a.add("huge-pages", s.Fork.HugePages, results.HugePages.Default())
		a.add("fork-pairs", []string{fmt.Sprint(s.Fork.Pairs)}, fmt.Sprint(results.DefaultForkPairs))
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
func (s *spec) builds() []string {
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
func (s *spec) strategies() []string {
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

// limits says what the figures cannot show. It stands on the page before the
// data, because a reader has to know it before trusting them.
func limits(d *Data) []string {
	list := []string{
		"A verdict holds for the builds, hazards and loads that were tried, and for nothing else. No damage in n trials bounds the probability of a damaged trial of this length; it does not prove that there is none.",
		fmt.Sprintf("Rare damage needs time: a trial lasts seconds or less, a server runs for months. The bounds are for each trial. The word clean stands for a bound of 5 %% or less, which takes 59 trials; intervals are at %s %%.", trim(100*d.Confidence)),
		"Trials of one cell that stand in several files are counted together, also where their lengths differ a little; how long they were stands below. Loads, hazards and builds are never counted together.",
		"Peers and workers share the processors of one machine, over loopback, in a closed loop: latencies are no service latencies, and on few cores throughput is as much the peers' as the server's. Compare the server's CPU time.",
		fmt.Sprintf("Costs are relative to %s, which clears exactly what is OpenSSL's. No daemon has its ledger of keys. A damaged trial yields no throughput, so a strategy that is damaged often is judged on its best trials.", d.Baseline),
		"The rig imitates a preforked server with a shared heap; it is not one. What a daemon does between its forks, or with modules of its own, may bring hazards that are not here.",
		"Shared machines drift. Comparisons are paired within a round, which takes out what the round shares; the panels of drift and of the baseline against itself show what is left.",
		"Many comparisons find differences by chance: the tests within a table are corrected (Holm), those of several tables are not.",
	}
	return slices.Concat(list, aaLines(d), d.notes())
}
