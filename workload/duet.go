package workload

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"

	"tlsbench/results"
	"tlsbench/results/event"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload/peers"
	"tlsbench/workload/rig"
)

// DuetConfig makes a trial a duet: two rigs live at once and take turns on one
// processor, one under Config.Strategy and one under Against, with one worker each
// and no bad peers. With the load tcp the peers alternate between them, on the
// other processors, and the worker's time is what the kernel has counted.
type DuetConfig struct {
	Against catalogue.Choice
	Blocks  int // of four turns; 0 = results.DuetBlocks
}

const (
	// duetWarmup is how many handshakes either side makes before the first turn.
	duetWarmup = 50
	// duetBetween is how long the other side runs where one side has two turns in a
	// row: else the second finds the processor's caches as it left them, and costs
	// less for its place alone.
	duetBetween = results.DuetSlice / 2
	// duetJitter is the share by which the length of a turn is longer or shorter, so
	// that what disturbs the machine in a rhythm is in step with no side.
	duetJitter = 0.25
	duetLimit  = 2 * time.Minute // of all turns together
	turnLook   = 100 * time.Millisecond
)

// duet is a duet under way.
type duet struct {
	cfg    Config
	arms   [2]*trial // by results.Arm
	out    *Outcome  // of both together
	random *rand.Rand
	gone   chan struct{} // closed when either rig is gone

	// Of the load tcp: where the peers' times begin, how many turns there were, and
	// what a handshake took in the longer of the two warm-ups.
	epoch time.Time
	turns uint64
	each  time.Duration
}

// newDuet makes a trial of each side.
func newDuet(cfg Config) *duet {
	settings := *cfg.Duet
	cfg.Duet, cfg.Load = &settings, cmp.Or(cfg.Load, "memory")
	d := &duet{cfg: cfg, random: rand.New(rand.NewPCG(cfg.Seed, 0)), gone: make(chan struct{})}
	for arm := range d.arms {
		side := cfg
		side.Workers, side.BadShare, side.CheckRate = 1, 0, 0
		side.Warmup, side.Handshakes, side.Duration = 0, 0, duetLimit
		if results.Arm(arm) == results.Other {
			side.Strategy = cfg.Duet.Against
		}
		d.arms[arm] = &trial{cfg: side}
	}
	return d
}

// processors lists those that this program may use. It is asked once: a duet
// leaves it fewer for a time.
var processors = sync.OnceValues(func() ([]int, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, fmt.Errorf("find out which processors there are: %w", err)
	}
	var list []int
	for i := 0; len(list) < set.Count(); i++ {
		if set.IsSet(i) {
			list = append(list, i)
		}
	}
	return list, nil
})

// CanDuet says why this machine can carry out no duet, nil if it can.
func CanDuet() error {
	list, err := processors()
	if err == nil && len(list) < 2 {
		err = errors.New("a duet needs two processors, one for both servers and one for this program; this machine has one, or gives one")
	}
	return err
}

func (d *duet) Check() error {
	d.cfg.Duet.Blocks = cmp.Or(d.cfg.Duet.Blocks, results.DuetBlocks)
	return errors.Join(CanDuet(), d.arms[results.Other].Check(), d.arms[results.Subject].Check())
}

// Start starts both rigs, in random order.
func (d *duet) Start(ctx context.Context, out *Outcome) (serves bool, err error) {
	d.out = out
	first := results.Arm(d.random.IntN(2))
	out.Duet = &results.DuetPair{First: first, Dropped: results.DuetDropped}
	for _, arm := range []results.Arm{first, 1 - first} {
		own := &Outcome{Life: results.Life{Events: map[string]uint64{}}}
		if serves, err = d.arms[arm].Start(ctx, own); err != nil || !serves {
			d.join(d.arms[arm])
			return false, err
		}
	}
	gone := sync.OnceFunc(func() { close(d.gone) })
	for _, t := range d.arms {
		go func() {
			<-t.Gone()
			gone()
		}()
	}
	return true, nil
}

func (d *duet) Drive(ctx context.Context) error {
	release, err := d.pin()
	if err != nil {
		return err
	}
	defer release()
	d.epoch = time.Now()
	for _, t := range d.arms {
		epoch := rig.Now()
		t.openWindow()
		t.began = t.block.LoadStart()
		t.peersFrom = epoch - t.began
	}
	err = d.play(ctx)
	for _, t := range d.arms {
		t.closeWindow()
		t.block.GiveTurn(0, 0) // memory: it waits for a turn, and sees that there is none
		if err == nil {
			err = t.drain(ctx)
		}
		t.letRank0Reap(ctx)
		t.process.Close()
	}
	return err
}

// pin puts both servers on the last processor, and until release this program on
// the others.
func (d *duet) pin() (release func(), err error) {
	list, err := processors()
	if err != nil {
		return nil, err
	}
	last := len(list) - 1
	d.out.Duet.Processor = list[last]
	for _, t := range d.arms {
		for _, pid := range []int{t.process.PID(), t.block.Workers()[0].PID} {
			// One that has ended meanwhile is the watchdog's business.
			if err := runOn(pid, list[last:]); err != nil && !errors.Is(err, unix.ESRCH) {
				return nil, fmt.Errorf("pin a server to processor %d: %w", list[last], err)
			}
		}
	}
	confine(list[:last])
	return func() { confine(list) }, nil
}

// confine lets every thread of this program run on some processors alone. That it
// cannot be done costs precision at most.
func confine(list []int) {
	threads, _ := procfs.AllThreads(os.Getpid())
	for _, t := range threads {
		_ = runOn(t.PID, list)
	}
}

func runOn(thread int, list []int) error {
	var set unix.CPUSet
	for _, n := range list {
		set.Set(n)
	}
	return unix.SchedSetaffinity(thread, &set)
}

// play makes the blocks: ABBA or BAAB by chance.
func (d *duet) play(ctx context.Context) error {
	ctx, end := context.WithTimeoutCause(ctx, duetLimit, fmt.Errorf("the duet was not done within %v: the machine is too busy", duetLimit))
	defer end()
	for arm := range d.arms {
		if _, err := d.turn(ctx, results.Arm(arm), 0, duetWarmup); err != nil {
			return err
		}
	}
	began, last := rig.Now(), results.Subject // the last to warm up
	for block := range d.cfg.Duet.Blocks {
		outer := results.Arm(d.random.IntN(2))
		for _, arm := range []results.Arm{outer, 1 - outer, 1 - outer, outer} {
			if arm == last {
				if _, err := d.turn(ctx, 1-arm, duetBetween, 1); err != nil {
					return err
				}
			}
			last = arm
			jitter := 1 + duetJitter*(2*d.random.Float64()-1)
			s, err := d.turn(ctx, arm, time.Duration(jitter*float64(results.DuetSlice)), 1)
			if err != nil {
				return err
			}
			s.At -= began
			d.out.Duet.Slices = append(d.out.Duet.Slices, results.Slice{Block: block, Arm: arm, Turn: s})
		}
	}
	return nil
}

// turn gives one side its turn and waits for the end of it.
func (d *duet) turn(ctx context.Context, arm results.Arm, cpu time.Duration, handshakes uint64) (event.Turn, error) {
	if ctx.Err() != nil {
		return event.Turn{}, context.Cause(ctx)
	}
	if d.cfg.Load == "tcp" {
		return d.visit(ctx, d.arms[arm], cpu, handshakes)
	}
	b := d.arms[arm].block
	b.GiveTurn(cpu, handshakes)
	for {
		if s, done := b.AwaitTurn(turnLook); done {
			return s, nil
		}
		if ctx.Err() != nil {
			return event.Turn{}, context.Cause(ctx)
		}
	}
}

// visit sends one side the peers of a turn: as many handshakes as should take that
// much processor time.
func (d *duet) visit(ctx context.Context, t *trial, cpu time.Duration, handshakes uint64) (s event.Turn, err error) {
	if cpu > 0 {
		handshakes = max(handshakes, uint64((cpu+d.each/2)/d.each))
	}
	d.turns++
	config := t.cfg.peers(t.block.Port(), t.id, t.bad)
	config.Epoch, config.Limit, config.Seed = d.epoch, handshakes, d.cfg.Seed+d.turns
	load, err := peers.New(config)
	if err != nil {
		return s, err
	}
	before, err := atRest(ctx, t)
	if err != nil {
		return s, err
	}
	load.Measure()
	load.Start()
	select {
	case <-load.Done():
	case <-ctx.Done():
		load.Abort()
	}
	t.hear(load.Wait())
	after, err := atRest(ctx, t)
	s = event.Turn{At: before.At, Wall: after.At - before.At, CPU: after.CPU - before.CPU, Handshakes: after.Handshakes - before.Handshakes}
	if err == nil && s.Handshakes == 0 {
		err = fmt.Errorf("server of %s: no handshake in a turn", t.cfg.Strategy)
	}
	if err == nil && cpu == 0 {
		d.each = max(d.each, s.CPU/time.Duration(s.Handshakes))
	}
	return s, err
}

// atRest waits until the worker waits for a connection, and reads what it has done:
// of a process that runs the kernel's count lags behind.
func atRest(ctx context.Context, t *trial) (rig.Snapshot, error) {
	for {
		w := t.block.Workers()[0]
		if now, err := state(w.PID); err == nil && now == sleeping && w.Operation == rig.Idle {
			used, err := kernelUsage(w.PID)
			return rig.Snapshot{At: rig.Now(), CPU: used.ran, Handshakes: w.Handshakes}, err
		}
		if err := Sleep(ctx, 100*time.Microsecond); err != nil {
			return rig.Snapshot{}, err
		}
	}
}

func (t *trial) hear(r *peers.Report) {
	if t.report == nil {
		t.report = new(peers.Report)
	}
	t.report.Failures = append(t.report.Failures, r.Failures...)
	t.report.Randoms = append(t.report.Randoms, r.Randoms...)
	t.report.Troubles += r.Troubles
	t.report.Trouble = cmp.Or(t.report.Trouble, r.Trouble)
}

func (d *duet) Read() error {
	var errs []error
	for _, t := range d.arms {
		errs = append(errs, t.Read())
		if e := t.block.NoCounter(); e != 0 {
			d.out.Duet.NoCounter = "perf_event_open: " + e.Error()
		} else if d.cfg.Load == "tcp" {
			d.out.Duet.NoCounter = "only under load memory"
		}
		d.join(t)
	}
	d.out.Order()
	return errors.Join(errs...)
}

// join adds what was seen of one side.
func (d *duet) join(t *trial) {
	o, out := t.out, d.out
	out.OpenSSLVersion, out.Files = o.OpenSSLVersion, o.Files
	out.NotApplicable, out.Skipped = o.NotApplicable, o.Skipped
	out.Handshakes += o.Handshakes
	out.Attempts += o.Attempts
	out.CtxSwitches += o.CtxSwitches
	out.Load, out.CrashAt = max(out.Load, o.Load), max(out.CrashAt, o.CrashAt)
	for kind, n := range o.Events {
		out.Events[kind] += n
	}
	for _, e := range o.Noted {
		e.Detail = fmt.Sprintf("server of %s: %s", t.cfg.Strategy, e.Detail)
		out.Noted = append(out.Noted, e)
	}
}

func (d *duet) Stop() {
	for _, t := range d.arms {
		t.Stop()
	}
}

func (d *duet) Gone() <-chan struct{} { return d.gone }

func (d *duet) Paused() error {
	return cmp.Or(d.arms[results.Other].Paused(), d.arms[results.Subject].Paused())
}

func (d *duet) Look(bool) error {
	for _, t := range d.arms {
		gone := false
		select {
		case <-t.Gone():
			gone = true
		default:
		}
		if err := t.Look(gone); err != nil {
			return err
		}
	}
	return nil
}
