package workload

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"tlsbench/results"
	"tlsbench/results/event"
	"tlsbench/workload/peers"
	"tlsbench/workload/rig"
)

// hang is what the watchdog found.
type hang struct {
	worker int           // -1 = rank 0
	at     time.Duration // on the rig's clock
	detail string
}

// pulse is what the watchdog remembers of one worker, or of rank 0: when it was last
// seen to begin something, and what the kernel had given it by then.
type pulse struct {
	pid   int
	beat  uint64
	since time.Duration
	used  usage
}

const (
	// A process that ran for less than this share of the time it was watched,
	// and did not want to run either, is blocked.
	blockedShare = 0.02
	// One operation needs a few milliseconds of processor time. A worker that
	// has had this many times HangAfter and is not done goes round in circles,
	// in a damaged list for one.
	spinTimes = 2
	// handlerSpin is processor time that neither an at-fork handler nor anything
	// else that rank 0 does under load needs in one go.
	handlerSpin = time.Second
	// So many times HangAfter a blocked worker is not blamed for what one that
	// is still running may do to it: long enough for that one to be judged.
	doubtTimes = 4 * spinTimes
	// Then one that has had this share of HangAfter in one operation goes round
	// in circles: on a busy machine it may never get spinTimes as much.
	slowShare = 8
)

// Look finds out whether rank 0 is gone, a worker died, or one hangs.
func (t *trial) Look(gone bool) error {
	t.notice(rig.Now())
	if gone {
		t.died = t.process.Signal()
		t.left = t.died == 0 && !t.block.Done()
	}
	switch {
	case t.block.FirstDeath() != 0 || t.died != 0 || t.left:
		return ErrDied
	case gone:
		return nil
	}
	t.hang = t.findHang(t.pulses)
	err := t.Judge(t.hang != nil, t.cfg.HangAfter, t.stoppedProcess)
	if t.Halted != "" {
		t.hang = nil
	}
	return err
}

// notice forgets how long the workers have been at what they do, if the harness did
// not run: all of the trial may have been stopped, and goes on.
func (t *trial) notice(now time.Duration) {
	if t.Notice(now) {
		clear(t.pulses)
	}
}

// stoppedProcess looks for a process of the rig that a signal or a debugger has
// stopped, and says which one; "" if there is none.
func (t *trial) stoppedProcess() string {
	rank0 := t.process.PID()
	if IsStopped(rank0) {
		return "rank 0 was stopped from outside"
	}
	for _, pid := range forkedBy(rank0) {
		if IsStopped(pid) {
			for i, w := range t.block.Workers() {
				if w.PID == pid {
					return fmt.Sprintf("worker %d was stopped from outside", i)
				}
			}
			return "a child of rank 0 was stopped from outside"
		}
	}
	return ""
}

// stuck is a worker that has been at one operation for longer than its patience.
type stuck struct {
	worker int
	since  time.Duration
	ran    time.Duration // since then
	kind   standstill
	why    string // "" = it may only be slow
}

// standstill says how a worker stands still. The higher, the more likely it is
// the one that the others wait for.
type standstill int

const (
	// atSharedLock: it waits for a lock in the shared heap, which another one
	// holds. It hangs, but because of that one.
	atSharedLock standstill = iota
	blocked
	spinning
)

// findHang gives the worker to blame, once that is clear.
func (t *trial) findHang(pulses []pulse) *hang {
	var list []stuck
	undecided := false // one that stands still, but not for long enough
	inHeap, now := t.block.HeapRange(), rig.Now()
	for i, w := range append(t.block.Workers(), t.block.Rank0(t.process.PID())) {
		p := &pulses[i]
		if w.Operation == rig.Idle || w.Operation == rig.Done || w.Reaped || w.Beat != p.beat || w.PID != p.pid || p.since == 0 {
			*p = pulse{pid: w.PID, beat: w.Beat, since: now}
			p.used, _ = kernelUsage(w.PID) // gone: seen as such elsewhere
			continue
		}
		if now-p.since < t.patience(w.Operation == rig.Neighbour) {
			undecided = true
			continue
		}
		used, err := usageToJudge(w.PID)
		if err != nil { // it is dead, and rank 0 is to come on
			continue
		}
		ran, waited := used.since(p.used, now-p.since)
		spin := spinTimes * t.cfg.HangAfter
		if w.Operation == rig.Starting {
			spin = min(spin, handlerSpin)
		}
		s := stuck{i, p.since, ran, blocked, stalled(now-p.since, ran, waited, spin)}
		switch address, ok := futex(w.PID); {
		case ran > spin:
			s.kind = spinning
		case ok && inHeap(address):
			s.kind = atSharedLock
		}
		if i == t.cfg.Workers {
			s.worker = -1
		}
		list = append(list, s)
	}
	s := blame(list, undecided, now, t.cfg.HangAfter, t.overdue.Load())
	if s == nil {
		return nil
	}
	h := &hang{worker: s.worker, at: now, detail: s.why}
	if h.worker < 0 {
		h.detail = fmt.Sprintf("rank 0, when it was to %s: %s", t.rank0Task(), s.why)
	}
	return h
}

// rank0Task is what rank 0 has to do under load: it forks anew each worker that
// has retired. A handler of its own may never return, or what a hazard has it do.
func (t *trial) rank0Task() string {
	for i, w := range t.block.Workers() {
		if w.Operation != rig.Starting && w.Operation != rig.Retired {
			continue
		}
		if _, err := usageToJudge(w.PID); err != nil {
			return fmt.Sprintf("fork worker %d anew", i)
		}
	}
	return t.block.Stage()
}

// blame picks the worker that others may be waiting for: one that goes round in
// circles, with a lock in its hand for all that is known, or else one that is
// blocked by something of its own, or else the one that has waited the longest.
// While a third may yet turn out to be what they wait for, the others have the
// benefit of the doubt: those at a shared lock for a time, even if that one stands
// still only since a moment ago, and all of them if it is stuck and runs. That one
// is blamed itself when the time is over, if it had a processor meanwhile.
func blame(list []stuck, undecided bool, now, after time.Duration, overdue bool) *stuck {
	var worst, slow *stuck
	for i := range list {
		s := &list[i]
		switch {
		case s.why == "":
			if slow == nil || s.ran > slow.ran {
				slow = s
			}
		case worst == nil, s.kind > worst.kind, s.kind == worst.kind && s.since < worst.since:
			worst = s
		}
	}
	if worst != nil {
		if worst.kind == spinning {
			return worst
		}
		overdue = overdue || now-worst.since >= doubtTimes*after
	}
	switch {
	case slow == nil && undecided && !overdue && worst != nil && worst.kind == atSharedLock:
		return nil
	case slow == nil:
		return worst
	case !overdue || slow.ran < after/slowShare:
		return nil
	}
	slow.kind = spinning
	slow.why = fmt.Sprintf("not done with one operation after %v of processor time, in %v on a busy machine",
		slow.ran.Round(time.Millisecond), (now - slow.since).Round(time.Millisecond))
	return slow
}

// neighbourLimit is longer than the rig itself waits for a neighbour's call
// (neighbour.c).
const neighbourLimit = 30 * time.Second

// patience is how long a process may be at what it does, in which it may wait for a
// neighbour.
func (t *trial) patience(neighbour bool) time.Duration {
	if neighbour {
		return max(t.cfg.HangAfter, neighbourLimit)
	}
	return t.cfg.HangAfter
}

// stalled says how a process is blocked or loops without end; "" for one
// that only waits for a processor on a busy machine.
func stalled(watched, ran, waited, spin time.Duration) string {
	share := float64(ran+waited) / float64(watched)
	switch {
	case share < blockedShare:
		return fmt.Sprintf("blocked for %v in one operation, with %v of processor time",
			watched.Round(time.Millisecond), ran.Round(time.Microsecond))
	case ran > spin:
		return fmt.Sprintf("not done with one operation after %v of processor time", ran.Round(time.Millisecond))
	}
	return ""
}

const (
	readyEvery = 250 * time.Millisecond
	// setupSpin is processor time that no step of rank 0's set-up needs:
	// 1,024 contexts with RSA keys take less.
	setupSpin = 30 * time.Second
)

// progress is what rank 0 has done, and what the kernel had given to some processes
// by then.
type progress struct {
	stage  string
	forked uint64
	since  time.Duration
	used   map[int]usage // by process
}

func (t *trial) progress(forked uint64, processes ...int) progress {
	p := progress{stage: t.block.Stage(), forked: forked, since: rig.Now(), used: map[int]usage{}}
	for _, pid := range processes {
		if u, err := usageToJudge(pid); err == nil { // else it is gone
			p.used[pid] = u
		}
	}
	return p
}

func (t *trial) setupProgress() progress {
	var forked uint64
	for _, w := range t.block.Workers() {
		if w.PID != 0 {
			forked++
		}
	}
	return t.progress(forked, t.process.PID())
}

// stall judges two looks between which nothing was done, "" if there is nothing to say
// yet.
func (p progress) stall(now progress, patience, spin time.Duration) string {
	watched := now.since - p.since
	if watched < patience {
		return ""
	}
	var ran, waited time.Duration
	for pid, u := range now.used {
		r, w := u.since(p.used[pid], watched)
		ran, waited = ran+r, waited+w
	}
	return stalled(watched, ran, waited, spin)
}

// awaitSetup waits until all workers are forked. A rank 0 that does not come on
// is a hang, as a worker's is: a strategy's handler that never returns is one of
// the things a trial is to find. The error is ErrHang then.
func (t *trial) awaitSetup() error {
	deadline := rig.Now() + readyLimit
	last := t.setupProgress()
	var pauses Disturbances // of the set-up alone: nothing that is measured was in them
	for {
		err := t.process.AwaitReady(readyEvery)
		if !errors.Is(err, rig.ErrNotReady) {
			return err
		}
		now := t.setupProgress()
		if pauses.Notice(now.since) || now.stage != last.stage || now.forked != last.forked {
			last = now
		}
		if why := t.stuck(last, now); why != "" {
			err := t.Judge(true, 0, t.stoppedProcess)
			if err == ErrHang {
				t.out.note(event.Hang, -1, 0, why)
			}
			return err
		}
		if now.since > deadline {
			return cmp.Or(pauses.Err(), fmt.Errorf("%w (%v)", rig.ErrNotReady, readyLimit))
		}
	}
}

// stuck judges a rank 0 that has not come on between two looks.
func (t *trial) stuck(last, now progress) string {
	spin := setupSpin
	if now.forked > 0 || now.stage == forkStage {
		spin = min(spinTimes*t.cfg.HangAfter, handlerSpin) // of one fork alone
	}
	why := last.stall(now, t.patience(t.cfg.Hazard != "" && t.cfg.Hazard != results.Plain), spin)
	if why == "" {
		return ""
	}
	return fmt.Sprintf("rank 0, when it was to %s, with %d of %d forked: %s", now.stage, now.forked, t.cfg.Workers, why)
}

// forkStage is the name of the stage in which rank 0 forks.
const forkStage = "fork workers"

// leftEarly books a rank 0 that ended in good order before its time: a
// strategy's code may call exit(), and a server that is gone did not survive.
func (t *trial) leftEarly(at time.Duration) {
	t.out.note(event.Crash, -1, at, fmt.Sprintf("rank 0 exited with status 0 while it was to %s", t.block.Stage()))
}

// DisturbedError says that a trial is not evidence of anything, because of what
// was done to its processes from outside: somebody stopped one of them, or the
// machine had no processor for the harness. The trial was not carried out.
type DisturbedError struct{ Reason string }

func (e *DisturbedError) Error() string { return "the trial was disturbed: " + e.Reason }

// undisturbed is how often a disturbed trial is tried in all.
const undisturbed = 3

// UntilUndisturbed carries out a trial again that was disturbed.
func UntilUndisturbed(carryOut func() (*Outcome, error)) (*Outcome, error) {
	for try := 1; ; try++ {
		out, err := carryOut()
		if _, disturbed := errors.AsType[*DisturbedError](err); !disturbed || try == undisturbed {
			return out, err
		}
	}
}

// pauseFrom is how late the harness has to be for it to notice that it was
// stopped. The rig gives up a peer that is silent for twice as long.
const pauseFrom = rig.PeerTimeout / 2

// Disturbances are what is done to a trial from outside: times in which the harness
// did not run, on the clock of rig.Now, and a process that somebody has stopped.
type Disturbances struct {
	Halted string // which process was stopped, "" for none

	looked    time.Duration // at the clock
	inspected time.Duration // for stopped processes
	list      []pause
}

type pause struct{ from, to time.Duration }

// Judge is what a watchdog says of a server in which a process hangs, or none does.
// What waits for a stopped process does not hang because of the strategy: such a
// process is looked for before one is said to hang, and every so often.
func (p *Disturbances) Judge(hangs bool, every time.Duration, stopped func() string) error {
	if now := rig.Now(); hangs || now-p.inspected >= every {
		p.inspected = now
		if p.Halted = stopped(); p.Halted != "" {
			return ErrHalt
		}
	}
	if hangs {
		return ErrHang
	}
	return nil
}

// Notice compares the time with that of the watchdog's last look, and reports
// whether there was a pause between them.
func (p *Disturbances) Notice(now time.Duration) bool {
	last := p.looked
	p.looked = now
	if last == 0 || now-last < pauseFrom {
		return false
	}
	p.list = append(p.list, pause{last, now})
	return true
}

// During reports whether there was a pause in a span of time.
func (p *Disturbances) During(from, to time.Duration) bool {
	return slices.ContainsFunc(p.list, func(s pause) bool { return from < s.to && s.from < to })
}

// Paused is Err, with a pause that has just ended.
func (p *Disturbances) Paused() error {
	p.Notice(rig.Now())
	return p.Err()
}

// Err says that the trial was disturbed, if there was a pause.
func (p *Disturbances) Err() error {
	var paused time.Duration
	for _, s := range p.list {
		paused += s.to - s.from
	}
	if paused == 0 {
		return nil
	}
	return &DisturbedError{fmt.Sprintf("the harness did not run for %v: it was stopped, or the machine was too busy", paused.Round(time.Millisecond))}
}

// late reports whether a peer's failure is the harness's own: a peer that does
// not run says nothing, and the rig gives it up after a time. The rig counts how
// often it did, and a failure can be explained as often. A peer that was given
// up after it had itself waited as long for the server is not late: the server
// owed it an answer. Next to a process that was stopped from outside nobody knows
// whose doing it is.
func (t *trial) late(f peers.Failure) bool {
	stood := t.Halted != "" || t.During(t.began+f.Began, t.began+f.At)
	switch f.Kind {
	case peers.Timeout:
		return stood
	case peers.Cut:
		return t.Halted != "" || t.excused < t.out.Timeouts && (stood || f.Waited < pauseFrom)
	}
	return false
}

// unserved reports whether the time of a trial was over before anything happened in it.
func (t *trial) unserved() bool {
	o := t.out
	return t.timed && (o.Attempts == 0 || t.cfg.Warmup > 0 && o.Measured == 0)
}

// disturbed says why the trial is not evidence, nil if it is. Damage that does
// not need the peers' word stands. What is shared the tracer sees however long the
// handshakes took.
func (t *trial) disturbed() error {
	paused := t.Err()
	switch {
	case t.out.Damaged():
		return nil
	case t.Halted != "":
		return &DisturbedError{t.Halted}
	case paused != nil && t.peers != nil && !t.cfg.Traced():
		return paused
	case t.unserved():
		return &DisturbedError{fmt.Sprintf("no connection was completed in %v: the machine was too busy, or nobody could connect", t.cfg.Duration)}
	case t.excused > 0:
		return &DisturbedError{fmt.Sprintf("%d peers got no processor for so long that the rig gave them up: the machine was too busy", t.excused)}
	}
	return nil
}
