package workload

import (
	"cmp"
	"context"
	"errors"
	"time"

	"tlsbench/results"
)

// Server is what a trial runs: the rig, or a daemon. A trial makes one, uses
// its methods in the order below, and lets go of it.
type Server interface {
	// Check completes the settings, and refuses those that it cannot serve with.
	Check() error
	// Start starts the server and waits until it serves. It reports false where
	// there is nothing to put a load on: the server was damaged before it served,
	// or the outcome says why this is not a trial.
	Start(ctx context.Context, out *Outcome) (serves bool, err error)
	// Drive puts the load on the server, and returns when nothing of it runs any
	// more. The watchdog ends ctx early, with what Look returned as its cause,
	// which is not an error of Drive.
	Drive(ctx context.Context) error
	// Read completes the outcome after Drive.
	Read() error
	// Stop ends what is left of the server and frees what it took. It comes last,
	// however the trial went.
	Stop()

	// Gone is closed when the server's first process has ended.
	Gone() <-chan struct{}
	// Look is called every few moments under load, and once when the server is
	// gone. It returns ErrDied, ErrHang, ErrHalt, or nil.
	Look(gone bool) error
	// Paused is a DisturbedError if the harness did not run for a time. A limit of the
	// harness's that has passed then says nothing.
	Paused() error
}

// Reasons why a trial ends before its time: the first two are damage, and no error
// of the trial.
var (
	ErrDied = errors.New("a process of the server died")
	ErrHang = errors.New("a process of the server hangs")
	// ErrHalt is not damage: the trial was disturbed.
	ErrHalt = errors.New("a process of the server was stopped from outside")
)

// broken reports whether an error is one of them.
func broken(err error) bool {
	return errors.Is(err, ErrDied) || errors.Is(err, ErrHang) || errors.Is(err, ErrHalt)
}

// Run carries out one trial. The error is ctx's if that ended first.
func Run(ctx context.Context, cfg Config) (*Outcome, error) {
	return UntilUndisturbed(func() (*Outcome, error) { return serve(ctx, cfg.server()) })
}

func (c Config) server() Server {
	switch {
	case c.Fork != nil:
		return &forkTrial{trial: trial{cfg: c}}
	case c.Duet != nil:
		return newDuet(c)
	case c.Server != nil:
		return c.Server(c)
	}
	return &trial{cfg: c}
}

// serve carries out a trial of any server.
func serve(ctx context.Context, s Server) (*Outcome, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	out := &Outcome{Life: results.Life{Events: map[string]uint64{}}}
	load, before := machineLoad()
	out.LoadBefore = load
	defer s.Stop()
	serves, err := s.Start(ctx, out)
	if err != nil || !serves {
		return out, err
	}
	if err := watched(ctx, s); err != nil {
		if ctx.Err() == nil {
			err = cmp.Or(s.Paused(), err)
		}
		return nil, err
	}
	_, after := machineLoad()
	out.Steal = stolen(before, after)
	return out, s.Read()
}

// watched drives a server under the watchdog's eyes.
func watched(ctx context.Context, s Server) error {
	early, end := context.WithCancelCause(ctx)
	defer end(nil)
	done := make(chan struct{})
	go func() {
		defer close(done)
		watch(early, s, end)
	}()
	err := s.Drive(early)
	end(nil)
	<-done
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case broken(err):
		return nil
	}
	return err
}

const watchEvery = 50 * time.Millisecond

// watch is the watchdog: it ends a trial whose server died or hangs.
func watch(ctx context.Context, s Server, end context.CancelCauseFunc) {
	tick := time.Tick(watchEvery)
	for gone := false; !gone; {
		select {
		case <-ctx.Done():
			return
		case <-s.Gone():
			gone = true
		case <-tick:
		}
		if err := s.Look(gone); err != nil {
			end(err)
			return
		}
	}
}

// Sleep is over early, with the cause, when ctx ends.
func Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
