package workload

import (
	"errors"
	"fmt"
	"time"

	"tlsbench/workload/peers"
	"tlsbench/workload/rig"
)

// DisturbedError says that a trial is not evidence of anything, because of what
// was done to its processes from outside: somebody stopped one of them, or the
// machine had no processor for the harness. The trial was not carried out.
type DisturbedError struct{ Reason string }

func (e *DisturbedError) Error() string { return "the trial was disturbed: " + e.Reason }

// undisturbed is how often a disturbed trial is tried in all.
const undisturbed = 3

// untilUndisturbed carries out a trial again that was disturbed.
func untilUndisturbed(carryOut func() (*Outcome, error)) (*Outcome, error) {
	for try := 1; ; try++ {
		out, err := carryOut()
		var disturbed *DisturbedError
		if !errors.As(err, &disturbed) || try == undisturbed {
			return out, err
		}
	}
}

// pauseFrom is how late the harness has to be for it to notice that it was
// stopped. The rig gives up a peer that is silent for twice as long.
const pauseFrom = rig.PeerTimeout / 2

// pause is a time in which the harness did not run, from start of load.
type pause struct{ from, to time.Duration }

// noticePause compares the time with that of the watchdog's last look.
func (t *trial) noticePause() {
	last := t.looked
	t.looked = rig.Now()
	if last != 0 && t.looked-last >= pauseFrom {
		t.pauses = append(t.pauses, pause{last - t.began, t.looked - t.began})
	}
}

// late reports whether a peer's failure is the harness's own: a peer that does
// not run says nothing, and the rig gives it up after a time. The rig counts how
// often it did, and a failure can be explained as often. A peer that was given
// up after it had itself waited as long for the server is not late: the server
// owed it an answer. Beside a process that was stopped from outside nobody knows
// whose doing it is.
func (t *trial) late(f peers.Failure) bool {
	stood := t.halted != ""
	for _, p := range t.pauses {
		stood = stood || f.Began < p.to && p.from < f.At
	}
	switch f.Kind {
	case peers.Timeout:
		return stood
	case peers.Cut:
		return t.halted != "" || t.excused < t.out.Timeouts && (stood || f.Waited < pauseFrom)
	}
	return false
}

// disturbed says why the trial is no evidence, nil if it is. Damage that does
// not need the peers' word stands.
func (t *trial) disturbed() error {
	var paused time.Duration
	for _, p := range t.pauses {
		paused += p.to - p.from
	}
	switch {
	case t.out.Damaged():
		return nil
	case t.halted != "":
		return &DisturbedError{t.halted}
	case paused > 0 && t.peers != nil:
		return &DisturbedError{fmt.Sprintf("the harness did not run for %v: it was stopped, or the machine was too busy", paused.Round(time.Millisecond))}
	case t.excused > 0:
		return &DisturbedError{fmt.Sprintf("%d peers got no processor for so long that the rig gave them up: the machine was too busy", t.excused)}
	}
	return nil
}
