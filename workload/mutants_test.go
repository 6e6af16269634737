package workload

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tlsbench/strategies"
	"tlsbench/workload/rig"
)

// allMutants gives the whole table, by the mutants' full names.
func allMutants(t *testing.T) map[string]mutantRow {
	t.Helper()
	all := map[string]mutantRow{}
	for _, part := range []map[string][]mutantRow{detectors, fixes, fieldDetectors} {
		for owner, list := range part {
			for _, m := range list {
				name := owner + "-" + m.name
				if _, twice := all[name]; twice {
					t.Errorf("mutant %s stands twice in the table", name)
				}
				all[name] = m
			}
		}
	}
	return all
}

// Where mutants may be, seen from this package.
var mutantSources = []string{
	"*.go", "peers/*.go", "field/*.go", "rig/*.go", "rig/*.c", "rig/*.h", "../strategies/*.go", "../strategies/*.c", "../strategies/*.h",
}

// A use of a mutant, with its name if that is a literal.
var mutantUse = regexp.MustCompile(`\b(?:MUTANT|MUTANT_ONCE|mutant\.Is|mutant\.Count)\((?:"([^"]*)")?`)

// mutantsInSources finds the names in the code.
func mutantsInSources(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, pattern := range mutantSources {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(files), err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") || filepath.Base(file) == "mutant.h" {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, use := range mutantUse.FindAllSubmatch(text, -1) {
				if len(use[1]) == 0 {
					t.Errorf("%s: %s... has no literal name", file, use[0])
				}
				names[string(use[1])] = true
			}
		}
	}
	return names
}

// Every mutant in the sources is in the table and the other way round.
func TestMutantTableMatchesSources(t *testing.T) {
	table, sources := allMutants(t), mutantsInSources(t)
	for name := range table {
		if !sources[name] {
			t.Errorf("mutant %s is in the table and nowhere in the sources", name)
		}
	}
	for name := range sources {
		if _, ok := table[name]; !ok {
			t.Errorf("mutant %s is in the sources and not in the table", name)
		}
	}
}

// Every detector has its four mutants, every strategy at least two, and no
// kind of event is without a detector.
func TestMutantTableIsComplete(t *testing.T) {
	for name, list := range detectors {
		for _, way := range detectorMutants {
			if !slices.ContainsFunc(list, func(m mutantRow) bool { return m.name == way }) {
				t.Errorf("detector %s has no mutant %s", name, way)
			}
		}
	}
	kinds := append(rig.EventKinds(), failedHandshake, wrongData, repeatedRandom, crash, hangs)
	for _, kind := range kinds {
		if _, ok := detectors[kind]; !ok {
			t.Errorf("event kind %s has no mutants", kind)
		}
	}
	for _, s := range strategies.All() {
		if n := len(fixes[s.Name]); n < 2 {
			t.Errorf("strategy %s has %d mutants, want 2 or more", s.Name, n)
		}
	}
}

// Every line names an ordinary test that exists.
func TestMutantTableNamesTests(t *testing.T) {
	for name, m := range allMutants(t) {
		dir, pattern, _ := strings.Cut(m.test, " ")
		function, _, _ := strings.Cut(pattern, "/")
		if m.breaks == "" || !slices.Contains(ordinaryTests(t, dir), function) {
			t.Errorf("mutant %s: says %q and names test %q, want one that exists", name, m.breaks, m.test)
		}
	}
}

var testFunction = regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`)

// ordinaryTests lists the tests of a package in every build.
func ordinaryTests(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.HasPrefix(text, []byte("//go:build")) {
			continue
		}
		for _, f := range testFunction.FindAllSubmatch(text, -1) {
			names = append(names, string(f[1]))
		}
	}
	return names
}

// An ordinary program has nothing of a mutant: its name would be in the file.
// This test's program holds all that can be broken; the table has the names in
// two parts. Where mutants are built, their names have to be found, or the
// search would be no proof.
func TestMutantsAreInTheirBuildAlone(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(allMutants(t))) {
		if strings.HasPrefix(name, "field-") { // in the programs that run daemons
			continue
		}
		if found := bytes.Contains(program, []byte(name)); found != builtWithMutants {
			t.Errorf("mutant %s is in the program: %v, want %v", name, found, builtWithMutants)
		}
	}
}
