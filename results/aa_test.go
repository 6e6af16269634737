package results

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"tlsbench/results/inference"
)

// Duets of a strategy with itself are summarized by as many pairs as one has.
func TestSummarizeAA(t *testing.T) {
	s, err := SummarizeAA(duetFile(t, 3*inference.DuetFirst+1, map[string]*players{NegativeControl: newPlayers(0, 0.003, 0.01)}))
	if err != nil || s.Strategy != NegativeControl || len(s.Ratios) != 3 || s.Differ > 1 {
		t.Fatalf("%+v, %v, want three sets", s, err)
	}
	for _, r := range s.Ratios {
		if math.Abs(math.Log(r)) > 0.01 {
			t.Errorf("a ratio of %v of a strategy to itself", r)
		}
	}
}

// Too few pairs find no fault with the method, and cannot clear it.
func TestAAOfFewPairs(t *testing.T) {
	path := duetFile(t, 3*inference.DuetFirst, map[string]*players{NegativeControl: newPlayers(0, 0.003, 0.01)})
	var out bytes.Buffer
	sum, err := Check(&out, CheckOptions{AA: true}, path)
	if err != nil || sum != (Unmet{Undecided: 1}) {
		t.Errorf("%+v, error %v, want one place undecided:\n%s", sum, err, &out)
	}
}

// Files are told by their plan.
func TestOnlyAA(t *testing.T) {
	const plan = `{"format":1,"spec":{"measures":[%s],"strategies":[%s],"duet":{"against":[%s]}}}`
	const oracle, hwm = `{"choice":{"Name":"key-owner"}}`, `{"choice":{"Name":"hwm"}}`
	for _, tt := range []struct {
		plan string
		want bool
	}{
		{fmt.Sprintf(plan, `"Duet"`, oracle, oracle), true},
		{fmt.Sprintf(plan, `"Duet"`, oracle+","+hwm, oracle), false},
		{fmt.Sprintf(plan, `"Duet"`, hwm, oracle), false},
		{fmt.Sprintf(plan, `"Duet","Handshake"`, oracle, oracle), false},
		{fmt.Sprintf(plan, `"Duet"`, oracle, ""), false},
	} {
		path := filepath.Join(t.TempDir(), "run.txt")
		if err := os.WriteFile(path, writeAll(t, Header{Plan: json.RawMessage(tt.plan)}), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, itself := Sorted([]string{path}); (len(itself) > 0) != tt.want {
			t.Errorf("%v of %s", !tt.want, tt.plan)
		}
	}
}

// How many sets may differ: the probability of one more is under 2 %.
func TestAllowed(t *testing.T) {
	for n, want := range map[int]int{20: 3, 200: 17, 1: 1, 0: 0} {
		if k := allowed(n); k != want {
			t.Errorf("%d of %d allowed, want %d", k, n, want)
		}
	}
}
