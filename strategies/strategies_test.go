package strategies

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tlsbench/strategies/catalogue"
)

var listed = regexp.MustCompile(`(?m)^STRATEGY\(\w+\) = \{\n(?:\t.*\n)*?\t\.name = "([^"]+)",`)

// Every strategy that the C files put on the list has its row in the catalogue and
// the other way round.
func TestCatalogueMatchesTable(t *testing.T) {
	files, err := filepath.Glob("*.c")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		source, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range listed.FindAllSubmatch(source, -1) {
			names = append(names, string(m[1]))
		}
	}
	slices.Sort(names)
	if diff := cmp.Diff(slices.Sorted(slices.Values(catalogue.Names())), names); diff != "" {
		t.Errorf("catalogue (-) and C files (+) differ:\n%s", diff)
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
	for _, s := range catalogue.All() {
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
