// Package strategytest compiles strategies for tests, as a user does with his own.
package strategytest

import (
	"path/filepath"
	"testing"

	"tlsbench/strategies"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload/sharedlib"
)

// Compile makes the shared object of a strategy from C code. Flags come after those
// that all code of the suite is compiled with, and may undo them.
func Compile(t testing.TB, name string, source sharedlib.Source, flags ...string) catalogue.Choice {
	t.Helper()
	object := filepath.Join(t.TempDir(), name+".so")
	recipe := sharedlib.Recipe{
		Flags: append([]string{"-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror"}, flags...),
		From:  []sharedlib.Source{source, {Files: strategies.Source, Pattern: "*.h"}},
	}
	if err := recipe.Compile(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	choice, err := catalogue.Parse(object)
	if err != nil {
		t.Fatal(err)
	}
	return choice
}
