package strategies

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Every strategy in the C table has its line in the catalogue and the other
// way round, in the same order: tables and figures rely on it.
func TestCatalogueMatchesTable(t *testing.T) {
	if diff := cmp.Diff(names(), compiled()); diff != "" {
		t.Errorf("catalogue (-) and table.c (+) differ:\n%s", diff)
	}
}

// Every C file belongs to one line of the catalogue and the other way round.
func TestCatalogueMatchesFiles(t *testing.T) {
	files, err := filepath.Glob("*.c")
	if err != nil {
		t.Fatal(err)
	}
	onDisk := map[string]bool{}
	for _, f := range files {
		if f != "table.c" {
			onDisk[f] = true
		}
	}
	for _, s := range All() {
		if !onDisk[s.File] {
			t.Errorf("%s: the catalogue names %s, which does not exist", s.Name, s.File)
		}
		delete(onDisk, s.File)
		source, err := os.ReadFile(s.File)
		if err != nil {
			continue
		}
		if !strings.Contains(string(source), `"`+s.Name+`"`) {
			t.Errorf("%s does not name its strategy %q", s.File, s.Name)
		}
	}
	for f := range onDisk {
		t.Errorf("%s has no line in the catalogue", f)
	}
}

func TestCatalogueIsComplete(t *testing.T) {
	for _, s := range All() {
		if s.Summary == "" || s.Source == "" || s.Assumes == "" {
			t.Errorf("%s: a line needs a summary, a source and what it assumes: %+v", s.Name, s)
		}
	}
}

// The handlers are those of the C structs.
func TestHandlers(t *testing.T) {
	for name, want := range map[string][]string{
		"none": nil, "temp-thread": nil, "hwm": {"child"}, "thread-stop": {"prepare"}, "no-such": nil,
	} {
		if diff := cmp.Diff(want, Handlers(name)); diff != "" {
			t.Errorf("handlers of %s (-want +got):\n%s", name, diff)
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
