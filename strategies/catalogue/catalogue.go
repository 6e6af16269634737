// Package catalogue lists the ways to keep preforked workers from sharing
// OpenSSL's per-thread state: a row each, with where it comes from, what it
// assumes, its parameters and its looks. The code is in package strategies;
// here is no C, so that a file can be read and drawn where none was compiled.
package catalogue

import (
	"cmp"
	"slices"
	"strings"
)

// Strategy is one row.
type Strategy struct {
	Name    string
	Alias   string // a short form that reads better with a parameter, "" if none
	File    string // its C file
	Summary string
	Source  string // project, version and commit that used it
	Assumes string // what must hold for it to be safe
	Params  []Param
	Look    Look
}

// Look is how a strategy is drawn, everywhere. The colours were searched for: at
// least 3:1 against white (WCAG 2.2, 1.4.11), and as far apart as can be, in
// CIELAB, in the eyes of people with normal sight and with each of the three
// colour deficiencies (Machado, Oliveira and Fernandes, A Physiologically-based
// Model for Simulation of Color Vision Deficiency, IEEE TVCG 15 (2009)
// 1291-1298). Package plots tests that. In black and white, marks and dashes tell
// the strategies apart.
type Look struct {
	Color   uint32    // 0xRRGGBB
	Mark    string    // of the strategy with its defaults
	Variant string    // mark of the strategy with parameters of its own
	Dashes  []float64 // of lines, in points: drawn and left out in turn
}

// maxKeys is PTHREAD_KEYS_MAX of glibc.
const maxKeys = 1024

var rows = []Strategy{
	{
		Name:    "none",
		File:    "none.c",
		Summary: "does nothing: the positive control",
		Source:  "Kamailio up to 5.8.8 by default (tls_threads_mode=0); OpenSIPS up to 3.4.17, 3.6.4 and all of 3.5",
		Assumes: "that OpenSSL keeps no per-thread state that workers could inherit",
		Look:    Look{Color: 0xA62D1C, Mark: "cross", Variant: "star"},
	},
	{
		Name:    "temp-thread",
		File:    "temp_thread.c",
		Summary: "rank 0 initialises OpenSSL in a temporary thread and joins it",
		Source:  "Kamailio 5.8.0 and 5.8.1, tls_threads_mode=1",
		Assumes: "that nothing ever uses OpenSSL in rank 0's main thread",
		Look:    Look{Color: 0xCD8300, Mark: "triangle", Variant: "triangle-down", Dashes: []float64{7, 2}},
	},
	{
		Name:    "clear-0-15",
		Alias:   "clear",
		File:    "clear_0_15.c",
		Summary: "the child sets filled keys 0 to 15 to NULL",
		Source:  "Kamailio 5.8.0 and 5.8.1, tls_threads_mode=2",
		Assumes: "that keys 0 to 15 are exactly those of OpenSSL",
		Params:  []Param{{Name: "n", Default: 16, Min: 1, Max: maxKeys, Summary: "number of keys cleared, from key 0 on"}},
		Look:    Look{Color: 0x71345C, Mark: "square", Variant: "diamond", Dashes: []float64{2, 2}},
	},
	{
		Name:    "hwm",
		File:    "hwm.c",
		Summary: "the child clears all keys up to the highest key that rank 0 filled",
		Source:  "Kamailio 5.7.5 and 5.8.2 on with tls_threads_mode=2, commit fe6f4fc (2024-04-29); default from 6.0.0 to 6.1.5",
		Assumes: "that OpenSSL created the first keys of the process, below key 32",
		Params:  []Param{{Name: "scan", Default: 32, Min: 1, Max: maxKeys, Summary: "number of keys looked at for the mark"}},
		Look:    Look{Color: 0x0C2D90, Mark: "circle", Variant: "diamond-full"},
	},
	{
		Name:    "thread-stop",
		File:    "thread_stop.c",
		Summary: "rank 0 calls OPENSSL_thread_stop() before each fork",
		Source:  "OpenSIPS 3.4.18 and 3.6.5 (2026-05-06), pull request 3841; Kamailio master from commit 396989e (2026-04-05) on, in no release up to 6.1.5",
		Assumes: "that OPENSSL_thread_stop() empties every slot that OpenSSL filled",
		Look:    Look{Color: 0x00A670, Mark: "triangle-full", Variant: "triangle-down-full", Dashes: []float64{5, 2, 1, 2}},
	},
	{
		Name:    "pointer-match",
		File:    "pointer_match.c",
		Summary: "the child clears the slots that hold pointers which OpenSSL returns",
		Source:  "patch on OpenSIPS issue 3388",
		Assumes: "that OpenSSL returns exactly the pointers that its slots hold, below key 32",
		Params:  []Param{{Name: "scan", Default: 32, Min: 1, Max: maxKeys, Summary: "number of keys looked at"}},
		Look:    Look{Color: 0x8F8CC9, Mark: "square-full", Variant: "hexagon-full", Dashes: []float64{3, 3}},
	},
	{
		Name:    "shm-match",
		File:    "shm_match.c",
		Summary: "the child clears the slots whose values point into the shared heap",
		Source:  "proposed by this suite",
		Assumes: "that all per-thread state in the shared heap is reached through a key's value, and that no other key's value points there",
		Look:    Look{Color: 0x9600FF, Mark: "pentagon", Variant: "pentagon-full", Dashes: []float64{6, 2, 2, 2, 2, 2}},
	},
	{
		Name:    "key-owner",
		File:    "key_owner.c",
		Summary: "the child clears exactly the keys that OpenSSL created: oracle and negative control",
		Source:  "this suite; it needs a ledger of keys, which no daemon has",
		Assumes: "that the ledger is right",
		Look:    Look{Color: 0x000000, Mark: "ring", Variant: "hexagon", Dashes: []float64{8, 3, 2, 3}},
	},
}

// All lists the rows, in the order of tables and figures.
func All() []Strategy { return slices.Clone(rows) }

// Names lists the names, in that order.
func Names() []string {
	var list []string
	for _, s := range rows {
		list = append(list, s.Name)
	}
	return list
}

// Find returns the row of a name or an alias.
func Find(name string) (Strategy, bool) {
	for _, s := range rows {
		if s.Name == name || s.Alias == name && name != "" {
			return s, true
		}
	}
	return Strategy{}, false
}

// Compare puts names into the order of tables and figures. Those that are not in
// the catalogue, such as hwm:scan=64 or a custom strategy, come after all others.
func Compare(a, b string) int {
	rank := func(name string) int {
		if i := slices.IndexFunc(rows, func(s Strategy) bool { return s.Name == name }); i >= 0 {
			return i
		}
		return len(rows)
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a, b))
}

// Names of the positive and of the negative control. Without any fix the rig has
// to find damage; under the oracle, which clears exactly what is OpenSSL's, it
// must find none.
const (
	PositiveControl = "none"
	NegativeControl = "key-owner"
)
