package plots

import (
	"cmp"
	"slices"
	"strings"
	"time"

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
	Scenes []*Scene // in the order of Comparison.Tables
	Probes []*results.Probe
	Field  []*results.Comparison // of files of tlsbench field, one each
	AA     []*results.AASummary  // of files with duets of one strategy with itself alone
	Trials int                   // of all kinds, drawn or not

	judgesOthers bool // than controls
}

// Scene is what the strategies are compared in, with the values of its trials.
type Scene struct {
	*results.Table
	series map[string]*series
}

// series are the single values of one strategy in one scene.
type series struct {
	runs    map[results.Measure][]run
	lives   []life                     // corruption trials at the scene's check rate
	without map[results.Measure]string // why trials were not made, or came to nothing
}

// run is a trial that yielded values.
type run struct {
	file, round int
	start       time.Time
	metrics     []results.Metric
}

func (r *run) value(unit string) (float64, bool) {
	for _, m := range r.metrics {
		if m.Unit == unit {
			return m.Value, true
		}
	}
	return 0, false
}

// life is how long a trial stayed undamaged.
type life struct {
	handshakes float64
	damaged    bool
}

// Load reads results files, and probes. Files with daemons are in no figure: the
// rig's trials in them are there to be held against the daemons'. Those with duets of
// a strategy with itself are in the figure of noise alone.
func Load(o Options, files ...string) (*Data, error) {
	d := new(Data)
	var runs []string
	for _, path := range files {
		if results.OnlyAA(path) {
			a, err := results.SummarizeAA(path)
			if err != nil {
				return nil, err
			}
			d.AA = append(d.AA, a)
			continue
		}
		if !results.HasDaemons(path) {
			runs = append(runs, path)
			continue
		}
		c, err := results.Summarize(results.Options{}, path)
		if err != nil {
			return nil, err
		}
		if c.Daemons == nil { // not one trial yet
			c.Daemons = new(results.Daemons)
		}
		d.Field = append(d.Field, c)
	}
	kept := make(map[results.Scene]map[string]*series)
	o.Compare.Each = func(file int, scene results.Scene, t *results.Trial) {
		d.Trials++
		if kept[scene] == nil {
			kept[scene] = make(map[string]*series)
		}
		s := kept[scene][t.Cell.Strategy]
		if s == nil {
			s = &series{runs: make(map[results.Measure][]run), without: make(map[results.Measure]string)}
			kept[scene][t.Cell.Strategy] = s
		}
		s.add(file, t)
	}
	var err error
	if len(runs) == 0 && len(files) > 0 { // a report of other files alone
		d.Comparison = &results.Comparison{Baseline: o.Compare.Baseline, Confidence: o.Compare.Confidence, Margin: o.Compare.Margin}
	} else if d.Comparison, err = results.Summarize(o.Compare, runs...); err != nil {
		return nil, err
	}
	for _, t := range d.Tables {
		d.Scenes = append(d.Scenes, &Scene{t, kept[t.Scene]})
	}
	d.judgesOthers = slices.ContainsFunc(d.Scenes, (*Scene).judgesOthers)
	for _, path := range o.Probes {
		p, err := results.ReadProbe(path)
		if err != nil {
			return nil, err
		}
		d.Probes = append(d.Probes, p)
	}
	return d, nil
}

// of returns the values of a strategy, never nil.
func (s *Scene) of(strategy string) *series {
	if v := s.series[strategy]; v != nil {
		return v
	}
	return new(series)
}

func (s *series) add(file int, t *results.Trial) {
	switch m := t.Cell.Measure; {
	case t.Status != results.OK:
		s.without[m] = statusText[t.Status]
	case m != results.Corruption && len(t.Metrics) > 0 && !t.Damaged():
		s.runs[m] = append(s.runs[m], run{file, t.Round, t.Start, slices.Clone(t.Metrics)})
	case m == results.Corruption && t.Cell.Setting("check") != "0":
		s.lives = append(s.lives, lifeOf(t))
	}
}

// statusText says why a trial has no outcome.
var statusText = map[results.Status]string{
	results.Skipped: string(results.SkippedWord), results.NotApplicable: string(results.NotApplicWord), results.Failed: "could not be carried out",
}

// lifeOf gives the good handshakes made before the first event, or before the
// trial ended without one. Plain "go test -bench" output does not tell when
// the event came: the trial's length stands for it.
func lifeOf(t *results.Trial) life {
	l := life{float64(t.Handshakes), t.Damaged()}
	if l.damaged && t.FirstEvent > 0 {
		l.handshakes = float64(t.FirstEventAt)
	}
	return l
}

// Which scenes a figure is of.

// judgesOthers reports whether there is a verdict on anything but a control.
func (s *Scene) judgesOthers() bool {
	return slices.ContainsFunc(s.Rows, func(r *results.Row) bool {
		return r.Strategy != results.PositiveControl && r.Strategy != results.NegativeControl && r.Verdict.Worst() != results.NoTrials
	})
}

// scenesWith lists the scenes in which some strategy has something.
func (d *Data) scenesWith(some func(*results.Row) bool) []*Scene {
	return slices.DeleteFunc(slices.Clone(d.Scenes), func(s *Scene) bool { return !slices.ContainsFunc(s.Rows, some) })
}

// fullyJudged lists the scenes that compare strategies by damage: without those of
// a throughput run, whose plan wanted verdicts on the controls alone.
func (d *Data) fullyJudged() []*Scene {
	return slices.DeleteFunc(slices.Clone(d.Scenes), func(s *Scene) bool {
		return !s.Judged() || d.judgesOthers && !s.judgesOthers()
	})
}

// mainCosts lists the scenes that compare throughput: of those that differ in
// the number of workers alone, the one with the most runs. The others stand in
// the figure of scaling.
func (d *Data) mainCosts() []*Scene {
	var list []*Scene
	for _, group := range grouped(d.withRuns(), func(s *results.Scene) { s.Workers = 0 }) {
		list = append(list, slices.MinFunc(group, func(a, b *Scene) int {
			return cmp.Or(b.runs()-a.runs(), a.unusual()-b.unusual())
		}))
	}
	return list
}

// withRuns lists the scenes that have trials of throughput.
func (d *Data) withRuns() []*Scene {
	return d.scenesWith(func(r *results.Row) bool { return r.Throughput > 0 })
}

// runs counts the trials of throughput, those without a value too.
func (s *Scene) runs() int {
	n := 0
	for _, r := range s.Rows {
		n += r.Throughput
	}
	return n
}

// unusual counts what differs from the default.
func (s *Scene) unusual() int {
	n := len(strings.Fields(s.Settings)) // what has its default is not among them
	if s.Workers != results.DefaultWorkers {
		n++
	}
	return n
}

// names lists the strategies that a scene has, in the order of all figures.
func (s *Scene) names() []string { return results.Strategies(s.Table) }

func strategiesOf(scenes []*Scene) []string {
	var tables []*results.Table
	for _, s := range scenes {
		tables = append(tables, s.Table)
	}
	return results.Strategies(tables...)
}
