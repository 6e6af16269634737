package bench

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tlsbench/results"
	"tlsbench/workload"
)

// manyForks is a plan of 12 trials.
func manyForks() *Plan {
	spec := forkSpec()
	spec.Rounds = 6
	plan, err := NewPlan(spec, whole)
	if err != nil {
		panic(err) // the same in the test itself
	}
	return plan
}

// pairsOf tells trials apart by how many forks they made.
func pairsOf(seed uint64) int { return int(seed%50) + 1 }

// busyForks takes about half a millisecond.
func busyForks(_ context.Context, cfg workload.Config) (*workload.Outcome, error) {
	for end := time.Now().Add(500 * time.Microsecond); time.Now().Before(end); {
		math.Sqrt(2)
	}
	return fakeForks(pairsOf(cfg.Seed), "child"), nil
}

// TestKilledForks kills a run of fork trials with SIGKILL at random moments:
// each trial in the results file has its samples, read as they were left, and
// after the run was resumed all have.
func TestKilledForks(t *testing.T) {
	rng := newRand(t)
	plan := manyForks()
	tasks := make(map[int]Task)
	for task := range plan.Tasks() {
		tasks[task.ID] = task
	}
	for i := range 30 {
		path := filepath.Join(t.TempDir(), "r.txt")
		p := startHelper(t, "forks", path)
		killAtRandom(rng, p, plan.Len())
		p.wait()
		r := &Runner{Plan: plan, Machine: fakeMachine, Execute: busyForks}
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			continue // killed before it began
		}
		checkSamples(t, path, tasks, -1)
		if _, err := r.Resume(t.Context(), path); err != nil {
			t.Fatalf("kill %d: resume: %v", i, err)
		}
		checkSamples(t, path, tasks, plan.Len())
		if t.Failed() {
			t.Fatalf("in kill %d, after %d trials were started and %d finished", i, p.started, len(p.finished))
		}
	}
}

// checkSamples looks for the samples of each trial in the results file, of
// which there are want; -1: any number.
func checkSamples(t *testing.T, path string, tasks map[int]Task, want int) {
	t.Helper()
	trials := readForks(t, path)
	if want >= 0 && len(trials) != want {
		t.Errorf("%d trials, want %d", len(trials), want)
	}
	for _, trial := range trials {
		pairs := int64(pairsOf(tasks[trial.ID].Seed))
		for _, name := range []string{"fork-ns", "masked-fork-ns", "first-handshake-ns"} {
			if n := countOf(t, trial, name); n != pairs {
				t.Errorf("trial %d: %s: %d values, want %d", trial.ID, name, n, pairs)
			}
		}
	}
}

// readForks reads whole trials with their series, whatever the file's end is like.
func readForks(t *testing.T, path string) []*results.Trial {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := results.NewReader(f, path)
	r.KeepSeries = true
	var trials []*results.Trial
	for r.Scan() {
		trials = append(trials, r.Trial())
	}
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	return trials
}

// countOf is how many values a series of a trial has, -1 without it.
func countOf(t *testing.T, trial *results.Trial, name string) int64 {
	t.Helper()
	for _, s := range trial.Series {
		if s.Name == name {
			h, err := s.Histogram()
			if err != nil {
				t.Fatal(err)
			}
			return h.TotalCount()
		}
	}
	return -1
}

func mustTrial(t *testing.T, task Task, start time.Time, out *workload.Outcome, err error) *results.Trial {
	t.Helper()
	trial, err := task.trial(start, out, err)
	if err != nil {
		t.Fatal(err)
	}
	return trial
}

// The samples of all shards are in the joint file, each with its trial.
func TestMergedSamples(t *testing.T) {
	plan := manyForks()
	tasks := make(map[int]Task)
	for task := range plan.Tasks() {
		tasks[task.ID] = task
	}
	var parts []string
	for i := 1; i <= 2; i++ {
		shard, err := NewPlan(plan.Spec, Shard{i, 2})
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, filepath.Join(t.TempDir(), "part.txt"))
		if _, err := (&Runner{Plan: shard, Machine: fakeMachine, Execute: busyForks}).Run(t.Context(), parts[i-1]); err != nil {
			t.Fatal(err)
		}
	}
	all := filepath.Join(t.TempDir(), "all.txt")
	if _, err := Merge(all, parts...); err != nil {
		t.Fatal(err)
	}
	checkSamples(t, all, tasks, plan.Len())
}
