package results

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"tlsbench/results/event"
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
		s := newSimulation(8)
		s.hazards, s.strategies, s.slowdown = []string{"plain"}, []string{"hwm"}, map[string]float64{"own-2": 0.1, "own-4": 0.1}
		for i := 2; i <= n; i++ {
			s.strategies = append(s.strategies, fmt.Sprintf("own-%d", i))
		}
		s.damage = func(string, string) []string { return nil }
		out := compareText(t, Options{Baseline: "hwm"}, s.file(t, "run.txt"))
		if strings.Contains(strings.Join(strings.Fields(out), " "), "8 rounds: too few to find a difference among 7 comparisons, need 9") != want {
			t.Errorf("%d strategies: want a warning: %v\n%s", n, want, out)
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

// Two values have no interval: it would run over tens of orders of magnitude.
func TestNoIntervalFromTwo(t *testing.T) {
	c, err := Summarize(Options{Where: []string{"hazard=plain"}}, newSimulation(2).file(t, "run.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range c.Tables[0].Rows {
		var figures []Estimate
		if r.Strategy == PositiveControl {
			figures = append(figures, r.Passive)
		}
		if cost, _ := r.Cost(HandshakesPerSec); cost.Ratio.Known() {
			figures = append(figures, cost.Ratio.Estimate)
		}
		for _, f := range figures {
			if f.Low != 0 || !math.IsInf(f.High, 1) || len(f.Warnings) == 0 || !strings.HasPrefix(f.Warnings[0], "no interval from 2 ") {
				t.Errorf("%s: %+v", r.Strategy, f)
			}
		}
	}
}

// The mark = is corrected for the other strategies, as the mark * is.
func TestSameIsCorrected(t *testing.T) {
	var ratios []*Ratio
	table := &Table{Rows: make([]*Row, 4)}
	for i, p := range []float64{0.02, 0.02, 0.03, 0.001} {
		table.Rows[i] = &Row{Strategy: fmt.Sprint(i), Costs: []Cost{{Unit: HandshakesPerSec, Ratio: Ratio{P: math.NaN(), same: p}}}}
		ratios = append(ratios, &table.Rows[i].Costs[0].Ratio)
	}
	correct([]*Table{table}, "key-owner", 0.05)
	for i, want := range []bool{false, false, false, true} { // 3 x 0.02 is more than 0.05
		if ratios[i].Same != want {
			t.Errorf("ratio %d: same is %v", i, ratios[i].Same)
		}
	}
}

// First damage is counted for each attempt, up to the damage; a fix is so many
// times rarer than the control.
func TestFirstDamage(t *testing.T) {
	none := some(10, testCell(Corruption, PositiveControl), event.Crash)
	for _, trial := range none {
		trial.Attempts, trial.FirstEvent, trial.FirstEventAt = 2000, time.Millisecond, 10 // of 1000 good ones: 20 attempts
	}
	c, err := Summarize(Options{}, fileOf(t, "run.txt", append(none, some(60, testCell(Corruption, "hwm"))...)...))
	if err != nil {
		t.Fatal(err)
	}
	rows := c.Tables[0].Rows
	if f := rows[0].FirstDamage; math.Abs(f.Value-50000) > 1e-6 || f.Low > 24000 || f.High < 91000 {
		t.Errorf("none: %+v, want 10 in 200 attempts", f)
	}
	// 3.00 in 60,000 attempts; the F quantile costs some of 1000.
	if f := rows[1].FirstDamage; math.Abs(f.High-49.93) > 0.01 || rows[1].Rarer == nil || *rows[1].Rarer < 700 || *rows[1].Rarer > 1001 {
		t.Errorf("hwm: %+v, %v times rarer", f, rows[1].Rarer)
	}
	if got := Done(c.Inputs); got != "70 corruption trials" {
		t.Errorf("%q", got)
	}
}

// Trials without an attempt can show that memory is shared, and nothing else.
func TestSharedWithoutAttempts(t *testing.T) {
	var trials []*Trial
	for _, hazard := range []string{"plain", "many-errors"} {
		c := testCell(Corruption, "pointer-match")
		c.Hazard = hazard
		trials = append(trials, &Trial{Cell: c, Status: OK, Life: Life{SharedSlots: 1, Checks: 900}})
	}
	path := fileOf(t, "run.txt", trials...)
	c, err := Summarize(Options{}, path)
	if err != nil {
		t.Fatal(err)
	}
	if v := c.Tables[0].Rows[0].Verdict; v.Worst() != Shared || v.Trials != 0 || v.Idle != 1 {
		t.Errorf("%+v", v)
	}
	if out := compareText(t, Options{}, path); !strings.Contains(out, "shared") || !strings.Contains(out, "without a connection") {
		t.Errorf("the matrix does not tell:\n%s", out)
	}
}

func TestLifetime(t *testing.T) {
	events := map[string]uint64{"crash": 1}
	for _, c := range []struct {
		name  string
		trial Trial
		want  Lifetime
	}{
		{"undamaged", Trial{Life: Life{Handshakes: 300}}, Lifetime{300, false}},
		{"damaged", Trial{Life: Life{Handshakes: 300, Events: events, FirstEvent: time.Second, FirstEventAt: 7}}, Lifetime{7, true}},
		{"before the first handshake", Trial{Life: Life{Handshakes: 300, Events: events, FirstEvent: time.Millisecond}}, Lifetime{0, true}},
		{"nobody knows when", Trial{Life: Life{Handshakes: 300, Events: events}}, Lifetime{300, true}},
	} {
		if got := c.trial.lifetime(); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}
