package bench

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"tlsbench/results"
	"tlsbench/strategies/catalogue"
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

	// Daemon makes this a plan of daemons, and of the rig beside them.
	Daemon DaemonSpec `json:"daemon,omitzero"`

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

const (
	// A trial takes a tenth of a second at least: more would be years of them.
	maxRounds = 1_000_000
	// MaxDuration is the most for a trial. What one trial cannot show in that
	// time more of them will: they are what is counted.
	MaxDuration = time.Hour
)

// withDefaults fills in every list that is empty, and the seed.
func (s Spec) withDefaults() Spec {
	if len(s.Strategies) == 0 {
		for _, c := range catalogue.All() {
			s.Strategies = append(s.Strategies, Strategy{Choice: catalogue.Choice{Name: c.Name}})
		}
	}
	s.Hazards = orDefault(s.Hazards, results.Plain)
	s.Workers = orDefault(s.Workers, results.DefaultWorkers)
	s.Loads = orDefault(s.Loads, results.Loads.Default())
	s.Heaps = orDefault(s.Heaps, results.Heaps.Default())
	s.TLS = orDefault(s.TLS, results.TLSVersions.Default())
	s.Keys = orDefault(s.Keys, results.Keys.Default())
	s.Rands = orDefault(s.Rands, results.Rands.Default())
	s.Locks = orDefault(s.Locks, results.LockSharings.Default())
	s.HeapSafety = orDefault(s.HeapSafety, results.HeapSafeties.Default())
	s.Measures = orDefault(s.Measures, results.DefaultMeasures...)
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
		if _, taken := catalogue.Find(c.Name()); taken && !c.is(c.Name()) {
			return fmt.Errorf("strategy %s: the suite already has a strategy of that name", c)
		}
	}
	if err := s.validateForks(); err != nil {
		return err
	}
	if err := s.Daemon.validate(s); err != nil {
		return err
	}
	return s.validateNumbers()
}

func (s Spec) validateNumbers() error {
	for _, n := range s.Workers {
		if n < 1 || n > results.MaxWorkers {
			return fmt.Errorf("workers %d: want 1 to %d", n, results.MaxWorkers)
		}
	}
	if b := s.Bad; b != nil && !(*b >= 0 && *b <= 1) {
		return fmt.Errorf("share of bad peers %v: want 0 to 1", *b)
	}
	if r := s.CheckRate; r != nil && *r < 0 {
		return fmt.Errorf("check rate %d: want 0 or more", *r)
	}
	if err := s.validateSharing(); err != nil {
		return err
	}
	if s.Rounds < 1 || s.Rounds > maxRounds {
		return fmt.Errorf("rounds %d: want 1 to %d", s.Rounds, maxRounds)
	}
	if max(s.HandshakeTime, s.CorruptionTime, s.Warmup) > MaxDuration {
		return fmt.Errorf("durations: handshake %v, corruption %v, warm-up %v: want at most %v", s.HandshakeTime, s.CorruptionTime, s.Warmup, MaxDuration)
	}
	if s.HandshakeTime <= 0 || s.CorruptionTime <= 0 || s.Warmup < 0 {
		return fmt.Errorf("durations: handshake %v, corruption %v, warm-up %v: want the first two above 0 and no warm-up below 0",
			s.HandshakeTime, s.CorruptionTime, s.Warmup)
	}
	return nil
}

func (s Spec) validateNames() error {
	for _, m := range s.Measures {
		if !slices.Contains(results.Measures, m) {
			return fmt.Errorf("unknown measure %q: choose from %s", m, strings.Join(toStrings(results.Measures), ", "))
		}
	}
	lists := []struct {
		what   string
		given  []string
		choice *results.Dimension
	}{
		{"load", s.Loads, &results.Loads},
		{"heap", s.Heaps, &results.Heaps},
		{"tls version", s.TLS, &results.TLSVersions},
		{"key", s.Keys, &results.Keys},
		{"random method", s.Rands, &results.Rands},
		{"locks", s.Locks, &results.LockSharings},
		{"heap safety", s.HeapSafety, &results.HeapSafeties},
		{"measure", toStrings(s.Measures), nil},
		{"openssl build", labels(s.Builds), nil},
		{"strategy", labels(s.Strategies), nil},
		{"hazard", s.Hazards, nil},
		{"number of workers", toStrings(s.Workers), nil},
	}
	for _, l := range lists {
		if l.what == "openssl build" && len(l.given) == 0 && len(s.Daemon.List) > 0 {
			continue // daemons bring their own
		}
		if err := checkList(l.what, l.given, l.choice); err != nil {
			return err
		}
	}
	return nil
}

// checkList refuses a value that is not of the dimension (any will do where there
// is none), one that cannot stand in a benchmark name, and one that stands
// twice: that would be two cells of one name.
func checkList(what string, given []string, from *results.Dimension) error {
	if len(given) == 0 {
		return fmt.Errorf("no %s given", what)
	}
	for i, v := range given {
		if from != nil {
			if err := from.Check(v); err != nil {
				return err
			}
		}
		if v == "" || strings.ContainsAny(v, "/ \t\r\n") {
			return fmt.Errorf("%s %q: it is empty or has a slash or white space, so it cannot be part of a benchmark name", what, v)
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

// validateSharing refuses what the tracer cannot be put to.
func (s Spec) validateSharing() error {
	sharing := slices.Contains(s.Measures, results.Sharing)
	switch {
	case !sharing && slices.Contains(s.Heaps, traced):
		return errors.New("heap traced: it is only for sharing trials; add --measure sharing")
	case !sharing:
		return nil
	case slices.Contains(s.Heaps, traced) && len(s.Measures) > 1:
		return errors.New("heap traced: the tracer can measure only sharing; leave --heap out, sharing trials use it by themselves")
	case slices.Contains(s.Heaps, "private"):
		return errors.New("heap private: nothing in it is shared, so there are no sharing trials; choose global or scalable, or leave --measure sharing out")
	}
	for _, n := range s.Workers {
		if n > results.MaxTraced {
			return fmt.Errorf("workers %d: sharing trials take 1 to %d", n, results.MaxTraced)
		}
	}
	return nil
}

// traced is the heap of sharing trials.
const traced = "traced"
