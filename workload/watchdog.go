package workload

import (
	"fmt"
	"time"

	"tlsbench/workload/rig"
)

// hang is what the watchdog found.
type hang struct {
	worker int
	at     time.Duration // on the rig's clock
	detail string
}

// pulse is what the watchdog remembers of one worker: when it was last seen to
// begin something, and what the kernel had given it by then.
type pulse struct {
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
	// So many times HangAfter a blocked worker is not blamed for what one that
	// is still running may do to it: long enough for that one to be judged.
	doubtTimes = 4 * spinTimes
)

// Look finds out whether rank 0 is gone, a worker died, or one hangs.
func (t *trial) Look(gone bool) error {
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
	if t.hang = t.findHang(t.pulses); t.hang != nil {
		return ErrHang
	}
	return nil
}

// stuck is a worker that has been at one operation for longer than its patience.
type stuck struct {
	worker int
	since  time.Duration
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
	for i, w := range t.block.Workers() {
		p := &pulses[i]
		if w.Operation == rig.Idle || w.Operation == rig.Done || w.Reaped || w.Beat != p.beat || p.since == 0 {
			*p = pulse{beat: w.Beat, since: now}
			p.used, _ = kernelUsage(w.PID) // gone: seen as such elsewhere
			continue
		}
		if now-p.since < t.patience(w) {
			undecided = true
			continue
		}
		used, err := usageToJudge(w.PID)
		if err != nil {
			continue
		}
		ran, waited := used.since(p.used, now-p.since)
		spin := spinTimes * t.cfg.HangAfter
		s := stuck{i, p.since, blocked, judge(now-p.since, ran, waited, spin)}
		switch address, ok := futex(w.PID); {
		case ran > spin:
			s.kind = spinning
		case ok && inHeap(address):
			s.kind = atSharedLock
		}
		list = append(list, s)
	}
	s := blame(list, undecided, now, t.cfg.HangAfter)
	if s == nil {
		return nil
	}
	return &hang{worker: s.worker, at: now, detail: s.why}
}

// blame picks the worker that others may be waiting for: one that goes round in
// circles, with a lock in its hand for all that is known, or else one that is
// blocked by something of its own, or else the one that has waited the longest.
// While a third may yet turn out to be what they wait for, the others have the
// benefit of the doubt for a time: all of them if that one is stuck and may go
// round in circles, and those at a shared lock even if it stands still only
// since a moment ago.
func blame(list []stuck, undecided bool, now, after time.Duration) *stuck {
	var worst *stuck
	slow := false
	for i := range list {
		s := &list[i]
		switch {
		case s.why == "":
			slow = true
		case worst == nil, s.kind > worst.kind, s.kind == worst.kind && s.since < worst.since:
			worst = s
		}
	}
	if worst == nil || worst.kind == spinning || now-worst.since >= doubtTimes*after {
		return worst
	}
	if slow || undecided && worst.kind == atSharedLock {
		return nil
	}
	return worst
}

// neighbourLimit is longer than the rig itself waits for a neighbour's call
// (neighbour.c).
const neighbourLimit = 30 * time.Second

// patience is how long a worker may be at what it does.
func (t *trial) patience(w rig.Worker) time.Duration {
	if w.Operation == rig.Neighbour {
		return max(t.cfg.HangAfter, neighbourLimit)
	}
	return t.cfg.HangAfter
}

// judge tells a process that is blocked, or goes round in circles, from one
// that only gets no processor on a busy machine.
func judge(watched, ran, waited, spin time.Duration) string {
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
