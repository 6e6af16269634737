package workload

import (
	"debug/elf"
	"os"
	"testing"
	"time"

	"tlsbench/results"
	"tlsbench/results/event"
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
