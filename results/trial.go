package results

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"

	"tlsbench/results/event"
)

// Status is how a trial ended.
type Status string

// A trial that was carried out is OK whether or not damage was found: damage
// is a result. Failed means that the trial could not be carried out.
const (
	OK            Status = "ok"
	Failed        Status = "failed"
	Skipped       Status = "skipped"
	NotApplicable Status = "not-applicable"
)

var statuses = []Status{OK, Failed, Skipped, NotApplicable}

// Trial is one life of the rig: what appears in one benchmark line, and the
// facts about that one trial which must not become benchmark configuration,
// because they would split benchstat's tables into samples of one.
type Trial struct {
	Cell    Cell              `json:"-"`
	Config  map[string]string `json:"-"` // file configuration in force: machine, build, run
	Metrics []Metric          `json:"-"` // values of the benchmark line, in its order
	File    string            `json:"-"` // name of the file it was read from
	Series  []Series          `json:"-"` // whole distributions; read only if Reader.KeepSeries says so

	ID     int       `json:"id"` // number in the plan, unique in a run
	Round  int       `json:"round"`
	Seed   uint64    `json:"seed"`
	Start  time.Time `json:"start"`
	Status Status    `json:"status"`
	Reason string    `json:"reason,omitempty"` // of failed, skipped, not applicable

	Life
}

// Life is what was seen of one life of a server: whoever carried the trial out
// notes it, and its record keeps it.
type Life struct {
	Handshakes uint64 `json:"handshakes"` // good ones made, warm-up included
	// Attempts are the connections of peers, good and bad. Trials of "go test -bench"
	// do not have it: then only the good ones are known.
	Attempts uint64 `json:"attempts,omitempty"`
	Checks   uint64 `json:"checks"` // looks at the error queue
	Draws    uint64 `json:"draws"`  // random draws compared
	Forks    uint64 `json:"forks,omitempty"`

	Events       map[string]uint64 `json:"events,omitempty"`         // count by kind; see package event
	Ignored      map[string]uint64 `json:"ignored,omitempty"`        // likewise, those that say nothing about OpenSSL
	FirstEvent   time.Duration     `json:"first_event_ns,omitempty"` // from start of load
	FirstEventAt uint64            `json:"first_event_hs,omitempty"` // handshakes made until then
	CrashAt      time.Duration     `json:"crash_ns,omitempty"`       // from start of load
	Load         time.Duration     `json:"load_ns"`                  // length of the load
	SharedSlots  int               `json:"shared_slots,omitempty"`
	Detail       []string          `json:"detail,omitempty"` // the first events, in words
	Mark         string            `json:"mark,omitempty"`   // when a fix took its mark in a daemon, and what it found
	Raced        []RacedBlock      `json:"raced,omitempty"`  // of a sharing trial
	Duet         *DuetPair         `json:"duet,omitempty"`   // of a duet

	LoadBefore  float64 `json:"load1"`       // 1-minute load average before the trial
	Steal       float64 `json:"steal_share"` // share of CPU time stolen during the trial
	CtxSwitches uint64  `json:"ctx_switches"`
}

// Metric is one value of a benchmark line, in the unit as written.
type Metric struct {
	Value float64
	Unit  string
}

// Damaged reports whether any event was seen at all.
func (l *Life) Damaged() bool { return event.Any(l.Events) }

// lostTooSoon is how programs before 30 November 2026 told of a library's call that did
// not come back. They could not tell it from a call that waits for a process that gets
// no processor: with Python and OpenSSL 3.6 at a load of 20 that was said in 9 of 262
// lives, key-owner's too, and by the rule since then in 0 of 259 at the same time. Calls
// that were really lost had all of their 15 s.
var lostTooSoon = regexp.MustCompile(`did not come back in (\d{1,4}|1[0-4]\d{3}) ms$`)

const tooSoon = "a call of a library was given up too soon: it may have waited for a process that got no processor"

// distrust takes a life as not carried out if nothing but such calls was seen in it.
func (t *Trial) distrust() {
	other := func(detail string) bool { return !lostTooSoon.MatchString(detail) }
	if len(t.Events) != 1 || t.Events[event.BrokenNeighbour] == 0 || len(t.Detail) == 0 || slices.ContainsFunc(t.Detail, other) {
		return
	}
	t.Status, t.Reason = Failed, tooSoon
	t.Events, t.Detail, t.Metrics, t.FirstEvent, t.FirstEventAt = nil, nil, nil, 0, 0
}

// attempted is how many connections the trial is known to have had.
func (t *Trial) attempted() uint64 { return max(t.Attempts, t.Handshakes) }

// Idle reports whether nothing was asked of the server that could have damaged
// it: such a life is not an undamaged one.
func (t *Trial) Idle() bool {
	underLoad := t.Cell.Measure == Corruption || t.Cell.Measure == Handshake
	return underLoad && t.attempted() == 0 && !t.Damaged()
}

// untilDamage is how many connections there were up to the first damage, or to
// the end: their share is that of the good ones, or of the time.
func (t *Trial) untilDamage() float64 {
	all := float64(t.attempted())
	share := 1.0
	switch {
	case !t.Damaged() || t.FirstEvent == 0:
		return all
	case t.Handshakes > 0:
		share = float64(t.FirstEventAt) / float64(t.Handshakes)
	case t.Load > 0:
		share = float64(t.FirstEvent) / float64(t.Load)
	}
	return max(1, all*min(1, share))
}

// Clone makes a copy that shares nothing with t that is ever changed. (Config
// is shared by all trials of a file and is not written to once read.)
func (t *Trial) Clone() *Trial {
	c := *t
	c.Metrics = slices.Clone(t.Metrics)
	c.Series = slices.Clone(t.Series)
	c.Events, c.Detail = nil, nil
	if len(t.Events) > 0 {
		c.Events = maps.Clone(t.Events)
	}
	c.Ignored = maps.Clone(t.Ignored)
	c.Raced = slices.Clone(t.Raced)
	if len(t.Detail) > 0 {
		c.Detail = slices.Clone(t.Detail)
	}
	return &c
}

// asBefore has encoding/json/v2, which takes a third of the time of the first version,
// read what that one reads.
var asBefore = json.JoinOptions(jsonv1.FormatDurationAsNano(true), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// parse reads the JSON of a #trial line into t, whose maps and slices are used again.
// Lines are -1 where the text does not say. It is much of the work of comparing a
// large file.
func (t *Trial) parse(text []byte) (trialLine, error) {
	t.reset()
	line := trialLine{Lines: -1, Trial: t}
	return line, json.Unmarshal(text, &line, asBefore)
}

func (t *Trial) reset() {
	events, detail, metrics, series := t.Events, t.Detail[:0], t.Metrics[:0], t.Series[:0]
	clear(events)
	*t = Trial{Metrics: metrics, Series: series, Life: Life{Events: events, Detail: detail}}
}

// Metric returns the value with that unit.
func (t *Trial) Metric(unit string) (float64, bool) {
	m, ok := find(t.Metrics, func(m Metric) bool { return m.Unit == unit })
	return m.Value, ok
}

// Series is the whole distribution of what a trial measured many times, such as
// fork-ns, so that it can be drawn later without running anything again. In a
// results file it is a comment line before the #trial line of its trial:
// "#samples ", the name, and a histogram in the compressed form (V2, base64) that
// every HdrHistogram library reads. Values are nanoseconds, kept to three digits.
type Series struct {
	Name string
	text string // the histogram as it appears in the file
}

const (
	sampleDigits = 3
	sampleMax    = int64(100e9) // 100 s: no fork takes that long
)

// NewSeries makes a series of nanoseconds. What is negative or beyond 100 s counts as
// the nearest value that fits.
func NewSeries(name string, values []float64) (Series, error) {
	if name == "" || strings.ContainsAny(name, " \t\r\n") {
		return Series{}, fmt.Errorf("samples %q: the name is empty or has white space", name)
	}
	h := hdrhistogram.New(1, sampleMax, sampleDigits)
	for _, v := range values {
		// The value is in range, so there is nothing to go wrong.
		_ = h.RecordValue(int64(math.Round(min(max(v, 0), float64(sampleMax)))))
	}
	text, err := h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		return Series{}, fmt.Errorf("samples %s: %w", name, err)
	}
	return Series{name, string(text)}, nil
}

// Histogram decodes the series.
func (s Series) Histogram() (*hdrhistogram.Histogram, error) {
	h, err := hdrhistogram.Decode([]byte(s.text))
	if err != nil {
		return nil, fmt.Errorf("samples %s: %w", s.Name, err)
	}
	return h, nil
}

// parseSeries reads what appears after the prefix.
func parseSeries(line string) (Series, error) {
	name, text, ok := strings.Cut(line, " ")
	if !ok || name == "" || text == "" || strings.ContainsAny(text, " \t") {
		return Series{}, fmt.Errorf("samples: want a name and a histogram, not %.40q", line)
	}
	return Series{name, text}, nil
}
