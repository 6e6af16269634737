package bench

import (
	"fmt"
	"math"
	"os"
	"testing"

	"tlsbench/results"
	"tlsbench/results/inference"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload"
	"tlsbench/workload/sharedlib"
	"tlsbench/workload/strategytest"
)

// TLSBENCH_CLAIMS asks for the tests of what the fork measurement claims about
// itself. They take some minutes on a machine that does nothing else.
const envClaims = "TLSBENCH_CLAIMS"

// claimed gives the build that the claims are tested on.
func claimed(t *testing.T) workload.Config {
	t.Helper()
	if os.Getenv(envClaims) == "" {
		t.Skipf("set %s=1 to test what the measurement claims: some minutes, and nothing else may run", envClaims)
	}
	builds, base := subject(t)
	base.Build = builds[0].Build
	base.Fork = &workload.ForkConfig{Memory: results.DefaultForkMemory << 20}
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
	cfg.Strategy = catalogue.Choice{Name: "hwm"}
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

// The warm handler of each strategy that has one is known to within 10 %: that
// is how far the 95 % interval of the median of as many trials as the default
// preset makes may reach. The strategies take turns.
func TestClaimsWarmHandlers(t *testing.T) {
	const within = 0.10
	cfg := claimed(t)
	cfg.Workers = 1
	cfg.Fork.Pairs = shortPairs
	preset, err := FindPreset("default")
	if err != nil {
		t.Fatal(err)
	}
	values := map[string][]float64{}
	for round := range preset.ForkRounds {
		for _, name := range []string{"clear-0-15", "hwm", "thread-stop", "pointer-match", "key-owner"} {
			cfg.Strategy, cfg.Seed = catalogue.Choice{Name: name}, uint64(round+1)
			out, err := workload.Run(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			if out.Damaged() || out.Fork == nil || out.Fork.Stopped != nil {
				t.Fatalf("%s, round %d: %v, %+v", name, round+1, out.Noted, out.Fork)
			}
			for _, m := range forkMetrics(out) {
				if m.Unit == "warm-handler-ns" {
					values[name] = append(values[name], m.Value)
				}
			}
		}
	}
	for name, list := range values {
		e := inference.Median(list, 0.95)
		off := max(e.High-e.Value, e.Value-e.Low) / e.Value
		t.Logf("%s: %.1f ns [%.1f, %.1f] in %d trials", name, e.Value, e.Low, e.High, len(list))
		if len(list) != preset.ForkRounds || !(off <= within) {
			t.Errorf("%s: the median of %d trials is %.1f ns [%.1f, %.1f]: up to %.1f %% away, want %.0f %%",
				name, len(list), e.Value, e.Low, e.High, 100*off, 100*within)
		}
	}
}

// withExtra is key-owner whose worker burns so many millionths of its time more.
func withExtra(t *testing.T, ppm int) catalogue.Choice {
	t.Helper()
	source := sharedlib.Source{Files: os.DirFS("../workload/testdata"), Pattern: "extra.c"}
	return strategytest.Compile(t, fmt.Sprintf("extra-%d", ppm), source, "-std=gnu11", fmt.Sprintf("-DEXTRA_PPM=%d", ppm))
}

// A duet finds an extra that was built in: the 99.8 % interval of as many pairs as a
// duet has at least covers it, and an extra of 1 % is never called equivalent. The
// other side has an extra of nothing, because to be called at all costs something.
func TestClaimsDuets(t *testing.T) {
	cfg := claimed(t)
	cfg.Fork, cfg.Load, cfg.Workers = nil, "", 0
	cfg.Duet = &workload.DuetConfig{Against: withExtra(t, 0)}
	for _, ppm := range []int{0, 2500, 5000, 10000} {
		cfg.Strategy = withExtra(t, ppm)
		var ratios, ones []float64
		for pair := range inference.DuetFirst {
			cfg.Seed = uint64(pair + 1)
			out, err := workload.Run(t.Context(), cfg)
			if err != nil || out.Damaged() {
				t.Fatalf("pair %d: %v, %v", pair+1, out, err)
			}
			ratios, ones = append(ratios, math.Exp(inference.DuetPair(out.Duet.Blocks()))), append(ones, 1)
		}
		want := 1 + float64(ppm)/1e6
		e := inference.PairedRatio(ratios, ones, 0.998)
		same, _ := inference.Equivalent(ratios, ones, results.DuetMargin, 0.05)
		t.Logf("an extra of %d millionths: %.4f [%.4f, %.4f], equivalent: %v", ppm, e.Value, e.Low, e.High, same)
		if !e.Contains(want) || same && ppm == 10000 {
			t.Errorf("an extra of %d millionths: %.4f [%.4f, %.4f], equivalent: %v", ppm, e.Value, e.Low, e.High, same)
		}
	}
}
