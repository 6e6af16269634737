package daemon

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"tlsbench/strategies"
	"tlsbench/workload/peers"
)

// Config is everything that decides what one trial of a daemon does.
type Config struct {
	Daemon   Daemon
	Strategy strategies.Choice // injected; "none": the daemon as it is
	Mode     int               // of tls_threads_mode; NoMode where it has none
	Python   string            // "", "before", "after": libpython beside the TLS module

	// Rand is the TLS module's rand_engine, "" = the default of the version.
	Rand string

	MemSafety int // 1: a double free is logged and ignored, 0: it aborts
	Readers   int // TCP readers
	Peers     int // 0 = four for each reader
	BadShare  float64
	TLS       string
	Seed      uint64
	Duration  time.Duration
	// Patience is a longer Duration for a daemon that was not seen to be damaged
	// yet; 0 = none.
	Patience time.Duration
	Port     int // 0 = a free one

	noLoad bool // the trial ends when the daemon has answered
}

// NoMode says that tls_threads_mode is not set.
const NoMode = noMode

// Event is one thing that was noticed.
type Event struct {
	Kind   string
	At     time.Duration // from start of load
	Detail string
}

// Outcome is what one trial of a daemon did and what was noticed.
type Outcome struct {
	NotApplicable string // why the strategy cannot be put into this daemon
	SetUp         string // what the preload object said: where and when

	Good, Bad uint64  // handshakes with their OPTIONS; bad peers
	Rate      float64 // good ones a second, until the end or the first death
	Load      time.Duration
	Memory    uint64 // bytes, all of its processes, near the end
	Exit      string // how the daemon ended before it was stopped

	Events map[string]uint64
	Noted  []Event // the first ones
	First  time.Duration
}

// Damaged reports whether any event was seen.
func (o *Outcome) Damaged() bool { return len(o.Events) > 0 }

// Limits of time.
const (
	readyLimit = 30 * time.Second
	peerLimit  = 5 * time.Second
	// After a death the log is read on for so long: the main process tells
	// of it before it stops the others.
	deathGrace = 300 * time.Millisecond
	// No handshake at all for so long, with a daemon that does not want a
	// processor: it hangs.
	silence = 4 * time.Second
	// A daemon that starts needs a processor all the time; one that does
	// nothing has timers and locks with a time limit, which need less than one
	// part in so many.
	idleShare = 4
)

// trial is one under way.
type trial struct {
	cfg     Config
	setup   setup
	process *process
	load    *peers.Load
	began   time.Time
	out     *Outcome
	hang    *Event
}

// Run carries out one trial. Damage is a result; an error means that it could
// not be carried out.
func Run(ctx context.Context, cfg Config) (*Outcome, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	t := &trial{cfg: cfg, out: &Outcome{Events: map[string]uint64{}}}
	if err := injectable(cfg.Strategy); err != nil {
		t.out.NotApplicable = err.Error()
		return t.out, nil
	}
	// A name that nobody has: the folder is made when there is someone to remove it.
	dir := filepath.Join(os.TempDir(), "tlsbench-field-"+rand.Text())
	defer os.RemoveAll(dir)
	if err := t.start(ctx, dir); err != nil {
		return nil, err
	}
	defer t.process.close()
	up, err := t.awaitReady(ctx)
	if err != nil {
		return nil, err
	}
	if up {
		err = t.served(ctx)
	}
	return t.out, err
}

// served puts the load on a daemon that answers, if the strategy is in it.
func (t *trial) served(ctx context.Context) error {
	if err := t.awaitSetUp(); err != nil || t.cfg.noLoad {
		return err
	}
	return t.drive(ctx)
}

func (c *Config) check() error {
	if c.Readers < 1 || c.Readers > 64 {
		return fmt.Errorf("%d TCP readers: want 1 to 64", c.Readers)
	}
	if c.Duration <= 0 || max(c.Duration, c.Patience) > time.Hour {
		return fmt.Errorf("duration %v: want more than 0, and no more than an hour", c.Duration)
	}
	if c.MemSafety != 0 && c.MemSafety != 1 {
		return fmt.Errorf("mem_safety %d: want 0 or 1", c.MemSafety)
	}
	if c.Mode != NoMode && !slices.Contains(c.Daemon.Release.Modes, c.Mode) {
		return fmt.Errorf("kamailio %s has no tls_threads_mode %d: choose from %v", c.Daemon.Release.Name, c.Mode, c.Daemon.Release.Modes)
	}
	if !slices.Contains([]string{"", "before", "after"}, c.Python) {
		return fmt.Errorf("python %q: choose from before, after", c.Python)
	}
	if c.Peers == 0 {
		c.Peers = 4 * c.Readers
	}
	return nil
}

// start writes the daemon's files and runs it.
func (t *trial) start(ctx context.Context, dir string) error {
	id, err := peers.Certificate(peers.ECDSAP256)
	if err != nil {
		return err
	}
	port, err := freePort(t.cfg.Port)
	if err != nil {
		return err
	}
	t.setup = setup{daemon: t.cfg.Daemon, dir: dir, port: port, readers: t.cfg.Readers, mode: t.cfg.Mode,
		memSafety: t.cfg.MemSafety, python: t.cfg.Python, rand: t.cfg.Rand, id: id}
	object, inject, err := t.injection(ctx)
	if err != nil {
		return err
	}
	t.process, err = t.setup.start(object, inject)
	return err
}

// injection gives the preload object and its settings; none for a daemon that
// is to stay as it is.
func (t *trial) injection(ctx context.Context) (object string, env []string, err error) {
	if !injected(t.cfg.Strategy) {
		return "", nil, nil
	}
	object, err = preloadObject(ctx)
	return object, injection(t.cfg.Strategy, place(t.cfg.Daemon.Release, t.cfg.Python)), err
}

// PortFree refuses a port that somebody listens on; 0 is any port.
func PortFree(port int) error {
	_, err := freePort(port)
	return err
}

// freePort gives the port asked for, or any, if nobody listens there.
func freePort(port int) (int, error) {
	l, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
	if errors.Is(err, syscall.EADDRINUSE) {
		return 0, fmt.Errorf("port %d is in use on 127.0.0.1: choose another, or none for a free one", port)
	}
	if err != nil {
		return 0, fmt.Errorf("find a port for the daemon: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// addr is the daemon's.
func (t *trial) addr() string { return fmt.Sprintf("127.0.0.1:%d", t.setup.port) }

// drive runs the load, and reads what happened when nothing runs any more.
func (t *trial) drive(ctx context.Context) error {
	untrusted, err := peers.Untrusted()
	if err != nil {
		return err
	}
	t.load, err = peers.New(peers.Config{
		Addr: t.addr(), TLS: t.cfg.TLS, Roots: t.setup.id.Roots, Peers: t.cfg.Peers, BadShare: t.cfg.BadShare,
		Seed: t.cfg.Seed, Talk: options, Untrusted: untrusted, Timeout: peerLimit,
	})
	if err != nil {
		return err
	}
	t.began = time.Now()
	t.load.Measure()
	t.load.Start()
	died := t.watch(ctx)
	t.out.Memory = t.process.memory()
	if died || t.hang != nil {
		t.load.Abort()
	} else {
		stop := context.AfterFunc(ctx, t.load.Abort)
		defer stop()
	}
	report := t.load.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	t.out.Load = time.Since(t.began)
	exit := ""
	if died {
		exit = t.exit()
	}
	t.process.close() // all of the log has been read then
	t.gather(report, exit)
	return nil
}

// watch waits for the load's end: by time, or because a process died or the
// daemon hangs.
func (t *trial) watch(ctx context.Context) (died bool) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	quiet := t.pulse()
	for !t.over() {
		select {
		case <-ctx.Done():
			return false
		case <-t.process.gone:
			return true
		case <-tick.C:
		}
		if _, crashed := t.process.saw("crash"); crashed {
			time.Sleep(deathGrace)
			return true
		}
		if quiet = t.listen(quiet); t.hang != nil {
			return false
		}
	}
	return false
}

// over reports whether the load has lasted long enough.
func (t *trial) over() bool {
	took := time.Since(t.began)
	if took < t.cfg.Duration {
		return false
	}
	return took >= t.cfg.Patience || t.load.Failed() > 0 || t.process.damaged()
}

// pulse is the load's progress, and the processor time it took by then.
type pulse struct {
	good  uint64
	since time.Time
	used  time.Duration
}

func (t *trial) pulse() pulse {
	return pulse{t.load.Good() + t.load.Bad(), time.Now(), t.process.used()}
}

// listen looks whether the daemon has fallen silent.
func (t *trial) listen(last pulse) pulse {
	if t.load.Good()+t.load.Bad() != last.good {
		return t.pulse()
	}
	watched := time.Since(last.since)
	if watched < silence {
		return last
	}
	used := t.process.used() - last.used
	if used < watched/50 {
		t.hang = &Event{"hang", time.Since(t.began), fmt.Sprintf("served nobody for %v, with %v of processor time",
			watched.Round(time.Millisecond), used.Round(time.Millisecond))}
	}
	return last
}

// gather reads the outcome.
func (t *trial) gather(r *peers.Report, exit string) {
	t.out.Good, t.out.Bad = r.Good, r.Bad
	t.gatherLog()
	death := t.death()
	if t.out.Exit = exit; exit != "" {
		if death == 0 {
			t.note("crash", t.out.Load, t.out.Exit)
			death = t.out.Load
		}
		t.out.Load = death
	}
	t.gatherFailures(r, death)
	for _, repeat := range r.Repeats() {
		t.note("repeated-random", repeat.Seen[1].At, repeat.String())
	}
	if t.hang != nil {
		t.note(t.hang.Kind, t.hang.At, t.hang.Detail)
	}
	if t.out.Load > 0 {
		t.out.Rate = float64(r.Good) / t.out.Load.Seconds()
	}
	slices.SortStableFunc(t.out.Noted, func(a, b Event) int { return int(a.At - b.At) })
	if len(t.out.Noted) > 0 {
		t.out.First = t.out.Noted[0].At
	}
}

// exit says how the main process ended.
func (t *trial) exit() string {
	select {
	case <-t.process.gone:
	default:
		return "a child was killed"
	}
	if n := t.process.signal(); n != 0 {
		return fmt.Sprintf("main process killed by signal %d", n)
	}
	return fmt.Sprintf("main process exited with status %d", t.process.status())
}

// gatherLog turns the log's findings into events.
func (t *trial) gatherLog() {
	for _, s := range t.process.sightings() {
		switch s.kind {
		case noteSetUp:
			t.out.SetUp = s.detail
		case noteSettingUp, noteNotApplicable, noteRefused:
		default:
			t.note(s.kind, max(0, s.at.Sub(t.began)), s.detail)
		}
	}
}

// death is when the log told of a killed child; 0 if it did not.
func (t *trial) death() time.Duration {
	for _, e := range t.out.Noted {
		if e.Kind == "crash" {
			return e.At
		}
	}
	return 0
}

// gatherFailures leaves out those that a death may have caused.
func (t *trial) gatherFailures(r *peers.Report, death time.Duration) {
	for _, f := range r.Failures {
		if death > 0 && f.At > death-deathGrace {
			continue
		}
		kind := "failed-handshake"
		if f.Kind == peers.WrongData {
			kind = "wrong-data"
		}
		t.note(kind, f.At, f.String())
	}
}

// maxNoted bounds the events kept with detail; the first of a kind always is.
const maxNoted = 64

func (t *trial) note(kind string, at time.Duration, detail string) {
	t.out.Events[kind]++
	if len(t.out.Noted) < maxNoted || kind == "crash" || t.out.Events[kind] == 1 {
		t.out.Noted = append(t.out.Noted, Event{kind, at, strings.TrimSpace(detail)})
	}
}
