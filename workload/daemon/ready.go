package daemon

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"tlsbench/results"
	"tlsbench/results/event"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload"
	"tlsbench/workload/peers"
)

// awaitReady waits until a reader has answered one peer. up is false where the
// daemon died of damage while it was starting, or cannot have the strategy.
func (t *trial) awaitReady(ctx context.Context) (up bool, err error) {
	t.began = time.Now()
	limit, tick := time.After(readyLimit), time.Tick(50*time.Millisecond)
	looked, quiet := t.began, 0
	var before map[int]usage
	for {
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-t.process.kept.Gone:
			return false, t.earlyEnd()
		case <-limit:
			return false, t.tooSlow()
		case <-tick:
			if _, crashed := t.process.saw(event.Crash); crashed {
				return false, t.earlyEnd()
			}
			if answered(ctx, t.addr(), t.id) {
				return true, nil
			}
			passed := time.Since(looked)
			if passed < silence {
				continue
			}
			each, all := t.process.usages()
			if all.ran > readySpin {
				return false, t.neverReady()
			}
			if busiest(each, before) >= passed/idleShare {
				quiet = 0
			} else if quiet++; quiet == 2 { // once may be a slow disk
				return false, t.neverReady()
			}
			looked, before = time.Now(), each
		}
	}
}

// answered reports whether a process of the daemon took a connection and said
// something, be it an alert: damage must not keep a load from starting.
func answered(ctx context.Context, addr string, id *peers.Identity) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	dialer := tls.Dialer{Config: &tls.Config{RootCAs: id.Roots, ServerName: peers.ServerName}}
	conn, err := dialer.DialContext(ctx, "tcp4", addr)
	if err != nil {
		op, ok := errors.AsType[*net.OpError](err)
		return ok && op.Op == "remote error"
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(2 * time.Second))
	return options(conn, 1) == nil
}

// earlyEnd gives the outcome of a daemon that ended, or lost a process, before it served.
func (t *trial) earlyEnd() error {
	t.process.awaitEnd()
	t.process.close() // all of the log has been read then
	if f, ok := t.process.saw(noteNotApplicable); ok {
		t.out.NotApplicable = f.detail
		return nil
	}
	if f, ok := t.process.saw(noteSkipped); ok {
		t.out.Skipped = f.detail
		return nil
	}
	if err := t.refused(); err != nil {
		return err
	}
	if err := t.neverSetUp(); err != nil {
		return err
	}
	t.gatherLog()
	if t.out.Damaged() {
		return nil
	}
	if n := t.process.signal(); n != 0 {
		t.note(event.Crash, 0, fmt.Sprintf("main process killed by signal %d while it was starting", n))
		return nil
	}
	return fmt.Errorf("kamailio %s did not start (exit status %d): %s", t.daemon.Release.Name,
		t.process.status(), t.process.logEnd(3))
}

// refused is what the preload object could not do in a process.
func (t *trial) refused() error {
	if f, ok := t.process.saw(noteRefused); ok {
		return fmt.Errorf("strategy %s in kamailio %s: %s", t.cfg.Strategy, t.daemon.Release.Name, f.detail)
	}
	return nil
}

// tooSlow gives the outcome of a daemon that was still starting after the limit: it
// wanted a processor, and did not get it.
func (t *trial) tooSlow() error {
	t.process.close()
	if err := t.neverSetUp(); err != nil {
		return err
	}
	return &workload.DisturbedError{Reason: fmt.Sprintf("kamailio %s was still starting after %v: the machine was too busy",
		t.daemon.Release.Name, readyLimit)}
}

// neverReady gives the outcome of a daemon that runs and answers no peer. With a
// strategy or a neighbour in it this is a hang; without, it did not start.
func (t *trial) neverReady() error {
	waited := time.Since(t.began).Round(100 * time.Millisecond)
	t.Halted = t.process.halted()
	t.process.close()
	if t.Halted != "" {
		return &workload.DisturbedError{Reason: t.Halted}
	}
	if err := t.neverSetUp(); err != nil {
		return err
	}
	t.gatherLog()
	if t.cfg.Strategy.Name != catalogue.PositiveControl || t.hazard.Name != results.Plain || t.Mode > 0 || t.out.Damaged() {
		t.note(event.Hang, waited, fmt.Sprintf("answered no peer within %v of its start", waited))
		return nil
	}
	return fmt.Errorf("kamailio %s answered no peer within %v: %s", t.daemon.Release.Name, waited, t.process.logEnd(3))
}

// setUpLimit is how long the log may be behind a daemon that answers.
const setUpLimit = 5 * time.Second

// awaitSetUp waits until the preload object has said that the strategy is in
// the daemon: it says so before the first fork, and so before anybody answers.
func (t *trial) awaitSetUp() error {
	for end := time.Now().Add(setUpLimit); t.outside() && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
	return t.neverSetUp()
}

// outside reports whether a strategy that should be in the daemon has not
// reached it yet. One that has begun, and crashed or hung in its own set-up, has.
func (t *trial) outside() bool {
	_, begun := t.process.saw(noteSettingUp)
	return t.inject && !begun
}

// neverSetUp refuses to judge a daemon that a strategy was not put into: it
// would bear the name of one, and be as it is.
func (t *trial) neverSetUp() error {
	if !t.outside() {
		return nil
	}
	return fmt.Errorf("strategy %s was never set up in kamailio %s: %s", t.cfg.Strategy, t.daemon.Release.Name, t.process.logEnd(3))
}
