package bench

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"tlsbench/results"
	"tlsbench/results/inference"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload"
)

// What the detectors cost: the handshake load under key-owner without any, with
// each alone, and with all as in a corruption trial. Every round has a trial of
// each, in random order, so that the ratios are of the same minute:
//
//	go test -run '^$' -bench Detectors -benchtime 2000x ./bench
//
// TLSBENCH_ROUNDS is the number of rounds, 10 by default. -benchtime is the number
// of handshakes of each trial. The ratios are of server CPU to that without
// detectors; low and high are the ends of their 95 % interval.

const envRounds = "TLSBENCH_ROUNDS"

// detecting is one choice of detectors.
type detecting struct {
	name string
	on   []string
}

func detectings() []detecting {
	list := []detecting{{name: "none"}}
	for _, d := range workload.Detectors {
		list = append(list, detecting{d, []string{d}})
	}
	return append(list, detecting{"all", workload.Detectors})
}

// set switches on what the choice says. Checks are made where one that checks is on.
func (d detecting) set(cfg workload.Config) workload.Config {
	cfg.Without = nil
	for _, name := range workload.Detectors {
		if !slices.Contains(d.on, name) {
			cfg.Without = append(cfg.Without, name)
		}
	}
	cfg.CheckRate = 0
	if slices.Contains(d.on, "queue") || slices.Contains(d.on, "random") {
		cfg.CheckRate = results.DefaultCheckRate
	}
	return cfg
}

// BenchmarkDetectors measures all choices at once and has a line for each.
func BenchmarkDetectors(b *testing.B) {
	builds, base := subject(b)
	base.Strategy = catalogue.Choice{Name: catalogue.NegativeControl}
	rounds, err := strconv.Atoi(envOr(envRounds, "10"))
	if err != nil || rounds < 2 {
		b.Fatalf("%s=%s: want a number from 2 on", envRounds, os.Getenv(envRounds))
	}
	for _, build := range builds {
		cfg := base
		cfg.Build = build.Build
		measured := map[int]map[string][]float64{} // by b.N
		for _, d := range detectings() {
			b.Run(fmt.Sprintf("openssl=%s/load=%s/heap=%s/detectors=%s", build.Label, cfg.Load, cfg.Heap, d.name), func(b *testing.B) {
				if measured[b.N] == nil {
					measured[b.N] = measureDetectors(b, cfg, rounds)
				}
				reportDetectors(b, measured[b.N], d.name)
			})
		}
	}
}

// measureDetectors gives the CPU time for each handshake, by choice and round.
func measureDetectors(b *testing.B, cfg workload.Config, rounds int) map[string][]float64 {
	b.Helper()
	cpu := map[string][]float64{}
	random := rand.New(rand.NewPCG(cfg.Seed, uint64(b.N)))
	if b.N == 1 {
		rounds = 2 // the first call only finds out whether the benchmark works
	}
	for round := range rounds {
		list := detectings()
		random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		for _, d := range list {
			one := d.set(cfg)
			one.Seed = cfg.Seed + uint64(round)
			out := trial(b, one)
			if out.Damaged() || out.Measured == 0 {
				broken(b, fmt.Sprintf("detectors %s: %d handshakes measured, events %v", d.name, out.Measured, out.Noted))
			}
			cpu[d.name] = append(cpu[d.name], float64(out.CPU)/float64(out.Measured))
		}
	}
	return cpu
}

func reportDetectors(b *testing.B, cpu map[string][]float64, name string) {
	b.Helper()
	b.ReportMetric(0, "ns/op") // it would be mostly the start of the rig
	b.ReportMetric(inference.Median(cpu[name], 0.95).Value, results.CPUPerHandshake)
	if name == "none" {
		return
	}
	ratio := inference.PairedRatio(cpu[name], cpu["none"], 0.95)
	b.ReportMetric(ratio.Value, "ratio")
	b.ReportMetric(ratio.Low, "low-ratio")
	b.ReportMetric(ratio.High, "high-ratio")
}

// Each detector goes off alone, and nothing else does.
func TestDetectings(t *testing.T) {
	for name, want := range map[string]string{
		"none": "[heap queue random slots] 0", "heap": "[queue random slots] 0", "queue": "[heap random slots] 4",
		"random": "[heap queue slots] 4", "slots": "[heap queue random] 0", "all": "[] 4",
	} {
		i := slices.IndexFunc(detectings(), func(d detecting) bool { return d.name == name })
		cfg := detectings()[i].set(workload.Config{CheckRate: 7, Without: []string{"x"}})
		if got := fmt.Sprint(cfg.Without, cfg.CheckRate); got != want {
			t.Errorf("%s: without %s, want %s", name, got, want)
		}
	}
}
