package bench

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tlsbench/results"
)

// What is counted by arithmetic is what a walk through the plan meets.
func TestCounts(t *testing.T) {
	change := func(f func(*Spec)) Spec {
		s := smallSpec()
		s.Strategies = choose("none", "hwm", "key-owner")
		f(&s)
		return s
	}
	for name, spec := range map[string]Spec{
		"plain":      smallSpec(),
		"hazards":    change(func(s *Spec) { s.Hazards, s.HazardRounds = []string{results.Plain, "a", "b"}, 2 }),
		"duets":      change(func(s *Spec) { s.Measures = []results.Measure{results.Handshake, results.Duet} }),
		"pairs":      change(func(s *Spec) { s.Measures, s.Duet.Pairs = []results.Measure{results.Duet}, 3 }),
		"forks":      change(func(s *Spec) { s.Measures, s.Fork.Memory = []results.Measure{results.Fork}, []int{16, 64} }),
		"sequential": change(func(s *Spec) { s.Measures, s.Sequential, s.Rounds = []results.Measure{results.Corruption}, true, 0 }),
		"daemons":    daemonSpec(t, "none", "hwm"),
	} {
		all := 0
		for _, shard := range []Shard{whole, {1, 3}, {2, 3}, {3, 3}} {
			p := mustPlan(t, spec, shard)
			n := 0
			var guess time.Duration
			for task := range p.Tasks() {
				n++
				guess += time.Duration(p.Spec.guess(task.Cell))
			}
			if p.Trials() != n || p.Estimate() != guess {
				t.Errorf("%s, shard %s: %d trials in %v, want %d in %v", name, shard, p.Trials(), p.Estimate(), n, guess)
			}
			if shard == whole && p.Len() != n {
				t.Errorf("%s: a length of %d, want %d", name, p.Len(), n)
			}
			if shard != whole {
				all += n
			}
		}
		// A sequential plan has more lives where it is sharded.
		if p := mustPlan(t, spec, Shard{1, 3}); p.Len() != all {
			t.Errorf("%s: %d trials on all shards, want %d", name, all, p.Len())
		}
	}
}

// A plan of millions of trials is counted at once, or as soon as it is interrupted.
func TestCountsOfMillions(t *testing.T) {
	spec := smallSpec()
	spec.Rounds, spec.CorruptionTime, spec.HandshakeTime = maxRounds, 100*time.Millisecond, 100*time.Millisecond
	runtime.LockOSThread() // its processor time is this test's, however busy the machine is
	defer runtime.UnlockOSThread()
	start := threadTime(t)
	if p := mustPlan(t, spec, whole); p.Trials() != 5*maxRounds || p.Estimate() < 300*time.Hour {
		t.Errorf("%d trials, %v", p.Trials(), p.Estimate())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := mustPlan(t, spec, Shard{1, 2}).Count(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	if took := threadTime(t) - start; took > time.Second {
		t.Errorf("it takes %v", took)
	}
	spec.CorruptionTime = time.Hour
	_, err := NewPlan(spec, whole)
	checkRefusal(t, err, "want at most 1: choose fewer rounds, shorter trials, ")
	if _, err := NewPlan(spec, Shard{1, 1000}); err != nil {
		t.Errorf("a shard that ends within the year: %v", err)
	}
}

// threadTime is the processor time of the calling thread.
func threadTime(t *testing.T) time.Duration {
	t.Helper()
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
