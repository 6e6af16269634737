package bench

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tlsbench/results"
	"tlsbench/workload"
	"tlsbench/workload/daemon"
)

// Execute carries out one trial. An error means that it could not be carried
// out; damage is an outcome. It returns soon after ctx is cancelled, with
// nothing left behind.
type Execute func(ctx context.Context, cfg workload.Config) (*workload.Outcome, error)

// Runner carries out the trials of a plan, one after the other.
type Runner struct {
	Plan     *Plan
	Changed  *Plan // to go on with, of a file of Plan; nil = Plan
	Machine  Machine
	Execute  Execute
	Daemons  []daemon.Daemon // on this machine
	Port     int             // of the daemons; 0 = a free one each
	Observer Observer        // nil = nobody looks on
}

// Observer is told how a run goes on. Its methods are called one at a time,
// and never during a trial.
type Observer interface {
	// Resumed is called once, before the first trial, if the run goes on with
	// a file.
	Resumed(Resumption)
	// Started is called before each trial.
	Started(Progress)
	// Finished is called after each trial, when it is on the disk.
	Finished(Progress, *results.Trial)
}

// Progress is how far a run is.
type Progress struct {
	Task  Task
	Done  int           // trials done, those of an earlier run included
	Total int           // trials in this shard of the plan
	Left  time.Duration // estimate, from the trials so far
}

// Resumption is what was found in a file that a run goes on with.
type Resumption struct {
	Done int   // trials in the file
	Cut  int64 // bytes of a torn last trial, which were cut off; it is run again
}

// Summary is what a run came to.
type Summary struct {
	Total int // trials in this shard of the plan
	Done  int // trials in the file now
	Ran   int // trials carried out or tried by this call
	// Failed counts trials of this call that could not be carried out. They
	// are in the file with the reason, and Resume does not run them again.
	Failed int
}

// maxFailures is how many trials in a row may fail before the run gives up:
// what breaks that many is not a property of one cell.
const maxFailures = 10

// triesOfCell is how many trials of a cell may come to nothing, if none ever came
// to anything, before those that are left are recorded as failed without being
// tried.
const triesOfCell = 3

// Run carries out the plan and writes a new results file. A file of that name
// is not overwritten. When ctx is cancelled the trial in flight is dropped,
// and the error wraps ctx's; all trials before it are on the disk. So they are
// after every other error.
func (r *Runner) Run(ctx context.Context, path string) (Summary, error) {
	header, err := r.header()
	if err = errors.Join(err, r.canMeasure()); err != nil {
		return Summary{}, refuse(err)
	}
	f, err := createFile(path, header)
	if err != nil {
		return Summary{}, refuse(err)
	}
	sum, err := r.trials(ctx, f, nil)
	return sum, errors.Join(err, f.Close())
}

// canMeasure refuses what this machine cannot do.
func (r *Runner) canMeasure() error {
	workers, spec := 0, &r.Plan.Spec
	for _, c := range r.Plan.Cells() {
		workers = max(workers, c.Workers)
	}
	err := workload.RoomFor(workers)
	if err == nil && slices.Contains(spec.Measures, results.Duet) {
		err = workload.CanDuet()
	}
	if err == nil && slices.Contains(spec.Measures, results.Fork) {
		// Rank 0 writes to all of the memory, and what the kernel then kills would look
		// like a strategy's crash.
		free, of := freeMemory()
		if most := slices.Max(spec.Fork.Memory); uint64(most)<<20 > free {
			err = fmt.Errorf("fork memory of %d MiB: %s has %d MiB free; choose less", most, of, free>>20)
		}
	}
	return err
}

// header gives the bytes that a results file of this run begins with.
func (r *Runner) header() ([]byte, error) {
	h, err := newDocument(r.Plan, r.Machine).header()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := results.NewWriter(&b).Header(h); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// trials carries out what is not done yet: all but the first trials of the plan,
// whose outcomes are given.
func (r *Runner) trials(ctx context.Context, f *file, done []life) (Summary, error) {
	course := r.Plan.course(r.Plan.Shard.Count)
	look := &lookout{Summary: Summary{Total: r.Plan.Trials()}, to: r.Observer, course: course}
	sum := &look.Summary
	w := results.NewWriter(f)
	inRow := map[string]int{} // of one server: the rig may do well where no daemon does
	for task := range course.tasks(r.Plan.Shard.Index) {
		if sum.Done < len(done) {
			course.saw(task, done[sum.Done])
			sum.Done++
			continue
		}
		if err := f.verify(); err != nil {
			return *sum, err
		}
		hopeless := course.hopeless(task)
		t, err := r.trial(ctx, task, look, hopeless)
		if err != nil {
			return *sum, fmt.Errorf("interrupted after %d of %d trials: %w", sum.Done, sum.Total, err)
		}
		if err := w.Trial(t); err != nil {
			return *sum, fmt.Errorf("after %d of %d trials: %w", sum.Done, sum.Total, err)
		}
		course.saw(task, lifeOf(t))
		sum.Ran++
		sum.Done++
		look.finished(task, t)
		if t.Status == results.Failed {
			sum.Failed++
		}
		server := t.Cell.Server()
		switch {
		case t.Status != results.Failed:
			inRow[server] = 0
		case hopeless == nil:
			inRow[server]++
		}
		if inRow[server] == maxFailures {
			return *sum, fmt.Errorf("%d trials in a row in %s could not be carried out; the last one: %s", maxFailures, cmp.Or(server, "the rig"), t.Reason)
		}
	}
	look.count()
	return *sum, nil
}

// trial carries out one trial, if it is not hopeless. Its error is that of ctx, or
// that what came out cannot be written.
func (r *Runner) trial(ctx context.Context, task Task, look *lookout, hopeless error) (*results.Trial, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if hopeless != nil {
		return task.trial(time.Now(), nil, hopeless)
	}
	look.started(task)
	start := time.Now()
	out, err := r.execute(ctx, task)
	look.pace.took(r.Plan.Spec.guess(task.Cell), time.Since(start))
	if ctx.Err() != nil {
		// It may have been cut short, however well it looks.
		return nil, ctx.Err()
	}
	return task.trial(start, out, err)
}

func (r *Runner) execute(ctx context.Context, task Task) (*workload.Outcome, error) {
	cfg := task.config(r.Plan.Spec)
	if task.Cell.server != nil {
		if err := r.serve(task.Cell, &cfg); err != nil {
			return nil, err
		}
	}
	return r.Execute(ctx, cfg)
}

// lookout keeps the figures that the observer is shown.
type lookout struct {
	Summary
	to     Observer
	course *course
	pace   pace
}

// count tells what is to come, which each trial of a sequential plan changes, and so
// does a pair of a duet that was not sure to be needed.
func (l *lookout) count() (left time.Duration) {
	trials, guess := l.course.ahead()
	l.Total = l.Done + trials
	return l.pace.of(guess)
}

func (l *lookout) progress(t Task) Progress {
	left := l.count()
	return Progress{Task: t, Done: l.Done, Total: l.Total, Left: left}
}

func (l *lookout) started(t Task) {
	if l.to != nil {
		l.to.Started(l.progress(t))
	}
}

func (l *lookout) finished(t Task, trial *results.Trial) {
	if l.to != nil {
		l.to.Finished(l.progress(t), trial)
	}
}

// startUp is a guess at what a trial takes besides its load, until one is done.
const startUp = 150 * time.Millisecond

// daemonStart is what a daemon takes more.
const daemonStart = time.Second

// sharingGuess is one for the load of a sharing trial.
const sharingGuess = 3 * time.Second

// pace tells how much longer than their guess the trials so far took. The last ones
// count most, so that it follows a machine that slows down.
type pace struct {
	taken, guesses float64 // in nanoseconds; those before the last trial times fade and so on
}

const fade = 0.9

// took counts a trial that is done.
func (p *pace) took(guess float64, d time.Duration) {
	p.taken = fade*p.taken + float64(d)
	p.guesses = fade*p.guesses + guess
}

// of is how long what is guessed should take.
func (p pace) of(guess float64) time.Duration {
	if p.guesses > 0 {
		guess *= p.taken / p.guesses
	}
	return time.Duration(min(guess, 1<<62))
}

// guess is how long a trial should take, in nanoseconds.
func (s *Spec) guess(c Cell) float64 { return float64(s.length(c) + startUp) }

// length is how long a trial of the cell is under load.
func (s Spec) length(c Cell) time.Duration {
	switch {
	case c.fork != nil:
		return forkLength(c.fork)
	case c.server != nil:
		return s.Daemon.Duration + daemonStart
	case c.Measure == results.Sharing:
		return sharingGuess
	case c.Measure == results.Duet:
		return duetLength + startUp // of the second server
	case c.Measure == results.Handshake:
		return s.Warmup + s.HandshakeTime
	}
	return s.CorruptionTime
}
