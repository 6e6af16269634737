//go:build mutants

package mutant

import "os"

var living = os.Getenv("TLSBENCH_MUTANT")

// Is reports whether the mutant of that name lives. Inlined, it would compare
// short names as numbers, and the binary would not hold them.
//
//go:noinline
func Is(name string) bool { return living == name }
