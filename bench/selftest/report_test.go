package selftest

import (
	"strings"
	"testing"
	"time"

	"tlsbench/results/event"
)

// The bounds of detectors that have to look: 0 of 72 missed, or 3 of 200.
func TestBounds(t *testing.T) {
	looks, exact := Fault{Name: "looks", Looks: true}, Fault{Name: "exact"}
	for _, tc := range []struct {
		fault Fault
		tally Tally
		want  string // in the shortfall; "" = none
	}{
		{looks, Tally{Injected: 72, Found: 72, Blamed: 72}, ""},
		{looks, Tally{Injected: 71, Found: 71, Blamed: 71}, "95 % interval begins at 94.9 %"},
		{looks, Tally{Injected: 200, Found: 197, Blamed: 197}, ""},
		{looks, Tally{Injected: 200, Found: 195, Blamed: 195}, "195 of 200 found"},
		{exact, Tally{Injected: 1, Found: 1, Blamed: 1}, ""},
		{exact, Tally{Injected: 200, Found: 199, Blamed: 199}, "199 of 200 found"},
		{exact, Tally{}, "no fault was made"},
		{exact, Tally{Injected: 2, Found: 2, Blamed: 1}, "1 of 2 are blamed on the wrong worker"},
		{exact, Tally{Injected: 2, Found: 2, Blamed: 2, FalseAlarms: 1, Alarms: []string{"it"}}, "1 false alarms, the first: it"},
	} {
		r := &Report{Cells: []Cell{{"tcp", "global"}}, Rows: []Row{{tc.fault, []Tally{tc.tally}}}}
		got := strings.Join(r.Shortfalls(), "\n")
		if (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
			t.Errorf("%s, %+v: shortfalls %q, want %q", tc.fault.Name, tc.tally, got, tc.want)
		}
	}
}

func TestQuietTrials(t *testing.T) {
	c := Cell{"tcp", "global"}
	for want, q := range map[string]Quiet{
		"":                               {Cell: c, Handshakes: 9, Checks: 9},
		"no fault, tcp/global: 2 events": {Cell: c, Checks: 9, Tally: Tally{FalseAlarms: 2}},
		"trial without faults, tcp/global: no check was made": {Cell: c, Handshakes: 9},
	} {
		got := strings.Join((&Report{Quiet: []Quiet{q}}).Shortfalls(), "\n")
		if (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("shortfalls %q, want %q", got, want)
		}
	}
}

func TestJudge(t *testing.T) {
	base := Measured{Kept: 20 << 10, Handlers: 30 * time.Microsecond}
	for _, tc := range []struct {
		name string
		m    Measured
		want string
	}{
		{"as good", base, "nothing"},
		{"noise", Measured{Kept: 140 << 10, Handlers: 10 * time.Millisecond}, "nothing"},
		{"event", Measured{Events: map[string]uint64{event.Crash: 1}}, "crash 1"},
		{"shared", Measured{SharedSlots: 2}, "shared-slots 2"},
		{"lost", Measured{Events: map[string]uint64{event.LostSlot: 3}, Forks: 4}, "lost-slot 3 in 4 forks"},
		{"leak", Measured{Kept: 276 << 10}, "each worker leaves 276 KiB in the heap, 256 more"},
		{"slow", Measured{Handlers: 50 * time.Millisecond}, "handlers take 50ms, 49.97ms more"},
	} {
		f := BrokenResult{Signs: signsOf(base, tc.m)}
		if got := f.Summary(); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

// A broken one has to be told by its own sign, the good one by none.
func TestFindingShort(t *testing.T) {
	slow := Broken{Name: "sleeps", By: Slow}
	for want, f := range map[string]BrokenResult{
		"":                                       {Strategy: slow, Signs: map[Sign]string{Slow: "x"}},
		"sleeps does not differ from a good one": {Strategy: slow, Signs: map[Sign]string{Damage: "x"}},
		"good is good but was reported as ":      {Strategy: good, Good: true, Signs: map[Sign]string{Damage: "x"}},
	} {
		if got := f.short(); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
