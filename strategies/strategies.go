// Package strategies holds the ways to keep preforked workers from sharing
// OpenSSL's per-thread state: one C file each, and the catalogue that says
// where each comes from and what it assumes.
//
// A strategy is a struct of function pointers (strategy.h): a hook that runs
// what may initialise OpenSSL, one after set-up, and the three at-fork
// handlers. It knows nothing of the workload that runs under it. To add one,
// write its C file, name it in table.c, and add its line to the catalogue and its
// mutants to their table (ADDING.md has an example). A fix that is to stay
// outside is a shared object with the same struct (folder example).
package strategies

// #cgo CFLAGS: -std=c11 -Wall -Wextra -Wshadow -Wconversion -O2
// #include "strategy.h"
//
// static const char *table_name(size_t i)
// {
// 	return tlsbench_strategies[i] != NULL ? tlsbench_strategies[i]->name : NULL;
// }
//
// static int has_handler(size_t i, int which)
// {
// 	const struct strategy *s = tlsbench_strategies[i];
//
// 	return which == 0 ? s->prepare != NULL : which == 1 ? s->parent != NULL : s->child != NULL;
// }
import "C"

import "slices"

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

// Handlers names the fork handlers that a strategy of the suite has, of prepare,
// parent and child.
func Handlers(name string) []string {
	i := slices.Index(compiled(), name)
	if i < 0 {
		return nil
	}
	var list []string
	for which, handler := range []string{"prepare", "parent", "child"} {
		if C.has_handler(C.size_t(i), C.int(which)) != 0 {
			list = append(list, handler)
		}
	}
	return list
}
