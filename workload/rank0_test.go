package workload

import (
	"debug/elf"
	"os"
	"testing"
	"time"

	"tlsbench/results"
	"tlsbench/results/event"
	"tlsbench/strategies/catalogue"
)

// A strategy's handler that ends rank 0 while the workers serve takes the
// server away, in good order as it may be.
func TestRank0LeavesDuringLoad(t *testing.T) {
	own := ownObject(t, "own", []byte(`#include "strategy.h"
#include <unistd.h>
static void (*stop)(void);
static int forks;
static int look_up(struct strategy_context *ctx)
{
	stop = (void (*)(void))ctx->symbol("OPENSSL_thread_stop");
	return 0;
}
static void prepare(struct strategy_context *ctx) { (void)ctx; stop(); }
static void parent(struct strategy_context *ctx) { (void)ctx; if (++forks == 6) _exit(0); }
const struct strategy tlsbench_strategy = {
	.abi = STRATEGY_ABI, .name = "own", .after_setup = look_up, .prepare = prepare, .parent = parent};
`))
	for _, load := range results.Loads.Names() {
		t.Run(load, func(t *testing.T) {
			cfg := hazardTrial(t, "late-forks", "own", load)
			cfg.Strategy, cfg.Duration = own, 2*time.Minute // its end is rank 0's
			out := mustRun(t, cfg)
			if out.Events[event.Crash] != 1 || len(out.Events) != 1 || out.CrashAt == 0 {
				t.Errorf("events %v at %v, want one crash: %v", out.Events, out.CrashAt, out.Noted)
			}
			checkBlame(t, out, -1, "rank 0 exited with status 0")
		})
	}
}

// What rank 0 does at a hazard's word may never return either: here one of its exit
// handlers, under load. No worker waits for it.
func TestRank0HangsUnderLoad(t *testing.T) {
	for _, load := range results.Loads.Names() {
		t.Run(load, func(t *testing.T) {
			cfg := hazardTrial(t, "orderly-exit:after=1;who=rank0", "own", load)
			cfg.Strategy = ownHandler(t, "prepare", "static int forks; if (forks++ == 0) atexit((void (*)(void))pause);")
			cfg.Heap, cfg.Duration, cfg.HangAfter = "private", 2*time.Minute, time.Second // its end is the verdict
			out := mustRun(t, cfg)
			if out.Events[event.Hang] != 1 || len(out.Events) != 1 {
				t.Errorf("events %v, want one hang: %v", out.Events, out.Noted)
			}
			checkBlame(t, out, -1, "rank 0, when it was to serve: blocked for")
		})
	}
}

// atLateFork is thread-stop, which besides does what body says when rank 0 forks
// for the first time under load. word is that of the heap's lock; children calls
// see for each of rank 0's children, until one call returns false.
func atLateFork(t *testing.T, see, body string) catalogue.Choice {
	return ownObject(t, "own", []byte(`#include "strategy.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
static void *(*take)(size_t, const char *, int);
static void (*stop)(void);
static int forks;
static int look_up(struct strategy_context *ctx)
{
	stop = (void (*)(void))ctx->symbol("OPENSSL_thread_stop");
	take = (void *(*)(size_t, const char *, int))ctx->symbol("CRYPTO_malloc");
	return 0;
}
static int see(int pid)
{
	`+see+`
}
static int children(void)
{
	FILE *list = fopen("/proc/thread-self/children", "r");
	int pid, all = 1;
	while (all && fscanf(list, "%d", &pid) == 1)
		all = see(pid);
	fclose(list);
	return all;
}
static void late(volatile unsigned *word)
{
	`+body+`
}
static void prepare(struct strategy_context *ctx)
{
	stop();
	if (++forks == 5)
		late((volatile unsigned *)ctx->heap_from);
}
const struct strategy tlsbench_strategy = {
	.abi = STRATEGY_ABI, .name = "own", .after_setup = look_up, .prepare = prepare};
`))
}

// Workers die with the heap's lock while rank 0 is busy, and so is who would reap
// them: each of the others takes the lock from a dead process, and rank 0 does.
func TestLockOfUnreaped(t *testing.T) {
	cfg := hazardTrial(t, "killed-worker:locked=heap", "own", "memory")
	cfg.Strategy = atLateFork(t, `
	siginfo_t end = {0};
	return waitid(P_PID, (id_t)pid, &end, WEXITED | WNOHANG | WNOWAIT) == 0 && end.si_pid == pid;`, `
	while (!children())
		usleep(1000);
	(void)word;
	if (take(16, "", 0) == NULL)
		abort();`)
	cfg.Duration, cfg.Handshakes, cfg.HangAfter = 0, 200, 30*time.Second
	if out := mustRun(t, cfg); out.Damaged() || out.Handshakes == 0 {
		t.Errorf("events %v: %v", out.Events, out.Noted)
	}
}

// Whoever waits for a lock sleeps, however long its holder keeps it, and is seen to
// do so on a busy machine too: it does not want a processor again and again.
func TestWaitersSleep(t *testing.T) {
	cfg := hazardTrial(t, "late-forks", "own", "memory")
	cfg.Strategy = atLateFork(t, `
	static int before[1 << 22];
	char line[256];
	int sleeps = 0;
	snprintf(line, sizeof line, "/proc/%d/status", pid);
	FILE *status = fopen(line, "r");
	while (status != NULL && fgets(line, sizeof line, status) != NULL)
		sscanf(line, "voluntary_ctxt_switches: %d", &sleeps);
	if (status != NULL)
		fclose(status);
	if (before[pid] == 0)
		before[pid] = sleeps;
	return sleeps - before[pid] < 25; /* every 20 ms of two seconds are 100 */`, `
	unsigned idle = 0;
	while (!__atomic_compare_exchange_n(word, &idle, (unsigned)getpid(), 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		idle = 0;
	for (int i = 0; i < 20; i++, usleep(100 * 1000))
		if (!children())
			abort();
	__atomic_store_n(word, 0, __ATOMIC_RELEASE);`)
	cfg.Duration, cfg.Handshakes, cfg.HangAfter = 0, 200, 30*time.Second
	if out := mustRun(t, cfg); out.Damaged() || out.Handshakes == 0 {
		t.Errorf("events %v: %v", out.Events, out.Noted)
	}
}

// A function bound at its first call is looked up by the loader in each forked
// child anew, in copies of pages and within the time of a handler: it would be
// charged to the strategies of this program, and not to those that users bring,
// which are loaded with everything bound.
func TestBoundAtStart(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file, err := elf.Open(exe)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for tag, bit := range map[elf.DynTag]uint64{elf.DT_FLAGS: uint64(elf.DF_BIND_NOW), elf.DT_FLAGS_1: uint64(elf.DF_1_NOW)} {
		values, err := file.DynValue(tag)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range values {
			if v&bit != 0 {
				return
			}
		}
	}
	t.Error("the program's functions are bound at their first call")
}
