package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"tlsbench/bench"
	"tlsbench/results"
	"tlsbench/results/inference"
	"tlsbench/results/number"
	"tlsbench/results/page"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload"
)

// runCommand carries out a plan and shows what came out.
type runCommand struct {
	buildFlags `group:"What is compared:"`
	Strategy   []string `group:"What is compared:" placeholder:"NAME" help:"Strategies: name, name:key=value, or ./own.so. All by default."`
	Hazard     []string `group:"What is compared:" placeholder:"NAME" help:"What else is in the process: name, name:key=value, several joined by +, or all; see tlsbench list hazard."`

	Workers    []int    `group:"The rig:" placeholder:"N" help:"Number of workers, 1 to ${maxworkers}; 4 by default."`
	Load       []string `group:"The rig:" placeholder:"NAME" help:"Where handshakes come from: ${loads}."`
	Heap       []string `group:"The rig:" placeholder:"NAME" help:"The heap behind OpenSSL: ${heaps}."`
	HeapSafety []string `group:"The rig:" placeholder:"NAME" help:"After a bad free: ${heapsafetys}."`
	heapFlag   `group:"The rig:"`
	Locks      []string `group:"The rig:" placeholder:"NAME" help:"Locks across processes: ${lockss}."`
	TLS        []string `group:"The rig:" name:"tls" placeholder:"V" help:"Protocol version: ${tlss}."`
	Key        []string `group:"The rig:" placeholder:"NAME" help:"The server's key: ${keys}."`
	Rand       []string `group:"The rig:" placeholder:"NAME" help:"Random generator: ${rands}."`

	Measure      []string      `group:"The trials:" placeholder:"NAME" help:"What trials measure: ${measures}; the first two by default."`
	Bad          *share        `group:"The trials:" placeholder:"SHARE" help:"Share of bad peers; by default 20% in corruption and sharing trials and none in others."`
	CheckRate    *int          `group:"The trials:" placeholder:"N" help:"Active checks for each handshake of a corruption trial; 0 is off, 4 by default."`
	Preset       string        `group:"The trials:" default:"default" placeholder:"NAME" help:"Numbers that go together: ${presets}."`
	Rounds       rounds        `group:"The trials:" placeholder:"N" help:"Trials of each cell, or auto: as many as the verdict needs; see tlsbench help statistics. With --resume: adds rounds, or ends the plan after fewer."`
	HazardRounds int           `group:"The trials:" placeholder:"N" help:"Look at hazards for damage alone, in N trials of each strategy."`
	Duration     time.Duration `group:"The trials:" placeholder:"TIME" help:"Length of each trial, such as 700ms."`
	Seed         uint64        `group:"The trials:" placeholder:"N" help:"Seed of the order and of the bad peers; drawn and printed if not given."`
	NoControls   bool          `group:"The trials:" help:"Leave the controls out. The run is marked."`

	Against   []string `group:"Duets:" placeholder:"NAME" help:"Strategies that the others take turns with; key-owner by default."`
	DuetPairs int      `group:"Duets:" placeholder:"N" help:"Pairs of processes of each duet; by default 20, and up to 80 until the interval is within 0.25 %."`

	ForkMemory []int    `group:"Fork trials:" placeholder:"MIB" help:"Private memory of rank 0; 16 by default."`
	ForkKeys   []int    `group:"Fork trials:" placeholder:"N" help:"Filled thread-local keys besides OpenSSL's; 0 by default."`
	HugePages  []string `group:"Fork trials:" placeholder:"NAME" help:"Transparent huge pages: ${hugepagess}."`
	ForkPairs  int      `group:"Fork trials:" placeholder:"N" help:"Pairs of forks in a trial; 100 by default, 500 with other measures."`

	resultFlags `group:"The results:"`
}

// resultFlags say where results go, and how they are printed.
type resultFlags struct {
	Output string `short:"o" placeholder:"FILE" help:"Results file; a dated name in the current folder by default."`
	Resume string `placeholder:"FILE" help:"Continue an interrupted run. The plan is taken from the file; --strategy DIR/own.so says where an own object lies now."`
	Shard  string `placeholder:"I/N" help:"Run part I of N of the plan; see tlsbench help shards."`
	JSON   bool   `name:"json" help:"Print the comparison as JSON."`
	Quiet  bool   `short:"q" help:"Say nothing of how the run goes on; only the comparison, and what went wrong."`
}

// rounds is a number of rounds, or auto: each cell has as many as it needs.
type rounds int

const auto rounds = -1

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *rounds) UnmarshalText(text []byte) error {
	if string(text) == "auto" {
		*r = auto
		return nil
	}
	n, err := strconv.Atoi(string(text))
	if err != nil {
		return fmt.Errorf("%q: want a number, or auto", text)
	}
	if n < 1 {
		return fmt.Errorf("%d: want at least 1, or auto", n)
	}
	*r = rounds(n)
	return nil
}

// job is a plan, and the file that its results go to.
type job struct {
	resultFlags
	command string // that goes on with it
	plan    *bench.Plan
	changed *bench.Plan // nil, or the file's plan with another number of rounds
	path    string
}

// check refuses flags that contradict each other.
func (f *resultFlags) check() error {
	if f.Output == "-" || f.Resume == "-" {
		return refuse("results file -: an interrupted run goes on with its file, so it needs a name")
	}
	if f.Resume != "" && f.Output != "" {
		return refuse("-o %s together with --resume %s: a resumed run writes to its own file", f.Output, f.Resume)
	}
	return nil
}

// job makes a plan one whose results go where the flags say.
func (f *resultFlags) job(command string, plan *bench.Plan) *job {
	path := cmp.Or(f.Resume, f.Output, fileName(time.Now(), plan.Shard))
	return &job{resultFlags: *f, command: command, plan: plan, path: path}
}

// carryOut runs the trials that are still to do.
func (j *job) carryOut(s *session, r *bench.Runner) (sum bench.Summary, err error) {
	if err := cmp.Or(j.changed, j.plan).Count(s.ctx); err != nil {
		return sum, err
	}
	watcher := newWatcher(s, j.Quiet, func() { j.announce(s) })
	defer watcher.close()
	r.Changed = j.changed
	r.Plan, r.Machine, r.Execute, r.Observer = j.plan, bench.ThisMachine(), workload.Run, watcher
	if j.Resume != "" {
		sum, err = r.Resume(s.ctx, j.path)
	} else {
		sum, err = r.Run(s.ctx, j.path)
	}
	if errors.Is(err, context.Canceled) {
		err = &interruption{fmt.Sprintf("interrupted after %d of %s, all on disk; continue with: tlsbench %s --resume %s",
			sum.Done, number.Count(sum.Total, "trial"), j.command, j.path)}
	}
	return sum, err
}

// announce says what is going to happen.
func (j *job) announce(s *session) {
	if j.Quiet {
		return
	}
	w := s.stdout
	if j.JSON { // for the comparison alone
		w = s.stderr
	}
	spec := j.plan.Spec
	all := cmp.Or(j.changed, j.plan)
	trials := all.Trials()
	plan := fmt.Sprintf("%s in %s of %s, about %v", number.Count(trials, "trial"), number.Count(all.Rounds(), "round"),
		number.Count(len(all.Cells()), "cell"), all.Estimate().Round(time.Second))
	if spec.Sequential {
		plan = fmt.Sprintf("at most %s of %s while damage comes early, about %v; a cell ends at %d damaged lives", number.Count(trials, "trial"),
			number.Count(len(all.Cells()), "cell"), all.Estimate().Round(time.Second), results.StopDamaged)
	}
	if slices.Contains(spec.Measures, results.Duet) && spec.Duet.Pairs == 0 {
		plan += fmt.Sprintf("; a duet of which %d pairs are too few gets up to %d", inference.DuetFirst, inference.DuetMost)
	}
	if all.Shard.Count > 1 {
		plan += fmt.Sprintf("; shard %s of %s", all.Shard, number.Count(all.Len(), "trial"))
	}
	list := page.List{item("results", j.path), item("seed", fmt.Sprint(spec.Seed)), item("plan", plan)}
	for _, d := range spec.Daemon.List {
		list = append(list, item("kamailio", fmt.Sprintf("%s on OpenSSL %s", d.Package, d.OpenSSL)))
	}
	for _, b := range spec.Builds {
		list = append(list, item("openssl", fmt.Sprintf("%s (%s)", b.Label, home(b.Libcrypto))))
	}
	show(w, list)
}

// Run carries out the plan.
func (c *runCommand) Run(s *session) error {
	return c.run(s, func(_ *job, summary *results.Comparison) (*page.Document, error) {
		return page.Overview(summary), nil
	})
}

// run carries out the plan, and shows the document that is made of what came out.
// It fails if a trial could not be carried out or a control came out wrong.
func (c *runCommand) run(s *session, document func(*job, *results.Comparison) (*page.Document, error)) error {
	j, err := c.job(s)
	if err != nil {
		return err
	}
	sum, err := j.carryOut(s, new(bench.Runner))
	if err != nil {
		return err
	}
	summary, err := results.Summarize(results.Options{}, j.path)
	if err != nil {
		return err
	}
	doc, err := document(j, summary)
	if err != nil {
		return err
	}
	doc.Add(deviations(summary.Tables)...)
	var wrong []string
	if sum.Failed > 0 {
		wrong = append(wrong, fmt.Sprintf("%d of %s could not be carried out", sum.Failed, number.Count(sum.Ran, "trial")))
	}
	return j.conclude(s, doc, append(wrong, results.FailedControls(summary.Tables)...))
}

func (c *runCommand) job(s *session) (*job, error) {
	if err := c.resultFlags.check(); err != nil {
		return nil, err
	}
	// A resumed run takes its plan from the file; where flags give one too, as in
	// a manifest that always says the same, it has to be the file's.
	if c.locates(s) {
		plan, err := bench.ReadPlan(c.Resume)
		if err != nil {
			return nil, err
		}
		plan.Locate(c.Strategy...)
		if plan.Spec.OfDaemons() {
			return nil, refuse("resume %s: it has daemons: use tlsbench field --resume %[1]s", c.Resume)
		}
		j := c.resultFlags.job("run", plan)
		same := int(c.Rounds) == plan.Spec.Rounds || c.Rounds == auto && plan.Spec.Sequential && plan.Spec.Rounds == 0
		if c.Rounds != 0 && !same {
			if j.changed, err = plan.Change(int(c.Rounds)); err != nil {
				return nil, refuse("resume %s: %w", c.Resume, err)
			}
		}
		return j, nil
	}
	spec, err := c.spec(s.given)
	if err != nil {
		return nil, err
	}
	shard, err := bench.ParseShard(c.Shard)
	if err != nil {
		return nil, err
	}
	plan, err := c.plan(s.ctx, spec, shard)
	if err != nil {
		return nil, err
	}
	return c.resultFlags.job("run", plan), nil
}

// locates reports whether --strategy says no more than where the shared objects of
// the plan to be resumed lie.
func (c *runCommand) locates(s *session) bool {
	return c.Resume != "" && !s.gave("resume", "json", "quiet", "rounds", "strategy") &&
		!slices.ContainsFunc(c.Strategy, func(name string) bool { return !strings.HasSuffix(name, ".so") })
}

// gave reports whether there are flags besides those named: they describe a plan.
func (s *session) gave(besides ...string) bool {
	return slices.ContainsFunc(s.given, func(flag string) bool { return !slices.Contains(besides, flag) })
}

// fileName is the name of a results file that was given none.
func fileName(now time.Time, shard bench.Shard) string {
	name := "tlsbench-" + now.Format("20060102-150405")
	if shard.Count > 1 {
		name += fmt.Sprintf("-shard-%d-of-%d", shard.Index, shard.Count)
	}
	return name + ".txt"
}

// spec turns the flags into what package bench plans from; builds apart.
func (c *runCommand) spec(given []string) (bench.Spec, error) {
	preset, err := bench.FindPreset(c.Preset)
	if err != nil {
		return bench.Spec{}, &refusal{Err: err}
	}
	spec := bench.Spec{Spec: results.Spec{
		Workers: c.Workers, Loads: c.Load, Heaps: c.Heap, TLS: c.TLS, Keys: c.Key, Rands: c.Rand,
		Locks: c.Locks, HeapSafety: c.HeapSafety, HeapBytes: c.bytes(), Bad: (*float64)(c.Bad), CheckRate: c.CheckRate,
		Rounds: max(0, int(c.Rounds)), HazardRounds: c.HazardRounds, Sequential: c.Rounds == auto, Seed: c.Seed, NoControls: c.NoControls,
		HandshakeTime: c.Duration, CorruptionTime: c.Duration,
		Fork: results.ForkSpec{Memory: c.ForkMemory, Filled: c.ForkKeys, HugePages: c.HugePages, Pairs: c.ForkPairs},
		Duet: results.DuetSpec{Pairs: c.DuetPairs},
	}}
	if len(c.Against) > 0 {
		if spec.Duet.Against, err = parseStrategies(c.Against); err != nil {
			return spec, err
		}
	}
	if spec.Measures, err = parseMeasures(c.Measure); err != nil {
		return spec, err
	}
	if err := checkMeasures(given, results.OrDefault(spec.Measures, results.DefaultMeasures...)); err != nil {
		return spec, err
	}
	takesHazards := func(m results.Measure) bool { return m != results.Fork && m != results.Duet }
	if preset.AllHazards && len(c.Hazard) == 0 && (len(spec.Measures) == 0 || slices.ContainsFunc(spec.Measures, takesHazards)) {
		c.Hazard = []string{"all"}
	}
	if preset.AllBuilds && len(c.Openssl) == 0 {
		c.Openssl = []string{"all"}
	}
	if spec.Hazards, err = parseHazards(c.Hazard); err != nil {
		return spec, err
	}
	if spec.Strategies, err = parseStrategies(c.Strategy); err != nil {
		return spec, err
	}
	return preset.Apply(spec), nil
}

// plan finds the builds and makes the plan. It is made twice: first so that
// what is wrong with it is said before any process is started, then with the
// versions that the libraries themselves give.
func (c *runCommand) plan(ctx context.Context, spec bench.Spec, shard bench.Shard) (*bench.Plan, error) {
	libraries, err := c.find()
	if err != nil {
		return nil, err
	}
	if spec.Builds, err = bench.NewBuilds(libraries); err != nil {
		return nil, err
	}
	draft, err := bench.NewPlan(spec, shard)
	if err != nil {
		return nil, err
	}
	if err := ready(ctx, libraries, slices.Concat(draft.Spec.Strategies, draft.Spec.Duet.Against), c.bytes()); err != nil {
		return nil, err
	}
	spec = draft.Spec // with its seed
	if spec.Builds, err = bench.NewBuilds(libraries); err != nil {
		return nil, err
	}
	return bench.NewPlan(spec, shard)
}

// conclude prints the document, and says where the results are and what can be made
// of them. It fails with what went wrong.
func (j *job) conclude(s *session, doc *page.Document, wrong []string) error {
	if !j.JSON {
		fmt.Fprintln(s.stdout)
	}
	if err := doc.Write(s.stdout, form(j.JSON)); err != nil {
		return err
	}
	if !j.Quiet {
		page := strings.TrimSuffix(j.path, filepath.Ext(j.path)) + ".html"
		fmt.Fprintf(s.stderr, "tlsbench: results in %s; next: tlsbench report %[1]s -o %s\n", j.path, page)
	}
	if len(wrong) > 0 {
		return errors.New(strings.Join(wrong, "; "))
	}
	return nil
}

// deviations compares every cell of a file with what the catalogue of hazards
// expects. A deviation is a finding: either the expectation is wrong, or the
// trials were too few to show what it expects.
func deviations(tables []*results.Table) []page.Part {
	type cellKey struct{ hazard, strategy, openssl, key string }
	events := map[cellKey]map[string]uint64{}
	count := map[cellKey]int{}
	for t, r := range results.Rows(tables) {
		if _, own := catalogue.Find(r.Strategy); !own || r.Verdict.Trials == 0 {
			continue
		}
		p := cellKey{t.Hazard, r.Strategy, t.OpenSSL, cmp.Or(t.Setting("key"), results.Keys.Default())}
		if events[p] == nil {
			events[p] = map[string]uint64{}
		}
		for _, k := range r.Events {
			events[p][k.Kind] += k.Events
		}
		count[p] += r.Verdict.Trials
	}
	var list []string
	for p, seen := range events {
		// A file of another version may name what this one does not know.
		text, err := results.Deviation(p.hazard, p.strategy, p.openssl, p.key, seen)
		if err == nil && text != "" {
			list = append(list, fmt.Sprintf("%s (%s)", text, number.Count(count[p], "trial")))
		}
	}
	if len(list) == 0 {
		return nil
	}
	slices.Sort(list)
	parts := []page.Part{page.Heading{Level: 2, Text: "Outcomes that the catalogue of hazards does not expect"}}
	for _, text := range list {
		parts = append(parts, page.Text(text))
	}
	return parts
}
