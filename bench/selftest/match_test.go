package selftest

import (
	"testing"
	"time"

	"tlsbench/results"
	"tlsbench/workload"
)

const ms = time.Millisecond

func at(worker int, at time.Duration, other int) workload.Injection {
	return workload.Injection{Worker: worker, At: at, Other: other}
}

func noticed(kind string, worker int, at time.Duration, detail string) workload.Event {
	return workload.Event{Kind: kind, Worker: worker, At: at, Detail: detail}
}

func outcome(faults []workload.Injection, events ...workload.Event) *workload.Outcome {
	out := &workload.Outcome{Injected: uint64(len(faults)), Injections: faults, Noted: events, Life: results.Life{Events: map[string]uint64{}}}
	for _, e := range events {
		out.Events[e.Kind]++
	}
	return out
}

func TestMatch(t *testing.T) {
	foreign := Fault{Event: "foreign-error", Also: "failed-handshake"}
	two := []workload.Injection{at(0, 1*ms, 1), at(2, 2*ms, 3)}
	for _, tc := range []struct {
		name                        string
		peers                       bool
		out                         *workload.Outcome
		found, blamed, missed, fals int
	}{
		{"all found", false, outcome(two,
			noticed("foreign-error", 0, 3*ms, "x: entry of worker 1"), noticed("foreign-error", 2, 4*ms, "")), 2, 2, 0, 0},
		{"none found", false, outcome(two), 0, 0, 2, 0},
		{"another worker", false, outcome(two, noticed("foreign-error", 1, 3*ms, "")), 0, 0, 2, 1},
		{"another owner", false, outcome(two, noticed("foreign-error", 0, 3*ms, "x: entry of worker 2")), 1, 0, 1, 0},
		{"twice", false, outcome(two, noticed("foreign-error", 0, 3*ms, ""), noticed("foreign-error", 0, 4*ms, "")), 1, 1, 1, 1},
		{"too early", false, outcome(two, noticed("foreign-error", 2, 1*ms, "")), 0, 0, 2, 1},
		{"consequence", false, outcome(two, noticed("failed-handshake", 0, 3*ms, ""), noticed("foreign-error", 0, 3*ms, "")), 1, 1, 1, 0},
		{"consequence of nothing", false, outcome(two, noticed("failed-handshake", 1, 3*ms, "")), 0, 0, 2, 1},
		{"other kind", false, outcome(two, noticed("overrun", 0, 3*ms, "")), 0, 0, 2, 1},
		{"peers", true, outcome(two, noticed("foreign-error", -1, 3*ms, ""), noticed("foreign-error", -1, 4*ms, "")), 2, 2, 0, 0},
		{"peers name a worker", true, outcome(two, noticed("foreign-error", 0, 3*ms, "")), 1, 0, 1, 0},
		{"one too many of peers", true, outcome(two[:1], noticed("foreign-error", -1, 3*ms, ""), noticed("foreign-error", -1, 4*ms, "")), 1, 1, 0, 1},
	} {
		got := match(foreign, tc.peers, tc.out)
		if got.Found != tc.found || got.Blamed != tc.blamed || len(got.Missed) != tc.missed || got.FalseAlarms != tc.fals {
			t.Errorf("%s: %+v, want %d found, %d blamed, %d missed, %d false alarms", tc.name, got, tc.found, tc.blamed, tc.missed, tc.fals)
		}
	}
}

// An event that an earlier fault came of is not put down to a later one's, and a
// miss is not made good by a false alarm that comes after the next fault.
func TestMissIsNotMadeGood(t *testing.T) {
	faults := []workload.Injection{at(0, 1*ms, -1), at(0, 5*ms, -1)}
	got := match(Fault{Event: "overrun"}, false, outcome(faults, noticed("overrun", 0, 6*ms, ""), noticed("overrun", 0, 7*ms, "")))
	if got.Found != 1 || got.FalseAlarms != 1 || len(got.Missed) != 1 {
		t.Errorf("%+v, want one found, one false alarm, one missed", got)
	}
}

// A fault that comes a moment after an event is not what it came of, however
// short the moment; draws are told in whole microseconds.
func TestNextFaultIsNotTheCause(t *testing.T) {
	const ns = time.Nanosecond
	for _, tc := range []struct {
		kind string
		seen time.Duration // of the first event
	}{
		{"overrun", 1*ms + 300*ns},
		{"repeated-random", 1 * ms},
	} {
		faults := []workload.Injection{at(0, 1*ms+200*ns, -1), at(0, 1*ms+1200*ns, -1)}
		got := match(Fault{Event: tc.kind}, false, outcome(faults, noticed(tc.kind, 0, tc.seen, ""), noticed(tc.kind, 0, 2*ms, "")))
		if got.Found != 2 || got.FalseAlarms != 0 || len(got.Missed) != 0 {
			t.Errorf("%s: %+v, want both found", tc.kind, got)
		}
	}
}

// What was counted beyond the list is not passed over.
func TestUnlistedEvents(t *testing.T) {
	out := outcome([]workload.Injection{at(0, 1*ms, -1)}, noticed("overrun", 0, 2*ms, ""))
	out.Events["overrun"] = 4
	if got := match(Fault{Event: "overrun"}, false, out); got.FalseAlarms != 3 {
		t.Errorf("%d false alarms, want the 3 that are not listed", got.FalseAlarms)
	}
}

func TestNamedSource(t *testing.T) {
	for _, tc := range []struct {
		detail string
		other  int
		want   int
	}{
		{"RAND_bytes of worker 1 repeats RAND_priv_bytes of worker 3", 3, 1},
		{"RAND_bytes of worker 1 repeats RAND_priv_bytes of worker 2", 3, 0},
		{"key 7 of tlsbench: rank 0's value is gone", 7, 1},
		{"key 7 of tlsbench: rank 0's value is gone", 17, 0},
		{"cleared by OpenSSL: entry of worker -1", 2, 0},
		{"with my entry: my entry is gone", -1, 1},
	} {
		if got := right(at(1, 0, tc.other), noticed("", 1, 0, tc.detail), false); got != tc.want {
			t.Errorf("%q with source %d: %d, want %d", tc.detail, tc.other, got, tc.want)
		}
	}
}

// However many workers there are, a trial of a second has room for its events:
// each fault may be seen as one, or fail a handshake besides.
func TestFaultsHaveRoom(t *testing.T) {
	const room = 1024
	for _, workers := range []int{2, 4, 5, 16, 64} {
		if n := workers * int(time.Second/gapFor(workers)); n > room*8/10 {
			t.Errorf("%d workers: about %d faults a second", workers, n)
		}
	}
}
