package bench

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tlsbench/results"
	"tlsbench/workload"
)

// forkShards runs fork trials in two shards. The number of forks in a trial is
// its seed's last digit and one.
func forkShards(t *testing.T) (paths []string, whole *Plan) {
	t.Helper()
	dir := t.TempDir()
	for i := 1; i <= 2; i++ {
		r := &Runner{Plan: mustPlan(t, forkSpec(), Shard{i, 2}), Machine: ThisMachine()}
		r.Execute = func(_ context.Context, cfg workload.Config) (*workload.Outcome, error) {
			return fakeForks(int(cfg.Seed%10)+1, "child"), nil
		}
		path := filepath.Join(dir, []string{"", "a.txt", "b.txt"}[i])
		if _, err := r.Run(context.Background(), path); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths, mustPlan(t, forkSpec(), Shard{1, 1})
}

// The samples of all shards are found beside the joint file, each under its
// trial's number.
func TestMergedSamples(t *testing.T) {
	parts, plan := forkShards(t)
	path := filepath.Join(t.TempDir(), "all.txt")
	m, err := Merge(path, parts...)
	if err != nil {
		t.Fatal(err)
	}
	if m.Samples != results.SamplesPath(path) {
		t.Errorf("samples in %q", m.Samples)
	}
	samples := readSamples(t, results.SamplesPath(path))
	for task := range plan.Tasks() {
		want := int64(task.Seed%10) + 1
		if h := samples[results.Sample{Trial: task.ID, Name: "warm-handler-ns"}]; h == nil || h.TotalCount() != want {
			t.Errorf("trial %d: %v, want %d values", task.ID, h, want)
		}
	}
}

// A part that lost its samples is refused, and nothing is left.
func TestMergeRefusesLostSamples(t *testing.T) {
	parts, _ := forkShards(t)
	if err := os.Remove(results.SamplesPath(parts[1])); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "all.txt")
	_, err := Merge(path, parts...)
	var refused *RefusalError
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "b.hlog is not there") || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v", err)
	}
	for _, p := range []string{path, results.SamplesPath(path)} {
		if _, err := os.Stat(p); err == nil {
			t.Errorf("%s was left", p)
		}
	}
	// Without any there is nothing to be wrong about.
	if err := os.Remove(results.SamplesPath(parts[0])); err != nil {
		t.Fatal(err)
	}
	if m, err := Merge(path, parts...); err != nil || m.Samples != "" {
		t.Errorf("no samples at all: %q, %v", m.Samples, err)
	}
}
