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

// injected are the races of faultrace.c: what the tracer must say of each of the
// hundred blocks.
var injected = []struct {
	fault            string
	raced, read      int
	writers, readers []int
}{
	{"race", 100, 0, []int{0, 1}, nil},
	{"race-locked", 0, 0, nil, nil},
	{"race-two-locks", 100, 0, []int{0, 1}, nil},
	{"race-atomic", 0, 0, nil, nil},
	{"race-read", 0, 100, []int{0}, []int{1}},
	{"race-rank0", 100, 0, []int{0, -1}, nil},
	{"race-late", 100, 0, []int{0, 1}, nil},
	{"race-read-locked", 100, 0, []int{0, 1}, nil},
	{"race-free", 100, 0, []int{0, 1}, nil},
}

func TestInjectedRaces(t *testing.T) {
	for _, in := range injected {
		t.Run(in.fault, func(t *testing.T) {
			cfg := corruption(t, "key-owner", "memory")
			cfg.Heap, cfg.Workers, cfg.Handshakes, cfg.Duration = "traced", 3, 24, 0
			cfg.Fault, cfg.FaultWorker = in.fault, EachWorker
			out := mustRun(t, cfg)
			raced, read := 0, 0
			for _, b := range out.Trace.Raced {
				switch {
				case !strings.HasPrefix(b.Site, "faultrace.c:"):
					t.Errorf("a block that nobody races on: %+v", b)
					continue
				case b.ReadRaced:
					read++
				default:
					raced++
				}
				if !slices.Equal(b.Writers, in.writers) || !slices.Equal(b.Readers, in.readers) {
					t.Errorf("written by %v, read by %v, want %v and %v", b.Writers, b.Readers, in.writers, in.readers)
				}
			}
			if raced != in.raced || read != in.read || out.Injected == 0 {
				t.Errorf("%d raced and %d read-raced blocks of 100, want %d and %d", raced, read, in.raced, in.read)
			}
		})
	}
}
