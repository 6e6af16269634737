package results

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/perf/benchfmt"

	"tlsbench/results/event"
)

// Reader reads a results file, or the output of "go test -bench", one trial
// at a time. Its use is that of bufio.Scanner.
//
// A benchmark line without a #trial line before it is a trial of its own,
// whose counts are worked out from its metrics. Benchmarks of other names are
// passed over, so the output of a whole repository's benchmarks can be read.
type Reader struct {
	// KeepSeries asks for the distributions of trials, which may be many times as
	// long as all else.
	KeepSeries bool

	name  string
	lines *lineReader
	bench *benchfmt.Reader
	json  trialParser
	cells map[string]Cell // by name, each parsed once

	offset int64
	ended  bool
	torn   bool
	err    error

	header    Header
	gotHeader bool
	config    map[string]string

	// The trial being put together or, after Scan, the finished one. Its maps
	// and slices are used again for the next.
	trial   Trial
	bench0  string // its benchmark name
	missing int    // how many benchmark lines still have to follow

	forkLines int // benchmark lines of forks alone
}

// NewReader returns a reader of r. The name is used in errors and as the
// trials' File.
func NewReader(r io.Reader, name string) *Reader {
	lines := newLineReader(r)
	return &Reader{name: name, lines: lines, bench: benchfmt.NewReader(lines, name), cells: make(map[string]Cell)}
}

// Trial returns the trial that Scan read. It is a copy that the caller keeps.
func (r *Reader) Trial() *Trial { return r.trial.Clone() }

// Header returns what appears before the first trial, after the first Scan. Its
// plan is the last one so far: a file to which rounds were added has several.
func (r *Reader) Header() Header { return r.header }

// Err returns the first error, nil at the end of the file. A torn last line
// is not an error.
func (r *Reader) Err() error { return r.err }

// Torn reports, after the last Scan, whether the end of the file was cut off
// in the middle of a record, as a crash or a full disk leaves it. That record
// was dropped.
func (r *Reader) Torn() bool { return r.torn }

// Offset returns the length in bytes of the file up to and including the last
// whole record read: where a torn file has to be cut before anything is
// appended to it.
func (r *Reader) Offset() int64 { return r.offset }

// Scan reads the next trial. It returns false at the end and at an error.
func (r *Reader) Scan() bool {
	r.lines.keep = r.KeepSeries
	for r.err == nil && !r.ended {
		whole, err := r.step()
		if err != nil {
			r.err = fmt.Errorf("%s: line %d: %w", r.name, r.lines.n, err)
			return false
		}
		if whole {
			r.offset = r.lines.read
			r.trial.distrust()
			return true
		}
	}
	return false
}

// step takes the next record and reports whether it made the trial whole.
func (r *Reader) step() (whole bool, err error) {
	rec, err := r.next()
	if err != nil {
		return false, err
	}
	comment := string(rec.Name) == commentMark && len(r.lines.comment) > 0
	switch {
	case r.ended:
		r.finish()
		return false, nil
	case !comment && !Measure(rec.Name.Base()).known():
		return false, nil // a benchmark that is not of this suite
	case r.missing > 0 && string(rec.Name) != r.bench0:
		return false, fmt.Errorf("trial %d (%s): its benchmark line is missing", r.trial.ID, r.bench0)
	case comment:
		return r.comment()
	case r.missing > 0:
		r.missing--
		return r.missing == 0, r.addMetrics(rec)
	}
	return true, r.plain(rec)
}

// next returns the next record of the file; at the end it sets ended.
func (r *Reader) next() (*benchfmt.Result, error) {
	for r.bench.Scan() {
		switch rec := r.bench.Result().(type) {
		case *benchfmt.Result:
			r.configure(rec)
			r.ended = string(rec.Name) == endMark && r.lines.done
			return rec, nil
		case *benchfmt.SyntaxError:
			return nil, errors.New(rec.Msg)
		}
	}
	err := r.bench.Err()
	if inner := errors.Unwrap(err); inner != nil {
		return nil, inner // without benchfmt's own position
	}
	return nil, cmp.Or(err, io.ErrUnexpectedEOF) // the end mark comes first
}

// configure takes over the configuration lines since the last record.
func (r *Reader) configure(rec *benchfmt.Result) {
	if r.config == nil || r.lines.config {
		r.lines.config = false
		r.config = make(map[string]string, len(rec.Config))
		for _, c := range rec.Config {
			r.config[c.Key] = string(c.Value)
		}
	}
	plan := string(rec.Name) == commentMark && strings.HasPrefix(string(r.lines.comment), planPrefix)
	if !r.gotHeader && !plan {
		r.gotHeader = true
		r.header.Config = rec.Clone().Config
	}
}

// comment begins a trial, or keeps the plan.
func (r *Reader) comment() (whole bool, err error) {
	text := r.lines.comment
	r.lines.comment = text[:0]
	if plan, ok := bytes.CutPrefix(text, []byte(planPrefix)); ok {
		if err := checkPlan(plan); err != nil {
			return false, err
		}
		if r.header.Plan != nil && !sameRun(r.header.Plan, plan) {
			return false, errors.New("plan of another run than before: each run needs a file of its own")
		}
		if r.header.Plan != nil {
			r.offset = r.lines.read // a record of its own: rounds were added
		}
		r.header.Plan = bytes.Clone(plan)
		return false, nil
	}
	line, err := r.json.parse(text[len(trialPrefix):], &r.trial)
	if err != nil {
		return false, fmt.Errorf("trial: %w", err)
	}
	if err := r.begin(line.Name); err != nil {
		return false, err
	}
	if err := r.trial.check(line.Lines); err != nil {
		return false, err
	}
	for _, text := range r.lines.series {
		s, err := parseSeries(string(text))
		if err != nil {
			return false, err
		}
		if s.Name != slicesName || r.trial.Duet == nil {
			r.trial.Series = append(r.trial.Series, s)
		} else if r.trial.Duet.Slices, err = parseSlices(s.text); err != nil {
			return false, err
		}
	}
	r.lines.series = nil
	r.missing = line.Lines
	return r.missing == 0, nil
}

// begin sets what every trial has, however it was written.
func (r *Reader) begin(name string) error {
	name = strings.TrimPrefix(name, "Benchmark")
	cell, ok := r.cells[name]
	if !ok {
		var err error
		if cell, err = ParseCell(name); err != nil {
			return err
		}
		r.cells[name] = cell
	}
	r.bench0 = name
	r.trial.Cell, r.trial.Config, r.trial.File = cell, r.config, r.name
	return nil
}

func (r *Reader) addMetrics(rec *benchfmt.Result) error {
	for _, v := range rec.Values {
		m := asWritten(v)
		if math.IsNaN(m.Value) || math.IsInf(m.Value, 0) || m.Value < 0 && !signed(m.Unit) {
			return fmt.Errorf("%v %s: want a finite number of at least 0", m.Value, m.Unit)
		}
		r.trial.Metrics = append(r.trial.Metrics, m)
	}
	return nil
}

// LastPlan finds the plan of a results file that is in force, nil if there is none.
func LastPlan(r io.Reader) (json.RawMessage, error) {
	var plan json.RawMessage
	lines := newLineReader(r)
	for {
		line, err := lines.readLine()
		switch text, ok := bytes.CutPrefix(line, []byte(planPrefix)); {
		case errors.Is(err, io.EOF):
			return plan, nil
		case err != nil:
			return nil, err
		case ok:
			plan = bytes.Clone(bytes.TrimRight(text, "\r\n"))
		}
	}
}

// checkPlan refuses the plan of a later version, whose trials may mean something
// else.
func checkPlan(text []byte) error {
	var plan struct{ Format int }
	if err := json.Unmarshal(text, &plan); err != nil {
		return fmt.Errorf("plan is not valid JSON: %w", err)
	}
	if plan.Format > PlanFormat {
		return fmt.Errorf("plan of format %d: this version reads formats up to %d", plan.Format, PlanFormat)
	}
	return nil
}

// sameRun reports whether two plans differ in their rounds alone. Of others, put
// into one file, the trials would be counted together, whatever changed between.
func sameRun(plans ...json.RawMessage) bool {
	var same [2]map[string]any
	for i, text := range plans {
		if err := json.Unmarshal(text, &same[i]); err != nil {
			return false
		}
		if spec, ok := same[i]["spec"].(map[string]any); ok {
			delete(spec, "rounds")
			delete(spec, "extended")
		}
	}
	return reflect.DeepEqual(same[0], same[1])
}

// check refuses what no trial can be: it would be counted as an undamaged one.
func (t *Trial) check(lines int) error {
	switch {
	case !slices.Contains(statuses, t.Status):
		return fmt.Errorf("trial %d: unknown status %q: choose from %s", t.ID, t.Status, "ok, failed, skipped, not-applicable")
	case t.ID < 0 || t.Round < 0 || t.SharedSlots < 0 || lines < 0:
		return fmt.Errorf("trial %d of round %d, %d shared slots, %d lines: want numbers of at least 0", t.ID, t.Round, t.SharedSlots, lines)
	case t.FirstEvent < 0 || t.CrashAt < 0 || t.Load < 0:
		return fmt.Errorf("trial %d: first event at %v, crash at %v, load of %v: want times of at least 0", t.ID, t.FirstEvent, t.CrashAt, t.Load)
	case t.LoadBefore < 0 || t.Steal < 0 || t.Steal > 1:
		return fmt.Errorf("trial %d: load average %v, share stolen %v: want a load of at least 0 and a share of 0 to 1", t.ID, t.LoadBefore, t.Steal)
	}
	return nil
}

// asWritten undoes benchfmt's change of units, such as that of ns to sec.
func asWritten(v benchfmt.Value) Metric {
	if v.OrigUnit != "" {
		return Metric{v.OrigValue, v.OrigUnit}
	}
	return Metric{v.Value, v.Unit}
}

// finish ends the file.
func (r *Reader) finish() {
	r.torn = r.lines.torn || r.missing > 0
	if r.offset == 0 {
		// No whole trial. The header ends with an empty line, so without one it was
		// cut off itself.
		r.offset = r.lines.blank
	}
}

// plain makes a trial of a benchmark line alone.
func (r *Reader) plain(rec *benchfmt.Result) error {
	r.trial.reset()
	if err := r.begin(string(rec.Name)); err != nil {
		return err
	}
	if err := r.addMetrics(rec); err != nil {
		return err
	}
	r.trial.Status = OK
	if r.trial.Cell.Measure == Fork {
		// BenchmarkFork numbers its samples by its lines.
		r.forkLines++
		r.trial.ID = r.forkLines
	}
	r.trial.derive(uint64(max(rec.Iters, 0)))
	return nil
}

// derive works the counts out of the rates of a benchmark line. Iterations
// are good handshakes, forks in a fork trial. How often was looked follows from
// the check rate in the name, else from the default.
func (t *Trial) derive(iterations uint64) {
	if t.Cell.Measure == Fork {
		t.Forks = iterations
	} else {
		t.Handshakes = iterations
	}
	if t.Cell.Measure == Corruption {
		t.Checks = t.Cell.checkRate() * t.Handshakes
		t.Draws = DrawsPerCheck * t.Checks
	}
	t.deriveEvents(event.ForeignError, ForeignPerMcheck, t.Checks)
	t.deriveEvents(event.RepeatedRandom, RepeatsPerMdraw, t.Draws)
	t.deriveEvents(event.LostSlot, "lost-slots/fork", 1e6*max(t.Forks, uint64(t.Cell.Workers)))
	t.deriveEvents(event.Unspecified, PassivePerMhs, t.Handshakes)
	if v, _ := t.Metric(DamagedPerTrial); v > 0 && !t.Damaged() {
		t.addEvents(event.Unspecified, 1)
	}
	if v, ok := t.Metric(SharedSlots); ok {
		t.SharedSlots = int(v)
	}
}

// maxCheckRate bounds what a name says: beyond it a name is nonsense, and a
// product might overflow.
const maxCheckRate = 1 << 20

// checkRate is how often a corruption trial looks at the queue for each
// handshake.
func (c Cell) checkRate() uint64 {
	if n, err := strconv.ParseUint(c.Setting(checksOff.Key), 10, 64); err == nil {
		return min(n, maxCheckRate)
	}
	return DefaultCheckRate
}

// deriveEvents turns a rate for each million of exposure into a count, at
// least 1 if the rate is not 0: benchmark lines round.
func (t *Trial) deriveEvents(kind, unit string, exposure uint64) {
	rate, _ := t.Metric(unit)
	if !(rate > 0) {
		return
	}
	n := math.Round(rate * float64(exposure) / 1e6)
	t.addEvents(kind, uint64(min(max(n, 1), 1<<53)))
}

func (t *Trial) addEvents(kind string, n uint64) {
	if t.Events == nil {
		t.Events = make(map[string]uint64)
	}
	t.Events[kind] += n
}

// Set is some results files read whole. For files of any size use Reader.
type Set struct {
	Files  []File
	Trials []*Trial // in the order of the files; each knows its File
}

// File is what is known of one file of a Set apart from its trials.
type File struct {
	Name   string
	Header Header
	Torn   bool // its end was cut off; see Reader.Torn
}

// ReadFiles reads results files. Errors have the form "file: line N: ...".
func ReadFiles(paths ...string) (*Set, error) {
	set := new(Set)
	for _, path := range paths {
		file, err := scanFile(path, func(_ string, t *Trial) { set.Trials = append(set.Trials, t.Clone()) })
		if err != nil {
			return nil, err
		}
		set.Files = append(set.Files, file)
	}
	return set, nil
}

// scanFile calls each with every trial of a file and its benchmark name. The
// trial is the reader's own: it changes with the next call.
func scanFile(path string, each func(name string, t *Trial)) (File, error) {
	f, err := os.Open(path)
	if err != nil {
		return File{}, fmt.Errorf("read results: %w", err)
	}
	defer f.Close()
	r := NewReader(f, path)
	n := 0
	for r.Scan() {
		n++
		each(r.bench0, &r.trial)
	}
	if err := r.Err(); err != nil {
		return File{}, err
	}
	if n == 0 && r.Header().Plan == nil {
		return File{}, fmt.Errorf("%s: no trials: not a results file, or an empty one", path)
	}
	return File{Name: path, Header: r.Header(), Torn: r.Torn()}, nil
}
