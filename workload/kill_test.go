package workload

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tlsbench/strategies"
)

// The kill tests send SIGKILL at random moments, and look for what is left.
// Processes are found by a mark in their environment, which children inherit.
const markName = "TLSBENCH_TEST_MARK"

// marked lists the living processes with that mark.
func marked(t *testing.T, mark string) []int {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, path := range paths {
		environ, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(environ, []byte(markName+"="+mark+"\x00")) {
			continue // gone meanwhile, another user's, or not ours
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids
}

// awaitNone waits until no process with that mark is left. The time limit is
// for a test that fails.
func awaitNone(t *testing.T, mark string) {
	t.Helper()
	limit := time.Now().Add(10 * time.Second)
	for {
		left := marked(t, mark)
		if len(left) == 0 {
			return
		}
		if time.Now().After(limit) {
			t.Fatalf("processes %v are left behind", left)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// sharedMemory lists what a crashed program could have left in shared memory.
func sharedMemory(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, dir := range []string{"/dev/shm", "/dev/mqueue"} {
		entries, err := os.ReadDir(dir)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		for _, e := range entries {
			names = append(names, filepath.Join(dir, e.Name()))
		}
	}
	segments, err := os.ReadFile("/proc/sysvipc/shm")
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return append(names, strings.Split(string(segments), "\n")...)
}

// killSeed decides which process is killed when; it is printed.
const killSeed = 20261123

const kills = 50 // of each kind

func killConfig(t testing.TB, r *rand.Rand) Config {
	cfg := corruption(t, strategies.NegativeControl, Loads[r.IntN(len(Loads))])
	cfg.Heap = Heaps[r.IntN(len(Heaps))]
	cfg.Duration = 10 * time.Second // the kill ends it
	return cfg
}

// children lists a process's children.
func children(pid int) []int {
	paths, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	var pids []int
	for _, path := range paths {
		data, _ := os.ReadFile(path) // a thread that ended meanwhile has none
		for _, field := range strings.Fields(string(data)) {
			if pid, err := strconv.Atoi(field); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// killSoon kills one process of the rig of this test, rank 0 or a worker,
// some time after that process appeared.
func killSoon(t *testing.T, worker bool, after time.Duration, done <-chan struct{}) {
	for {
		select {
		case <-done:
			t.Error("the trial ended before its process could be killed")
			return
		case <-time.After(time.Millisecond):
		}
		for _, rank0 := range children(os.Getpid()) {
			target := rank0
			if worker {
				forked := children(rank0)
				if len(forked) == 0 {
					continue
				}
				target = forked[int(after)%len(forked)]
			}
			time.Sleep(after) // the random moment, not a wait for something
			syscall.Kill(target, syscall.SIGKILL)
			return
		}
	}
}

func TestKillWorkerOrRank0(t *testing.T) {
	t.Logf("seed %d", killSeed)
	r := rand.New(rand.NewPCG(killSeed, 0))
	mark := fmt.Sprint("kill", os.Getpid())
	t.Setenv(markName, mark)
	before := sharedMemory(t)
	for i := range 2 * kills {
		worker := i%2 == 0
		cfg := killConfig(t, r)
		after := time.Duration(r.IntN(150_000)) * time.Microsecond
		done := make(chan struct{})
		go killSoon(t, worker, after, done)
		out, err := Run(context.Background(), cfg)
		close(done)
		if err != nil {
			t.Fatalf("kill %d, worker %v, after %v: %v", i, worker, after, err)
		}
		if out.Events[crash] != 1 || len(out.Events) != 1 {
			t.Errorf("kill %d, worker %v, after %v, %s, %s: events %v: %v",
				i, worker, after, cfg.Load, cfg.Heap, out.Events, out.Noted)
		}
		awaitNoChildren(t)
	}
	if after := sharedMemory(t); !slices.Equal(before, after) {
		t.Errorf("shared memory before %v, after %v", before, after)
	}
}

func awaitNoChildren(t *testing.T) {
	t.Helper()
	if left := children(os.Getpid()); len(left) > 0 {
		t.Fatalf("children %v are left behind", left)
	}
}

// TestHarnessHelper is the harness that TestKillHarness kills.
func TestHarnessHelper(t *testing.T) {
	if os.Getenv("TLSBENCH_TEST_HARNESS") == "" {
		t.Skip("runs only as a child of TestKillHarness")
	}
	cfg := killConfig(t, rand.New(rand.NewPCG(killSeed, uint64(os.Getpid()))))
	for {
		mustRun(t, cfg)
	}
}

func TestKillHarness(t *testing.T) {
	t.Logf("seed %d", killSeed)
	r := rand.New(rand.NewPCG(killSeed, 1))
	folder := t.TempDir()
	before := sharedMemory(t)
	for i := range kills {
		mark := fmt.Sprintf("harness%d.%d", os.Getpid(), i)
		cmd := exec.Command(os.Args[0], "-test.run", "^TestHarnessHelper$")
		cmd.Env = append(os.Environ(), markName+"="+mark, "TLSBENCH_TEST_HARNESS=1", "TMPDIR="+folder)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// The first moments matter most: start, set-up, forks.
		time.Sleep(time.Duration(r.IntN(200_000)) * time.Microsecond)
		cmd.Process.Kill()
		cmd.Wait()
		awaitNone(t, mark)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("files left behind: %v, %v", left, err)
	}
	if after := sharedMemory(t); !slices.Equal(before, after) {
		t.Errorf("shared memory before %v, after %v", before, after)
	}
}
