package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"tlsbench/results"
	"tlsbench/results/outfile"
)

// ReadPlan returns the plan that a results file was written for, so that it
// can be resumed without being described again. Shared objects that the file
// names are looked for next to it and in the working folder.
func ReadPlan(path string) (p *Plan, err error) {
	defer func() {
		if err != nil {
			err = refuse(fmt.Errorf("read plan of %s: %w", path, err))
		}
	}()
	f, err := openAgain(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	_, d, err := readDocument(f)
	if err != nil {
		return nil, err
	}
	if p, err = planAgain(d.Spec, d.Shard); err != nil {
		return nil, err
	}
	for _, own := range p.Spec.own() {
		name := filepath.Base(own.Path)
		p.Locate(filepath.Join(filepath.Dir(path), name), name)
	}
	return p, nil
}

// openAgain opens a file that is read more than once, which a pipe cannot be: to
// open one may take for ever.
func openAgain(path string) (*os.File, error) {
	if st, err := os.Stat(path); err == nil && !st.Mode().IsRegular() {
		return nil, &os.PathError{Op: "open", Path: path, Err: errors.New("not a regular file: want a results file")}
	}
	return os.Open(path)
}

// readDocument reads what appears before the first trial of a results file, with
// the plan that is in force. It refuses a merged file.
func readDocument(f io.ReadSeeker) (h results.Header, d document, err error) {
	r := results.NewReader(f, "file")
	r.Scan()
	h, err = r.Header(), r.Err()
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err == nil {
		h.Plan, err = results.LastPlan(f)
	}
	if err == nil {
		d, err = parseDocument(h.Plan)
	}
	if err == nil && len(d.Parts) > 0 {
		err = errors.New("it is a merged file, and these are complete")
	}
	return h, d, err
}

// Change is the plan with more rounds, or with fewer, which ends it. The new plan
// says how many it had.
func (p *Plan) Change(rounds int) (*Plan, error) {
	spec := p.Spec
	if spec.Sequential {
		rounds = max(rounds, 0) // again until no cell needs another life
	}
	switch {
	case spec.Sequential && rounds == spec.Rounds && rounds == 0:
		return nil, refuse(errors.New("rounds auto: the plan has rounds auto already"))
	case spec.Only(results.Duet):
		return nil, refuse(errors.New("rounds: duets have their own number, and end when it is enough"))
	case rounds < 0:
		return nil, refuse(fmt.Errorf("rounds auto: the plan has %d rounds for all cells; a run with rounds auto begins with a new file", spec.Rounds))
	case rounds == spec.Rounds:
		return nil, refuse(fmt.Errorf("rounds %d: the plan has %d; name more to add some, or fewer to end it", rounds, spec.Rounds))
	}
	spec.Extended = append(slices.Clone(spec.Extended), spec.Rounds)
	spec.Rounds = rounds
	return NewPlan(spec, p.Shard)
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
	done, whole, err := r.takeUp(f)
	if err == nil && r.Changed != nil {
		done, err = r.change(f, whole)
	}
	if err == nil {
		err = f.private()
	}
	if err != nil {
		return Summary{}, errors.Join(refuse(fmt.Errorf("resume %s: %w", path, err)), f.Close())
	}
	sum, err := r.trials(ctx, f, done)
	return sum, errors.Join(err, f.Close())
}

// change goes on with the plan of more or of fewer rounds, and says so in the file.
// A plan of a number of rounds is ended with one that is whole, a sequential one
// goes on to its last; trials of later ones stay in the file.
func (r *Runner) change(f *file, whole int) ([]life, error) {
	old := r.Plan
	r.Plan = r.Changed
	h, err := newDocument(r.Plan, r.Machine).header()
	if err != nil {
		return nil, err
	}
	list, _, err := r.readDone(results.NewReader(f.reader(f.size), "file"))
	if err != nil {
		return nil, err
	}
	if rounds := r.Plan.Spec.Rounds; !old.Spec.Sequential && rounds < old.Spec.Rounds && rounds > whole {
		return nil, fmt.Errorf("rounds %d: %d are whole, and a plan ends with a whole round", rounds, whole)
	}
	return list, results.NewWriter(f).Plan(h.Plan)
}

// takeUp finds out which trials are in the file, and how many rounds they fill, and
// leaves it ready to be appended to. Nothing is changed before everything has been
// checked.
func (r *Runner) takeUp(f *file) (done []life, whole int, err error) {
	if err := errors.Join(r.Plan.Spec.CheckFiles(), r.canMeasure()); err != nil {
		return nil, 0, err
	}
	if err := sameRun(f.reader(f.size), newDocument(r.Plan, r.Machine)); err != nil {
		return nil, 0, err
	}
	in := results.NewReader(f.reader(f.size), "file")
	if done, whole, err = r.readDone(in); err != nil {
		return nil, 0, err
	}
	if in.Offset() == 0 {
		return nil, 0, errors.New("its header is incomplete")
	}
	cut := f.size - in.Offset()
	if cut > 0 {
		if err := f.cut(in.Offset()); err != nil {
			return nil, 0, err
		}
	}
	if r.Observer != nil {
		r.Observer.Resumed(Resumption{Done: len(done), Cut: cut})
	}
	return done, whole, nil
}

// readDone returns what became of the trials in the file, and how many rounds are
// whole. It refuses the file if they are not those that this plan begins with.
func (r *Runner) readDone(in *results.Reader) (done []life, whole int, err error) {
	more := in.Scan()
	course := r.Plan.course(r.Plan.Shard.Count)
	for task := range course.tasks(r.Plan.Shard.Index) {
		if !more {
			return done, task.Round - 1, in.Err()
		}
		t := in.Trial()
		if err := task.is(t); err != nil {
			return nil, 0, err
		}
		done = append(done, lifeOf(t))
		course.saw(task, done[len(done)-1])
		more = in.Scan()
	}
	if more && r.Plan.formerRounds() <= r.Plan.Rounds() { // else it was to be longer
		return nil, 0, afterTheLast(in.Trial())
	}
	for more {
		more = in.Scan()
	}
	return done, r.Plan.Rounds(), in.Err()
}

// formerRounds is the most rounds that the plan had before it was changed.
func (p *Plan) formerRounds() int {
	most, was := 0, p.Spec
	for _, was.Rounds = range p.Spec.Extended {
		most = max(most, was.rounds())
	}
	return most
}

func afterTheLast(t *results.Trial) error {
	return fmt.Errorf("trial %d comes after the last trial of the plan", t.ID)
}

// sameRun refuses a file that was not written by a run like this one.
func sameRun(f io.ReadSeeker, here document) error {
	h, d, err := readDocument(f)
	if err != nil {
		return err
	}
	diff := d.planDifferences(here)
	if d.Shard != here.Shard {
		diff = append(diff, fmt.Sprintf("shard: %s in the file, %s here", d.Shard, here.Shard))
	}
	diff = slices.Concat(diff, fieldDifferences(d.Machine, here.Machine), pathDifferences(h, here))
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

// is refuses a trial that is not the one the plan has there.
func (t Task) is(found *results.Trial) error {
	if found.ID != t.ID || found.Round != t.Round {
		return fmt.Errorf("trial %d of round %d is where the plan has trial %d of round %d", found.ID, found.Round, t.ID, t.Round)
	}
	if found.Cell.Name() != t.Cell.Name() || found.Seed != t.Seed {
		return fmt.Errorf("trial %d is %s with seed %d in the file, but %s with seed %d in the plan",
			t.ID, found.Cell.Name(), found.Seed, t.Cell.Name(), t.Seed)
	}
	return nil
}

// file is a results file that is being appended to. It knows how long it is and
// when it was written last, so that it notices when somebody else changes it,
// and can take back a write that failed half-way.
type file struct {
	f       *os.File
	path    string
	size    int64
	written time.Time
}

// createFile makes a new results file that holds the header: all of it, or there is
// no file. One that is there already is left alone. It names the machine and its
// libraries, so its owner alone may read it.
func createFile(path string, header []byte) (*file, error) {
	if err := outfile.Untaken(path); err != nil {
		return nil, err
	}
	err := outfile.New(path, func(w io.Writer) error {
		_, err := w.Write(header)
		return err
	})
	if err != nil {
		return nil, err
	}
	return openFile(path)
}

// openFile opens a results file to go on with it. Like a new one it is not another
// user's, nor where another user's link leads to.
func openFile(path string) (*file, error) {
	if err := outfile.Way(path); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|unix.O_NOFOLLOW, 0)
	if errors.Is(err, unix.ELOOP) {
		return nil, fmt.Errorf("results file %s is a link, and links are not followed: name the file itself", path)
	}
	if err != nil {
		return nil, fmt.Errorf("open results file: %w", err)
	}
	out := &file{f: f, path: path}
	info, err := f.Stat()
	switch {
	case err != nil:
		err = fmt.Errorf("open results file: %w", err)
	case !info.Mode().IsRegular():
		err = fmt.Errorf("results file %s is not a regular file", path)
	default:
		out.size, out.written = info.Size(), info.ModTime()
		err = out.lock()
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return out, nil
}

// private leaves the file to its owner alone, whatever it was.
func (f *file) private() error {
	if err := f.f.Chmod(0o600); err != nil {
		return fmt.Errorf("make the results file private: %w", err)
	}
	return nil
}

// lock keeps a second run off the file. The kernel drops the lock with the
// process, however it ends. File systems that know no locks go without.
func (f *file) lock() error {
	err := unix.Flock(int(f.f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return fmt.Errorf("results file %s is being written by another process", f.path)
	}
	return nil
}

// verify refuses to go on with a file that somebody else changed.
func (f *file) verify() error {
	open, err := f.f.Stat()
	if err != nil {
		return fmt.Errorf("results file %s: %w", f.path, err)
	}
	named, err := os.Stat(f.path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("results file %s was removed during the run", f.path)
	case err != nil:
		return fmt.Errorf("results file %s: %w", f.path, err)
	case !os.SameFile(open, named):
		return fmt.Errorf("results file %s was replaced by another during the run", f.path)
	case open.Size() != f.size:
		return fmt.Errorf("results file %s was changed during the run: it has %d bytes, but had %d after the last trial", f.path, open.Size(), f.size)
	case !open.ModTime().Equal(f.written):
		return fmt.Errorf("results file %s was changed during the run: something else wrote to it at %s",
			f.path, open.ModTime().Format("15:04:05.000"))
	}
	return nil
}

// remember notes when this process wrote last.
func (f *file) remember() error {
	info, err := f.f.Stat()
	if err == nil {
		f.written = info.ModTime()
	}
	return err
}

// Write appends p and returns when it is on the disk. After an error the file
// ends where it ended before.
func (f *file) Write(p []byte) (int, error) {
	if err := f.verify(); err != nil {
		return 0, err
	}
	n, err := f.f.Write(p)
	if err == nil {
		err = f.f.Sync()
	}
	if err == nil {
		err = f.remember()
	}
	if err != nil {
		return 0, errors.Join(fmt.Errorf("append to results file: %w", err), f.takeBack())
	}
	f.size += int64(n)
	return n, nil
}

func (f *file) takeBack() error {
	if err := f.f.Truncate(f.size); err != nil {
		return fmt.Errorf("remove the partly written last trial: %w", err)
	}
	return f.remember()
}

// cut shortens the file to what is good of it.
func (f *file) cut(size int64) error {
	if err := f.f.Truncate(size); err != nil {
		return fmt.Errorf("cut off the incomplete end of the results file: %w", err)
	}
	f.size = size
	return f.remember()
}

// reader reads the first n bytes.
func (f *file) reader(n int64) io.ReadSeeker { return io.NewSectionReader(f.f, 0, n) }

func (f *file) Close() error { return f.f.Close() }
