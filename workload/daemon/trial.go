package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"tlsbench/results"
	"tlsbench/results/event"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload"
	"tlsbench/workload/keeper"
	"tlsbench/workload/neighbours"
	"tlsbench/workload/peers"
	"tlsbench/workload/rig"
)

// Settings are those that a workload.Config has no word for. Its own words mean
// in a daemon: Workers the TCP readers, HeapSafety mem_safety (abort is 0, count
// is 1), and Hazard one of Hazards. Where python and provider-state speak of
// before and after, they mean the TLS module.
type Settings struct {
	Mode int // of tls_threads_mode; NoMode where the daemon has none
	Port int // 0 = a free one
	// Patience is a longer Duration for a daemon that was not seen to be damaged
	// yet; 0 = none.
	Patience time.Duration
}

// NoMode leaves tls_threads_mode out of the configuration.
const NoMode = -1

// Limits of time.
const (
	// A daemon that starts may wait for a processor so long; that is the machine's doing.
	readyLimit = 3 * time.Minute
	// Processor time that no start needs: one that has had it goes round in circles.
	readySpin = 5 * time.Second
	peerLimit = 5 * time.Second
	// The main process tells of a death before it stops the others and ends: for so
	// long it is waited for.
	endLimit = 5 * time.Second
	// How often stopped processes are looked for.
	haltEvery = time.Second
	// No handshake at all for so long, with a daemon that does not want a
	// processor: it hangs.
	silence = 4 * time.Second
	// In a daemon that starts some process wants a processor all the time; in one that
	// does nothing each has timers or a lock with a time limit, and wants one for
	// less than one part in so many.
	idleShare = 4
)

// trial is one life of a daemon: a workload.Server.
type trial struct {
	Settings
	cfg    workload.Config
	daemon Daemon
	files
	inject  bool // the daemon has the preload object in it
	process *process
	load    *peers.Load
	report  *peers.Report
	record  *rig.Record   // with the heap traced
	began   time.Time     // of the start, then of the load
	epoch   time.Duration // the same of the load, on the rig's clock
	took    time.Duration // by the load
	out     *workload.Outcome

	draining atomic.Bool // the peers finish what they have begun
	// What the watchdog saw.
	quiet  pulse
	died   bool
	silent time.Time // when it looked last
	hang   string    // why
	workload.Disturbances
}

// files are what a daemon is configured with.
type files struct {
	dir      string // for its files
	port     int
	hazard   results.HazardChoice
	fips     string               // the module, for the hazard of its name
	database *neighbours.Database // for hazard mariadb
	id       *peers.Identity
}

// Server makes a trial's server of the daemon.
func (d Daemon) Server(s Settings) func(workload.Config) workload.Server {
	return func(cfg workload.Config) workload.Server { return &trial{Settings: s, cfg: cfg, daemon: d} }
}

// Starts tries whether the daemon starts at all, as it is and without a load.
// One that damage ends while it starts does.
func (d Daemon) Starts(ctx context.Context, port int) error {
	_, err := workload.UntilUndisturbed(func() (*workload.Outcome, error) {
		cfg := workload.Config{Strategy: catalogue.Choice{Name: catalogue.PositiveControl}, Workers: 1, Duration: time.Second}
		s := d.Server(Settings{Mode: NoMode, Port: port})(cfg)
		if err := s.Check(); err != nil {
			return nil, err
		}
		defer s.Stop()
		out := &workload.Outcome{Life: results.Life{Events: map[string]uint64{}}}
		_, err := s.Start(ctx, out)
		return out, err
	})
	return err
}

// Hazards are those that a daemon can have, with the rig's names.
var Hazards = []string{results.Plain, "python:before=1", "python", "fips", "provider-state", "provider-state:when=after", "mariadb"}

// Check completes the settings, and refuses a mode that the daemon does not have. What
// any daemon can do is known to the plan.
func (t *trial) Check() error {
	c, release := &t.cfg, t.daemon.Release
	c.Hazard = cmp.Or(c.Hazard, results.Plain)
	if t.Mode != NoMode && !slices.Contains(release.Modes, t.Mode) {
		return fmt.Errorf("kamailio %s has no tls_threads_mode %d: choose from %v", release.Name, t.Mode, release.Modes)
	}
	c.TLS = cmp.Or(c.TLS, results.TLSVersions.Default())
	c.Peers = cmp.Or(c.Peers, 4*c.Workers)
	hazard, err := results.ParseHazard(c.Hazard)
	if err != nil {
		return err
	}
	t.hazard = hazard[0]
	t.inject = injected(c.Strategy) || c.Traced() || slices.Contains(inObject, t.hazard.Name)
	return nil
}

// Start writes the daemon's files, runs it, and waits until a reader has
// answered one peer with the strategy in it.
func (t *trial) Start(ctx context.Context, out *workload.Outcome) (serves bool, err error) {
	t.out = out
	if err := Injectable(t.cfg.Strategy); err != nil {
		out.NotApplicable = err.Error()
		return false, nil
	}
	switch t.hazard.Name {
	case "fips":
		t.fips, err = neighbours.FIPSIn(t.daemon.OpenSSL, t.daemon.LibraryPath)
	case "mariadb":
		t.database, err = neighbours.MariaDB.Shared(ctx)
	}
	if missing, ok := errors.AsType[*neighbours.MissingError](err); ok {
		out.Skipped = missing.Reason
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if t.id, err = peers.Certificate(peers.ECDSAP256); err != nil {
		return false, err
	}
	if t.port, err = keeper.FreePort(t.Port); err != nil {
		return false, err
	}
	// The folder is made when there is someone to remove it.
	if t.dir, err = keeper.Temp("field"); err != nil {
		return false, err
	}
	object, inject, err := t.injection(ctx)
	if err != nil {
		return false, err
	}
	if t.process, err = t.start(object, inject, t.write); err != nil {
		return false, err
	}
	if up, err := t.awaitReady(ctx); err != nil || !up {
		t.gatherTrace()
		out.Order()
		return false, err
	}
	if err := t.awaitSetUp(); err != nil {
		return false, err
	}
	untrusted, err := peers.Untrusted()
	if err != nil {
		return false, err
	}
	t.load, err = peers.New(peers.Config{
		Addr: t.addr(), TLS: t.cfg.TLS, Roots: t.id.Roots, Peers: t.cfg.Peers, BadShare: t.cfg.BadShare,
		Seed: t.cfg.Seed, Talk: options, Untrusted: untrusted, Timeout: t.peerPatience(),
	})
	return err == nil, err
}

// peerPatience is how long a peer waits for a reader, whose silence is damage then. On a
// busy machine, and if each of its writes is traced, one takes longer that comes on.
func (t *trial) peerPatience() time.Duration {
	times := min(6, max(1, t.out.LoadBefore/float64(runtime.NumCPU())))
	if t.cfg.Traced() {
		times *= 4
	}
	return time.Duration(times * float64(peerLimit))
}

// injection gives the preload object and its settings; none for a daemon that
// is to stay as it is.
func (t *trial) injection(ctx context.Context) (object string, env []string, err error) {
	if !t.inject {
		return "", nil, nil
	}
	env = append(injection(t.cfg.Strategy, setUpCall(t.daemon.Release, t.hazard)), t.hazardInjection()...)
	if t.cfg.Traced() {
		if t.record, err = rig.NewRecord(); err != nil {
			return "", nil, err
		}
		env = append(env, "TLSBENCH_TRACE_RECORD="+t.record.Path())
	}
	object, err = preloadObject(ctx, t.daemon.Folder)
	return object, env, err
}

func (t *trial) addr() string { return fmt.Sprintf("127.0.0.1:%d", t.port) }

func (t *trial) Drive(ctx context.Context) (err error) {
	t.began, t.epoch = time.Now(), rig.Now()
	t.load.Measure()
	t.load.Start()
	for err == nil && !t.over() {
		err = workload.Sleep(ctx, 50*time.Millisecond)
	}
	t.out.Memory = t.process.memory()
	t.draining.Store(true)
	defer context.AfterFunc(ctx, t.load.Abort)()
	t.report = t.load.Wait()
	t.took = time.Since(t.began)
	return err
}

// over reports whether the load has lasted long enough.
func (t *trial) over() bool {
	took := time.Since(t.began)
	if t.cfg.Traced() && t.load.Good()+t.load.Bad() >= t.cfg.Handshakes*uint64(t.cfg.Workers) {
		return true
	}
	if took < t.cfg.Duration {
		return false
	}
	return took >= t.Patience || t.load.Failed() > 0 || slices.ContainsFunc(t.process.sightings(), func(s sighting) bool { return s.damage() })
}

func (t *trial) Gone() <-chan struct{} { return t.process.kept.Gone }

// Look finds out whether a process died, or the daemon has fallen silent.
func (t *trial) Look(gone bool) error {
	if t.Notice(rig.Now()) {
		t.quiet = pulse{} // nobody could have been served
	}
	_, crashed := t.process.saw(event.Crash)
	if t.died = gone || crashed; t.died {
		t.process.awaitEnd()
		return workload.ErrDied
	}
	t.hang = t.listen()
	err := t.Judge(t.hang != "", haltEvery, t.process.halted)
	if t.silent = time.Now(); t.Halted != "" {
		t.hang = ""
	}
	return err
}

// pulse is the load's progress, and the processor time it took by then.
type pulse struct {
	good  uint64
	since time.Time
	used  time.Duration
}

// listen looks whether the daemon has served anybody of late.
func (t *trial) listen() string {
	good := t.load.Good() + t.load.Bad()
	_, all := t.process.usages()
	used := all.wanted
	if good != t.quiet.good || t.quiet.since.IsZero() || t.draining.Load() {
		t.quiet = pulse{good, time.Now(), used}
		return ""
	}
	watched := time.Since(t.quiet.since)
	if watched < silence {
		return ""
	}
	used -= t.quiet.used
	if used < watched/50 {
		return fmt.Sprintf("served no peer for %v and used %v of processor time", watched.Round(time.Millisecond), used.Round(time.Millisecond))
	}
	return ""
}

func (t *trial) Stop() {
	if t.process != nil {
		t.process.close()
	}
	if t.record != nil {
		t.record.Close()
	}
}

// Read ends the daemon, so that all of its log is there, and reads the outcome.
func (t *trial) Read() error {
	exit := ""
	if t.died {
		exit = t.exit()
	}
	t.process.close()
	t.gatherTrace()
	if err := t.refused(); err != nil {
		return err
	}
	o, r := t.out, t.report
	o.Handshakes, o.Attempts, o.Measured, o.Load = r.Good, r.Good+r.Bad, r.Good, t.took
	t.gatherLog()
	if death := t.death(); exit != "" && death > 0 {
		o.Load = death
	} else if exit != "" {
		t.note(event.Crash, o.Load, exit)
	}
	o.CrashAt = t.death()
	t.gatherFailures(o.CrashAt)
	for _, repeat := range r.Repeats() {
		t.note(event.RepeatedRandom, repeat.Again.At, repeat.String())
	}
	if t.hang != "" {
		t.note(event.Hang, t.silent.Sub(t.began), t.hang)
	}
	if o.Load > 0 {
		o.Rate = float64(r.Good) / o.Load.Seconds()
	}
	o.Order()
	switch {
	case o.Damaged():
		return nil
	case t.Halted != "":
		return &workload.DisturbedError{Reason: t.Halted}
	case t.cfg.Traced(): // what is shared is seen however long the handshakes took
		return t.idle()
	}
	return cmp.Or(t.Err(), t.idle())
}

// idle refuses a trial that shows nothing of its hazard, because no reader came to it.
func (t *trial) idle() error {
	_, acted := t.process.saw(noteActed)
	if acted || t.out.Handshakes == 0 || !slices.Contains(inObject, t.hazard.Name) {
		return nil
	}
	return fmt.Errorf("hazard %s did not happen: no reader ever came to it", t.cfg.Hazard)
}

func (t *trial) gatherTrace() {
	if t.record != nil {
		t.out.Trace, t.out.Raced = t.record.Trace()
	}
}

// exit says how the main process ended.
func (t *trial) exit() string {
	select {
	case <-t.process.kept.Gone:
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
		switch {
		case s.kind == noteSetUp:
			t.out.Mark = s.detail
		case s.damage():
			t.note(s.kind, max(0, s.at.Sub(t.began)), s.detail)
		}
	}
}

// death is when the log told of a killed child; 0 if it did not.
func (t *trial) death() time.Duration {
	for _, e := range t.out.Noted {
		if e.Kind == event.Crash {
			return e.At
		}
	}
	return 0
}

// gatherFailures leaves out those that a death may have caused, or that a process
// did not run. A death is told of late, and how late is the machine's to say: so
// connections that were merely cut are a part of it, whenever that was. The daemon
// cuts a peer off that says nothing for two minutes.
func (t *trial) gatherFailures(death time.Duration) {
	for _, f := range t.report.Failures {
		cut := f.Kind == peers.Cut || f.Kind == peers.Timeout
		if cut && (death > 0 || t.Halted != "" || t.During(t.epoch+f.Began, t.epoch+f.At)) || death > 0 && f.At > death {
			continue
		}
		kind := event.FailedHandshake
		if f.Kind == peers.WrongData {
			kind = event.WrongData
		}
		t.note(kind, f.At, f.String())
	}
}

// maxNoted bounds the events kept with detail; the first of a kind always is.
const maxNoted = 64

// note keeps an event. Random numbers that are not OpenSSL's say nothing of it,
// however often they come.
func (t *trial) note(kind string, at time.Duration, detail string) {
	o := t.out
	if kind == event.RepeatedRandom && t.daemon.Release.OwnRandom {
		if o.Ignored == nil {
			o.Ignored = map[string]uint64{}
		}
		o.Ignored[kind]++
		return
	}
	o.Events[kind]++
	if len(o.Noted) < maxNoted || kind == event.Crash || o.Events[kind] == 1 {
		o.Noted = append(o.Noted, workload.Event{Kind: kind, Worker: -1, At: at, Detail: shorten(strings.TrimSpace(detail))})
	}
}
