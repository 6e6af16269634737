package page

import (
	"strings"
	"testing"

	"tlsbench/results"
)

// A change that a file's controls do not bear out is none, and the page says why.
func TestChangesShowControls(t *testing.T) {
	scene := results.Scene{OpenSSL: "3.5.9", Hazard: "plain"}
	c := &results.Changes{
		Before: "a.txt", After: "b.txt", Marks: []results.ChangedMark{{Scene: scene, Is: "NO CONTROLS: no trial of none"}},
		Rows: []results.ChangedDamage{{Scene: scene, Strategy: "hwm", P: 1, Untold: true,
			Was: results.Verdict{Words: []results.Word{results.Crashed}, Damaged: 9, Trials: 9}, Is: results.Verdict{Words: []results.Word{results.NoDamageSeen}, Trials: 9}}},
		Sharing: []results.ChangedSharing{{Scene: scene, Strategy: "hwm", Was: &results.SharedBlocks{Trials: 1}, Is: &results.SharedBlocks{Trials: 1, Raced: 2},
			New: []results.SharedSite{{Site: "err.c:1"}, {Site: "err.c:2"}}}},
	}
	out := strings.Join(strings.Fields(written(t, Changes(c), Terminal)), " ")
	for want, times := range map[string]int{"after: NO CONTROLS: no trial of none": 1, "!! NO CONTROLS after": 2, "cannot be told": 1, "2 raced": 1, "2 places new": 1, "damage is gone": 0} {
		if strings.Count(out, want) != times {
			t.Errorf("want %q %d times in\n%s", want, times, out)
		}
	}
	if out := written(t, Changes(&results.Changes{Before: "a.txt", After: "b.txt"}), Terminal); !strings.Contains(out, "Nothing to compare: ") {
		t.Errorf("two files without anything in common:\n%s", out)
	}
}

// Trials that damage ended have no share that could be told, then or now.
func TestChangesOfStoppedTrials(t *testing.T) {
	of := func(k, n int) results.Verdict {
		return results.Verdict{Words: []results.Word{results.Crashed}, Damaged: k, Trials: n}
	}
	for want, r := range map[string]results.ChangedDamage{
		"crash 3 of 90 crash 3 of 4 damage is more frequent *": {Was: of(3, 90), Is: of(3, 4), WasStopped: true, IsStopped: true, P: 0.01},
		"crash 3 of 4 crash 3/90 damage is less frequent *":    {Was: of(3, 4), Is: of(3, 90), WasStopped: true, P: 0.01},
		"crash 30/90 crash 3 of 9 none shown":                  {Was: of(30, 90), Is: of(3, 9), IsStopped: true, P: 1},
	} {
		r.Strategy = "hwm"
		out := strings.Join(strings.Fields(written(t, Changes(&results.Changes{Rows: []results.ChangedDamage{r}}), Terminal)), " ")
		if !strings.Contains(out, want) || strings.Contains(out, "of lives now") {
			t.Errorf("want %q in\n%s", want, out)
		}
	}
}
