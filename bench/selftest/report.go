package selftest

import (
	"fmt"
	"time"

	"tlsbench/results/inference"
	"tlsbench/workload"
)

// Report is what a selftest found.
type Report struct {
	OpenSSL    string         `json:"openssl"`
	Seed       uint64         `json:"seed"`
	Workers    int            `json:"workers"`
	Quick      bool           `json:"quick"`
	Cells      []Cell         `json:"cells"` // the order of each row's
	Quiet      []Quiet        `json:"withoutFault"`
	Rows       []Row          `json:"faults"`
	Races      []RaceRow      `json:"races,omitempty"`
	Still      Still          `json:"withoutRace"`
	Strategies []BrokenResult `json:"strategies"`
	Trials     int            `json:"trials"`
	Took       time.Duration  `json:"nanoseconds"`
}

// Quiet is a trial without faults.
type Quiet struct {
	Cell
	Handshakes uint64 `json:"handshakes"`
	Checks     uint64 `json:"checks"`
	Tally      Tally  `json:"events"`
}

// Row is what became of one kind of fault.
type Row struct {
	Fault Fault   `json:"fault"`
	Cells []Tally `json:"cells"`
}

// RaceRow is what the tracer said of one kind of race.
type RaceRow struct {
	Race   workload.Race `json:"race"`
	Blocks int           `json:"blocks"`
	Right  int           `json:"right"` // told as they must be
	Wrong  string        `json:"wrong,omitempty"`
}

// Still is what the tracer said where nobody made a race: the first trial is the
// floor, OpenSSL's own doing, and the others must say the same.
type Still struct {
	Trials int      `json:"trials"`
	Floor  int      `json:"floor"` // blocks
	Alarms []string `json:"alarms,omitempty"`
}

// confidence and leastRecall are the bound of detectors that have to look: 0 of 72
// missed keep it, or 3 of 200.
const (
	confidence  = 0.95
	leastRecall = 0.95
)

// Recall is the share of the faults that were found, with its exact interval
// (Clopper-Pearson).
func (t Tally) Recall() inference.Estimate {
	return inference.Proportion(t.Found, t.Injected, confidence)
}

// Total adds up the row's cells.
func (r Row) Total() Tally {
	var sum Tally
	for _, t := range r.Cells {
		sum.add(t)
	}
	return sum
}

// short says why a cell does not do, "" if it does.
func (r Row) short(t Tally) string {
	switch {
	case t.Injected == 0:
		return "no fault was made"
	case t.FalseAlarms > 0:
		return fmt.Sprintf("%d false alarms, the first: %s", t.FalseAlarms, first(t.Alarms))
	case t.Blamed < t.Found:
		return fmt.Sprintf("%d of %d are blamed on the wrong worker", t.Found-t.Blamed, t.Found)
	case !r.Fault.Looks && t.Found < t.Injected:
		return fmt.Sprintf("%d of %d found, the first missed: %s", t.Found, t.Injected, first(t.Missed))
	case r.Fault.Looks && t.Recall().Low < leastRecall:
		return fmt.Sprintf("%d of %d found: the 95 %% interval begins at %.1f %%, want at least %.0f %%",
			t.Found, t.Injected, 100*t.Recall().Low, 100*leastRecall)
	}
	return ""
}

func first(list []string) string {
	if len(list) == 0 {
		return "not known"
	}
	return list[0]
}

// Shortfalls has a line for each thing that did not hold; none if all did.
func (r *Report) Shortfalls() []string {
	var list []string
	for _, q := range r.Quiet {
		if q.Tally.FalseAlarms > 0 {
			list = append(list, fmt.Sprintf("no fault, %s: %d events, the first: %s", q.Cell, q.Tally.FalseAlarms, first(q.Tally.Alarms)))
		}
		if q.Checks == 0 {
			list = append(list, fmt.Sprintf("trial without faults, %s: no check was made in %d handshakes", q.Cell, q.Handshakes))
		}
	}
	for _, row := range r.Rows {
		for i, t := range row.Cells {
			if !row.Fault.ComesUnder(r.Cells[i].Load) {
				continue
			}
			if why := row.short(t); why != "" {
				list = append(list, fmt.Sprintf("%s, %s: %s", row.Fault.Name, r.Cells[i], why))
			}
		}
	}
	for _, row := range r.Races {
		if row.Right < row.Blocks {
			list = append(list, fmt.Sprintf("%s: %d of %d blocks told rightly: %s", row.Race.Fault, row.Right, row.Blocks, row.Wrong))
		}
	}
	if n := len(r.Still.Alarms); n > 0 {
		list = append(list, fmt.Sprintf("no race: %d raced blocks in %d trials, the first: %s", n, r.Still.Trials, r.Still.Alarms[0]))
	}
	for _, f := range r.Strategies {
		if why := f.short(); why != "" {
			list = append(list, why)
		}
	}
	return list
}
