package results

import (
	"math"
	"testing"

	"tlsbench/results/inference"
)

// The summary counts what the rule of check --aa counts.
func TestSummarizeAA(t *testing.T) {
	list, err := SummarizeAA(again(16, 8, 0).file(t, "aa.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != len(aaUnits) {
		t.Fatalf("%d metrics, want %d", len(list), len(aaUnits))
	}
	for _, s := range list {
		if len(s.Ratios) == 0 || s.Tables == 0 || s.Interval > len(s.Ratios) || s.Any > s.Tables {
			t.Errorf("%s: %d comparisons, %d differ, %d tables, %d with a difference", s.Unit, len(s.Ratios), s.Interval, s.Tables, s.Any)
		}
		for _, r := range s.Ratios {
			if math.Abs(math.Log(r)) > 0.5 {
				t.Errorf("%s: a ratio of %v of a strategy to itself", s.Unit, r)
			}
		}
	}
	if list, err := SummarizeAA(sampleRun); err != nil || len(list) != 0 {
		t.Errorf("%v, %v from a run without names to compare", list, err)
	}
}

// Duets of a strategy with itself are summarized by as many pairs as one has.
func TestSummarizeAADuets(t *testing.T) {
	list, err := SummarizeAA(duetFile(t, 3*inference.DuetFirst+1, map[string]*players{
		NegativeControl: newPlayers(0, 0.003, 0.01), "hwm": newPlayers(0.5, 0.003, 0.01),
	}))
	if err != nil || len(list) != 1 {
		t.Fatalf("%+v, %v, want one metric", list, err)
	}
	s := list[0]
	if s.Unit != CPURatio || len(s.Ratios) != 3 || s.Left != 1 || s.Interval > 1 {
		t.Errorf("%+v, want three comparisons of %s, and a pair left", s, CPURatio)
	}
	for _, r := range s.Ratios {
		if math.Abs(math.Log(r)) > 0.01 {
			t.Errorf("a ratio of %v of a strategy to itself", r)
		}
	}
}
