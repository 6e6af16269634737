package plots

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"tlsbench/results"
)

// grand is as large as the full plan on all five lines, and worse: cost is
// measured under every hazard too.
func grand() fixture {
	f := fixture{builds: fixtures["lines"].builds, strategies: strategyOrder, workers: []int{4}, rounds: 40, damage: usual}
	f.hazards = []string{plainHazard}
	for n := range 23 {
		f.hazards = append(f.hazards, fmt.Sprintf("foreign-before:n=%d", n+1))
	}
	return f
}

// BenchmarkReport makes a full report, files read and raw data embedded, of a
// hundred thousand trials.
func BenchmarkReport(b *testing.B) {
	path := filepath.Join(b.TempDir(), "large.txt")
	check(b, os.WriteFile(path, grand().write(b), 0o644))
	for b.Loop() {
		start := cpuTime(b)
		d, err := Load(Options{Compare: results.Options{}}, path)
		check(b, err)
		if d.Trials < 90_000 {
			b.Fatalf("%d trials, want 90000", d.Trials)
		}
		var page counter
		check(b, Report(&page, d))
		took := cpuTime(b) - start
		if took > 10*time.Second {
			b.Errorf("%v of processor time for %d trials, want less than 10 s", took, d.Trials)
		}
		b.ReportMetric(took.Seconds(), "cpu-s")
		b.ReportMetric(float64(page)/1e6, "page-MB")
		b.ReportMetric(float64(d.Trials), "trials")
	}
}

// cpuTime is the processor time used so far: what else the machine does is not
// the page's fault.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	check(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// counter counts what is written.
type counter int

// Write implements io.Writer.
func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
