package workload

import (
	"context"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tlsbench/results"
	"tlsbench/results/event"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload/rig"
)

// dueting is a short duet: two blocks that count.
func dueting(t testing.TB, strategy catalogue.Choice) Config {
	return Config{
		Build: system(t), Strategy: strategy, EchoBytes: 64, Seed: 1,
		Duet: &DuetConfig{Against: catalogue.Choice{Name: catalogue.NegativeControl}, Blocks: results.DuetDropped + 2},
	}
}

// All turns are there, in blocks of ABBA or BAAB, each of about the length that
// it was to have, and one after the other.
func TestDuet(t *testing.T) {
	cfg := dueting(t, catalogue.Choice{Name: "hwm"})
	out := mustRun(t, cfg)
	if out.Damaged() {
		t.Fatalf("damaged: %v", out.Noted)
	}
	d := out.Duet
	if len(d.Slices) != 4*cfg.Duet.Blocks || len(d.Blocks()) != 2 {
		t.Fatalf("%d turns and %d blocks that count, want %d and 2", len(d.Slices), len(d.Blocks()), 4*cfg.Duet.Blocks)
	}
	var handshakes uint64
	var end time.Duration
	const least, most = results.DuetSlice - results.DuetSlice/4, results.DuetSlice + results.DuetSlice/4
	for i, s := range d.Slices {
		block := d.Slices[i/4*4:][:4]
		if s.Block != i/4 || block[0].Arm != block[3].Arm || block[1].Arm != block[2].Arm || block[0].Arm == block[1].Arm {
			t.Errorf("turn %d is of block %d and side %d", i, s.Block, s.Arm)
		}
		// It ends with a handshake, however long that one takes. Processor time is counted
		// within wall time, by another clock.
		if s.CPU < least || s.CPU > most+s.CPU/time.Duration(s.Handshakes)*4 || s.Wall < s.CPU-100*time.Microsecond || s.Handshakes == 0 {
			t.Errorf("turn %d took %v of processor time in %v, for %d handshakes", i, s.CPU, s.Wall, s.Handshakes)
		}
		if s.At < end {
			t.Errorf("turn %d began at %v, before the last one ended at %v", i, s.At, end)
		}
		if (s.Instructions > 0) == (d.NoCounter != "") {
			t.Errorf("turn %d: %d instructions, counter: %q", i, s.Instructions, d.NoCounter)
		}
		end = s.At + s.Wall
		handshakes += s.Handshakes
	}
	// What is in no turn: the two warm-ups, and one side between two turns of the other.
	between := 0
	for i := range d.Slices {
		if last := i - 1; last < 0 && d.Slices[i].Arm == results.Subject || last >= 0 && d.Slices[i].Arm == d.Slices[last].Arm {
			between++
		}
	}
	want := handshakes + 2*duetWarmup + rig.DuetLeadIn*uint64(len(d.Slices)+2+between)
	if extra := out.Handshakes - want; extra < uint64(between) || extra > handshakes*uint64(between)/uint64(len(d.Slices)) {
		t.Errorf("%d handshakes, but turns and warm-ups made %d, and %d stand-ins %d", out.Handshakes, want, between, extra)
	}
	for _, unit := range []string{results.CPURatio, results.TotalRatio, results.CPUPerHandshake, results.OtherCPU} {
		if i := slices.IndexFunc(d.Metrics(), func(m results.Metric) bool { return m.Unit == unit }); i < 0 || !(d.Metrics()[i].Value > 0) {
			t.Errorf("no %s in %v", unit, d.Metrics())
		}
	}
}

// With the load tcp peers make the handshakes that a turn is to have, on one server
// after the other, and nobody else's time is counted.
func TestDuetOverTCP(t *testing.T) {
	cfg := dueting(t, catalogue.Choice{Name: "hwm"})
	cfg.Load = "tcp"
	out := mustRun(t, cfg)
	if out.Damaged() || len(out.Duet.Slices) != 4*cfg.Duet.Blocks {
		t.Fatalf("%d turns, %v", len(out.Duet.Slices), out.Noted)
	}
	var end time.Duration
	handshakes := uint64(2 * duetWarmup)
	for i, s := range out.Duet.Slices {
		if s.Handshakes == 0 || s.CPU <= 0 || s.CPU > s.Wall+100*time.Microsecond || s.At < end {
			t.Errorf("turn %d: %+v, the last one ended at %v", i, s, end)
		}
		end = s.At + s.Wall
		handshakes += s.Handshakes
	}
	// One side runs between two turns of the other, for half a turn.
	if out.Handshakes <= handshakes || out.Handshakes > 2*handshakes {
		t.Errorf("%d handshakes, want more than those of the turns, %d", out.Handshakes, handshakes)
	}
}

// The order of turns is the seed's, and so is which server starts first.
func TestDuetOrder(t *testing.T) {
	order := func(seed uint64) (list []results.Arm) {
		cfg := dueting(t, catalogue.Choice{Name: catalogue.NegativeControl})
		cfg.Seed, cfg.Duet.Blocks = seed, 5
		out := mustRun(t, cfg)
		for _, s := range out.Duet.Slices {
			list = append(list, s.Arm)
		}
		return append(list, out.Duet.First)
	}
	first := order(1)
	if !slices.Equal(first, order(1)) {
		t.Error("one seed gives two orders")
	}
	if slices.Equal(first, order(2)) {
		t.Error("two seeds give one order of five blocks")
	}
}

// What breaks one side is an event of the trial, and says which side.
func TestDuetOfABrokenSide(t *testing.T) {
	cfg := dueting(t, ownHandler(t, "child", "if (getenv(\"TLSBENCH_TEST_DIES\")) abort();"))
	t.Setenv("TLSBENCH_TEST_DIES", "1")
	out := mustRun(t, cfg)
	if out.Events[event.Crash] == 0 || !strings.Contains(out.Noted[0].Detail, "server of "+cfg.Strategy.String()) {
		t.Errorf("events %v, noted %v", out.Events, out.Noted)
	}
}

// A duet that is cancelled leaves no process behind, and this program where it
// could run before.
func TestDuetCancelled(t *testing.T) {
	cfg := dueting(t, catalogue.Choice{Name: "hwm"})
	cfg.Duet.Blocks = 10_000
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if _, err := Run(ctx, cfg); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want that of the context", err)
	}
	want, err := processors()
	if err != nil {
		t.Fatal(err)
	}
	threads, _ := os.ReadDir("/proc/self/task")
	for _, thread := range threads {
		id, _ := strconv.Atoi(thread.Name())
		var set unix.CPUSet
		if err := unix.SchedGetaffinity(id, &set); err == nil && set.Count() != len(want) {
			t.Errorf("a thread is left with %d of %d processors", set.Count(), len(want))
		}
	}
}
