package results

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
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
	trial    Trial
	cellName string // its benchmark name
	due      int    // how many benchmark lines still have to follow

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
	case r.due > 0 && string(rec.Name) != r.cellName:
		return false, fmt.Errorf("trial %d (%s): its benchmark line is missing", r.trial.ID, r.cellName)
	case comment:
		return r.comment()
	case r.due > 0:
		r.due--
		return r.due == 0, r.addMetrics(rec)
	}
	return true, r.lone(rec)
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
	plan := string(rec.Name) == commentMark && bytes.HasPrefix(r.lines.comment, []byte(planPrefix))
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
	line, err := r.trial.parse(text[len(trialPrefix):])
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
	r.due = line.Lines
	return r.due == 0, nil
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
	r.cellName = name
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
	r.torn = r.lines.torn || r.due > 0
	if r.offset == 0 {
		// No whole trial. The header ends with an empty line, so without one it was
		// cut off itself.
		r.offset = r.lines.blank
	}
}

// lone makes a trial of a benchmark line alone.
func (r *Reader) lone(rec *benchfmt.Result) error {
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
	if n, err := strconv.ParseUint(c.Setting("check"), 10, 64); err == nil {
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

// lineReader stands between a results file and benchfmt.Reader, which throws
// comments away. It keeps the text of each #plan and #trial line and passes on
// a mark in its place: a benchmark line that benchfmt hands back as a record,
// in order with the real ones. So the two views of the file need no queue, and
// lines keep their numbers.
//
// Each Read gives one line at most. benchfmt's scanner asks for more only when
// it has no whole line left, so comment and config are always those of the
// line that benchfmt read last.
//
// A last line without a line break was torn by a crash: it is not passed on.
type lineReader struct {
	in   *bufio.Reader
	line []byte // of the current line what is not passed on yet
	n    int    // number of the current line, from 1
	read int64  // bytes of all whole lines so far

	blank int64 // offset after the last empty line

	series  [][]byte // the #samples lines since they were last taken: those of duets,
	keep    bool     // and all others if they are wanted
	comment []byte   // the #plan or #trial line that the last mark stands for
	config  bool     // a line that may be configuration was passed on
	torn    bool
	done    bool
}

// The marks. No name of a real benchmark has a '#' or is empty.
const (
	commentMark = "#"
	endMark     = "#end"
)

// byteOrderMark is what some editors put before the first line.
const byteOrderMark = "\ufeff"

func newLineReader(r io.Reader) *lineReader {
	l := &lineReader{in: bufio.NewReaderSize(r, 256<<10)}
	if first, _ := l.in.Peek(len(byteOrderMark)); string(first) == byteOrderMark {
		n, _ := l.in.Discard(len(byteOrderMark))
		l.read = int64(n)
	}
	return l
}

// Read implements io.Reader for benchfmt.
func (l *lineReader) Read(p []byte) (int, error) {
	if len(l.line) == 0 {
		if l.done {
			return 0, io.EOF
		}
		if err := l.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, l.line)
	l.line = l.line[n:]
	return n, nil
}

// next reads one line and decides what benchfmt sees of it.
func (l *lineReader) next() error {
	line, err := l.readLine()
	if errors.Is(err, io.EOF) {
		l.torn = len(line) > 0
		l.done = true
		// benchfmt shows its configuration only with a record, and that of a
		// file that has a header alone is wanted too.
		l.line = []byte("Benchmark" + endMark + " 1 0 x\n")
		return nil
	}
	l.n++
	if err != nil {
		return err
	}
	if bytes.IndexByte(line, 0) >= 0 { // it may hide a trial
		return errors.New("it has a NUL byte: want text in UTF-8; a crash of the machine may leave such a line")
	}
	l.read += int64(len(line))
	l.line = l.visible(line)
	return nil
}

func (l *lineReader) visible(line []byte) []byte {
	switch {
	case bytes.HasPrefix(line, []byte(trialPrefix)), bytes.HasPrefix(line, []byte(planPrefix)):
		l.comment = append(l.comment[:0], bytes.TrimRight(line, "\r\n")...)
		return []byte("Benchmark" + commentMark + " 1 0 x\n")
	case line[0] == '\n':
		l.blank = l.read
	case bytes.HasPrefix(line, []byte(seriesPrefix)) && (l.keep || bytes.HasPrefix(line[len(seriesPrefix):], []byte(slicesName+" "))):
		l.series = append(l.series, bytes.Clone(bytes.TrimRight(line[len(seriesPrefix):], "\r\n")))
		return []byte("\n")
	case line[0] == '#':
		return []byte("\n")
	case line[0] != 'B' && line[0] != 'U':
		l.config = true
	}
	return line
}

// readLine returns a line with its line break; with io.EOF what was left of
// the file after the last one.
func (l *lineReader) readLine() ([]byte, error) {
	line, err := l.in.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return line, err
	}
	return nil, fmt.Errorf("longer than %d bytes", l.in.Size())
}
