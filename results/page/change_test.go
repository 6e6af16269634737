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
