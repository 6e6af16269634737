package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tlsbench/results"
	"tlsbench/results/event"
	"tlsbench/results/page"
	"tlsbench/workload"
	"tlsbench/workload/openssl"
)

// golden compares a text with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// shown is what a person sees of parts.
func shown(t *testing.T, parts ...page.Part) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := show(&out, parts...); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// ours is a slot of libcrypto.
func ours(key int, fate event.SlotState) event.Slot {
	s := event.Slot{Key: key, Known: true, OpenSSL: true, Creator: "libcrypto.so.3", State: fate}
	s.Filled = fate != event.Empty
	s.InHeap = fate == event.SharedSlot
	return s
}

// theirs is a filled slot of another library.
func theirs(key int, fate event.SlotState) event.Slot {
	return event.Slot{Key: key, Known: true, Creator: "libpython3.11.so.1.0", Filled: true, State: fate}
}

func probed(shared int, slots ...event.Slot) *results.ProbedStrategy {
	return &results.ProbedStrategy{SharedAddresses: shared, Keys: slots}
}

// build makes a report of strategies and their probes in turn.
func build(version string, pairs ...any) *buildReport {
	f := newBuildReport(openssl.Build{Name: version, Version: version, Libcrypto: "/lib/libcrypto.so"})
	for i := 0; i < len(pairs); i += 2 {
		p := *pairs[i+1].(*results.ProbedStrategy)
		p.Strategy = pairs[i].(string)
		f.add(&workload.Probed{ProbedStrategy: p})
	}
	return f
}

func reportOf(builds ...*buildReport) *probeReport {
	return &probeReport{&probeCommand{Hazard: "plain", Heap: "global", Locks: "shared", Rand: "default"}, builds}
}

// builtApart is a build with a library that has keys on both sides of
// OpenSSL's, with every mark there is.
func builtApart() *buildReport {
	late := ours(3, event.Cleared)
	late.SharedInUse = true
	unseen := event.Slot{Key: 7, Filled: true, State: "of another kind"}
	return build("3.0.20",
		"none", probed(2, theirs(0, event.Inherited), ours(1, event.SharedSlot), ours(2, event.Empty),
			ours(3, event.SharedSlot), theirs(5, event.Inherited)),
		"temp-thread", probed(0, theirs(0, event.Inherited), ours(1, event.Empty), theirs(5, event.Inherited)),
		"clear:n=2", probed(1, theirs(0, event.Cleared), ours(1, event.Cleared), ours(2, event.Empty),
			late, theirs(5, event.Inherited), unseen),
		"thread-stop", probed(0),
		"pointer-match", &results.ProbedStrategy{NotApplicable: "ERR_get_state"},
		"handing", &results.ProbedStrategy{Skipped: "needs 3 workers or more, not 2"},
		"frees-twice", &results.ProbedStrategy{Events: map[string]uint64{"double-free": 16, "crash": 1}},
		"key-owner", probed(0, theirs(0, event.Inherited), ours(1, event.Cleared), ours(3, event.Replaced)),
		"a-strategy-of-ones-own", probed(0))
}

func TestLedger(t *testing.T) {
	f := reportOf(builtApart())
	golden(t, "ledger.txt", shown(t, append(f.ledger(f.Builds[0]), marksExplained)...))
}

func TestSummary(t *testing.T) {
	f := reportOf(builtApart(), build("4.0.0", "none", probed(1, ours(0, event.SharedSlot))), build("3.6.0"))
	golden(t, "summary.txt", shown(t, f.summary()...))
}

// classic is 1.1.1 as the field describes it: three slots that matter and one
// that no claim is about.
func classic() *buildReport {
	b := build("1.1.1w",
		"none", probed(4, ours(0, event.SharedSlot), ours(1, event.SharedSlot), ours(2, event.SharedSlot), ours(3, event.SharedSlot)),
		"pointer-match", probed(1, ours(0, event.SharedSlot), ours(1, event.Replaced), ours(2, event.Replaced), ours(3, event.Replaced)))
	b.extra[ownRandom] = probed(2, ours(0, event.SharedSlot), ours(1, event.SharedSlot))
	b.extra[tempThread] = probed(4, ours(1, event.SharedSlot))
	b.extra[clearing] = probed(0, theirs(0, event.Inherited), ours(1, event.Cleared))
	b.extra[marking] = probed(0, theirs(9, event.Inherited), ours(1, event.Cleared))
	return b
}

// newer is a 3.x on which nothing is as the field says.
func newer() *buildReport {
	b := build("3.5.7", "none", probed(0, ours(1, event.Inherited)), "pointer-match", probed(0, ours(1, event.Inherited)))
	b.extra[tempThread] = probed(0, ours(1, event.Inherited))
	b.extra[clearing] = probed(0, theirs(0, event.Cleared))
	b.extra[marking] = probed(0, theirs(0, event.Cleared))
	return b
}

func TestClaims(t *testing.T) {
	const c, r, u = confirmed, refuted, untested
	unmatched := classic()
	unmatched.Under("pointer-match").NotApplicable = "ERR_get_state"
	useless := classic()
	useless.extra[ownRandom] = useless.Under("none")
	unseen, crashed := classic(), classic()
	unseen.extra[clearing], unseen.extra[marking] = probed(0), probed(0)
	crashed.extra[clearing].Events, crashed.extra[marking].Events = map[string]uint64{event.Crash: 1}, map[string]uint64{event.Hang: 1}
	tests := []struct {
		name string
		in   *probeReport
		want []string // in the order of claims
	}{
		{"nothing", reportOf(), []string{u, u, u, u, u, u, u, u, u, u}},
		{"classic", reportOf(classic()), []string{c, c, u, c, c, u, c, c, c, c}},
		{"newer", reportOf(newer()), []string{r, u, r, u, u, r, r, r, r, r}},
		{"one refutes for all", reportOf(classic(), newer()), []string{r, c, r, c, c, r, r, r, r, r}},
		{"strategy not applicable", reportOf(unmatched), []string{c, c, u, u, c, u, c, c, c, c}},
		{"method changes nothing", reportOf(useless), []string{c, c, u, c, r, u, c, c, c, c}},
		{"no slot seen", reportOf(unseen), []string{c, c, u, c, c, u, c, c, u, u}},
		{"ended by damage", reportOf(crashed), []string{c, c, u, c, c, u, c, c, u, u}},
		{"nothing asked for", reportOf(build("3.0.1")), []string{u, u, u, u, u, u, u, u, u, u}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, v := range test.in.test() {
				got = append(got, v.Outcome)
				if v.Text == "" || v.Source == "" || v.Detail == "" {
					t.Errorf("claim without text, source or detail: %+v", v)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// The claims are about OpenSSL alone, on a heap that is shared.
func TestClaimsOfOtherSettings(t *testing.T) {
	f := reportOf(classic())
	f.Heap = "private"
	if list := f.test(); list != nil {
		t.Errorf("judged with a private heap: %v", list)
	}
}

func TestVerdictsPrinted(t *testing.T) {
	golden(t, "verdicts.txt", shown(t, verdictParts(reportOf(classic(), newer()).test())...))
}

func TestRanges(t *testing.T) {
	for want, keys := range map[string][]int{"": nil, "0": {0}, "0-2 5": {0, 1, 2, 5}, "1 3-4": {1, 3, 4}} {
		if got := ranges(keys); got != want {
			t.Errorf("%v: %q, want %q", keys, got, want)
		}
	}
}

func TestStopped(t *testing.T) {
	for want, probe := range map[string]*results.ProbedStrategy{
		"all 2 slots of OpenSSL are NULL": probed(0,
			theirs(0, event.Inherited), ours(1, event.Cleared), ours(2, event.Empty)),
		"2 of OpenSSL's 3 slots are not NULL: key 1 of libcrypto.so.3 (shared), key 3 of libcrypto.so.3 (inherited)": probed(0,
			ours(1, event.SharedSlot), ours(2, event.Cleared), ours(3, event.Inherited)),
		"no worker lived to show its slots": probed(0, ours(1, "")),
		"":                                  {NotApplicable: "OPENSSL_thread_stop"},
	} {
		if got := build("3.0.20", "thread-stop", probe).stopped(); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
	if got := build("3.0.20", "hwm", probed(0)).stopped(); got != "" {
		t.Errorf("not probed: %q", got)
	}
}
