//go:build mutants

package mutant

import "os"

var living = os.Getenv("TLSBENCH_MUTANT")

// Is reports whether the mutant of that name lives.
func Is(name string) bool { return living == name }
