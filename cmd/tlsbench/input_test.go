package main

import (
	"bytes"
	"context"
	"io"
	"os"
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
	for _, args := range []string{"compare -", "compare pipe", "merge -o m.txt pipe", "plot bench.txt --probe pipe -o figures", "report bench.txt --aa pipe", "check bench.txt --against pipe"} {
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
