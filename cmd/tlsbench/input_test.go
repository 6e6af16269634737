package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const oneTrial = "BenchmarkHandshake/openssl=3.0.20/hazard=plain/load=tcp/heap=global/strategy=hwm/workers=4 100 1000 handshakes/s\n"

// An interruption ends the waiting for an input that never comes, and leaves nothing.
func TestInputIsWaitedForInVain(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("TMPDIR", t.TempDir())
	if err := os.WriteFile("bench.txt", []byte(oneTrial), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo("pipe", 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{"compare -", "compare pipe", "merge -o m.txt pipe", "plot bench.txt --probe pipe -o figures", "check bench.txt --against pipe"} {
		ctx, cancel := context.WithCancel(context.Background())
		code := make(chan int, 1)
		var stdout, stderr bytes.Buffer
		never, _ := io.Pipe()
		go func() { code <- run(ctx, strings.Fields(args), never, &stdout, &stderr) }()
		time.Sleep(100 * time.Millisecond)
		cancel()
		select {
		case got := <-code:
			if got != exitInterrupted || stderr.String() != "tlsbench: interrupted\n" || stdout.Len() > 0 {
				t.Errorf("%s: exit code %d, %q%q", args, got, &stdout, &stderr)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%s: it is deaf", args)
		}
	}
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// What reads files ends at once when it is interrupted.
func TestReadingIsInterrupted(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bench.txt")
	if err := os.WriteFile(file, []byte(strings.Repeat(oneTrial, 1<<16)), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, args := range []string{"compare", "check --expect hwm=clean", "report"} {
		var stderr bytes.Buffer
		code := run(ctx, append(strings.Fields(args), file), nil, io.Discard, &stderr)
		if code != exitInterrupted || stderr.String() != "tlsbench: interrupted\n" {
			t.Errorf("%s: exit code %d, %q", args, code, &stderr)
		}
	}
}

// A pipe that never ends is refused, not kept until the memory is full.
func TestInputHasABound(t *testing.T) {
	var stderr bytes.Buffer
	code := run(t.Context(), []string{"compare", "-"}, endless{}, io.Discard, &stderr)
	if code != exitRefused || stderr.String() != "tlsbench: read -: more than 1024 MiB: not a results file\n" {
		t.Errorf("exit code %d, %q", code, &stderr)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// A pipe with a name is read like a file, twice if need be.
func TestNamedPipe(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := unix.Mkfifo("pipe", 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("bench.txt", []byte(oneTrial), 0o600); err != nil {
		t.Fatal(err)
	}
	go os.WriteFile("pipe", []byte(strings.ReplaceAll(oneTrial, "hwm", "key-owner")), 0)
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"compare", "bench.txt", "pipe"}, nil, &stdout, &stderr); code != exitDone || !strings.Contains(stdout.String(), "key-owner") {
		t.Errorf("exit code %d\n%s%s", code, &stdout, &stderr)
	}
}
