package selftest

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	"tlsbench/results/event"
	"tlsbench/workload"
)

// Tally is what became of the faults of some trials.
type Tally struct {
	Trials      int `json:"trials"`
	Injected    int `json:"injected"`
	Found       int `json:"found"`
	Blamed      int `json:"blamed"`      // of those found: the right worker is named
	FalseAlarms int `json:"falseAlarms"` // events that no fault explains
	// Missed and Alarms describe the first few of each.
	Missed []string `json:"missed,omitempty"`
	Alarms []string `json:"alarms,omitempty"`
}

// described is how many misses and false alarms are kept in words.
const described = 5

func (t *Tally) alarm(e workload.Event) {
	t.FalseAlarms++
	if len(t.Alarms) < described {
		t.Alarms = append(t.Alarms, fmt.Sprintf("%s, worker %d: %s", e.Kind, e.Worker, e.Detail))
	}
}

func (t *Tally) miss(in workload.Injection) {
	if len(t.Missed) < described {
		t.Missed = append(t.Missed, fmt.Sprintf("worker %d after %v %s", in.Worker, in.At.Round(time.Microsecond), in.File))
	}
}

func (t *Tally) add(o Tally) {
	t.Trials += o.Trials
	t.Injected += o.Injected
	t.Found += o.Found
	t.Blamed += o.Blamed
	t.FalseAlarms += o.FalseAlarms
	t.Missed = append(t.Missed, o.Missed[:min(len(o.Missed), described-len(t.Missed))]...)
	t.Alarms = append(t.Alarms, o.Alarms[:min(len(o.Alarms), described-len(t.Alarms))]...)
}

// before reports whether a fault came before an event, or at that time. Times are
// exact but for those of draws, which are kept in whole microseconds, rounded down.
func before(in workload.Injection, e workload.Event) bool {
	if e.Kind == event.RepeatedRandom {
		return in.At.Truncate(time.Microsecond) <= e.At
	}
	return in.At <= e.At
}

// match finds for each event the fault that it came of: the latest of that
// worker's before it. An event that comes too late for that, because another
// fault has come meanwhile, is nobody's.
func match(f Fault, peers bool, out *workload.Outcome) Tally {
	t := Tally{Trials: 1, Injected: int(out.Injected)}
	found := make([]bool, len(out.Injections))
	also := make([]bool, len(out.Injections))
	for _, e := range out.Noted {
		seen := found
		if e.Kind == f.Also && f.Also != f.Event {
			seen = also
		} else if e.Kind != f.Event {
			t.alarm(e)
			continue
		}
		i := cause(out.Injections, seen, e, peers)
		if i < 0 {
			t.alarm(e)
			continue
		}
		seen[i] = true
		if e.Kind == f.Event {
			t.Found++
			t.Blamed += right(out.Injections[i], e, peers)
		}
	}
	for i, in := range out.Injections {
		if !found[i] {
			t.miss(in)
		}
	}
	t.countUnlisted(out)
	return t
}

// cause is the index of the fault that an event came of, -1 if there is none.
func cause(list []workload.Injection, seen []bool, e workload.Event, peers bool) int {
	for i, in := range slices.Backward(list) {
		if !before(in, e) {
			continue
		}
		if peers && !seen[i] {
			return i
		}
		if !peers && in.Worker == e.Worker {
			if seen[i] {
				return -1
			}
			return i
		}
	}
	return -1
}

// named is where a detail says whose entry, draw or key it was.
var named = regexp.MustCompile(`entry of worker (-?\d+)|repeats .* of worker (\d+)$|^key (\d+) of `)

// right is 1 if the event names the right worker, and the right source where it
// names one.
func right(in workload.Injection, e workload.Event, peers bool) int {
	if peers && e.Worker != -1 || !peers && e.Worker != in.Worker {
		return 0
	}
	for i, text := range named.FindStringSubmatch(e.Detail) {
		if i > 0 && text != "" && text != strconv.Itoa(in.Other) {
			return 0
		}
	}
	return 1
}

// countUnlisted takes what was counted and is not in the list, for want of room
// there, for false alarms: nobody can say what it came of.
func (t *Tally) countUnlisted(out *workload.Outcome) {
	listed := map[string]uint64{}
	for _, e := range out.Noted {
		listed[e.Kind]++
	}
	for kind, n := range out.Events {
		if n > listed[kind] {
			t.FalseAlarms += int(n - listed[kind])
			t.Alarms = append(t.Alarms, fmt.Sprintf("%d of %s are counted and not listed", n-listed[kind], kind))
		}
	}
}
