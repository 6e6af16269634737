package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"tlsbench/bench"
	"tlsbench/results"
	"tlsbench/strategies"
	"tlsbench/workload"
	"tlsbench/workload/openssl"
)

// probeCommand shows the ledger of thread-local keys.
type probeCommand struct {
	buildFlags
	Strategy []string `placeholder:"NAME" help:"Strategies: name, name:key=value, or ./own.so. All by default."`
	Hazard   string   `default:"plain" placeholder:"NAME" help:"What else is in the process: ${hazards}."`
	Heap     string   `default:"global" placeholder:"NAME" help:"The heap behind OpenSSL: ${heaps}."`
	heapFlag
	Locks  string `default:"shared" placeholder:"NAME" help:"Locks across processes: ${lockss}."`
	Rand   string `default:"default" placeholder:"NAME" help:"Random generator: ${rands}."`
	Ledger bool   `help:"With several builds too, show every key of each."`
	JSON   bool   `name:"json" help:"Print everything as JSON."`
}

// Help is shown below the flags' own lines.
func (probeCommand) Help() string {
	return `Runs two workers for a few handshakes under each strategy, and looks at the slots right before the fork, ` +
		`right after it, and after the first handshake. With several builds it prints one summary.`
}

// Run probes every build under every strategy.
func (c *probeCommand) Run(s *session) error {
	list, libraries, err := c.choices()
	if err != nil {
		return err
	}
	f, failed, err := c.probe(s, libraries, list)
	if err != nil {
		return err
	}
	verdicts := f.judge(claims)
	if c.JSON {
		err = writeJSON(s.stdout, f.document(verdicts))
	} else {
		c.print(s.stdout, f, verdicts)
	}
	if err == nil && failed {
		err = errFailed
	}
	return err
}

// choices checks the flags and finds the builds.
func (c *probeCommand) choices() ([]bench.Strategy, []openssl.Build, error) {
	for flag, value := range map[string]string{"heap": c.Heap, "locks": c.Locks, "rand": c.Rand} {
		if err := checkValue(flag, value); err != nil {
			return nil, nil, err
		}
	}
	if _, err := parseHazards([]string{c.Hazard}); err != nil {
		return nil, nil, err
	}
	if err := c.heapFlag.check(); err != nil {
		return nil, nil, err
	}
	list, err := parseStrategies(c.Strategy)
	if err != nil {
		return nil, nil, err
	}
	libraries, err := c.find("system")
	return list, libraries, err
}

// probe fills the findings. What could not be probed is told and left out.
func (c *probeCommand) probe(s *session, libraries []openssl.Build, list []bench.Strategy) (*findings, bool, error) {
	f := &findings{Heap: c.Heap, Hazard: c.Hazard, Locks: c.Locks, Rand: c.Rand}
	failed := false
	for _, b := range libraries {
		found, errs := c.probeBuild(s.ctx, b, list)
		if s.ctx.Err() != nil {
			return nil, false, s.ctx.Err()
		}
		for _, err := range errs {
			s.complain(fmt.Errorf("probe openssl %s: %w", b.Name, err))
			failed = true
		}
		f.Builds = append(f.Builds, found)
	}
	return f, failed, nil
}

// probeBuild probes one build under each strategy.
func (c *probeCommand) probeBuild(ctx context.Context, b openssl.Build, list []bench.Strategy) (*finding, []error) {
	found := &finding{Library: b, Version: b.Version}
	var errs []error
	for _, st := range list {
		p, err := c.once(ctx, b, st.Choice, c.Rand)
		if err != nil {
			errs = append(errs, fmt.Errorf("strategy %s: %w", st.Name(), err))
			continue
		}
		found.add(st.Name(), p)
	}
	if found.needsMethod(c.Rand) {
		p, err := c.once(ctx, b, strategies.Choice{Name: strategies.PositiveControl}, "method")
		if err != nil {
			errs = append(errs, fmt.Errorf("strategy none with rand method: %w", err))
		}
		found.Method = p
	}
	return found, errs
}

func (c *probeCommand) once(ctx context.Context, b openssl.Build, st strategies.Choice, rand string) (*workload.Probed, error) {
	return workload.Probe(ctx, workload.Config{
		Build: b, Strategy: st, Hazard: c.Hazard, Heap: c.Heap, HeapBytes: c.bytes(), Locks: c.Locks, Rand: rand,
	})
}

func (c *probeCommand) print(w io.Writer, f *findings, verdicts []verdict) {
	if len(f.Builds) == 1 || c.Ledger {
		for i, b := range f.Builds {
			if i > 0 {
				fmt.Fprintln(w)
			}
			f.printLedger(w, b)
		}
		f.printLegend(w)
	}
	if len(f.Builds) > 1 {
		if c.Ledger {
			fmt.Fprintln(w)
		}
		f.printSummary(w)
	}
	printVerdicts(w, verdicts)
}

// findings is what a probe found, and under which settings.
type findings struct {
	Hazard, Heap, Locks, Rand string
	Builds                    []*finding
}

// finding is what was found on one build.
type finding struct {
	Library openssl.Build
	Version string   // the library's own
	Names   []string // strategies, in the order asked for
	Under   map[string]*workload.Probed
	// Method is strategy none with an own random method, where a claim is
	// about it; else nil.
	Method *workload.Probed
}

func (f *finding) add(strategy string, p *workload.Probed) {
	if f.Under == nil {
		f.Under = map[string]*workload.Probed{}
	}
	f.Names = append(f.Names, strategy)
	f.Under[strategy] = p
	if p.Version != "" {
		f.Version = p.Version
	}
}

// needsMethod reports whether the claim about RAND_set_rand_method can be
// tested here: it is about 1.1.1.
func (f *finding) needsMethod(rand string) bool {
	return rand == "default" && f.is("1.1.1") && f.Under[strategies.PositiveControl] != nil
}

// is reports whether the build is of a line such as 3.0 or 3, or 1.1.1 with
// its letters.
func (f *finding) is(line string) bool {
	rest, ok := strings.CutPrefix(f.Version, line)
	return ok && (rest == "" || rest[0] < '0' || rest[0] > '9')
}

// base is what rank 0 is described from: strategy none if it was probed,
// because a strategy may empty rank 0's slots before the fork.
func (f *finding) base() *workload.Probed {
	if p := f.Under[results.PositiveControl]; p != nil {
		return p
	}
	for _, name := range f.Names {
		if p := f.Under[name]; p.NotApplicable == "" {
			return p
		}
	}
	return nil
}
