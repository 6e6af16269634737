package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/perf/benchfmt"
)

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
	} else if !back.same(t.Cell) {
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
