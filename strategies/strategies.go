// Package strategies holds the ways to keep preforked workers from sharing
// OpenSSL's per-thread state: one C file each, and the catalogue that says
// where each comes from and what it assumes.
//
// A strategy is a struct of function pointers (strategy.h): a hook that runs
// what may initialise OpenSSL, one after set-up, and the three at-fork
// handlers. It knows nothing of the workload that runs under it. To add one,
// write its C file, name it in table.c, and add its line to the catalogue;
// nothing outside this folder changes (ADDING.md has an example). A fix that is
// to stay outside is a shared object with the same struct (folder example).
package strategies

// #cgo CFLAGS: -std=c11 -Wall -Wextra -Wshadow -Wconversion -O2
// #cgo mutants CFLAGS: -DTLSBENCH_MUTANTS
// #include "strategy.h"
//
// static const char *table_name(size_t i)
// {
// 	return tlsbench_strategies[i] != NULL ? tlsbench_strategies[i]->name : NULL;
// }
import "C"

// compiled lists the names in the C table, in its order.
func compiled() []string {
	var names []string
	for i := C.size_t(0); ; i++ {
		name := C.table_name(i)
		if name == nil {
			return names
		}
		names = append(names, C.GoString(name))
	}
}
