package workload

import (
	"fmt"
	"slices"
	"strings"

	"tlsbench/results"
)

// Race is a use that two processes make on purpose of blocks that rank 0
// allocated, and what the tracer must say of each of them.
type Race struct {
	Fault   string `json:"fault"` // one of Faults
	Summary string `json:"summary"`
	Raced   bool   `json:"raced"`
	// ReadRaced: one process writes, the other reads.
	ReadRaced bool   `json:"read_raced"`
	Writers   []int  `json:"writers,omitempty"`
	Readers   []int  `json:"readers,omitempty"`
	Hazard    string `json:"hazard,omitempty"` // that it needs
}

// RacedOn is the number of blocks of each race; see faultrace.c.
const RacedOn = 100

// Races lists them all. Workers are told apart by number, rank 0 is -1.
var Races = []Race{
	{"race", "two workers write without a lock", true, false, []int{0, 1}, nil, ""},
	{"race-locked", "two workers write under one lock", false, false, nil, nil, ""},
	{"race-two-locks", "two workers write, each under a lock of its own", true, false, []int{0, 1}, nil, ""},
	{"race-read-locked", "two workers write under a lock held for reading", true, false, []int{0, 1}, nil, ""},
	{"race-late", "two workers write under one lock at first, and then without", true, false, []int{0, 1}, nil, ""},
	{"race-atomic", "two workers write by atomic instructions", false, false, nil, nil, ""},
	{"race-read", "one worker writes, another one reads", false, true, []int{0}, []int{1}, ""},
	{"race-free", "one worker writes, another one frees", true, false, []int{0, 1}, nil, ""},
	{"race-rank0", "rank 0 writes between forks, and a worker that it has forked", true, false, []int{0, -1}, nil, ""},
	{"race-write-locked", "two workers write under a lock held for writing", false, false, nil, nil, ""},
	{"race-spin-locked", "two workers write under a spin lock", false, false, nil, nil, ""},
	{"race-waited", "two workers write under one lock, after they waited for a condition", false, false, nil, nil, ""},
	{"race-pages", "two workers write across the border of two pages", true, false, []int{0, 1}, nil, ""},
	{"race-masked", "two workers write with all signals blocked", true, false, []int{0, 1}, nil, ""},
	{"race-signal", "two workers write in a signal handler, under a lock and then without", true, false, []int{0, 1}, nil, ""},
	{"race-child", "a worker and its own child write what the worker allocated", true, false, []int{0, -2}, nil, "worker-forks"},
	{"race-kernel", "two workers let system calls write under a lock, and one writes without", true, false, []int{0, 1}, nil, ""},
	{"race-kernel-read", "one worker writes, and another one lets system calls read", false, true, []int{0}, []int{1}, ""},
}

// Config makes a trial of the race: everything raced in it is the race's, and
// the floor's.
func (r Race) Config(cfg Config) Config {
	cfg.Heap, cfg.Load, cfg.Workers, cfg.Handshakes, cfg.Duration = results.Traced, "memory", 3, 12, 0
	cfg.Hazard, cfg.Fault, cfg.FaultWorker = r.Hazard, r.Fault, EachWorker
	return cfg
}

// Told counts the blocks of which the tracer said what it must, and gives the
// first of which it did not.
func (r Race) Told(o *Outcome) (right int, wrong string) {
	if o.Trace == nil || o.Injected == 0 {
		return 0, "no race was made"
	}
	seen := 0
	for _, b := range o.Raced {
		if !strings.HasPrefix(b.Site, "faultrace.c:") {
			continue
		}
		seen++
		if b.ReadRaced == r.ReadRaced && (r.Raced || r.ReadRaced) && slices.Equal(b.Writers, r.Writers) && slices.Equal(b.Readers, r.Readers) {
			right++
		} else if wrong == "" {
			wrong = fmt.Sprintf("read-raced %v, written by %s, read by %s", b.ReadRaced, results.Who(b.Writers), results.Who(b.Readers))
		}
	}
	if !r.Raced && !r.ReadRaced {
		return RacedOn - seen, wrong
	}
	if wrong == "" && seen < RacedOn {
		wrong = fmt.Sprintf("%d of %d blocks are not races to the tracer", RacedOn-seen, RacedOn)
	}
	return right, wrong
}
