package workload

import (
	"context"
	"errors"
	"testing"
)

// mustRun carries out a trial. One that is disturbed is made again, for longer: it says
// nothing about what is tested.
func mustRun(t testing.TB, cfg Config) *Outcome {
	t.Helper()
	for try := 1; ; try++ {
		out, err := Run(context.Background(), cfg)
		if err == nil {
			return out
		}
		if disturbed, ok := errors.AsType[*DisturbedError](err); !ok || try == 5 {
			t.Fatalf("%s, %s: %v", cfg.Strategy, cfg.Load, err)
		} else {
			t.Logf("%s, %s: again: %v", cfg.Strategy, cfg.Load, disturbed)
		}
		cfg.Duration *= 2
	}
}

// retry repeats a trial, each time twice as long and with another seed, until
// it shows what enough asks for: the machine decides how soon that comes.
// The last trial is given if none does. Each goes to judge first, so that what
// must not happen is asked of all of them.
func retry(t testing.TB, cfg Config, enough func(*Outcome) bool, judge func(*Outcome)) *Outcome {
	t.Helper()
	const tries = 5
	for try := 1; ; try++ {
		out := mustRun(t, cfg)
		if judge != nil {
			judge(out)
		}
		if enough(out) || try == tries || t.Failed() {
			return out
		}
		cfg.Duration *= 2
		cfg.Handshakes *= 2
		cfg.Seed++
	}
}
