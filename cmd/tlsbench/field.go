package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tlsbench/bench"
	"tlsbench/results"
	"tlsbench/results/number"
	"tlsbench/results/page"
	"tlsbench/workload/daemon"
)

// fieldCommand runs the strategies inside the real daemon.
type fieldCommand struct {
	Daemon        []string      `group:"What is compared:" placeholder:"VERSION" help:"Packaged Kamailio: ${daemons}, or all (default)."`
	Strategy      []string      `group:"What is compared:" placeholder:"NAME" help:"Strategies: name, name:key=value, or ./own.so. All by default."`
	MemSafety     []int         `group:"What is compared:" placeholder:"N" default:"0,1" help:"Kamailio's mem_safety: 0 aborts at a double free, 1 logs it and goes on."`
	Python        []string      `group:"What is compared:" placeholder:"WHEN" default:"no,before,after" help:"Python in the daemon: no, before or after the TLS module; with the first --mem-safety alone."`
	Readers       int           `group:"The daemon:" placeholder:"N" default:"4" help:"TCP readers."`
	TLS           string        `group:"The daemon:" name:"tls" placeholder:"V" default:"1.3" help:"Protocol version: ${tlss}."`
	Port          int           `group:"The daemon:" placeholder:"N" help:"Port on 127.0.0.1; a free one by default."`
	Bad           share         `group:"The trials:" placeholder:"SHARE" default:"20%" help:"Share of bad peers."`
	Rounds        int           `group:"The trials:" placeholder:"N" default:"1" help:"Trials of each case, in the daemon and in the rig."`
	ControlRounds int           `group:"The trials:" placeholder:"N" default:"5" help:"Trials of each daemon on OpenSSL 3 without a fix, if that is more."`
	Duration      time.Duration `group:"The trials:" placeholder:"TIME" default:"2s" help:"Length of a daemon's trial; damage that kills it ends it early. Without a fix it goes on to 10s as long as nothing is seen."`
	RigTime       time.Duration `group:"The trials:" placeholder:"TIME" default:"1s" help:"Length of a rig's trial; 0 leaves the rig out."`
	Seed          uint64        `group:"The trials:" placeholder:"N" help:"Seed of the order and of the peers; drawn and printed if not given."`
	Dir           string        `group:"Files:" placeholder:"DIR" env:"TLSBENCH_FIELD_DIR" help:"Folder of fetched daemons, instead of the user's cache folder."`
	OpensslDir    string        `group:"Files:" placeholder:"DIR" env:"TLSBENCH_OPENSSL_DIR" help:"Folder of fetched OpenSSL builds, instead of the user's cache folder."`
	Output        string        `group:"The results:" short:"o" placeholder:"FILE" help:"Results file; a dated name in the current folder by default."`
	Resume        string        `group:"The results:" placeholder:"FILE" help:"Go on with an interrupted run. The plan is taken from the file."`
	JSON          bool          `group:"The results:" name:"json" xor:"form" help:"Print the comparison as JSON."`
	Markdown      bool          `group:"The results:" xor:"form" help:"Print the comparison as Markdown."`
}

// Help is shown below the flags' own lines.
func (fieldCommand) Help() string {
	return `Fetches Debian's unchanged Kamailio packages and the OpenSSL each is linked with, runs both the daemon ` +
		`and the rig under each strategy, and shows the two verdicts side by side. A strategy is put into the daemon ` +
		`by a preloaded object that is compiled from the strategy's own file; a mode of the daemon's own is named as such. ` +
		`Nothing is installed, no root needed, and all connections stay on this machine. See tlsbench help field.`
}

// Run fetches, compares, and shows the table.
func (c *fieldCommand) Run(s *session) error {
	plan, err := c.plan(s)
	if err != nil {
		return err
	}
	if err := daemon.PortFree(c.Port); err != nil {
		return &refusal{err}
	}
	lost, err := c.attach(s, plan)
	if err != nil {
		return err
	}
	path, sum, err := c.carryOut(s, plan)
	if errors.Is(err, context.Canceled) && sum.Total > 0 {
		return &interruption{fmt.Sprintf("interrupted after %d of %s, all on disk; go on with: tlsbench field --resume %s",
			sum.Done, number.Count(sum.Total, "trial"), path)}
	}
	if errors.Is(err, daemon.ErrRefused) {
		return &refusal{err}
	}
	if err != nil {
		return err
	}
	f, err := results.ReadField(path)
	if err != nil {
		return err
	}
	summary := results.SummarizeField(f)
	if err := page.Daemons(summary).Write(s.stdout, form(c.JSON, c.Markdown)); err != nil {
		return err
	}
	if n := summary.Failed(); n > 0 {
		return fmt.Errorf("%s could not be carried out in full", number.Count(n, "case"))
	}
	if broken := summary.BrokenControls(); len(broken) > 0 {
		return fmt.Errorf("controls failed, nothing is proved: %s", strings.Join(broken, "; "))
	}
	if lost {
		return errFailed
	}
	return nil
}

// plan is what the flags say, or what the file to be resumed says.
func (c *fieldCommand) plan(s *session) (*daemon.Plan, error) {
	if c.Resume != "" && c.Output != "" {
		return nil, refuse("-o %s together with --resume %s: a run goes on in its own file", c.Output, c.Resume)
	}
	if c.Output != "" {
		if err := daemon.IsNew(c.Output); err != nil {
			return nil, &refusal{err}
		}
	}
	plan, err := c.spec()
	if err != nil || c.Resume == "" {
		return plan, err
	}
	old, err := daemon.ReadPlan(c.Resume)
	if err != nil {
		return nil, &refusal{err}
	}
	if !c.planned(s) {
		return old, nil
	}
	if c.Seed == 0 {
		plan.Seed = old.Seed
	}
	return plan, nil
}

// planned reports whether there are flags that describe a plan; with them the
// file has to be of that plan.
func (c *fieldCommand) planned(s *session) bool {
	return slices.ContainsFunc(s.given, func(flag string) bool {
		return !slices.Contains([]string{"resume", "json", "markdown", "dir", "openssl-dir", "port"}, flag)
	})
}

// spec checks what the user chose before anything is fetched. Its daemons
// know their releases alone.
func (c *fieldCommand) spec() (*daemon.Plan, error) {
	plan := &daemon.Plan{
		MemSafety: c.MemSafety, Readers: c.Readers, BadShare: float64(c.Bad), TLS: c.TLS, Seed: c.Seed,
		Rounds: c.Rounds, ControlRounds: c.ControlRounds,
		Duration: c.Duration, Patience: max(c.Duration, results.ControlLimit), RigDuration: c.RigTime,
	}
	if plan.Seed == 0 {
		plan.Seed = daemon.DrawSeed()
	}
	releases, err := daemon.ParseReleases(c.Daemon)
	if err != nil {
		return nil, &refusal{err}
	}
	for _, r := range releases {
		plan.Daemons = append(plan.Daemons, daemon.Daemon{Release: r})
	}
	chosen, err := parseStrategies(c.Strategy)
	if err != nil {
		return nil, err
	}
	for _, s := range chosen {
		plan.Strategies = append(plan.Strategies, s.Choice)
	}
	if plan.Python, err = pythonChoices(c.Python); err != nil {
		return nil, err
	}
	if err := c.checkNumbers(); err != nil {
		return nil, err
	}
	if err := plan.Check(); err != nil {
		return nil, &refusal{err}
	}
	return plan, nil
}

func (c *fieldCommand) checkNumbers() error {
	if c.Port < 0 || c.Port > 65535 {
		return refuse("port %d: want 1 to 65535", c.Port)
	}
	return checkValue("tls", c.TLS)
}

func pythonChoices(list []string) ([]string, error) {
	var out []string
	for _, p := range list {
		switch p {
		case "no":
			out = append(out, "")
		case "before", "after":
			out = append(out, p)
		default:
			return nil, refuse("unknown python %q: choose from no, before, after", p)
		}
	}
	return out, nil
}

// carryOut runs the trials that are still to do.
func (c *fieldCommand) carryOut(s *session, plan *daemon.Plan) (string, daemon.Summary, error) {
	path := c.Resume
	if path == "" {
		path = c.Output
	}
	if path == "" {
		path = "tlsbench-field-" + time.Now().Format("20060102-150405") + ".txt"
	}
	watcher := newFieldWatcher(s, func() { c.announce(s, plan, path) })
	defer watcher.close()
	r := &daemon.Runner{
		Plan: plan, OpenSSLDir: c.OpensslDir, Port: c.Port, Config: fieldFacts(),
		Started: watcher.started, Finished: watcher.finished,
	}
	if c.Resume != "" {
		sum, err := r.Resume(s.ctx, path)
		return path, sum, err
	}
	sum, err := r.Run(s.ctx, path)
	return path, sum, err
}

// fieldFacts are what the file says of this machine.
func fieldFacts() []results.FieldFact {
	m := bench.ThisMachine()
	return []results.FieldFact{
		{Key: "machine", Value: m.Kind()}, {Key: "cores", Value: fmt.Sprint(m.Cores)}, {Key: "kernel", Value: m.Kernel},
		{Key: "libc", Value: m.Libc}, {Key: "go", Value: m.Go}, {Key: "cc", Value: m.CC},
	}
}

// announce says what is going to happen. With --json and --markdown stdout is
// for the comparison alone.
func (c *fieldCommand) announce(s *session, plan *daemon.Plan, path string) {
	w := s.stdout
	if c.JSON || c.Markdown {
		w = s.stderr
	}
	list := page.List{
		item("results", path), item("seed", fmt.Sprint(plan.Seed)),
		item("plan", fmt.Sprintf("%s of %s, about %v", number.Count(len(plan.Tasks()), "trial"),
			number.Count(len(plan.Cases()), "case"), plan.Estimate().Round(time.Second))),
	}
	for _, d := range plan.Daemons {
		list = append(list, item("kamailio", fmt.Sprintf("%s on OpenSSL %s", d.Package, d.OpenSSL)))
	}
	show(w, list)
	fmt.Fprintln(w)
}

// fieldWatcher shows how the run goes on: one line a trial, or a bar where a
// person is looking.
type fieldWatcher struct {
	*watcher
}

func newFieldWatcher(s *session, announce func()) fieldWatcher {
	return fieldWatcher{newWatcher(s, announce)}
}

func (w fieldWatcher) started(p daemon.Progress) {
	w.announce()
	w.show(p)
}

func (w fieldWatcher) show(p daemon.Progress) {
	if w.bar == nil {
		return
	}
	server := "kamailio " + p.Task.Case.Daemon.Release.Name
	if p.Task.Rig {
		server = "rig"
	}
	w.bar.show(p.Done, p.Total, p.Left, server+" "+p.Task.Case.Fix())
}

func (w fieldWatcher) finished(p daemon.Progress, t *results.FieldTrial) {
	name := p.Task.Case.String()
	if p.Task.Rig {
		name = "rig, " + t.Rig
	}
	switch {
	case t.Status == results.Failed:
		fmt.Fprintf(w.stderr, "tlsbench: trial %d, %s: %s\n", t.ID, name, oneLine(errors.New(t.Reason)))
	case w.bar == nil:
		fmt.Fprintf(w.stderr, "%d/%d %s: %s\n", p.Done, p.Total, name, inShort(t))
	}
	w.show(p)
}

// inShort says in a few words what became of a trial.
func inShort(t *results.FieldTrial) string {
	if t.Status != results.OK {
		return fmt.Sprintf("%s: %s", t.Status, t.Reason)
	}
	if len(t.First) == 0 {
		return fmt.Sprintf("nothing seen in %s", number.Count(int(t.Handshakes), "handshake"))
	}
	var kinds []string
	for _, e := range t.First {
		kinds = append(kinds, fmt.Sprintf("%d %s", t.Events[e.Kind], e.Kind))
	}
	return fmt.Sprintf("%s, the first after %v; %s", strings.Join(kinds, ", "),
		t.First[0].At.Round(time.Millisecond), number.Count(int(t.Handshakes), "handshake"))
}

// daemonNames are the choices of --daemon.
func daemonNames() string {
	var names []string
	for _, r := range daemon.Releases() {
		names = append(names, r.Name)
	}
	return strings.Join(names, ", ")
}
