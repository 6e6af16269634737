package bench

import (
	"os"
	"testing"

	"tlsbench/results/inference"
	"tlsbench/strategies"
	"tlsbench/workload"
)

// TLSBENCH_CLAIMS asks for the tests of what the fork measurement claims about
// itself. They take a minute or two on a machine that does nothing else.
const envClaims = "TLSBENCH_CLAIMS"

// claimed gives the build that the claims are tested on.
func claimed(t *testing.T) workload.Config {
	t.Helper()
	if os.Getenv(envClaims) == "" {
		t.Skipf("set %s=1 to test what the measurement claims: two minutes, and nothing else may run", envClaims)
	}
	builds, base := subject(t)
	base.Build = builds[0].Build
	base.Fork = &workload.ForkConfig{Memory: defaultMemory << 20}
	return base
}

// The rig's bare loop makes at least 0.95 of the forks of the smallest program
// that forks, exits and waits: the median of three runs.
func TestClaimsBareForks(t *testing.T) {
	const least, runs, forks = 0.95, 3, 3000
	cfg := claimed(t)
	var list []float64
	for range runs {
		_, _, ratio, err := bareForks(cfg, forks)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, inference.Median(ratio, 0.95).Value)
	}
	if got := inference.Median(list, 0.95).Value; got < least {
		t.Errorf("the rig makes %.3f of the program's forks (%.3f), want %v at least", got, list, least)
	}
}

// A strategy compared with itself differs at 95 % in at most 7 of 40 runs:
// more than that has a probability of 0.07 % if each does so in 5 of 100.
func TestClaimsSameForks(t *testing.T) {
	const most, runs, pairs = 7, 40, 200
	cfg := claimed(t)
	cfg.Strategy = strategies.Choice{Name: "hwm"}
	cfg.Workers = 1
	cfg.Fork.Pairs, cfg.Fork.SameArms = pairs, true
	fork, ready := 0.0, 0.0
	for i := range runs {
		cfg.Seed = uint64(i + 1)
		out, err := workload.Run(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if out.Damaged() || out.Fork == nil || out.Fork.Stopped != nil {
			t.Fatalf("run %d: %v, %+v", i+1, out.Noted, out.Fork)
		}
		fork += differs(out.Fork.ForkDifferences())
		ready += differs(out.Fork.ReadyDifferences())
	}
	t.Logf("of %d runs, the time of fork() differs in %v, that until the child is ready in %v", runs, fork, ready)
	if fork > most || ready > most {
		t.Errorf("of %d runs, fork() differs in %v and ready in %v: want %d at most", runs, fork, ready, most)
	}
}
