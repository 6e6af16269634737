package plots

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"tlsbench/results"
)

// TestDots: each row with values in a comparison has as many dots, and as many lives as
// trials that were looked at.
func TestDots(t *testing.T) {
	for name := range fixtures {
		d := load(t, name)
		for scene, r := range results.Rows(d.Tables) {
			if n := len(r.Lifetimes) + r.Passive.N; n != r.Verdict.Trials { // those with the checks off have no curve
				t.Errorf("%s: %s of %s: %d lives, %d trials", name, r.Strategy, scene.Scene, n, r.Verdict.Trials)
			}
			for _, c := range r.Costs {
				if n := len(c.Values); n != c.Median.N {
					t.Errorf("%s: %s of %s: %d values of %s, median of %d", name, r.Strategy, scene.Scene, n, c.Unit, c.Median.N)
				}
			}
		}
	}
}

// TestPairedDots: the dots of a ratio lie around the ratio that was estimated.
func TestPairedDots(t *testing.T) {
	s := load(t, "six-decades").Tables
	for _, scene := range s {
		for _, r := range scene.Rows {
			c, ok := r.Cost(results.HandshakesPerSec)
			if !ok || !c.Ratio.Known() {
				continue
			}
			dots, log := c.Ratio.Rounds, 0.0
			for _, v := range dots {
				log += math.Log(v)
			}
			if mean := math.Exp(log / float64(len(dots))); len(dots) != 6 || math.Abs(mean/c.Ratio.Value-1) > 1e-9 {
				t.Errorf("%s: %d dots with geometric mean %g, the ratio of %d rounds is %g", r.Strategy, len(dots), mean, c.Ratio.N, c.Ratio.Value)
			}
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	folder := t.TempDir()
	torn := filepath.Join(folder, "torn.json")
	check(t, os.WriteFile(torn, []byte("Tag=bogus,0.000,1.000,2.000,HISTgarbage\n"), 0o644))
	for name, load := range map[string]func() error{
		"no such file": func() error { _, err := Load(Options{}, filepath.Join(folder, "none.txt")); return err },
		"no probe":     func() error { _, err := results.ReadProbe(torn); return err },
	} {
		if load() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
