package results

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/perf/benchfmt"
)

// The comment lines of a results file. benchfmt.Reader, and so benchstat,
// passes over every line that begins with '#'.
const (
	planPrefix   = "#plan "
	trialPrefix  = "#trial "
	seriesPrefix = "#samples "
)

// PlanFormat is the version of the #plan line, and of all that is derived from
// it: the order of the trials and their seeds.
const PlanFormat = 1

// maxLine is the longest line that benchfmt.Reader takes: it reads by
// bufio.Scanner with its default buffer, and stops with an error at a longer
// one, comment or not.
const maxLine = 64<<10 - 1

// Header is what appears before the first trial of a results file.
type Header struct {
	// Plan is the plan of the run, as package bench wrote it.
	Plan json.RawMessage
	// Config is the file configuration: facts about machine, builds and run
	// that are the same for the whole file.
	Config []benchfmt.Config
}

// Get returns the value of a configuration key, "" if there is none.
func (h Header) Get(key string) string {
	for _, c := range h.Config {
		if c.Key == key {
			return string(c.Value)
		}
	}
	return ""
}

// UnitLine is what a results file declares about one unit.
type UnitLine struct {
	Unit   string
	Better string // "higher" or "lower"
	Exact  bool   // equal in every trial of a cell
}

// Units lists the declared units, in the order of the file. Without these
// lines benchstat would know neither direction nor exactness.
//
// The only exact unit is shared-slots: it follows from build, hazard and
// strategy, and not from luck.
func Units() []UnitLine {
	return []UnitLine{
		{Unit: HandshakesPerSec, Better: "higher"},
		{Unit: CPUPerHandshake, Better: "lower"},
		{Unit: CPURatio, Better: "lower"},
		{Unit: TotalRatio, Better: "lower"},
		{Unit: OtherCPU, Better: "lower"},
		{Unit: InstructionsPerHandshake, Better: "lower"},
		{Unit: InstructionRatio, Better: "lower"},
		{Unit: "p50-ns/handshake", Better: "lower"},
		{Unit: "p99-ns/handshake", Better: "lower"},
		{Unit: ForkP50, Better: "lower"},
		{Unit: "p90-fork-ns", Better: "lower"},
		{Unit: "p99-fork-ns", Better: "lower"},
		{Unit: "max-fork-ns", Better: "lower"},
		{Unit: "masked-fork-ns", Better: "lower"},
		{Unit: ForkDiff, Better: "lower"},
		{Unit: "fork-diff-low-ns", Better: "lower"},
		{Unit: "fork-diff-high-ns", Better: "lower"},
		{Unit: ReadyP50, Better: "lower"},
		{Unit: "p90-ready-ns", Better: "lower"},
		{Unit: "p99-ready-ns", Better: "lower"},
		{Unit: "max-ready-ns", Better: "lower"},
		{Unit: "masked-ready-ns", Better: "lower"},
		{Unit: ReadyDiff, Better: "lower"},
		{Unit: "ready-diff-low-ns", Better: "lower"},
		{Unit: "ready-diff-high-ns", Better: "lower"},
		{Unit: HandlerCold, Better: "lower"},
		{Unit: "p90-handler-ns", Better: "lower"},
		{Unit: "p99-handler-ns", Better: "lower"},
		{Unit: "max-handler-ns", Better: "lower"},
		{Unit: HandlerWarm, Better: "lower"},
		{Unit: FirstRandom, Better: "lower"},
		{Unit: "p90-first-random-ns", Better: "lower"},
		{Unit: "p99-first-random-ns", Better: "lower"},
		{Unit: "max-first-random-ns", Better: "lower"},
		{Unit: FirstHandshake, Better: "lower"},
		{Unit: "p90-first-handshake-ns", Better: "lower"},
		{Unit: "p99-first-handshake-ns", Better: "lower"},
		{Unit: "max-first-handshake-ns", Better: "lower"},
		{Unit: ClockNs, Better: "lower"},
		{Unit: "setup-ns", Better: "lower"},
		{Unit: ForksPerSec, Better: "higher"},
		{Unit: "bare-forks/s", Better: "higher"},
		{Unit: DamagedPerTrial, Better: "lower"},
		{Unit: PassivePerMhs, Better: "lower"},
		{Unit: ForeignPerMcheck, Better: "lower"},
		{Unit: RepeatsPerMdraw, Better: "lower"},
		{Unit: "lost-slots/fork", Better: "lower"},
		{Unit: RacedBlocks, Better: "lower"},
		{Unit: ReadRacedBlocks, Better: "lower"},
		{Unit: KeptBytes, Better: "lower"},
		{Unit: MemoryBytes, Better: "lower"},
		{Unit: SharedSlots, Better: "lower", Exact: true},
	}
}

// signed units are differences, which may be below zero. So may what a user's own
// benchmark reports.
func signed(unit string) bool {
	return strings.Contains(unit, "diff") || strings.HasPrefix(unit, "warm-") || unit == KeptBytes ||
		!slices.ContainsFunc(Units(), func(u UnitLine) bool { return u.Unit == unit })
}

// Units that this package looks at itself.
const (
	HandshakesPerSec = "handshakes/s"
	CPUPerHandshake  = "cpu-ns/handshake"

	// Of duets: what the strategy's handshakes take, against the other side's.
	CPURatio                 = "cpu-ratio"              // trimmed mean of the blocks
	TotalRatio               = "total-cpu-ratio"        // all blocks added up
	OtherCPU                 = "other-cpu-ns/handshake" // of the other side
	InstructionsPerHandshake = "instructions/handshake" // in user space
	InstructionRatio         = "instruction-ratio"

	ForksPerSec      = "forks/s"
	ClockNs          = "clock-ns"        // two readings of the clock of fork trials, one right after the other
	ForkP50          = "p50-fork-ns"     // rank 0's time in fork(), handlers included
	ForkDiff         = "fork-diff-ns"    // paired: the same fork with the handlers and without
	ReadyP50         = "p50-ready-ns"    // from before fork() to its return in the child
	ReadyDiff        = "ready-diff-ns"   // paired likewise
	FirstRandom      = "first-random-ns" // of the child
	FirstHandshake   = "first-handshake-ns"
	HandlerCold      = "handler-ns"      // all handlers of a fork, as it happens
	HandlerWarm      = "warm-handler-ns" // the same again, on pages touched before
	DamagedPerTrial  = "damaged/trial"
	PassivePerMhs    = "corruptions/Mhs"
	ForeignPerMcheck = "foreign-errors/Mcheck"
	RepeatsPerMdraw  = "repeats/Mdraw"
	SharedSlots      = "shared-slots"
	KeptBytes        = "kept-bytes/worker"
	MemoryBytes      = "memory-bytes" // all processes of a daemon, shared pages once
	RacedBlocks      = "raced-blocks"
	ReadRacedBlocks  = "read-raced-blocks"
)

// checkConfig refuses what would not be read back as the same key and value.
// The rule for keys is that of the benchmark format: a lower-case letter
// first, no upper case, no white space, no colon.
func checkConfig(c benchfmt.Config) error {
	first, _ := utf8.DecodeRuneInString(c.Key)
	bad := func(r rune) bool { return r == ':' || unicode.IsSpace(r) || unicode.IsUpper(r) }
	if !unicode.IsLower(first) || strings.ContainsFunc(c.Key, bad) {
		return fmt.Errorf("configuration key %q: want a lower-case letter first and no upper case, space or colon", c.Key)
	}
	value := string(c.Value)
	if value == "" || strings.TrimSpace(value) != value || strings.ContainsAny(value, "\n\r") {
		return fmt.Errorf("configuration %s: value %q is empty, begins or ends with white space, or has a line break", c.Key, value)
	}
	return nil
}
