package results

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

// Writer writes a results file. Every call makes exactly one Write to the
// underlying writer, so that with a file opened for appending a torn record
// can only be the last one.
type Writer struct {
	w   io.Writer
	buf bytes.Buffer
}

// NewWriter returns a writer of results files. Do not buffer w: a trial
// should be on its way to the disk before the next one begins.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Header writes the plan, the configuration lines and the Unit lines.
func (w *Writer) Header(h Header) error {
	w.buf.Reset()
	if len(h.Plan) > 0 {
		if err := w.plan(h.Plan); err != nil {
			return fmt.Errorf("write header: %w", err)
		}
	}
	for _, c := range h.Config {
		if err := checkConfig(c); err != nil {
			return fmt.Errorf("write header: %w", err)
		}
		fmt.Fprintf(&w.buf, "%s: %s\n", c.Key, c.Value)
	}
	for _, unit := range units {
		w.buf.WriteString(unitLine(unit) + "\n")
	}
	w.buf.WriteByte('\n')
	return w.flush("header")
}

// Plan writes a plan that replaces the one before it: of a file to which rounds are
// added.
func (w *Writer) Plan(plan json.RawMessage) error {
	w.buf.Reset()
	if err := w.plan(plan); err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	return w.flush("plan")
}

func (w *Writer) plan(plan json.RawMessage) error {
	w.buf.WriteString(planPrefix)
	if err := json.Compact(&w.buf, plan); err != nil {
		return fmt.Errorf("plan: %w", err)
	}
	if w.buf.Len() > maxLine {
		return fmt.Errorf("plan of %d bytes: benchstat reads lines of at most %d", w.buf.Len(), maxLine)
	}
	w.buf.WriteByte('\n')
	return nil
}

// trialLine is the JSON of a #trial line. Lines says how many benchmark lines
// follow: without it a trial that was cut off between its two lines would
// look like one that has no metrics.
type trialLine struct {
	Name  string `json:"name"`
	Lines int    `json:"lines"`
	*Trial
}

// Trial writes one trial: its distributions, its facts, and its metrics if it has
// any.
func (w *Writer) Trial(t *Trial) error {
	w.buf.Reset()
	if err := t.check(0); err != nil { // no file is to be written that cannot be read
		return fmt.Errorf("write %w", err)
	}
	name := t.Cell.Name()
	if back, err := ParseCell(name); err != nil {
		return fmt.Errorf("write trial %d: %w", t.ID, err)
	} else if back != t.Cell {
		return fmt.Errorf("write trial %d: %q is read back as another cell: %+v", t.ID, name, back)
	}
	samples := t.Series
	if t.Duet != nil && len(t.Duet.Slices) > 0 {
		samples = append(slices.Clip(samples), t.Duet.series())
	}
	for _, s := range samples {
		if len(seriesPrefix)+len(s.Name)+1+len(s.text) > maxLine {
			return fmt.Errorf("write trial %d: samples %s: %d bytes are too many: benchstat reads lines of at most %d", t.ID, s.Name, len(s.text), maxLine)
		}
		fmt.Fprintf(&w.buf, "%s%s %s\n", seriesPrefix, s.Name, s.text)
	}
	if err := errors.Join(w.facts(name, t), w.metrics(name, t)); err != nil {
		return fmt.Errorf("write trial %d: %w", t.ID, err)
	}
	return w.flush(fmt.Sprintf("trial %d", t.ID))
}

func (w *Writer) facts(name string, t *Trial) error {
	line := trialLine{Name: name, Trial: t}
	if len(t.Metrics) > 0 {
		line.Lines = 1
	}
	text, err := json.Marshal(line)
	if err == nil && len(trialPrefix)+len(text) > maxLine {
		// A trial is worth more than the words about its events.
		short := *t
		short.Detail = []string{fmt.Sprintf("%d lines of detail left out: too long", len(t.Detail))}
		short.Raced = slices.Clone(t.Raced)
		for i := range short.Raced {
			short.Raced[i].Writes = nil
		}
		line.Trial = &short
		text, err = json.Marshal(line)
	}
	fmt.Fprintf(&w.buf, "%s%s\n", trialPrefix, text)
	return err
}

func (w *Writer) metrics(name string, t *Trial) error {
	if len(t.Metrics) == 0 {
		return nil
	}
	res := benchfmt.Result{Name: benchfmt.Name(strings.TrimPrefix(name, "Benchmark")), Iters: t.iterations()}
	for _, m := range t.Metrics {
		if m.Unit == "" || strings.ContainsAny(m.Unit, " \t\r\n") {
			return fmt.Errorf("unit %q is empty or has white space", m.Unit)
		}
		res.Values = append(res.Values, benchfmt.Value{Value: m.Value, Unit: m.Unit})
	}
	return benchfmt.NewWriter(&w.buf).Write(&res)
}

// iterations is the count that a benchmark line wants: what the measure
// counts, and never 0, which benchstat takes but package testing never writes.
func (t *Trial) iterations() int {
	n := t.Handshakes
	if t.Cell.Measure == Fork {
		n = t.Forks
	}
	return int(max(n, 1))
}

func (w *Writer) flush(what string) error {
	if _, err := w.w.Write(w.buf.Bytes()); err != nil {
		return fmt.Errorf("write %s: %w", what, err)
	}
	return nil
}
