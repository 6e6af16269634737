package bench

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/perf/benchfmt"

	"tlsbench/results"
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
func Merge(path string, parts ...string) (Merged, error) {
	list, err := readParts(parts)
	if err != nil {
		return Merged{}, refuse(fmt.Errorf("merge: %w", err))
	}
	if err := complete(list); err != nil {
		return Merged{}, refuse(fmt.Errorf("merge: %w", err))
	}
	var text bytes.Buffer
	m, err := writeMerged(&text, list)
	if err != nil {
		return Merged{}, fmt.Errorf("merge: %w", err)
	}
	f, err := createFile(path, text.Bytes())
	if err != nil {
		return Merged{}, refuse(fmt.Errorf("merge: %w", err))
	}
	return m, f.Close()
}

// part is one shard's file.
type part struct {
	path   string
	doc    document
	header results.Header
	trials []*results.Trial
	torn   bool
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

func readPart(path string) (part, error) {
	set, err := results.ReadFiles(path)
	if err != nil {
		return part{}, err
	}
	p := part{path: path, header: set.Files[0].Header, trials: set.Trials, torn: set.Files[0].Torn}
	if p.doc, err = parseDocument(p.header.Plan); err != nil {
		return part{}, fmt.Errorf("%s: %w", path, err)
	}
	if len(p.doc.Parts) > 0 {
		return part{}, fmt.Errorf("%s is a merged file already", path)
	}
	return p, nil
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
	return fmt.Errorf("%s and %s are not of one plan: %s", p.path, o.path, what)
}

// complete refuses overlaps and gaps.
func complete(list []part) error {
	plan, err := NewPlan(list[0].doc.Spec, whole)
	if err != nil {
		return err
	}
	owner := make(map[int]string) // trial: file
	shard := make(map[int]string)
	for _, p := range list {
		if other, ok := shard[p.doc.Shard.Index]; ok {
			return fmt.Errorf("%s and %s are both shard %s", other, p.path, p.doc.Shard)
		}
		shard[p.doc.Shard.Index] = p.path
		if err := p.claim(owner); err != nil {
			return err
		}
	}
	if err := missingShards(list[0].doc.Shard.Count, shard); err != nil {
		return err
	}
	if len(owner) != plan.Len() {
		return fmt.Errorf("%d of the plan's %d trials are in no file", plan.Len()-len(owner), plan.Len())
	}
	return nil
}

// claim enters the part's trials, and refuses those that are not its own or
// not all there.
func (p part) claim(owner map[int]string) error {
	plan, err := NewPlan(p.doc.Spec, p.doc.Shard)
	if err != nil {
		return fmt.Errorf("%s: %w", p.path, err)
	}
	tasks := make(map[int]Task)
	for t := range plan.Tasks() {
		tasks[t.ID] = t
	}
	done := make(map[int]bool)
	for _, t := range p.trials {
		if other, ok := owner[t.ID]; ok && other != p.path {
			return fmt.Errorf("trial %d is both in %s and in %s", t.ID, other, p.path)
		}
		if err := belongs(t, tasks, done); err != nil {
			return fmt.Errorf("%s: %w", p.path, err)
		}
		done[t.ID] = true
		owner[t.ID] = p.path
	}
	if len(done) < len(tasks) {
		return fmt.Errorf("%s (shard %s) has %d of its %d trials: resume it first", p.path, p.doc.Shard, len(done), len(tasks))
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
		for _, t := range inOrder(group) {
			if err := w.Trial(t); err != nil {
				return m, err
			}
			m.Trials++
		}
	}
	return m, nil
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

func inOrder(group []part) []*results.Trial {
	var list []*results.Trial
	for _, p := range group {
		list = append(list, p.trials...)
	}
	slices.SortFunc(list, func(a, b *results.Trial) int { return a.ID - b.ID })
	return list
}
