package bench

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

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
	torn := 0
	for i := range 30 {
		path := filepath.Join(t.TempDir(), "r.txt")
		p := startHelper(t, "forks", path)
		killAtRandom(rng, p, plan.Len())
		p.wait()
		r := &Runner{Plan: plan, Machine: fakeMachine, Execute: busyForks}
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			continue // killed before it began
		}
		torn += checkSamples(t, path, tasks, -1)
		if _, err := r.Resume(t.Context(), path); err != nil {
			t.Fatalf("kill %d: resume: %v", i, err)
		}
		checkSamples(t, path, tasks, plan.Len())
		if t.Failed() {
			t.Fatalf("in kill %d, after %d trials were started and %d finished", i, p.started, len(p.finished))
		}
	}
	t.Logf("%d of 30 left samples of a trial that is not in the results", torn)
}

// checkSamples looks for the samples of each trial in the results file, of
// which there are want, and gives 1 if there are samples of another trial.
func checkSamples(t *testing.T, path string, tasks map[int]Task, want int) int {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil || bytes.IndexByte(data, '\n') < 0 {
		return 0 // killed in its first line
	}
	var trials []*results.Trial
	if set, err := results.ReadFiles(path); err == nil {
		trials = set.Trials
	} else if want >= 0 {
		t.Error(err)
	}
	if want >= 0 && len(trials) != want {
		t.Errorf("%d trials, want %d", len(trials), want)
	}
	samples := readSamples(t, results.SamplesPath(path))
	for _, trial := range trials {
		pairs := int64(pairsOf(tasks[trial.ID].Seed))
		for _, name := range []string{"fork-ns", "masked-fork-ns", "first-handshake-ns"} {
			if h := samples[results.Sample{Trial: trial.ID, Name: name}]; h == nil || h.TotalCount() != pairs {
				t.Errorf("trial %d: %s: %v, want %d values", trial.ID, name, h, pairs)
			}
		}
	}
	of := map[int]bool{}
	for s := range samples {
		of[s.Trial] = true
	}
	if len(of) > len(trials)+1 {
		t.Errorf("samples of %d trials, %d are in the results: more than one was in flight", len(of), len(trials))
	}
	return min(len(of)-len(trials), 1)
}

func readSamples(t *testing.T, path string) map[results.Sample]*hdrhistogram.Histogram {
	t.Helper()
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil // killed before the first trial was done
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	samples, err := results.ReadSamples(f)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return samples
}
