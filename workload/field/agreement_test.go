package field

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tlsbench/results"
	"tlsbench/strategies"
)

func choice(t *testing.T, name string) strategies.Choice {
	t.Helper()
	c, err := strategies.Parse(name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func daemon(t *testing.T, name string) Daemon {
	t.Helper()
	list, err := ParseReleases([]string{name})
	if err != nil {
		t.Fatal(err)
	}
	return Daemon{Release: list[0]}
}

// Each strategy is asked for in every way that a daemon can have it.
func TestCases(t *testing.T) {
	p := Plan{
		Daemons: []Daemon{daemon(t, "5.6"), daemon(t, "6.0")}, MemSafety: []int{0, 1}, Python: []string{"", "before"},
		Strategies: []strategies.Choice{choice(t, "none"), choice(t, "temp-thread"), choice(t, "hwm"), choice(t, "hwm:scan=64")},
	}
	var got []string
	for _, c := range p.Cases() {
		got = append(got, c.String())
	}
	var want []string
	for _, c := range []struct{ version, fixes, rest string }{
		{"5.6", "none;temp-thread;hwm;hwm:scan=64", "mem_safety 0"},
		{"5.6", "none;temp-thread;hwm;hwm:scan=64", "mem_safety 1"},
		{"5.6", "none;temp-thread;hwm;hwm:scan=64", "mem_safety 0, python before the TLS module"},
		{"6.0", "none;temp-thread;hwm;hwm (mode 1);hwm (mode 2);hwm:scan=64", "mem_safety 0"},
		{"6.0", "none;temp-thread;hwm;hwm (mode 1);hwm (mode 2);hwm:scan=64", "mem_safety 1"},
		{"6.0", "none;temp-thread;hwm;hwm (mode 1);hwm (mode 2);hwm:scan=64", "mem_safety 0, python before the TLS module"},
	} {
		for fix := range strings.SplitSeq(c.fixes, ";") {
			want = append(want, "kamailio "+c.version+", "+fix+", "+c.rest)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("cases (-want +got):\n%s", diff)
	}
}

// The verdict words of both sides, and what is made of them.
func TestCompare(t *testing.T) {
	outcome := func(kinds ...string) *Outcome {
		o := &Outcome{Events: map[string]uint64{}}
		for _, k := range kinds {
			o.Events[k]++
		}
		return o
	}
	rig := func(kinds ...string) []*results.Trial {
		return []*results.Trial{{Status: results.OK, Events: outcome(kinds...).Events}}
	}
	skipped := []*results.Trial{{Status: results.Skipped, Reason: "no libpython"}}
	for _, tc := range []struct {
		name    string
		release string
		daemon  *Outcome
		err     error
		rig     []*results.Trial
		agree   Agreement
		why     string
	}{
		{"both clean", "6.0", outcome(), nil, rig(), Agrees, ""},
		{"both damaged, each in its way", "6.0", outcome("crash"), nil, rig("foreign-error"), Agrees, ""},
		{"daemon damaged", "6.0", outcome("double-free"), nil, rig(), Disagrees, "the daemon was damaged, the rig was not"},
		{"rig damaged", "6.0", outcome(), nil, rig("double-free"), Disagrees, "the rig looks inside"},
		{"slots lost: the daemon cannot tell", "6.0", outcome(), nil, rig("lost-slot"), Agrees, ""},
		{"the daemon's own generator repeats", "5.6", outcome("repeated-random"), nil, rig(), Agrees, "the TLS module's own generator"},
		{"OpenSSL's generator repeats", "6.0", outcome("repeated-random"), nil, rig(), Disagrees, "the daemon was damaged"},
		{"rig skipped", "6.0", outcome("crash"), nil, skipped, NoAnswer, ""},
		{"daemon not started", "6.0", nil, errors.New("no"), rig(), NoAnswer, ""},
		{"not applicable", "6.0", &Outcome{NotApplicable: "RAND_get0_public"}, nil, rig(), NoAnswer, ""},
	} {
		c := Case{Daemon: daemon(t, tc.release), Strategy: choice(t, "hwm")}
		r := record{trials: []*results.Trial{judged(c, tc.daemon, tc.err)}}
		if tc.daemon != nil {
			r.outcomes = []*Outcome{tc.daemon}
		}
		got := compare(c, r, tc.rig)
		if got.Agree != tc.agree || !strings.Contains(got.Why, tc.why) || tc.why == "" && got.Why != "" {
			t.Errorf("%s: agree %q, %q (daemon %v, rig %v); want %q, %q", tc.name, got.Agree, got.Why, got.Daemon, got.Rig, tc.agree, tc.why)
		}
	}
}

func TestDisagreementsComeFirst(t *testing.T) {
	list := Sorted([]Comparison{{Agree: NoAnswer}, {Agree: Agrees}, {Agree: Disagrees}, {Agree: Agrees}})
	if list[0].Agree != Disagrees || list[3].Agree != NoAnswer {
		t.Errorf("order %v", list)
	}
	if agree, answered := Score(list); agree != 2 || answered != 3 {
		t.Errorf("score %d of %d, want 2 of 3", agree, answered)
	}
}

// Every case runs once in each round, and in another order.
func TestShuffled(t *testing.T) {
	a, b := shuffled(20, 1, 0), shuffled(20, 1, 1)
	seen := map[int]bool{}
	for _, i := range a {
		seen[i] = true
	}
	if len(seen) != 20 || cmp.Equal(a, b) || !cmp.Equal(a, shuffled(20, 1, 0)) {
		t.Errorf("orders %v and %v", a, b)
	}
}

// What the verdict leaves out, the facts leave out too.
func TestFacts(t *testing.T) {
	c := Comparison{
		Case: Case{Daemon: daemon(t, "5.6")},
		Outcomes: []*Outcome{
			{Good: 300, Load: 2 * time.Second, Memory: 5, Noted: []Event{{Kind: "repeated-random", At: 1}, {Kind: "crash", At: 90}}},
			{Good: 100, Load: 2 * time.Second, Memory: 9, Noted: []Event{{Kind: "double-free", At: 70}}},
			{NotApplicable: "RAND_get0_public"},
		},
		Daemon: results.Verdict{Trials: 2, Damaged: 2},
	}
	want := Facts{Trials: 2, Damaged: 2, First: 70, Served: 400, Rate: 100, Memory: 9}
	if diff := cmp.Diff(want, c.Facts()); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
}
