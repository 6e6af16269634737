package workload

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// callsToFork is how often a prepare handler has been called when some fifteen
// pairs of forks were measured: each fork is followed by its warm runs, and
// those of the warm-up count too.
const callsToFork = 6000

// sleeper is a strategy whose handler of that name never returns from then on.
func sleeper(t *testing.T, handler string) Config {
	cfg := forking(t, "own")
	cfg.Fork.Pairs, cfg.Fork.Sustained = 1000, 0
	cfg.Fork.patience = 3 * time.Second
	cfg.Strategy = ownStrategy(t, fmt.Sprintf(`
#include <unistd.h>
static int forks;
static void count(struct strategy_context *c) { (void)c; forks++; }
static void stop(struct strategy_context *c) { (void)c; if (forks >= %d) for (;;) pause(); }
%s
const struct strategy tlsbench_strategy = {.abi = STRATEGY_ABI, .name = "own", .prepare = PREPARE, .parent = PARENT, .child = CHILD};
`, callsToFork, map[string]string{
		"prepare": "static void both(struct strategy_context *c) { count(c); stop(c); }\n#define PREPARE both\n#define PARENT 0\n#define CHILD 0",
		"parent":  "#define PREPARE count\n#define PARENT stop\n#define CHILD 0",
		"child":   "#define PREPARE count\n#define PARENT 0\n#define CHILD stop",
	}[handler]))
	return cfg
}

// A handler that never returns, in rank 0 or in the child: the watchdog ends
// the trial, a hang is noted with how far it got, what was measured is kept,
// and no process is left.
func TestForkHandlerHangs(t *testing.T) {
	for _, handler := range []string{"prepare", "parent", "child"} {
		out := mustRun(t, sleeper(t, handler))
		if out.Events[hangs] != 1 || !strings.Contains(out.Noted[0].Detail, "of 2000") {
			t.Errorf("%s: events %v: %v", handler, out.Events, out.Noted)
		}
		if n := len(out.Fork.Forks); n < 4 || n > 200 || len(out.Fork.ForkDifferences()) == 0 {
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
	if out.Events[hangs] != 1 || !strings.Contains(out.Noted[0].Detail, "rank 0") {
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
func TestForkOutOfMemory(t *testing.T) {
	cfg := forking(t, "own")
	cfg.Fork.Pairs = 1000
	cfg.Strategy = ownStrategy(t, fmt.Sprintf(`
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
static int forks;
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
	if (++forks != %d)
		return;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
		abort();
}
const struct strategy tlsbench_strategy = {.abi = STRATEGY_ABI, .name = "own", .prepare = prepare};
`, callsToFork))
	stopped(t, mustRun(t, cfg), syscall.ENOMEM)
}

// A container's limit of processes.
func TestForkPidsLimitReached(t *testing.T) {
	group := filepath.Join("/sys/fs/cgroup/pids", fmt.Sprintf("tlsbench-test-%d", os.Getpid()))
	if err := os.Mkdir(group, 0o755); err != nil {
		t.Skipf("this user can make no pids cgroup, TestForkLimitReached stands for it: %v", err)
	}
	t.Cleanup(func() {
		if err := os.Remove(group); err != nil {
			t.Errorf("remove cgroup: %v", err)
		}
	})
	write := func(file, text string) {
		if err := os.WriteFile(filepath.Join(group, file), []byte(text), 0); err != nil {
			t.Error(err)
		}
	}
	cfg := forking(t, "hwm")
	cfg.Fork.Pairs = 1000
	done := make(chan struct{})
	out, err := runForkWith(context.Background(), cfg, asItIs, func(tr *trial) {
		write("cgroup.procs", strconv.Itoa(tr.process.PID()))
		go func() {
			defer close(done)
			for tr.block.ForkProgress() < 30 {
			}
			write("pids.max", "1")
		}()
	})
	<-done
	if err != nil {
		t.Fatal(err)
	}
	stopped(t, out, syscall.EAGAIN)
}
