package workload

import "testing"

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
