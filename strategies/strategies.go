// Package strategies holds the ways to keep preforked workers from sharing
// OpenSSL's per-thread state: one C file each, and the catalogue that says
// where each comes from and what it assumes.
//
// A strategy is a struct of function pointers (strategy.h): a hook that runs
// what may initialise OpenSSL, one after set-up, and the three at-fork
// handlers. It knows nothing of the workload that runs under it. To add one,
// write its C file and its row of the catalogue (ADDING.md has an example). A fix
// that is to stay outside is a shared object with the same struct (folder example).
package strategies

// #cgo CFLAGS: -std=c11 -D_GNU_SOURCE -Wall -Wextra -Wshadow -Wconversion -O2
import "C"

import "embed"

// Source holds the C files of all strategies and strategy.h, for programs that
// compile them into something else than this one, and as a copy for a fix of
// one's own.
//
//go:embed *.c *.h
var Source embed.FS
