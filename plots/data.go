package plots

import (
	"cmp"
	"slices"
	"strings"

	"tlsbench/results"
)

// Options say what to draw. The zero value of each field is its default.
type Options struct {
	Compare results.Options // baseline, confidence, margin, filters
	// Probes are files written by "tlsbench probe --json", for the figure of
	// thread-local keys.
	Probes []string
}

// Data is what the figures are drawn from.
type Data struct {
	*results.Comparison
	Probes []*results.Probe
	Field  []*results.Comparison // of files of tlsbench field, one each
	AA     []*results.AASummary  // of files with duets of one strategy with itself alone
	Trials int                   // of all kinds, drawn or not

	judgesOthers bool // than controls
}

// Load reads results files, and probes. Files with daemons are in no figure: the
// rig's trials in them are there to be held against the daemons'. Those with duets of
// a strategy with itself are in the figure of noise alone.
func Load(o Options, files ...string) (*Data, error) {
	d := new(Data)
	runs, fields, itself := results.Sorted(files)
	for _, path := range itself {
		a, err := results.SummarizeAA(path)
		if err != nil {
			return nil, err
		}
		d.AA = append(d.AA, a)
	}
	for _, path := range fields {
		c, err := results.Summarize(results.Options{}, path)
		if err != nil {
			return nil, err
		}
		if c.Daemons == nil { // not one trial yet
			c.Daemons = new(results.Daemons)
		}
		d.Field = append(d.Field, c)
	}
	o.Compare.Singles = true
	var err error
	if len(runs) == 0 && len(files) > 0 { // a report of other files alone
		d.Comparison = &results.Comparison{Options: o.Compare}
	} else if d.Comparison, err = results.Summarize(o.Compare, runs...); err != nil {
		return nil, err
	}
	for _, in := range d.Inputs {
		d.Trials += in.Trials
	}
	d.judgesOthers = slices.ContainsFunc(d.Tables, judgesOthers)
	for _, path := range o.Probes {
		p, err := results.ReadProbe(path)
		if err != nil {
			return nil, err
		}
		d.Probes = append(d.Probes, p)
	}
	return d, nil
}

// Which scenes a figure is of.

// judgesOthers reports whether there is a verdict on anything but a control.
func judgesOthers(s *results.Table) bool {
	return slices.ContainsFunc(s.Rows, func(r *results.Row) bool {
		return r.Strategy != results.PositiveControl && r.Strategy != results.NegativeControl && r.Verdict.Worst() != results.NoTrials
	})
}

// scenesWith lists the scenes in which some strategy has something.
func (d *Data) scenesWith(some func(*results.Row) bool) []*results.Table {
	return slices.DeleteFunc(slices.Clone(d.Tables), func(s *results.Table) bool { return !slices.ContainsFunc(s.Rows, some) })
}

// fullyJudged lists the scenes that compare strategies by damage: without those of
// a throughput run, whose plan wanted verdicts on the controls alone.
func (d *Data) fullyJudged() []*results.Table {
	return slices.DeleteFunc(slices.Clone(d.Tables), func(s *results.Table) bool {
		return !s.Judged() || d.judgesOthers && !judgesOthers(s)
	})
}

// mainCosts lists the scenes that compare throughput: of those that differ in
// the number of workers alone, the one with the most runs. The others stand in
// the figure of scaling.
func (d *Data) mainCosts() []*results.Table {
	var list []*results.Table
	for _, group := range grouped(d.scenesWith(measured), func(s *results.Scene) { s.Workers = 0 }) {
		list = append(list, slices.MinFunc(group, func(a, b *results.Table) int {
			return cmp.Or(runs(b)-runs(a), unusual(a)-unusual(b))
		}))
	}
	return list
}

// measured reports whether there are trials of throughput.
func measured(r *results.Row) bool { return r.Throughput > 0 }

// runs counts the trials of throughput, those without a value too.
func runs(s *results.Table) int {
	n := 0
	for _, r := range s.Rows {
		n += r.Throughput
	}
	return n
}

// unusual counts what differs from the default.
func unusual(s *results.Table) int {
	n := len(strings.Fields(string(s.Settings))) // what has its default is not among them
	if s.Workers != results.DefaultWorkers {
		n++
	}
	return n
}
