package results

import (
	"os"
	"strings"
	"testing"

	"tlsbench/results/event"
)

// What no trial can be is refused with its line; read as it stands it would pass
// for an undamaged trial.
func TestNonsenseIsRefused(t *testing.T) {
	whole, err := os.ReadFile(sampleRun)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ old, new, want string }{
		{`"status":"ok"`, `"status":"okay"`, `unknown status "okay": choose from ok, failed`},
		{`"status":"ok"`, `"status":""`, `unknown status ""`},
		{`"status":"ok",`, ``, `unknown status ""`},
		{`"round":1`, `"round":-1`, "round -1"},
		{`"handshakes":`, `"handshakes":-`, "unmarshal JSON number -"},
		{`"load_ns":2`, `"load_ns":-2`, "want times of at least 0"},
		{`"steal_share":0`, `"steal_share":7`, "a share of 0 to 1"},
		{`"load1":`, `"load1":-`, "want a load of at least 0"},
		{`"lines":1`, `"lines":-7`, "-7 lines"},
		{" 1 damaged/trial", " -1 damaged/trial", "-1 damaged/trial: want a finite number"},
		{" 1 damaged/trial", " NaN damaged/trial", "NaN damaged/trial"},
		{" 1 damaged/trial", " +Inf damaged/trial", "+Inf damaged/trial"},
		{"#plan {", `#plan {"format":2,`, "plan of format 2: this version reads formats up to 1"},
	} {
		text := strings.Replace(string(whole), tc.old, tc.new, 1)
		if text == string(whole) {
			t.Fatalf("%s has no %q", sampleRun, tc.old)
		}
		r := NewReader(strings.NewReader(text), "run.txt")
		for r.Scan() {
		}
		if err := r.Err(); err == nil || !strings.Contains(err.Error(), tc.want) || !strings.HasPrefix(err.Error(), "run.txt: line ") {
			t.Errorf("%q for %q: error %v, want one with %q", tc.new, tc.old, err, tc.want)
		}
	}
}

// What a program of an earlier rule called a lost call is no damage; a call that had
// all of its time, or that anything else was seen with, is.
func TestLostTooSoon(t *testing.T) {
	for name, tt := range map[string]struct {
		kinds  []string
		detail string
		want   Status
	}{
		"too soon":      {[]string{event.BrokenNeighbour}, "1.4s, worker 0: broken-neighbour: Python: did not come back in 1467 ms", Failed},
		"in its time":   {[]string{event.BrokenNeighbour}, "16s, worker 0: broken-neighbour: Python: did not come back in 15960 ms", OK},
		"the new rule":  {[]string{event.BrokenNeighbour}, "2.1s, worker 0: broken-neighbour: Python: waits for nobody, 2100 ms after it began", OK},
		"it complained": {[]string{event.BrokenNeighbour}, "1s, worker 0: broken-neighbour: libcurl: out of memory", OK},
		"with a slot":   {[]string{event.BrokenNeighbour, event.LostSlot}, "1s, worker 0: broken-neighbour: Python: did not come back in 1000 ms", OK},
	} {
		trial := some(1, testCell(Corruption, "hwm"), tt.kinds...)[0]
		trial.Detail, trial.Metrics = []string{tt.detail}, []Metric{{1, DamagedPerTrial}}
		set, err := ReadFiles(fileOf(t, "run.txt", trial))
		if err != nil {
			t.Fatal(err)
		}
		if got := set.Trials[0]; got.Status != tt.want || got.Damaged() != (tt.want == OK) {
			t.Errorf("%s: %s, events %v, reason %q", name, got.Status, got.Events, got.Reason)
		}
	}
}
