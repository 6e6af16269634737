package results

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// forkFile writes a results file with fork trials alone: two builds, a strategy
// without handlers, one with, and the baseline; from eight rounds on there are
// intervals.
func forkFile(t *testing.T, rounds int) string {
	t.Helper()
	var buf bytes.Buffer
	w := NewWriter(&buf)
	if err := w.Header(testHeader()); err != nil {
		t.Fatal(err)
	}
	id := 0
	for round := 1; round <= rounds; round++ {
		for _, build := range []string{"3.0.20", "3.5.7"} {
			for i, strategy := range []string{"temp-thread", "thread-stop", "key-owner"} {
				id++
				x := float64(10*i + round)
				trial := &Trial{
					Cell: Cell{Measure: Fork, OpenSSL: build, Hazard: "plain", Load: "memory", Heap: "global",
						Settings: "mem=64MiB", Strategy: strategy, Workers: 1},
					ID: id, Round: round, Start: time.Unix(1e9, 0).UTC(), Status: OK, Life: Life{Forks: 1000},
					Metrics: []Metric{
						{200e3 + x, "p50-fork-ns"}, {210e3 + x, "p90-fork-ns"}, {250e3 + x, "p99-fork-ns"}, {1e6 + x, "max-fork-ns"},
						{x - 25, "fork-diff-ns"}, {300e3, "p50-ready-ns"}, {310e3, "p90-ready-ns"}, {320e3, "p99-ready-ns"},
						{2e6, "max-ready-ns"}, {1e3 + x, "ready-diff-ns"}, {90e3, "first-random-ns"}, {1.1e6, "first-handshake-ns"},
						{4e6, "setup-ns"}, {20 + 0.5*float64(i), ClockNs}, {2000 + x, ForksPerSec}, {2100 - x, "bare-forks/s"},
					},
				}
				if strategy != "temp-thread" {
					trial.Metrics = append(trial.Metrics, Metric{20e3 + x, "handler-ns"}, Metric{300 + x, "warm-handler-ns"})
				}
				if err := w.Trial(trial); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	path := filepath.Join(t.TempDir(), "forks.txt")
	if err := os.WriteFile(path, buf.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestForkTables(t *testing.T) {
	for name, format := range map[string]string{"forks.txt": "text", "forks.md": "markdown"} {
		var out bytes.Buffer
		if err := compare(&out, format, Options{}, forkFile(t, 8)); err != nil {
			t.Fatal(err)
		}
		golden(t, name, out.Bytes())
	}
}

// Too few rounds for an interval: the value, and why there is no more.
func TestForkTablesOfFewRounds(t *testing.T) {
	var out bytes.Buffer
	if err := compare(&out, "text", Options{}, forkFile(t, 2)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(out.Bytes(), []byte("-13.5 ns ")) || !bytes.Contains(out.Bytes(), []byte("need >= 6 samples")) {
		t.Errorf("no reason why there is no interval:\n%s", out.Bytes())
	}
}

// A sweep is one table, its values in the order of their numbers; what all
// rows share stands above it.
func TestForkSweep(t *testing.T) {
	var buf bytes.Buffer
	w := NewWriter(&buf)
	if err := w.Header(testHeader()); err != nil {
		t.Fatal(err)
	}
	for i, settings := range []Settings{"mem=1024MiB thp=on", "mem=1024MiB", "mem=64MiB", ""} {
		trial := &Trial{
			Cell: Cell{Measure: Fork, OpenSSL: "3.5.7", Hazard: "plain", Load: "memory", Heap: "global",
				Settings: settings, Strategy: "hwm", Workers: 4},
			ID: i + 1, Round: 1, Start: time.Unix(1e9, 0).UTC(), Status: OK, Life: Life{Forks: 1000},
			Metrics: []Metric{{1e5, "p50-fork-ns"}},
		}
		if err := w.Trial(trial); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "sweep.txt")
	if err := os.WriteFile(path, buf.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := compare(&out, "text", Options{}, path); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	if n := strings.Count(text, "Forks: hazard plain, heap global, openssl 3.5.7, 4 live workers, strategy hwm\n"); n != 1 {
		t.Errorf("%d headings:\n%s", n, text)
	}
	last := 0
	for _, row := range []string{"\ndefault ", "\nmem=64MiB ", "\nmem=1024MiB ", "\nmem=1024MiB thp=on "} {
		at := strings.Index(text, row)
		if at <= last {
			t.Errorf("row %q is missing or not in its place:\n%s", row, text)
		}
		last = at
	}
}
