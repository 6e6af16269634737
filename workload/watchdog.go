package workload

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/prometheus/procfs"

	"tlsbench/workload/mutant"
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

// usage is the time a process ran, and the time it was ready to run but had no
// processor.
type usage struct {
	ran, waited time.Duration
	ready       bool // runs or waits for a processor just now
}

// since gives what a process ran and waited for a processor while it was
// watched. The scheduler counts a wait when it is over: a process that is ready
// but has been given no processor yet has waited all the time it did not run.
func (u usage) since(then usage, watched time.Duration) (ran, waited time.Duration) {
	ran, waited = u.ran-then.ran, u.waited-then.waited
	if u.ready {
		waited = max(waited, watched-ran)
	}
	return ran, waited
}

// kernelUsage reads what the scheduler has counted for a process with one
// thread.
func kernelUsage(pid int) (usage, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid))
	if err != nil {
		return usage{}, err
	}
	var ran, waited int64
	if _, err := fmt.Sscan(string(data), &ran, &waited); err != nil {
		return usage{}, fmt.Errorf("read schedstat of process %d: %w", pid, err)
	}
	return usage{ran: time.Duration(ran), waited: time.Duration(waited)}, nil
}

// usageToJudge reads what judge needs beside: whether the process is ready just
// now. Of a worker that comes on, which is looked at at every tick, nobody asks.
func usageToJudge(pid int) (usage, error) {
	u, err := kernelUsage(pid)
	if err == nil {
		u.ready, err = isReady(pid)
	}
	return u, err
}

// isReady tells a process that is running, or would if it got a processor, from
// one that waits for something else.
func isReady(pid int) (bool, error) {
	proc, err := procfs.NewProc(pid)
	if err != nil {
		return false, err
	}
	stat, err := proc.Stat()
	if err != nil {
		return false, fmt.Errorf("read the state of process %d: %w", pid, err)
	}
	return stat.State == "R", nil
}

const (
	watchEvery = 50 * time.Millisecond
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

// watch ends the trial when rank 0 is gone, a worker died, or one hangs.
func (t *trial) watch(ctx context.Context, end context.CancelCauseFunc) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	pulses := make([]pulse, t.cfg.Workers)
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.process.Gone():
			t.died = t.process.Signal()
			if t.block.FirstDeath() != 0 || t.died != 0 {
				end(errDied)
			}
			return
		case <-tick.C:
		}
		if t.block.FirstDeath() != 0 {
			end(errDied)
			return
		}
		if t.hang = t.findHang(pulses); t.hang != nil {
			end(errHang)
			return
		}
	}
}

// stuck is a worker that has been at one operation for longer than its patience.
type stuck struct {
	worker int
	since  time.Duration
	spins  bool
	why    string // "" = it may only be slow
}

// findHang gives the worker to blame, once that is clear.
func (t *trial) findHang(pulses []pulse) *hang {
	var list []stuck
	now := rig.Now()
	for i, w := range t.block.Workers() {
		p := &pulses[i]
		if mutant.Is("hang-always") && w.Operation != rig.Idle {
			return &hang{worker: i, at: now, detail: "not idle"}
		}
		if w.Operation == rig.Idle || w.Operation == rig.Done || w.Reaped || w.Beat != p.beat || p.since == 0 {
			*p = pulse{beat: w.Beat, since: now}
			p.used, _ = kernelUsage(w.PID) // gone: seen as such elsewhere
			continue
		}
		if now-p.since < t.patience(w) {
			continue
		}
		used, err := usageToJudge(w.PID)
		if err != nil {
			continue
		}
		ran, waited := used.since(p.used, now-p.since)
		spin := spinTimes * t.cfg.HangAfter
		list = append(list, stuck{i, p.since, ran > spin, judge(now-p.since, ran, waited, spin)})
	}
	s := blame(list, now, t.cfg.HangAfter)
	if s == nil {
		return nil
	}
	return &hang{worker: s.worker + mutant.Count("hang-blames"), at: now, detail: s.why}
}

// blame picks the worker that others may be waiting for: one that goes round in
// circles, with a lock in its hand for all that is known, or else the one that
// has been blocked the longest. While a third may yet turn out to go round in
// circles, those that are blocked have the benefit of the doubt for a time.
func blame(list []stuck, now, after time.Duration) *stuck {
	var worst *stuck
	doubt := false
	for i := range list {
		s := &list[i]
		switch {
		case s.why == "":
			doubt = true
		case worst == nil, s.spins && !worst.spins, s.spins == worst.spins && s.since < worst.since:
			worst = s
		}
	}
	if worst != nil && !worst.spins && doubt && now-worst.since < doubtTimes*after {
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
	case mutant.Is("hang-silent"):
		return ""
	case share < blockedShare && !mutant.Is("hang-blocked-silent"):
		return fmt.Sprintf("blocked for %v in one operation, with %v of processor time",
			watched.Round(time.Millisecond), ran.Round(time.Microsecond))
	case ran > spin-time.Duration(mutant.Count("hang-off-by-one")):
		return fmt.Sprintf("not done with one operation after %v of processor time", ran.Round(time.Millisecond))
	}
	return ""
}
