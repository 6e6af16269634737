// Package catalogue lists the ways to keep preforked workers from sharing
// OpenSSL's per-thread state: a row each, with where it comes from, what it
// assumes, its parameters and its looks. The code is in package strategies;
// here is no C, so that a file can be read and drawn where none was compiled.
package catalogue

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
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
		Summary: "the child clears the keys that were made while libcrypto, libssl or a module of theirs was on the stack: oracle and negative control",
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
// to find damage; under the oracle, which clears what the ledger of keys knows
// as OpenSSL's, it must find none.
const (
	PositiveControl = "none"
	NegativeControl = "key-owner"
)

// Choice is a strategy with its parameters, as a user names it: "hwm",
// "hwm:scan=64", or a shared object such as "./myfix.so".
type Choice struct {
	Name   string           // in the catalogue, or in the struct of the shared object
	Params map[string]int64 // only those that were set and differ from the default
	Path   string           // shared object of a custom strategy, else ""
}

// String gives the name in benchmark names, tables and figures. A strategy whose
// parameters all have their defaults has the bare name.
func (c Choice) String() string {
	if len(c.Params) == 0 {
		return c.Name
	}
	s, _ := Find(c.Name)
	return FormatParams(cmp.Or(s.Alias, c.Name), s.Params, c.Params, ",")
}

// Parse reads a user's choice.
func Parse(text string) (Choice, error) {
	if strings.HasSuffix(text, ".so") {
		path, err := filepath.Abs(text)
		if err != nil {
			return Choice{}, fmt.Errorf("strategy %q: %w", text, err)
		}
		return Choice{Name: strings.TrimSuffix(filepath.Base(text), ".so"), Path: path}, nil
	}
	name, params, given := strings.Cut(text, ":")
	s, ok := Find(name)
	if !ok {
		return Choice{}, fmt.Errorf("unknown strategy %q: choose from %s, or a shared object such as ./own.so",
			text, strings.Join(Names(), ", "))
	}
	c := Choice{Name: s.Name}
	if !given {
		return c, nil
	}
	var err error
	if c.Params, err = ParseParams(s.Name, s.Params, params, ","); err != nil {
		return Choice{}, fmt.Errorf("strategy %q: %w", text, err)
	}
	return c, nil
}

// Param is a number that a strategy or a hazard can be given, as in hwm:scan=64,
// or one of a few words, as in provider-state:when=after.
type Param struct {
	Name     string
	Default  int64
	Min, Max int64
	Words    []string // what 0, 1, ... are called; none for a number
	Summary  string
}

// OneOf is a parameter that takes one of some words, the first by default. In C
// it is the number of the word.
func OneOf(name, summary string, words ...string) Param {
	return Param{Name: name, Max: int64(len(words) - 1), Words: words, Summary: summary}
}

// Values says what the parameter takes.
func (p Param) Values() string {
	if len(p.Words) > 0 {
		return strings.Join(p.Words, " or ")
	}
	return fmt.Sprintf("%d to %d", p.Min, p.Max)
}

// Format gives a value as a user types it.
func (p Param) Format(n int64) string {
	if n >= 0 && n < int64(len(p.Words)) {
		return p.Words[n]
	}
	return strconv.FormatInt(n, 10)
}

func (p Param) parse(value string) (int64, bool) {
	if len(p.Words) > 0 {
		i := slices.Index(p.Words, value)
		return int64(i), i >= 0
	}
	n, err := strconv.ParseInt(value, 10, 64)
	return n, err == nil && n >= p.Min && n <= p.Max
}

// ParseParams reads key=value pairs with a separator between them, for whoever
// takes these parameters. What has its default is left out; nil if all have.
func ParseParams(owner string, takes []Param, text, separator string) (map[string]int64, error) {
	var set map[string]int64
	var keys []string
	for pair := range strings.SplitSeq(text, separator) {
		key, value, _ := strings.Cut(pair, "=")
		i := slices.IndexFunc(takes, func(p Param) bool { return p.Name == key })
		if i < 0 {
			return nil, fmt.Errorf("unknown parameter %q: %s takes %s", key, owner, paramNames(takes))
		}
		if slices.Contains(keys, key) {
			return nil, fmt.Errorf("parameter %s is given twice", key)
		}
		keys = append(keys, key)
		p := takes[i]
		n, ok := p.parse(value)
		if !ok {
			want := p.Values()
			if len(p.Words) == 0 {
				want = "a number from " + want
			}
			return nil, fmt.Errorf("parameter %s=%s: want %s", key, onOneLine(value), want)
		}
		if n == p.Default {
			continue
		}
		if set == nil {
			set = map[string]int64{}
		}
		set[key] = n
	}
	return set, nil
}

// FormatParams gives a name with its parameters, in the form that appears in
// benchmark names.
func FormatParams(name string, takes []Param, set map[string]int64, separator string) string {
	between := ":"
	for _, key := range slices.Sorted(maps.Keys(set)) {
		var p Param
		if i := slices.IndexFunc(takes, func(p Param) bool { return p.Name == key }); i >= 0 {
			p = takes[i]
		}
		name += fmt.Sprintf("%s%s=%s", between, key, p.Format(set[key]))
		between = separator
	}
	return name
}

// onOneLine is what a user typed, with anything that does not print escaped.
func onOneLine(s string) string { return strings.Trim(strconv.Quote(s), `"`) }

func paramNames(takes []Param) string {
	if len(takes) == 0 {
		return "none"
	}
	var list []string
	for _, p := range takes {
		list = append(list, p.Name)
	}
	return strings.Join(list, ", ")
}
