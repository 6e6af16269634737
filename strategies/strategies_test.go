package strategies

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tlsbench/strategies/catalogue"
)

// Every strategy that was compiled has its row in the catalogue and the other way
// round.
func TestCatalogueMatchesTable(t *testing.T) {
	if diff := cmp.Diff(slices.Sorted(slices.Values(catalogue.Names())), slices.Sorted(slices.Values(compiled()))); diff != "" {
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
