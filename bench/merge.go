package bench

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"tlsbench/results"
	"tlsbench/results/outfile"
)

// Merged is what a merge put together.
type Merged struct {
	Trials, Shards int
}

// Merge joins the files of all shards of one plan into one new file, with the
// trials in the order in which one run would have made them. It refuses parts of
// different plans, seeds, versions or kinds of machine, a trial that is there
// twice and one that is missing.
//
// It reads the parts side by side and holds one trial of each at a time.
func Merge(path string, parts ...string) (m Merged, err error) {
	err = outfile.New(path, func(w io.Writer) (err error) {
		m, err = MergeTo(w, parts...)
		return err
	})
	return m, err
}

// MergeTo is Merge into a stream.
func MergeTo(w io.Writer, parts ...string) (Merged, error) {
	list, err := readParts(parts)
	if err != nil {
		return Merged{}, refuse(err)
	}
	return writeMerged(w, list)
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
	h, d, err := readDocument(f)
	if err != nil {
		return part{}, fmt.Errorf("%s: %w", path, err)
	}
	return part{path, d, h}, nil
}

func (p part) sameExperiment(o part) error {
	diff := p.doc.planDifferences(o.doc)
	if p.doc.Shard.Count != o.doc.Shard.Count {
		diff = append(diff, fmt.Sprintf("number of shards: %d in the file, %d here", p.doc.Shard.Count, o.doc.Shard.Count))
	}
	why, hint := "belong to different plans", ""
	if len(diff) == 0 {
		diff = append(fieldDifferences(p.doc.Machine, o.doc.Machine), pathDifferences(p.header, o.doc)...)
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
	doc.Shard = whole
	var queues []*queue
	for _, p := range list {
		f, err := openAgain(p.path)
		if err != nil {
			return Merged{}, err
		}
		defer f.Close()
		q := &queue{part: p, trials: results.NewReader(f, p.path)}
		q.trials.KeepSeries = true
		queues = append(queues, q)
		doc.Parts = append(doc.Parts, p.doc.Shard)
	}
	m := Merged{Shards: len(list)}
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
		course.saw(task, lifeOf(t))
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

// queue is a part whose trials are taken one by one.
type queue struct {
	part
	trials *results.Reader
	taken  int
}

// take gives the next trial, which has to be that of the task.
func (q *queue) take(task Task) (*results.Trial, error) {
	if !q.trials.Scan() {
		plan, err := planAgain(q.doc.Spec, q.doc.Shard)
		if err = errors.Join(q.trials.Err(), err); err == nil {
			err = fmt.Errorf("has %d of its %d trials: resume it first", q.taken, plan.Trials())
		}
		return nil, q.wrong(err)
	}
	q.taken++
	t := q.trials.Trial()
	return t, q.wrong(task.is(t))
}

// end refuses what comes after the last trial of the plan.
func (q *queue) end() error {
	if q.trials.Scan() {
		return q.wrong(afterTheLast(q.trials.Trial()))
	}
	return q.wrong(q.trials.Err())
}

func (q *queue) wrong(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s (shard %s): %w", q.path, q.doc.Shard, err)
}
