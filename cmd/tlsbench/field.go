package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"tlsbench/results"
	"tlsbench/workload/debian"
	"tlsbench/workload/field"
	"tlsbench/workload/neighbours"
	"tlsbench/workload/openssl"
)

// fieldCommand runs the strategies inside the real daemon.
type fieldCommand struct {
	Daemon     []string      `group:"What is compared:" placeholder:"VERSION" help:"Packaged Kamailio: ${daemons}, or all (default)."`
	Strategy   []string      `group:"What is compared:" placeholder:"NAME" help:"Strategies: name, name:key=value, or ./own.so. All by default."`
	MemSafety  []int         `group:"What is compared:" placeholder:"N" default:"0,1" help:"Kamailio's mem_safety: 0 aborts at a double free, 1 logs it and goes on."`
	Python     []string      `group:"What is compared:" placeholder:"WHEN" default:"no,before,after" help:"Python in the daemon: no, before or after the TLS module; with the first --mem-safety alone."`
	Readers    int           `group:"The daemon:" placeholder:"N" default:"4" help:"TCP readers."`
	TLS        string        `group:"The daemon:" name:"tls" placeholder:"V" default:"1.3" help:"Protocol version: ${tlss}."`
	Port       int           `group:"The daemon:" placeholder:"N" help:"Port on 127.0.0.1; a free one by default."`
	Bad        share         `group:"The trials:" placeholder:"SHARE" default:"20%" help:"Share of bad peers."`
	Rounds     int           `group:"The trials:" placeholder:"N" default:"1" help:"Trials of each case, in the daemon and in the rig."`
	Duration   time.Duration `group:"The trials:" placeholder:"TIME" default:"4s" help:"Length of a daemon's trial; damage that kills it ends it early."`
	RigTime    time.Duration `group:"The trials:" placeholder:"TIME" default:"2s" help:"Length of a rig's trial; 0 leaves the rig out."`
	Seed       uint64        `group:"The trials:" placeholder:"N" default:"1" help:"Seed of the order and of the peers."`
	Dir        string        `group:"Files:" placeholder:"DIR" env:"TLSBENCH_FIELD_DIR" help:"Folder of fetched daemons, instead of the user's cache folder."`
	OpensslDir string        `group:"Files:" placeholder:"DIR" env:"TLSBENCH_OPENSSL_DIR" help:"Folder of fetched OpenSSL builds, instead of the user's cache folder."`
	Output     string        `group:"Files:" short:"o" placeholder:"FILE" help:"Keep each daemon's trial, one JSON object a line."`
}

// Help is shown below the flags' own lines.
func (fieldCommand) Help() string {
	return `Fetches Debian's unchanged Kamailio packages and the OpenSSL each is linked with, runs both the daemon ` +
		`and the rig under each strategy, and shows the two verdicts side by side. A strategy is put into the daemon ` +
		`by a preloaded object that is compiled from the strategy's own file; a mode of the daemon's own is named as such. ` +
		`Nothing is installed, no root needed, and all connections stay on this machine.`
}

// Run fetches, compares, and shows the table.
func (c *fieldCommand) Run(s *session) error {
	plan, err := c.plan()
	if err != nil {
		return err
	}
	if plan.Daemons, err = c.fetch(s); err != nil {
		return err
	}
	keep, done, err := c.keeper(s)
	if err != nil {
		return err
	}
	list, err := field.Compare(s.ctx, plan.Cases(), c.settings(keep))
	if err := errors.Join(err, done()); err != nil {
		return err
	}
	printField(s, list)
	if slices.ContainsFunc(list, func(c field.Comparison) bool { return c.Daemon.Failed > 0 || c.Rig.Failed > 0 }) {
		return errFailed
	}
	return nil
}

// plan checks what the user chose before anything is fetched.
func (c *fieldCommand) plan() (field.Plan, error) {
	plan := field.Plan{MemSafety: c.MemSafety}
	chosen, err := parseStrategies(c.Strategy)
	if err != nil {
		return plan, err
	}
	for _, s := range chosen {
		plan.Strategies = append(plan.Strategies, s.Choice)
	}
	if plan.Python, err = pythonChoices(c.Python); err != nil {
		return plan, err
	}
	for _, n := range c.MemSafety {
		if n != 0 && n != 1 {
			return plan, refuse("mem_safety %d: choose from 0, 1", n)
		}
	}
	if c.Readers < 1 || c.Readers > 64 || c.Rounds < 1 || c.Duration <= 0 || c.RigTime < 0 || c.Port < 0 || c.Port > 65535 {
		return plan, refuse("field: want 1 to 64 readers, 1 round or more, a duration above 0, and a port up to 65535")
	}
	return plan, checkValue("tls", c.TLS)
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

func (c *fieldCommand) settings(keep func(field.Report)) field.Settings {
	return field.Settings{
		Readers: c.Readers, BadShare: float64(c.Bad), TLS: c.TLS, Seed: c.Seed, Rounds: c.Rounds,
		Duration: c.Duration, RigDuration: c.RigTime, Port: c.Port, OpenSSLDir: c.OpensslDir, Report: keep,
	}
}

// fetch brings the daemons and the OpenSSL builds of the rig's side. What
// cannot be had is told, and the rest goes on.
func (c *fieldCommand) fetch(s *session) ([]field.Daemon, error) {
	releases, err := field.ParseReleases(c.Daemon)
	if err != nil {
		return nil, &refusal{err}
	}
	log := func(format string, args ...any) { fmt.Fprintf(s.stderr, format+"\n", args...) }
	got, err := field.Fetch(s.ctx, releases, field.FetchOptions{Dir: c.Dir, Log: log})
	var daemons []field.Daemon
	var lines []string
	for _, f := range got {
		if f.Err != nil {
			s.complain(f.Err)
			continue
		}
		daemons, lines = append(daemons, f.Daemon), append(lines, f.Release.Line)
	}
	if err != nil && len(daemons) == 0 {
		return nil, fetchError(err)
	}
	if err != nil {
		s.complain(err)
	}
	if len(daemons) == 0 {
		return nil, errFailed
	}
	return daemons, c.fetchLines(s, lines, log)
}

// fetchPython brings the libpython of a build's own release, for the rig. What
// cannot be had is told: the rig skips it.
func (c *fieldCommand) fetchPython(s *session, b openssl.Build, log func(string, ...any)) {
	if !slices.ContainsFunc(c.Python, func(p string) bool { return p != "no" }) {
		return
	}
	if _, err := neighbours.Fetch(s.ctx, b, neighbours.FetchOptions{OpenSSL: c.OpensslDir, Log: log}); err != nil {
		s.complain(err)
	}
}

// fetchLines brings the builds for the rig.
func (c *fieldCommand) fetchLines(s *session, lines []string, log func(string, ...any)) error {
	if c.RigTime == 0 {
		return nil
	}
	got, err := openssl.Fetch(s.ctx, lines, openssl.FetchOptions{Dir: c.OpensslDir, Log: log})
	for _, f := range got {
		if f.Err != nil {
			s.complain(f.Err)
			continue
		}
		c.fetchPython(s, f.Build, log)
	}
	if errors.Is(err, debian.ErrOffline) || errors.Is(err, debian.ErrNoArchive) {
		s.complain(err)
		return nil // the rig says of each build that it is not there
	}
	return err
}

// fieldRecord is one line of --output.
type fieldRecord struct {
	Daemon, Package, OpenSSL, Strategy, Python string
	Mode, MemSafety, Round                     int
	Error                                      string         `json:",omitempty"`
	Outcome                                    *field.Outcome `json:",omitempty"`
}

// keeper gives what is called for each trial of a daemon: it tells of it, and
// writes it down at once.
func (c *fieldCommand) keeper(s *session) (keep func(field.Report), done func() error, err error) {
	var enc *json.Encoder
	done = func() error { return nil }
	if c.Output != "" {
		f, err := os.OpenFile(c.Output, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
		if err != nil {
			return nil, nil, &refusal{err}
		}
		enc, done = json.NewEncoder(f), f.Close
	}
	var mu sync.Mutex
	return func(r field.Report) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(s.stderr, "%s: %s\n", r.Case, inShort(r))
		if enc != nil {
			if err := enc.Encode(newFieldRecord(r)); err != nil {
				s.complain(fmt.Errorf("write %s: %w", c.Output, err))
			}
		}
	}, done, nil
}

func newFieldRecord(r field.Report) fieldRecord {
	d := r.Case.Daemon
	out := fieldRecord{
		Daemon: d.Release.Name, Package: d.Package, OpenSSL: d.OpenSSL, Strategy: r.Case.Fix(),
		Python: r.Case.Python, Mode: r.Case.Mode, MemSafety: r.Case.MemSafety, Round: r.Round, Outcome: r.Outcome,
	}
	if r.Err != nil {
		out.Error = oneLine(r.Err)
	}
	return out
}

// inShort says in a few words what became of a trial.
func inShort(r field.Report) string {
	switch {
	case r.Err != nil:
		return oneLine(r.Err)
	case r.Outcome.NotApplicable != "":
		return "not applicable: " + r.Outcome.NotApplicable
	case r.Outcome.Damaged():
		return fmt.Sprintf("%v, the first after %v; %d handshakes", r.Outcome.Events,
			r.Outcome.First.Round(time.Millisecond), r.Outcome.Good)
	}
	return fmt.Sprintf("nothing seen in %d handshakes, %.0f/s, %d MiB", r.Outcome.Good, r.Outcome.Rate, r.Outcome.Memory>>20)
}

// printField shows the two verdicts side by side, disagreements first, then what
// each daemon did.
func printField(s *session, list []field.Comparison) {
	fmt.Fprintf(s.stdout, "%s\n\n", verdictTable(list).Render())
	agree, answered := field.Score(list)
	fmt.Fprintf(s.stdout, "The daemon and the rig agree in %d of %s.\n\n", agree, plural(answered, "case"))
	for _, why := range reasons(list) {
		paragraph(s.stdout, why)
	}
	fmt.Fprintf(s.stdout, "\n%s\n", factTable(list).Render())
	paragraph(s.stdout, "handshakes: good ones with their OPTIONS a second, before a death; memory: all "+
		"processes together, shared pages once; first: from the load's start, the earliest of all rounds")
}

// caseColumns begin the lines of both tables. Python is told with the strategy,
// as most runs have none.
func caseColumns(c field.Case) table.Row {
	fix := c.Fix()
	if c.Python != "" {
		fix += ", python " + c.Python
	}
	return table.Row{c.Daemon.Release.Name, c.Daemon.OpenSSL, c.MemSafety, fix}
}

func verdictTable(list []field.Comparison) table.Writer {
	t := newTable("kamailio", "openssl", "safety", "strategy", "daemon", "rig", "agree")
	t.SetColumnConfigs([]table.ColumnConfig{
		{Number: 4, WidthMax: 18, WidthMaxEnforcer: text.WrapSoft},
		{Number: 5, WidthMax: 14, WidthMaxEnforcer: text.WrapSoft},
		{Number: 6, WidthMax: 14, WidthMaxEnforcer: text.WrapSoft},
	})
	for _, c := range list {
		t.AppendRow(append(caseColumns(c.Case), verdictWords(c.Daemon), verdictWords(c.Rig), string(c.Agree)))
	}
	return t
}

// verdictWords leaves the bound out, which the number of trials would say
// better than each line.
func verdictWords(v results.Verdict) string {
	var words []string
	for _, w := range v.Words {
		words = append(words, string(w))
	}
	return strings.Join(words, " ")
}

func factTable(list []field.Comparison) table.Writer {
	t := newTable("kamailio", "openssl", "safety", "strategy", "damaged", "first", "handshakes", "memory")
	t.SetColumnConfigs([]table.ColumnConfig{{Number: 4, WidthMax: 18, WidthMaxEnforcer: text.WrapSoft}})
	for _, c := range list {
		f := c.Facts()
		if f.Served == 0 && f.Damaged == 0 {
			continue
		}
		first, rate, memory := "-", "-", "-"
		if f.Damaged > 0 {
			first = f.First.Round(time.Millisecond).String()
		}
		if f.Damaged > 0 && f.Served == 0 {
			first = "at start"
		}
		if f.Served > 0 {
			rate = fmt.Sprintf("%.0f/s", f.Rate)
		}
		if f.Memory > 0 {
			memory = fmt.Sprintf("%d MiB", f.Memory>>20)
		}
		t.AppendRow(append(caseColumns(c.Case), fmt.Sprintf("%d/%d", f.Damaged, f.Trials), first, rate, memory))
	}
	return t
}

// reasons are the notes of all comparisons, those that say the same in one
// paragraph.
func reasons(list []field.Comparison) []string {
	var order []string
	cases := map[string][]string{}
	note := func(why string, c field.Case) {
		if cases[why] == nil {
			order = append(order, why)
		}
		cases[why] = append(cases[why], c.String())
	}
	for _, c := range list {
		if c.Why != "" {
			note(c.Why, c.Case)
		}
		for _, v := range []results.Verdict{c.Daemon, c.Rig} {
			if v.Reason != "" && v.Trials == 0 {
				note(fmt.Sprintf("%s: %s", v.Worst(), v.Reason), c.Case)
			}
		}
	}
	var out []string
	for _, why := range order {
		where := cases[why][0]
		if n := len(cases[why]); n > 1 {
			where += " and " + plural(n-1, "more case")
		}
		out = append(out, fmt.Sprintf("%s: %s.", where, why))
	}
	return out
}

// daemonNames are the choices of --daemon.
func daemonNames() string {
	var names []string
	for _, r := range field.Releases() {
		names = append(names, r.Name)
	}
	return strings.Join(names, ", ")
}
