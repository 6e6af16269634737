package workload

import (
	"errors"
	"fmt"
	"time"

	"tlsbench/results"
	"tlsbench/results/event"
	"tlsbench/workload/rig"
)

const (
	readyEvery = 250 * time.Millisecond
	// setupSpin is processor time that no step of rank 0's set-up needs:
	// 1,024 contexts with RSA keys take less.
	setupSpin = 30 * time.Second
)

// progress is what rank 0 has done of its set-up, and what that cost.
type progress struct {
	stage  string
	forked int
	since  time.Duration
	used   usage
}

func (t *trial) progress() progress {
	p := progress{stage: t.block.Stage(), since: rig.Now()}
	for _, w := range t.block.Workers() {
		if w.PID != 0 {
			p.forked++
		}
	}
	p.used, _ = usageToJudge(t.process.PID()) // gone: seen as such elsewhere
	return p
}

// awaitSetup waits until all workers are forked. A rank 0 that does not come on
// is a hang, as a worker's is: a strategy's handler that never returns is one of
// the things a trial is to find. The error is ErrHang then.
func (t *trial) awaitSetup() error {
	deadline := rig.Now() + readyLimit
	last := t.progress()
	for {
		err := t.process.AwaitReady(readyEvery)
		if !errors.Is(err, rig.ErrNotReady) {
			return err
		}
		now := t.progress()
		if now.stage != last.stage || now.forked != last.forked {
			last = now
		}
		if why := t.stuck(last, now); why != "" {
			if t.halted = t.stoppedProcess(); t.halted != "" {
				return ErrHalt
			}
			t.out.note(event.Hang, -1, 0, why)
			return ErrHang
		}
		if now.since > deadline {
			return fmt.Errorf("%w (%v)", rig.ErrNotReady, readyLimit)
		}
	}
}

// stuck judges a rank 0 that has not come on between two looks.
func (t *trial) stuck(last, now progress) string {
	watched := now.since - last.since
	if watched < t.setupPatience() {
		return ""
	}
	spin := setupSpin
	if now.forked > 0 || now.stage == forkStage {
		spin = min(spinTimes*t.cfg.HangAfter, handlerSpin) // of one fork alone
	}
	ran, waited := now.used.since(last.used, watched)
	why := judge(watched, ran, waited, spin)
	if why == "" {
		return ""
	}
	return fmt.Sprintf("rank 0, when it was to %s, with %d of %d forked: %s", now.stage, now.forked, t.cfg.Workers, why)
}

// forkStage is the name of the stage in which rank 0 forks.
const forkStage = "fork workers"

// setupPatience is longer where rank 0 may wait for a neighbour.
func (t *trial) setupPatience() time.Duration {
	if t.cfg.Hazard != "" && t.cfg.Hazard != results.Plain {
		return max(t.cfg.HangAfter, neighbourLimit)
	}
	return t.cfg.HangAfter
}

// leftEarly books a rank 0 that ended in good order before its time: a
// strategy's code may call exit(), and a server that is gone did not survive.
func (t *trial) leftEarly(at time.Duration) {
	t.out.note(event.Crash, -1, at, fmt.Sprintf("rank 0 exited with status 0 while it was to %s", t.block.Stage()))
}
