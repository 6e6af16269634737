package bench

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strings"

	"golang.org/x/perf/benchfmt"

	"tlsbench/results"
	"tlsbench/results/outfile"
)

// Merged is what a merge put together.
type Merged struct {
	Trials   int
	Machines []Machine // one of each kind
	Parts    []Part    // by shard
}

// Merge joins the files of all shards of one plan into one new file. It
// refuses parts of different plans, seeds or versions, a trial that is there
// twice and one that is missing. Trials of different kinds of machine stand
// under configuration lines of their own, so that neither benchstat nor
// compare puts them into one sample; those of one kind stand together,
// whatever the hosts were called.
//
// It reads the parts twice, first to check them and then to copy them, and
// holds no more than one round of the plan at a time.
func Merge(path string, parts ...string) (Merged, error) {
	list, err := readParts(parts)
	if err != nil {
		return Merged{}, refuse(fmt.Errorf("merge: %w", err))
	}
	if err := complete(list); err != nil {
		return Merged{}, refuse(fmt.Errorf("merge: %w", err))
	}
	if err := outfile.Absent(path); err != nil {
		return Merged{}, refuse(fmt.Errorf("merge: %w", err))
	}
	var m Merged
	err = outfile.New(path, func(w io.Writer) (err error) {
		m, err = writeMerged(w, list)
		return err
	})
	if err != nil {
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

// readParts reads the files and refuses those that are not of one plan.
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
		list = append(list, p)
	}
	slices.SortStableFunc(list, func(a, b part) int { return a.doc.Shard.Index - b.doc.Shard.Index })
	return list, nil
}

// readPart reads what stands before the first trial.
func readPart(path string) (part, error) {
	f, err := os.Open(path)
	if err != nil {
		return part{}, err
	}
	defer f.Close()
	r := results.NewReader(f, path)
	r.Scan()
	if err := r.Err(); err != nil {
		return part{}, err
	}
	p := part{path: path, header: r.Header()}
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
		f, err := os.Open(p.path)
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
	if len(diff) == 0 {
		return nil
	}
	// The differences speak of "the file" and "here".
	what := strings.NewReplacer("in the file", "in "+p.path, " here", " in "+o.path).Replace(strings.Join(diff, "; "))
	return fmt.Errorf("%s and %s belong to different plans: %s", p.path, o.path, what)
}

// complete refuses overlaps and gaps. The shards share the plan out, so if
// each is there once, with all of its own trials, every trial is.
func complete(list []part) error {
	shard := make(map[int]string)
	for _, p := range list {
		if other, ok := shard[p.doc.Shard.Index]; ok {
			return fmt.Errorf("%s and %s are both shard %s", other, p.path, p.doc.Shard)
		}
		shard[p.doc.Shard.Index] = p.path
		if err := p.whole(); err != nil {
			return fmt.Errorf("%s (shard %s): %w", p.path, p.doc.Shard, err)
		}
	}
	return missingShards(list[0].doc.Shard.Count, shard)
}

// whole refuses a part that is not the trials of its shard, all of them and
// in their order, which is the one that a run appends them in.
func (p part) whole() error {
	plan, err := NewPlan(p.doc.Spec, p.doc.Shard)
	if err != nil {
		return err
	}
	next, stop := iter.Pull(plan.Tasks())
	defer stop()
	done := 0
	for t, err := range p.trials() {
		if err != nil {
			return err
		}
		task, ok := next()
		if !ok {
			return fmt.Errorf("trial %d comes after the last trial of the plan", t.ID)
		}
		if t.ID != task.ID || t.Round != task.Round {
			return fmt.Errorf("trial %d of round %d is where the plan has trial %d of round %d", t.ID, t.Round, task.ID, task.Round)
		}
		if err := task.is(t); err != nil {
			return err
		}
		done++
	}
	missing := 0
	for _, ok := next(); ok; _, ok = next() {
		missing++
	}
	if missing > 0 {
		return fmt.Errorf("has %d of its %d trials: resume it first", done, done+missing)
	}
	return nil
}

func missingShards(count int, have map[int]string) error {
	var missing []string
	for i := 1; i <= count; i++ {
		if _, ok := have[i]; !ok {
			missing = append(missing, Shard{i, count}.String())
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("no file has shard %s", strings.Join(missing, ", "))
	}
	return nil
}

// writeMerged writes the trials, those with equal configuration together, and
// within that in the order of the plan's numbers.
func writeMerged(to io.Writer, list []part) (Merged, error) {
	doc, m := mergedDocument(list)
	whole, err := doc.header()
	if err != nil {
		return m, err
	}
	w := results.NewWriter(to)
	for i, group := range byConfig(list) {
		h := results.Header{Config: group[0].header.Config}
		if i == 0 {
			h.Plan = whole.Plan
		}
		if err := w.Header(h); err != nil {
			return m, err
		}
		for t, err := range inOrder(group, doc.Spec.rounds()) {
			if err == nil {
				err = w.Trial(t)
			}
			if err != nil {
				return m, err
			}
			m.Trials++
		}
	}
	return m, sameNumber(m.Trials, doc.Spec)
}

// sameNumber refuses what cannot be unless a part was changed after it was
// checked.
func sameNumber(trials int, s Spec) error {
	plan, err := NewPlan(s, whole)
	if err != nil {
		return err
	}
	if trials != plan.Len() {
		return fmt.Errorf("%d trials read, but the plan has %d: a part was changed meanwhile", trials, plan.Len())
	}
	return nil
}

// mergedDocument is that of the whole plan, and says what ran where.
func mergedDocument(list []part) (document, Merged) {
	doc := list[0].doc
	doc.Shard, doc.Machine = whole, Machine{}
	kinds := make(map[string]int)
	for _, p := range list {
		kind, ok := kinds[p.doc.Machine.Kind()]
		if !ok {
			kind = len(doc.Machines)
			kinds[p.doc.Machine.Kind()] = kind
			m := p.doc.Machine
			m.Host = ""
			doc.Machines = append(doc.Machines, m)
		}
		doc.Parts = append(doc.Parts, Part{Shard: p.doc.Shard.Index, Machine: kind, Host: p.doc.Machine.Host})
	}
	return doc, Merged{Machines: doc.Machines, Parts: doc.Parts}
}

// byConfig groups parts whose configuration lines are the same, in the order
// of the first of each.
func byConfig(list []part) [][]part {
	var groups [][]part
	index := make(map[string]int)
	for _, p := range list {
		key := configText(p.header.Config)
		i, ok := index[key]
		if !ok {
			i = len(groups)
			index[key] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], p)
	}
	return groups
}

func configText(list []benchfmt.Config) string {
	var b strings.Builder
	for _, c := range list {
		fmt.Fprintf(&b, "%s: %s\n", c.Key, c.Value)
	}
	return b.String()
}

// inOrder yields the trials of several parts in the order of their numbers,
// round by round: the parts have the rounds in order, and only within a round
// the trials at random.
func inOrder(group []part, rounds int) iter.Seq2[*results.Trial, error] {
	return func(yield func(*results.Trial, error) bool) {
		var queues []*queue
		defer func() {
			for _, q := range queues {
				q.stop()
			}
		}()
		for _, p := range group {
			queues = append(queues, newQueue(p.trials()))
		}
		for round := 1; round <= rounds; round++ {
			var list []*results.Trial
			for _, q := range queues {
				trials, err := q.round(round)
				if err != nil {
					yield(nil, err)
					return
				}
				list = append(list, trials...)
			}
			slices.SortFunc(list, func(a, b *results.Trial) int { return a.ID - b.ID })
			for _, t := range list {
				if !yield(t, nil) {
					return
				}
			}
		}
	}
}

// queue is the trials of a part that are still to come.
type queue struct {
	next func() (*results.Trial, error, bool)
	stop func()
	held *results.Trial // the first of the next round
}

func newQueue(trials iter.Seq2[*results.Trial, error]) *queue {
	next, stop := iter.Pull2(trials)
	return &queue{next: next, stop: stop}
}

// round takes all trials of a round, which is the next.
func (q *queue) round(n int) ([]*results.Trial, error) {
	var list []*results.Trial
	for {
		t := q.held
		if q.held = nil; t == nil {
			var err error
			var ok bool
			if t, err, ok = q.next(); !ok || err != nil {
				return list, err
			}
		}
		if t.Round != n {
			q.held = t
			return list, nil
		}
		list = append(list, t)
	}
}
