package workload

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"tlsbench/results"
	"tlsbench/results/event"
	"tlsbench/workload/peers"
	"tlsbench/workload/rig"
)

// ForkConfig makes a trial one of forks. Rank 0 is set up as for a load; then
// it forks one child after the other, in pairs: one fork under the strategy,
// and one without its handlers, whose child only ends. Which of the two comes
// first is left to chance. Of the rest of the Config, Workers is how many live
// workers there are beside; they are idle. The load is memory: the first
// handshake of a child is both sides over BIO pairs.
type ForkConfig struct {
	Pairs     int // forks in each arm
	Sustained int // forks in each arm of the sustained loop, which is not paired
	// Limit ends both loops, the sustained one after a block of each arm; 0 =
	// when all forks are done.
	Limit time.Duration

	// Memory is what rank 0's resident private memory is brought up to, in
	// bytes; 0 = as much as the set-up took.
	Memory uint64
	// Keys is how many filled keys there are beside OpenSSL's. They are made
	// after OpenSSL's and before the strategy's set-up, so that a strategy
	// that clears all keys up to a bound finds them there.
	Keys int
	// HugePages pins transparent huge pages on for rank 0's memory; else they
	// are pinned off.
	HugePages bool
	// SameArms lets both arms be the strategy: a comparison with itself,
	// which must find no difference.
	SameArms bool

	// patience is how long the loops may go without a fork before they are
	// judged; 0 = forkHang.
	patience time.Duration
}

// ForkOutcome is what a trial of forks measured. Where it ended early, this is
// what was measured until then.
type ForkOutcome struct {
	Clock     string    // "tsc" or "clock_monotonic"
	ClockCost []float64 // nanoseconds between two readings of it, one right after the other
	Resident  uint64    // rank 0's private memory, in bytes
	Huge      uint64    // of that, in huge pages
	Handlers  []string  // at-fork handlers that the strategy has: prepare, parent, child

	Forks  []ForkSample // in the order they were made; two each are a pair
	Wanted int          // forks that the pairs asked for are; the limit may leave fewer

	// Sustained and Bare are forks a second, each child's end and its reaping
	// included: under the strategy, and with its handlers masked.
	Sustained, Bare float64

	// Stopped says why the loop ended before its time: the errno of fork().
	Stopped error
}

// ForkSample is one fork, in nanoseconds.
type ForkSample = rig.ForkRecord

// MaxForkKeys is the largest number of filled keys.
const MaxForkKeys = rig.MaxForkKeys

var handlerNames = rig.Handlers[:]

const (
	// forkLeak is what a child may leave in the shared heap: its per-thread
	// state, where the strategy keeps OpenSSL from freeing it.
	forkLeak    = 24 << 10
	maxForkLeak = 8 << 30
	// forkHang is many times what a fork, its child and the warm runs take.
	forkHang = 40 * time.Second
)

// completeFork fills in and checks what a trial of forks needs.
func (c *Config) completeFork() error {
	if c.Hazard != "" && c.Hazard != results.Plain {
		return fmt.Errorf("hazard %s: trials of forks have nothing else in the process, choose %s", c.Hazard, results.Plain)
	}
	f := c.Fork
	live := c.Workers
	c.Load, c.Handshakes, c.BadShare, c.CheckRate = "memory", 1, 0, 0
	c.Workers++ // the place of the loop's children
	if c.HeapBytes == 0 {
		leak := min(uint64(max(f.Pairs, 0))*2*forkLeak, maxForkLeak)
		c.HeapBytes = heapBase + uint64(max(c.Workers, 0))*heapPerWorker + leak
	}
	c.complete()
	switch {
	case live < 0 || live >= results.MaxWorkers:
		return fmt.Errorf("%d live workers: choose from 0 to %d", live, results.MaxWorkers-1)
	case f.Pairs < 1:
		return fmt.Errorf("%d pairs of forks: choose at least 1", f.Pairs)
	case f.Sustained < 0:
		return fmt.Errorf("%d sustained forks: choose 0 (none) or more", f.Sustained)
	case f.Keys < 0 || f.Keys > MaxForkKeys:
		return fmt.Errorf("%d filled keys: choose from 0 to %d", f.Keys, MaxForkKeys)
	}
	return c.check()
}

func (f *ForkConfig) settings() *rig.Fork {
	return &rig.Fork{
		Pairs: uint64(f.Pairs), Sustained: uint64(f.Sustained), Limit: f.Limit,
		Memory: f.Memory, Keys: f.Keys, HugePages: f.HugePages, SameArms: f.SameArms,
	}
}

// runFork carries out a trial of forks.
func runFork(ctx context.Context, cfg Config) (*Outcome, error) {
	return untilUndisturbed(func() (*Outcome, error) {
		cfg, fork := cfg, *cfg.Fork
		cfg.Fork = &fork
		return runForkWith(ctx, cfg, asItIs, func(*trial) {})
	})
}

func asItIs(command []string) []string { return command }

// runForkWith lets a test run the rig by another command, and look at the trial
// from when its loop begins.
func runForkWith(ctx context.Context, cfg Config, wrap func([]string) []string, begin func(*trial)) (*Outcome, error) {
	if err := cfg.completeFork(); err != nil {
		return nil, err
	}
	t := &trial{cfg: cfg, out: &Outcome{Events: map[string]uint64{}}}
	host := hostBefore(t.out)
	if err := t.startFork(wrap); err != nil {
		return nil, err
	}
	defer t.block.Close()
	defer t.process.Close()
	if ended, err := t.awaitReady(ctx); ended || err != nil {
		return t.out, err
	}
	t.out.Files = mappedFiles(t.process.PID())
	t.began = rig.Now()
	begin(t)
	t.process.Stop() // here: begin
	if err := t.awaitForks(ctx); err != nil {
		return nil, err
	}
	host.after(t.out)
	return t.out, t.gatherForks()
}

func (t *trial) startFork(wrap func([]string) []string) error {
	var err error
	if t.id, err = peers.Certificate(t.cfg.Key); err != nil {
		return err
	}
	settings := t.cfg.settings(t.id, t.id)
	settings.Fork, settings.Samples, settings.Handshakes = t.cfg.Fork.settings(), 0, 0
	t.block, t.process, err = launch(settings, &t.cfg, wrap)
	return err
}

// launch makes the control block and starts the rig on it.
func launch(s rig.Settings, cfg *Config, wrap func([]string) []string) (*rig.Block, *rig.Process, error) {
	block, err := rig.NewBlock(s)
	if err != nil {
		return nil, nil, err
	}
	var process *rig.Process
	exe, err := os.Executable()
	if err == nil {
		process, err = rig.Start(block, wrap(cfg.Build.Command(exe)), cfg.environ())
	}
	if err != nil {
		block.Close()
		return nil, nil, fmt.Errorf("start the rig: %w", err)
	}
	return block, process, nil
}

// awaitForks waits for rank 0's end. A rank 0 that no longer gets on is ended;
// one that only gets no processor, or whose child gets none, is waited for.
func (t *trial) awaitForks(ctx context.Context) error {
	limit := t.cfg.Fork.patience
	if limit == 0 {
		limit = forkHang
	}
	tick := time.NewTicker(limit / 40)
	defer tick.Stop()
	last := t.forkPulse()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.process.Gone():
			return nil
		case <-tick.C:
		}
		now := t.forkPulse()
		if now.beat != last.beat {
			last = now
		} else if why := last.stall(now, limit); why != "" {
			if stopped := t.stoppedProcess(); stopped != "" {
				return &DisturbedError{stopped}
			}
			t.hang = &hang{worker: -1, at: rig.Now(), detail: t.stall(limit, why)}
			t.process.Kill()
			<-t.process.Gone()
			return nil
		}
	}
}

// stall says where the loop stands still: the parent waits for its child, or
// does not come back from fork().
func (t *trial) stall(limit time.Duration, why string) string {
	made, wanted := len(t.block.Forks().Records), 2*t.cfg.Fork.Pairs
	return fmt.Sprintf("no fork done in %v, after %d of %d: a child or a handler does not come to its end (%s)", limit, made, wanted, why)
}

// gatherForks reads the outcome when rank 0 has ended. An error leaves the
// outcome as far as it got.
func (t *trial) gatherForks() error {
	f := t.block.Forks()
	o := t.out
	o.Setup = t.block.Setup()
	o.Fork = newForkOutcome(f)
	o.Fork.Wanted = 2 * t.cfg.Fork.Pairs
	o.Load, o.CtxSwitches = rig.Now()-t.began, t.process.Switches()
	if o.Fork.Stopped != nil {
		o.Fork.Stopped = fmt.Errorf("fork %d of %d: %w", len(f.Records)+1, 2*t.cfg.Fork.Pairs, o.Fork.Stopped)
	}
	t.gatherEvents()
	t.noteChild(f.Child)
	if len(o.Noted) > 0 {
		o.FirstEvent = o.Noted[0].At
	}
	if t.hang != nil || o.Events[event.Crash] > 0 {
		return nil
	}
	return errors.Join(t.heapFull(), t.process.Diagnose(t.block))
}

// noteChild makes an event of a child that did not end well.
func (t *trial) noteChild(ws syscall.WaitStatus) {
	at := rig.Now() - t.began
	switch {
	case ws == 0:
	case ws.Signaled() && ws.Signal() == syscall.SIGPROF:
		t.out.note(event.Hang, t.cfg.Workers-1, at, "a forked child was not done in time")
	case ws.Signaled():
		t.out.note(event.Crash, t.cfg.Workers-1, at, fmt.Sprintf("a forked child was killed by signal %d (%v)", int(ws.Signal()), ws.Signal()))
	case t.block.Failure() == nil:
		t.out.note(event.Crash, t.cfg.Workers-1, at, fmt.Sprintf("a forked child exited with status %d", ws.ExitStatus()))
	}
}

func newForkOutcome(f rig.Forks) *ForkOutcome {
	o := &ForkOutcome{
		Clock: "clock_monotonic", ClockCost: f.ClockCost, Resident: f.Resident, Huge: f.Huge, Forks: f.Records,
		Sustained: rate(f.Sustained[0]), Bare: rate(f.Sustained[1]),
	}
	if f.TSC {
		o.Clock = "tsc"
	}
	for i, has := range f.Handlers {
		if has {
			o.Handlers = append(o.Handlers, handlerNames[i])
		}
	}
	if f.Errno != 0 {
		o.Stopped = f.Errno
	}
	return o
}

func rate(s rig.ForkSum) float64 {
	if s.Time <= 0 {
		return 0
	}
	return float64(s.Forks) / s.Time.Seconds()
}

// RunForkPlain gives the forks a second of the yardstick (rig/forkplain.c): the
// smallest program that forks, exits and waits, with the libraries, the heap
// and the memory of rank 0. Of cfg, Build, Heap, Workers and Fork matter; it
// makes Fork.Sustained forks.
func RunForkPlain(ctx context.Context, cfg Config) (float64, error) {
	cfg.Strategy.Name = "none"
	if err := cfg.completeFork(); err != nil {
		return 0, err
	}
	n := cfg.Fork.Sustained
	if n < 1 {
		return 0, fmt.Errorf("yardstick of %d forks: choose at least 1", n)
	}
	settings := cfg.settings(&peers.Identity{}, &peers.Identity{})
	settings.Plain, settings.Fork, settings.Samples = true, cfg.Fork.settings(), 0
	_, w, err := yardstick(ctx, settings, &cfg)
	if err != nil {
		return 0, err
	}
	return float64(n) / (w.End.At - w.Begin.At).Seconds(), nil
}
