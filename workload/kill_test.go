package workload

import (
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

	"golang.org/x/sys/unix"

	"tlsbench/results"
	"tlsbench/results/event"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload/keeper/keepertest"
)

// The kill tests send SIGKILL at random moments, and look for what is left.
// Processes are found by a mark in their environment, which children inherit.
const markName = "TLSBENCH_TEST_MARK"

// marked lists the living processes with that mark.
func marked(mark string) []int {
	var pids []int
	for _, p := range keepertest.Marked(markName + "=" + mark) {
		pids = append(pids, p.PID)
	}
	return pids
}

// awaitNone waits until no process with that mark is left. The time limit is
// for a test that fails.
func awaitNone(t *testing.T, mark string) {
	t.Helper()
	limit := time.Now().Add(time.Minute)
	for {
		left := marked(mark)
		if len(left) == 0 {
			return
		}
		if time.Now().After(limit) {
			t.Fatalf("processes %v are left behind", left)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// outlasting lists what these processes have in memory or open that would be
// there after their deaths: System V segments, and objects of /dev/shm and
// /dev/mqueue. Others on this machine, such as the PostgreSQL of a test that runs
// next to this one, have some too; so only these processes are looked at, and that
// before they are killed.
func outlasting(pids []int) []string {
	var names []string
	for _, pid := range pids {
		maps, _ := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid)) // gone meanwhile: nothing
		for line := range strings.SplitSeq(string(maps), "\n") {
			names = append(names, line[min(len(line), strings.IndexByte(line+"/", '/')):])
		}
		files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
		for _, file := range files {
			target, _ := os.Readlink(file)
			names = append(names, target)
		}
	}
	return slices.DeleteFunc(names, func(name string) bool {
		return !slices.ContainsFunc([]string{"/SYSV", "/dev/shm/", "/dev/mqueue/"}, func(kind string) bool {
			return strings.HasPrefix(name, kind)
		})
	})
}

// It sees each kind, in this process.
func TestOutlasting(t *testing.T) {
	if got := outlasting([]int{os.Getpid()}); len(got) > 0 {
		t.Fatalf("this process has %v already", got)
	}
	id, err := unix.SysvShmGet(unix.IPC_PRIVATE, 4096, unix.IPC_CREAT|0o600)
	if err != nil {
		t.Fatal(err)
	}
	segment, err := unix.SysvShmAttach(id, 0, 0)
	if _, err2 := unix.SysvShmCtl(id, unix.IPC_RMID, nil); err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	file, err := os.CreateTemp("/dev/shm", "tlsbench-test-")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	defer os.Remove(file.Name())
	got := outlasting([]int{os.Getpid()})
	if len(got) != 2 || !strings.HasPrefix(got[0], "/SYSV") || got[1] != file.Name() {
		t.Errorf("seen %v, want a System V segment and %s", got, file.Name())
	}
	if err := unix.SysvShmDetach(segment); err != nil {
		t.Error(err)
	}
}

// killSeed decides which process is killed when; it is printed.
const killSeed = 20261123

const kills = 50 // of each kind

func killConfig(t testing.TB, r *rand.Rand) Config {
	cfg := corruption(t, catalogue.NegativeControl, results.Loads.Names()[r.IntN(len(results.Loads.Names()))])
	heaps := []string{"global", "scalable", "private"} // traced ends by handshakes
	cfg.Heap = heaps[r.IntN(len(heaps))]
	cfg.Duration = time.Minute // the kill ends it
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
			if left := outlasting(append(children(rank0), rank0)); len(left) > 0 {
				t.Errorf("the rig has %v, which a kill would leave behind", left)
			}
			syscall.Kill(target, syscall.SIGKILL)
			return
		}
	}
}

func TestKillWorkerOrRank0(t *testing.T) {
	t.Logf("seed %d", killSeed)
	r := rand.New(rand.NewPCG(killSeed, 0))
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
		if out.Events[event.Crash] != 1 || len(out.Events) != 1 {
			t.Errorf("kill %d, worker %v, after %v, %s, %s: events %v: %v",
				i, worker, after, cfg.Load, cfg.Heap, out.Events, out.Noted)
		}
		awaitNoChildren(t)
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
	for i := range kills {
		mark := fmt.Sprintf("harness%d.%d.", os.Getpid(), i)
		cmd := exec.Command(os.Args[0], "-test.run", "^TestHarnessHelper$")
		cmd.Env = append(os.Environ(), markName+"="+mark, "TLSBENCH_TEST_HARNESS=1", "TMPDIR="+folder)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// The first moments matter most: start, set-up, forks.
		time.Sleep(time.Duration(r.IntN(200_000)) * time.Microsecond)
		left := outlasting(marked(mark))
		cmd.Process.Kill()
		cmd.Wait()
		awaitNone(t, mark)
		if len(left) > 0 {
			t.Errorf("kill %d: %v would be left behind", i, left)
		}
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("files left behind: %v, %v", left, err)
	}
}
