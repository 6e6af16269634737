package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tlsbench/results"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload"
)

func choice(t *testing.T, name string) catalogue.Choice {
	t.Helper()
	c, err := catalogue.Parse(name)
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
	return Daemon{Release: list[0], Package: name + "-1", OpenSSL: list[0].Line + ".1"}
}

// Each strategy is asked for in every way that a daemon can have it.
func TestCases(t *testing.T) {
	p := Plan{
		Daemons: []Daemon{daemon(t, "5.6"), daemon(t, "6.0")}, MemSafety: []int{0, 1}, Python: []string{"", "before"},
		Strategies: []catalogue.Choice{choice(t, "none"), choice(t, "temp-thread"), choice(t, "hwm"), choice(t, "hwm:scan=64")},
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

func smallPlan(t *testing.T) *Plan {
	return &Plan{
		Daemons: []Daemon{daemon(t, "5.4"), daemon(t, "6.0")}, MemSafety: []int{0, 1}, Python: []string{"", "after"},
		Strategies: []catalogue.Choice{choice(t, "none"), choice(t, "temp-thread"), choice(t, "hwm")},
		Readers:    4, BadShare: 0.2, TLS: "1.3", Seed: 7, Rounds: 2, ControlRounds: 5,
		Duration: time.Second, Patience: 10 * time.Second, RigDuration: time.Second,
	}
}

// Every case runs once in each round, those without a fix on OpenSSL 3 more
// often, and the rig once a round for all cases that it cannot tell apart.
func TestTasks(t *testing.T) {
	p := smallPlan(t)
	daemons, rigs := map[string]int{}, map[string]int{}
	tasks := p.Tasks()
	for i, task := range tasks {
		if task.ID != i+1 || task.Seed != p.Seed+uint64(task.Round)-1 {
			t.Errorf("task %d: ID %d, seed %d in round %d", i, task.ID, task.Seed, task.Round)
		}
		if task.Rig {
			rigs[task.Case.RigKey()]++
		} else {
			daemons[task.Case.String()]++
		}
	}
	for name, n := range daemons {
		want := 2
		if strings.HasPrefix(name, "kamailio 6.0, none, mem_safety") && !strings.Contains(name, "python") {
			want = 5
		}
		if n != want {
			t.Errorf("%s: %d trials, want %d", name, n, want)
		}
	}
	// Two OpenSSLs, two fixes that a daemon can have, three times hazard and
	// heap safety.
	if len(daemons) != len(p.Cases()) || len(rigs) != 2*2*3 {
		t.Errorf("%d cases, want %d; %d settings of the rig, want 12", len(daemons), len(p.Cases()), len(rigs))
	}
	for key, n := range rigs {
		want := 2
		if strings.HasPrefix(key, "openssl=3.5/hazard=plain/") && strings.HasSuffix(key, "strategy=none") {
			want = 5
		}
		if n != want {
			t.Errorf("rig %s: %d trials, want %d", key, n, want)
		}
	}
	if !cmp.Equal(tasks, p.Tasks()) {
		t.Error("the order is another one each time")
	}
	p.Seed++
	if cmp.Equal(tasks[0].Case, p.Tasks()[0].Case) && cmp.Equal(tasks[1].Case, p.Tasks()[1].Case) && cmp.Equal(tasks[2].Case, p.Tasks()[2].Case) {
		t.Error("the order does not follow the seed")
	}
}

// A plan comes back from a file, and its rig's keys are what hazards are
// called.
func TestPlanIsReadBack(t *testing.T) {
	p := smallPlan(t)
	p.Strategies = append(p.Strategies, choice(t, "clear:n=20"))
	text, err := p.document()
	if err != nil {
		t.Fatal(err)
	}
	back, err := parsePlan(text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, back); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
	c := Case{Daemon: daemon(t, "5.6"), Strategy: choice(t, "none"), Mode: NoMode, Python: "before"}
	if got, want := c.RigKey(), "openssl=3.0/hazard=python:before=1/heap-safety=abort/strategy=none/rand=method"; got != want {
		t.Errorf("key of the rig %q, want %q", got, want)
	}
}

// shortRun is a runner whose trials say at once that nothing was seen, and a
// file for it.
func shortRun(t *testing.T) (*Runner, string) {
	r := &Runner{Plan: smallPlan(t), execute: func(_ context.Context, task Task) *results.FieldTrial { return newRecord(task) }}
	return r, filepath.Join(t.TempDir(), "field.txt")
}

func idsIn(t *testing.T, path string) []int {
	t.Helper()
	f, err := results.ReadField(path)
	if err != nil {
		t.Fatal(err)
	}
	var ids []int
	for _, trial := range f.Trials {
		ids = append(ids, trial.ID)
	}
	return ids
}

// An interrupted run goes on where it was, a torn last line is run again, and
// the file is in the end what it would have been at once.
func TestResume(t *testing.T) {
	r, path := shortRun(t)
	ctx, cancel := context.WithCancel(context.Background())
	real := r.execute
	r.execute = func(ctx context.Context, task Task) *results.FieldTrial {
		if task.ID == 4 {
			cancel()
		}
		return real(ctx, task)
	}
	sum, err := r.Run(ctx, path)
	if !errors.Is(err, context.Canceled) || sum.Done != 3 || !cmp.Equal(idsIn(t, path), []int{1, 2, 3}) {
		t.Fatalf("interrupted: %+v, %v, trials %v; want 1, 2, 3", sum, err, idsIn(t, path))
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"id":4,"daemon":{`); err != nil {
		t.Fatal(err)
	}
	f.Close()
	r.execute = real
	sum, err = r.Resume(context.Background(), path)
	total := len(r.Plan.Tasks())
	if err != nil || sum.Ran != total-3 || sum.Done != total || len(idsIn(t, path)) != total {
		t.Errorf("resumed: %+v, %v, %d trials; want %d", sum, err, len(idsIn(t, path)), total)
	}
	if sum, err = r.Resume(context.Background(), path); err != nil || sum.Ran != 0 {
		t.Errorf("a whole file: %+v, %v; want nothing run", sum, err)
	}
}

// A file of another plan is refused with what differs, and left as it is.
func TestResumeRefuses(t *testing.T) {
	r, path := shortRun(t)
	if _, err := r.Run(context.Background(), path); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Plan){
		"it was made with seed 7, and this run has 8":         func(p *Plan) { p.Seed = 8 },
		"it was made with mem_safety [0,1], and this run has": func(p *Plan) { p.MemSafety = []int{1} },
		"it was made with daemons [":                          func(p *Plan) { p.Daemons[1].Package = "6.0-2" },
		`strategy none is given twice`:                        func(p *Plan) { p.Strategies = append(p.Strategies, p.Strategies[0]) },
	} {
		other := &Runner{Plan: smallPlan(t), execute: r.execute}
		change(other.Plan)
		if _, err := other.Resume(context.Background(), path); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want a refusal with %q", err, want)
		}
	}
	if _, err := r.Run(context.Background(), path); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("run over it: error %v", err)
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("the file was changed (%v)", err)
	}
}

// Two runs do not write one file.
func TestResumeOfAFileInUse(t *testing.T) {
	r, path := shortRun(t)
	r.execute = func(_ context.Context, task Task) *results.FieldTrial {
		if task.ID == 1 {
			other := &Runner{Plan: smallPlan(t)}
			if _, err := other.Resume(context.Background(), path); err == nil || !strings.Contains(err.Error(), "is being written by another process") {
				t.Errorf("error %v", err)
			}
		}
		return newRecord(task)
	}
	if _, err := r.Run(context.Background(), path); err != nil {
		t.Fatal(err)
	}
}

// What breaks every daemon ends the run, and its reason is told.
func TestRunGivesUp(t *testing.T) {
	r, path := shortRun(t)
	r.execute = func(_ context.Context, task Task) *results.FieldTrial {
		if task.Rig {
			return newRecord(task)
		}
		return daemonRecord(task, nil, errors.New("no memory"))
	}
	sum, err := r.Run(context.Background(), path)
	if err == nil || !strings.Contains(err.Error(), "10 trials of daemons in a row could not be carried out, the last: no memory") || sum.Failed != 10 {
		t.Errorf("%+v, %v", sum, err)
	}
}

// The packages of an interrupted run may have been replaced in the archive.
func TestAttach(t *testing.T) {
	p := smallPlan(t)
	here := []Daemon{daemon(t, "6.0"), daemon(t, "5.4")}
	here[0].Tree = "there"
	if err := p.Attach(here); err != nil || p.Daemons[1].Tree != "there" {
		t.Errorf("%v, daemons %+v", err, p.Daemons)
	}
	here[0].Package = "6.0-2"
	if err := p.Attach(here); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "package 6.0-1 on OpenSSL 3.5.1, and here are 6.0-2 on 3.5.1") {
		t.Errorf("another package: %v", err)
	}
	if err := p.Attach(here[1:]); err == nil || err.Error() != "kamailio 6.0, which the file's plan has, is not here" {
		t.Errorf("none: %v", err)
	}
}

// What a trial came to, as the file has it: the first event of each kind.
func TestDaemonRecord(t *testing.T) {
	task := Task{ID: 3, Round: 1, Seed: 9, Case: Case{Daemon: daemon(t, "6.0"), Strategy: choice(t, "none"), Mode: 2}}
	out := &workload.Outcome{Handshakes: 5, Load: time.Second, Memory: 9, Events: map[string]uint64{"crash": 1, "double-free": 2},
		Noted: []workload.Event{{Kind: "crash", At: 30, Detail: "c"}, {Kind: "double-free", At: 10, Detail: "a"}, {Kind: "double-free", At: 20, Detail: "b"}}}
	got := daemonRecord(task, out, nil)
	if got.Daemon.Fix() != "hwm (mode 2)" || got.Status != results.OK || got.Handshakes != 5 {
		t.Errorf("record %+v of %+v", got, got.Daemon)
	}
	want := []results.FieldEvent{{Kind: "double-free", At: 10, Detail: "a"}, {Kind: "crash", At: 30, Detail: "c"}}
	if diff := cmp.Diff(want, got.First); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if _, err := json.Marshal(got); err != nil {
		t.Error(err)
	}
	if got := daemonRecord(task, &workload.Outcome{NotApplicable: "x"}, nil); got.Status != results.NotApplicable || got.Reason != "x" {
		t.Errorf("not applicable: %+v", got)
	}
}
