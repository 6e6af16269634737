package workload

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tlsbench/results"
	"tlsbench/results/event"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload/peers"
	"tlsbench/workload/rig"
)

// What is done to the processes of a trial from outside is not damage of the
// strategy. Here it is done to them: with signals, for real.

// underLoad calls watch with rank 0's process id when the load of a trial begins, and
// what that returns when the load has ended.
type underLoad struct {
	Server
	rig   *trial
	watch func(rank0 int, b *rig.Block) (stop func())
}

func (u underLoad) Drive(ctx context.Context) error {
	defer u.watch(u.rig.process.PID(), u.rig.block)()
	return u.Server.Drive(ctx)
}

func watching(t *trial, watch func(int, *rig.Block) func()) Server { return underLoad{t, t, watch} }

func watchingForks(t *forkTrial, watch func(int, *rig.Block) func()) Server {
	return underLoad{t, &t.trial, watch}
}

// stoppedFor is longer than the rig waits for a silent peer.
const stoppedFor = rig.PeerTimeout + time.Second/2

// TestStoppedHelper is the harness that TestHarnessIsStopped stops. It tells when
// its load begins, and how its trial ended.
func TestStoppedHelper(t *testing.T) {
	mode := os.Getenv("TLSBENCH_TEST_STOPPED")
	if mode == "" {
		t.Skip("runs only as a child of TestHarnessIsStopped")
	}
	cfg := corruption(t, catalogue.NegativeControl, "tcp")
	cfg.Duration = 4 * time.Second
	once := func() (*Outcome, error) {
		return serve(context.Background(), watching(&trial{cfg: cfg}, func(int, *rig.Block) func() {
			fmt.Println("load")
			return func() {}
		}))
	}
	carryOut := once
	if mode == "again" {
		carryOut = func() (*Outcome, error) { return UntilUndisturbed(once) }
	}
	out, err := carryOut()
	switch {
	case err != nil:
		fmt.Println("error", err)
	case out.Damaged():
		fmt.Println("damaged", out.Noted)
	default:
		fmt.Println("undamaged after", out.Handshakes, "handshakes")
	}
}

// stopHelper runs the helper, stops it in the midst of its first load, and gives
// how often a load began and what it said at its end.
func stopHelper(t *testing.T, mode string) (loads int, said string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run", "^TestStoppedHelper$", "-test.v")
	cmd.Env = append(os.Environ(), "TLSBENCH_TEST_STOPPED="+mode)
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	for lines := bufio.NewScanner(pipe); lines.Scan(); {
		switch what, _, _ := strings.Cut(lines.Text(), " "); what {
		case "load":
			if loads++; loads == 1 {
				time.Sleep(300 * time.Millisecond) // into the load
				cmd.Process.Signal(syscall.SIGSTOP)
				time.Sleep(stoppedFor)
				cmd.Process.Signal(syscall.SIGCONT)
			}
		case "error", "damaged", "undamaged":
			said = lines.Text()
		}
	}
	return loads, said
}

// Ctrl-Z and fg: the rig gives up the peers that say nothing. The trial is not
// evidence, and is carried out again.
func TestHarnessIsStopped(t *testing.T) {
	const undisturbed, pause = "undamaged", "error the trial was disturbed: the harness did not run for "
	for try := 1; ; try++ {
		loads, said := stopHelper(t, "once")
		if loads == 1 && strings.HasPrefix(said, pause) {
			break
		}
		// The load may be over before it is stopped.
		if !strings.HasPrefix(said, undisturbed) || try == 5 {
			t.Fatalf("%d trials, at the end %q, want %q", loads, said, pause)
		}
	}
	for try := 1; ; try++ {
		loads, said := stopHelper(t, "again")
		if loads > 1 && strings.HasPrefix(said, undisturbed) {
			return
		}
		// A busy machine may disturb the others too.
		if said != "" && !strings.HasPrefix(said, undisturbed) && !strings.HasPrefix(said, "error the trial was disturbed") || try == 5 {
			t.Fatalf("%d trials, at the end %q, want another one, undamaged", loads, said)
		}
	}
}

// disturb runs a trial of the negative control once, and does that to its rank 0
// and one of its workers when the load has begun.
func disturb(t *testing.T, load string, do func(rank0, worker int)) (*Outcome, error) {
	t.Helper()
	cfg := corruption(t, catalogue.NegativeControl, load)
	cfg.Duration = 5 * time.Second
	done := make(chan struct{})
	return serve(context.Background(), watching(&trial{cfg: cfg}, func(rank0 int, b *rig.Block) func() {
		worker := b.Workers()[1].PID
		go func() {
			defer close(done)
			for b.Handshakes() == 0 {
				time.Sleep(time.Millisecond)
			}
			do(rank0, worker)
		}()
		return func() { <-done }
	}))
}

// A process of the rig that is stopped for good, whatever it was doing.
func TestRigIsStopped(t *testing.T) {
	for _, load := range results.Loads.Names() {
		for want, stop := range map[string]func(rank0, worker int){
			"worker 1 was stopped from outside": func(_, worker int) { syscall.Kill(worker, syscall.SIGSTOP) },
			"rank 0 was stopped from outside":   func(rank0, _ int) { syscall.Kill(rank0, syscall.SIGSTOP) },
		} {
			out, err := disturb(t, load, stop)
			var disturbed *DisturbedError
			if !errors.As(err, &disturbed) || disturbed.Reason != want {
				t.Errorf("%s: outcome %+v, error %v, want that %s", load, out, err, want)
			}
		}
	}
}

// A strategy's handler that is stopped: rank 0 does not come on, and does not hang.
func TestHandlerIsStopped(t *testing.T) {
	cfg := ownTrial(t, ownObject(t, "own", []byte(`#include "strategy.h"
#include <signal.h>
static void act(struct strategy_context *ctx) { (void)ctx; raise(SIGSTOP); }
const struct strategy tlsbench_strategy = {.abi = STRATEGY_ABI, .name = "own", .prepare = act};
`)))
	_, err := run(context.Background(), cfg, func(*rig.Block) {})
	var disturbed *DisturbedError
	if !errors.As(err, &disturbed) || disturbed.Reason != "rank 0 was stopped from outside" {
		t.Errorf("error %v, want that rank 0 was stopped", err)
	}
}

// Rank 0 learns of a death late, as on a busy machine. The connections that the
// death cut off until then are part of it.
func TestDeathIsNoticedLate(t *testing.T) {
	for range 5 {
		out, err := disturb(t, "tcp", func(rank0, worker int) {
			syscall.Kill(rank0, syscall.SIGSTOP)
			syscall.Kill(worker, syscall.SIGKILL)
			time.Sleep(time.Second)
			syscall.Kill(rank0, syscall.SIGCONT)
		})
		var disturbed *DisturbedError
		if errors.As(err, &disturbed) {
			continue // the watchdog was quicker
		}
		if err != nil || out.Events[event.Crash] != 1 || len(out.Events) != 1 {
			t.Errorf("error %v, events %v: %v", err, out.Events, out.Noted)
		}
		return
	}
	t.Error("each of 5 trials was ended before rank 0 went on")
}

// Which failures of peers are the harness's own.
func TestLatePeers(t *testing.T) {
	const s = time.Second
	for _, tc := range []struct {
		name     string
		timeouts uint64
		failure  peers.Failure
		want     bool
	}{
		{"cut, and the rig gave up nobody", 0, peers.Failure{Kind: peers.Cut, Began: 1 * s, At: 7 * s}, false},
		{"cut in a pause", 1, peers.Failure{Kind: peers.Cut, Began: 4 * s, At: 7 * s, Waited: 2 * s}, true},
		{"cut, and waited in vain for the server", 1, peers.Failure{Kind: peers.Cut, Began: 8 * s, At: 11 * s, Waited: 2 * s}, false},
		{"cut, and had not waited", 1, peers.Failure{Kind: peers.Cut, Began: 8 * s, At: 11 * s, Waited: s / 10}, true},
		{"timeout in a pause", 0, peers.Failure{Kind: peers.Timeout, Began: 1 * s, At: 11 * s, Waited: 9 * s}, true},
		{"timeout before it", 1, peers.Failure{Kind: peers.Timeout, Began: 1 * s, At: 4 * s}, false},
		{"timeout after it", 1, peers.Failure{Kind: peers.Timeout, Began: 8 * s, At: 18 * s}, false},
		{"wrong data in a pause", 1, peers.Failure{Kind: peers.WrongData, Began: 4 * s, At: 7 * s}, false},
		{"alert in a pause", 1, peers.Failure{Kind: peers.Alert, Began: 4 * s, At: 7 * s}, false},
	} {
		tr := &trial{out: &Outcome{Timeouts: tc.timeouts}, Disturbances: Disturbances{list: []pause{{5 * s, 7 * s}}}}
		if got := tr.late(tc.failure); got != tc.want {
			t.Errorf("%s: late %v, want %v", tc.name, got, tc.want)
		}
		tr.excused = tc.timeouts
		if tc.failure.Kind == peers.Cut && tr.late(tc.failure) {
			t.Errorf("%s: more failures were excused than the rig gave up peers", tc.name)
		}
		tr.Halted = "worker 1 was stopped"
		if got, want := tr.late(tc.failure), tc.failure.Kind == peers.Cut || tc.failure.Kind == peers.Timeout; got != want {
			t.Errorf("%s, with a stopped worker: late %v, want %v", tc.name, got, want)
		}
	}
}

// What stood still while the harness did was not seen to stand still.
func TestPauseIsForgotten(t *testing.T) {
	const s = time.Second
	tr, forks := &trial{pulses: []pulse{{since: s}}}, &forkTrial{last: progress{since: s}}
	for now, want := range map[time.Duration]time.Duration{2*s - pauseFrom/2: s, 20 * s: 0} {
		tr.Disturbances, forks.Disturbances = Disturbances{looked: 2*s - pauseFrom}, Disturbances{looked: 2*s - pauseFrom}
		tr.pulses[0].since, forks.last.since = s, s
		tr.notice(now)
		forks.notice(now)
		if tr.pulses[0].since != want || forks.last.since != want {
			t.Errorf("looked at after %v: a worker stands still since %v, a fork since %v; want %v", now, tr.pulses[0].since, forks.last.since, want)
		}
	}
}

// A trial whose time was over before anybody was served shows nothing, and is repeated.
func TestNobodyWasServed(t *testing.T) {
	for name, tc := range map[string]struct {
		warmup    time.Duration
		timed     bool
		out       Outcome
		disturbed bool
	}{
		"nobody":                   {0, true, Outcome{}, true},
		"only before it counted":   {time.Second, true, Outcome{Life: results.Life{Handshakes: 9, Attempts: 9}}, true},
		"somebody":                 {0, true, Outcome{Life: results.Life{Handshakes: 9, Attempts: 9}}, false},
		"somebody, and it counted": {time.Second, true, Outcome{Life: results.Life{Handshakes: 9, Attempts: 9}, Measured: 1}, false},
		"bad peers alone":          {0, true, Outcome{Life: results.Life{Attempts: 9}}, false},
		"by number":                {0, false, Outcome{}, false},
		"damaged":                  {0, true, Outcome{Life: results.Life{Events: map[string]uint64{event.Hang: 1}}}, false},
	} {
		tr := &trial{cfg: Config{Warmup: tc.warmup}, timed: tc.timed, out: &tc.out}
		if err := tr.disturbed(); (err != nil) != tc.disturbed {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A pause of the harness spoils what is measured by its peers, and not what a tracer saw.
func TestPausedTrials(t *testing.T) {
	for heap, disturbed := range map[string]bool{"global": true, "traced": false} {
		tr := &trial{cfg: Config{Heap: heap}, out: &Outcome{Life: results.Life{Handshakes: 9, Attempts: 9}}, peers: new(peers.Load)}
		tr.Notice(time.Second)
		tr.Notice(time.Minute)
		if err := tr.disturbed(); (err != nil) != disturbed {
			t.Errorf("heap %s: %v", heap, err)
		}
	}
}

// passedLimit is a server whose trial comes to a limit of the harness's.
type passedLimit struct {
	Server
	pauses Disturbances
}

var errLimit = errors.New("not done in time")

func (passedLimit) Check() error                                  { return nil }
func (passedLimit) Start(context.Context, *Outcome) (bool, error) { return true, nil }
func (passedLimit) Drive(context.Context) error                   { return errLimit }
func (passedLimit) Stop()                                         {}
func (passedLimit) Gone() <-chan struct{}                         { return nil }
func (s passedLimit) Paused() error                               { return s.pauses.Err() }

// A limit that has passed because the harness did not run is a disturbance.
func TestLimitAfterPause(t *testing.T) {
	var disturbed *DisturbedError
	if _, err := serve(t.Context(), passedLimit{}); err != errLimit {
		t.Errorf("without a pause: error %v, want %v", err, errLimit)
	}
	if _, err := serve(t.Context(), passedLimit{pauses: Disturbances{list: []pause{{0, time.Minute}}}}); !errors.As(err, &disturbed) {
		t.Errorf("after a pause: error %v, want a disturbance", err)
	}
}

// A probe that was disturbed is made again.
func TestProbeIsStopped(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "mark")
	cfg := ownTrial(t, ownObject(t, "own", []byte(`#include "strategy.h"
#include <fcntl.h>
#include <signal.h>
static void act(struct strategy_context *ctx)
{
	(void)ctx;
	if (open("`+mark+`", O_WRONLY | O_CREAT | O_EXCL, 0600) >= 0)
		raise(SIGSTOP);
}
const struct strategy tlsbench_strategy = {.abi = STRATEGY_ABI, .name = "own", .prepare = act};
`)))
	if _, err := Probe(t.Context(), cfg); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(mark); err != nil {
		t.Error(err)
	}
}
