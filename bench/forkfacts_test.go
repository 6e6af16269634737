package bench

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"tlsbench/results"
	"tlsbench/workload"
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
			if err == nil || !strings.Contains(err.Error(), "hazard foreign-before: trials of forks") {
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
			t.Errorf("%s, beside corruption: %d rounds of %d pairs", p.Name, mixed.Rounds, mixed.Fork.Pairs)
		}
	}
}

func forkRunner(t *testing.T) *Runner {
	r := &Runner{Plan: mustPlan(t, forkSpec(), Shard{}), Machine: ThisMachine()}
	r.Execute = func(context.Context, workload.Config) (*workload.Outcome, error) { return fakeForks(10), nil }
	return r
}

// A results file that would be its own samples file.
func TestForkRunIntoItsSamples(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.hlog")
	if _, err := forkRunner(t).Run(t.Context(), path); err == nil || !strings.Contains(err.Error(), "choose another ending than .hlog") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Error("a results file was begun")
	}
}

// A run whose samples were lost does not go on: those of the trials to come
// would pass for all.
func TestResumeWithoutSamples(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.txt")
	r := forkRunner(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := 0
	r.Execute = func(context.Context, workload.Config) (*workload.Outcome, error) {
		if done++; done == 2 {
			cancel()
		}
		return fakeForks(10), nil
	}
	if _, err := r.Run(ctx, path); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	samples, err := os.ReadFile(results.SamplesPath(path))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(results.SamplesPath(path)); err != nil {
		t.Fatal(err)
	}
	var refused *RefusalError
	if _, err := r.Resume(t.Context(), path); !errors.As(err, &refused) || !strings.Contains(err.Error(), "samples are lost") {
		t.Errorf("error %v", err)
	}
	if err := os.WriteFile(results.SamplesPath(path), samples, 0o600); err != nil {
		t.Fatal(err)
	}
	if sum, err := r.Resume(t.Context(), path); err != nil || sum.Done != sum.Total {
		t.Errorf("%+v: %v", sum, err)
	}
}

// Samples are numbered by the lines that package testing prints: one for each
// benchmark whose calls all come to their end.
func TestForkSamplesNumbering(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.hlog")
	s := &forkSamples{sampleKeeper: sampleKeeper{path: path}}
	call := func(n, pairs int) {
		if err := s.begin(n); err != nil {
			t.Fatal(err)
		}
		if pairs > 0 {
			s.end(fakeForks(pairs))
		}
	}
	call(1, 1)
	call(20, 20) // printed: line 1
	call(1, 1)
	call(30, 0) // fails
	call(1, 0)  // fails at once
	call(1, 7)  // -benchtime=1x: line 2
	call(1, 1)
	call(40, 40) // line 3
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	all := readSamples(t, path)
	var got []int64
	for line := 1; line <= 4; line++ {
		if h := all[results.Sample{Trial: line, Name: "fork-ns"}]; h != nil {
			got = append(got, h.TotalCount())
		}
	}
	if !slices.Equal(got, []int64{20, 7, 40}) {
		t.Errorf("forks by line: %v", got)
	}
}

// What was measured before a trial broke stands beside the reason.
func TestForkFactsOfABrokenTrial(t *testing.T) {
	for task := range mustPlan(t, forkSpec(), Shard{}).Tasks() {
		out := fakeForks(10)
		out.Load, out.CtxSwitches, out.Fork.Wanted = time.Second, 7, 2000
		got := task.trial(time.Now(), out, errors.New("rig failed"))
		if got.Status != results.Failed || got.Forks != 20 || got.Load != time.Second || got.CtxSwitches != 7 {
			t.Errorf("%+v", got)
		}
		if text := strings.Join(got.Detail, " "); !strings.Contains(text, "clock tsc") || !strings.Contains(text, "10 of 1000 pairs") {
			t.Errorf("detail %q", text)
		}
		out.Fork.Stopped = syscall.EAGAIN
		if got := task.trial(time.Now(), out, nil); strings.Contains(strings.Join(got.Detail, " "), "of 1000 pairs") {
			t.Errorf("stopped, and cut short: %q", got.Detail)
		}
	}
}

// Two programs built from changed files need not be the same.
func TestExactVersion(t *testing.T) {
	digest, err := fileDigest("/proc/self/exe")
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
