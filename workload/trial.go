// Package workload runs one trial: it starts the rig on one OpenSSL build under
// one strategy, drives its load, watches it, and reads what happened.
//
//	Config ──▶ server.go     one trial of any server, and its watchdog
//	           settings.go   what the rig and the peers are told
//	           trial.go      start, warm-up, measured window, drain, stop
//	           watchdog.go   is the rig blocked or starved?
//	           hazards_trial.go
//	                         what else is in the process, and what it needs
//	           outcome.go    counters, events, samples from the control block,
//	                         failures from the peers, repeats joined exactly
//	           ──▶ Outcome
//
// Three other ways through the same rig: Probe (probe.go) looks at the slots of
// two workers after a few handshakes; fork trials (fork.go) time
// pairs of forks, with the strategy's handlers and without; RunPlain (plain.go)
// makes the same handshakes in one process, as what to compare with.
//
// A trial that finds damage is a good trial. An error means that the trial
// could not be carried out.
package workload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"tlsbench/workload/peers"
	"tlsbench/workload/rig"
)

// Limits of time. None of them decides what a trial finds: they bound how long
// a broken one is waited for.
const (
	readyLimit = 2 * time.Minute // rank 0's set-up, 1,024 contexts included
	drainLimit = time.Minute     // from the end of the window to the last exit
	// overdueLimit is for the watchdog, once drainLimit is over.
	overdueLimit = 10 * time.Second
	reapLimit    = time.Second      // from a worker's death to rank 0's end
	countLimit   = 10 * time.Minute // a trial that ends by its number of handshakes
)

// trial is one trial under way.
type trial struct {
	cfg     Config
	id      *peers.Identity
	bad     *peers.Identity
	block   *rig.Block
	process *rig.Process
	peers   *peers.Load   // tcp load
	report  *peers.Report // of the peers, once they have ended
	began   time.Duration // start of load, on the rig's clock
	// peersFrom is when the peers' own times begin, from start of load.
	peersFrom time.Duration
	window    window
	timed     bool // the load lasted as long as it was to
	hang      *hang
	overdue   atomic.Bool // the trial should have ended: who stands still now is judged at once
	Disturbances
	excused uint64         // failures of peers that were the harness's own
	died    syscall.Signal // the one that ended rank 0, 0 if none did
	left    bool           // rank 0 has ended by itself, and too early
	around  neighbourhood
	out     *Outcome
	pulses  []pulse

	look func(*rig.Block) // is called when all has been read; nil = nobody looks
}

// window is the measured part of the load, read off the rig's counters.
type window struct {
	from, to     time.Duration // on the rig's clock
	first, count uint64        // handshakes made before it, and in it
}

// run lets the caller look at the control block when the trial has ended and
// before it is unmapped.
func run(ctx context.Context, cfg Config, look func(*rig.Block)) (*Outcome, error) {
	return serve(ctx, &trial{cfg: cfg, look: look})
}

func (t *trial) Check() (err error) {
	if t.around.choices, err = t.cfg.hazards(); err != nil {
		return err
	}
	t.cfg.complete()
	return t.cfg.check()
}

// Start starts the rig and waits until all of its workers are forked.
func (t *trial) Start(ctx context.Context, out *Outcome) (serves bool, err error) {
	t.out, t.pulses = out, make([]pulse, t.cfg.Workers+1) // the last one is rank 0's
	if out.Skipped, err = t.start(ctx); err != nil || out.Skipped != "" {
		return false, err
	}
	if ended, err := t.awaitReady(ctx); ended || err != nil {
		return false, err
	}
	out.Files = mappedFiles(t.process.PID())
	t.inspected = rig.Now()
	out.Skipped = t.otherOpenSSL()
	return out.Skipped == "", nil
}

func (t *trial) Read() error {
	t.Notice(rig.Now())
	err := t.gather()
	if err == nil && t.look != nil {
		t.look(t.block)
	}
	return err
}

func (t *trial) Stop() {
	if t.process != nil {
		t.process.Close()
		t.block.Close()
	}
	t.around.close()
}

func (t *trial) Gone() <-chan struct{} { return t.process.Gone() }

// start starts the rig, and what its hazards need before it. skip says what
// this machine lacks for them; the rig was not started then.
func (t *trial) start(ctx context.Context) (skip string, err error) {
	if t.id, err = peers.Certificate(t.cfg.Key); err != nil {
		return "", err
	}
	if t.bad, err = peers.Untrusted(); err != nil {
		return "", err
	}
	if skip, err := t.prepareHazards(ctx); err != nil || skip != "" {
		return skip, err
	}
	settings := t.cfg.settings(t.id, t.bad)
	settings.Hazards, settings.Texts = compiled(t.around.choices), t.around.texts
	t.block, t.process, err = launch(settings, &t.cfg)
	return "", err
}

// awaitReady reports whether the trial has ended before its load began: not
// applicable, or damaged already while rank 0 was setting itself up.
func (t *trial) awaitReady(ctx context.Context) (ended bool, err error) {
	stop := context.AfterFunc(ctx, t.process.Kill)
	defer stop()
	err = t.awaitSetup()
	t.out.OpenSSLVersion = versionIn(t.block.Version())
	if err == nil {
		return false, nil
	}
	if ctx.Err() != nil {
		return true, ctx.Err()
	}
	if errors.Is(err, ErrHang) {
		return true, nil
	}
	if errors.Is(err, ErrHalt) {
		return true, t.disturbed()
	}
	if !errors.Is(err, io.EOF) {
		return true, fmt.Errorf("%w: it was to %s", err, t.block.Stage())
	}
	<-t.process.Gone()
	if t.out.Skipped, t.out.NotApplicable = t.block.Skipped(), t.block.Missing(); t.out.Skipped != "" || t.out.NotApplicable != "" {
		return true, nil
	}
	if s := t.process.Signal(); s != 0 && t.block.Failure() == nil {
		t.out.noteCrash(s, t.block.Stage(), 0)
		return true, nil
	}
	if err = errors.Join(t.heapFull(), t.process.Diagnose(t.block)); err == nil {
		t.leftEarly(0)
	}
	return true, err
}

// Drive runs the load through its phases and ends with no process left that
// would still work.
func (t *trial) Drive(ctx context.Context) error {
	err := t.phases(ctx)
	t.endPeers()
	t.letRank0Reap(ctx)
	t.process.Close()
	return err
}

// letRank0Reap gives rank 0 the time to end and to reap its workers, when a
// worker died: then none of them is left to init.
func (t *trial) letRank0Reap(ctx context.Context) {
	if context.Cause(ctx) != ErrDied {
		return
	}
	select {
	case <-t.process.Gone():
	case <-time.After(reapLimit):
	}
}

func (t *trial) phases(ctx context.Context) error {
	if err := t.begin(); err != nil {
		return err
	}
	if t.cfg.Warmup > 0 {
		if err := Sleep(ctx, t.cfg.Warmup); err != nil {
			return err
		}
		t.openWindow()
	}
	err := t.measure(ctx)
	t.closeWindow()
	if err != nil {
		return err
	}
	return t.drain(ctx)
}

func (t *trial) begin() error {
	var epoch time.Duration
	if t.cfg.Load == "tcp" {
		config := t.cfg.peers(t.block.Port(), t.id, t.bad)
		// In this order, what a peer sees is never dated before it was.
		config.Epoch = time.Now()
		epoch = rig.Now()
		load, err := peers.New(config)
		if err != nil {
			return err
		}
		t.peers = load
	}
	if t.cfg.Warmup > 0 {
		t.block.SetPhase(rig.Warmup)
	} else {
		t.openWindow() // before the first peer, so that none is outside
	}
	t.began = t.block.LoadStart()
	if t.peers != nil {
		t.peersFrom = epoch - t.began
		t.peers.Start()
	}
	return nil
}

func (t *trial) openWindow() {
	t.window.first, t.window.from = t.block.Handshakes(), rig.Now()
	t.block.SetPhase(rig.Measure)
	if t.peers != nil {
		t.peers.Measure()
	}
}

func (t *trial) closeWindow() {
	t.window.count, t.window.to = t.block.Handshakes()-t.window.first, rig.Now()
	t.block.SetPhase(rig.Drain)
}

// measure waits for the end of the window: by time, or by the number of
// handshakes.
func (t *trial) measure(ctx context.Context) error {
	if t.cfg.Handshakes == 0 {
		err := Sleep(ctx, t.cfg.Duration)
		t.timed = err == nil
		return err
	}
	var done <-chan struct{} = t.process.Gone() // memory: workers end by themselves
	if t.peers != nil {
		done = t.peers.Done()
	}
	limit, look := time.After(countLimit), time.Tick(10*time.Millisecond)
	for !t.served() {
		select {
		case <-done:
			return nil
		case <-look:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-limit:
			return fmt.Errorf("%d handshakes were not completed within %v", t.cfg.Handshakes, countLimit)
		}
	}
	return nil
}

// served says whether the workers of a traced trial have had their number of
// peers, good and bad: under some hazards all of them are bad. With the memory
// load they end by themselves.
func (t *trial) served() bool {
	if t.peers == nil || !t.cfg.Traced() {
		return false
	}
	var n uint64
	for _, w := range t.block.Workers() {
		n += w.Handshakes + w.Refused
	}
	return n >= t.cfg.Handshakes*uint64(t.cfg.Workers)
}

// drain lets the peers finish what they have begun, then the workers end.
func (t *trial) drain(ctx context.Context) error {
	if err := t.drainPeers(ctx); err != nil {
		return err
	}
	t.block.SetPhase(rig.Stop)
	t.process.Stop()
	for _, limit := range []time.Duration{drainLimit, overdueLimit} {
		select {
		case <-t.process.Gone():
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(limit):
			t.overdue.Store(true)
		}
	}
	return fmt.Errorf("the rig did not end within %v: %s", drainLimit+overdueLimit, t.remaining())
}

// remaining lists the processes of the rig that have not ended, with what the kernel
// says of them.
func (t *trial) remaining() string {
	var list []string
	for i, w := range append(t.block.Workers(), t.block.Rank0(t.process.PID())) {
		name := fmt.Sprintf("worker %d", i)
		if i == t.cfg.Workers {
			name = "rank 0"
		}
		now, err := state(w.PID)
		used, _ := kernelUsage(w.PID)
		if err == nil && !w.Reaped {
			list = append(list, fmt.Sprintf("%s (state %s, operation %d) ran for %v and waited %v for a processor",
				name, now, w.Operation, used.ran.Round(time.Millisecond), used.waited.Round(time.Millisecond)))
		}
	}
	return strings.Join(list, "; ")
}

func (t *trial) drainPeers(ctx context.Context) error {
	if t.peers == nil {
		return nil
	}
	abort := context.AfterFunc(ctx, t.peers.Abort)
	defer abort()
	t.peers.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// endPeers cuts off the peers of a trial that broke; after drain there are
// none left to cut off.
func (t *trial) endPeers() {
	if t.peers != nil {
		t.peers.Abort()
		t.report = t.peers.Wait()
	}
}
