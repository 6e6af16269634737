package main

import (
	"cmp"
	"context"
	"fmt"

	"tlsbench/results"
	"tlsbench/results/event"
	"tlsbench/results/page"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload"
	"tlsbench/workload/openssl"
)

// probeCommand shows the ledger of thread-local keys.
type probeCommand struct {
	buildFlags
	Strategy []string `placeholder:"NAME" help:"Strategies: name, name:key=value, or ./own.so. All by default."`
	Hazard   string   `default:"plain" placeholder:"NAME" help:"What else is in the process; see tlsbench list hazard."`
	Heap     string   `default:"global" placeholder:"NAME" help:"The heap behind OpenSSL: ${heaps}."`
	heapFlag
	Locks  string `default:"shared" placeholder:"NAME" help:"Locks across processes: ${lockss}."`
	Rand   string `default:"default" placeholder:"NAME" help:"Random generator: ${rands}."`
	Ledger bool   `help:"Show every key, also with several builds."`
	JSON   bool   `name:"json" help:"Print everything as JSON."`
}

// Run probes every build under every strategy.
func (c *probeCommand) Run(s *session) error {
	list, libraries, err := c.choices(s.ctx, map[string]string{"heap": c.Heap, "locks": c.Locks, "rand": c.Rand}, &c.Hazard, c.Strategy, c.bytes())
	if err != nil {
		return err
	}
	f := &probeReport{probeCommand: c}
	failed := s.each(libraries, "probe", func(b openssl.Build) []error {
		found, errs := c.probeBuild(s.ctx, b, list)
		f.Builds = append(f.Builds, found)
		return errs
	})
	if s.ctx.Err() != nil {
		return s.ctx.Err()
	}
	verdicts := f.test()
	doc := page.Document{Parts: append(f.parts(), verdictParts(verdicts)...), Data: f.document(verdicts)}
	return cmp.Or(doc.Write(s.stdout, form(c.JSON)), failed)
}

// probeBuild probes one build under each strategy.
func (c *probeCommand) probeBuild(ctx context.Context, b openssl.Build, list []results.Strategy) (*buildReport, []error) {
	found := newBuildReport(b)
	var errs []error
	for _, st := range list {
		p, err := c.once(ctx, b, st.Choice, c.Hazard, c.Rand)
		if err != nil {
			errs = append(errs, fmt.Errorf("strategy %s: %w", st.Name(), err))
			continue
		}
		p.Strategy = st.Name()
		found.add(p)
	}
	return found, append(errs, c.probeForClaims(ctx, found)...)
}

// probeForClaims probes a build under what the claims about it need and the
// user did not ask for.
func (c *probeCommand) probeForClaims(ctx context.Context, b *buildReport) []error {
	if !c.asClaimed() {
		return nil
	}
	var errs []error
	for _, claim := range claims {
		for _, need := range claim.Needs {
			if _, tried := b.probed(need); tried || !claim.about(b) {
				continue
			}
			p, err := c.once(ctx, b.library, catalogue.Choice{Name: need.Strategy}, need.Hazard, need.Rand)
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", need, err))
				b.extra[need] = nil
				continue
			}
			b.extra[need] = &p.ProbedStrategy
		}
	}
	return errs
}

func (c *probeCommand) once(ctx context.Context, b openssl.Build, st catalogue.Choice, hazard, rand string) (*workload.Probed, error) {
	return workload.Probe(ctx, workload.Config{
		Build: b, Strategy: st, Hazard: hazard, Heap: c.Heap, HeapBytes: c.bytes(), Locks: c.Locks, Rand: rand,
	})
}

func (f *probeReport) parts() []page.Part {
	var parts []page.Part
	if len(f.Builds) == 1 || f.Ledger {
		for _, b := range f.Builds {
			parts = append(parts, f.ledger(b)...)
		}
		parts = append(parts, marksExplained)
	}
	if len(f.Builds) > 1 {
		parts = append(parts, f.summary()...)
	}
	return parts
}

// probeReport holds the probes of all builds, and their settings.
type probeReport struct {
	*probeCommand
	Builds []*buildReport
}

// buildReport holds the probes of one build, with the strategies in the order asked
// for.
type buildReport struct {
	results.ProbedBuild // with the library's own version
	library             openssl.Build
	workers             int // that were forked
	// extra is what was probed for the claims alone; nil where that failed.
	extra map[condition]*results.ProbedStrategy
}

func newBuildReport(b openssl.Build) *buildReport {
	return &buildReport{
		ProbedBuild: results.ProbedBuild{OpenSSL: b.Version, Libcrypto: openssl.Portable(b.Libcrypto)},
		library:     b, workers: 2, extra: map[condition]*results.ProbedStrategy{},
	}
}

// add names no one's home: a probe is published like a results file.
func (f *buildReport) add(p *workload.Probed) {
	p.Skipped = openssl.Portable(p.Skipped)
	for i, file := range p.Files {
		p.Files[i] = openssl.Portable(file)
	}
	f.Strategies = append(f.Strategies, p.ProbedStrategy)
	f.OpenSSL, f.workers = cmp.Or(p.Version, f.OpenSSL), max(f.workers, p.Workers)
}

// probed gives what a condition showed, and whether it was tried. What the user
// asked for has the default settings whenever claims are tested.
func (f *buildReport) probed(c condition) (p *results.ProbedStrategy, tried bool) {
	p, tried = f.extra[c]
	if p == nil && c.Hazard == "plain" && c.Rand == "default" {
		p = f.Under(c.Strategy)
	}
	return p, tried || p != nil
}

// under gives the probes under some conditions; nil if one of them is missing
// or tells nothing, or its strategy not applicable, or its hazard not possible here.
func (f *buildReport) under(conditions []condition) []*results.ProbedStrategy {
	var list []*results.ProbedStrategy
	for _, c := range conditions {
		p, _ := f.probed(c)
		if p == nil || p.Untold() != "" || endedEarly(p) {
			return nil
		}
		list = append(list, p)
	}
	return list
}

// endedEarly reports whether a probe saw no slot, or may have seen nothing shared
// because damage ended it. Where something is, damage is what follows from it.
func endedEarly(p *results.ProbedStrategy) bool {
	return len(p.Keys) == 0 || p.SharedAddresses == 0 && p.Events[event.Crash]+p.Events[event.Hang] > 0
}

// base is what rank 0 is described from: strategy none if it was probed,
// because a strategy may empty rank 0's slots before the fork.
func (f *buildReport) base() *results.ProbedStrategy {
	if p := f.Under(results.PositiveControl); p != nil {
		return p
	}
	for i := range f.Strategies {
		if p := &f.Strategies[i]; p.Untold() == "" {
			return p
		}
	}
	return nil
}

// document is the probe as JSON: all that was found, and none of the table's
// shortening.
func (f *probeReport) document(claims []results.ProbedClaim) results.Probe {
	d := results.Probe{Format: results.ProbeFormat, Hazard: f.Hazard, Heap: f.Heap, Locks: f.Locks, Rand: f.Rand, Claims: claims}
	for _, b := range f.Builds {
		d.Builds = append(d.Builds, b.ProbedBuild)
	}
	return d
}
