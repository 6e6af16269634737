package plots

import (
	"strings"
	"bytes"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

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
			for i := range s.Rows {
				r := &s.Rows[i]
				if n := len(s.of(r.Strategy).lives); n != r.Verdict.Trials {
					t.Errorf("%s: %s of %s: %d lives, %d trials", name, r.Strategy, s.Scene, n, r.Verdict.Trials)
				}
				for _, c := range r.Costs {
					runs := handshakeRuns(s.of(r.Strategy))
					if len(s.of(r.Strategy).fork) > 0 {
						runs = forkRuns(s.of(r.Strategy))
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
		for i := range scene.Rows {
			r := &scene.Rows[i]
			c, ok := costOf(r, results.HandshakesPerSec)
			if !ok || !c.Ratio.Known() {
				continue
			}
			dots := paired(scene.of(r.Strategy).handshake, scene.of("key-owner").handshake, results.HandshakesPerSec)
			log := 0.0
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
		{"undamaged", results.Trial{Handshakes: 300}, life{300, false}},
		{"damaged", results.Trial{Handshakes: 300, Events: events, FirstEvent: time.Second, FirstEventAt: 7}, life{7, true}},
		{"before the first handshake", results.Trial{Handshakes: 300, Events: events, FirstEvent: time.Millisecond}, life{0, true}},
		{"nobody knows when", results.Trial{Handshakes: 300, Events: events}, life{300, true}},
	} {
		if got := lifeOf(&c.trial); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

// TestLatency reads the distributions of the trials of one strategy alone, and
// pools them.
func TestLatency(t *testing.T) {
	path := filepath.Join(t.TempDir(), "forks.txt")
	f := fixtures["one-strategy"]
	f.rounds = 2
	check(t, os.WriteFile(path, f.write(t), 0o644))
	set, err := results.ReadFiles(path)
	check(t, err)
	var out bytes.Buffer
	w := results.NewWriter(&out)
	check(t, w.Header(set.Files[0].Header))
	ns := []float64{100e3, 400e3}
	for _, trial := range set.Trials {
		if trial.Cell.Measure == results.Fork {
			series, err := results.NewSeries("fork-ns", []float64{ns[0], ns[0], ns[0], 900e3})
			check(t, err)
			trial.Series = append(trial.Series, series)
			ns = ns[1:]
		}
		check(t, w.Trial(trial))
	}
	check(t, os.WriteFile(path, out.Bytes(), 0o644))
	d, err := Load(Options{}, path)
	check(t, err)
	for _, s := range d.Scenes {
		if s.Load != "memory" {
			continue
		}
		got := pooled(s.of("hwm").latency, []float64{50e3, 200e3, 500e3, 1e6})
		want := []point{{50e3, 0, 0, 0}, {200e3, 3.0 / 8, 0, 0.75}, {500e3, 0.75, 0.75, 0.75}, {1e6, 1, 1, 1}}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(point{}), cmpopts.EquateApprox(0, 1e-9)); diff != "" {
			t.Errorf("distribution (-want +got):\n%s", diff)
		}
		return
	}
	t.Error("no scene of forks")
}

func TestLoadRefuses(t *testing.T) {
	folder := t.TempDir()
	torn := filepath.Join(folder, "torn.txt")
	text := strings.Replace(string(fixtures["one-strategy"].write(t)), "#trial {\"name\":\"BenchmarkFork", "#samples fork-ns HISTgarbage\n#trial {\"name\":\"BenchmarkFork", 1)
	if !strings.Contains(text, "garbage") {
		t.Fatal("the fixture has no trial of forks")
	}
	check(t, os.WriteFile(torn, []byte(text), 0o644))
	for name, load := range map[string]func() error{
		"no such file":   func() error { _, err := Load(Options{}, filepath.Join(folder, "none.txt")); return err },
		"broken samples": func() error { _, err := Load(Options{}, torn); return err },
		"no probe":       func() error { _, err := readProbe(torn); return err },
	} {
		if load() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
