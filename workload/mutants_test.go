package workload

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tlsbench/results/event"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload/rig"
)

// top is the project's folder, seen from this package.
const top = ".."

// parts are all mutants, by what they break.
var parts = []map[string][]mutant{detectors, fixes, fieldDetectors, tracers}

// allMutants gives the whole table, by the mutants' full names.
func allMutants(t *testing.T) map[string]mutant {
	t.Helper()
	all := map[string]mutant{}
	for _, part := range parts {
		for owner, list := range part {
			for _, m := range list {
				name := owner + "-" + m.name
				if _, twice := all[name]; twice {
					t.Errorf("mutant %s is in the table twice", name)
				}
				all[name] = m
			}
		}
	}
	return all
}

// apply returns the text of each file that the mutant changes.
func (m mutant) apply() (map[string]string, error) {
	changed := map[string]string{}
	for _, e := range m.edits {
		text, ok := changed[e.file]
		if !ok {
			content, err := os.ReadFile(filepath.Join(top, e.file))
			if err != nil {
				return nil, err
			}
			text = string(content)
		}
		if n := strings.Count(text, e.old); n != 1 || e.old == e.new {
			return nil, fmt.Errorf("%s has %q %d times, want once, and something else instead of it", e.file, e.old, n)
		}
		changed[e.file] = strings.Replace(text, e.old, e.new, 1)
	}
	if len(changed) == 0 {
		return nil, errors.New("the mutant changes nothing")
	}
	return changed, nil
}

// overlay writes the changed files into a folder and returns the file that
// go build -overlay reads.
func (m mutant) overlay(dir string) (string, error) {
	changed, err := m.apply()
	if err != nil {
		return "", err
	}
	replace := map[string]string{}
	for file, text := range changed {
		original, err := filepath.Abs(filepath.Join(top, file))
		if err != nil {
			return "", err
		}
		replace[original] = filepath.Join(dir, filepath.Base(file))
		if err := os.WriteFile(replace[original], []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, list, 0o600)
}

// Every edit fits the sources as they are.
func TestMutantTableMatchesSources(t *testing.T) {
	for name, m := range allMutants(t) {
		if _, err := m.apply(); err != nil {
			t.Errorf("mutant %s: %v", name, err)
		}
	}
}

// Every detector has its four mutants, every strategy at least two, and no
// kind of event is without a detector.
func TestMutantTableIsComplete(t *testing.T) {
	for name, list := range detectors {
		for _, way := range detectorMutants {
			if !slices.ContainsFunc(list, func(m mutant) bool { return m.name == way }) {
				t.Errorf("detector %s has no mutant %s", name, way)
			}
		}
	}
	kinds := append(slices.Clone(rig.EventKinds), event.FailedHandshake, event.WrongData, event.RepeatedRandom, event.Crash, event.Hang)
	for _, kind := range kinds {
		if _, ok := detectors[kind]; !ok {
			t.Errorf("event kind %s has no mutants", kind)
		}
	}
	for _, s := range catalogue.All() {
		if n := len(fixes[s.Name]); n < 2 {
			t.Errorf("strategy %s has %d mutants, want 2 or more", s.Name, n)
		}
	}
}

// Every row names an ordinary test that exists.
func TestMutantTableNamesTests(t *testing.T) {
	for name, m := range allMutants(t) {
		folder, pattern, _ := strings.Cut(m.test, " ")
		function, _, _ := strings.Cut(pattern, "/")
		if m.breaks == "" || !slices.Contains(ordinaryTests(t, folder), function) {
			t.Errorf("mutant %s: says %q and names test %q, want one that exists", name, m.breaks, m.test)
		}
	}
}

var testFunction = regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`)

// ordinaryTests lists the tests of a package in every build.
func ordinaryTests(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(top, folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.HasPrefix(text, []byte("//go:build")) {
			continue
		}
		for _, f := range testFunction.FindAllSubmatch(text, -1) {
			names = append(names, string(f[1]))
		}
	}
	return names
}

// atOnce is how many mutants are built and tried at a time: each test of one is
// a trial with workers.
const atOnce = 2

// killer runs ordinary tests in programs built from changed sources.
type killer struct {
	slots chan struct{}

	mu    sync.Mutex
	dir   string                  // of the unchanged programs
	calls map[string]func() error // of what is done once: a package's build, a test's run without a mutant
}

func newKiller(t *testing.T) *killer {
	return &killer{slots: make(chan struct{}, atOnce), dir: t.TempDir(), calls: map[string]func() error{}}
}

var tryMutants = flag.Bool("mutants", false, "build and kill every mutant")

// Every mutant turns its test red, and the test is green without it. Each needs
// a build of its own: all of them take an hour or two. -run picks some, as in
// TestMutants/crash.
func TestMutants(t *testing.T) {
	if !*tryMutants {
		t.Skip("takes an hour or two: make test-long LONG=mutants")
	}
	k := newKiller(t)
	var lived, killed atomic.Int64
	began := time.Now()
	t.Cleanup(func() {
		t.Logf("%d mutants, %d killed, in %v", lived.Load(), killed.Load(), time.Since(began).Round(time.Second))
	})
	for _, part := range parts {
		for _, owner := range slices.Sorted(maps.Keys(part)) {
			t.Run(owner, func(t *testing.T) {
				for _, m := range part[owner] {
					t.Run(m.name, func(t *testing.T) {
						t.Parallel()
						lived.Add(1)
						if err := k.kill(t.TempDir(), m); err != nil {
							t.Errorf("%s: %s: %v", m.breaks, m.test, err)
							return
						}
						killed.Add(1)
					})
				}
			})
		}
	}
}

// One mutant in C and one in Go are killed by every run of the tests, and one
// that changes nothing of consequence is not.
func TestMutantIsKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("builds three programs")
	}
	k := newKiller(t)
	for _, name := range []string{"host-child-handler-in-parent", "wrong-data-tcp-off-by-one"} {
		if err := k.kill(t.TempDir(), allMutants(t)[name]); err != nil {
			t.Errorf("mutant %s: %v", name, err)
		}
	}
	harmless := mutant{test: peerFailure + "wrong_last_byte",
		edits: in(peerGo, "if !bytes.Equal(piece, back) {", "if !bytes.Equal(back, piece) {")}
	if err := k.kill(t.TempDir(), harmless); !errors.Is(err, errSurvives) {
		t.Errorf("a mutant that does no harm: %v, want %v", err, errSurvives)
	}
}

// once makes the one call of do under that key.
func (k *killer) once(key string, do func() error) error {
	k.mu.Lock()
	if k.calls[key] == nil {
		k.calls[key] = sync.OnceValue(do)
	}
	call := k.calls[key]
	k.mu.Unlock()
	return call()
}

// kill returns nil if the mutant's test is green without it and red with it.
func (k *killer) kill(dir string, m mutant) error {
	k.slots <- struct{}{}
	defer func() { <-k.slots }()
	overlay, err := m.overlay(dir)
	if err != nil {
		return err
	}
	folder, pattern, _ := strings.Cut(m.test, " ")
	if err := k.once(m.test, func() error { return k.isGreen(folder, pattern) }); err != nil {
		return err
	}
	program := filepath.Join(dir, "mutant.test")
	if err := buildTest(folder, program, overlay); err != nil {
		return err
	}
	// Red by chance, as a test on a busy machine may be, is no death: a test that
	// the mutant turns red is red twice.
	for range 2 {
		output, err := runTest(program, folder, pattern)
		if err := isRed(pattern, output, err); err != nil {
			return err
		}
	}
	return os.Remove(program) // a hundred of them would fill the disk
}

// buildTest makes the test program of a package.
func buildTest(folder, program, overlay string) error {
	out, err := exec.Command("go", "test", "-c", "-overlay="+overlay, "-o", program, "tlsbench/"+folder).CombinedOutput()
	if err != nil {
		return fmt.Errorf("build the tests of %s: %w: %s", folder, err, out)
	}
	return nil
}

// runTest runs one test in its package's folder, as go test does.
func runTest(program, folder, pattern string) ([]byte, error) {
	function, rest, _ := strings.Cut(pattern, "/")
	cmd := exec.Command(program, "-test.v", "-test.timeout=5m", "-test.run=^"+function+"$/"+rest)
	cmd.Dir = filepath.Join(top, folder)
	return cmd.CombinedOutput()
}

func (k *killer) isGreen(folder, pattern string) error {
	program := filepath.Join(k.dir, strings.ReplaceAll(folder, "/", "-")+".test")
	if err := k.once(program, func() error { return buildTest(folder, program, "") }); err != nil {
		return err
	}
	output, err := runTest(program, folder, pattern)
	if err == nil {
		err = reached(pattern, output)
	}
	if err != nil {
		return fmt.Errorf("not green without a mutant: %w: %s", err, tail(output))
	}
	return nil
}

// reached says whether the test that the pattern names was run, and not only
// those around it.
func reached(pattern string, output []byte) error {
	depth := strings.Count(pattern, "/")
	for line := range strings.Lines(string(output)) {
		if name, ok := strings.CutPrefix(line, "=== RUN   "); ok && strings.Count(name, "/") >= depth {
			return nil
		}
	}
	return errors.New("no such test was run")
}

var errSurvives = errors.New("the mutant survives")

// isRed tells a test that failed from a program that came to no verdict.
func isRed(pattern string, output []byte, err error) error {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return errSurvives
	case !errors.As(err, &exit) || exit.ExitCode() != 1 || !bytes.Contains(output, []byte("--- FAIL: ")):
		return fmt.Errorf("no verdict: %w: %s", err, tail(output))
	}
	return reached(pattern, output)
}

func tail(output []byte) []byte { return output[max(0, len(output)-2000):] }
