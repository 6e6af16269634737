package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

//go:embed testdata/wrong.txt
var wrongUses string

// TestWrongUses wants of every wrong use exit code 2, one line that says what is
// wrong, soon, and no trace of it on the disk.
func TestWrongUses(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv("HOME", filepath.Join(dir, "home"))
	for name, text := range map[string]string{"bench.txt": oneTrial, "other.txt": oneTrial, "text.so": "no object\n", "empty.so": ""} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir("folder.so", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo("pipe.so", 0o600); err != nil {
		t.Fatal(err)
	}
	before := tree(t, dir)
	n := 0
	for line := range strings.Lines(wrongUses) {
		want, args, ok := strings.Cut(strings.TrimSpace(line), "|")
		if !ok {
			continue
		}
		n++
		t.Run(strings.TrimSpace(args), func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			var stdout, stderr bytes.Buffer
			code := run(ctx, words(args), strings.NewReader(""), &stdout, &stderr)
			said := stderr.String()
			if code != exitRefused || stdout.Len() > 0 || strings.Count(said, "\n") != 1 || !strings.HasPrefix(said, "tlsbench: ") ||
				!strings.Contains(said, strings.TrimSpace(want)) {
				t.Errorf("exit code %d, stdout %q, stderr %q; want 2, nothing, and one line with %q", code, stdout.String(), said, want)
			}
			if after := tree(t, dir); after != before {
				t.Errorf("files before:\n%s\nand after:\n%s", before, after)
				before = after
			}
		})
	}
	if n < 60 {
		t.Errorf("%d wrong uses, want 60 and more", n)
	}
}

// words takes a line apart; quotes make an empty or a longer one.
func words(line string) []string {
	var list []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			list = append(list, part)
			continue
		}
		list = append(list, strings.Fields(part)...)
	}
	return list
}

// tree lists all that is in a folder, with size, mode and time of change.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := e.Info()
		if err == nil {
			b.WriteString(fs.FormatFileInfo(info) + "\n")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A limit of processes under which the program, or its workers, could not go on ends it
// before it begins.
func TestTooFewProcesses(t *testing.T) {
	dir := t.TempDir()
	text, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	exe := filepath.Join(dir, "tlsbench")
	if err := errors.Join(os.WriteFile(exe, text, 0o755), os.Chmod(filepath.Dir(dir), 0o711), os.Mkdir(filepath.Join(dir, "work"), 0o777)); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"12 run -o r.txt", "60 run --workers 64 -o r.txt", "12 compare r.txt", "60 selftest --workers 64", "60 trace --workers 60", "12 probe"} {
		limit, args, _ := strings.Cut(line, " ")
		cmd := exec.Command("prlimit", append([]string{"--nproc=" + limit, exe}, strings.Fields(args)...)...)
		cmd.Dir = filepath.Join(dir, "work")
		if os.Getuid() == 0 { // whom no limit holds
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65533, Gid: 65533}}
		}
		said, _ := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != exitRefused || !strings.Contains(string(said), "ulimit -u") || strings.Count(string(said), "\n") != 1 {
			t.Errorf("%s: exit code %d: %.500s", line, code, said)
		}
		if left, err := os.ReadDir(cmd.Dir); err != nil || len(left) > 0 {
			t.Errorf("%s: left %v: %v", line, left, err)
		}
	}
}
