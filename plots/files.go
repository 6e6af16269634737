package plots

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"tlsbench/results"
)

// Input is one results file.
type Input struct {
	Path   string
	Header results.Header
	Trials int // of all kinds, drawn or not

	plan        *plan       // nil where the file has none
	rounds      map[int]int // trials of each round
	first, last time.Time   // trials' starts
	load        span        // load average before trials
	steal       float64     // largest share of a trial
}

func newInput(path string) *Input {
	return &Input{Path: path, rounds: make(map[int]int), load: newSpan()}
}

func (in *Input) add(t *results.Trial) {
	in.Trials++
	in.rounds[t.Round]++
	in.load.add(t.LoadBefore)
	in.steal = math.Max(in.steal, t.Steal)
	if t.Start.IsZero() {
		return
	}
	if in.first.IsZero() || t.Start.Before(in.first) {
		in.first = t.Start
	}
	if t.Start.After(in.last) {
		in.last = t.Start
	}
}

// finish takes what stands before the trials.
func (in *Input) finish(h results.Header) {
	in.Header = h
	p := new(plan)
	if len(h.Plan) > 0 && json.Unmarshal(h.Plan, p) == nil && p.Spec.Rounds > 0 {
		in.plan = p
	}
}

func (in *Input) name() string { return base(in.Path) }

// planned is the number of trials of the plan: each round has every cell once,
// and rounds follow one another, so one whole round tells. 0 is for not known:
// no plan, one of several shards, which deal a round unevenly, or less than a
// whole round.
func (in *Input) planned() int {
	if in.plan == nil || in.plan.Shard.Count > 1 || in.plan.Spec.ofDaemons() {
		return 0
	}
	whole := 0
	for _, n := range in.rounds {
		whole = max(whole, n)
	}
	if len(in.rounds) < 2 && in.plan.Spec.Rounds > 1 {
		return 0
	}
	return whole * in.plan.Spec.Rounds
}

// unfinished says how much of its plan a file holds, "" if that is all.
func (in *Input) unfinished() string {
	planned := in.planned()
	switch {
	case in.plan == nil || in.plan.Shard.Count > 1 || in.plan.Spec.ofDaemons() || planned > 0 && in.Trials >= planned:
		return ""
	case planned == 0:
		return fmt.Sprintf("%s is not finished: %s, less than one of its %s", in.name(), count(in.Trials, "trial"), count(in.plan.Spec.Rounds, "round"))
	}
	return fmt.Sprintf("%s is not finished: %d of %s planned are in, of %s", in.name(), in.Trials, count(planned, "trial"), count(in.plan.Spec.Rounds, "round"))
}

// notes are what a reader has to know of the files that is no fault in them.
func (d *Data) notes() []string {
	var list []string
	for _, in := range d.Inputs {
		if text := in.unfinished(); text != "" {
			list = append(list, text+". What is shown holds for the trials that are in.")
		}
	}
	return list
}

// fileTable says of each file what it is and under what conditions it was made,
// from the file alone.
func fileTable(d *Data) *pageTable {
	t := &pageTable{Title: "Files", Head: []string{"file", "trials", "of planned", "from", "to", "load before a trial", "steal at most", "program"}}
	for _, in := range d.Inputs {
		row := pageRow{Name: in.name()}
		planned := "not known"
		switch n := in.planned(); {
		case n > 0 && in.Trials >= n:
			planned = "all"
		case n > 0:
			planned = fmt.Sprintf("%d: not finished", n)
		case in.plan != nil && in.plan.Shard.Count > 1:
			planned = fmt.Sprintf("shard %d of %d", in.plan.Shard.Index, in.plan.Shard.Count)
		}
		load := "not known"
		if !in.load.empty() {
			load = fmt.Sprintf("%.1f to %.1f", in.load.low, in.load.high)
		}
		for i, text := range []string{fmt.Sprint(in.Trials), planned, clock(in.first), clock(in.last), load, percent(in.steal), in.fact("tlsbench")} {
			row.Cells = append(row.Cells, pageCell{Head: t.Head[i+1], Text: text})
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func clock(t time.Time) string {
	if t.IsZero() {
		return "not known"
	}
	return t.UTC().Format("2006-01-02 15:04")
}

// fact is a line of the file's configuration.
func (in *Input) fact(key string) string {
	for _, c := range in.Header.Config {
		if c.Key == key {
			return string(c.Value)
		}
	}
	return "not known"
}

// describeFiles writes for the README of a folder what each file is, the
// commands that made them, and how to go on with what is not finished.
func (d *Data) describeFiles(b *strings.Builder) {
	b.WriteString("From the files themselves; times in UTC.\n")
	fileTable(d).markdown(b)
	b.WriteString("\nThe commands, each without what is default, and the lengths of trials:\n\n```\n" + strings.Join(Commands(d), "\n") + "\n```\n\n")
	for _, line := range durations(d) {
		b.WriteString("- " + line + "\n")
	}
	var open []string
	for _, in := range d.Inputs {
		if text := in.unfinished(); text != "" {
			open = append(open, fmt.Sprintf("- %s; on the same machine, with program %s: `tlsbench run --resume %s`", text, in.fact("tlsbench"), in.name()))
		}
	}
	if len(open) > 0 {
		b.WriteString("\nNot finished:\n\n" + strings.Join(open, "\n") + "\n")
	}
	for _, t := range []*pageTable{buildTable(d), factTable(d)} {
		if t != nil {
			t.markdown(b)
		}
	}
}

// factTable lists the facts of all files, each value once: machine, tools,
// libraries as they were loaded.
func factTable(d *Data) *pageTable {
	type fact struct{ key, value string }
	var order []fact
	files := make(map[fact][]string)
	for _, in := range d.Inputs {
		for _, c := range in.Header.Config {
			f := fact{c.Key, string(c.Value)}
			if files[f] == nil {
				order = append(order, f)
			}
			files[f] = append(files[f], in.name())
		}
	}
	slices.SortStableFunc(order, func(a, b fact) int {
		return cmp.Or(cmp.Compare(librariesLast(a.key), librariesLast(b.key)))
	})
	t := &pageTable{Title: "Machine, tools and libraries, from the files", Head: []string{"fact", "value"}}
	for _, f := range order {
		cell := pageCell{Head: "value", Text: f.value}
		if len(files[f]) < len(d.Inputs) {
			cell.Detail = strings.Join(files[f], ", ")
		}
		t.Rows = append(t.Rows, pageRow{Name: f.key, Cells: []pageCell{cell}})
	}
	if len(t.Rows) == 0 {
		t.Rows = []pageRow{{Name: "none", Cells: []pageCell{{Head: "value", Text: "the files say nothing"}}}}
	}
	return t
}

func librariesLast(key string) int {
	if strings.HasPrefix(key, "openssl-") {
		return 1
	}
	return 0
}

// buildTable names the exact OpenSSL files, by package and content.
func buildTable(d *Data) *pageTable {
	t := &pageTable{Title: "OpenSSL builds", Head: []string{"OpenSSL", "its own words", "package", "files", "SHA-256 of the files, one after the other"}}
	seen := make(map[string]bool)
	for _, in := range d.Inputs {
		if in.plan == nil {
			continue
		}
		for _, b := range in.plan.Spec.Builds {
			if b.Digest == "" || seen[b.Label+b.Digest] {
				continue
			}
			seen[b.Label+b.Digest] = true
			row := pageRow{Name: b.Label, OpenSSL: b.Label}
			for i, text := range []string{b.Library.Text, b.Library.from(), b.Library.files(), b.Digest} {
				row.Cells = append(row.Cells, pageCell{Head: t.Head[i+1], Text: text})
			}
			t.Rows = append(t.Rows, row)
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return t
}

// runTables are what a person needs to know to repeat the runs.
func runTables(d *Data) []*pageTable {
	list := []*pageTable{}
	if len(d.Inputs) > 0 {
		list = append(list, fileTable(d))
	}
	if t := buildTable(d); t != nil {
		list = append(list, t)
	}
	return append(list, factTable(d))
}

func base(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }
