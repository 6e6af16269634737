package workload

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"tlsbench/results/event"
	"tlsbench/strategies"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload/sharedlib"
)

// ownObject compiles C code into a shared object, as a user would.
func ownObject(t *testing.T, name string, source []byte, flags ...string) catalogue.Choice {
	t.Helper()
	object := filepath.Join(t.TempDir(), name+".so")
	recipe := sharedlib.Recipe{
		Flags: append([]string{"-std=c11", "-Wall", "-Wextra", "-Werror"}, flags...),
		From: []sharedlib.Source{
			{Files: fstest.MapFS{name + ".c": {Data: source}}, Pattern: "*.c"},
			{Files: strategies.Source, Pattern: "*.h"},
		},
	}
	if err := recipe.Compile(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	choice, err := catalogue.Parse(object)
	if err != nil {
		t.Fatal(err)
	}
	return choice
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
const struct strategy tlsbench_strategy = {.abi = STRATEGY_ABI + 1, .name = "own"};`, "has ABI version 2, not 1"},
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

func TestOwnStrategyIsNoObject(t *testing.T) {
	path := filepath.Join(t.TempDir(), "text.so")
	if err := os.WriteFile(path, []byte("no object\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Run(context.Background(), ownTrial(t, catalogue.Choice{Name: "text", Path: path}))
	if err == nil || !strings.Contains(err.Error(), "load strategy") {
		t.Errorf("error %v, want one about loading the strategy", err)
	}
}

// A handler that crashes, or ends the process, is an event wherever it does so.
func TestOwnHandlerCrashes(t *testing.T) {
	for _, handler := range []string{"prepare", "parent", "child"} {
		for _, body := range []string{"abort();", "_exit(0);"} {
			checkEvent(t, handler+" "+body, ownTrial(t, ownHandler(t, handler, body)), event.Crash)
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

func checkEvent(t *testing.T, name string, cfg Config, kind string) {
	t.Helper()
	out, err := Run(context.Background(), cfg)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	if out.Events[kind] == 0 {
		t.Errorf("%s: events %v, want %s: %v", name, out.Events, kind, out.Noted)
	}
}
