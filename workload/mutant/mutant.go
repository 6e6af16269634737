// Package mutant is code that is wrong on purpose, to see that a test turns
// red: the Go side of strategies/mutant.h. Built with the tag "mutants" all
// mutants are there, and the environment variable TLSBENCH_MUTANT names the one
// that lives. In every other build Is is the constant false, and the compiler
// drops what depends on it, the name too.
//
// workload/mutants_table_test.go lists them all, with the tests that kill each.
package mutant

// Count is 1 for the living mutant, else 0: for what is off by one.
func Count(name string) int {
	if Is(name) {
		return 1
	}
	return 0
}
