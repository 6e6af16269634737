package bench

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"tlsbench/results"
	"tlsbench/results/inference"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload"
)

// The fork benchmarks take these from the environment besides:
//
//	TLSBENCH_STRATEGY    one strategy instead of all
//	TLSBENCH_MEMORY      private memory of rank 0 in MiB; default 16
//	TLSBENCH_FILLED      filled keys besides OpenSSL's; default 0
//	TLSBENCH_HUGE_PAGES  off (default), on
//
// TLSBENCH_WORKERS is the number of live workers.
const (
	envStrategy  = "TLSBENCH_STRATEGY"
	envMemory    = "TLSBENCH_MEMORY"
	envFilled    = "TLSBENCH_FILLED"
	envHugePages = "TLSBENCH_HUGE_PAGES"
)

func envInt(b *testing.B, key string, otherwise int) int {
	b.Helper()
	n, err := strconv.Atoi(envOr(key, strconv.Itoa(otherwise)))
	if err != nil {
		b.Fatalf("%s: %v", key, err)
	}
	return n
}

// forkRuns gives each run of -count an order of its own that repeats with the
// command.
var forkRuns uint64

// eachFork runs fn as a sub-benchmark for each build and strategy.
func eachFork(b *testing.B, fn func(*testing.B, workload.Config)) {
	builds, base := subject(b)
	spec := Spec{Spec: results.Spec{
		Workers: []int{base.Workers}, Heaps: []string{base.Heap}, Measures: []results.Measure{results.Fork},
		Rounds: 1, Seed: 1, HandshakeTime: 1, CorruptionTime: 1,
		Fork: results.ForkSpec{
			Memory: []int{envInt(b, envMemory, results.DefaultForkMemory)}, Filled: []int{envInt(b, envFilled, 0)},
			HugePages: []string{envOr(envHugePages, results.HugePages.Default())},
		},
	}, Builds: builds}
	if name := os.Getenv(envStrategy); name != "" {
		choice, err := catalogue.Parse(name)
		if err != nil {
			b.Fatalf("%s: %v", envStrategy, err)
		}
		own, err := NewStrategy(choice)
		if err != nil {
			b.Fatalf("%s: %v", envStrategy, err)
		}
		spec.Strategies = []results.Strategy{own}
	}
	plan, err := NewPlan(spec, Shard{})
	if err != nil {
		b.Fatal(err)
	}
	for task := range plan.Tasks() {
		_, name, _ := strings.Cut(task.Cell.Name(), "/")
		b.Run(name, func(b *testing.B) {
			cfg := task.config(plan.Spec)
			fork := *cfg.Fork
			fork.Pairs, fork.Sustained, fork.Limit = b.N, b.N, 0
			forkRuns++
			cfg.Fork, cfg.Seed = &fork, task.Seed+forkRuns
			fn(b, cfg)
		})
	}
}

// forks runs one trial of b.N pairs.
func forks(b *testing.B, cfg workload.Config) *workload.Outcome {
	b.Helper()
	out, err := workload.Run(context.Background(), cfg)
	switch {
	case err != nil:
		broken(b, err.Error())
	case out.NotApplicable != "":
		b.Skipf("not applicable: OpenSSL %s has no %s", out.OpenSSLVersion, out.NotApplicable)
	case out.Fork == nil:
		broken(b, fmt.Sprintf("damaged before the first fork: %v", out.Noted))
	case out.Fork.Stopped != nil:
		broken(b, strings.Join(append([]string{out.Fork.Stopped.Error()}, describeFork(out.Fork)...), "; "))
	case out.Damaged():
		broken(b, fmt.Sprintf("damaged after %d forks: %v", len(out.Fork.Forks), out.Noted))
	}
	b.ReportMetric(0, "ns/op")
	return out
}

// BenchmarkFork measures b.N forks of rank 0 under the strategy, each paired
// with one without the strategy's handlers, and b.N more of each without a
// pause.
func BenchmarkFork(b *testing.B) {
	eachFork(b, func(b *testing.B, cfg workload.Config) { report(b, forkMetrics(forks(b, cfg))) })
}

// BenchmarkForkSame compares a strategy with itself: both arms run its
// handlers. differs is 1 where the 95 % interval of the difference leaves out
// zero: five of a hundred runs are to be expected.
func BenchmarkForkSame(b *testing.B) {
	eachFork(b, func(b *testing.B, cfg workload.Config) {
		cfg.Fork.SameArms, cfg.Fork.Sustained = true, 0
		f := forks(b, cfg).Fork
		b.ReportMetric(differs(f.ForkDifferences()), "fork-differs")
		b.ReportMetric(differs(f.ReadyDifferences()), "ready-differs")
		report(b, difference("fork-diff", f.ForkDifferences()))
		report(b, difference("ready-diff", f.ReadyDifferences()))
	})
}

func differs(values []float64) float64 {
	if e := inference.Median(values, 0.95); e.Low > 0 || e.High < 0 {
		return 1
	}
	return 0
}

// Forks that the rig and the yardstick make in turn in BenchmarkForkBare.
const bareBlock = 200

// bareForks gives the forks a second of the rig's loop and of the program, in
// turn, and how they compare.
func bareForks(cfg workload.Config, forks int) (rig, plain, ratio []float64, err error) {
	cfg.Strategy, cfg.Workers = catalogue.Choice{Name: catalogue.PositiveControl}, 0
	fork := *cfg.Fork
	cfg.Fork = &fork
	for made := 0; made < forks; made += bareBlock {
		fork.Pairs, fork.Sustained = 1, min(bareBlock, forks-made)
		out, err := workload.Run(context.Background(), cfg)
		if err != nil {
			return nil, nil, nil, err
		}
		if out.Fork == nil || out.Fork.Stopped != nil || out.Damaged() {
			return nil, nil, nil, fmt.Errorf("the rig's loop did not come to its end: %v, %+v", out.Noted, out.Fork)
		}
		rate, err := workload.RunForkPlain(context.Background(), cfg)
		if err != nil {
			return nil, nil, nil, err
		}
		rig, plain, ratio = append(rig, out.Fork.Bare), append(plain, rate), append(ratio, out.Fork.Bare/rate)
	}
	return rig, plain, ratio, nil
}

// BenchmarkForkBare compares the rig's loop, handlers masked, with the smallest
// program that forks, exits and waits. The two take turns, and ratio is the
// median of the rig's forks a second over the program's.
func BenchmarkForkBare(b *testing.B) {
	builds, base := subject(b)
	for _, build := range builds {
		b.Run("openssl="+build.Label, func(b *testing.B) {
			cfg := base
			cfg.Build = build.Build
			cfg.Fork = &workload.ForkConfig{
				Memory: uint64(envInt(b, envMemory, results.DefaultForkMemory)) << 20, HugePages: envOr(envHugePages, results.HugePages.Default()) == "on",
			}
			rig, plain, ratio, err := bareForks(cfg, b.N)
			if err != nil {
				broken(b, err.Error())
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(inference.Median(rig, 0.95).Value, "bare-forks/s")
			b.ReportMetric(inference.Median(plain, 0.95).Value, "plain-forks/s")
			e := inference.Median(ratio, 0.95)
			b.ReportMetric(e.Value, "ratio")
			if len(ratio) >= 6 {
				b.ReportMetric(e.Low, "ratio-low")
				b.ReportMetric(e.High, "ratio-high")
			}
		})
	}
}
