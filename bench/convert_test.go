package bench

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tlsbench/results"
	"tlsbench/results/event"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload"
	"tlsbench/workload/openssl"
)

// find returns the task of round 1 whose name ends so.
func find(t *testing.T, p *Plan, measure results.Measure, check string) Task {
	t.Helper()
	control := controlsOf(p)
	for task := range p.Tasks() {
		if task.Cell.Measure == measure && task.Cell.Setting("check") == check && !control(task.Cell) {
			return task
		}
	}
	t.Fatalf("no %s cell with check=%q", measure, check)
	return Task{}
}

// TestConfig: what the rig is told in each kind of trial.
func TestConfig(t *testing.T) {
	spec := smallSpec()
	spec.Warmup, spec.HandshakeTime, spec.CorruptionTime = 200*time.Millisecond, 800*time.Millisecond, 700*time.Millisecond
	p := mustPlan(t, spec, whole)
	for _, test := range []struct {
		measure  results.Measure
		check    string
		bad      float64
		rate     int
		warm, on time.Duration
	}{
		{results.Handshake, "", 0, 0, 200 * time.Millisecond, 800 * time.Millisecond},
		{results.Corruption, "", 0.2, results.DefaultCheckRate, 0, 700 * time.Millisecond},
		{results.Corruption, "0", 0.2, 0, 0, 700 * time.Millisecond},
	} {
		task := find(t, p, test.measure, test.check)
		want := workload.Config{
			Build:    openssl.Build{Name: "3.0.20", Libcrypto: "/lib/3.0.20/libcrypto.so", Libssl: "/lib/3.0.20/libssl.so"},
			Strategy: catalogue.Choice{Name: "hwm"}, Hazard: "plain", Workers: 4, Load: "tcp", Heap: "global",
			BadShare: test.bad, CheckRate: test.rate, EchoBytes: 64, Seed: task.Seed,
			Warmup: test.warm, Duration: test.on,
		}
		if diff := cmp.Diff(want, task.config(p.Spec), cmpopts.IgnoreUnexported(workload.Config{})); diff != "" {
			t.Errorf("%s check=%s: %s", test.measure, test.check, diff)
		}
	}
}

func TestConfigTakesSettings(t *testing.T) {
	spec := smallSpec()
	bad, rate := 0.5, 3
	spec.TLS, spec.Keys, spec.Rands = []string{"1.2"}, []string{"rsa-2048"}, []string{"method"}
	spec.Locks, spec.HeapSafety, spec.Bad, spec.CheckRate = []string{"kamailio"}, []string{"abort"}, &bad, &rate
	c := find(t, mustPlan(t, spec, whole), results.Corruption, "3").config(spec)
	got := []any{c.TLS, c.Key, c.Rand, c.Locks, c.HeapSafety, c.BadShare, c.CheckRate}
	if diff := cmp.Diff([]any{"1.2", "rsa-2048", "method", "kamailio", "abort", 0.5, 3}, got); diff != "" {
		t.Error(diff)
	}
}

// latencies are 1 to 200 µs in nanoseconds, largest first: by nearest rank the
// 50th percentile of 200 is the 100th, the 99th the 198th.
func latencies() []float64 {
	var list []float64
	for i := 200; i >= 1; i-- {
		list = append(list, float64(i)*1000)
	}
	return list
}

func TestMetrics(t *testing.T) {
	calm := workload.Outcome{
		Life:     results.Life{Handshakes: 2_000_000, Attempts: 2_000_000, Checks: 4_000_000, Draws: 16_000_000, SharedSlots: 3},
		Measured: 1000, Rate: 1234.5, CPU: 250 * time.Millisecond, Latency: latencies(),
	}
	harmed := calm
	harmed.Events = map[string]uint64{
		event.ForeignError: 8, event.RepeatedRandom: 4, event.DoubleFree: 5, event.Crash: 1,
		event.Hang: 7, event.BrokenNeighbour: 7, event.LostSlot: 7, event.FailedHandshake: 2,
	}
	idle := workload.Outcome{Life: results.Life{Events: map[string]uint64{event.Crash: 1}}}
	for _, test := range []struct {
		name    string
		measure results.Measure
		check   string
		out     workload.Outcome
		want    []results.Metric
	}{
		{"throughput", results.Handshake, "", calm, []results.Metric{
			{Value: 1234.5, Unit: "handshakes/s"}, {Value: 250_000, Unit: "cpu-ns/handshake"},
			{Value: 100_000, Unit: "p50-ns/handshake"}, {Value: 198_000, Unit: "p99-ns/handshake"},
		}},
		{"no throughput of a broken server", results.Handshake, "", harmed, nil},
		{"clean", results.Corruption, "", calm, []results.Metric{
			{Value: 0, Unit: "damaged/trial"}, {Value: 0, Unit: "foreign-errors/Mcheck"},
			{Value: 0, Unit: "repeats/Mdraw"}, {Value: 3, Unit: "shared-slots"},
		}},
		{"damaged", results.Corruption, "", harmed, []results.Metric{
			{Value: 1, Unit: "damaged/trial"}, {Value: 2, Unit: "foreign-errors/Mcheck"},
			{Value: 0.25, Unit: "repeats/Mdraw"}, {Value: 3, Unit: "shared-slots"},
		}},
		// 5 double frees, 1 crash and 2 failed handshakes in 2 million.
		{"passive", results.Corruption, "0", harmed, []results.Metric{
			{Value: 1, Unit: "damaged/trial"}, {Value: 4, Unit: "corruptions/Mhs"},
		}},
		{"crash before the first handshake has no rate", results.Corruption, "0", idle, []results.Metric{
			{Value: 1, Unit: "damaged/trial"},
		}},
		{"nor with checks", results.Corruption, "", idle, []results.Metric{
			{Value: 1, Unit: "damaged/trial"}, {Value: 0, Unit: "shared-slots"},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			task := find(t, mustPlan(t, smallSpec(), whole), test.measure, test.check)
			got := mustTrial(t, task, time.Now(), &test.out, nil)
			if got.Status != results.OK {
				t.Errorf("status %s: %s", got.Status, got.Reason)
			}
			if diff := cmp.Diff(test.want, got.Metrics); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTrialKeepsTheFacts(t *testing.T) {
	task := find(t, mustPlan(t, smallSpec(), whole), results.Corruption, "")
	start := time.Now()
	out := &workload.Outcome{
		Life: results.Life{Handshakes: 10, Attempts: 13, Checks: 11, Draws: 12, Events: map[string]uint64{event.Crash: 1},
			FirstEvent: 5 * time.Millisecond, FirstEventAt: 7, CrashAt: 6 * time.Millisecond, Load: time.Second,
			SharedSlots: 2, LoadBefore: 0.5, Steal: 0.01, CtxSwitches: 99},
	}
	for range 20 {
		out.Noted = append(out.Noted, workload.Event{Kind: event.Crash, Worker: 2, At: 6 * time.Millisecond, Detail: "signal 11"})
	}
	out.Noted[1] = workload.Event{Kind: event.RepeatedRandom, Worker: -1}
	got := mustTrial(t, task, start, out, nil)
	detail := []string{"6ms, worker 2: crash: signal 11", "0s, rank 0 or a peer: repeated-random"}
	for len(detail) < maxDetail {
		detail = append(detail, detail[0])
	}
	want := &results.Trial{
		Cell: task.Cell.Cell, ID: task.ID, Round: 1, Seed: task.Seed, Start: start.UTC(), Status: results.OK,
		Life: results.Life{Handshakes: 10, Attempts: 13, Checks: 11, Draws: 12, Events: map[string]uint64{event.Crash: 1},
			FirstEvent: 5 * time.Millisecond, FirstEventAt: 7, CrashAt: 6 * time.Millisecond, Load: time.Second,
			SharedSlots: 2, LoadBefore: 0.5, Steal: 0.01, CtxSwitches: 99, Detail: detail},
	}
	got.Metrics = nil // TestMetrics
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestStatus(t *testing.T) {
	spec := smallSpec()
	spec.Builds[0].Build.Version = "3.0.20"
	p := mustPlan(t, spec, whole)
	good := workload.Outcome{Life: results.Life{Handshakes: 1, Attempts: 1}, Measured: 1}
	for _, test := range []struct {
		name    string
		measure results.Measure
		change  func(*workload.Outcome)
		err     error
		status  results.Status
		reason  string
	}{
		{"ok", results.Handshake, func(o *workload.Outcome) {
			o.OpenSSLVersion, o.Files = "OpenSSL 3.0.20 7 Apr 2026", []string{"/lib/3.0.20/libcrypto.so"}
		}, nil, results.OK, ""},
		{"short version", results.Handshake, func(o *workload.Outcome) { o.OpenSSLVersion = "3.0.20" }, nil, results.OK, ""},
		{"error", results.Handshake, nil, errors.New("no port"), results.Failed, "no port"},
		{"not applicable", results.Corruption, func(o *workload.Outcome) { o.NotApplicable = "ERR_get_state" }, nil,
			results.NotApplicable, "openssl 3.0.20 has no ERR_get_state"},
		{"skipped", results.Corruption, func(o *workload.Outcome) { o.Skipped = "no libpython" }, nil, results.Skipped, "no libpython"},
		{"other version", results.Corruption, func(o *workload.Outcome) { o.OpenSSLVersion = "OpenSSL 3.0.2 15 Mar 2022" }, nil,
			results.Failed, `the plan has version 3.0.20, but the loaded library reports "OpenSSL 3.0.2 15 Mar 2022"`},
		{"other file", results.Corruption, func(o *workload.Outcome) { o.Files = []string{"/usr/lib/libcrypto.so.3"} }, nil,
			results.Failed, "/lib/3.0.20/libcrypto.so was not loaded; loaded instead: /usr/lib/libcrypto.so.3"},
		{"nothing measured", results.Handshake, func(o *workload.Outcome) { o.Measured = 0 }, nil,
			results.Failed, "no handshake was completed in the measured time"},
		{"nothing measured because it broke", results.Handshake, func(o *workload.Outcome) {
			o.Measured, o.Events = 0, map[string]uint64{event.Crash: 1}
		}, nil, results.OK, ""},
		{"no handshake among bad peers", results.Corruption, func(o *workload.Outcome) { o.Measured, o.Handshakes, o.Attempts = 0, 0, 5 }, nil, results.OK, ""},
		{"no attempt", results.Corruption, func(o *workload.Outcome) { o.Measured, o.Handshakes, o.Attempts = 0, 0, 0 }, nil, results.Failed, "no connection was attempted, and no damage was seen"},
	} {
		t.Run(test.name, func(t *testing.T) {
			out := good
			if test.change != nil {
				test.change(&out)
			}
			got := mustTrial(t, find(t, p, test.measure, ""), time.Now(), &out, test.err)
			if got.Status != test.status || !strings.Contains(got.Reason, test.reason) || (test.reason == "") != (got.Reason == "") {
				t.Errorf("%s %q, want %s %q", got.Status, got.Reason, test.status, test.reason)
			}
			if got.Status != results.OK && got.Metrics != nil {
				t.Errorf("metrics %v of a trial that is not ok", got.Metrics)
			}
		})
	}
}

// A daemon's trial that was not carried out says why, as the rig's does.
func TestStatusInADaemon(t *testing.T) {
	task := find(t, mustPlan(t, smallSpec(), whole), results.Corruption, "")
	task.Cell.server = &server{}
	for status, out := range map[results.Status]workload.Outcome{
		results.Skipped:       {Skipped: "why"},
		results.NotApplicable: {NotApplicable: "why"},
	} {
		if got := mustTrial(t, task, time.Now(), &out, nil); got.Status != status || got.Reason != "why" {
			t.Errorf("%s %q, want %s", got.Status, got.Reason, status)
		}
	}
}

// No home of anybody is in a results file, wherever a message has it from.
func TestTrialIsPortable(t *testing.T) {
	t.Setenv("HOME", "/home/me")
	t.Setenv("XDG_CACHE_HOME", "/home/me/.cache")
	task := find(t, mustPlan(t, smallSpec(), whole), results.Corruption, "")
	seen := func(change func(*workload.Outcome)) *workload.Outcome {
		out := &workload.Outcome{Life: results.Life{Handshakes: 1, Attempts: 1, Events: map[string]uint64{}}}
		change(out)
		return out
	}
	for name, tc := range map[string]struct {
		out *workload.Outcome
		err error
	}{
		"error":   {nil, errors.New("load strategy: open /home/me/f.so: no such file")},
		"skipped": {seen(func(o *workload.Outcome) { o.Skipped = "its library uses /home/me/.cache/libcrypto.so.3" }), nil},
		"loaded":  {seen(func(o *workload.Outcome) { o.Files = []string{"/home/me/.cache/libcrypto.so.3"} }), nil},
		"detail": {seen(func(o *workload.Outcome) {
			o.Events["crash"], o.Noted = 1, []workload.Event{{Kind: "crash", Detail: "log: open /home/me/a"}}
		}), nil},
	} {
		r, err := task.trial(time.Now(), tc.out, tc.err)
		if err != nil {
			t.Fatal(err)
		}
		text := r.Reason + strings.Join(r.Detail, "; ")
		if strings.Contains(text, "/home/me") || !strings.Contains(text, "~/") && !strings.Contains(text, "$CACHE/") {
			t.Errorf("%s: the record says %q", name, text)
		}
	}
}
