package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"

	"tlsbench/bench"
	"tlsbench/bench/selftest"
	"tlsbench/results"
	"tlsbench/strategies"
	"tlsbench/workload"
)

// option is one value that a flag takes.
type option struct {
	Name    string `json:"name"`
	Summary string `json:"summary"`
}

// dimension is a flag with a fixed set of values, its default first.
type dimension struct {
	Flag    string   `json:"flag"`
	What    string   `json:"what"`
	Options []option `json:"options"`
}

// summaries says what each value means. A test holds it against the values
// that package workload knows.
var summaries = map[string]map[string]string{
	"load": {
		"tcp":    "workers accept on one loopback port, peers are Go crypto/tls clients",
		"memory": "each worker does both sides over BIO pairs: most pressure, least noise",
	},
	"heap": {
		"global":   "shared memory behind OpenSSL, one process-shared lock, as in Kamailio",
		"scalable": "shared memory behind OpenSSL, with a cache for each worker",
		"private":  "the C library's own: a plain preforked server, nothing can be shared",
	},
	"heap-safety": {
		"count": "a bad free is counted, and the worker goes on",
		"abort": "a bad free ends the worker, as in a strict daemon",
	},
	"locks": {
		"shared":   "mutexes, rwlocks and condition variables work across processes",
		"kamailio": "mutexes and rwlocks alone do, as Kamailio has it",
		"private":  "none do, as OpenSSL makes them: workers hang",
	},
	"tls": {"1.3": "TLS 1.3 alone", "1.2": "TLS 1.2 alone"},
	"key": {"ecdsa-p256": "a fresh ECDSA P-256 key", "rsa-2048": "a fresh RSA-2048 key"},
	"rand": {
		"default": "OpenSSL's own random generators",
		"method":  "an own RAND_set_rand_method over getrandom, as the field does on 1.1.1",
	},
	"huge-pages": {
		"off": "kept off, so that a fork copies one entry for each page",
		"on":  "asked for, so that a fork copies few entries",
	},
	"measure": {
		"handshake":  "throughput, CPU and latency: detectors off, no bad peers",
		"corruption": "damage: bad peers; one trial with active checks, one without",
		"fork":       "what the strategy costs rank 0 and a fresh child; not part of the default",
	},
}

// dimensions lists the flags with fixed values, in the order of the help.
func dimensions() []dimension {
	var names []string
	for _, m := range results.Measures {
		names = append(names, strings.ToLower(string(m)))
	}
	return []dimension{
		newDimension("load", "where handshakes come from", workload.Loads),
		newDimension("heap", "the heap behind OpenSSL", workload.Heaps),
		newDimension("heap-safety", "what a bad free does", workload.HeapSafeties),
		newDimension("locks", "which locks work across processes", workload.LockSharings),
		newDimension("tls", "protocol version", workload.TLSVersions),
		newDimension("key", "the server's key", workload.Keys),
		newDimension("rand", "where OpenSSL's random numbers come from", workload.RandChoices),
		newDimension("measure", "what trials are for", names),
		newDimension("huge-pages", "transparent huge pages in fork trials", bench.HugePages),
	}
}

func newDimension(flag, what string, values []string) dimension {
	d := dimension{Flag: flag, What: what}
	for _, v := range values {
		d.Options = append(d.Options, option{v, summaries[flag][v]})
	}
	return d
}

// names lists the values of a dimension.
func (d dimension) names() []string {
	var list []string
	for _, o := range d.Options {
		list = append(list, o.Name)
	}
	return list
}

// choiceVars gives the values to the help texts in the grammar, as
// ${loads} and so on.
func choiceVars() kong.Vars {
	vars := kong.Vars{"maxworkers": strconv.Itoa(workload.MaxWorkers)}
	for _, d := range dimensions() {
		vars[strings.ReplaceAll(d.Flag, "-", "")+"s"] = strings.Join(d.names(), ", ")
	}
	var presets []string
	for _, p := range bench.Presets() {
		presets = append(presets, fmt.Sprintf("%s (%s)", p.Name, p.Summary))
	}
	vars["presets"] = strings.Join(presets, ", ")
	vars["daemons"] = daemonNames()
	vars["faults"] = strings.Join(selftest.FaultNames(), ", ")
	vars["broken"] = strings.Join(selftest.BrokenNames(), ", ")
	vars["topics"] = strings.Join(topics(), ", ")
	return vars
}

// checkValue refuses what is no value of the flag.
func checkValue(flag, value string) error {
	for _, d := range dimensions() {
		if d.Flag == flag && !slices.Contains(d.names(), value) {
			return refuse("unknown %s %q: choose from %s", flag, value, strings.Join(d.names(), ", "))
		}
	}
	return nil
}

// checkValues refuses the first that is no value of the flag.
func checkValues(flag string, values []string) error {
	for _, v := range values {
		if err := checkValue(flag, v); err != nil {
			return err
		}
	}
	return nil
}

// parseStrategies reads --strategy. Nothing and "all" are the whole catalogue.
func parseStrategies(list []string) ([]bench.Strategy, error) {
	if len(list) == 0 || slices.Equal(list, []string{"all"}) {
		list = nil
		for _, s := range strategies.All() {
			list = append(list, s.Name)
		}
	}
	var out []bench.Strategy
	for _, name := range joinParameters(list) {
		choice, err := strategies.Parse(name)
		if err != nil {
			return nil, &refusal{err}
		}
		s, err := bench.NewStrategy(choice)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// joinParameters puts together what the comma between two parameters of one
// strategy took apart: "a:x=1", "y=2".
func joinParameters(list []string) []string {
	var out []string
	for _, s := range list {
		if n := len(out); n > 0 && strings.Contains(out[n-1], ":") && strings.Contains(s, "=") && !strings.Contains(s, ":") {
			out[n-1] += "," + s
			continue
		}
		out = append(out, s)
	}
	return out
}

// parseMeasures reads --measure.
func parseMeasures(list []string) ([]results.Measure, error) {
	if err := checkValues("measure", list); err != nil {
		return nil, err
	}
	var out []results.Measure
	for _, name := range list {
		i := slices.IndexFunc(results.Measures, func(m results.Measure) bool { return strings.EqualFold(string(m), name) })
		out = append(out, results.Measures[i])
	}
	return out, nil
}

// share is a part of one: 0.2 or 20%.
type share float64

// UnmarshalText reads it from a flag.
func (s *share) UnmarshalText(text []byte) error {
	number, percent := strings.CutSuffix(strings.TrimSpace(string(text)), "%")
	x, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if percent {
		x /= 100
	}
	if err != nil || !(x >= 0 && x <= 1) {
		return fmt.Errorf("%q is no share: want 0 to 1, or 0%% to 100%%", text)
	}
	*s = share(x)
	return nil
}
