package workload

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tlsbench/results/event"
	"tlsbench/workload/rig"
)

// forksBefore is how many forks rank 0 makes before the one that things go wrong
// at: that of the live worker, sixteen of the warm-up and fifteen pairs, each
// with two to wash out what was before it. How often handlers run says nothing:
// the runs that warm them are as many as their time allows.
const forksBefore = 1 + 3*(16+30)

// countForks is C that counts real forks, those without a strategy's handlers
// too, whatever else calls a handler.
const countForks = `
#include <pthread.h>
static int forks;
static void forked(void) { forks++; }
__attribute__((constructor)) static void count(void) { pthread_atfork(forked, 0, 0); }
`

// sleeper is a strategy whose handler of that name never returns from then on.
func sleeper(t *testing.T, handler string) Config {
	cfg := forking(t, "own")
	cfg.Fork.Pairs, cfg.Fork.Sustained = 1000, 0
	cfg.forkPatience = 3 * time.Second
	cfg.Strategy = ownStrategy(t, fmt.Sprintf(`
#include <unistd.h>
%s
static void stop(struct strategy_context *c) { (void)c; if (forks >= %d) for (;;) pause(); }
const struct strategy tlsbench_strategy = {.abi = STRATEGY_ABI, .name = "own", .%s = stop};
`, countForks, forksBefore, handler))
	return cfg
}

// A handler that never returns, in rank 0 or in the child: the watchdog ends
// the trial, a hang is noted with how far it got, what was measured is kept,
// and no process is left.
func TestForkHandlerHangs(t *testing.T) {
	for _, handler := range []string{"prepare", "parent", "child"} {
		out := mustRun(t, sleeper(t, handler))
		if out.Events[event.Hang] != 1 || !strings.Contains(out.Noted[0].Detail, "of 2000") || !strings.Contains(out.Noted[0].Detail, "blocked for") {
			t.Errorf("%s: events %v: %v", handler, out.Events, out.Noted)
		}
		if n := len(out.Fork.Forks); n < 20 || n > 40 || len(out.Fork.ForkDifferences()) == 0 {
			t.Errorf("%s: %d forks were kept", handler, n)
		}
		awaitNoChildren(t)
	}
}

// One that hangs at the first fork of all, that of the live worker.
func TestForkHandlerHangsAtOnce(t *testing.T) {
	cfg := forking(t, "own")
	cfg.HangAfter = time.Second
	cfg.Strategy = ownStrategy(t, `
#include <unistd.h>
static void stop(struct strategy_context *c) { (void)c; for (;;) pause(); }
const struct strategy tlsbench_strategy = {.abi = STRATEGY_ABI, .name = "own", .prepare = stop};
`)
	out := mustRun(t, cfg)
	if out.Events[event.Hang] != 1 || !strings.Contains(out.Noted[0].Detail, "rank 0") {
		t.Errorf("events %v: %v", out.Events, out.Noted)
	}
	awaitNoChildren(t)
}

// stopped checks a trial whose fork() failed: the errno, how far it got, what
// was measured, and no child left.
func stopped(t *testing.T, out *Outcome, errno syscall.Errno) {
	t.Helper()
	f := out.Fork
	if f == nil || !errors.Is(f.Stopped, errno) || !strings.Contains(f.Stopped.Error(), "of 2000: ") {
		t.Fatalf("stopped by %+v, want %v", f, errno)
	}
	if n := len(f.Forks); n < 4 || n == 2000 || len(f.ForkDifferences()) == 0 || f.Series() == nil {
		t.Errorf("%d forks were kept", n)
	}
	if out.Damaged() {
		t.Errorf("damage: %v", out.Noted)
	}
	awaitNoChildren(t)
}

// The kernel has no memory for another process. It cannot be brought to that
// without harm to others, so a filter of system calls answers in its place.
func outOfMemory(t *testing.T, forks int) Config {
	cfg := forking(t, "own")
	cfg.Fork.Pairs = 1000
	cfg.Strategy = ownStrategy(t, fmt.Sprintf(`
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
%s
static void prepare(struct strategy_context *c)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOMEM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = {sizeof code / sizeof *code, code};
	(void)c;
	if (forks < %d || done++ > 0)
		return;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
		abort();
}
const struct strategy tlsbench_strategy = {.abi = STRATEGY_ABI, .name = "own", .prepare = prepare};
`, countForks+"static int done;", forks))
	return cfg
}

func TestForkOutOfMemory(t *testing.T) {
	stopped(t, mustRun(t, outOfMemory(t, forksBefore)), syscall.ENOMEM)
}

// The same in the warm-up: no fork is there to tell of, but what a tick is.
func TestForkOutOfMemoryInWarmUp(t *testing.T) {
	out := mustRun(t, outOfMemory(t, 10))
	f := out.Fork
	if !errors.Is(f.Stopped, syscall.ENOMEM) || len(f.Forks) != 0 || len(f.ClockCost) == 0 {
		t.Errorf("stopped by %v after %d forks, %d readings of the clock", f.Stopped, len(f.Forks), len(f.ClockCost))
	}
	// Whole numbers are ticks that were taken for nanoseconds.
	whole := func(ns float64) bool { return ns == math.Trunc(ns) }
	if f.Clock == "tsc" && len(slices.DeleteFunc(slices.Clone(f.ClockCost), whole)) == 0 {
		t.Errorf("the readings of the clock are ticks: %v ...", f.ClockCost[:3])
	}
}

// pidsGroup makes a control group that can limit processes: of version 1, or of
// version 2, where those above it have to hand the controller on.
func pidsGroup(t *testing.T) string {
	t.Helper()
	var last error
	for _, top := range []string{"/sys/fs/cgroup/pids", "/sys/fs/cgroup"} {
		if top == "/sys/fs/cgroup" {
			// It may be handed on already, and if not the limit's file is missing.
			_ = os.WriteFile(filepath.Join(top, "cgroup.subtree_control"), []byte("+pids"), 0)
		}
		group := filepath.Join(top, fmt.Sprintf("tlsbench-test-%d", os.Getpid()))
		if last = os.Mkdir(group, 0o755); last != nil {
			continue
		}
		if _, last = os.Stat(filepath.Join(group, "pids.max")); last == nil {
			t.Cleanup(func() {
				if err := os.Remove(group); err != nil {
					t.Errorf("remove cgroup: %v", err)
				}
			})
			return group
		}
		last = errors.Join(last, os.Remove(group))
	}
	t.Skipf("this user can make no pids cgroup, TestForkLimitReached stands for it: %v", last)
	return ""
}

// A container's limit of processes.
func TestForkPidsLimitReached(t *testing.T) {
	group := pidsGroup(t)
	write := func(file, text string) {
		if err := os.WriteFile(filepath.Join(group, file), []byte(text), 0); err != nil {
			t.Error(err)
		}
	}
	cfg := forking(t, "hwm")
	cfg.Fork.Pairs = 1000
	done := make(chan struct{})
	out, err := serve(context.Background(), watchingForks(&forkTrial{trial: trial{cfg: cfg}}, func(rank0 int, b *rig.Block) func() {
		ended := make(chan struct{})
		write("cgroup.procs", strconv.Itoa(rank0))
		go func() {
			defer close(done)
			for len(b.Forks().Forks) < 30 {
				select {
				case <-ended: // for another reason
					return
				default:
				}
			}
			write("pids.max", "1")
		}()
		return func() { close(ended) }
	}))
	<-done
	if err != nil {
		t.Fatal(err)
	}
	stopped(t, out, syscall.EAGAIN)
}

// Rank 0 is stopped for longer than it may go without a fork, and so gets no
// processor, as on a machine that is busy: no hang. Nor is the warm-up one,
// whose forks are not counted.
func TestForkStarvedIsNoHang(t *testing.T) {
	starving := progress{since: time.Second, used: map[int]usage{1: {ran: time.Second}}}
	for _, tc := range []struct {
		name string
		used map[int]usage
		want string
	}{
		{"rank 0 waits, its child has no processor", map[int]usage{1: {ran: time.Second}, 2: {ready: true}}, ""},
		{"rank 0 waits for a processor", map[int]usage{1: {ran: time.Second, ready: true}}, ""},
		{"both got little", map[int]usage{1: {ran: time.Second}, 2: {ran: time.Second, waited: 5 * time.Second}}, ""},
		{"nobody wants to run", map[int]usage{1: {ran: time.Second}, 2: {}}, "blocked for 10s"},
		{"round in circles", map[int]usage{1: {ran: time.Second}, 2: {ran: 9 * time.Second, ready: true}}, "not done with one operation"},
	} {
		now := progress{since: 11 * time.Second, used: tc.used}
		if got := starving.stall(now, 4*time.Second, 8*time.Second); !strings.HasPrefix(got, tc.want) || tc.want == "" && got != "" {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
		if got := starving.stall(now, 20*time.Second, 40*time.Second); got != "" {
			t.Errorf("%s: judged before its time: %q", tc.name, got)
		}
	}
}

// The forks of the warm-up are progress too: they take longer than the loop may
// go without one here, each by itself does not.
func TestForkWarmUpIsProgress(t *testing.T) {
	cfg := forking(t, "own")
	cfg.Fork.Pairs, cfg.Fork.Sustained = 1, 0
	cfg.forkPatience = time.Second
	cfg.Strategy = ownStrategy(t, `
#include <unistd.h>
#include <time.h>
static void nap(struct strategy_context *c)
{
	struct timespec ns = {0, 20 * 1000 * 1000};
	(void)c;
	nanosleep(&ns, 0);
}
const struct strategy tlsbench_strategy = {.abi = STRATEGY_ABI, .name = "own", .prepare = nap};
`)
	if out := mustRun(t, cfg); out.Damaged() || len(out.Fork.Forks) != 2 {
		t.Errorf("%d forks: %v", len(out.Fork.Forks), out.Noted)
	}
}
