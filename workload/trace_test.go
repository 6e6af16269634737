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

// traced is a trial under the tracer.
func traced(t testing.TB, build openssl.Build, strategy, load string) *Outcome {
	t.Helper()
	cfg := corruption(t, strategy, load)
	cfg.Build = build
	return underTracer(t, cfg)
}

func underTracer(t testing.TB, cfg Config) *Outcome {
	t.Helper()
	cfg.Heap, cfg.Handshakes, cfg.Duration = "traced", 20, 0
	out, err := Run(context.Background(), cfg)
	if err != nil {
		t.Fatalf("%s, %s: %v", cfg.Strategy, cfg.Load, err)
	}
	return out
}

// sites are where raced blocks were allocated, read-raced ones left out.
func sites(out *Outcome) []string {
	var list []string
	for _, b := range out.Raced {
		if !b.ReadRaced {
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
		out := traced(t, system(t), "none", load)
		first := sites(out)
		if !anyContains(first, "ERR_") || !anyContains(first, "RAND_") {
			t.Errorf("%s: %d handshakes under none, raced: %q", load, out.Handshakes, first)
		}
		for _, b := range out.Raced {
			if !b.ReadRaced && len(b.Writers) < 2 {
				t.Errorf("%s: raced, by %v alone: %s", load, b.Writers, b.Site)
			}
		}
		if load == "memory" {
			if again := traced(t, system(t), "none", load); !slices.Equal(sites(again), first) {
				t.Errorf("raced are %q, then %q", first, sites(again))
			}
		}
		out = traced(t, system(t), "key-owner", load)
		if raced := sites(out); len(raced) != 0 || out.Handshakes == 0 || out.Damaged() {
			t.Errorf("%s: key-owner made %d handshakes with %v, raced: %q", load, out.Handshakes, out.Events, raced)
		}
		if out.Trace.Faults == 0 || out.Trace.Blocks < 1000 {
			t.Errorf("%s: %d faults on %d blocks: nothing was traced", load, out.Trace.Faults, out.Trace.Blocks)
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
			for _, b := range out.Raced {
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
		if n := out.Attempts; out.Handshakes != 0 || n < 40 || n > 80 || len(out.Raced) != 0 {
			t.Errorf("%s: %d good ones of %d connections, want 40 bad ones; raced: %v", load, out.Handshakes, out.Attempts, out.Raced)
		}
	}
}

// Another library's child handler uses what is still rank 0's, unless the fix is
// registered before it. Objects of ABI 1 end where the word early begins.
func TestEarlyFixComesFirst(t *testing.T) {
	for _, tc := range []struct {
		words string
		early bool
	}{{".abi = STRATEGY_ABI, .early = true", true}, {".abi = STRATEGY_ABI", false}, {".abi = 1, .early = true", false}} {
		cfg := hazardTrial(t, "atfork-user:side=child", "none", "memory")
		cfg.Strategy = ownObject(t, "own", []byte(`#include "strategy.h"
static void clear(struct strategy_context *ctx)
{
	pthread_key_t keys[64];
	size_t n = ctx->keys_of(KEY_OPENSSL, keys, 64);

	for (size_t i = 0; i < n; i++)
		pthread_setspecific(keys[i], NULL);
}
const struct strategy tlsbench_strategy = {.name = "own", .child = clear, `+tc.words+`};
`))
		out := underTracer(t, cfg)
		if raced := sites(out); (len(raced) == 0) != tc.early {
			t.Errorf("%s: raced: %q", tc.words, raced)
		}
	}
}
