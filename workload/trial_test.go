package workload

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tlsbench/results"
	"tlsbench/results/event"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload/openssl"
	"tlsbench/workload/rig"
)

// system is the build that the trials of these tests run on.
func system(t testing.TB) openssl.Build {
	t.Helper()
	builds, err := openssl.Find([]string{"system"}, "")
	if err != nil {
		t.Fatal(err)
	}
	return builds[0]
}

// corruption is a short corruption trial with the default checks.
func corruption(t testing.TB, strategy, load string) Config {
	return Config{
		Build: system(t), Strategy: catalogue.Choice{Name: strategy}, Workers: 4, Load: load,
		BadShare: 0.2, CheckRate: 1, EchoBytes: 64, Duration: 700 * time.Millisecond, Seed: 1,
	}
}

// The positive control: a rig in which nothing happens to it is no use.
func TestNoneIsDamaged(t *testing.T) {
	for _, load := range results.Loads.Names() {
		t.Run(load, func(t *testing.T) {
			out := retry(t, corruption(t, "none", load), func(o *Outcome) bool { return o.Damaged() && o.SharedSlots > 0 }, nil)
			if !out.Damaged() || out.SharedSlots == 0 {
				t.Errorf("none had %d handshakes, %d shared slots and no event", out.Handshakes, out.SharedSlots)
			}
			if len(out.Noted) == 0 || out.FirstEvent != out.Noted[0].At {
				t.Errorf("first event at %v is not the first of %v", out.FirstEvent, out.Noted)
			}
		})
	}
}

// Every strategy under hazard plain, with each load: no event, and the trial
// did what it should.
func TestStrategiesAreUndamaged(t *testing.T) {
	for _, s := range catalogue.All() {
		if s.Name == catalogue.PositiveControl {
			continue
		}
		for _, load := range results.Loads.Names() {
			t.Run(s.Name+"/"+load, func(t *testing.T) {
				cfg := corruption(t, s.Name, load)
				cfg.Duration = 300 * time.Millisecond
				undamaged(t, s.Name+", "+load, cfg)
			})
		}
	}
}

// undamaged repeats a trial in which nothing may be noticed until one proves
// something: on a busy machine a short one may have no time to.
func undamaged(t *testing.T, name string, cfg Config) *Outcome {
	t.Helper()
	out := retry(t, cfg, proves, func(o *Outcome) {
		if o.Damaged() {
			t.Errorf("%s: %v", name, o.Noted)
		}
	})
	if !t.Failed() {
		checkUndamaged(t, name, out)
	}
	return out
}

// proves reports whether a trial had something to look at, and measured it.
func proves(o *Outcome) bool {
	return o.NotApplicable != "" || o.Handshakes > 0 && o.Checks > 0 && o.Measured > 0 && o.CPU > 0 && o.Rate > 0 && len(o.Latency) > 0
}

// checkUndamaged fails for any event, and for a trial that proves nothing.
func checkUndamaged(t *testing.T, name string, out *Outcome) {
	t.Helper()
	if out.NotApplicable != "" {
		return // says which function this build has not
	}
	if out.Damaged() {
		t.Errorf("%s: %v", name, out.Noted)
	}
	if out.Handshakes == 0 || out.Checks == 0 || out.Draws < 4*out.Checks {
		t.Errorf("%s: %d handshakes, %d checks, %d draws", name, out.Handshakes, out.Checks, out.Draws)
	}
	if out.Measured == 0 || out.CPU <= 0 || out.Rate <= 0 || len(out.Latency) == 0 {
		t.Errorf("%s: nothing measured: %d handshakes, CPU %v, rate %v, %d latencies",
			name, out.Measured, out.CPU, out.Rate, len(out.Latency))
	}
}

// The other settings of the rig, each at least once with each load it bears on.
func TestSettings(t *testing.T) {
	for _, change := range []struct {
		name string
		set  func(*Config)
	}{
		{"tls 1.2", func(c *Config) { c.TLS = "1.2" }},
		{"rsa-2048", func(c *Config) { c.Key = "rsa-2048" }},
		{"rsa-2048, tls 1.2", func(c *Config) { c.Key, c.TLS = "rsa-2048", "1.2" }},
		{"heap scalable", func(c *Config) { c.Heap = "scalable" }},
		{"heap private", func(c *Config) { c.Heap = "private" }},
		{"random method", func(c *Config) { c.Rand = "method" }},
		{"one worker", func(c *Config) { c.Workers = 1 }},
		{"five checks", func(c *Config) { c.CheckRate = 5 }},
		{"heap safety abort", func(c *Config) { c.HeapSafety = "abort" }},
	} {
		for _, load := range results.Loads.Names() {
			t.Run(change.name+"/"+load, func(t *testing.T) {
				cfg := corruption(t, catalogue.NegativeControl, load)
				cfg.Duration = 200 * time.Millisecond
				change.set(&cfg)
				undamaged(t, change.name+", "+load, cfg)
			})
		}
	}
}

// The files that a trial names are those the process had mapped.
func TestFilesAreThoseMapped(t *testing.T) {
	cfg := corruption(t, catalogue.NegativeControl, "memory")
	out := mustRun(t, cfg)
	files := strings.Join(out.Files, " ")
	for _, want := range []string{cfg.Build.Libcrypto, cfg.Build.Libssl, "libc.so"} {
		if !strings.Contains(files, want) {
			t.Errorf("mapped files %s: no %s", files, want)
		}
	}
	if out.OpenSSLVersion != cfg.Build.Version {
		t.Errorf("the library says version %s, its file %s", out.OpenSSLVersion, cfg.Build.Version)
	}
}

// A number of handshakes instead of a time, below the number of workers too.
func TestCountedTrial(t *testing.T) {
	for _, load := range results.Loads.Names() {
		for _, n := range []uint64{1, 3, 200} {
			for _, warmup := range []time.Duration{0, 50 * time.Millisecond} {
				cfg := corruption(t, catalogue.NegativeControl, load)
				cfg.Duration, cfg.Handshakes, cfg.BadShare, cfg.CheckRate = 0, n, 0, 0
				cfg.Warmup = warmup
				out := mustRun(t, cfg)
				if out.Handshakes < n || out.Damaged() || out.Rate <= 0 {
					t.Errorf("%s, %d handshakes, warm-up %v: made %d at %v/s, events %v",
						load, n, warmup, out.Handshakes, out.Rate, out.Events)
				}
				if warmup == 0 && out.Measured < n {
					t.Errorf("%s, %d handshakes without warm-up: only %d measured", load, n, out.Measured)
				}
			}
		}
	}
}

func TestManyWorkers(t *testing.T) {
	for _, workers := range []int{64, 256, 1024} {
		for _, load := range results.Loads.Names() {
			cfg := corruption(t, catalogue.NegativeControl, load)
			cfg.Workers, cfg.BadShare = workers, 0
			cfg.Duration = 500 * time.Millisecond
			undamaged(t, fmt.Sprintf("%d workers, %s", workers, load), cfg)
		}
	}
}

// Locks that work in one process alone stop the workers for good.
func TestPrivateLocksHang(t *testing.T) {
	cfg := corruption(t, catalogue.NegativeControl, "memory")
	cfg.Locks, cfg.Duration = "private", time.Minute
	for try := 1; ; try++ {
		out := mustRun(t, cfg)
		if out.Events[event.Hang] == 1 {
			return
		}
		// A lock that does not lock lets state be damaged, now and then first.
		if !out.Damaged() || try == 5 {
			t.Fatalf("private locks: trial %d: events %v, want one hang", try, out.Events)
		}
		cfg.Seed++
	}
}

func TestJudge(t *testing.T) {
	const s, ms = time.Second, time.Millisecond
	for _, tc := range []struct {
		name                 string
		watched, ran, waited time.Duration
		hangs                bool
	}{
		{"blocked", 3 * s, 1 * ms, 1 * ms, true},
		{"starved", 3 * s, 1 * ms, 2900 * ms, false},
		{"slow", 3 * s, 1500 * ms, 1 * s, false},
		{"spins", 9 * s, 8 * s, 1 * s, true},
		{"starved for long", 60 * s, 20 * ms, 59 * s, false},
		{"at the limit", 9 * s, 5 * s, 0, false},
		{"past the limit", 9 * s, 5*s + 1, 0, true},
	} {
		if why := stalled(tc.watched, tc.ran, tc.waited, 5*time.Second); (why != "") != tc.hangs {
			t.Errorf("%s: judged %q", tc.name, why)
		}
	}
}

// A process that has waited for a processor all the time, and still does, is
// not in the scheduler's count of waits yet.
func TestStarvedIsNotBlocked(t *testing.T) {
	const watched = time.Second
	for _, tc := range []struct {
		now   usage
		hangs bool
	}{
		{usage{ready: true}, false},
		{usage{ready: false}, true},
	} {
		ran, waited := tc.now.since(usage{}, watched)
		if why := stalled(watched, ran, waited, 5*watched); (why != "") != tc.hangs {
			t.Errorf("ready %v: judged %q", tc.now.ready, why)
		}
	}
}

// Whoever waits for a worker that goes round in circles, or for a lock that one
// holds who is blocked, has stood still for as long as that one, as far as the
// watchdog can see, and is not to blame.
func TestBlame(t *testing.T) {
	const s = time.Second
	early, later := stuck{0, 1 * s, 0, blocked, "blocked"}, stuck{1, 2 * s, 0, blocked, "blocked"}
	slow, spins := stuck{2, 2 * s, s / 2, blocked, ""}, stuck{2, 2 * s, 2 * s, spinning, "spins"}
	starved := stuck{5, 1 * s, s / 10, blocked, ""}
	waits, waitsLonger := stuck{3, 2 * s, 0, atSharedLock, "blocked"}, stuck{4, 1 * s, 0, atSharedLock, "blocked"}
	for _, tc := range []struct {
		name      string
		list      []stuck
		undecided bool
		now       time.Duration
		overdue   bool
		want      string
	}{
		{"none", nil, false, 9 * s, false, "nobody"},
		{"none when time is up", nil, false, 9 * s, true, "nobody"},
		{"slow", []stuck{slow}, false, 9 * s, false, "nobody"},
		{"slow when time is up", []stuck{starved, slow}, false, 9 * s, true, "worker 2"},
		{"starved when time is up", []stuck{starved}, false, 9 * s, true, "nobody"},
		{"blocked", []stuck{early}, false, 2 * s, false, "worker 0"},
		{"blocked while another may be", []stuck{early}, true, 2 * s, false, "worker 0"},
		{"the longest", []stuck{later, early}, false, 3 * s, false, "worker 0"},
		{"in doubt", []stuck{early, slow}, false, 4 * s, false, "nobody"},
		{"in doubt for long", []stuck{early, starved, slow}, false, 9*s + 1, false, "worker 2"},
		{"in doubt when time is up", []stuck{early, slow}, false, 4 * s, true, "worker 2"},
		{"in doubt of one without a processor", []stuck{early, starved}, false, 60 * s, false, "nobody"},
		{"behind one that spins", []stuck{early, later, spins}, false, 4 * s, false, "worker 2"},
		{"behind one that is blocked", []stuck{waitsLonger, waits, later}, false, 4 * s, false, "worker 1"},
		{"behind one that may be stuck", []stuck{waits}, true, 4 * s, false, "nobody"},
		{"behind one that may be stuck for long", []stuck{waits}, true, 10 * s, false, "worker 3"},
		{"behind each other", []stuck{waits, waitsLonger}, false, 4 * s, false, "worker 4"},
	} {
		got := "nobody"
		if b := blame(tc.list, tc.undecided, tc.now, s, tc.overdue); b != nil {
			got = fmt.Sprintf("worker %d", b.worker)
		}
		if got != tc.want {
			t.Errorf("%s: %s to blame, want %s", tc.name, got, tc.want)
		}
	}
}

func TestBadConfig(t *testing.T) {
	good := corruption(t, "none", "memory")
	missing := t.TempDir() + "/libnothing.so"
	if err := os.WriteFile(missing, []byte("not a library"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		want string
		set  func(*Config)
	}{
		{"0 workers: want 1 to 1024", func(c *Config) { c.Workers = 0 }},
		{"1025 workers: want 1 to 1024", func(c *Config) { c.Workers = 1025 }},
		{`unknown load "udp": choose from tcp, memory`, func(c *Config) { c.Load = "udp" }},
		{`unknown heap "big": choose from global, scalable, private`, func(c *Config) { c.Heap = "big" }},
		{"share of bad peers 1.5: want 0 to 1", func(c *Config) { c.BadShare = 1.5 }},
		{"shared heap of 4096 bytes: 4 workers need", func(c *Config) { c.HeapBytes = 4096 }},
		{"map shared heap of 4611686018427387904 bytes", func(c *Config) { c.HeapBytes = 1 << 62 }},
		{"shared heap of 1024 KiB is full", func(c *Config) { c.HeapBytes = 1 << 20 }},
		{"unknown strategy nothing", func(c *Config) { c.Strategy.Name = "nothing" }},
		{"load " + missing + ":", func(c *Config) { c.Build.Libcrypto = missing }},
		{"load strategy: read " + missing + ": cut off", func(c *Config) { c.Strategy.Path = missing }},
	} {
		cfg := good
		tc.set(&cfg)
		_, err := Run(context.Background(), cfg)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("error %v, want one with %q", err, tc.want)
		}
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("error is not one line: %q", err)
		}
	}
}

// A library that has the right name and lacks what the rig needs.
func TestMissingFunction(t *testing.T) {
	cfg := corruption(t, "none", "memory")
	cfg.Build.Libcrypto, cfg.Build.Libssl = "libm.so.6", "libm.so.6"
	_, err := Run(context.Background(), cfg)
	const want = "OpenSSL function CRYPTO_set_mem_functions is missing from libm.so.6"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want one with %q", err, want)
	}
}

func TestCancelledTrial(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cfg := corruption(t, catalogue.NegativeControl, "tcp")
	cfg.Duration = time.Minute
	time.AfterFunc(200*time.Millisecond, cancel)
	if _, err := Run(ctx, cfg); err != context.Canceled {
		t.Errorf("cancelled trial ended with %v", err)
	}
}

// Each detector finds what is done to it, exactly as often, and blames the
// worker that did it: number 2. What a peer sees has no worker. The load is
// bounded by handshakes, so the number of faults is known.
func TestFaultsAreFound(t *testing.T) {
	const gap, handshakes, culprit = 2 * time.Millisecond, 400, 2
	for _, tc := range []struct {
		fault, event, detail string
		also                 string // what it may do besides
		peers                bool   // tcp: it is the peers that see it
		load                 string // the only one that it can be made in
	}{
		{fault: "double-free", event: "double-free", detail: "bytes of process 2, at fault.c"},
		{fault: "wild-free", event: "wild-free", detail: "no block begins there"},
		{fault: "overrun", event: "overrun", detail: "bytes of process 2, at fault.c"},
		{fault: "heap-damage", event: "heap-damage", detail: "written after free"},
		{fault: "foreign-error", event: "foreign-error", also: "failed-handshake"},
		{fault: "swallowed-error", event: "foreign-error", detail: "my entry is gone"},
		{fault: "repeated-random", event: "repeated-random", detail: "bytes of worker 2 repeats"},
		{fault: "repeated-hello", event: "repeated-random", detail: "ServerHello random of worker 2 repeats", load: "memory"},
		{fault: "repeated-share", event: "repeated-random", detail: "key share of worker 2 repeats", load: "memory"},
		{fault: "wrong-data", event: "wrong-data", peers: true},
		{fault: "cut", event: "failed-handshake", peers: true},
	} {
		for _, load := range results.Loads.Names() {
			if tc.load != "" && tc.load != load {
				continue
			}
			for _, heap := range []string{"global", "scalable"} {
				t.Run(tc.fault+"/"+load+"/"+heap, func(t *testing.T) {
					cfg := corruption(t, catalogue.NegativeControl, load)
					cfg.Heap, cfg.Fault, cfg.FaultGap, cfg.FaultWorker = heap, tc.fault, gap, culprit
					cfg.Duration, cfg.Handshakes, cfg.BadShare = 0, handshakes, 0
					// On a busy machine that worker may get no turn.
					out := retry(t, cfg, func(o *Outcome) bool { return o.Injected > 0 && o.Timeouts == 0 }, nil)
					delete(out.Events, tc.also)
					if out.Injected == 0 || out.Events[tc.event] != out.Injected || len(out.Events) != 1 {
						t.Errorf("%d faults, events %v: %v", out.Injected, out.Events, out.Noted)
					}
					worker := culprit
					if load == "tcp" && tc.peers {
						worker = -1 // the peer's finding
					}
					checkBlame(t, out, worker, tc.detail)
					checkOwners(t, out, tc.event)
				})
			}
		}
	}
}

// checkOwners fails if an entry in the queue is said to be another worker's than
// it was. Faults and what was seen of them come in the same order.
func checkOwners(t *testing.T, out *Outcome, kind string) {
	t.Helper()
	i := 0
	for _, e := range out.Noted {
		if e.Kind != kind {
			continue
		}
		_, owner, found := strings.Cut(e.Detail, "entry of worker ")
		if found && i < len(out.Injections) && owner != strconv.Itoa(out.Injections[i].Other) {
			t.Errorf("event %d is %q; the entry was worker %d's", i, e.Detail, out.Injections[i].Other)
			return
		}
		i++
	}
}

// checkBlame fails for an event that names another worker, or says something else.
func checkBlame(t *testing.T, out *Outcome, worker int, detail string) {
	t.Helper()
	for _, e := range out.Noted {
		if e.Worker != worker || !strings.Contains(e.Detail, detail) {
			t.Errorf("%s of worker %d: %q; want worker %d and %q", e.Kind, e.Worker, e.Detail, worker, detail)
			return // one of many, for the most part
		}
	}
}

// Sudden ends: what was counted until then is reported, and nothing is left.
func TestSuddenEnds(t *testing.T) {
	for _, tc := range []struct{ fault, event, detail string }{
		{"crash", event.Crash, "signal 11"},
		{"exit", event.Crash, "exited with status 0"},
		{"lock-holder", event.Crash, "holding the heap's lock"},
		{"hang", event.Hang, "blocked for"},
		{"spin", event.Hang, "processor time"},
	} {
		for _, load := range results.Loads.Names() {
			t.Run(tc.fault+"/"+load, func(t *testing.T) {
				cfg := corruption(t, catalogue.NegativeControl, load)
				cfg.Fault, cfg.FaultGap, cfg.Duration = tc.fault, 200*time.Millisecond, 60*time.Second
				if tc.event == event.Hang {
					cfg.HangAfter = 2 * time.Second // longer than a busy machine keeps the others from it
				}
				out := mustRun(t, cfg)
				if out.Events[tc.event] != 1 || len(out.Events) != 1 {
					t.Errorf("events %v: %v", out.Events, out.Noted)
				}
				checkBlame(t, out, 0, tc.detail)
				if out.Handshakes == 0 {
					t.Errorf("only %d handshakes are reported", out.Handshakes)
				}
				if (out.CrashAt != 0) != (tc.event == event.Crash) {
					t.Errorf("crash at %v", out.CrashAt)
				}
			})
		}
	}
}

// A strict daemon dies at its first bad free.
func TestHeapSafetyAbort(t *testing.T) {
	cfg := corruption(t, catalogue.NegativeControl, "memory")
	cfg.HeapSafety, cfg.Fault, cfg.FaultGap = "abort", "double-free", 10*time.Millisecond
	out := mustRun(t, cfg)
	if out.Events["double-free"] != 1 || out.Events[event.Crash] != 1 {
		t.Errorf("events %v, want one double free and the crash of it", out.Events)
	}
}

// The holder of the heap's lock dies; the others go on.
func TestLockOfDeadHolderIsFreed(t *testing.T) {
	cfg := corruption(t, catalogue.NegativeControl, "memory")
	cfg.Fault, cfg.FaultGap = "lock-holder", 10*time.Millisecond
	var recovered uint64
	if _, err := run(context.Background(), cfg, func(b *rig.Block) { recovered = b.LocksRecovered() }); err != nil {
		t.Fatal(err)
	}
	if recovered == 0 {
		t.Error("the lock's holder died, and that was not noticed")
	}
}

// Neither the system's configuration of OpenSSL nor the user's is read: one that
// OpenSSL cannot start with changes nothing, and would if it were read.
func TestConfigurationIsNotRead(t *testing.T) {
	poison := filepath.Join(t.TempDir(), "openssl.cnf")
	if err := os.WriteFile(poison, []byte("openssl_conf = start\nconfig_diagnostics = 1\n[start]\nno_such_module = x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("OPENSSL_CONF", poison)
	cfg := corruption(t, catalogue.NegativeControl, "memory")
	cfg.Duration = 200 * time.Millisecond
	if out, err := Run(context.Background(), cfg); err != nil || out.Handshakes == 0 {
		t.Errorf("with a poisoned OPENSSL_CONF: %+v, %v", out, err)
	}
	cfg.opensslConf = poison
	if out, err := Run(context.Background(), cfg); err == nil {
		t.Errorf("the poison does no harm: %+v", out)
	}
}
