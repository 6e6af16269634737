package plots

import (
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tlsbench/results"
)

// BenchmarkReport makes a full report, files read and raw data embedded, of a
// hundred thousand trials.
func BenchmarkReport(b *testing.B) {
	f := fixtures["full"]
	f.rounds = 630 // of 159 trials
	path := filepath.Join(b.TempDir(), "large.txt")
	check(b, os.WriteFile(path, f.write(b), 0o644))
	for b.Loop() {
		start := time.Now()
		d, err := Load(Options{Compare: results.Options{}}, path)
		check(b, err)
		if d.Trials < 100_000 {
			b.Fatalf("%d trials, want 100000", d.Trials)
		}
		check(b, Report(io.Discard, d))
		if took := time.Since(start); took > 10*time.Second {
			b.Errorf("%v for %d trials, want less than 10 s", took, d.Trials)
		}
	}
}
