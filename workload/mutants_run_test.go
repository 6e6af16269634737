//go:build mutants

package workload

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const builtWithMutants = true

// atOnce is how many tests run at a time: each is a trial with workers.
const atOnce = 2

// killer runs ordinary tests in programs that have the mutants built in.
type killer struct {
	dir   string
	slots chan struct{}

	mu       sync.Mutex
	programs map[string]func() error // by package
	green    map[string]func() error // by test
}

// Every mutant turns its test red, and the test is green without it.
func TestMutants(t *testing.T) {
	k := &killer{
		dir: t.TempDir(), slots: make(chan struct{}, atOnce),
		programs: map[string]func() error{}, green: map[string]func() error{},
	}
	var lived, killed atomic.Int64
	began := time.Now()
	t.Cleanup(func() {
		t.Logf("%d mutants, %d killed, in %v", lived.Load(), killed.Load(), time.Since(began).Round(time.Second))
	})
	for _, part := range []map[string][]mutantRow{detectors, fixes, fieldDetectors} {
		for _, owner := range slices.Sorted(maps.Keys(part)) {
			t.Run(owner, func(t *testing.T) {
				for _, m := range part[owner] {
					t.Run(m.name, func(t *testing.T) {
						t.Parallel()
						lived.Add(1)
						if err := k.kill(owner+"-"+m.name, m.test); err != nil {
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

// once gives the one call of do under that key.
func (k *killer) once(calls map[string]func() error, key string, do func() error) func() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if calls[key] == nil {
		calls[key] = sync.OnceValue(do)
	}
	return calls[key]
}

// kill returns nil if the test is green without the mutant and red with it.
func (k *killer) kill(name, test string) error {
	k.slots <- struct{}{}
	defer func() { <-k.slots }()
	dir, pattern, _ := strings.Cut(test, " ")
	if err := k.once(k.programs, dir, func() error { return k.build(dir) })(); err != nil {
		return err
	}
	if err := k.once(k.green, test, func() error { return k.isGreen(dir, pattern) })(); err != nil {
		return err
	}
	// Red by chance, as a test on a busy machine may be, is no death: a test that
	// the mutant turns red is red twice.
	for range 2 {
		output, err := k.run(dir, pattern, name)
		if err := isRed(pattern, output, err); err != nil {
			return err
		}
	}
	return nil
}

func (k *killer) program(dir string) string {
	return filepath.Join(k.dir, strings.ReplaceAll(dir, "/", "-")+".test")
}

func (k *killer) build(dir string) error {
	out, err := exec.Command("go", "test", "-c", "-tags", "mutants", "-o", k.program(dir), "tlsbench/"+dir).CombinedOutput()
	if err != nil {
		return fmt.Errorf("build the tests of %s: %w: %s", dir, err, out)
	}
	return nil
}

// run runs one test in its package's folder, as go test does.
func (k *killer) run(dir, pattern, living string) ([]byte, error) {
	function, rest, _ := strings.Cut(pattern, "/")
	cmd := exec.Command(k.program(dir), "-test.v", "-test.timeout=90s", "-test.run=^"+function+"$/"+rest)
	cmd.Dir = filepath.Join("..", dir)
	cmd.Env = append(os.Environ(), "TLSBENCH_MUTANT="+living)
	return cmd.CombinedOutput()
}

func (k *killer) isGreen(dir, pattern string) error {
	output, err := k.run(dir, pattern, "")
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

// isRed tells a test that failed from a program that came to no verdict.
func isRed(pattern string, output []byte, err error) error {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return errors.New("the mutant survives")
	case !errors.As(err, &exit) || exit.ExitCode() != 1 || !bytes.Contains(output, []byte("--- FAIL: ")):
		return fmt.Errorf("no verdict: %w: %s", err, tail(output))
	}
	return reached(pattern, output)
}

func tail(output []byte) []byte { return output[max(0, len(output)-2000):] }
