package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"tlsbench/bench/selftest"
	"tlsbench/results/number"
	"tlsbench/results/page"
	"tlsbench/workload"
	"tlsbench/workload/fetch"
	"tlsbench/workload/openssl"
)

// selftestCommand tries the detectors on damage of a known amount.
type selftestCommand struct {
	buildFlags
	Load    []string `default:"memory,tcp" placeholder:"NAME" help:"Where handshakes come from: ${loads}."`
	Heap    []string `default:"global,scalable" placeholder:"NAME" help:"Shared heaps: global, scalable."`
	Workers int      `default:"4" placeholder:"N" help:"Workers, 2 to 64."`
	Fault   []string `placeholder:"NAME" help:"Faults: ${faults}, all (default) or none."`
	Broken  []string `placeholder:"NAME" help:"Broken strategies: ${broken}, all (default) or none."`
	Seed    uint64   `placeholder:"N" help:"Seed of all random choices; drawn and printed if not given."`
	Quick   bool     `help:"A minute or two instead of about five: fewer faults, shorter trials, the same bounds."`
	JSON    bool     `name:"json" help:"Print everything as JSON."`
}

// Run carries out the selftest on each build.
func (c *selftestCommand) Run(s *session) error {
	spec, libraries, err := c.spec()
	if err != nil {
		return err
	}
	if !c.JSON {
		fmt.Fprintf(s.stdout, "seed %d, %d workers\n", spec.Seed, spec.Workers)
	}
	var reports []*selftest.Report
	short := false
	for _, b := range libraries {
		spec.Build = b
		report, err := selftest.Run(s.ctx, spec, c.doing(s))
		if s.ctx.Err() != nil {
			return s.ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("selftest on openssl %s, seed %d: %w", b.Name, spec.Seed, err)
		}
		reports = append(reports, report)
		if !c.JSON {
			fmt.Fprintln(s.stdout)
			if err := show(s.stdout, selftestParts(report)...); err != nil {
				return err
			}
		}
		for _, line := range report.Shortfalls() {
			s.complain(fmt.Errorf("openssl %s: %s", report.OpenSSL, line))
			short = true
		}
	}
	if c.JSON {
		if err := (&page.Document{Data: reports}).Write(s.stdout, page.JSON); err != nil {
			return err
		}
	}
	if short {
		return errFailed
	}
	return nil
}

// spec is what the flags say.
func (c *selftestCommand) spec() (selftest.Spec, []openssl.Build, error) {
	spec := selftest.Spec{Loads: c.Load, Heaps: c.Heap, Workers: c.Workers, Seed: c.Seed, Quick: c.Quick}
	if err := checkValues("load", c.Load...); err != nil {
		return spec, nil, err
	}
	for _, heap := range c.Heap {
		if !slices.Contains(sharedHeaps, heap) {
			return spec, nil, refuse("heap %q: choose from global, scalable; a private heap has nothing to detect", heap)
		}
	}
	if c.Workers < 2 || c.Workers > 64 {
		return spec, nil, refuse("workers %d: want 2 to 64, because detectors compare workers", c.Workers)
	}
	if err := workload.RoomFor(c.Workers); err != nil {
		return spec, nil, &refusal{Err: err}
	}
	var err error
	if spec.Faults, err = chosen("fault", selftest.Faults, c.Fault); err != nil {
		return spec, nil, err
	}
	for _, f := range spec.Faults {
		if slices.Contains(c.Fault, f.Name) && !slices.ContainsFunc(c.Load, f.ComesUnder) {
			return spec, nil, refuse("fault %s cannot be made under load %s", f.Name, strings.Join(c.Load, ", "))
		}
	}
	if len(c.Fault) == 0 || slices.Equal(c.Fault, []string{"all"}) {
		spec.Races = workload.Races
	}
	if spec.Broken, err = chosen("broken strategy", selftest.Strategies, c.Broken); err != nil {
		return spec, nil, err
	}
	if spec.Seed == 0 {
		spec.Seed = rand.Uint64N(1 << 32)
	}
	libraries, err := c.find()
	return spec, libraries, err
}

// chosen gives those that are named; all without a name.
func chosen[T fmt.Stringer](what string, all []T, names []string) ([]T, error) {
	if slices.Equal(names, []string{"none"}) {
		return nil, nil
	}
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			return nil, refuse("%s %s is given twice", what, name)
		}
	}
	list, err := fetch.Choose(what, all, T.String, names)
	if err != nil {
		return nil, refuse("%w, or none alone", err)
	}
	return list, nil
}

// A private heap has nothing to detect in, and under the tracer workers take turns.
var sharedHeaps = []string{"global", "scalable"}

// doing shows a person what is being done, on one line that changes.
func (c *selftestCommand) doing(s *session) func(string) {
	if !isTerminal(s.stderr) || !isTerminal(s.stdout) {
		return func(string) {}
	}
	return func(what string) { fmt.Fprintf(s.stderr, "\r\x1b[K%s\r", what) }
}

// selftestParts shows what was found of what was made, then by what broken
// strategies are told from good ones.
func selftestParts(r *selftest.Report) []page.Part {
	t := &page.Table{Head: []string{"found / made"}}
	quiet := []page.Cell{{Text: "none (handshakes)"}}
	alarms := 0
	for _, c := range r.Cells {
		t.Head = append(t.Head, c.Load+" "+c.Heap)
	}
	for _, q := range r.Quiet {
		quiet = append(quiet, page.Cell{Text: fmt.Sprint(q.Handshakes)})
		alarms += q.Tally.FalseAlarms
	}
	t.Head = append(t.Head, "recall above", "blame", "false alarms")
	t.Add(quiet, "", "", alarms)
	for _, row := range r.Rows {
		t.Add(selftestRow(row)...)
	}
	parts := []page.Part{t}
	if len(r.Races) > 0 {
		t := &page.Table{Head: []string{"race", "told rightly / made"}}
		for _, row := range r.Races {
			t.Add(row.Race.Summary, fmt.Sprintf("%d/%d", row.Right, row.Blocks))
		}
		t.Add("none", fmt.Sprintf("%s in %s, %d in the floor", number.Count(len(r.Still.Alarms), "false alarm"),
			number.Count(r.Still.Trials, "trial"), r.Still.Floor))
		parts = append(parts, t)
	}
	if len(r.Strategies) > 0 {
		t := &page.Table{Head: []string{"strategy", "differs from a good one by"}}
		for _, f := range r.Strategies {
			t.Add(f.Strategy.Name, f.Summary())
		}
		parts = append(parts, t)
	}
	verdict := "all held"
	if n := len(r.Shortfalls()); n > 0 {
		verdict = number.Count(n, "shortfall")
	}
	return append(parts, page.Text(fmt.Sprintf("openssl %s: %s; %s in %v", r.OpenSSL, verdict,
		number.Count(r.Trials, "trial"), r.Took.Round(time.Second))))
}

func selftestRow(r selftest.Row) []any {
	name := page.Cell{Text: r.Fault.Name}
	if r.Fault.Placed {
		name.Notes = []string{"made where the detector looks: see tlsbench help selftest"}
	}
	row := []any{name}
	for _, t := range r.Cells {
		if t.Trials == 0 { // it cannot be made there
			row = append(row, "-")
			continue
		}
		row = append(row, fmt.Sprintf("%d/%d", t.Found, t.Injected))
	}
	sum := r.Total()
	blame := "right"
	if wrong := sum.Found - sum.Blamed; wrong > 0 {
		blame = fmt.Sprintf("%d wrong", wrong)
	}
	return append(row, number.Percent(sum.Recall().Low), blame, sum.FalseAlarms)
}
