//go:build sanitized

package workload

import (
	"debug/elf"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tlsbench/results"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload/openssl"
)

// These tests are for a program whose C is built with AddressSanitizer, or with
// UndefinedBehaviorSanitizer: .ci/long.sh sanitize builds one after the other,
// as together the second can write to stderr alone. AddressSanitizer sees the
// rig's own memory: stack, globals, malloc. The shared heap it cannot guard, as
// its shadow memory belongs to one process and the heap's blocks to several; the
// heap's guard words and states do that.

// sanitizers are those that there are, by the compiler's name, with the begin of
// the names of what the built code calls.
var sanitizers = map[string]string{"address": "__asan_report_", "undefined": "__ubsan_handle_"}

// sanitizer is the one that the rig's C, linked into this program, is built
// with.
func sanitizer(t *testing.T) string {
	t.Helper()
	program, err := elf.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	symbols, err := program.ImportedSymbols()
	if err != nil {
		t.Fatal(err)
	}
	for name, calls := range sanitizers {
		if slices.ContainsFunc(symbols, func(s elf.ImportedSymbol) bool { return strings.HasPrefix(s.Name, calls) }) {
			return name
		}
	}
	t.Fatal("the rig's C was built without a sanitizer")
	return ""
}

// reports collects what the sanitizers of any process of the rig write.
func reports(t *testing.T) func() string {
	t.Helper()
	dir := t.TempDir()
	// OpenSSL and the rig leave what they made to the end of the process.
	t.Setenv("ASAN_OPTIONS", "detect_leaks=0:detect_stack_use_after_return=1:log_path="+dir+"/address")
	t.Setenv("UBSAN_OPTIONS", "print_stacktrace=1:log_path="+dir+"/undefined")
	return func() string {
		t.Helper()
		files, err := filepath.Glob(dir + "/*")
		if err != nil {
			t.Fatal(err)
		}
		var all strings.Builder
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(text)
		}
		return all.String()
	}
}

// clearsByNumber are the fixes that take AddressSanitizer's own key, made before
// any other, for OpenSSL's. That is the hazard foreign-before, met for once.
var clearsByNumber = []string{"clear-0-15", "hwm"}

func checkSilent(t *testing.T, cfg Config) {
	t.Helper()
	said := reports(t)
	out := mustRun(t, cfg)
	if out.Skipped != "" {
		t.Fatalf("nothing was looked at, as this machine lacks %s: make bench-setup brings it", out.Skipped)
	}
	if sanitizer(t) == "address" && slices.Contains(clearsByNumber, cfg.Strategy.Name) {
		delete(out.Events, "lost-slot")
	}
	if out.Damaged() {
		t.Errorf("damaged: %v", out.Noted)
	}
	if text := said(); text != "" {
		t.Error(text)
	}
}

// What an undamaged trial must not show: every strategy with both loads and
// all heaps.
func TestSanitizedStrategies(t *testing.T) {
	for _, s := range catalogue.All() {
		if s.Name == catalogue.PositiveControl {
			continue
		}
		for _, load := range results.Loads.Names() {
			for _, heap := range []string{"global", "scalable", "private"} {
				t.Run(s.Name+"/"+load+"/"+heap, func(t *testing.T) {
					cfg := corruption(t, s.Name, load)
					cfg.Heap, cfg.Duration, cfg.CheckRate = heap, 300*time.Millisecond, 4
					checkSilent(t, cfg)
				})
			}
		}
	}
}

// The negative control with every hazard that leaves it undamaged.
func TestSanitizedHazards(t *testing.T) {
	seen := 0
	for _, hazard := range results.AllHazards() {
		words, err := results.Expected(hazard, catalogue.NegativeControl, system(t).Version, "ecdsa-p256")
		if err != nil {
			t.Fatal(err)
		}
		if len(words) > 0 {
			continue
		}
		seen++
		for _, load := range results.Loads.Names() {
			t.Run(hazard+"/"+load, func(t *testing.T) {
				cfg := corruption(t, catalogue.NegativeControl, load)
				cfg.Hazard, cfg.Duration = hazard, 300*time.Millisecond
				cfg.Build = buildFor(t, hazard)
				checkSilent(t, cfg)
			})
		}
	}
	if seen < 5 {
		t.Errorf("only %d hazards leave %s undamaged", seen, catalogue.NegativeControl)
	}
}

// buildFor is an OpenSSL that can have the hazard: the system's or, for a module that it
// lacks, one that was fetched with its neighbours.
func buildFor(t *testing.T, hazard string) openssl.Build {
	t.Helper()
	for _, line := range []string{"system", "3.5", "3.6"} {
		if builds, err := openssl.Find([]string{line}, ""); err == nil {
			if why, err := Lacks(hazard, builds[0]); err == nil && why == "" {
				return builds[0]
			}
		}
	}
	return system(t) // whose trial says what it lacks
}

// A trial of forks has code of its own.
func TestSanitizedForks(t *testing.T) {
	said := reports(t)
	cfg := corruption(t, catalogue.NegativeControl, "memory")
	cfg.Fork = &ForkConfig{Pairs: 30, Sustained: 30}
	if out := mustRun(t, cfg); out.Fork == nil {
		t.Error("no forks were timed")
	}
	if text := said(); text != "" {
		t.Error(text)
	}
}

// What the tests above look for can be seen: a fix that writes past an array in
// a worker, or overflows an int there, is reported.
func TestSanitizerSpeaks(t *testing.T) {
	name := sanitizer(t)
	mistake := map[string]struct{ body, report string }{
		"address":   {"volatile char room[8]; volatile int at = 8; room[at] = 1; (void)room[0];", "stack-buffer-overflow"},
		"undefined": {"volatile int most = 2147483647; most = most + 1;", "signed integer overflow"},
	}[name]
	said := reports(t)
	mustRun(t, ownTrial(t, ownHandler(t, "child", mistake.body, "-fsanitize="+name)))
	if text := said(); !strings.Contains(text, mistake.report) {
		t.Errorf("%s sanitizer: reports %q, want %s", name, text, mistake.report)
	}
}
