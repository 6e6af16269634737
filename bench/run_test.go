package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tlsbench/results"
	"tlsbench/workload"
)

func TestRunWritesThePlan(t *testing.T) {
	path := resultsPath(t)
	r := newRunner(mustPlan(t, smallSpec(), whole))
	sum, err := r.Run(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Summary{Total: 20, Done: 20, Ran: 20}, sum); diff != "" {
		t.Error(diff)
	}
	trials := readTrials(t, path)
	if diff := cmp.Diff(planned(r.Plan), identities(trials)); diff != "" {
		t.Error(diff)
	}
	var order, want []int
	for _, trial := range trials {
		order = append(order, trial.ID)
	}
	for task := range r.Plan.Tasks() {
		want = append(want, task.ID)
	}
	if !slices.Equal(order, want) {
		t.Errorf("trials ran in order %v, the plan says %v", order, want)
	}
	back, err := ReadPlan(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(planned(r.Plan), planned(back)); diff != "" {
		t.Errorf("the plan in the file is another: %s", diff)
	}
}

// TestEachTrialIsOnDiskBeforeTheNext looks into the file from within a trial.
func TestEachTrialIsOnDiskBeforeTheNext(t *testing.T) {
	path := resultsPath(t)
	r := newRunner(mustPlan(t, smallSpec(), whole))
	n := 0
	r.Execute = func(ctx context.Context, c workload.Config) (*workload.Outcome, error) {
		if got := len(readTrials(t, path)); got != n {
			t.Errorf("%d trials in the file when %d were done", got, n)
		}
		n++
		return fakeExecute(ctx, c)
	}
	if _, err := r.Run(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	if n != 20 {
		t.Errorf("%d trials, want 20", n)
	}
}

// diary is an observer that writes everything down.
type diary []string

func (d *diary) Resumed(r Resumption) {
	*d = append(*d, fmt.Sprintf("resumed %d cut %d", r.Done, r.Cut))
}
func (d *diary) Started(p Progress) {
	*d = append(*d, fmt.Sprintf("started %d, %d/%d", p.Task.ID, p.Done, p.Total))
}
func (d *diary) Finished(p Progress, t *results.Trial) {
	*d = append(*d, fmt.Sprintf("finished %d, %d/%d", t.ID, p.Done, p.Total))
	if p.Done == p.Total && p.Left != 0 {
		*d = append(*d, fmt.Sprintf("%v left at the end", p.Left))
	}
}

func TestObserver(t *testing.T) {
	var got diary
	spec := smallSpec()
	spec.Rounds = 1
	r := newRunner(mustPlan(t, spec, whole))
	r.Observer = &got
	if _, err := r.Run(t.Context(), resultsPath(t)); err != nil {
		t.Fatal(err)
	}
	var want diary
	n := 0
	for task := range r.Plan.Tasks() {
		want = append(want, fmt.Sprintf("started %d, %d/5", task.ID, n))
		n++
		want = append(want, fmt.Sprintf("finished %d, %d/5", task.ID, n))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestCancelled ends a run during each of its trials in turn.
func TestCancelled(t *testing.T) {
	for stop := range 20 {
		path := resultsPath(t)
		ctx, cancel := context.WithCancel(t.Context())
		r := newRunner(mustPlan(t, smallSpec(), whole))
		n := 0
		r.Execute = func(ctx context.Context, c workload.Config) (*workload.Outcome, error) {
			if n == stop {
				cancel()
				// A rig may still report what it has; it was cut short.
				return fakeExecute(context.Background(), c)
			}
			n++
			return fakeExecute(ctx, c)
		}
		sum, err := r.Run(ctx, path)
		if !errors.Is(err, context.Canceled) || sum.Done != stop || sum.Ran != stop {
			t.Errorf("stopped in trial %d: %+v, %v", stop, sum, err)
		}
		if want := fmt.Sprintf("interrupted after %d of 20 trials", stop); !strings.Contains(err.Error(), want) {
			t.Errorf("error %q, want %q", err, want)
		}
		if got := len(readTrials(t, path)); got != stop {
			t.Errorf("stopped in trial %d: %d are in the file", stop, got)
		}
		r.Execute = fakeExecute
		if _, err := r.Resume(t.Context(), path); err != nil {
			t.Errorf("resume: %v", err)
		}
		if diff := cmp.Diff(planned(r.Plan), identities(readTrials(t, path))); diff != "" {
			t.Error(diff)
		}
	}
}

// A cell that never comes to anything is tried three times; the trials that are
// left are in the file with the reason.
func TestFailedTrialsAreKept(t *testing.T) {
	path := resultsPath(t)
	r := newRunner(mustPlan(t, smallSpec(), whole))
	tried := 0
	r.Execute = func(ctx context.Context, c workload.Config) (*workload.Outcome, error) {
		if c.Strategy.Name == "hwm" {
			tried++
			return nil, errors.New("bind 127.0.0.1:0: no\nport")
		}
		return fakeExecute(ctx, c)
	}
	sum, err := r.Run(t.Context(), path)
	if err != nil || sum.Failed != 12 || sum.Done != 20 {
		t.Fatalf("%+v, %v: want 12 of 20 failed", sum, err)
	}
	if tried != 3*triesOfCell {
		t.Errorf("%d trials of three cells were tried, want %d", tried, 3*triesOfCell)
	}
	for _, trial := range readTrials(t, path) {
		want := results.Status("ok")
		if trial.Cell.Strategy == "hwm" {
			want = results.Failed
		}
		const reason = "bind 127.0.0.1:0: no\nport"
		untried := "not tried, because none of the first 3 trials of the cell could be carried out: " + reason
		if trial.Status != want || want == results.Failed && trial.Reason != reason && (trial.Round <= triesOfCell || trial.Reason != untried) {
			t.Errorf("%s: status %s, reason %q", trial.Cell.Name(), trial.Status, trial.Reason)
		}
	}
	sum, err = r.Resume(t.Context(), path)
	if err != nil || sum.Ran != 0 {
		t.Errorf("resume ran %d trials again, %v", sum.Ran, err)
	}
}

func TestGivesUpWhenNothingWorks(t *testing.T) {
	path := resultsPath(t)
	r := newRunner(mustPlan(t, smallSpec(), whole))
	n := 0
	r.Execute = func(ctx context.Context, c workload.Config) (*workload.Outcome, error) {
		n++
		if n <= 4 {
			return fakeExecute(ctx, c)
		}
		return nil, fmt.Errorf("no memory in trial %d", n)
	}
	sum, err := r.Run(t.Context(), path)
	if err == nil || err.Error() != "10 trials in a row in the rig could not be carried out; the last one: no memory in trial 14" {
		t.Errorf("error %v", err)
	}
	if sum.Ran != 14 || len(readTrials(t, path)) != 14 {
		t.Errorf("%+v, want 14 trials, all in the file", sum)
	}
	var r2 *RefusalError
	if errors.As(err, &r2) {
		t.Error("that is no refusal: trials were run")
	}
}

// TestFileChangedUnderUs does something to the file during the third trial.
func TestFileChangedUnderUs(t *testing.T) {
	for _, test := range []struct {
		name, want string
		do         func(path string) error
		intact     bool // the file of that name still has what was written
	}{
		{"removed", "was removed during the run", os.Remove, false},
		{"replaced", "was replaced by another during the run", func(path string) error {
			text, err := os.ReadFile(path)
			return errors.Join(err, os.Remove(path), os.WriteFile(path, text, 0o644))
		}, true},
		{"moved", "was removed during the run", func(path string) error { return os.Rename(path, path+".old") }, false},
		{"truncated", "was changed during the run: it has 10 bytes, but had ", func(path string) error { return os.Truncate(path, 10) }, false},
		{"edited, as long as it was", "something else wrote to it at ", func(path string) error {
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			_, err = f.WriteAt([]byte("!"), 3)
			return errors.Join(err, f.Close(), os.Chtimes(path, time.Time{}, time.Now().Add(time.Second)))
		}, false},
		{"appended to", "was changed during the run", func(path string) error {
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			_, err = f.WriteString("# a note\n")
			return errors.Join(err, f.Close())
		}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := resultsPath(t)
			r := newRunner(mustPlan(t, smallSpec(), whole))
			n := 0
			r.Execute = func(ctx context.Context, c workload.Config) (*workload.Outcome, error) {
				if n++; n == 3 {
					if err := test.do(path); err != nil {
						t.Fatal(err)
					}
				}
				return fakeExecute(ctx, c)
			}
			sum, err := r.Run(t.Context(), path)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("error %v, want %q and the file's name", err, test.want)
			}
			if sum.Done != 2 {
				t.Errorf("%d trials done, want 2", sum.Done)
			}
			if test.intact && len(readTrials(t, path)) != 2 {
				t.Error("earlier trials are not intact")
			}
		})
	}
}

func TestExistingFileIsLeftAlone(t *testing.T) {
	path := resultsPath(t)
	if err := os.WriteFile(path, []byte("precious"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := newRunner(mustPlan(t, smallSpec(), whole))
	_, err := r.Run(t.Context(), path)
	checkRefusal(t, err, path+" already exists: resume it, or choose another name")
	if text, _ := os.ReadFile(path); string(text) != "precious" {
		t.Errorf("the file now holds %q", text)
	}
	_, err = r.Run(t.Context(), filepath.Join(filepath.Dir(path), "no", "r.txt"))
	checkRefusal(t, err, "no such file or directory")
}

// TestTwoRunsAtOnce: a second run keeps its hands off.
func TestTwoRunsAtOnce(t *testing.T) {
	path := resultsPath(t)
	r := newRunner(mustPlan(t, smallSpec(), whole))
	second := newRunner(r.Plan)
	r.Execute = func(ctx context.Context, c workload.Config) (*workload.Outcome, error) {
		_, err := second.Resume(ctx, path)
		checkRefusal(t, err, "is being written by another process")
		return fakeExecute(ctx, c)
	}
	if _, err := r.Run(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(planned(r.Plan), identities(readTrials(t, path))); diff != "" {
		t.Error(diff)
	}
}

// TestEstimate: what is guessed grows with how long the trials so far took, the last
// ones most.
func TestEstimate(t *testing.T) {
	spec := smallSpec()
	spec.Warmup, spec.HandshakeTime, spec.CorruptionTime = time.Second, 2*time.Second, time.Second
	p := mustPlan(t, spec, whole)
	// Each round: one handshake, one unchecked and three checked corruption
	// trials (one of them hwm's, two controls').
	if got, want := p.Estimate(), 4*(3*time.Second+4*time.Second+5*startUp); got != want {
		t.Errorf("estimate %v, want %v", got, want)
	}
	guess := spec.guess(Cell{Cell: results.Cell{Measure: results.Corruption}, checkRate: 1})
	var so pace
	so.took(guess, 10*time.Second)
	if got, want := so.of(3*guess), 3*10*time.Second; (got - want).Abs() > time.Millisecond {
		t.Errorf("after one trial of 10 s: %v left, want %v", got, want)
	}
	so.took(guess, 29*time.Second) // the first one counts as 0.9 of a trial: (0.9*10 + 29) / 1.9 = 20
	if got, want := so.of(2*guess), 2*20*time.Second; (got - want).Abs() > time.Millisecond {
		t.Errorf("after a second of 29 s: %v left, want %v", got, want)
	}
}
