package bench

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"tlsbench/results"
	"tlsbench/strategies"
	"tlsbench/workload"
)

// Spec is what a user chose. Every list is one dimension of the plan; an empty
// one means its default.
type Spec struct {
	Preset     string     `json:"preset,omitempty"`
	Builds     []Build    `json:"builds"`
	Strategies []Strategy `json:"strategies"`
	Hazards    []string   `json:"hazards"`
	Workers    []int      `json:"workers"`
	Loads      []string   `json:"loads"`
	Heaps      []string   `json:"heaps"`

	TLS        []string `json:"tls"`
	Keys       []string `json:"keys"`
	Rands      []string `json:"rands"`
	Locks      []string `json:"locks"`
	HeapSafety []string `json:"heap_safety"`
	// HeapBytes is the size of the shared heap, 0 for one by the number of
	// workers. It is a limit, and not part of a cell's name.
	HeapBytes uint64 `json:"heap_bytes,omitempty"`

	// Measures are Handshake and Corruption unless others are named. Corruption
	// makes two cells: one with the active checks at CheckRate, one with them
	// off, which alone gives the passive rate. Fork makes those of Fork.
	Measures []results.Measure `json:"measures"`
	// Bad is the share of bad peers, nil for 20 % in corruption trials and
	// none in throughput trials.
	Bad *float64 `json:"bad,omitempty"`
	// CheckRate is the number of active checks for each handshake of a
	// corruption trial, nil for 4.
	CheckRate *int `json:"check_rate,omitempty"`

	// Fork is what Fork trials are made of.
	Fork ForkSpec `json:"fork,omitzero"`

	Rounds int `json:"rounds"`
	// Seed decides every order and every trial's seed. 0 means that NewPlan
	// draws one; the shards of one plan need the same, so there it is refused.
	Seed uint64 `json:"seed"`
	// NoControls leaves the controls out.
	NoControls bool `json:"no_controls,omitempty"`

	Warmup         time.Duration `json:"warmup_ns"` // of Handshake trials
	HandshakeTime  time.Duration `json:"handshake_ns"`
	CorruptionTime time.Duration `json:"corruption_ns"`
}

// The values each dimension may have, its default first.
var (
	loads      = []string{"tcp", "memory"}
	heaps      = []string{"global", "scalable", "private"}
	tlss       = []string{"1.3", "1.2"}
	keys       = []string{"ecdsa-p256", "rsa-2048"}
	rands      = []string{"default", "method"}
	locks      = []string{"shared", "kamailio", "private"}
	heapSafety = []string{"count", "abort"}
	measures   = []results.Measure{results.Handshake, results.Corruption}
)

const (
	defaultWorkers = 4
	defaultBad     = 0.2
	// Four looks at the queue and sixteen draws for each handshake: one look is
	// enough on an idle machine, where every trial of none is found damaged
	// within a fraction of a second, but not where workers rarely run at the
	// same time.
	defaultCheckRate = 4
	plain            = "plain"
	// A trial takes a tenth of a second at least: more would be years of them.
	maxRounds = 1_000_000
)

// withDefaults fills in every list that is empty, and the seed.
func (s Spec) withDefaults() Spec {
	if len(s.Strategies) == 0 {
		for _, c := range strategies.All() {
			s.Strategies = append(s.Strategies, Strategy{Choice: strategies.Choice{Name: c.Name}})
		}
	}
	s.Hazards = orDefault(s.Hazards, plain)
	s.Workers = orDefault(s.Workers, defaultWorkers)
	s.Loads = orDefault(s.Loads, loads[0])
	s.Heaps = orDefault(s.Heaps, heaps[0])
	s.TLS = orDefault(s.TLS, tlss[0])
	s.Keys = orDefault(s.Keys, keys[0])
	s.Rands = orDefault(s.Rands, rands[0])
	s.Locks = orDefault(s.Locks, locks[0])
	s.HeapSafety = orDefault(s.HeapSafety, heapSafety[0])
	s.Measures = orDefault(s.Measures, measures...)
	if slices.Contains(s.Measures, results.Fork) {
		s.Fork = s.Fork.withDefaults()
	}
	if s.Seed == 0 {
		s.Seed = rand.Uint64N(1<<31-1) + 1 // short enough to be typed again
	}
	return s
}

func orDefault[T any](list []T, def ...T) []T {
	if len(list) == 0 {
		return def
	}
	return list
}

// validate refuses values that no trial could be made of.
func (s Spec) validate() error {
	if err := s.validateNames(); err != nil {
		return err
	}
	for _, c := range s.Strategies {
		if _, taken := strategies.Find(c.Name()); taken && !c.is(c.Name()) {
			return fmt.Errorf("strategy %s: the name is taken by the suite's own", c)
		}
	}
	if err := s.validateForks(); err != nil {
		return err
	}
	return s.validateNumbers()
}

func (s Spec) validateNumbers() error {
	for _, n := range s.Workers {
		if n < 1 || n > workload.MaxWorkers {
			return fmt.Errorf("workers %d: want 1 to %d", n, workload.MaxWorkers)
		}
	}
	if b := s.Bad; b != nil && !(*b >= 0 && *b <= 1) {
		return fmt.Errorf("share of bad peers %v: want 0 to 1", *b)
	}
	if r := s.CheckRate; r != nil && *r < 0 {
		return fmt.Errorf("check rate %d: want 0 or more", *r)
	}
	if s.Rounds < 1 || s.Rounds > maxRounds {
		return fmt.Errorf("rounds %d: want 1 to %d", s.Rounds, maxRounds)
	}
	if s.HandshakeTime <= 0 || s.CorruptionTime <= 0 || s.Warmup < 0 {
		return fmt.Errorf("durations: handshake %v, corruption %v, warm-up %v: want the first two above 0 and no warm-up below 0",
			s.HandshakeTime, s.CorruptionTime, s.Warmup)
	}
	return nil
}

func (s Spec) validateNames() error {
	lists := []struct {
		what          string
		given, choice []string
	}{
		{"load", s.Loads, loads},
		{"heap", s.Heaps, heaps},
		{"tls version", s.TLS, tlss},
		{"key", s.Keys, keys},
		{"random method", s.Rands, rands},
		{"locks", s.Locks, locks},
		{"heap safety", s.HeapSafety, heapSafety},
		{"measure", toStrings(s.Measures), toStrings(results.Measures)},
		{"openssl build", labels(s.Builds), nil},
		{"strategy", labels(s.Strategies), nil},
		{"hazard", s.Hazards, nil},
		{"number of workers", toStrings(s.Workers), nil},
	}
	for _, l := range lists {
		if err := checkList(l.what, l.given, l.choice); err != nil {
			return err
		}
	}
	return nil
}

// checkList refuses a value that is no choice (any will do where there are no
// choices), one that cannot stand in a benchmark name, and one that stands
// twice: that would be two cells of one name.
func checkList(what string, given, choices []string) error {
	if len(given) == 0 {
		return fmt.Errorf("no %s given", what)
	}
	for i, v := range given {
		if choices != nil && !slices.Contains(choices, v) {
			return fmt.Errorf("unknown %s %q: choose from %s", what, v, strings.Join(choices, ", "))
		}
		if v == "" || strings.ContainsAny(v, "/ \t\r\n") {
			return fmt.Errorf("%s %q: empty, or has a slash or white space, and cannot stand in a benchmark name", what, v)
		}
		if slices.Contains(given[:i], v) {
			return fmt.Errorf("%s %s is given twice", what, v)
		}
	}
	return nil
}

func toStrings[T any](list []T) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = fmt.Sprint(v)
	}
	return out
}

func labels[T interface{ Name() string }](list []T) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = v.Name()
	}
	return out
}
