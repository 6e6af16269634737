package main

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/perf/benchfmt"

	"tlsbench/results"
	"tlsbench/strategies/catalogue"
)

// TestClaimsSize holds compare and report to the processor time and the memory that
// they may take for a million trials, and to no more than in proportion from ten
// thousand on. A timing decides no normal test, so this one has to be asked for; of
// three tries the fastest counts, as what else the machine does costs time too.
func TestClaimsSize(t *testing.T) {
	if os.Getenv("TLSBENCH_CLAIMS") == "" {
		t.Skip("a claim about time: TLSBENCH_CLAIMS=1 asks for it")
	}
	dir := asTlsbench(t)
	program := filepath.Join(dir, "tlsbench")
	least := map[string]float64{} // seconds for each trial, in a file of ten thousand
	for _, trials := range []int{10_000, 100_000, 1_000_000} {
		file := filepath.Join(dir, fmt.Sprintf("%d.txt", trials))
		writeTrials(t, file, trials)
		for _, claim := range []struct {
			args []string
			cpu  time.Duration // for a million trials
			kib  int64
		}{
			{[]string{"compare", file}, 4 * time.Second, 250 << 10},
			{[]string{"report", file, "-o", filepath.Join(dir, "page.html")}, 6 * time.Second, 500 << 10},
		} {
			command := claim.args[0]
			best, peak := time.Hour, int64(0)
			for range 3 {
				cmd := exec.Command(program, claim.args...)
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%s: %v\n%s", command, err, out)
				}
				best = min(best, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
				peak = max(peak, cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
			}
			t.Logf("%s of %d trials: %.2f s of processor time, %d MiB", command, trials, best.Seconds(), peak>>10)
			if each := best.Seconds() / float64(trials); least[command] == 0 {
				least[command] = each
			} else if each > 1.5*least[command] {
				t.Errorf("%s: %.1f us for each of %d trials, but %.1f for each of 10000", command, 1e6*each, trials, 1e6*least[command])
			}
			if trials == 1_000_000 && (best > claim.cpu || peak > claim.kib) {
				t.Errorf("%s of %d trials took %.2f s and %d MiB, want at most %v and %d MiB", command, trials, best.Seconds(), peak>>10, claim.cpu, claim.kib>>10)
			}
		}
	}
}

// writeTrials writes so many made-up trials, as a run of all strategies on five lines
// with ten hazards would: one in three measures cost, and a life without a fix sees
// damage.
func writeTrials(t *testing.T, path string, trials int) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	buffer := bufio.NewWriter(f)
	w := results.NewWriter(buffer)
	failed := w.Header(results.Header{Plan: []byte(`{"seed":1}`), Config: []benchfmt.Config{{Key: "cpu", Value: []byte("Example"), File: true}}})
	random := rand.New(rand.NewPCG(1, 2))
	lines := []string{"1.1.1w", "3.0.20", "3.5.9", "3.6.5", "4.0.3"}
	names := catalogue.Names()
	for id := range trials {
		cell := id % (len(lines) * 10 * len(names) * 3)
		c := results.Cell{OpenSSL: lines[cell%5], Hazard: fmt.Sprintf("foreign-before:n=%d", cell/5%10+1), Strategy: names[cell/50%len(names)],
			Load: "memory", Heap: "global", Workers: 4, Measure: results.Corruption}
		trial := &results.Trial{Cell: c, ID: id + 1, Round: id / (150 * len(names)), Seed: random.Uint64(), Status: results.OK,
			Start: time.Date(2026, 3, 1, 0, 0, id, 0, time.UTC)}
		trial.Load, trial.LoadBefore, trial.Handshakes = time.Second, 1, 900+random.Uint64N(200)
		trial.Attempts, trial.Checks, trial.Draws = trial.Handshakes, trial.Handshakes, 4*trial.Handshakes
		damaged := 0.0
		switch {
		case cell/(50*len(names)) == 0:
			trial.Cell.Measure = results.Handshake
			trial.Metrics = []results.Metric{{Value: float64(trial.Handshakes), Unit: results.HandshakesPerSec},
				{Value: 1e9 / float64(trial.Handshakes), Unit: results.CPUPerHandshake}}
		case c.Strategy == results.PositiveControl:
			trial.Events, damaged = map[string]uint64{"foreign-error": 3, "double-free": 1}, 1
			fallthrough
		default:
			trial.Metrics = []results.Metric{{Value: damaged, Unit: results.DamagedPerTrial}, {Value: 1e6 * 3 * damaged / float64(trial.Checks), Unit: results.ForeignPerMcheck},
				{Value: 0, Unit: results.RepeatsPerMdraw}}
		}
		failed = errors.Join(failed, w.Trial(trial))
	}
	if err := errors.Join(failed, buffer.Flush(), f.Close()); err != nil {
		t.Fatal(err)
	}
}
