package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"tlsbench/results"
	"tlsbench/workload"
	"tlsbench/workload/openssl"
)

// Runner carries out the trials of a plan, one after the other. Each is on the
// disk before the next begins.
type Runner struct {
	Plan       *Plan
	OpenSSLDir string // folder of the rig's builds
	Port       int    // of the daemons; 0 = a free one each
	Config     []results.FieldFact
	// Started and Finished are told how the run goes on; nil = nobody looks on.
	Started  func(Progress)
	Finished func(Progress, *results.FieldTrial)

	execute func(context.Context, Task) *results.FieldTrial // nil = the real one
}

// Progress is how far a run is.
type Progress struct {
	Task  Task
	Done  int           // trials done, those of an earlier run included
	Total int           // trials in the plan
	Left  time.Duration // estimate, from the trials so far
}

// Summary is what a run came to.
type Summary struct {
	Total  int // trials in the plan
	Done   int // trials in the file now
	Ran    int // carried out or tried by this call
	Failed int // of them, those that could not be carried out
}

// ErrRefused is about a file that a run cannot go to, or go on with: nothing
// was started and nothing written.
var ErrRefused = errors.New("refused")

// refused marks an error as such, and leaves its text alone.
type refused struct{ error }

func (r refused) Unwrap() error        { return r.error }
func (r refused) Is(target error) bool { return target == ErrRefused }

// maxFailures is how many trials of daemons in a row may fail before the run
// gives up: what breaks that many is no property of one case.
const maxFailures = 10

// Run writes a new results file. When ctx is cancelled the trial in flight is
// dropped and the error wraps ctx's; all trials before it are on the disk.
func (r *Runner) Run(ctx context.Context, path string) (Summary, error) {
	header, err := r.header()
	if err != nil {
		return Summary{}, refused{err}
	}
	f, err := createFile(path)
	if err != nil {
		return Summary{}, refused{err}
	}
	if err := f.add(header); err != nil {
		return Summary{}, errors.Join(err, f.close(), os.Remove(path))
	}
	sum, err := r.trials(ctx, f, nil)
	return sum, errors.Join(err, f.close())
}

// Resume goes on with a file, and runs exactly those trials that are not in it.
// A file of another plan is refused, and the error names what differs.
func (r *Runner) Resume(ctx context.Context, path string) (Summary, error) {
	header, err := r.header()
	if err != nil {
		return Summary{}, refused{err}
	}
	old, err := results.ReadField(path)
	if err != nil {
		return Summary{}, refused{err}
	}
	if what := difference(old.Header.Plan, header.Plan); what != "" {
		return Summary{}, refused{fmt.Errorf("resume %s: %s", path, what)}
	}
	f, err := openFile(path, old.Whole)
	if err != nil {
		return Summary{}, refused{err}
	}
	done := map[int]bool{}
	for _, t := range old.Trials {
		done[t.ID] = true
	}
	sum, err := r.trials(ctx, f, done)
	return sum, errors.Join(err, f.close())
}

// ReadPlan gives the plan that a file was written for. Its daemons know their
// releases alone: see Plan.Attach.
func ReadPlan(path string) (*Plan, error) {
	f, err := results.ReadField(path)
	if err != nil {
		return nil, refused{err}
	}
	p, err := parsePlan(f.Header.Plan)
	if err != nil {
		return nil, refused{fmt.Errorf("resume %s: %w", path, err)}
	}
	return p, nil
}

func (r *Runner) header() (results.FieldHeader, error) {
	if err := r.Plan.Check(); err != nil {
		return results.FieldHeader{}, err
	}
	plan, err := r.Plan.document()
	return results.FieldHeader{
		Format: results.FieldFormat, Plan: plan, Seed: r.Plan.Seed,
		Duration: r.Plan.Duration, Patience: r.Plan.Patience, Config: r.Config,
	}, err
}

// trials carries out what is not done yet.
func (r *Runner) trials(ctx context.Context, f *file, done map[int]bool) (Summary, error) {
	tasks := r.Plan.Tasks()
	sum := Summary{Total: len(tasks), Done: len(done)}
	began, inRow := time.Now(), 0
	for _, task := range tasks {
		if done[task.ID] {
			continue
		}
		progress := Progress{Task: task, Done: sum.Done, Total: sum.Total, Left: r.left(began, sum)}
		if r.Started != nil {
			r.Started(progress)
		}
		t := r.carryOut(ctx, task)
		if ctx.Err() != nil {
			return sum, ctx.Err() // it may have been cut short, however well it looks
		}
		if err := f.add(t); err != nil {
			return sum, fmt.Errorf("after %d of %d trials: %w", sum.Done, sum.Total, err)
		}
		sum.Ran++
		sum.Done++
		if progress.Done = sum.Done; r.Finished != nil {
			r.Finished(progress, t)
		}
		if inRow = failures(inRow, t); t.Status == results.Failed {
			sum.Failed++
		}
		if inRow == maxFailures {
			return sum, fmt.Errorf("%d trials of daemons in a row could not be carried out, the last: %s", inRow, t.Reason)
		}
	}
	return sum, nil
}

// failures counts the daemons' in a row.
func failures(inRow int, t *results.FieldTrial) int {
	switch {
	case t.Daemon == nil:
		return inRow
	case t.Status == results.Failed:
		return inRow + 1
	}
	return 0
}

// left is the time that the rest takes if it goes on like this; at first that
// of the estimate.
func (r *Runner) left(began time.Time, sum Summary) time.Duration {
	rest := sum.Total - sum.Done
	if sum.Ran < 5 {
		return r.Plan.Estimate() * time.Duration(rest) / time.Duration(sum.Total)
	}
	return time.Since(began) / time.Duration(sum.Ran) * time.Duration(rest)
}

func (r *Runner) carryOut(ctx context.Context, task Task) *results.FieldTrial {
	switch {
	case r.execute != nil:
		return r.execute(ctx, task)
	case task.Rig:
		out, err := r.rig(ctx, task)
		return rigRecord(task, out, err)
	}
	out, err := workload.Run(ctx, task.Case.config(r.Plan, task.Seed, r.Port))
	return daemonRecord(task, out, err)
}

func (r *Runner) rig(ctx context.Context, task Task) (*workload.Outcome, error) {
	builds, err := openssl.Find([]string{task.Case.Daemon.Release.Line}, r.OpenSSLDir)
	if err != nil {
		return nil, err
	}
	return workload.Run(ctx, task.Case.rig(r.Plan, builds[0], task.Seed))
}

// Attach gives the plan's daemons their files. They have to be the same
// packages on the same OpenSSL as the plan was made with.
func (p *Plan) Attach(found []Daemon) error {
	for i, want := range p.Daemons {
		ok := false
		for _, d := range found {
			if d.Release.Name != want.Release.Name {
				continue
			}
			if d.Package != want.Package || d.OpenSSL != want.OpenSSL {
				return refused{fmt.Errorf("kamailio %s: the file was made with package %s on OpenSSL %s, and here are %s on %s",
					d.Release.Name, want.Package, want.OpenSSL, d.Package, d.OpenSSL)}
			}
			p.Daemons[i], ok = d, true
		}
		if !ok {
			return fmt.Errorf("kamailio %s, which the file's plan has, is not here", want.Release.Name)
		}
	}
	return nil
}
