package bench

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"tlsbench/results"
	"tlsbench/results/outfile"
)

// Merged is what a merge put together.
type Merged struct {
	Trials int
	Parts  []Part // by shard
}

// Merge joins the files of all shards of one plan into one new file, with the
// trials in the order in which one run would have made them. It refuses parts of
// different plans, seeds, versions or kinds of machine, a trial that is there
// twice and one that is missing.
//
// It reads the parts side by side and holds one trial of each at a time.
func Merge(path string, parts ...string) (m Merged, err error) {
	list, err := readParts(parts)
	if err == nil {
		err = outfile.Absent(path)
	}
	if err != nil {
		return Merged{}, refuse(fmt.Errorf("merge: %w", err))
	}
	err = outfile.New(path, func(w io.Writer) (err error) {
		m, err = writeMerged(w, list)
		return err
	})
	if err != nil {
		return Merged{}, fmt.Errorf("merge: %w", err)
	}
	return m, nil
}

// MergeTo is Merge into a stream.
func MergeTo(w io.Writer, parts ...string) (m Merged, err error) {
	list, err := readParts(parts)
	if err != nil {
		return Merged{}, refuse(fmt.Errorf("merge: %w", err))
	}
	if m, err = writeMerged(w, list); err != nil {
		return Merged{}, fmt.Errorf("merge: %w", err)
	}
	return m, nil
}

// part is one shard's file.
type part struct {
	path   string
	doc    document
	header results.Header
}

// readParts reads the files and gives one for each shard, in their order. It
// refuses files that are not of one plan, and shards that are missing or there
// twice.
func readParts(paths []string) ([]part, error) {
	if len(paths) == 0 {
		return nil, errors.New("no results files given")
	}
	var list []part
	for _, path := range paths {
		p, err := readPart(path)
		if err != nil {
			return nil, err
		}
		if len(list) > 0 {
			if err := list[0].sameExperiment(p); err != nil {
				return nil, err
			}
		}
		if i := slices.IndexFunc(list, func(o part) bool { return o.doc.Shard == p.doc.Shard }); i >= 0 {
			return nil, fmt.Errorf("%s and %s are both shard %s", list[i].path, path, p.doc.Shard)
		}
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b part) int { return a.doc.Shard.Index - b.doc.Shard.Index })
	return list, missingShards(list)
}

func missingShards(list []part) error {
	var missing []string
	count := list[0].doc.Shard.Count
	for i := 1; i <= count; i++ {
		if s := (Shard{i, count}); !slices.ContainsFunc(list, func(p part) bool { return p.doc.Shard == s }) {
			missing = append(missing, s.String())
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("no file has shard %s", strings.Join(missing, ", "))
	}
	return nil
}

// readPart reads what appears before the first trial.
func readPart(path string) (part, error) {
	f, err := openAgain(path)
	if err != nil {
		return part{}, err
	}
	defer f.Close()
	p := part{path: path}
	if p.header, err = readHeader(f, path); err != nil {
		return part{}, err
	}
	if p.doc, err = parseDocument(p.header.Plan); err != nil {
		return part{}, fmt.Errorf("%s: %w", path, err)
	}
	if len(p.doc.Parts) > 0 {
		return part{}, fmt.Errorf("%s is already a merged file", path)
	}
	return p, nil
}

// trials yields the trials of the file, in its order, and an error as the
// last if there is one.
func (p part) trials() iter.Seq2[*results.Trial, error] {
	return func(yield func(*results.Trial, error) bool) {
		f, err := openAgain(p.path)
		if err != nil {
			yield(nil, err)
			return
		}
		defer f.Close()
		r := results.NewReader(f, p.path)
		r.KeepSeries = true
		for r.Scan() {
			if !yield(r.Trial(), nil) {
				return
			}
		}
		if err := r.Err(); err != nil {
			yield(nil, err)
		}
	}
}

func (p part) sameExperiment(o part) error {
	diff := p.doc.planDifferences(o.doc)
	if p.doc.Shard.Count != o.doc.Shard.Count {
		diff = append(diff, fmt.Sprintf("number of shards: %d in the file, %d here", p.doc.Shard.Count, o.doc.Shard.Count))
	}
	why, hint := "belong to different plans", ""
	if len(diff) == 0 {
		diff = append(p.doc.Machine.differences(o.doc.Machine), pathDifferences(p.header, o.doc)...)
		why, hint = "ran on different machines", "; compare takes them as they are, with a table for each kind of machine"
	}
	if len(diff) == 0 {
		return nil
	}
	// The differences speak of "the file" and "here".
	what := strings.NewReplacer("in the file", "in "+p.path, " here", " in "+o.path).Replace(strings.Join(diff, "; "))
	return fmt.Errorf("%s and %s %s: %s%s", p.path, o.path, why, what, hint)
}

// writeMerged deals the trials of the whole plan out as the shards had them, and
// wants each to be the next one of its shard's file.
func writeMerged(to io.Writer, list []part) (Merged, error) {
	doc := list[0].doc
	doc.Shard, doc.Machine.Host = whole, ""
	var queues []*queue
	for _, p := range list {
		doc.Parts = append(doc.Parts, Part{Shard: p.doc.Shard.Index, Host: p.doc.Machine.Host})
		q := newQueue(p)
		defer q.stop()
		queues = append(queues, q)
	}
	m := Merged{Parts: doc.Parts}
	plan, err := planAgain(doc.Spec, whole)
	if err != nil {
		return m, refuse(err)
	}
	h, err := doc.header()
	if err != nil {
		return m, err
	}
	w := results.NewWriter(to)
	if err := w.Header(h); err != nil {
		return m, err
	}
	course := plan.course(len(queues))
	for task := range course.tasks(0) {
		t, err := queues[task.shard].take(task)
		if err != nil {
			return m, refuse(err)
		}
		course.saw(task, outcomeOf(t))
		if err := w.Trial(t); err != nil {
			return m, err
		}
		m.Trials++
	}
	for _, q := range queues {
		if err := q.end(); err != nil {
			return m, refuse(err)
		}
	}
	return m, nil
}

// queue is the trials of a part that are still to come.
type queue struct {
	part  part
	taken int
	next  func() (*results.Trial, error, bool)
	stop  func()
}

func newQueue(p part) *queue {
	next, stop := iter.Pull2(p.trials())
	return &queue{part: p, next: next, stop: stop}
}

// take gives the next trial, which has to be that of the task.
func (q *queue) take(task Task) (*results.Trial, error) {
	t, err, ok := q.next()
	switch {
	case err != nil:
	case !ok:
		return nil, q.tooFew()
	default:
		err = task.is(t)
	}
	if err != nil {
		return nil, q.wrong(err)
	}
	q.taken++
	return t, nil
}

func (q *queue) wrong(err error) error {
	return fmt.Errorf("%s (shard %s): %w", q.part.path, q.part.doc.Shard, err)
}

func (q *queue) tooFew() error {
	plan, err := planAgain(q.part.doc.Spec, q.part.doc.Shard)
	if err != nil {
		return q.wrong(err)
	}
	return q.wrong(fmt.Errorf("has %d of its %d trials: resume it first", q.taken, plan.Trials()))
}

// end refuses what comes after the last trial of the plan.
func (q *queue) end() error {
	t, err, more := q.next()
	if more && err == nil {
		err = afterTheLast(t)
	}
	if err != nil {
		return q.wrong(err)
	}
	return nil
}
