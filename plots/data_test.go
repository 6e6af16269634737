package plots

import (
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tlsbench/results"
)

// TestScenes: each trial lands in a scene that package results knows, and each
// row with values in a comparison has as many dots.
func TestScenes(t *testing.T) {
	for name := range fixtures {
		d := load(t, name)
		for _, s := range d.Scenes {
			if s.series == nil {
				t.Errorf("%s: scene %s has no trials here", name, s.Scene)
			}
			for _, r := range s.Rows {
				if n := len(s.of(r.Strategy).lives) + r.Passive.N; n != r.Verdict.Trials { // those with the checks off have no curve
					t.Errorf("%s: %s of %s: %d lives, %d trials", name, r.Strategy, s.Scene, n, r.Verdict.Trials)
				}
				for _, c := range r.Costs {
					runs := s.of(r.Strategy).runs[results.Handshake]
					if forks := s.of(r.Strategy).runs[results.Fork]; len(forks) > 0 {
						runs = forks
					}
					if n := len(values(runs, c.Unit)); n != c.Median.N {
						t.Errorf("%s: %s of %s: %d values of %s, median of %d", name, r.Strategy, s.Scene, n, c.Unit, c.Median.N)
					}
				}
			}
		}
	}
}

// TestPairedDots: the dots of a ratio lie around the ratio that was estimated.
func TestPairedDots(t *testing.T) {
	s := load(t, "six-decades").Scenes
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

func TestLifeOf(t *testing.T) {
	events := map[string]uint64{"crash": 1}
	for _, c := range []struct {
		name  string
		trial results.Trial
		want  life
	}{
		{"undamaged", results.Trial{Life: results.Life{Handshakes: 300}}, life{300, false}},
		{"damaged", results.Trial{Life: results.Life{Handshakes: 300, Events: events, FirstEvent: time.Second, FirstEventAt: 7}}, life{7, true}},
		{"before the first handshake", results.Trial{Life: results.Life{Handshakes: 300, Events: events, FirstEvent: time.Millisecond}}, life{0, true}},
		{"nobody knows when", results.Trial{Life: results.Life{Handshakes: 300, Events: events}}, life{300, true}},
	} {
		if got := lifeOf(&c.trial); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
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
