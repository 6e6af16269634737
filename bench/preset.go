package bench

import (
	"fmt"
	"strings"
	"time"
)

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
		HandshakeTime: 750 * time.Millisecond, CorruptionTime: 700 * time.Millisecond,
	},
	{
		Name: "full", Summary: "all builds, all hazards, enough trials for the word clean; many hours",
		Rounds: 60, ForkRounds: 240, Warmup: 300 * time.Millisecond,
		HandshakeTime: 1500 * time.Millisecond, CorruptionTime: 1500 * time.Millisecond,
		AllBuilds: true, AllHazards: true,
	},
}

// Presets lists the presets, the shortest first.
func Presets() []Preset { return append([]Preset(nil), presets...) }

// FindPreset returns the preset of that name.
func FindPreset(name string) (Preset, error) {
	var names []string
	for _, p := range presets {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return Preset{}, fmt.Errorf("unknown preset %q: choose from %s", name, strings.Join(names, ", "))
}

// Apply fills in those numbers of a spec that the user left at 0.
func (p Preset) Apply(s Spec) Spec {
	s.Preset = p.Name
	if s.onlyForks() && s.Fork.Pairs == 0 {
		s.Fork.Pairs = shortPairs
	}
	if s.Rounds == 0 && s.onlyForks() {
		s.Rounds = p.ForkRounds
	}
	if s.Rounds == 0 {
		s.Rounds = p.Rounds
	}
	if s.Warmup == 0 {
		s.Warmup = p.Warmup
	}
	if s.HandshakeTime == 0 {
		s.HandshakeTime = p.HandshakeTime
	}
	if s.CorruptionTime == 0 {
		s.CorruptionTime = p.CorruptionTime
	}
	return s
}
