package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"tlsbench/results/page"
)

var update = flag.Bool("update", false, "write golden texts anew")

// TestMain lets scripts run this test binary as tlsbench. The rig is this
// binary too: its constructor takes over before any test does.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"tlsbench": main})
}

// asTlsbench gives a folder in which this test binary is called tlsbench, for a program
// or a shell that starts it by that name.
func asTlsbench(t *testing.T) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(exe, filepath.Join(dir, "tlsbench")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			// The cache of fetched builds is the user's, and no part of a test.
			env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
			env.Setenv("COLUMNS", "")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":   exits,
			"oneline": oneLineOnly,
			"narrow":  narrow,
			"waitfor": waitFor,
		},
	})
}

// exits runs a program and wants one exit code: exits 2 tlsbench run --x.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		code = exit.ExitCode()
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}

// oneLineOnly wants stdout to be empty and stderr to be one line for a person.
func oneLineOnly(ts *testscript.TestScript, _ bool, _ []string) {
	if out := ts.ReadFile("stdout"); out != "" {
		ts.Fatalf("stdout is not empty")
	}
	text := ts.ReadFile("stderr")
	if !strings.HasPrefix(text, "tlsbench: ") || strings.Count(text, "\n") != 1 || !strings.HasSuffix(text, "\n") {
		ts.Fatalf("stderr is not one line of tlsbench:\n%s", text)
	}
}

// narrow wants no line of a text wider than a terminal, and no colour.
func narrow(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		for _, line := range strings.Split(ts.ReadFile(name), "\n") {
			path := strings.Contains(line, "/lib") || strings.Contains(line, "--resume")
			if n := len([]rune(line)); n > page.Width && !path {
				ts.Fatalf("%s: %d columns: %s", name, n, line)
			}
			if strings.ContainsRune(line, '\x1b') {
				ts.Fatalf("%s: escape sequence in %q", name, line)
			}
		}
	}
}

// waitFor waits until a file has a line that matches.
func waitFor(ts *testscript.TestScript, _ bool, args []string) {
	if err := await(ts.MkAbs(args[0]), args[1]); err != nil {
		ts.Fatalf("%v", err)
	}
}

func await(path, pattern string) error {
	re := regexp.MustCompile("(?m)" + pattern)
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if text, err := os.ReadFile(path); err == nil && re.Match(text) {
			return nil
		}
	}
	return fmt.Errorf("%s has no line %s after 2 minutes", path, pattern)
}

// program starts this test binary as tlsbench.
func program(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return &exec.Cmd{Path: exe, Args: append([]string{"tlsbench"}, args...), Dir: dir}
}

// TestInterrupt ends a run by each signal, wants every finished trial on the
// disk, and goes on with it until it is whole.
func TestInterrupt(t *testing.T) {
	// Many enough that the signal comes before the last one on any machine.
	const total, rounds = 20, "20"
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file := filepath.Join(dir, "r.txt")
			cmd := program(t, dir, "run", "--quiet", "-o", "r.txt", "--rounds", rounds, "--duration", "200ms", "--workers", "2",
				"--load", "memory", "--strategy", "hwm", "--measure", "corruption", "--check-rate", "0", "--no-controls")
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if err := await(file, "^#trial .*"); err != nil {
				cmd.Process.Kill()
				t.Fatal(err)
			}
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code != exitInterrupted {
				t.Fatalf("exit code %d, want %d; stderr: %s", code, exitInterrupted, &stderr)
			}
			if want := "continue with: tlsbench run --resume r.txt\n"; !strings.HasSuffix(stderr.String(), want) ||
				strings.Count(stderr.String(), "\n") != 1 {
				t.Errorf("stderr is %q, want one line that ends in %q", &stderr, want)
			}
			before := trials(t, file)
			if len(before) == 0 || len(before) >= total {
				t.Fatalf("%d trials in the file, want some of %d", len(before), total)
			}

			cmd = program(t, dir, "run", "--resume", "r.txt")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("resume: %v\n%s", err, out)
			}
			after := trials(t, file)
			if len(after) != total || !slices.Equal(after[:len(before)], before) {
				t.Errorf("%d trials after resuming, want %d, the first %d as they were", len(after), total, len(before))
			}
		})
	}
}

// trials lists the lines of a results file that stand for trials.
func trials(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`(?m)^#trial .*`).FindAllString(string(text), -1)
}

// TestCancelled calls commands with a context that has ended already: each
// stops soon, and says that it was interrupted.
func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, args := range [][]string{
		{"probe"}, {"doctor"}, {"openssl", "list"}, {"run", "-o", filepath.Join(t.TempDir(), "r.txt")},
	} {
		var stdout, stderr bytes.Buffer
		if code := run(ctx, args, nil, &stdout, &stderr); code != exitInterrupted {
			t.Errorf("%v: exit code %d, want %d; stderr: %s", args, code, exitInterrupted, &stderr)
		}
		if want := "tlsbench: interrupted\n"; stderr.String() != want {
			t.Errorf("%v: stderr is %q, want %q", args, &stderr, want)
		}
		if stdout.Len() > 0 {
			t.Errorf("%v: stdout has %q", args, &stdout)
		}
	}
}

// What cannot be written is a failure of every command, whoever prints it, and no
// fault of the line.
func TestFullOutput(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("bench.txt", []byte(oneTrial), 0o600); err != nil {
		t.Fatal(err)
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	for _, args := range []string{"help", "help reading", "--help", "compare --help", "--version", "completion bash", "list", "compare bench.txt",
		"compare --csv bench.txt", "check bench.txt --expect hwm=undamaged", "plot bench.txt -o figures", "report bench.txt", "new-strategy my-fix"} {
		var stderr bytes.Buffer
		if code := run(t.Context(), strings.Fields(args), nil, full, &stderr); code != exitFailed || stderr.String() != "tlsbench: write /dev/full: no space left on device\n" {
			t.Errorf("%s: exit code %d, %q", args, code, &stderr)
		}
	}
}
