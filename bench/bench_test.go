package bench

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tlsbench/results"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload"
	"tlsbench/workload/neighbours"
	"tlsbench/workload/openssl"
)

// The Go benchmarks are the same trials as those of tlsbench run, one for each
// sub-benchmark, with b.N good handshakes. Environment:
//
//	TLSBENCH_OPENSSL  builds, as for --openssl; default: system
//	TLSBENCH_LOAD     tcp (default), memory
//	TLSBENCH_HEAP     global (default), scalable, private
//	TLSBENCH_WORKERS  number of workers; default 4
//	TLSBENCH_HAZARD   hazards by comma, as for --hazard, or all; default: plain
//	TLSBENCH_CHECK    active checks for each handshake of BenchmarkHandshake,
//	                  to see what they cost; default 0
//
// They print their own configuration and Unit lines, so that the output is a
// results file: benchstat -col /strategy reads it as it is.

const (
	envOpenSSL = "TLSBENCH_OPENSSL"
	envLoad    = "TLSBENCH_LOAD"
	envHeap    = "TLSBENCH_HEAP"
	envWorkers = "TLSBENCH_WORKERS"
	envHazard  = "TLSBENCH_HAZARD"
	envCheck   = "TLSBENCH_CHECK"
)

// Of each benchmark's trial: time before the measured handshakes.
const benchWarmup = 100 * time.Millisecond

func envOr(key, otherwise string) string {
	if v := os.Getenv(key); v != "" {
		return v
	}
	return otherwise
}

// subject is what all sub-benchmarks have in common, from the environment.
func subject(b testing.TB) ([]Build, workload.Config) {
	b.Helper()
	found, err := openssl.Find(strings.Split(envOr(envOpenSSL, "system"), ","), "")
	if err != nil {
		b.Fatalf("%s: %v", envOpenSSL, err)
	}
	builds, err := NewBuilds(found)
	if err != nil {
		b.Fatal(err)
	}
	workers, err := strconv.Atoi(envOr(envWorkers, "4"))
	if err != nil {
		b.Fatalf("%s: %v", envWorkers, err)
	}
	checks, err := strconv.Atoi(envOr(envCheck, "0"))
	if err != nil {
		b.Fatalf("%s: %v", envCheck, err)
	}
	return builds, workload.Config{
		Load: envOr(envLoad, "tcp"), Heap: envOr(envHeap, "global"), Workers: workers, CheckRate: checks,
		EchoBytes: results.EchoBytes, Seed: 1,
	}
}

// hazardNames are those of the environment, as they stand in names.
func hazardNames(b *testing.B) []string {
	b.Helper()
	list := strings.Split(envOr(envHazard, results.Plain), ",")
	if len(list) == 1 && list[0] == "all" {
		return results.AllHazards()
	}
	for i, text := range list {
		name, err := results.HazardName(text)
		if err != nil {
			b.Fatalf("%s: %v", envHazard, err)
		}
		list[i] = name
	}
	return list
}

// eachCell runs fn as a sub-benchmark for each build, hazard and strategy.
func eachCell(b *testing.B, measure results.Measure, fn func(*testing.B, workload.Config)) {
	builds, base := subject(b)
	defer neighbours.StopShared() // that a hazard may have started
	for _, build := range builds {
		for _, hazard := range hazardNames(b) {
			base.Hazard = hazard
			eachStrategy(b, measure, build, base, fn)
		}
	}
}

func eachStrategy(b *testing.B, measure results.Measure, build Build, base workload.Config, fn func(*testing.B, workload.Config)) {
	b.Helper()
	for _, s := range catalogue.All() {
		if measure == results.Handshake && s.Name == catalogue.PositiveControl {
			continue // there is no throughput of a server that is being corrupted
		}
		cfg := base
		cfg.Build, cfg.Strategy = build.Build, catalogue.Choice{Name: s.Name}
		cell := results.Cell{
			Measure: measure, OpenSSL: build.Label, Hazard: cfg.Hazard, Load: cfg.Load, Heap: cfg.Heap,
			Strategy: s.Name, Workers: cfg.Workers,
		}
		if cfg.CheckRate > 0 && measure == results.Handshake {
			cell.Settings = cell.With("check", strconv.Itoa(cfg.CheckRate))
		}
		_, name, _ := strings.Cut(cell.Name(), "/")
		b.Run(name, func(b *testing.B) { fn(b, cfg) })
	}
}

// trial runs one trial of b.N handshakes. A strategy that does not apply to
// the build is skipped; what breaks the trial ends the benchmark without a
// line of metrics.
func trial(b *testing.B, cfg workload.Config) *workload.Outcome {
	b.Helper()
	cfg.Handshakes = uint64(b.N)
	if b.N > 1 { // the first call only finds out whether the benchmark works
		cfg.Warmup = benchWarmup
	}
	out, err := workload.Run(context.Background(), cfg)
	switch {
	case err != nil:
		broken(b, err.Error())
	case out.NotApplicable != "":
		b.Skipf("not applicable: OpenSSL %s has no %s", out.OpenSSLVersion, out.NotApplicable)
	case out.Skipped != "":
		b.Skip(out.Skipped)
	}
	b.ReportMetric(0, "ns/op") // it would be mostly the start of the rig
	return out
}

// broken says on stderr why there are no metrics; stdout is a results file.
func broken(b *testing.B, why string) {
	b.Helper()
	fmt.Fprintf(os.Stderr, "%s: b.N=%d: %s\n", b.Name(), b.N, why)
	b.FailNow()
}

func report(b *testing.B, metrics []results.Metric) {
	for _, m := range metrics {
		b.ReportMetric(m.Value, m.Unit)
	}
}

// BenchmarkHandshake measures throughput: b.N good handshakes, detectors off,
// no bad peers. A damaged trial yields no throughput.
func BenchmarkHandshake(b *testing.B) {
	eachCell(b, results.Handshake, func(b *testing.B, cfg workload.Config) {
		out := trial(b, cfg)
		if out.Damaged() || out.Measured == 0 {
			broken(b, fmt.Sprintf("damaged after %d handshakes: %v", out.Handshakes, out.Noted))
		}
		report(b, handshakeMetrics(out))
	})
}

// BenchmarkCorruption measures damage: b.N good handshakes among a fifth of
// bad peers, all detectors on. A trial that ends in a crash before b.N is a
// result.
func BenchmarkCorruption(b *testing.B) {
	eachCell(b, results.Corruption, func(b *testing.B, cfg workload.Config) {
		cfg.BadShare, cfg.CheckRate = results.DefaultBad, results.DefaultCheckRate
		report(b, corruptionMetrics(trial(b, cfg)))
	})
}

// BenchmarkDuet compares the cost of a handshake with key-owner's: b.N pairs of
// processes, one worker each, take turns on one processor, whatever TLSBENCH_LOAD
// and TLSBENCH_WORKERS say. A line for each pair, of which compare infers, comes
// from -benchtime 1x -count 20.
func BenchmarkDuet(b *testing.B) {
	builds, base := subject(b)
	spec := Spec{Builds: builds, Spec: results.Spec{
		Heaps: []string{base.Heap}, Measures: []results.Measure{results.Duet}, Rounds: 1, HandshakeTime: 1, CorruptionTime: 1,
	}}
	plan, err := NewPlan(spec, Shard{})
	if err != nil {
		b.Fatal(err)
	}
	for task := range plan.Tasks() {
		if task.Round > 1 {
			break
		}
		_, name, _ := strings.Cut(task.Cell.Name(), "/")
		b.Run(name, func(b *testing.B) {
			sums := map[string]float64{}
			var units []string
			for range b.N {
				cfg := task.config(plan.Spec)
				cfg.Seed = rand.Uint64()
				out := trial(b, cfg)
				if out.Damaged() {
					broken(b, fmt.Sprintf("damaged: %v", out.Noted))
				}
				for _, m := range out.Duet.Metrics() {
					if sums[m.Unit] += math.Log(m.Value); !slices.Contains(units, m.Unit) {
						units = append(units, m.Unit)
					}
				}
			}
			for _, unit := range units { // geometric means
				b.ReportMetric(math.Exp(sums[unit]/float64(b.N)), unit)
			}
		})
	}
}

// BenchmarkPlain is the yardstick: both sides of a handshake over BIO pairs in
// one process, in the smallest program that does it. Compare its
// cpu-ns/handshake with that of the memory load, one worker, heap private.
func BenchmarkPlain(b *testing.B) {
	builds, base := subject(b)
	for _, build := range builds {
		b.Run("openssl="+build.Label, func(b *testing.B) {
			cfg := base
			cfg.Build, cfg.Handshakes = build.Build, uint64(b.N)
			wall, cpu, err := workload.RunPlain(context.Background(), cfg)
			if err != nil {
				broken(b, err.Error())
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(b.N)/wall.Seconds(), results.HandshakesPerSec)
			b.ReportMetric(float64(cpu)/float64(b.N), results.CPUPerHandshake)
		})
	}
}
