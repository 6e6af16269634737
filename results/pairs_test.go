package results

import (
	"strings"
	"testing"
)

// A strategy with fewer rounds than the baseline, and the other way round.
func TestUnequalRounds(t *testing.T) {
	for _, tt := range []struct{ lacks, want string }{
		{"hwm", "3 of the baseline's 12 rounds have no value of it"},
		{NegativeControl, "3 of 12 rounds have no partner"},
	} {
		s := run(12, nil)
		var trials []*Trial
		s.trials(func(trial *Trial) {
			if trial.Cell.Measure != Handshake || trial.Cell.Strategy != tt.lacks || trial.Round > 2 {
				trials = append(trials, trial)
			}
		})
		out := compareText(t, Options{}, fileOf(t, "run.txt", trials...))
		if !strings.Contains(strings.Join(strings.Fields(out), " "), tt.want) {
			t.Errorf("%s lacks rounds: no %q in:\n%s", tt.lacks, tt.want, out)
		}
	}
}

// With six others eight rounds can find a difference, with seven they cannot,
// and the table says so.
func TestHopelessTables(t *testing.T) {
	for n, want := range map[int]bool{7: false, 8: true} {
		out := compareText(t, Options{Baseline: "hwm"}, again(8, n, 0.1).file(t, "run.txt"))
		if strings.Contains(strings.Join(strings.Fields(out), " "), "8 rounds: too few to find a difference among 7 strategies, need 9") != want {
			t.Errorf("%d names: want a warning: %v\n%s", n, want, out)
		}
	}
	for tests, want := range map[int]int{1: 6, 6: 8, 7: 9, 12: 9, 13: 10} {
		if n := signedRankRounds(tests, 0.05); n != want {
			t.Errorf("%d tests: %d rounds, want %d", tests, n, want)
		}
	}
}

// Two equal ratios have an interval without width, which shows nothing.
func TestSameTakesRounds(t *testing.T) {
	for rounds, want := range map[int]bool{2: false, 5: false, 6: true} {
		var trials []*Trial
		for round := range rounds {
			for _, name := range []string{"hwm", NegativeControl} {
				trial := some(1, testCell(Handshake, name))[0]
				trial.Round, trial.Metrics = round, []Metric{{1000, HandshakesPerSec}}
				trials = append(trials, trial)
			}
		}
		c, err := Summarize(Options{}, fileOf(t, "run.txt", trials...))
		if err != nil {
			t.Fatal(err)
		}
		if cost, _ := c.Tables[0].Rows[0].Cost(HandshakesPerSec); cost.Ratio.Same != want {
			t.Errorf("%d equal rounds: the same is %v, want %v", rounds, cost.Ratio.Same, want)
		}
	}
}
