package workload

import (
	"context"
	"slices"
	"strings"
	"testing"

	"tlsbench/results"
	"tlsbench/workload/openssl"
	"tlsbench/workload/rig"
)

// traced is a trial under the tracer, with what it saw.
func traced(t testing.TB, build openssl.Build, strategy, load string) (*Outcome, *rig.Trace) {
	t.Helper()
	cfg := corruption(t, strategy, load)
	cfg.Build, cfg.Heap, cfg.Handshakes, cfg.Duration = build, "traced", 20, 0
	var trace *rig.Trace
	out, err := run(context.Background(), cfg, func(b *rig.Block) { trace = b.Trace() })
	if err != nil {
		t.Fatalf("%s, %s: %v", strategy, load, err)
	}
	return out, trace
}

// sites are where raced blocks were allocated, read-raced ones left out.
func sites(trace *rig.Trace) []string {
	var list []string
	for _, b := range trace.Raced {
		if b.Raced {
			list = append(list, b.Site)
		}
	}
	return list
}

func anyContains(list []string, part string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return strings.Contains(s, part) })
}

func TestMaxTraced(t *testing.T) {
	if results.MaxTraced != rig.MaxTraced {
		t.Errorf("plans take %d traced workers, the rig %d", results.MaxTraced, rig.MaxTraced)
	}
}

// What the tracer sees does not depend on luck: under none the error state and
// both generators, the same blocks each time; under the oracle none of them.
func TestTraceControls(t *testing.T) {
	for _, load := range results.Loads.Names() {
		out, trace := traced(t, system(t), "none", load)
		first := sites(trace)
		if !anyContains(first, "ERR_") || !anyContains(first, "RAND_") {
			t.Errorf("%s: %d handshakes under none, raced: %q", load, out.Handshakes, first)
		}
		for _, b := range trace.Raced {
			if b.Raced && len(b.Writers) < 2 {
				t.Errorf("%s: raced, by %v alone: %s", load, b.Writers, b.Site)
			}
		}
		if load == "memory" {
			if _, again := traced(t, system(t), "none", load); !slices.Equal(sites(again), first) {
				t.Errorf("raced are %q, then %q", first, sites(again))
			}
		}
		out, trace = traced(t, system(t), "key-owner", load)
		if raced := sites(trace); len(raced) != 0 || out.Handshakes == 0 || out.Damaged() {
			t.Errorf("%s: key-owner made %d handshakes with %v, raced: %q", load, out.Handshakes, out.Events, raced)
		}
		if trace.Faults == 0 || trace.Blocks < 1000 {
			t.Errorf("%s: %d faults on %d blocks: nothing was traced", load, trace.Faults, trace.Blocks)
		}
	}
}

// Each injected race is told rightly, and nothing else is one.
func TestInjectedRaces(t *testing.T) {
	for _, race := range Races {
		t.Run(race.Fault, func(t *testing.T) {
			out := mustRun(t, race.Config(corruption(t, "key-owner", "memory")))
			if right, wrong := race.Told(out); right != RacedOn {
				t.Errorf("%s: %d of %d told rightly: %s", race.Summary, right, RacedOn, wrong)
			}
			for _, b := range out.Trace.Raced {
				if !strings.HasPrefix(b.Site, "faultrace.c:") {
					t.Errorf("a block that nobody races on: %+v", b)
				}
			}
		})
	}
}

// A traced trial ends by the number of connections, where no peer is good too.
func TestTraceOfBadPeers(t *testing.T) {
	for _, load := range results.Loads.Names() {
		cfg := corruption(t, "key-owner", load)
		cfg.Heap, cfg.Hazard, cfg.Handshakes, cfg.Duration = "traced", "many-errors", 10, 0
		out := mustRun(t, cfg)
		if n := out.Handshakes + out.Refused; out.Handshakes != 0 || n < 40 || n > 80 || len(out.Trace.Raced) != 0 {
			t.Errorf("%s: %d good and %d bad connections, want 40 bad ones; raced: %v", load, out.Handshakes, out.Refused, out.Trace.Raced)
		}
	}
}
