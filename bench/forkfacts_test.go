package bench

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"tlsbench/results"
	"tlsbench/workload/sharedlib"
)

// A name must not say that a fork trial ran under a hazard: none was there.
func TestForkHazards(t *testing.T) {
	both := []results.Measure{results.Corruption, results.Fork}
	for _, tc := range []struct {
		hazards  []string
		measures []results.Measure
		refused  bool
	}{
		{[]string{"plain"}, []results.Measure{results.Fork}, false},
		{[]string{"foreign-before"}, []results.Measure{results.Fork}, true},
		{[]string{"plain", "foreign-before"}, []results.Measure{results.Fork}, true},
		{[]string{"foreign-before"}, both, true},
		{[]string{"foreign-before", "plain"}, both, false},
	} {
		s := forkSpec()
		s.Hazards, s.Measures = tc.hazards, tc.measures
		p, err := NewPlan(s, Shard{})
		if tc.refused {
			if err == nil || !strings.Contains(err.Error(), "hazard foreign-before: fork trials take no hazard") {
				t.Errorf("%v of %v: error %v", tc.measures, tc.hazards, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%v of %v: %v", tc.measures, tc.hazards, err)
			continue
		}
		for _, c := range p.Cells() {
			if (c.fork != nil) != (c.Measure == results.Fork) || c.fork != nil && c.Hazard != results.Plain {
				t.Errorf("%v of %v: cell %s", tc.measures, tc.hazards, c.Name())
			}
		}
	}
}

// Forks alone: many short trials, in about the time of few long ones.
func TestForkPresets(t *testing.T) {
	for _, p := range Presets() {
		s := forkSpec()
		s.Rounds = 0
		short := mustPlan(t, p.Apply(s), Shard{})
		s.Rounds, s.Fork.Pairs = p.Rounds, results.DefaultForkPairs
		long := mustPlan(t, p.Apply(s), Shard{})
		if n := short.Spec.Fork.Pairs; n != shortPairs || short.Spec.Rounds < 10 || short.Spec.Rounds <= p.Rounds {
			t.Errorf("%s: %d rounds of %d pairs", p.Name, short.Spec.Rounds, n)
		}
		if a, b := short.Estimate(), long.Estimate(); a > b*5/4 || a < b/2 {
			t.Errorf("%s: %v, the long trials %v", p.Name, a, b)
		}
		s = forkSpec()
		s.Rounds, s.Measures = 0, []results.Measure{results.Corruption, results.Fork}
		if mixed := mustPlan(t, p.Apply(s), Shard{}).Spec; mixed.Rounds != p.Rounds || mixed.Fork.Pairs != results.DefaultForkPairs {
			t.Errorf("%s, with corruption: %d rounds of %d pairs", p.Name, mixed.Rounds, mixed.Fork.Pairs)
		}
	}
}

// What was measured before a trial broke is kept with the reason.
func TestForkFactsOfABrokenTrial(t *testing.T) {
	for task := range mustPlan(t, forkSpec(), Shard{}).Tasks() {
		out := fakeForks(10)
		out.Load, out.CtxSwitches, out.Fork.Wanted = time.Second, 7, 2000
		got := mustTrial(t, task, time.Now(), out, errors.New("rig failed"))
		if got.Status != results.Failed || got.Forks != 20 || got.Load != time.Second || got.CtxSwitches != 7 {
			t.Errorf("%+v", got)
		}
		if text := strings.Join(got.Detail, " "); !strings.Contains(text, "clock tsc") || !strings.Contains(text, "10 of 1000 pairs") {
			t.Errorf("detail %q", text)
		}
		out.Fork.Stopped = syscall.EAGAIN
		if got := mustTrial(t, task, time.Now(), out, nil); strings.Contains(strings.Join(got.Detail, " "), "of 1000 pairs") {
			t.Errorf("stopped, and cut short: %q", got.Detail)
		}
	}
}

// Two programs built from changed files need not be the same.
func TestExactVersion(t *testing.T) {
	digest, err := sharedlib.Digest("/proc/self/exe")
	if err != nil || len(digest) != 64 {
		t.Fatalf("%q: %v", digest, err)
	}
	digest = digest[:12]
	for version, want := range map[string]string{
		"":                     "(devel) " + digest,
		"(devel)":              "(devel) " + digest,
		"v1.2.3+dirty":         "v1.2.3+dirty " + digest,
		"v1.2.3":               "v1.2.3",
		"v0.0.0-20260101-abcd": "v0.0.0-20260101-abcd",
	} {
		if got := exactVersion(version); got != want {
			t.Errorf("%q: %q, want %q", version, got, want)
		}
	}
}
