package results

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"tlsbench/results/event"
)

// The field is the real daemon: what "tlsbench field" writes is one JSON object
// a line, a FieldHeader and then each FieldTrial as it ends. The trials of the
// daemons and of the rig stand in one file, so that the two verdicts can be
// compared wherever the file is.

// FieldFormat is the version of the field's files that this package reads.
const FieldFormat = 1

// FieldHeader is the first line of a file.
type FieldHeader struct {
	Format int `json:"tlsbench_field"`
	// Plan is the run's, as package daemon wrote it. This package does not look
	// into it.
	Plan json.RawMessage `json:"plan"`
	// Seed decides the order and every trial's peers.
	Seed uint64 `json:"seed"`
	// Duration is a daemon's trial; Patience the longest one of a daemon
	// without a fix, that goes on as long as nothing was seen.
	Duration time.Duration `json:"duration_ns"`
	Patience time.Duration `json:"patience_ns"`
	// Config are facts about machine and run, the same for the whole file.
	Config []FieldFact `json:"config,omitempty"`
}

// FieldFact is one fact.
type FieldFact struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// NoMode stands for a daemon that has no modes.
const NoMode = -1

// FieldCase is what one daemon's trial is asked: trials of equal cases are
// counted together.
type FieldCase struct {
	Kamailio  string `json:"kamailio"` // its own version line
	Package   string `json:"package"`  // exact version of the package
	OpenSSL   string `json:"openssl"`
	Strategy  string `json:"strategy"`   // injected, or what the mode stands for
	Mode      int    `json:"mode"`       // of the daemon's own; NoMode, and 0: none
	Python    string `json:"python"`     // "no", "before", "after" the TLS module
	MemSafety int    `json:"mem_safety"` // 1 passes over a double free
	// OwnRandom says that the random numbers are not OpenSSL's: those that come
	// twice say nothing of it.
	OwnRandom bool `json:"own_random,omitempty"`
	// Rig names the rig's trials that the daemon's are compared with: those that
	// have the same. "": the rig has no such thing.
	Rig string `json:"rig,omitempty"`
}

// Fix names what protects the daemon.
func (c FieldCase) Fix() string {
	if c.Mode > 0 {
		return fmt.Sprintf("%s (mode %d)", c.Strategy, c.Mode)
	}
	return c.Strategy
}

// String names the case for a message.
func (c FieldCase) String() string {
	s := fmt.Sprintf("kamailio %s, %s, mem_safety %d", c.Kamailio, c.Fix(), c.MemSafety)
	if c.Python != "no" {
		s += ", python " + c.Python + " the TLS module"
	}
	return s
}

// unprotected reports whether nothing protects the daemon, and nothing else is
// in it.
func (c FieldCase) unprotected() bool {
	return c.Strategy == "none" && c.Mode <= 0 && c.Python == "no"
}

// FieldTrial is one life of a daemon, or of the rig beside it.
type FieldTrial struct {
	// ID is its number in the plan, from 1.
	ID int `json:"id"`
	// Case is the number of its case in the plan, from 1: the order of tables.
	Case int `json:"case"`
	// Daemon is nil in a trial of the rig, which has a Rig alone.
	Daemon *FieldCase `json:"daemon,omitempty"`
	Rig    string     `json:"rig,omitempty"`

	Round  int       `json:"round"` // from 1
	Seed   uint64    `json:"seed"`
	Start  time.Time `json:"start"`
	Status Status    `json:"status"`
	Reason string    `json:"reason,omitempty"` // of failed, skipped, not applicable

	Events     map[string]uint64 `json:"events,omitempty"`
	First      []FieldEvent      `json:"first,omitempty"` // the first of each kind, by time
	Handshakes uint64            `json:"handshakes"`      // good ones, in a daemon with their OPTIONS
	Load       time.Duration     `json:"load_ns"`         // until the end or the first death
	Memory     uint64            `json:"memory_bytes,omitempty"`
	SetUp      string            `json:"set_up,omitempty"` // when the strategy took its mark, and what it found
	Exit       string            `json:"exit,omitempty"`   // of a daemon that ended by itself
}

// FieldEvent is the first event of its kind.
type FieldEvent struct {
	Kind   string        `json:"kind"`
	At     time.Duration `json:"at_ns"` // from the start of the load; 0: before it
	Detail string        `json:"detail,omitempty"`
}

// counts reports whether events of that kind say anything of OpenSSL's state.
func (t *FieldTrial) counts(kind string) bool {
	return kind != event.RepeatedRandom || t.Daemon == nil || !t.Daemon.OwnRandom
}

// firstEvent is when the first event came that counts; false without one.
func (t *FieldTrial) firstEvent() (time.Duration, bool) {
	for _, e := range t.First {
		if t.counts(e.Kind) {
			return e.At, true
		}
	}
	return 0, false
}

// trial is the same as the verdict takes it.
func (t *FieldTrial) trial() *Trial {
	out := &Trial{Status: t.Status, Reason: t.Reason, Events: map[string]uint64{}}
	for kind, n := range t.Events {
		if t.counts(kind) {
			out.Events[kind] = n
		}
	}
	return out
}

// check refuses what no trial can be.
func (t *FieldTrial) check() error {
	switch {
	case t.ID < 1 || t.Round < 1:
		return fmt.Errorf("trial %d of round %d: want both from 1", t.ID, t.Round)
	case t.Daemon == nil && t.Rig == "":
		return fmt.Errorf("trial %d is neither a daemon's nor the rig's", t.ID)
	case !slices.Contains([]Status{OK, Failed, Skipped, NotApplicable}, t.Status):
		return fmt.Errorf("trial %d: unknown status %q: choose from ok, failed, skipped, not-applicable", t.ID, t.Status)
	case t.Load < 0:
		return fmt.Errorf("trial %d: a load of %v", t.ID, t.Load)
	}
	return nil
}

// FieldFile is a file read whole.
type FieldFile struct {
	Path   string
	Header FieldHeader
	Trials []*FieldTrial
	// Whole is the length in bytes up to and including the last whole line.
	// What comes after was torn by a crash, and is no trial.
	Whole int64
	Torn  bool
}

// maxFieldLine bounds a line; a plan of hundreds of cases is far below.
const maxFieldLine = 1 << 20

// IsFieldFile reports whether a file begins as the field's do. It says no to
// what cannot be read: whoever reads it says why.
func IsFieldFile(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	line, err := bufio.NewReaderSize(f, maxFieldLine).ReadSlice('\n')
	return err == nil && isFieldHeader(line)
}

func isFieldHeader(line []byte) bool {
	var h struct {
		Format *int `json:"tlsbench_field"`
	}
	return json.Unmarshal(line, &h) == nil && h.Format != nil
}

// ReadField reads a file of the field. Errors have the form "file: line N: ...".
func ReadField(path string) (*FieldFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read field results: %w", err)
	}
	defer f.Close()
	out := &FieldFile{Path: path}
	if err := out.read(f); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return out, nil
}

func (f *FieldFile) read(r io.Reader) error {
	in := bufio.NewReaderSize(r, maxFieldLine)
	ids := map[int]bool{}
	for n := 1; ; n++ {
		line, err := in.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF):
			f.Torn = len(line) > 0
			if f.Whole == 0 {
				return errNoField
			}
			return nil
		case errors.Is(err, bufio.ErrBufferFull):
			return fmt.Errorf("line %d: longer than %d bytes", n, maxFieldLine)
		case err != nil:
			return fmt.Errorf("line %d: %w", n, err)
		}
		if err := f.take(n, line, ids); err != nil {
			return err
		}
		f.Whole += int64(len(line))
	}
}

// errNoField is about any other file.
var errNoField = errors.New("no results of tlsbench field: its first line is not their header")

func (f *FieldFile) take(n int, line []byte, ids map[int]bool) error {
	if n == 1 {
		return f.header(line)
	}
	t := new(FieldTrial)
	if err := json.Unmarshal(bytes.TrimSpace(line), t); err != nil {
		return fmt.Errorf("line %d: trial: %w", n, err)
	}
	if err := t.check(); err != nil {
		return fmt.Errorf("line %d: %w", n, err)
	}
	if ids[t.ID] {
		return fmt.Errorf("line %d: trial %d is in the file twice", n, t.ID)
	}
	ids[t.ID] = true
	f.Trials = append(f.Trials, t)
	return nil
}

func (f *FieldFile) header(line []byte) error {
	if !isFieldHeader(line) {
		return errNoField
	}
	if err := json.Unmarshal(line, &f.Header); err != nil {
		return fmt.Errorf("line 1: %w", err)
	}
	if f.Header.Format != FieldFormat {
		return fmt.Errorf("line 1: format %d of the field's results: this version reads %d", f.Header.Format, FieldFormat)
	}
	return nil
}

// AppendField gives a header or a trial as a line of a file.
func AppendField(to []byte, v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return to, err
	}
	if len(text) >= maxFieldLine {
		return to, fmt.Errorf("a line of %d bytes: want less than %d", len(text), maxFieldLine)
	}
	return append(append(to, text...), '\n'), nil
}
