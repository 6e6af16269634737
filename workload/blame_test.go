package workload

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"tlsbench/results"
	"tlsbench/results/event"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload/peers"
	"tlsbench/workload/rig"
)

// onlyWorker1 is key-owner, but that the second worker also puts a value into
// the slots of the hazard's keys: NULL, or an address that is not theirs.
func onlyWorker1(t *testing.T, value string) catalogue.Choice {
	return ownObject(t, "own", []byte(`#include "strategy.h"
static int forks;
static int other;
static void prepare(struct strategy_context *ctx) { (void)ctx; forks++; }
static void fill(struct strategy_context *ctx, enum key_owner owner, const void *value)
{
	pthread_key_t keys[64];
	size_t n = ctx->keys_of(owner, keys, 64);
	for (size_t i = 0; i < n && i < 64; i++)
		pthread_setspecific(keys[i], value);
}
static void child(struct strategy_context *ctx)
{
	(void)other;
	fill(ctx, KEY_OPENSSL, 0);
	if (forks == 2)
		fill(ctx, KEY_HARNESS, `+value+`);
}
const struct strategy tlsbench_strategy = {.abi = STRATEGY_ABI, .name = "own", .prepare = prepare, .child = child};
`))
}

// Foreign slots that one worker alone loses, or finds another's value in: that
// worker is named, once for each slot, and none of the others.
func TestForeignSlotsOfOneWorker(t *testing.T) {
	const keys = 3
	for _, tc := range []struct {
		name, value string
		events      []string
	}{
		{"lost", "0", []string{"lost-slot"}},
		{"replaced", "&other", []string{"broken-neighbour", "lost-slot"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg := hazardTrial(t, fmt.Sprintf("foreign-before:n=%d", keys), "own", "memory")
			cfg.Strategy = onlyWorker1(t, tc.value)
			cfg.Duration, cfg.Handshakes = 0, 16
			out := mustRun(t, cfg)
			for _, kind := range tc.events {
				if out.Events[kind] != keys {
					t.Errorf("%s: %d times, want %d: %v", kind, out.Events[kind], keys, out.Noted)
				}
			}
			if len(out.Events) != len(tc.events) {
				t.Errorf("events %v, want %v", out.Events, tc.events)
			}
			checkBlame(t, out, 1, "key ")
		})
	}
}

// Rank 0's death is one crash, which is no worker's, and its signal is told.
func TestRank0IsKilled(t *testing.T) {
	cfg := corruption(t, catalogue.NegativeControl, "memory")
	cfg.Duration = time.Minute // the kill ends it
	go func() {
		for limit := time.Now().Add(time.Minute); time.Now().Before(limit); time.Sleep(time.Millisecond) {
			for _, rank0 := range children(os.Getpid()) {
				if len(children(rank0)) == cfg.Workers {
					syscall.Kill(rank0, syscall.SIGKILL)
					return
				}
			}
		}
	}()
	out := mustRun(t, cfg)
	if out.Events[event.Crash] != 1 || len(out.Events) != 1 {
		t.Errorf("events %v, want one crash", out.Events)
	}
	checkBlame(t, out, -1, "rank 0 killed by signal 9")
}

// A fix has to act at each fork where rank 0 uses OpenSSL between two of them.
func TestActsAtEachFork(t *testing.T) {
	for _, strategy := range []string{"clear-0-15", "hwm", "thread-stop", "key-owner"} {
		t.Run(strategy, func(t *testing.T) {
			cfg := hazardTrial(t, "between-forks", strategy, "memory")
			cfg.Duration, cfg.Handshakes = 0, 64
			if out := mustRun(t, cfg); out.Damaged() || out.SharedSlots > 0 {
				t.Errorf("workers share %d slots, events %v", out.SharedSlots, out.Noted)
			}
		})
	}
}

// Under thread-stop a worker that forks has given its objects back before. Whoever
// gets their addresses then shares nothing with it.
func TestAddressesPassOn(t *testing.T) {
	cfg := hazardTrial(t, "worker-forks:every=1", "thread-stop", "memory")
	cfg.Duration, cfg.Handshakes = 0, 48
	for range 24 {
		if out := mustRun(t, cfg); out.Damaged() || out.SharedSlots > 0 {
			t.Errorf("workers share %d slots, events %v", out.SharedSlots, out.Noted)
		}
	}
}

// Draws that came more than once: all 16 bytes have to be equal, each repeat
// is one event, and whoever drew later is named.
func TestRepeatedDraws(t *testing.T) {
	const ms = time.Millisecond
	a, b := [16]byte{1, 15: 1}, [16]byte{1, 15: 2}
	tr := &trial{out: &Outcome{Life: results.Life{Events: map[string]uint64{}}}}
	tr.gatherDraws([]rig.Draw{
		{Value: a, Worker: 0, At: 5 * ms}, {Value: b, Worker: 0, At: 6 * ms},
		{Value: a, Worker: 1, At: 3 * ms}, {Value: a, Worker: 2, At: 4 * ms, Origin: rig.KeyShare},
	})
	want := []string{
		"0 at 5ms: RAND_bytes of worker 0 repeats RAND_bytes of worker 1",
		"2 at 4ms: key share of worker 2 repeats RAND_bytes of worker 1",
	}
	checkNoted(t, tr.out, event.RepeatedRandom, want)
}

func checkNoted(t *testing.T, out *Outcome, kind string, want []string) {
	t.Helper()
	var got []string
	for _, e := range out.Noted {
		got = append(got, fmt.Sprintf("%d at %v: %s", e.Worker, e.At, e.Detail))
	}
	if out.Events[kind] != uint64(len(want)) || len(out.Events) != 1 || strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("events %v, noted\n%s\nwant\n%s", out.Events, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A ServerHello random that came three times is two repeats. A peer cannot
// tell which worker it had, so none is named.
func TestRepeatsOnTheWire(t *testing.T) {
	const ms = time.Millisecond
	seen := func(first byte, at time.Duration, peer int) peers.Random {
		return peers.Random{Bytes: [32]byte{first}, At: at, Peer: peer, What: "ServerHello random"}
	}
	tr := &trial{out: &Outcome{Life: results.Life{Events: map[string]uint64{}}}, report: &peers.Report{
		Randoms: []peers.Random{seen(7, 1*ms, 0), seen(8, 2*ms, 1), seen(7, 3*ms, 2), seen(7, 4*ms, 3)},
	}}
	tr.gatherPeers()
	detail := "-1 at %dms: %[1]dms: ServerHello random 07" + strings.Repeat("00", 31) + " came to peer %d, and to peer 0 before"
	checkNoted(t, tr.out, event.RepeatedRandom, []string{fmt.Sprintf(detail, 3, 2), fmt.Sprintf(detail, 4, 3)})
	if tr.out.Draws != 4 {
		t.Errorf("%d draws were compared, want 4", tr.out.Draws)
	}
}
