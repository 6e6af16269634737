package bench

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"tlsbench/results"
	"tlsbench/strategies/catalogue"
)

// Spec is what a user chose, with what results files say of it and the builds.
type Spec struct {
	results.Spec
	Builds []Build `json:"builds"`
}

const (
	// A trial takes a tenth of a second at least: more would be years of them.
	maxRounds = 1_000_000
	// What one trial cannot show in that time more of them will: they are what is
	// counted.
	maxDuration = time.Hour
	// maxCheckRate is for handshakes of tens of milliseconds. At a higher rate a
	// trial ends long after its time, because it ends with a whole handshake.
	maxCheckRate = 10_000
)

// withDefaults fills in every list that is empty, and the seed.
func (s Spec) withDefaults() Spec {
	if len(s.Strategies) == 0 {
		for _, c := range catalogue.All() {
			s.Strategies = append(s.Strategies, results.Strategy{Choice: catalogue.Choice{Name: c.Name}})
		}
	}
	s.Measures = results.OrDefault(s.Measures, results.DefaultMeasures...)
	s.Hazards = results.OrDefault(s.Hazards, results.Plain)
	if s.Only(results.Duet) {
		s.Workers, s.Loads = results.OrDefault(s.Workers, 1), results.OrDefault(s.Loads, "memory")
	}
	s.Workers = results.OrDefault(s.Workers, results.DefaultWorkers)
	s.Loads = results.OrDefault(s.Loads, results.Loads.Default())
	s.Heaps = results.OrDefault(s.Heaps, results.Heaps.Default())
	s.TLS = results.OrDefault(s.TLS, results.TLSVersions.Default())
	s.Keys = results.OrDefault(s.Keys, results.Keys.Default())
	s.Rands = results.OrDefault(s.Rands, results.Rands.Default())
	s.Locks = results.OrDefault(s.Locks, results.LockSharings.Default())
	s.HeapSafety = results.OrDefault(s.HeapSafety, results.HeapSafeties.Default())
	if slices.Contains(s.Measures, results.Fork) {
		s.Fork.Memory = results.OrDefault(s.Fork.Memory, results.DefaultForkMemory)
		s.Fork.Filled = results.OrDefault(s.Fork.Filled, 0)
		s.Fork.HugePages = results.OrDefault(s.Fork.HugePages, results.HugePages.Default())
		s.Fork.Pairs = cmp.Or(s.Fork.Pairs, results.DefaultForkPairs)
	}
	if slices.Contains(s.Measures, results.Duet) {
		s.Duet.Against = results.OrDefault(s.Duet.Against, results.Strategy{Choice: catalogue.Choice{Name: catalogue.NegativeControl}})
	}
	if s.Seed == 0 {
		s.Seed = rand.Uint64N(1<<31-1) + 1 // short enough to be typed again
	}
	return s
}

// validate refuses values that no trial could be made of.
func (s Spec) validate() error {
	return cmp.Or(s.validateNames(), s.validateForks(), s.validateDuets(), s.validateDaemons(), s.validateNumbers(), s.validateSharing())
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
	if r := s.CheckRate; r != nil && (*r < 0 || *r > maxCheckRate) {
		return fmt.Errorf("check rate %d: want 0 to %d", *r, maxCheckRate)
	}
	switch hazards := slices.ContainsFunc(s.Hazards, func(h string) bool { return h != results.Plain }); {
	case s.HazardRounds < 0, s.HazardRounds > 0 && s.Sequential:
		return fmt.Errorf("hazard rounds %d: want at least 1, and not together with rounds auto", s.HazardRounds)
	case s.HazardRounds > 0 && !hazards:
		return fmt.Errorf("hazard rounds %d: there is no hazard but %s; add --hazard, or leave it out", s.HazardRounds, results.Plain)
	case min(s.HandshakeTime, s.CorruptionTime) <= 0 || s.Warmup < 0 || max(s.HandshakeTime, s.CorruptionTime, s.Warmup) > maxDuration:
		return fmt.Errorf("duration %v of handshake trials, %v of corruption trials, %v of warm-up: want more than 0, and at most %v; no warm-up is 0",
			s.HandshakeTime, s.CorruptionTime, s.Warmup, maxDuration)
	case s.Sequential && !s.Only(results.Corruption):
		return errors.New("rounds auto: only corruption trials show when they are enough; add --measure corruption, and run other measures with a number of rounds")
	case s.Sequential && (s.Rounds != 0 && len(s.Extended) == 0 || s.OfDaemons()):
		return errors.New("rounds auto: a plan of daemons, or one with a number of rounds, has as many as it says")
	case !s.Sequential && (s.Rounds < 1 || s.Rounds > maxRounds):
		return fmt.Errorf("rounds %d: want 1 to %d", s.Rounds, maxRounds)
	}
	return nil
}

func (s Spec) validateNames() error {
	for _, m := range s.Measures {
		if !slices.Contains(results.Measures, m) {
			return fmt.Errorf("unknown measure %q: choose from %s", m, strings.Join(results.Texts(results.Measures), ", "))
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
		{"measure", results.Texts(s.Measures), nil},
		{"openssl build", labels(s.Builds), nil},
		{"strategy", labels(s.Strategies), nil},
		{"hazard", s.Hazards, nil},
		{"number of workers", results.Texts(s.Workers), nil},
	}
	for _, l := range lists {
		if l.what == "openssl build" && len(l.given) == 0 && s.OfDaemons() {
			continue // daemons bring their own
		}
		if err := checkList(l.what, l.given, l.choice); err != nil {
			return err
		}
	}
	for _, c := range s.Strategies {
		if _, taken := catalogue.Find(c.Name()); taken && !c.Is(c.Name()) {
			return fmt.Errorf("strategy %s: the suite already has a strategy of that name", c)
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
	case !sharing && slices.Contains(s.Heaps, results.Traced):
		return errors.New("heap traced: it is only for sharing trials; add --measure sharing")
	case !sharing:
		return nil
	case slices.Contains(s.Heaps, results.Traced) && len(s.Measures) > 1:
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

// Preset is a set of numbers that go together.
type Preset struct {
	Name    string
	Summary string

	Rounds         int
	ForkRounds     int // where nothing but forks is measured
	Warmup         time.Duration
	HandshakeTime  time.Duration
	CorruptionTime time.Duration

	// AllBuilds and AllHazards ask the caller, who knows what there is, to
	// take everything where the user named nothing.
	AllBuilds, AllHazards bool
}

// The presets. All times are for seven strategies on one build under hazard
// plain: 6 Handshake trials (none has no throughput) and 14 corruption trials
// in a round, each with about 0.1 s to start the rig.
//
//   - quick: 4 rounds of 14 s. Too few for a 95 % interval of a median, which
//     needs 6; enough to see what damages and what does not.
//   - default: 8 rounds of 17 s, because a signed-rank test after Holm's
//     correction can find nothing in fewer; a quarter of its three minutes is
//     left for a slow machine.
//   - full: 60 rounds, because 59 clean trials are what bounds the probability
//     of damage at 5 %, and one may fail. Half an hour for each block.
//
// Where nothing but forks is measured there are more rounds, and trials as many
// times shorter: warm handlers have a slow mode that lasts for seconds, most
// likely while a neighbour keeps the other half of the processor's core busy. A
// trial is wholly in it or wholly out of it, so ten long ones give no interval
// within 10 % of the median; thirty short ones do, in the same time.
var presets = []Preset{
	{
		Name: "quick", Summary: "a look around, about a minute",
		Rounds: 4, ForkRounds: 12, Warmup: 100 * time.Millisecond,
		HandshakeTime: 500 * time.Millisecond, CorruptionTime: 600 * time.Millisecond,
	},
	{
		Name: "default", Summary: "a comparison with intervals, at most three minutes",
		Rounds: 8, ForkRounds: 30, Warmup: 200 * time.Millisecond,
		HandshakeTime: 650 * time.Millisecond, CorruptionTime: 550 * time.Millisecond,
	},
	{
		Name: "full", Summary: "all builds, all hazards, enough trials for the word clean; many hours",
		Rounds: 60, ForkRounds: 240, Warmup: 300 * time.Millisecond,
		HandshakeTime: 1500 * time.Millisecond, CorruptionTime: 1500 * time.Millisecond,
		AllBuilds: true, AllHazards: true,
	},
}

// Presets lists the presets, the shortest first.
func Presets() []Preset { return slices.Clone(presets) }

// FindPreset returns the preset of that name.
func FindPreset(name string) (Preset, error) {
	if i := slices.IndexFunc(presets, func(p Preset) bool { return p.Name == name }); i >= 0 {
		return presets[i], nil
	}
	names := results.Distinct(presets, func(p Preset) string { return p.Name })
	return Preset{}, fmt.Errorf("unknown preset %q: choose from %s", name, strings.Join(names, ", "))
}

// Apply fills in those numbers of a spec that the user left at 0.
func (p Preset) Apply(s Spec) Spec {
	s.Preset = p.Name
	rounds := p.Rounds
	if s.Only(results.Fork) {
		s.Fork.Pairs, rounds = cmp.Or(s.Fork.Pairs, shortPairs), p.ForkRounds
	}
	if !s.Sequential {
		s.Rounds = cmp.Or(s.Rounds, rounds)
	}
	s.Warmup = cmp.Or(s.Warmup, p.Warmup)
	s.HandshakeTime = cmp.Or(s.HandshakeTime, p.HandshakeTime)
	s.CorruptionTime = cmp.Or(s.CorruptionTime, p.CorruptionTime)
	return s
}
