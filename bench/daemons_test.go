package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tlsbench/results"
	"tlsbench/results/event"
	"tlsbench/workload"
	"tlsbench/workload/daemon"
)

// fakeDaemon is a release that is on no disk.
func fakeDaemon(t testing.TB, release string) daemon.Daemon {
	t.Helper()
	list, err := daemon.ParseReleases([]string{release})
	if err != nil {
		t.Fatal(err)
	}
	return daemon.Daemon{Release: list[0], Package: release + ".1-2+deb1", OpenSSL: list[0].Line + ".9"}
}

// daemonSpec is of two daemons and the rig: one with its own random
// generator, one with modes.
func daemonSpec(t testing.TB, names ...string) Spec {
	s := Spec{Spec: results.Spec{
		Strategies: choose(names...), Workers: []int{4}, HeapSafety: []string{"abort", "count"}, Hazards: []string{"plain", "python"},
		Measures: []results.Measure{results.Corruption}, Rounds: 2, Seed: 7, HandshakeTime: time.Second, CorruptionTime: time.Second,
		Daemon: results.DaemonSpec{Duration: 2 * time.Second, Patience: 10 * time.Second, ControlRounds: 5},
	}}
	for _, name := range []string{"5.4", "6.0"} {
		d := fakeDaemon(t, name)
		s.Daemon.List = append(s.Daemon.List, NewDaemon(d))
		build := fakeBuild(d.Release.Line + ".1")
		build.Build.Name = d.Release.Line
		s.Builds = append(s.Builds, build)
	}
	return s
}

func newDaemonRunner(t testing.TB, s Spec) *Runner {
	r := newRunner(mustPlan(t, s, Shard{}))
	r.Daemons = []daemon.Daemon{fakeDaemon(t, "5.4"), fakeDaemon(t, "6.0")}
	return r
}

// Each strategy is asked for in every way that a daemon can have it, and the rig
// next to it in the same place; its controls are there as in any other plan.
func TestDaemonCells(t *testing.T) {
	var got []string
	for _, c := range mustPlan(t, daemonSpec(t, "none", "temp-thread", "hwm"), Shard{}).Cells() {
		got = append(got, strings.Replace(strings.TrimPrefix(c.Name(), "BenchmarkCorruption/openssl="), "/load=tcp/heap=global", "", 1))
	}
	var want []string
	for _, place := range []struct{ before, after, strategies string }{
		{"1.1.1.9/hazard=plain/server=kamailio-5.4.1/rand=method", "/heap-safety=abort", "none temp-thread hwm"},
		{"1.1.1.1/hazard=plain/rand=method", "/heap-safety=abort", "none hwm"},
		{"1.1.1.9/hazard=plain/server=kamailio-5.4.1/rand=method", "", "none temp-thread hwm"},
		{"1.1.1.1/hazard=plain/rand=method", "", "none hwm"},
		{"1.1.1.9/hazard=python/server=kamailio-5.4.1/rand=method", "/heap-safety=abort", "none temp-thread hwm"},
		{"1.1.1.1/hazard=python/rand=method", "/heap-safety=abort", "none hwm"},
		{"3.5.9/hazard=plain/server=kamailio-6.0.1", "/heap-safety=abort", "none temp-thread hwm hwm:mode=1 hwm:mode=2"},
		{"3.5.1/hazard=plain", "/heap-safety=abort", "none hwm"},
		{"3.5.9/hazard=plain/server=kamailio-6.0.1", "", "none temp-thread hwm hwm:mode=1 hwm:mode=2"},
		{"3.5.1/hazard=plain", "", "none hwm key-owner"},
		{"3.5.9/hazard=python/server=kamailio-6.0.1", "/heap-safety=abort", "none temp-thread hwm hwm:mode=1 hwm:mode=2"},
		{"3.5.1/hazard=python", "/heap-safety=abort", "none hwm"},
		{"1.1.1.1/hazard=plain", "", "none key-owner"},
	} {
		for strategy := range strings.FieldsSeq(place.strategies) {
			want = append(want, fmt.Sprintf("%s%s/strategy=%s/workers=4", place.before, place.after, strategy))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("cells (-want +got):\n%s", diff)
	}
}

// Under the tracer each place is asked for once, and a daemon's cells say what the
// rig's do.
func TestTracedDaemonCells(t *testing.T) {
	s := daemonSpec(t, "none", "hwm")
	s.Measures, s.HeapSafety, s.Hazards, s.Rounds = []results.Measure{results.Sharing}, nil, nil, 1
	s.Daemon.ControlRounds = 0
	var got []string
	plan := mustPlan(t, s, Shard{})
	for _, c := range plan.Cells() {
		got = append(got, strings.TrimPrefix(c.Name(), "BenchmarkSharing/openssl="))
	}
	const place = "/hazard=plain/load=tcp/heap=traced"
	want := []string{
		"1.1.1.9" + place + "/server=kamailio-5.4.1/rand=method/strategy=none/workers=4",
		"1.1.1.9" + place + "/server=kamailio-5.4.1/rand=method/strategy=hwm/workers=4",
		"1.1.1.1" + place + "/rand=method/strategy=none/workers=4",
		"1.1.1.1" + place + "/rand=method/strategy=hwm/workers=4",
		"3.5.9" + place + "/server=kamailio-6.0.1/strategy=none/workers=4",
		"3.5.9" + place + "/server=kamailio-6.0.1/strategy=hwm/workers=4",
		"3.5.9" + place + "/server=kamailio-6.0.1/strategy=hwm:mode=1/workers=4",
		"3.5.9" + place + "/server=kamailio-6.0.1/strategy=hwm:mode=2/workers=4",
		"3.5.1" + place + "/strategy=none/workers=4",
		"3.5.1" + place + "/strategy=hwm/workers=4",
		"3.5.1" + place + "/strategy=key-owner/workers=4",
		"1.1.1.1" + place + "/strategy=none/workers=4",
		"1.1.1.1" + place + "/strategy=key-owner/workers=4",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("cells (-want +got):\n%s", diff)
	}
	if plan.Len() != len(want) {
		t.Errorf("%d trials, want one of each cell", plan.Len())
	}
	s.Workers = []int{49}
	if _, err := NewPlan(s, Shard{}); err == nil || err.Error() != "readers 49: the tracer takes 1 to 48" {
		t.Errorf("49 readers: %v", err)
	}
}

// Every cell has a trial in each round, those without a fix on OpenSSL 3 more
// often, in the daemon and in the rig; all shards together have each once.
func TestDaemonTasks(t *testing.T) {
	s := daemonSpec(t, "none", "temp-thread", "hwm")
	whole := mustPlan(t, s, Shard{})
	trials := map[string]int{}
	ids := map[int]bool{}
	for task := range whole.Tasks() {
		trials[task.Cell.Name()]++
		ids[task.ID] = true
	}
	total := 0
	for _, c := range whole.Cells() {
		want := 2
		if c.Strategy == "none" && c.Hazard == "plain" && strings.HasPrefix(c.OpenSSL, "3.") {
			want = 5
		}
		if total += want; trials[c.Name()] != want {
			t.Errorf("%s: %d trials, want %d", c.Name(), trials[c.Name()], want)
		}
	}
	if len(ids) != total || whole.Len() != total {
		t.Errorf("%d numbers, length %d, want %d", len(ids), whole.Len(), total)
	}
	for i := range 3 {
		for task := range mustPlan(t, s, Shard{i + 1, 3}).Tasks() {
			if !ids[task.ID] {
				t.Errorf("trial %d is in two shards, or in none of the plan", task.ID)
			}
			delete(ids, task.ID)
		}
	}
	if len(ids) > 0 {
		t.Errorf("%d trials are in no shard", len(ids))
	}
	s.Daemon.NoRig, s.Builds = true, nil
	for _, c := range mustPlan(t, s, Shard{}).Cells() {
		if c.Server() == "" {
			t.Errorf("without a rig there is %s", c.Name())
		}
	}
}

// What a daemon is told: its own length, patience where nothing protects it, the
// heap safety if it is not count, and the server itself.
func TestDaemonConfig(t *testing.T) {
	r := newDaemonRunner(t, daemonSpec(t, "none", "hwm"))
	r.Port = 7
	seen := map[string]bool{}
	r.Execute = func(_ context.Context, c workload.Config) (*workload.Outcome, error) {
		if (c.Server == nil) != (c.Duration == time.Second) {
			t.Errorf("a trial of %v with a server: %v", c.Duration, c.Server != nil)
		}
		if c.Server != nil {
			seen[c.HeapSafety+" "+c.Hazard] = true
		}
		return &workload.Outcome{Life: results.Life{Handshakes: 5, Attempts: 5, Load: time.Second, Mark: "m", Ignored: map[string]uint64{event.RepeatedRandom: 2}, Events: map[string]uint64{"crash": 1}}, Memory: 9,
			Noted: []workload.Event{{Kind: "crash", Worker: -1, At: 30, Detail: "c"}}}, nil
	}
	path := resultsPath(t)
	if _, err := r.Run(context.Background(), path); err != nil {
		t.Fatal(err)
	}
	if !seen["abort plain"] || !seen[" plain"] || !seen["abort python"] || len(seen) != 3 {
		t.Errorf("heap safety and hazards of daemons: %v", seen)
	}
	for _, got := range readTrials(t, path) {
		if got.Cell.Server() == "" {
			continue
		}
		memory, _ := got.Metric(results.MemoryBytes)
		if got.Mark != "m" || got.Ignored[event.RepeatedRandom] != 2 || memory != 9 || got.Status != results.OK ||
			!slices.Equal(got.Detail, []string{"0s, " + got.Cell.Server() + ": crash: c"}) {
			t.Fatalf("record %+v", got)
		}
	}
	set, err := results.ReadFiles(path)
	if err != nil {
		t.Fatal(err)
	}
	if h := set.Files[0].Header; h.Get(results.DaemonsKey) != "kamailio-5.4.1 kamailio-6.0.1" || h.Get("kamailio-6.0.1") != "6.0.1-2+deb1" {
		t.Errorf("header %v", h.Config)
	}
	if others, daemons, _ := results.Sorted([]string{path, "/nowhere"}); len(others) != 1 || len(daemons) != 1 || daemons[0] != path {
		t.Error("files of daemons are not told from others")
	}
}

// A strategy that no daemon can have is not applicable, in the daemon's words.
func TestDaemonNotApplicable(t *testing.T) {
	r := newDaemonRunner(t, daemonSpec(t, "temp-thread"))
	r.Execute = func(context.Context, workload.Config) (*workload.Outcome, error) {
		return &workload.Outcome{NotApplicable: "x"}, nil
	}
	path := resultsPath(t)
	if _, err := r.Run(context.Background(), path); err != nil {
		t.Fatal(err)
	}
	for _, got := range readTrials(t, path) {
		if got.Cell.Server() != "" && (got.Status != results.NotApplicable || got.Reason != "x") {
			t.Fatalf("%s: %s, %s", got.Cell.Name(), got.Status, got.Reason)
		}
	}
}

// An interrupted run goes on where it was, and the file is in the end what it
// would have been at once; a file of other daemons is refused, and left alone.
func TestDaemonResume(t *testing.T) {
	s := daemonSpec(t, "none", "hwm")
	r, path := newDaemonRunner(t, s), resultsPath(t)
	ctx, cancel := context.WithCancel(context.Background())
	done := 0
	r.Execute = func(ctx context.Context, c workload.Config) (*workload.Outcome, error) {
		if done++; done == 4 {
			cancel()
		}
		return fakeExecute(ctx, c)
	}
	if sum, err := r.Run(ctx, path); !errors.Is(err, context.Canceled) || sum.Done != 3 {
		t.Fatalf("interrupted: %+v, %v", sum, err)
	}
	plan, err := ReadPlan(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s.Daemon, plan.Spec.Daemon); diff != "" {
		t.Errorf("plan in the file (-want +got):\n%s", diff)
	}
	for want, change := range map[string]func(*Spec){
		"daemon: ":      func(s *Spec) { s.Daemon.List[1].Package = "6.0.1-3" },
		"seed: ":        func(s *Spec) { s.Seed = 8 },
		"heap safety: ": func(s *Spec) { s.HeapSafety = s.HeapSafety[:1] },
	} {
		other := daemonSpec(t, "none", "hwm")
		change(&other)
		before, _ := os.ReadFile(path)
		var refused *RefusalError
		if _, err := newDaemonRunner(t, other).Resume(context.Background(), path); !errors.As(err, &refused) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want a refusal with %q", err, want)
		}
		if after, _ := os.ReadFile(path); string(after) != string(before) {
			t.Errorf("%s: the file was changed", want)
		}
	}
	again := newDaemonRunner(t, plan.Spec)
	sum, err := again.Resume(context.Background(), path)
	if err != nil || sum.Ran != plan.Len()-3 || sum.Done != plan.Len() {
		t.Errorf("resumed: %+v, %v; want %d", sum, err, plan.Len())
	}
	if diff := cmp.Diff(planned(plan), identities(readTrials(t, path))); diff != "" {
		t.Errorf("trials (-plan +file):\n%s", diff)
	}
}

// The shards of a plan of daemons are merged like any others.
func TestDaemonMerge(t *testing.T) {
	s := daemonSpec(t, "none", "key-owner")
	var parts []string
	for i := range 2 {
		r, path := newRunner(mustPlan(t, s, Shard{i + 1, 2})), resultsPath(t)
		r.Daemons = newDaemonRunner(t, s).Daemons
		if _, err := r.Run(context.Background(), path); err != nil {
			t.Fatal(err)
		}
		parts = append(parts, path)
	}
	joint := resultsPath(t)
	if _, err := Merge(joint, parts...); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(planned(mustPlan(t, s, Shard{})), identities(readTrials(t, joint))); diff != "" {
		t.Errorf("trials (-plan +file):\n%s", diff)
	}
	c, err := results.Summarize(results.Options{}, joint)
	if err != nil {
		t.Fatal(err)
	}
	d := c.Daemons
	if d.All.Agree != d.All.Answered || d.All.Answered != len(d.Rows) || len(results.FailedControls(c.Tables)) > 0 {
		t.Errorf("agreement %+v of %d, controls %q", d.All, len(d.Rows), results.FailedControls(c.Tables))
	}
}

// What breaks every daemon ends the run, however well the rig does.
func TestDaemonRunGivesUp(t *testing.T) {
	r := newDaemonRunner(t, daemonSpec(t, "none", "hwm"))
	r.Execute = func(ctx context.Context, c workload.Config) (*workload.Outcome, error) {
		if c.Server != nil {
			return nil, errors.New("no memory")
		}
		return fakeExecute(ctx, c)
	}
	sum, err := r.Run(context.Background(), resultsPath(t))
	if err == nil || !strings.Contains(err.Error(), "10 trials in a row in kamailio-") || !strings.HasSuffix(err.Error(), "could not be carried out; the last one: no memory") || sum.Failed < 10 {
		t.Errorf("%+v, %v", sum, err)
	}
}

// A daemon that is not on this machine makes a trial that failed.
func TestDaemonIsNotHere(t *testing.T) {
	r := newDaemonRunner(t, daemonSpec(t, "none"))
	r.Daemons[0].Package = "5.4.1-3"
	path := resultsPath(t)
	sum, err := r.Run(context.Background(), path)
	if err != nil || sum.Failed == 0 {
		t.Fatalf("%+v, %v", sum, err)
	}
	for _, got := range readTrials(t, path) {
		if (got.Status == results.Failed) != (got.Cell.Server() == "kamailio-5.4.1") || got.Status == results.Failed && got.Reason != "daemon kamailio-5.4.1, package 5.4.1-2+deb1, is not in the cache" {
			t.Fatalf("%s: %s, %s", got.Cell.Name(), got.Status, got.Reason)
		}
	}
}

// The packages of an interrupted run may have been replaced in the archive.
func TestAttach(t *testing.T) {
	s := daemonSpec(t, "none")
	here := []daemon.Daemon{fakeDaemon(t, "6.0"), fakeDaemon(t, "5.4")}
	if err := s.Attach(here); err != nil {
		t.Error(err)
	}
	here[0].Package = "6.0.1-3"
	var refused *RefusalError
	if err := s.Attach(here); !errors.As(err, &refused) || !strings.Contains(err.Error(), "package 6.0.1-2+deb1 on OpenSSL 3.5.9, but the cache has 6.0.1-3 on 3.5.9") {
		t.Errorf("another package: %v", err)
	}
	if err := s.Attach(here[1:]); err == nil || errors.As(err, &refused) || err.Error() != "kamailio 6.0 of the file's plan is not in the cache" {
		t.Errorf("none: %v", err)
	}
}

// What cannot be carried out is refused before a daemon is there.
func TestDaemonSpecIsChecked(t *testing.T) {
	for want, change := range map[string]func(*Spec){
		"daemon kamailio-6.0.1 is given twice":                       func(s *Spec) { s.Daemon.List[0] = s.Daemon.List[1] },
		`unknown daemon "7.0": choose from 5.4, 5.6`:                 func(s *Spec) { s.Daemon.List[0].Release = "7.0" },
		"daemon 5.4: the version of its package":                     func(s *Spec) { s.Daemon.List[0].OpenSSL = "" },
		"hazard curl in a daemon: choose from plain":                 func(s *Spec) { s.Hazards[1] = "curl" },
		"strategy none is given twice":                               func(s *Spec) { s.Strategies = choose("none", "none") },
		`unknown heap-safety "x": choose from count`:                 func(s *Spec) { s.HeapSafety[1] = "x" },
		"readers 65: want 1 to 64":                                   func(s *Spec) { s.Workers[0] = 65 },
		"readers 49: the tracer takes 1 to 48":                       func(s *Spec) { s.Workers[0], s.Measures = 49, []results.Measure{results.Sharing} },
		"share of bad peers NaN: want 0 to 1":                        func(s *Spec) { nan := math.NaN(); s.Bad = &nan },
		"rounds 0: want 1 to":                                        func(s *Spec) { s.Rounds = 0 },
		"control rounds 1000000000: want 0 to":                       func(s *Spec) { s.Daemon.ControlRounds = 1e9 },
		"duration 0s: want more than 0":                              func(s *Spec) { s.Daemon.Duration = 0 },
		"duration 2s: want more than 0 and at most":                  func(s *Spec) { s.Daemon.Patience = 2 * time.Hour },
		"daemons can run either corruption trials or sharing trials": func(s *Spec) { s.Measures = []results.Measure{results.Handshake} },
	} {
		s := daemonSpec(t, "none", "hwm")
		change(&s)
		if _, err := NewPlan(s, Shard{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	if got := (results.Daemon{Package: "1:6.1.5-1"}).Name(); got != "kamailio-6.1.5" {
		t.Errorf("name %s", got)
	}
}
