package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"tlsbench/results"
)

// ReadPlan returns the plan that a results file was written for, so that it
// can be resumed without being described again.
func ReadPlan(path string) (*Plan, error) {
	p, err := readPlan(path)
	if err != nil {
		return nil, refuse(fmt.Errorf("read plan of %s: %w", path, err))
	}
	return p, nil
}

func readPlan(path string) (*Plan, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := results.NewReader(f, "file")
	r.Scan()
	if err := r.Err(); err != nil {
		return nil, err
	}
	d, err := parseDocument(r.Header().Plan)
	if err != nil {
		return nil, err
	}
	if len(d.Parts) > 0 {
		return nil, errors.New("it is a merged file, and these are complete")
	}
	return NewPlan(d.Spec, d.Shard)
}

// Resume goes on with a results file that was interrupted, and runs exactly
// those trials that are not in it. A torn last trial is cut off and run again.
// A file of another plan, seed, shard, machine or version is refused, and the
// error names what differs; the file is left as it was.
func (r *Runner) Resume(ctx context.Context, path string) (Summary, error) {
	f, err := openFile(path)
	if err != nil {
		return Summary{}, refuse(err)
	}
	done, err := r.takeUp(f)
	if err != nil {
		return Summary{}, errors.Join(refuse(fmt.Errorf("resume %s: %w", path, err)), f.Close())
	}
	sum, err := r.trials(ctx, f, done)
	return sum, errors.Join(err, f.Close())
}

// takeUp finds out which trials are in the file, and leaves it ready to be
// appended to. Nothing is changed before everything has been checked.
func (r *Runner) takeUp(f *file) (map[int]bool, error) {
	if err := r.Plan.Spec.CheckFiles(); err != nil {
		return nil, err
	}
	header, err := r.header()
	if err != nil {
		return nil, err
	}
	fresh, err := f.isPartOf(header)
	if err != nil {
		return nil, err
	}
	if fresh {
		return nil, r.beginAgain(f, header)
	}
	in := results.NewReader(f.reader(f.size), "file")
	done, err := r.readDone(in)
	if err != nil {
		return nil, err
	}
	if in.Offset() == 0 {
		return nil, errors.New("its header is incomplete")
	}
	cut := f.size - in.Offset()
	if cut > 0 {
		if err := f.cut(in.Offset()); err != nil {
			return nil, err
		}
	}
	r.resumed(Resumption{Done: len(done), Cut: cut})
	return done, nil
}

// isPartOf reports whether the file holds the beginning of this run's header
// and nothing else: the run was killed before its first trial.
func (f *file) isPartOf(header []byte) (bool, error) {
	if f.size >= int64(len(header)) {
		return false, nil
	}
	text, err := io.ReadAll(f.reader(f.size))
	return bytes.HasPrefix(header, text), err
}

func (r *Runner) beginAgain(f *file, header []byte) error {
	cut := f.size
	if err := f.cut(0); err != nil {
		return err
	}
	if _, err := f.Write(header); err != nil {
		return err
	}
	r.resumed(Resumption{Cut: cut})
	return nil
}

func (r *Runner) resumed(found Resumption) {
	if r.Observer != nil {
		r.Observer.Resumed(found)
	}
}

// readDone returns the numbers of the trials in the file. It refuses the file if
// a trial is not this plan's.
func (r *Runner) readDone(in *results.Reader) (map[int]bool, error) {
	here := newDocument(r.Plan, r.Machine)
	tasks := make(map[int]Task)
	for t := range r.Plan.Tasks() {
		tasks[t.ID] = t
	}
	done := make(map[int]bool)
	more := in.Scan()
	if err := in.Err(); err != nil {
		return nil, err
	}
	if err := sameRun(in.Header(), here); err != nil {
		return nil, err
	}
	for ; more; more = in.Scan() {
		t := in.Trial()
		if err := belongs(t, tasks, done); err != nil {
			return nil, err
		}
		done[t.ID] = true
	}
	return done, in.Err()
}

// sameRun refuses a file that was not written by a run like this one.
func sameRun(h results.Header, here document) error {
	d, err := parseDocument(h.Plan)
	if err != nil {
		return err
	}
	if len(d.Parts) > 0 {
		return errors.New("it is a merged file, and these are complete")
	}
	diff := append(d.differences(here), pathDifferences(h, here)...)
	if len(diff) > 0 {
		return fmt.Errorf("it belongs to another run: %s", strings.Join(diff, "; "))
	}
	return nil
}

// pathDifferences names libraries that lie elsewhere now. Their content is the
// same, but the file's configuration lines would not be true of its new trials.
func pathDifferences(file results.Header, here document) []string {
	var list []string
	for _, c := range here.libraries() {
		if was := file.Get(c.Key); was != string(c.Value) {
			list = append(list, fmt.Sprintf("%s: %s in the file, %s here", c.Key, was, c.Value))
		}
	}
	return list
}

// belongs refuses a trial that the plan does not have, or that stands in the
// file twice.
func belongs(t *results.Trial, tasks map[int]Task, done map[int]bool) error {
	task, ok := tasks[t.ID]
	switch {
	case !ok:
		return fmt.Errorf("trial %d is not in this plan", t.ID)
	case done[t.ID]:
		return fmt.Errorf("trial %d is in the file twice", t.ID)
	}
	return task.is(t)
}

// is refuses a trial that is not what the plan has under its number.
func (t Task) is(found *results.Trial) error {
	if found.Cell.Name() != t.Cell.Name() || found.Seed != t.Seed {
		return fmt.Errorf("trial %d is %s with seed %d in the file, but %s with seed %d in the plan",
			t.ID, found.Cell.Name(), found.Seed, t.Cell.Name(), t.Seed)
	}
	return nil
}
