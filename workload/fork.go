package workload

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tlsbench/results/event"
	"tlsbench/workload/peers"
	"tlsbench/workload/rig"
)

// ForkConfig makes a trial one of forks. Rank 0 is set up as for a load; then
// it forks one child after the other, in pairs: one fork under the strategy,
// and one without its handlers, whose child only ends. Which of the two comes
// first is left to chance. Of the rest of the Config, Workers is how many live
// other workers there are; they are idle. The load is memory: the first
// handshake of a child is both sides over BIO pairs.
type ForkConfig = rig.Fork

// ForkOutcome is what a trial of forks measured.
type ForkOutcome rig.Forks

// ForkSample is one fork, in nanoseconds.
type ForkSample = rig.ForkRecord

// MaxForkKeys is the largest number of filled keys.
const MaxForkKeys = rig.MaxForkKeys

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
	c.Load, c.Handshakes, c.BadShare, c.CheckRate = "memory", 1, 0, 0
	c.Workers++ // the slot of the loop's children
	if c.HeapBytes == 0 {
		leak := min(uint64(c.Fork.Pairs)*2*forkLeak, maxForkLeak)
		c.HeapBytes = heapBase + uint64(c.Workers)*heapPerWorker + leak
	}
	c.complete()
	return c.check()
}

// forkTrial is a rig that forks one child after the other instead of serving.
type forkTrial struct {
	trial
	last   progress      // when a fork was last done
	judged time.Duration // when the watchdog last looked closely
}

func (t *forkTrial) Check() error { return t.cfg.completeFork() }

func (t *forkTrial) Start(ctx context.Context, out *Outcome) (serves bool, err error) {
	if serves, err = t.trial.Start(ctx, out); serves {
		t.began = rig.Now()
		t.last, t.judged = t.forkProgress(), t.began
	}
	return serves, err
}

// Drive has rank 0 fork, and returns when it has ended.
func (t *forkTrial) Drive(ctx context.Context) error {
	t.process.Stop() // here: begin
	select {
	case <-ctx.Done():
		t.process.Kill()
		<-t.process.Gone()
		return context.Cause(ctx)
	case <-t.process.Gone():
		return nil
	}
}

// notice forgets when a fork was last done, if the harness did not run.
func (t *forkTrial) notice(now time.Duration) {
	if t.Notice(now) {
		t.last = progress{}
	}
}

// Look judges a rank 0 that no longer gets on; one that only gets no processor,
// or whose child gets none, is waited for. It looks closely now and then: what it
// reads of the kernel must not be seen in the times of forks.
func (t *forkTrial) Look(gone bool) error {
	limit := cmp.Or(t.cfg.forkPatience, forkHang)
	t.notice(rig.Now())
	if gone || rig.Now()-t.judged < limit/40 {
		return nil
	}
	now := t.forkProgress()
	t.judged = now.since
	if now.forked != t.last.forked || t.last.since == 0 {
		t.last = now
		return nil
	}
	why := t.last.stall(now, limit, spinTimes*limit)
	if why == "" {
		return nil
	}
	err := t.Judge(true, 0, t.stoppedProcess)
	if err == ErrHang {
		t.hang = &hang{worker: -1, at: rig.Now(), detail: t.stall(limit, why)}
	}
	return err
}

// launch makes the control block and starts the rig on it.
func launch(s rig.Settings, cfg *Config) (*rig.Block, *rig.Process, error) {
	block, err := rig.NewBlock(s)
	if err != nil {
		return nil, nil, err
	}
	var process *rig.Process
	exe, err := os.Executable()
	if err == nil {
		process, err = rig.Start(block, cfg.Build.Command(exe), cfg.environ())
	}
	if err != nil {
		block.Close()
		return nil, nil, fmt.Errorf("start the rig: %w", err)
	}
	return block, process, nil
}

// stall says where the loop stands still: the parent waits for its child, or
// does not come back from fork().
func (t *forkTrial) stall(limit time.Duration, why string) string {
	f := t.block.Forks()
	return fmt.Sprintf("no fork done in %v, after %d of %d: a child or a handler does not come to its end (%s)", limit, len(f.Forks), f.Wanted, why)
}

// Read reads the outcome when rank 0 has ended. An error leaves the
// outcome as far as it got.
func (t *forkTrial) Read() error {
	if t.Halted != "" {
		return &DisturbedError{t.Halted}
	}
	f := t.block.Forks()
	o := t.out
	o.Setup = t.block.Setup()
	o.Fork = (*ForkOutcome)(f)
	o.Load, o.CtxSwitches = rig.Now()-t.began, t.process.Switches()
	t.gatherEvents()
	t.noteChild(f.Child)
	o.Order()
	if t.hang != nil || o.Events[event.Crash] > 0 {
		return nil
	}
	return errors.Join(t.heapFull(), t.process.Diagnose(t.block))
}

// noteChild makes an event of a child that did not end well.
func (t *forkTrial) noteChild(ws syscall.WaitStatus) {
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

// RunForkPlain gives the forks a second of the yardstick (rig/forkplain.c): the
// smallest program that forks, exits and waits, with the libraries, the heap
// and the memory of rank 0. Of cfg, Build, Heap, Workers and Fork matter; it
// makes Fork.Sustained forks.
func RunForkPlain(ctx context.Context, cfg Config) (float64, error) {
	cfg.Strategy.Name = "none"
	if err := cfg.completeFork(); err != nil {
		return 0, err
	}
	settings := cfg.settings(&peers.Identity{}, &peers.Identity{})
	settings.Plain = true
	w, err := yardstick(ctx, settings, &cfg)
	if err != nil {
		return 0, err
	}
	return float64(cfg.Fork.Sustained) / (w.End.At - w.Begin.At).Seconds(), nil
}

// forkProgress counts rank 0 and its child together: rank 0 waits for its child, which
// may be the one that gets no processor.
func (t *trial) forkProgress() progress {
	rank0 := t.process.PID()
	return t.progress(t.block.ForkProgress(), append(forkedBy(rank0), rank0)...)
}

// forkedBy lists the processes that a process has forked.
func forkedBy(pid int) []int {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return nil // a kernel without the list: rank 0 alone is judged
	}
	var list []int
	for field := range strings.FieldsSeq(string(data)) {
		if child, err := strconv.Atoi(field); err == nil {
			list = append(list, child)
		}
	}
	return list
}

// ForkSeries is one distribution of a trial of forks, in nanoseconds, in the
// order in which the forks were made.
type ForkSeries struct {
	Name   string // as in units, without the percentile: fork-ns
	Values []float64
}

// Series lists the distributions that the trial has. Those of a handler are
// there for the handlers that the strategy has; a strategy without any has none.
//
//   - fork-ns, ready-ns: under the strategy; masked-fork-ns, masked-ready-ns:
//     without its handlers
//   - handler-ns: all its handlers in one fork, and each of them as
//     child-handler-ns and so on. Cold, as it happens: in the child the first
//     write to a page copies it. One reading of the clock is in each.
//   - warm-handler-ns, warm-child-handler-ns and so on: the same handlers run
//     again in the same process on rank 0's slots, its pages touched before;
//     one value for each fork: the mean of 32 runs one after the other (128 of
//     a handler that takes less than 0.2 µs, 4 of one that takes microseconds),
//     less that of a handler that does nothing. Slots are filled again before
//     each run, outside the time. Whatever a handler frees or allocates is in
//     it: OPENSSL_thread_stop() frees the thread's state, pointer-match has
//     OpenSSL make new state.
//   - first-random-ns, first-handshake-ns: in the child
func (o *ForkOutcome) Series() []ForkSeries {
	var list []ForkSeries
	add := func(name string, masked bool, get func(*ForkSample) float64) {
		if values := o.values(masked, get); len(values) > 0 {
			list = append(list, ForkSeries{name, values})
		}
	}
	add("fork-ns", false, forkTime)
	add("masked-fork-ns", true, forkTime)
	add("ready-ns", false, readyTime)
	add("masked-ready-ns", true, readyTime)
	if len(o.Handlers) > 0 {
		add("handler-ns", false, func(s *ForkSample) float64 { return s.Cold.Sum() })
		add("warm-handler-ns", false, func(s *ForkSample) float64 { return s.Warm.Sum() })
	}
	for _, name := range o.Handlers {
		i := slices.Index(rig.Handlers[:], name)
		add(name+"-handler-ns", false, func(s *ForkSample) float64 { return s.Cold[i] })
		add("warm-"+name+"-handler-ns", false, func(s *ForkSample) float64 { return s.Warm[i] })
	}
	add("first-random-ns", false, func(s *ForkSample) float64 { return s.FirstRandom })
	add("first-handshake-ns", false, func(s *ForkSample) float64 { return s.FirstHandshake })
	return list
}

func forkTime(s *ForkSample) float64  { return s.Fork }
func readyTime(s *ForkSample) float64 { return s.Ready }

func (o *ForkOutcome) values(masked bool, get func(*ForkSample) float64) []float64 {
	var list []float64
	for i := range o.Forks {
		if s := &o.Forks[i]; s.Masked == masked {
			list = append(list, get(s))
		}
	}
	return list
}

// ForkDifferences gives, for each pair, how much longer fork() took under the
// strategy than without its handlers; ReadyDifferences, how much later the
// child was ready. Both forks of a pair met the same state of the kernel.
func (o *ForkOutcome) ForkDifferences() []float64 { return o.differences(forkTime) }

// ReadyDifferences: see ForkDifferences.
func (o *ForkOutcome) ReadyDifferences() []float64 { return o.differences(readyTime) }

func (o *ForkOutcome) differences(get func(*ForkSample) float64) []float64 {
	var list []float64
	for pair := range slices.Chunk(o.Forks, 2) {
		if len(pair) < 2 {
			break // the loop ended between the two
		}
		d := get(&pair[0]) - get(&pair[1])
		if pair[0].Masked {
			d = -d
		}
		list = append(list, d)
	}
	return list
}
