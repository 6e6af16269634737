package bench

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"tlsbench/results"
	"tlsbench/results/inference"
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

// tries counts what trials of cells came to, by the cell's name.
type tries map[string]*cellTries

type cellTries struct {
	failed int
	worked bool
	reason string
}

func (t tries) saw(c Cell, o ending, reason string) {
	if t[c.Name()] == nil {
		t[c.Name()] = new(cellTries)
	}
	n := t[c.Name()]
	if o != noLife {
		n.worked = true
	} else if n.failed++; n.failed <= triesOfCell && reason != "" {
		n.reason = ": " + reason
	}
}

// hopeless says why there is no use in trying a cell again, "" if there is.
func (t tries) hopeless(c Cell) error {
	if n := t[c.Name()]; n != nil && !n.worked && n.failed >= triesOfCell {
		return fmt.Errorf("not tried, because none of the first %d trials of the cell could be carried out%s", triesOfCell, n.reason)
	}
	return nil
}

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
	workers := 0
	for _, c := range r.Plan.Cells() {
		workers = max(workers, c.Workers)
	}
	return cmp.Or(workload.RoomFor(workers), r.canDuet(), r.canFork())
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
	look := r.look(course, done)
	sum := &look.Summary
	w := results.NewWriter(f)
	inRow := map[string]int{} // of one server: the rig may do well where no daemon does
	tries := tries{}
	for task := range course.tasks(r.Plan.Shard.Index) {
		look.meet(task)
		if len(done) > 0 {
			course.saw(task, done[0])
			look.estimate.had(task.Cell)
			tries.saw(task.Cell, done[0].ending, "")
			done = done[1:]
			continue
		}
		if err := f.verify(); err != nil {
			return *sum, err
		}
		hopeless := tries.hopeless(task.Cell)
		t, err := r.trial(ctx, task, look, hopeless)
		if err != nil {
			return *sum, fmt.Errorf("interrupted after %d of %d trials: %w", sum.Done, sum.Total, err)
		}
		if err := w.Trial(t); err != nil {
			return *sum, fmt.Errorf("after %d of %d trials: %w", sum.Done, sum.Total, err)
		}
		course.saw(task, lifeOf(t))
		tries.saw(task.Cell, endingOf(t), t.Reason)
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
	return *sum, nil
}

// trial carries out one trial, if it is not hopeless. Its error is that of ctx, or
// that what came out cannot be written.
func (r *Runner) trial(ctx context.Context, task Task, look *lookout, hopeless error) (*results.Trial, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if hopeless != nil {
		look.estimate.had(task.Cell)
		return task.trial(time.Now(), nil, hopeless)
	}
	look.started(task)
	start := time.Now()
	out, err := r.execute(ctx, task)
	look.estimate.took(task.Cell, time.Since(start))
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
	to       Observer
	course   *course
	estimate *estimator
}

func (r *Runner) look(c *course, done []life) *lookout {
	l := &lookout{Summary: Summary{Done: len(done)}, to: r.Observer, course: c, estimate: r.Plan.estimator()}
	l.Total = r.Plan.Trials()
	return l
}

// meet counts a pair of a duet that was not sure to be needed.
func (l *lookout) meet(t Task) {
	if t.Cell.byWidth() && t.Round > inference.DuetFirst {
		l.Total++
		l.estimate.expect(t.Cell, 1)
	}
}

// again counts what is to come of a sequential plan, which each trial changes.
func (l *lookout) again() {
	if l.course.lives == nil {
		return
	}
	l.Total, l.estimate.left = l.course.ahead(l.course.plan.Shard.Index)
	l.Total += l.Done
}

func (l *lookout) progress(t Task) Progress {
	return Progress{Task: t, Done: l.Done, Total: l.Total, Left: l.estimate.remaining()}
}

func (l *lookout) started(t Task) {
	l.again()
	if l.to != nil {
		l.to.Started(l.progress(t))
	}
}

func (l *lookout) finished(t Task, trial *results.Trial) {
	l.again()
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

// estimator tells the time left: what is guessed for the trials to come, times how
// much longer than their guess those so far took. The last ones count most, so that
// it follows a machine that slows down.
type estimator struct {
	spec           *Spec
	left           float64 // guessed, in nanoseconds
	taken, guesses float64 // of trials so far, those before the last one times fade and so on
}

const fade = 0.9

// expect counts trials that are still to be run.
func (e *estimator) expect(c Cell, n int) { e.left += float64(n) * e.spec.guess(c) }

// had counts a trial that was done before.
func (e *estimator) had(c Cell) { e.left -= e.spec.guess(c) }

// took counts a trial that is done.
func (e *estimator) took(c Cell, d time.Duration) {
	e.had(c)
	e.taken = fade*e.taken + float64(d)
	e.guesses = fade*e.guesses + e.spec.guess(c)
}

// remaining is the time left.
func (e *estimator) remaining() time.Duration {
	left := e.left
	if e.guesses > 0 {
		left *= e.taken / e.guesses
	}
	return time.Duration(min(left, 1<<62))
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
