package bench

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tlsbench/results"
	"tlsbench/workload"
)

// forkSpec measures forks alone, on a fake build.
func forkSpec() Spec {
	return Spec{Spec: results.Spec{
		Strategies: choose("temp-thread", "hwm"), Measures: []results.Measure{results.Fork},
		Rounds: 2, Seed: 7, HandshakeTime: time.Second, CorruptionTime: time.Second,
	}, Builds: []Build{fakeBuild("3.0.20")}}
}

func cellNames(p *Plan) []string {
	var list []string
	for _, c := range p.Cells() {
		list = append(list, strings.TrimPrefix(c.Name(), "BenchmarkFork/openssl=3.0.20/hazard=plain/load=memory/heap=global/"))
	}
	return list
}

// A fork cell says what differs from the default; controls are none of its
// business, and the load is memory whatever was asked for.
func TestForkCells(t *testing.T) {
	s := forkSpec()
	s.Loads = []string{"tcp", "memory"}
	got := cellNames(mustPlan(t, s, Shard{}))
	if diff := cmp.Diff([]string{"strategy=temp-thread/workers=4", "strategy=hwm/workers=4"}, got); diff != "" {
		t.Errorf("default (-want +got):\n%s", diff)
	}
	s = forkSpec()
	s.Strategies, s.Workers = choose("hwm"), []int{1, 16}
	s.Fork = results.ForkSpec{Memory: []int{16, 1024}, Filled: []int{0, 32}, HugePages: []string{"off", "on"}}
	got = cellNames(mustPlan(t, s, Shard{}))
	want := []string{
		"strategy=hwm/workers=1", "thp=on/strategy=hwm/workers=1",
		"filled=32/strategy=hwm/workers=1", "filled=32/thp=on/strategy=hwm/workers=1",
		"mem=1024MiB/strategy=hwm/workers=1", "mem=1024MiB/thp=on/strategy=hwm/workers=1",
		"mem=1024MiB/filled=32/strategy=hwm/workers=1", "mem=1024MiB/filled=32/thp=on/strategy=hwm/workers=1",
	}
	for _, name := range want[:8] {
		want = append(want, strings.Replace(name, "workers=1", "workers=16", 1))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sweep (-want +got):\n%s", diff)
	}
	for task := range mustPlan(t, s, Shard{}).Tasks() {
		f := task.config(s).Fork
		if on := task.Cell.Setting("thp") == "on"; f == nil || f.HugePages != on || f.Pairs != results.DefaultForkPairs {
			t.Fatalf("%s: %+v", task.Cell.Name(), f)
		}
	}
}

// Controls belong to the trials under load of the same plan.
func TestForkBesideCorruption(t *testing.T) {
	s := forkSpec()
	s.Measures = []results.Measure{results.Corruption, results.Fork}
	p := mustPlan(t, s, Shard{})
	if !slices.ContainsFunc(p.Cells(), controlsOf(p)) {
		t.Error("no controls with fork trials")
	}
}

func TestBadForkSpec(t *testing.T) {
	for _, tc := range []struct {
		want string
		fork results.ForkSpec
	}{
		{"memory of 0 MiB: want 1 to 65536", results.ForkSpec{Memory: []int{0}}},
		{"memory of 65537 MiB", results.ForkSpec{Memory: []int{65537}}},
		{"1001 filled keys: want 0 to 1000", results.ForkSpec{Filled: []int{1001}}},
		{`unknown huge-pages "maybe": choose from off, on`, results.ForkSpec{HugePages: []string{"maybe"}}},
		{"-1 pairs of forks", results.ForkSpec{Pairs: -1}},
		{"1000001 pairs of forks: want 1 to 1000000", results.ForkSpec{Pairs: 1_000_001}},
		{"private memory of 64 is given twice", results.ForkSpec{Memory: []int{64, 16, 64}}},
		{"number of filled keys 0 is given twice", results.ForkSpec{Filled: []int{0, 0}}},
	} {
		s := forkSpec()
		s.Fork = tc.fork
		if _, err := NewPlan(s, Shard{}); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("error %v, want one with %q", err, tc.want)
		}
	}
}

// fakeForks makes an outcome of pairs whose times are known.
func fakeForks(pairs int, handlers ...string) *workload.Outcome {
	f := &workload.ForkOutcome{Clock: "tsc", ClockCost: []float64{20, 22, 21}, Handlers: handlers, Sustained: 900, Bare: 1000, Resident: 16 << 20}
	for i := range pairs {
		x := float64(i)
		f.Forks = append(f.Forks,
			workload.ForkSample{
				Fork: 1000 + x, Ready: 2000 + x, Cold: [3]float64{0, 0, 300 + x}, Warm: [3]float64{0, 0, 30 + x},
				FirstRandom: 500 + x, FirstHandshake: 600 + x,
			},
			workload.ForkSample{Masked: true, Fork: 900 + x, Ready: 1500 + x})
	}
	return &workload.Outcome{Life: results.Life{Events: map[string]uint64{}}, OpenSSLVersion: "3.0.20", Setup: 4 * time.Millisecond, Fork: f}
}

func TestForkMetrics(t *testing.T) {
	got := map[string]float64{}
	for _, m := range forkMetrics(fakeForks(100, "child")) {
		got[m.Unit] = m.Value
	}
	want := map[string]float64{
		"p50-fork-ns": 1049, "p90-fork-ns": 1089, "p99-fork-ns": 1098, "max-fork-ns": 1099, "masked-fork-ns": 949,
		"fork-diff-ns": 100, "fork-diff-low-ns": 100, "fork-diff-high-ns": 100,
		"p50-ready-ns": 2049, "p90-ready-ns": 2089, "p99-ready-ns": 2098, "max-ready-ns": 2099, "masked-ready-ns": 1549,
		"ready-diff-ns": 500, "ready-diff-low-ns": 500, "ready-diff-high-ns": 500,
		"handler-ns": 349, "warm-handler-ns": 39, "child-handler-ns": 349, "warm-child-handler-ns": 39,
		"p90-handler-ns": 389, "p99-handler-ns": 398, "max-handler-ns": 399,
		"first-random-ns": 549, "p90-first-random-ns": 589, "p99-first-random-ns": 598, "max-first-random-ns": 599,
		"first-handshake-ns": 649, "p90-first-handshake-ns": 689, "p99-first-handshake-ns": 698, "max-first-handshake-ns": 699,
		"setup-ns": 4e6, "forks/s": 900, "bare-forks/s": 1000, "clock-ns": 21,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	for _, m := range forkMetrics(fakeForks(1)) {
		if strings.Contains(m.Unit, "handler") || strings.Contains(m.Unit, "low") || strings.Contains(m.Unit, "p99") {
			t.Errorf("one pair, no handler: %v", m)
		}
	}
}

// A run writes the samples with the results, and a stopped trial keeps what
// was measured.
func TestForkRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.txt")
	r := &Runner{Plan: mustPlan(t, forkSpec(), Shard{}), Machine: ThisMachine()}
	r.Execute = func(_ context.Context, cfg workload.Config) (*workload.Outcome, error) {
		out := fakeForks(50)
		if cfg.Strategy.Name == "hwm" {
			out = fakeForks(20, "child")
			out.Fork.Stopped = syscall.EAGAIN
		}
		return out, nil
	}
	if _, err := r.Run(context.Background(), path); err != nil {
		t.Fatal(err)
	}
	for _, trial := range readForks(t, path) {
		forks, status := int64(50), results.OK
		if trial.Cell.Strategy == "hwm" {
			forks, status = 20, results.Failed
			if !strings.Contains(trial.Reason, "temporarily unavailable") || !strings.Contains(strings.Join(trial.Detail, " "), "until then: 40 forks") {
				t.Errorf("stopped trial: %s: %q", trial.Reason, trial.Detail)
			}
		}
		if trial.Status != status || trial.Forks != uint64(2*forks) {
			t.Errorf("%s: %s, %d forks", trial.Cell.Strategy, trial.Status, trial.Forks)
		}
		if n := countOf(t, trial, "fork-ns"); n != forks {
			t.Errorf("%s: %d samples of trial %d, want %d", trial.Cell.Strategy, n, trial.ID, forks)
		}
	}
}
