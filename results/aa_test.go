package results

import (
	"bytes"
	"strings"
	"testing"

	"tlsbench/results/event"
)

// again makes a run of one strategy under n names. What differs gives the
// second and fourth name another speed.
func again(rounds, n int, differs float64) *simulation {
	s := newSimulation(rounds)
	s.hazards, s.strategies, s.slowdown = []string{"plain"}, []string{"hwm"}, map[string]float64{}
	for i := 2; i <= n; i++ {
		s.strategies = append(s.strategies, AAName("hwm", i))
	}
	s.slowdown[AAName("hwm", 2)], s.slowdown[AAName("hwm", 4)] = differs, differs
	s.damage = func(string, string) []string { return nil }
	return s
}

func TestCheckAA(t *testing.T) {
	for _, tt := range []struct {
		name string
		sim  *simulation
		want []string // broken rules, for each of the two metrics
	}{
		{"the same", again(400, 8, 0), nil},
		{"one name in four is slower", again(400, 8, 0.01), []string{
			"comparisons differ by their 95 % interval: chance allows 20",
			"comparisons differ by the signed-rank test: chance allows 20",
			"tables have a difference after Holm's correction: chance allows 8"}},
		{"too few rounds", again(399, 8, 0), []string{"196 comparisons in 49 tables: too few, need 200 in 28"}},
		{"too few tables", again(27*8, 16, 0), []string{"216 comparisons in 27 tables: too few"}},
	} {
		var out bytes.Buffer
		broken, err := unmet(&out, CheckOptions{AA: true}, tt.sim.file(t, "run.txt"))
		if err != nil || broken != 2*len(tt.want) {
			t.Errorf("%s: %d broken, want %d; error %v\n%s", tt.name, broken, 2*len(tt.want), err, &out)
		}
		for _, want := range tt.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: no %q in:\n%s", tt.name, want, &out)
			}
		}
	}
}

func TestCheckAAWithoutNames(t *testing.T) {
	var out bytes.Buffer
	broken, err := unmet(&out, CheckOptions{AA: true}, sampleRun)
	if err != nil || broken != 1 || !strings.Contains(out.String(), "no strategy under several names") {
		t.Errorf("%d broken, error %v:\n%s", broken, err, &out)
	}
}

// A round that lacks a name's value is in no table, and the tables are of
// whole rounds in their order.
func TestAARows(t *testing.T) {
	var trials []*Trial
	for round := 1; round <= 9; round++ {
		for i, name := range []string{"hwm:aa=10", "hwm", "hwm:aa=2"} {
			trial := some(1, testCell(Handshake, name))[0]
			trial.Round, trial.Metrics = 10-round, []Metric{{float64(100*(10-round) + i), HandshakesPerSec}}
			if round == 4 && name == "hwm" {
				trial.Events = map[string]uint64{event.Crash: 1}
			}
			trials = append(trials, trial)
		}
	}
	g, err := gather(Options{}, fileOf(t, "run.txt", trials...))
	if err != nil {
		t.Fatal(err)
	}
	samples := g.scenes[g.sorted()[0]]
	groups := aaGroups(samples)
	if len(groups) != 1 || strings.Join(groups[0], " ") != "hwm hwm:aa=2 hwm:aa=10" {
		t.Fatalf("groups %v", groups)
	}
	rows, left := aaRows(samples, groups[0], HandshakesPerSec)
	if len(rows) != 8 || left != 1 || rows[0][0] != 101 || rows[0][1] != 102 || rows[0][2] != 100 || rows[5][0] != 701 {
		t.Errorf("%d rows, %d left out: %v", len(rows), left, rows)
	}
}

func TestAAName(t *testing.T) {
	for _, base := range []string{"hwm", "clear:n=20", "own", "aa=2", "x:aa=x"} {
		name := AAName(base, 12)
		if aaBase(name) != base || aaBase(base) != base {
			t.Errorf("%s is %s under its 12th name, read back as %s", base, name, aaBase(name))
		}
	}
	if name := AAName("clear:n=20", 3); name != "clear:n=20,aa=3" {
		t.Error(name)
	}
}

// The two figures that the suite promises, and the probability of one more.
func TestAllowed(t *testing.T) {
	for n, want := range map[int]int{200: 20, 28: 6, 1: 1, 0: 0} {
		if k := allowed(n); k != want {
			t.Errorf("%d of %d allowed, want %d", k, n, want)
		}
	}
}
