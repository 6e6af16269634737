package results

import (
	"os"
	"strings"
	"testing"
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
		{`"handshakes":`, `"handshakes":-`, "cannot unmarshal number -"},
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
