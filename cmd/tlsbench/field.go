package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tlsbench/bench"
	"tlsbench/results"
	"tlsbench/results/number"
	"tlsbench/results/outfile"
	"tlsbench/results/page"
	"tlsbench/workload/daemon"
	"tlsbench/workload/fetch"
	"tlsbench/workload/keeper"
	"tlsbench/workload/neighbours"
	"tlsbench/workload/openssl"
)

// fieldCommand runs the strategies inside the real daemon.
type fieldCommand struct {
	Daemon        []string      `group:"What is compared:" placeholder:"VERSION" help:"Packaged Kamailio: ${daemons}, or all (default)."`
	Strategy      []string      `group:"What is compared:" placeholder:"NAME" help:"Strategies: name, name:key=value, or ./own.so. All by default."`
	MemSafety     []string      `group:"What is compared:" placeholder:"N" default:"0,1" help:"Kamailio's mem_safety: 0 aborts at a double free, 1 logs it and goes on."`
	Hazard        []string      `group:"What is compared:" placeholder:"NAME" default:"plain,python:before=1,python" help:"Hazards: ${fieldhazards}, or all; others than plain only with the first --mem-safety."`
	Readers       int           `group:"The daemon:" placeholder:"N" default:"4" help:"TCP readers."`
	Trace         bool          `group:"What is compared:" help:"Run the tracer in daemon and rig, with mem_safety 1, and list the inherited memory that several processes write."`
	TLS           string        `group:"The daemon:" name:"tls" placeholder:"V" default:"1.3" help:"Protocol version: ${tlss}."`
	Port          int           `group:"The daemon:" placeholder:"N" help:"Port on 127.0.0.1; a free one by default."`
	Bad           share         `group:"The trials:" placeholder:"SHARE" default:"20%" help:"Share of bad peers."`
	Rounds        int           `group:"The trials:" placeholder:"N" default:"1" help:"Trials of each case, in the daemon and in the rig."`
	ControlRounds int           `group:"The trials:" placeholder:"N" default:"5" help:"Least number of trials of a daemon on OpenSSL 3 without a fix."`
	Duration      time.Duration `group:"The trials:" placeholder:"TIME" default:"2s" help:"Length of a daemon's trial; a dead daemon ends it early. Without a fix it goes on to 10s while no damage is seen."`
	RigTime       time.Duration `group:"The trials:" placeholder:"TIME" default:"1s" help:"Length of a rig's trial; 0 leaves the rig out."`
	Seed          uint64        `group:"The trials:" placeholder:"N" help:"Seed of the order and of the peers; drawn and printed if not given."`
	Dir           string        `group:"Files:" placeholder:"DIR" env:"TLSBENCH_FIELD_DIR" help:"Folder of fetched daemons, instead of the user's cache folder."`
	OpensslDir    string        `group:"Files:" placeholder:"DIR" env:"TLSBENCH_OPENSSL_DIR" help:"Folder of fetched OpenSSL builds, instead of the user's cache folder."`
	resultFlags   `group:"The results:"`
}

// Run fetches, compares, and shows the table.
func (c *fieldCommand) Run(s *session) error {
	plan, err := c.draft(s)
	if err != nil {
		return err
	}
	if _, err := keeper.FreePort(c.Port); err != nil {
		return &refusal{Err: err}
	}
	wanted := plan.Spec.Daemon.List
	daemons, err := c.attach(s, wanted)
	if err != nil {
		return err
	}
	if plan, err = c.plan(s, plan, daemons); err != nil {
		return err
	}
	j := c.resultFlags.job("field", plan)
	if _, err := j.carryOut(s, &bench.Runner{Daemons: daemons, Port: c.Port}); err != nil {
		return err
	}
	report := j.reportDaemons
	if slices.Contains(plan.Spec.Measures, results.Sharing) {
		report = j.reportTraced
	}
	if err := report(s); err != nil {
		return err
	}
	if len(daemons) < len(wanted) {
		return errFailed
	}
	return nil
}

// draft is the plan of the file to be resumed, or what the flags say, checked
// before anything is fetched: the daemons of the latter have no versions yet.
func (c *fieldCommand) draft(s *session) (*bench.Plan, error) {
	if err := c.resultFlags.check(); err != nil {
		return nil, err
	}
	if err := outfile.Untaken(c.Output); err != nil {
		return nil, &refusal{Err: err}
	}
	shard, err := bench.ParseShard(c.Shard)
	if err != nil {
		return nil, err
	}
	if err := c.checkTrace(s.given); err != nil {
		return nil, err
	}
	spec, err := c.spec()
	if err != nil {
		return nil, err
	}
	if c.Resume == "" {
		return bench.NewPlan(spec, shard)
	}
	old, err := bench.ReadPlan(c.Resume)
	switch {
	case err != nil:
		return nil, err
	case !old.Spec.OfDaemons():
		return nil, refuse("resume %s: it has no daemons: use tlsbench run --resume", c.Resume)
	case !c.described(s):
		return old, nil
	}
	spec.Seed = cmp.Or(c.Seed, old.Spec.Seed)
	return bench.NewPlan(spec, shard)
}

// described reports whether flags describe the plan; with them a file that is
// resumed has to be of that plan.
func (c *fieldCommand) described(s *session) bool {
	return s.gave("resume", "json", "quiet", "dir", "openssl-dir", "port")
}

// checkTrace refuses flags that the tracer would leave out of account.
func (c *fieldCommand) checkTrace(given []string) error {
	for _, flag := range given {
		ignored := slices.Contains([]string{"mem-safety", "control-rounds", "duration"}, flag) || flag == "rig-time" && c.RigTime != 0
		if c.Trace && ignored {
			return refuse("--%s: it is for corruption trials alone; leave out it or --trace, whose trials have mem_safety 1 and end after a number of handshakes", flag)
		}
	}
	return nil
}

// spec turns the flags into what package bench plans from.
func (c *fieldCommand) spec() (bench.Spec, error) {
	bad := float64(c.Bad)
	spec := bench.Spec{Spec: results.Spec{
		Workers: []int{c.Readers}, TLS: []string{c.TLS}, Seed: c.Seed, Rounds: c.Rounds, Bad: &bad,
		Measures: []results.Measure{results.Corruption}, CorruptionTime: cmp.Or(c.RigTime, time.Second), HandshakeTime: time.Second,
		Daemon: results.DaemonSpec{
			Duration: c.Duration, Patience: max(c.Duration, results.ControlLimit), ControlRounds: c.ControlRounds, NoRig: c.RigTime == 0,
		},
	}}
	if c.Trace {
		spec.Measures, spec.Daemon.ControlRounds = []results.Measure{results.Sharing}, 0 // one trial tells
	}
	switch {
	case c.Port < 0 || c.Port > 65535:
		return spec, refuse("port %d: want 1 to 65535", c.Port)
	case c.RigTime < 0 || c.RigTime > time.Hour:
		return spec, refuse("rig time %v: want 0 (no rig) to an hour", c.RigTime)
	}
	releases, err := daemon.ParseReleases(c.Daemon)
	if err != nil {
		return spec, &refusal{Err: err}
	}
	for _, r := range releases {
		spec.Daemon.List = append(spec.Daemon.List, results.Daemon{Release: r.Name, Package: r.Name, OpenSSL: r.Line})
	}
	if spec.Strategies, err = parseStrategies(c.Strategy); err != nil {
		return spec, err
	}
	for _, choice := range spec.Strategies {
		if err := daemon.CanInject(choice.Choice, c.Dir); err != nil {
			return spec, &refusal{Err: err}
		}
	}
	for _, v := range c.MemSafety {
		safety, ok := memSafety[v]
		if !ok {
			return spec, refuse("unknown mem_safety %q: choose from 0, 1", v)
		}
		spec.HeapSafety = append(spec.HeapSafety, safety)
	}
	if c.Trace { // it makes no difference there
		spec.HeapSafety = nil
	}
	if slices.Equal(c.Hazard, []string{"all"}) {
		c.Hazard = daemon.Hazards
	}
	spec.Hazards, err = parseHazards(c.Hazard)
	return spec, err
}

// memSafety is what the rig has for the daemon's own setting.
var memSafety = map[string]string{"0": "abort", "1": "count"}

// attach brings the daemons. One that cannot be had or does not start even as it
// is is told in one line, and not in one for each trial; the rest goes on.
func (c *fieldCommand) attach(s *session, wanted []results.Daemon) ([]daemon.Daemon, error) {
	releases, err := daemon.ParseReleases(results.Distinct(wanted, func(d results.Daemon) string { return d.Release }))
	if err != nil {
		return nil, &refusal{Err: err}
	}
	got, err := daemon.Fetch(s.ctx, releases, s.fetching(c.Dir))
	if err != nil && (len(got) == 0 || s.ctx.Err() != nil) {
		return nil, fetchError(err)
	}
	var daemons []daemon.Daemon
	for _, f := range got {
		if f.Err == nil {
			f.Err = f.Found.Starts(s.ctx, c.Port)
		}
		switch {
		case s.ctx.Err() != nil:
			return nil, s.ctx.Err()
		case f.Err != nil:
			s.complain(f.Err)
		default:
			daemons = append(daemons, f.Found)
		}
	}
	if err != nil {
		s.complain(err)
	}
	if len(daemons) == 0 {
		return nil, errFailed
	}
	return daemons, nil
}

// plan completes the draft with the daemons that are here, and the rig's builds.
// A resumed run needs all of its own.
func (c *fieldCommand) plan(s *session, draft *bench.Plan, daemons []daemon.Daemon) (*bench.Plan, error) {
	spec := draft.Spec
	builds, err := c.rig(s, spec, daemons)
	if err != nil {
		return nil, err
	}
	if c.Resume != "" && !c.described(s) {
		return draft, spec.Attach(daemons)
	}
	spec.Daemon.List = nil
	for _, d := range daemons {
		spec.Daemon.List = append(spec.Daemon.List, bench.NewDaemon(d))
	}
	if spec.Builds, err = bench.NewBuilds(builds); err != nil {
		return nil, err
	}
	return bench.NewPlan(spec, draft.Shard)
}

// rig brings the builds for the rig, and for hazards the neighbours of the build's
// own release. What cannot be had is told, and is not compared.
func (c *fieldCommand) rig(s *session, spec bench.Spec, daemons []daemon.Daemon) ([]openssl.Build, error) {
	if spec.Daemon.NoRig {
		return nil, nil
	}
	lines := results.Distinct(daemons, func(d daemon.Daemon) string { return d.Release.Line })
	got, err := openssl.Fetch(s.ctx, lines, s.fetching(c.OpensslDir))
	var builds []openssl.Build
	for _, f := range got {
		if f.Err == nil {
			builds = append(builds, f.Found)
		}
		if f.Err == nil && len(spec.Hazards) > 1 {
			_, f.Err = neighbours.Fetch(s.ctx, f.Found, c.OpensslDir, s.fetching(""))
		}
		if f.Err != nil {
			s.complain(f.Err)
		}
	}
	if errors.Is(err, fetch.ErrOffline) || errors.Is(err, fetch.ErrNoArchive) {
		s.complain(err)
		err = nil
	}
	if err == nil {
		err = askVersions(s.ctx, builds, 0)
	}
	return builds, err
}

// reportTraced lists the raced blocks of all trials, and fails if a trial could
// not be carried out, or showed none without a fix.
func (j *job) reportTraced(s *session) error {
	set, err := results.ReadFiles(j.path)
	if err != nil {
		return err
	}
	list := tracedTrials(set.Trials)
	doc := &page.Document{Data: list}
	var wrong []string
	for i := range list {
		t := &list[i]
		doc.Add(t.parts(false)...)
		where := fmt.Sprintf("%s on OpenSSL %s", cmp.Or(t.Server, "the rig"), t.OpenSSL)
		switch {
		case strings.HasPrefix(t.NotRun, string(results.Failed)):
			wrong = append(wrong, fmt.Sprintf("%s, strategy %s: %s", where, t.Strategy, t.NotRun))
		case t.Strategy == results.NegativeControl && t.Hazard == results.Plain && damage(t.Events) != "":
			wrong = append(wrong, fmt.Sprintf("%s: %s is damaged, so its blocks are no floor: %s", where, t.Strategy, damage(t.Events)))
		case t.NotRun == "" && t.Strategy == results.PositiveControl && len(t.Raced) == 0:
			wrong = append(wrong, where+" without a fix: no raced block, so the results prove nothing")
		}
	}
	return j.conclude(s, doc, wrong)
}

// reportDaemons shows the comparison, and fails if a trial could not be carried out
// or a control came out wrong.
func (j *job) reportDaemons(s *session) error {
	sum, err := results.Summarize(results.Options{}, j.path)
	if err != nil {
		return err
	}
	if sum.Daemons == nil { // a shard may have none
		sum.Daemons = new(results.Daemons)
	}
	var wrong []string
	if n := sum.Daemons.Failed(); n > 0 {
		wrong = append(wrong, number.Count(n, "case")+" could not be completed")
	}
	if failed := results.FailedControls(sum.Tables); len(failed) > 0 {
		wrong = append(wrong, "controls failed, so the results prove nothing: "+strings.Join(failed, "; "))
	}
	return j.conclude(s, &page.Document{Data: sum.Daemons, Parts: page.Daemons(sum)}, wrong)
}
