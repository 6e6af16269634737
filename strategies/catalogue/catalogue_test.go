package catalogue

import (
	"strings"
	"testing"
)

func TestCatalogueIsComplete(t *testing.T) {
	for _, s := range All() {
		if s.Summary == "" || s.Source == "" || s.Assumes == "" {
			t.Errorf("%s: a line needs a summary, a source and what it assumes: %+v", s.Name, s)
		}
	}
}

func TestParse(t *testing.T) {
	for _, tc := range []struct{ in, out, problem string }{
		{in: "hwm", out: "hwm"},
		{in: "hwm:scan=64", out: "hwm:scan=64"},
		{in: "hwm:scan=32", out: "hwm"},
		{in: "clear:n=16", out: "clear-0-15"},
		{in: "clear:n=32", out: "clear:n=32"},
		{in: "clear-0-15:n=8", out: "clear:n=8"},
		{in: "./my/fix.so", out: "fix"},
		{in: "hwn", problem: `unknown strategy "hwn": choose from none, temp-thread, clear-0-15`},
		{in: "", problem: `unknown strategy ""`},
		{in: "hwm:scan=0", problem: "want a number from 1 to 1024"},
		{in: "hwm:scan", problem: "parameter scan=: want a number"},
		{in: "hwm:n=3", problem: `unknown parameter "n": hwm takes scan`},
		{in: "none:n=3", problem: "none takes none"},
	} {
		c, err := Parse(tc.in)
		switch {
		case tc.problem != "" && (err == nil || !strings.Contains(err.Error(), tc.problem)):
			t.Errorf("Parse(%q) error = %v, want one with %q", tc.in, err, tc.problem)
		case tc.problem == "" && err != nil:
			t.Errorf("Parse(%q): %v", tc.in, err)
		case tc.problem == "" && c.String() != tc.out:
			t.Errorf("Parse(%q) = %q, want %q", tc.in, c, tc.out)
		}
	}
}
