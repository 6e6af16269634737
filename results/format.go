package results

import (
	"cmp"
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
	c, _ := find(h.Config, func(c benchfmt.Config) bool { return c.Key == key })
	return string(c.Value)
}

// units are the declared ones, in the order of the file. Without their lines
// benchstat would know neither direction nor exactness.
var units = []string{
	HandshakesPerSec, CPUPerHandshake,
	CPURatio, TotalRatio, OtherCPU, InstructionsPerHandshake, InstructionRatio,
	"p50-ns/handshake", "p99-ns/handshake",
	ForkP50, "p90-fork-ns", "p99-fork-ns", "max-fork-ns", "masked-fork-ns",
	ForkDiff, "fork-diff-low-ns", "fork-diff-high-ns",
	ReadyP50, "p90-ready-ns", "p99-ready-ns", "max-ready-ns", "masked-ready-ns",
	ReadyDiff, "ready-diff-low-ns", "ready-diff-high-ns",
	HandlerCold, "p90-handler-ns", "p99-handler-ns", "max-handler-ns",
	HandlerWarm,
	FirstRandom, "p90-first-random-ns", "p99-first-random-ns", "max-first-random-ns",
	FirstHandshake, "p90-first-handshake-ns", "p99-first-handshake-ns", "max-first-handshake-ns",
	ClockNs, "setup-ns",
	ForksPerSec, "bare-forks/s",
	DamagedPerTrial, PassivePerMhs, ForeignPerMcheck, RepeatsPerMdraw, "lost-slots/fork",
	RacedBlocks, ReadRacedBlocks,
	KeptBytes, MemoryBytes, SharedSlots,
}

// compareUnits puts the declared units first, in their order, then any others.
func compareUnits(a, b string) int {
	place := func(unit string) int {
		if i := slices.Index(units, unit); i >= 0 {
			return i
		}
		return len(units)
	}
	return cmp.Or(place(a)-place(b), strings.Compare(a, b))
}

// unitLine declares a unit. The only exact one is shared-slots: it follows from
// build, hazard and strategy, and not from luck.
func unitLine(unit string) string {
	switch {
	case strings.HasSuffix(unit, "/s"):
		return "Unit " + unit + " better=higher"
	case unit == SharedSlots:
		return "Unit " + unit + " better=lower assume=exact"
	}
	return "Unit " + unit + " better=lower"
}

// signed units are differences, which may be below zero. So may what a user's own
// benchmark reports.
func signed(unit string) bool {
	return strings.Contains(unit, "diff") || strings.HasPrefix(unit, "warm-") || unit == KeptBytes ||
		!slices.Contains(units, unit)
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
