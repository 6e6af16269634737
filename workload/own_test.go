package workload

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"tlsbench/results"
	"tlsbench/results/event"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload/openssl"
	"tlsbench/workload/sharedlib"
	"tlsbench/workload/strategytest"
)

// ownObject compiles C code into a shared object, as a user would.
func ownObject(t *testing.T, name string, source []byte, flags ...string) catalogue.Choice {
	t.Helper()
	return strategytest.Compile(t, name, sharedlib.Source{Files: fstest.MapFS{name + ".c": {Data: source}}, Pattern: "*.c"}, flags...)
}

// ownHandler is a strategy whose one handler does what the body says.
func ownHandler(t *testing.T, handler, body string, flags ...string) catalogue.Choice {
	source := `#include "strategy.h"
#include <stdlib.h>
#include <unistd.h>
static void act(struct strategy_context *ctx) { (void)ctx; ` + body + ` }
const struct strategy tlsbench_strategy = {.abi = STRATEGY_ABI, .name = "own", .` + handler + ` = act};
`
	return ownObject(t, "own", []byte(source), flags...)
}

// ownTrial is short, as is its patience.
func ownTrial(t *testing.T, choice catalogue.Choice) Config {
	cfg := corruption(t, choice.Name, "tcp")
	cfg.Strategy, cfg.Duration, cfg.HangAfter = choice, 300*time.Millisecond, 400*time.Millisecond
	return cfg
}

// The example is judged as any strategy of the suite, and by the same trial.
func TestExampleStrategyIsClean(t *testing.T) {
	source, err := os.ReadFile("../strategies/example/stop_and_refill.c")
	if err != nil {
		t.Fatal(err)
	}
	cfg := ownTrial(t, ownObject(t, "stop_and_refill", source))
	cfg.HangAfter = 0 // the patience that all strategies have
	undamaged(t, "stop_and_refill", cfg)
}

// A fix that does nothing is no fix.
func TestUselessOwnStrategyIsDamaged(t *testing.T) {
	cfg := ownTrial(t, ownHandler(t, "child", ""))
	cfg.Duration = 700 * time.Millisecond
	if out := retry(t, cfg, (*Outcome).Damaged, nil); !out.Damaged() {
		t.Errorf("no event in %d handshakes", out.Handshakes)
	}
}

// What is wrong with the object is one clear line.
func TestOwnStrategyIsRefused(t *testing.T) {
	for name, tc := range map[string]struct{ source, want string }{
		"wrong ABI": {`#include "strategy.h"
const struct strategy tlsbench_strategy = {.abi = STRATEGY_ABI + 1, .name = "own"};`, "has ABI version 3, not 1 to 2"},
		"no symbol": {`int nothing_of_interest;`, "exports no symbol tlsbench_strategy"},
		"no library": {`extern int missing_function(void);
int call(void) { return missing_function(); }`, "undefined symbol: missing_function"},
		"refuses itself": {`#include "strategy.h"
#include <errno.h>
static int fail(struct strategy_context *ctx) { (void)ctx; return ENOTSUP; }
const struct strategy tlsbench_strategy = {.abi = STRATEGY_ABI, .name = "own", .after_setup = fail};`,
			"strategy own: after set-up: operation not supported"},
	} {
		_, err := Run(context.Background(), ownTrial(t, ownObject(t, "own", []byte(tc.source+"\n"))))
		if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want one line with %q", name, err, tc.want)
		}
	}
}

// A file that is no object, and one that is cut off, where the dynamic linker would
// let rank 0 die of a bus error: they are not damage of a strategy.
func TestOwnStrategyIsNoObject(t *testing.T) {
	whole, err := os.ReadFile(ownHandler(t, "child", "").Path)
	if err != nil {
		t.Fatal(err)
	}
	for want, content := range map[string][]byte{
		"cut off after 10 bytes":   []byte("no object\n"),
		"not an ELF file":          bytes.Repeat([]byte("no object\n"), 10),
		"not a file":               nil,
		"cut off after 40 bytes":   whole[:40],
		"cut off after 5000 bytes": whole[:5000],
	} {
		path := filepath.Join(t.TempDir(), "own.so")
		if content == nil {
			err = os.Mkdir(path, 0o700)
		} else {
			err = os.WriteFile(path, content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		out, err := Run(context.Background(), ownTrial(t, catalogue.Choice{Name: "own", Path: path}))
		if err == nil || !strings.HasPrefix(err.Error(), "load strategy: read "+path+": "+want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("outcome %v, error %v, want one line with %q", out, err, want)
		}
	}
}

// A probe sees what a fix damages, not only which slots it clears.
func TestProbeSeesDamage(t *testing.T) {
	own := ownObject(t, "own", []byte(`#include "strategy.h"
static void *(*get)(size_t, const char *, int);
static void (*put)(void *, const char *, int);
static int look_up(struct strategy_context *ctx)
{
	get = (void *(*)(size_t, const char *, int))ctx->symbol("CRYPTO_malloc");
	put = (void (*)(void *, const char *, int))ctx->symbol("CRYPTO_free");
	return 0;
}
static void child(struct strategy_context *ctx)
{
	pthread_key_t keys[64];
	size_t n = ctx->keys_of(KEY_OPENSSL, keys, 64);
	void *p = get(100000, __FILE__, __LINE__);
	for (size_t i = 0; i < n && i < 64; i++)
		pthread_setspecific(keys[i], 0);
	put(p, __FILE__, __LINE__);
	put(p, __FILE__, __LINE__);
}
const struct strategy tlsbench_strategy = {
	.abi = STRATEGY_ABI, .name = "own", .after_setup = look_up, .child = child};
`), "-Wno-error=use-after-free", "-Wno-pedantic")
	p, err := Probe(context.Background(), Config{Build: system(t), Strategy: own})
	if err != nil {
		t.Fatal(err)
	}
	if p.SharedAddresses != 0 || p.Events["double-free"] != 2 || len(p.Events) != 1 {
		t.Errorf("%d addresses shared, events %v; want none shared and two double frees", p.SharedAddresses, p.Events)
	}
}

// A handler that crashes, or ends the process, is an event wherever it does so.
func TestOwnHandlerCrashes(t *testing.T) {
	for _, handler := range []string{"prepare", "parent", "child"} {
		for _, body := range []string{"abort();", "_exit(0);"} {
			readBack(t, handler+" "+body, checkEvent(t, handler+" "+body, ownTrial(t, ownHandler(t, handler, body)), event.Crash))
		}
	}
}

// readBack writes the times of an outcome into a results file: it can be read again.
func readBack(t *testing.T, name string, out *Outcome) {
	t.Helper()
	cell := results.Cell{Measure: results.Corruption, OpenSSL: "3.0.20", Hazard: "plain", Load: "tcp", Heap: "global", Strategy: "own", Workers: 2}
	wrote := results.Trial{Cell: cell, Status: results.OK, Life: out.Life}
	var file bytes.Buffer
	if err := results.NewWriter(&file).Trial(&wrote); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	r := results.NewReader(&file, name)
	if !r.Scan() || r.Err() != nil || r.Trial().CrashAt != out.CrashAt {
		t.Errorf("%s: crash at %v is read as %+v: %v", name, out.CrashAt, r.Trial(), r.Err())
	}
	for _, e := range out.Noted {
		if e.At < 0 {
			t.Errorf("%s: %v at %v", name, e.Kind, e.At)
		}
	}
}

// A handler that never returns is a hang, blocked or going round in circles. A
// trial that comes to the limit on set-up, or on its end, is an error instead.
func TestOwnHandlerNeverReturns(t *testing.T) {
	const blocked, circling = "for (;;) pause();", "for (volatile int i = 0;; i++) ;"
	for _, tc := range []struct{ handler, body string }{
		{"prepare", blocked}, {"prepare", circling}, {"parent", blocked}, {"child", blocked}, {"child", circling},
	} {
		checkEvent(t, tc.handler+" "+tc.body, ownTrial(t, ownHandler(t, tc.handler, tc.body)), event.Hang)
	}
}

// A handler may get stuck under load as well, where a worker that has retired is
// replaced. Then rank 0 hangs; the trial does not wait for its handshakes.
func TestLateHandlerNeverReturns(t *testing.T) {
	const later = "static int forks; if (++forks > 4) "
	for _, body := range []string{later + "for (;;) pause();", later + "for (volatile int i = 0;; i++) ;"} {
		cfg := hazardTrial(t, "late-forks", "key-owner", "memory")
		cfg.Strategy, cfg.Duration, cfg.Handshakes = ownTrial(t, ownHandler(t, "prepare", body)).Strategy, 0, 100000
		cfg.Heap = "private" // the handler fixes nothing
		out := mustRun(t, cfg)
		hangs := slices.DeleteFunc(out.Noted, func(e Event) bool { return e.Kind != event.Hang })
		if len(hangs) != 1 || hangs[0].Worker != -1 || !strings.Contains(hangs[0].Detail, "rank 0, when it was to fork worker") {
			t.Errorf("%s: events %v, want one hang of rank 0: %v", body, out.Events, out.Noted)
		}
	}
}

func checkEvent(t *testing.T, name string, cfg Config, kind string) *Outcome {
	t.Helper()
	out := mustRun(t, cfg)
	if out.Events[kind] == 0 {
		t.Errorf("%s: events %v, want %s: %v", name, out.Events, kind, out.Noted)
	}
	return out
}

// Two fixes of a user's own, of twenty lines each: one is right only without
// OpenSSL's FIPS module, the other with it too. A trial tells them apart without
// any luck: workers of the first share the module's state, damaged or not. The
// module is there where "tlsbench openssl fetch --neighbours" brought it.
func TestOwnFixesWithFIPS(t *testing.T) {
	tried := 0
	for _, line := range []string{"3.6", "4.0"} {
		builds, err := openssl.Find([]string{line}, "")
		if err != nil {
			continue
		}
		if why, err := Lacks("fips", builds[0]); why != "" || err != nil {
			t.Logf("%s: %s, %v", line, why, err)
			continue
		}
		tried++
		for _, tc := range []struct {
			fix, hazard string
			shared      int
		}{{"stop_only", "plain", 0}, {"stop_only", "fips", 1}, {"drop_shared", "plain", 0}, {"drop_shared", "fips", 0}} {
			source, err := os.ReadFile("testdata/" + tc.fix + ".c")
			if err != nil {
				t.Fatal(err)
			}
			cfg := hazardTrial(t, tc.hazard, tc.fix, "memory")
			cfg.Build, cfg.Strategy, cfg.Duration, cfg.Handshakes = builds[0], ownObject(t, tc.fix, source), 0, 48
			out := mustRun(t, cfg)
			if out.Skipped != "" || out.SharedSlots != tc.shared || tc.shared == 0 && out.Damaged() {
				t.Errorf("%s, %s on %s: %d shared slots, want %d; %s %v", tc.fix, tc.hazard, line, out.SharedSlots, tc.shared, out.Skipped, out.Noted)
			}
		}
	}
	switch {
	case tried > 0:
	case os.Getenv("TLSBENCH_LINES") != "":
		t.Fatal("neither 3.6 nor 4.0 is there with its FIPS module")
	default:
		t.Skip("neither 3.6 nor 4.0 is there with its FIPS module: tlsbench openssl fetch --neighbours 3.6")
	}
}

// What the tracer cannot work with is an error that says what it is, wherever it
// happens.
func TestOwnStrategyDisturbsTheTracer(t *testing.T) {
	const (
		segv     = "struct sigaction a = {.sa_handler = catch}; sigaction(SIGSEGV, &a, NULL);"
		trap     = "signal(SIGTRAP, catch);"
		mappings = "enum { PAGES = 200000 }; char *p = mmap(NULL, PAGES * 4096L, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);" +
			"for (long i = 0; i < PAGES && mprotect(p + i * 4096, 4096, PROT_READ) == 0; i += 2) ;"
		blocks = `void *(*take)(size_t, const char *, int) = (void *(*)(size_t, const char *, int))ctx->symbol("CRYPTO_malloc");` +
			"for (int i = 0; i < 140000; i++) take(16, __FILE__, __LINE__);"
	)
	for _, test := range []struct{ handler, body, want string }{
		{"child", segv, "own.so installs a handler for signal 11 (Segmentation fault), which the tracer needs"},
		{"parent", trap, "own.so installs a handler for signal 5 (Trace/breakpoint trap), which the tracer needs"},
		{"prepare", segv, "the tracer needs signal 11 (Segmentation fault), which has a handler already"},
		{"child", mappings, "more mappings than /proc/sys/vm/max_map_count allows"},
		{"prepare", blocks, "traced heap: no room for 16 bytes"},
	} {
		own := ownObject(t, "own", []byte(`#include "strategy.h"
#include <signal.h>
#include <sys/mman.h>
void catch(int);
void catch(int signal) { (void)signal; }
static void act(struct strategy_context *ctx) { (void)ctx; `+test.body+` }
const struct strategy tlsbench_strategy = {.abi = STRATEGY_ABI, .name = "own", .`+test.handler+` = act};
`), "-Wno-pedantic")
		cfg := corruption(t, own.Name, "memory")
		cfg.Strategy, cfg.Heap, cfg.Handshakes, cfg.Duration = own, "traced", 5, 0
		_, err := Run(context.Background(), cfg)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %s: error %v, want one line with %q", test.handler, test.body, err, test.want)
		}
	}
}
