package plots

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// plan is the part of a run's plan that its command line is made of. The plan
// belongs to package bench; what is not understood here is left out.
type plan struct {
	Spec struct {
		Preset     string
		Builds     []struct{ Label string }
		Strategies []struct {
			Choice struct {
				Name, Path string
				Params     map[string]int64
			}
		}
		Hazards, Loads, Heaps, TLS, Keys, Rands, Locks, Measures []string

		HeapSafety []string `json:"heap_safety"`
		Workers    []int
		Rounds     int
		Seed       uint64
		Handshake  time.Duration `json:"handshake_ns"`
		Corruption time.Duration `json:"corruption_ns"`
	}
	Shard struct{ Index, Count int }
}

// commands gives for each file the command that makes one like it.
func commands(d *Data) []string {
	var list []string
	for _, in := range d.Inputs {
		var p plan
		if len(in.Header.Plan) == 0 || json.Unmarshal(in.Header.Plan, &p) != nil || p.Spec.Rounds == 0 {
			list = append(list, fmt.Sprintf("go test -bench . ./bench # %s has no plan", base(in.Path)))
			continue
		}
		list = append(list, p.command(base(in.Path)))
	}
	return list
}

func (p *plan) command(file string) string {
	args := []string{"tlsbench run"}
	add := func(flag string, values []string, normal string) {
		if text := strings.Join(values, ","); text != "" && text != normal {
			args = append(args, "--"+flag+" "+text)
		}
	}
	s := &p.Spec
	add("preset", []string{s.Preset}, "default")
	var builds []string
	for _, b := range s.Builds {
		builds = append(builds, b.Label)
	}
	add("openssl", builds, "")
	add("strategy", p.strategies(), strings.Join(strategyOrder, ","))
	add("hazard", s.Hazards, "plain")
	var workers []string
	for _, n := range s.Workers {
		workers = append(workers, fmt.Sprint(n))
	}
	add("workers", workers, "4")
	add("load", s.Loads, "tcp")
	add("heap", s.Heaps, "global")
	add("tls", s.TLS, "1.3")
	add("key", s.Keys, "ecdsa-p256")
	add("rand", s.Rands, "default")
	add("locks", s.Locks, "shared")
	add("heap-safety", s.HeapSafety, "count")
	var measures []string
	for _, m := range s.Measures {
		measures = append(measures, strings.ToLower(m))
	}
	slices.Sort(measures)
	add("measure", measures, "corruption,handshake")
	args = append(args, fmt.Sprintf("--rounds %d --seed %d", s.Rounds, s.Seed))
	if p.Shard.Count > 1 {
		args = append(args, fmt.Sprintf("--shard %d/%d", p.Shard.Index, p.Shard.Count))
	}
	return strings.Join(append(args, "-o "+file), " ")
}

// strategies gives the choices as a user writes them.
func (p *plan) strategies() []string {
	var names []string
	for _, s := range p.Spec.Strategies {
		name := s.Choice.Name
		if s.Choice.Path != "" {
			name = s.Choice.Path
		}
		var keys []string
		for key := range s.Choice.Params {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		for _, key := range keys {
			name += fmt.Sprintf(":%s=%d", key, s.Choice.Params[key])
		}
		names = append(names, name)
	}
	return names
}

// limits says what the figures cannot show. It stands on the page before the
// data, because a reader has to know it before trusting them.
func limits(d *Data) []string {
	return []string{
		"A verdict holds for the builds, hazards and loads that were tried, and for nothing else. No damage in n trials bounds the probability of a damaged trial of this length; it does not prove that there is none.",
		fmt.Sprintf("Rare damage needs time: a trial lasts seconds, a server runs for months. The bounds are for each trial. The word clean stands for a bound of 5 %% or less, which takes 59 trials; intervals are at %s %%.", trim(100*d.Confidence)),
		"Peers and workers share the processors of one machine, over loopback, in a closed loop: latencies are no service latencies, and on few cores throughput is as much the peers' as the server's. Compare the server's CPU time.",
		fmt.Sprintf("Costs are relative to %s, which clears exactly what is OpenSSL's. No daemon has its ledger of keys. A damaged trial yields no throughput, so a strategy that is damaged often is judged on its best trials.", d.Baseline),
		"The rig imitates a preforked server with a shared heap; it is not one. What a daemon does between its forks, or with modules of its own, may bring hazards that are not here.",
		"Shared machines drift. Comparisons are paired within a round, which takes out what the round shares; the panels of drift and of the baseline against itself show what is left.",
		"Many comparisons find differences by chance: the tests within a table are corrected (Holm), those of several tables are not.",
	}
}
