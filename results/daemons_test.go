package results

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tlsbench/results/event"
)

// daemonCase is where a daemon and the rig are asked the same, in the words of
// cells' names: openssl, hazard, settings.
type daemonCase struct{ openssl, server, hazard, settings, strategy string }

// on600 is kamailio 6.0.1 on OpenSSL 3.5.9 with mem_safety 1.
func on600(strategy string) daemonCase {
	return daemonCase{"3.5.9", "kamailio-6.0.1", "plain", "", strategy}
}

// daemonTrial is a daemon's, or with rig true the rig's, with an event of each
// kind at one moment.
func daemonTrial(t *testing.T, id int, c daemonCase, rig bool, at time.Duration, kinds ...string) *Trial {
	t.Helper()
	strategy, _, _ := strings.Cut(c.strategy, modeMark)
	server := ""
	if !rig {
		strategy, server = c.strategy, "/server="+c.server
	}
	cell, err := ParseCell(fmt.Sprintf("Corruption/openssl=%s/hazard=%s/load=tcp/heap=global%s%s/strategy=%s/workers=4",
		c.openssl, c.hazard, server, c.settings, strategy))
	if err != nil {
		t.Fatal(err)
	}
	out := &Trial{Cell: cell, ID: id, Round: 1, Status: OK, Life: Life{Handshakes: 200, Load: 2 * time.Second}, Config: map[string]string{c.server: "1-1"}}
	if !rig {
		out.Mark = "x: set up when the TLS module was loaded; 4 keys"
		out.Metrics = []Metric{{5 << 20, MemoryBytes}}
	}
	for _, k := range kinds {
		out.addEvents(k, 1)
		out.FirstEvent = at
	}
	return out
}

// The verdict words of both sides, and what is made of them.
func TestDaemonAgreement(t *testing.T) {
	old := daemonCase{"3.0.22", "kamailio-5.6.3", "plain", "/rand=method", "hwm"}
	before := old
	before.hazard = "python:before=1"
	for _, tc := range []struct {
		name        string
		c           daemonCase
		daemon, rig []string
		agree       Agreement
		why         string
	}{
		{"both clean", on600("hwm"), nil, nil, Agrees, ""},
		{"both damaged, each in its way", on600("hwm"), []string{event.Crash}, []string{event.ForeignError}, Agrees, ""},
		{"daemon damaged", on600("hwm"), []string{event.DoubleFree}, nil, Disagrees, "open: the daemon was damaged, the rig was not"},
		{"rig damaged", on600("hwm"), nil, []string{event.DoubleFree}, Disagrees, "open: the rig was damaged; in the daemon, which"},
		{"python before, which it cannot be", before, nil, []string{event.BrokenNeighbour}, Disagrees, "explained: this version initialises OpenSSL"},
		{"slots lost: the daemon cannot tell", on600("hwm"), nil, []string{event.LostSlot}, Agrees, ""},
		{"OpenSSL's generator repeats", on600("hwm"), []string{event.RepeatedRandom}, nil, Disagrees, "the daemon was damaged"},
	} {
		d := compareDaemons([]*Trial{daemonTrial(t, 1, tc.c, false, time.Second, tc.daemon...), daemonTrial(t, 2, tc.c, true, time.Second, tc.rig...)})
		got := d.Rows[0]
		if len(d.Rows) != 1 || got.Agree != tc.agree || !strings.Contains(got.Why, tc.why) || tc.why == "" && got.Why != "" {
			t.Errorf("%s: agree %q, %q (daemon %v, rig %v); want %q, %q", tc.name, got.Agree, got.Why, got.Daemon, got.Rig, tc.agree, tc.why)
		}
	}
	own := daemonTrial(t, 1, old, false, 0)
	own.Ignored = map[string]uint64{event.RepeatedRandom: 3}
	if got := compareDaemons([]*Trial{own, daemonTrial(t, 2, old, true, 0)}).Rows[0]; got.Agree != Agrees || !strings.Contains(got.Why, "the TLS module's own generator") {
		t.Errorf("the daemon's own generator repeats: %+v", got)
	}
}

// A daemon is held against the rig on its own OpenSSL, or on the newest of its
// line, in the same place and nowhere else.
func TestDaemonFindsItsRig(t *testing.T) {
	c := on600("hwm")
	for name, tc := range map[string]struct {
		change func(*daemonCase)
		harmed bool
	}{
		"same":                {func(*daemonCase) {}, true},
		"same line":           {func(c *daemonCase) { c.openssl = "3.5.7" }, true},
		"other line":          {func(c *daemonCase) { c.openssl = "3.6.5" }, false},
		"other heap safety":   {func(c *daemonCase) { c.settings = "/heap-safety=abort" }, false},
		"other hazard":        {func(c *daemonCase) { c.hazard = "python" }, false},
		"other strategy":      {func(c *daemonCase) { c.strategy = "none" }, false},
		"active checks off":   {func(c *daemonCase) { c.settings = "/check=0" }, false},
		"same strategy, mode": {func(c *daemonCase) { c.strategy = "hwm:mode=2" }, true},
	} {
		rig := c
		tc.change(&rig)
		got := compareDaemons([]*Trial{daemonTrial(t, 1, c, false, 0), daemonTrial(t, 2, rig, true, 0, event.Crash)}).Rows[0]
		if (got.Agree == Disagrees) != tc.harmed || (got.Agree == NoAnswer) == tc.harmed {
			t.Errorf("%s: %s with rig %v", name, got.Agree, got.Rig)
		}
	}
	exact, other := c, c
	other.openssl = "3.5.10"
	if got := compareDaemons([]*Trial{daemonTrial(t, 1, c, false, 0), daemonTrial(t, 2, other, true, 0, event.Crash), daemonTrial(t, 3, exact, true, 0)}); got.Rows[0].Agree != Agrees {
		t.Errorf("of two rigs not the one on the same OpenSSL: %+v", got.Rows[0])
	}
	if compareDaemons([]*Trial{daemonTrial(t, 1, c, true, 0)}) != nil {
		t.Error("a comparison without a daemon")
	}
}

// Without an answer of either side there is none.
func TestDaemonNoAnswer(t *testing.T) {
	for _, status := range []Status{Failed, Skipped, NotApplicable} {
		daemon, rig := daemonTrial(t, 1, on600("hwm"), false, 0, event.Crash), daemonTrial(t, 2, on600("hwm"), true, 0)
		rig.Status, rig.Reason = status, "no libpython"
		d := compareDaemons([]*Trial{daemon, rig})
		if got := d.Rows[0]; got.Agree != NoAnswer || d.All.Answered != 0 || got.Rig.Reason != "no libpython" {
			t.Errorf("rig %s: %+v", status, got)
		}
		if (d.Failed() == 1) != (status == Failed) {
			t.Errorf("rig %s: %d failed", status, d.Failed())
		}
	}
}

// Without damage where there must be some, or with some where there must be
// none, nothing is proved.
func TestDaemonControls(t *testing.T) {
	old := daemonCase{"1.1.1w", "kamailio-5.4.4", "plain", "/rand=method", "none"}
	python := on600("none")
	python.hazard = "python:before=1"
	for _, tc := range []struct {
		name        string
		c           daemonCase
		daemon, rig []string
		want        string
	}{
		{"no fix, both damaged", on600("none"), []string{event.Crash}, []string{event.ForeignError}, ""},
		{"no fix, daemon clean", on600("none"), nil, []string{event.Crash}, "kamailio 6.0.1, openssl 3.5.9, load tcp, heap global, 4 workers: CONTROLS FAILED: none is undamaged in 1/1"},
		{"no fix, rig clean", on600("none"), []string{event.Crash}, nil, "openssl 3.5.9, load tcp, heap global, 4 workers: CONTROLS FAILED: none is undamaged in 1/1"},
		{"no fix on 1.1.1", old, nil, nil, ""},
		{"no fix, with a neighbour", python, nil, nil, ""},
		{"oracle, both clean", on600("key-owner"), nil, nil, ""},
		{"oracle, daemon damaged", on600("key-owner"), []string{event.DoubleFree}, nil, "kamailio 6.0.1, openssl 3.5.9, load tcp, heap global, 4 workers: CONTROLS FAILED: key-owner is damaged in 1/1"},
		{"oracle, rig damaged", on600("key-owner"), nil, []string{event.Crash}, "CONTROLS FAILED: key-owner is damaged in 1/1"},
		{"a strategy, both damaged", on600("hwm"), []string{event.Crash}, []string{event.Crash}, ""},
	} {
		trials := []*Trial{daemonTrial(t, 1, tc.c, false, time.Second, tc.daemon...), daemonTrial(t, 2, tc.c, true, time.Second, tc.rig...)}
		if got := FailedControls(tablesOf(trials)); (len(got) == 0) != (tc.want == "") || !strings.Contains(strings.Join(got, "\n"), tc.want) {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

// The controls of a daemon are its own, with both values of mem_safety and the
// random generator that it has; the rig's are no part of them.
func TestControlsOfADaemon(t *testing.T) {
	abort, neighbour := on600("none"), on600("none")
	abort.settings, neighbour.hazard = "/rand=method/heap-safety=abort", "python"
	for _, tc := range []struct {
		name   string
		trials []*Trial
		want   string
	}{
		{"passed", []*Trial{daemonTrial(t, 1, abort, false, 0, event.Crash), daemonTrial(t, 2, on600("key-owner"), false, 0)}, "controls passed: none damaged in 1/1, key-owner in 0/1"},
		{"positive", []*Trial{daemonTrial(t, 1, abort, false, 0), daemonTrial(t, 2, on600("key-owner"), false, 0)}, "CONTROLS FAILED: none is undamaged in 1/1"},
		{"negative", []*Trial{daemonTrial(t, 1, abort, false, 0, event.Crash), daemonTrial(t, 2, on600("key-owner"), false, 0, event.Crash)}, "CONTROLS FAILED: key-owner is damaged in 1/1"},
		{"the rig's", []*Trial{daemonTrial(t, 1, on600("none"), true, 0, event.Crash), daemonTrial(t, 2, on600("key-owner"), false, 0)}, "NO CONTROLS: no trial of none"},
		{"a neighbour", []*Trial{daemonTrial(t, 1, neighbour, false, 0, event.Crash), daemonTrial(t, 2, on600("key-owner"), false, 0)}, "NO CONTROLS: no trial of none"},
		{"1.1.1", []*Trial{daemonTrial(t, 1, daemonCase{"1.1.1w", "kamailio-5.4.4", "plain", "", "key-owner"}, false, 0)}, "controls passed: key-owner damaged in 0/1 (a daemon on OpenSSL 1.1.1 looks healthy for long)"},
	} {
		for _, c := range controlsOf(t, tc.trials) {
			if c.Settings != "" && c.String() != tc.want {
				t.Errorf("%s: %q, want %q", tc.name, c, tc.want)
			}
		}
	}
}

// Order, score, the daemons without a fix, and what each did.
func TestDaemonSummary(t *testing.T) {
	none, hwm := on600("none"), on600("hwm")
	mode := on600("hwm:mode=1")
	mode.hazard = "python:before=1"
	old := daemonCase{"1.1.1w", "kamailio-5.4.4", "plain", "", "none"}
	slow := daemonTrial(t, 9, none, false, 11*time.Second, event.Crash)
	slow.Metrics[0].Value, slow.Load = 9<<20, 6*time.Second
	d := compareDaemons([]*Trial{
		daemonTrial(t, 8, mode, false, 0), daemonTrial(t, 7, mode, true, 0, event.Crash),
		daemonTrial(t, 6, hwm, false, 0), daemonTrial(t, 5, hwm, true, 0),
		slow, daemonTrial(t, 2, none, false, 70*time.Millisecond, event.DoubleFree, event.Crash), daemonTrial(t, 1, none, true, 0, event.Crash),
		daemonTrial(t, 4, old, false, time.Second, event.Crash),
	})
	var order []string
	for i := range d.Rows {
		order = append(order, d.Rows[i].String()+" "+string(d.Rows[i].Agree)+" "+d.Rows[i].Mark)
	}
	want := []string{
		"kamailio 6.0.1, hwm (mode 1), mem_safety 1, hazard python:before=1 no built in",
		"kamailio 6.0.1, none, mem_safety 1 yes TLS module", "kamailio 6.0.1, hwm, mem_safety 1 yes TLS module",
		"kamailio 5.4.4, none, mem_safety 1 - TLS module",
	}
	if diff := cmp.Diff(want, order); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if got, want := d.ScoreLine(), "The daemon and the rig agree in 2 of 3 cases: 2 of 2 without a hazard, 0 of 1 with one."; got != want {
		t.Errorf("score %q, want %q", got, want)
	}
	if got, want := d.ControlLine(), "Daemons on OpenSSL 3 or later without a fix, damaged within 10s: 1 of 2 runs (kamailio 6.0.1 on 3.5.9: 1 of 2, within 70ms)."; got != want {
		t.Errorf("controls %q, want %q", got, want)
	}
	r := d.Rows[1]
	if r.Daemon.Trials != 2 || r.Daemon.Damaged != 2 || r.First != 70*time.Millisecond || r.Served != 400 || r.Rate != 50 || r.Memory != 9<<20 || r.Package != "1-1" {
		t.Errorf("facts %+v", r)
	}
}

// Trials of real daemons, published in November 2026, say what they said when they
// were measured, in a form of their own: the agreement, and each daemon's first
// damage.
func TestRealDaemons(t *testing.T) {
	c, err := Summarize(Options{}, "testdata/field.txt")
	if err != nil {
		t.Fatal(err)
	}
	d := c.Daemons
	if d.All != (Score{110, 112}) || len(FailedControls(c.Tables)) > 0 || d.Failed() > 0 || len(d.Rows) != 128 {
		t.Errorf("agreement %+v, controls %q, %d failed, %d rows", d.All, FailedControls(c.Tables), d.Failed(), len(d.Rows))
	}
	const want = "Daemons on OpenSSL 3 or later without a fix, damaged within 10s: 30 of 30 runs (kamailio 5.6.3 on 3.0.22: 10 of 10, within 100ms; " +
		"kamailio 6.0.1 on 3.5.9: 10 of 10, within 160ms; kamailio 6.1.5 on 3.6.5: 10 of 10, within 170ms)."
	if got := d.ControlLine(); got != want {
		t.Errorf("controls %q, want %q", got, want)
	}
}

// compareDaemons works the comparison out of trials; nil without a daemon.
func compareDaemons(trials []*Trial) *Daemons { return gathered(trials).compareDaemons() }

// tablesOf are the tables of trials.
func tablesOf(trials []*Trial) []*Table {
	g := gathered(trials)
	var list []*Table
	for _, s := range g.sorted() {
		list = append(list, &Table{Scene: s, Mark: g.mark(s)})
	}
	return list
}

func gathered(trials []*Trial) *gatherer {
	g := newGatherer()
	g.inputs, g.workers = []*Input{newInput("run.txt")}, []int{0}
	for _, t := range trials {
		t.Start = time.Time{} // so that none is there twice
		if err := g.add(0, t.Cell.Name(), t); err != nil {
			panic(err)
		}
	}
	return g
}

// Any file is read or refused, and what is read can be summed up.
func FuzzDaemons(f *testing.F) {
	f.Add("#trial {\"name\":\"BenchmarkCorruption/openssl=3.5.9/hazard=python/load=tcp/heap=global/server=kamailio-6.0.1/strategy=hwm:mode=2/workers=4\",\"lines\":0,\"id\":1,\"round\":1,\"status\":\"ok\",\"events\":{\"crash\":1},\"ignored\":{\"repeated-random\":2},\"mark\":\"x: set up at the first fork;\"}\n" +
		"#trial {\"name\":\"BenchmarkCorruption/openssl=3.5/hazard=python/load=tcp/heap=global/strategy=hwm/workers=4\",\"lines\":0,\"id\":2,\"round\":1,\"status\":\"failed\"}\n")
	f.Add("BenchmarkCorruption/openssl=1/hazard=plain/load=tcp/heap=global/server=-/strategy=:mode=/workers=1 1 1 damaged/trial\n")
	f.Fuzz(func(t *testing.T, text string) {
		r := NewReader(strings.NewReader(text), "f")
		var trials []*Trial
		for r.Scan() {
			trials = append(trials, r.Trial())
		}
		d := compareDaemons(trials)
		if d == nil {
			return
		}
		if d.All.Agree > d.All.Answered || d.All.Answered > len(d.Rows) || d.Hazard.Answered > d.All.Answered || d.ControlLine() == "" || d.ScoreLine() == "" {
			t.Errorf("%+v", d)
		}
	})
}

// Results of daemons can be checked, with the rig beside them: the controls of both
// have the generator and the heap safety that the daemons have.
func TestCheckField(t *testing.T) {
	const file = "testdata/field.txt"
	var out bytes.Buffer
	if sum, err := Check(&out, CheckOptions{Expect: []string{"key-owner=undamaged"}}, file); err != nil || sum != (Unmet{}) {
		t.Errorf("%+v, %v:\n%s", sum, err, &out)
	}
	if sum, err := Check(&out, CheckOptions{Expect: []string{"none=undamaged"}}, file); err != nil || sum.Broken == 0 {
		t.Errorf("no fix: %+v, %v:\n%s", sum, err, &out)
	}
}
