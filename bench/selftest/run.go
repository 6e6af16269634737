// Package selftest tries the suite on itself: damage whose amount is known, and
// fixes whose fault is known.
//
//	faults.go    the faults that the rig can make, and what each must show as
//	run.go       trials of each fault with each load and heap, until there are enough;
//	             races made on purpose, for the tracer
//	match.go     each event is matched with the fault it came of, and its blame checked
//	broken.go    fixes that are wrong on purpose (broken/*.c), compiled and tried,
//	             and by what each is told from a good one
//	report.go    what was found, and what fell short
//
// Faults come at random times that know nothing of the checks; see fault.h of the
// rig. Four can be made at one place alone, which is where the detector looks:
// these are marked as placed, and show that it sees them, not how often it would.
// A detector that is deterministic has to find all. One that has to look, at the
// rate of a corruption trial, has to find so many that the exact 95 % interval of
// its recall lies above 95 %. No trial may have an event that is nobody's.
package selftest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"tlsbench/results"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload"
	"tlsbench/workload/openssl"
)

// Spec says what is tried.
type Spec struct {
	Build   openssl.Build
	Loads   []string
	Heaps   []string // shared ones
	Workers int      // at least 2
	Seed    uint64
	Faults  []Fault
	Broken  []Broken
	Races   []workload.Race // for the tracer

	Quick bool
}

// amount is how much is tried.
type amount struct {
	duration time.Duration // of a trial that is not ended by its fault
	quiet    time.Duration // of a trial without faults
	faults   int           // of each kind, for each load and heap,
	looks    int           // and where a detector has to look: 72 are the least that can do
	ends     int           // trials of each fault that ends one
	still    int           // of the tracer, without a race
}

// A quick run keeps the bounds: of 120 faults one may be missed, of 200 three.
func (s *Spec) amount() amount {
	if s.Quick {
		return amount{duration: 300 * time.Millisecond, quiet: time.Second, faults: 20, looks: 120, ends: 1, still: 3}
	}
	return amount{duration: time.Second, quiet: 5 * time.Second, faults: 100, looks: 200, ends: 3, still: 100}
}

// tries bounds how often a trial is repeated until there were enough faults.
const tries = 20

// Cell is a load with a heap.
type Cell struct {
	Load string `json:"load"`
	Heap string `json:"heap"`
}

func (c Cell) String() string { return c.Load + "/" + c.Heap }

// runner carries out a Spec.
type runner struct {
	Spec
	amount amount
	random *rand.Rand
	report *Report
	tell   func(doing string)
}

// Run carries out all of it. tell is called with what is being done.
func Run(ctx context.Context, s Spec, tell func(doing string)) (*Report, error) {
	r := &runner{Spec: s, amount: s.amount(), random: rand.New(rand.NewPCG(s.Seed, 0)), tell: tell}
	r.report = &Report{Seed: s.Seed, Workers: s.Workers, Quick: s.Quick}
	for _, load := range s.Loads {
		for _, heap := range s.Heaps {
			r.report.Cells = append(r.report.Cells, Cell{load, heap})
		}
	}
	began := time.Now()
	if err := r.quiet(ctx); err != nil {
		return nil, err
	}
	for _, f := range s.Faults {
		if !slices.ContainsFunc(s.Loads, f.ComesUnder) {
			continue
		}
		if err := r.fault(ctx, f); err != nil {
			return nil, err
		}
	}
	if err := r.races(ctx); err != nil {
		return nil, err
	}
	if err := r.strategies(ctx); err != nil {
		return nil, err
	}
	r.report.Took = time.Since(began)
	return r.report, nil
}

// config is a trial under the negative control: all that happens in it is the
// fault's doing.
func (r *runner) config(c Cell, bad float64, d time.Duration) workload.Config {
	return workload.Config{
		Build: r.Build, Strategy: catalogue.Choice{Name: catalogue.NegativeControl}, Hazard: "plain",
		Workers: r.Workers, Load: c.Load, Heap: c.Heap, BadShare: bad, CheckRate: results.DefaultCheckRate, EchoBytes: results.EchoBytes,
		Duration: d, Seed: r.random.Uint64(),
	}
}

func (r *runner) trial(ctx context.Context, cfg workload.Config) (*workload.Outcome, error) {
	out, err := workload.Run(ctx, cfg)
	if err == nil && out.Skipped != "" {
		err = fmt.Errorf("skipped: %s", out.Skipped)
	}
	if err == nil && out.NotApplicable != "" {
		err = fmt.Errorf("OpenSSL %s has no %s", out.OpenSSLVersion, out.NotApplicable)
	}
	if err != nil {
		return nil, err
	}
	r.report.OpenSSL = out.OpenSSLVersion
	r.report.Trials++
	return out, nil
}

// quiet looks for events where nobody has made a fault.
func (r *runner) quiet(ctx context.Context) error {
	for _, c := range r.report.Cells {
		r.tell("no fault, " + c.String())
		out, err := r.trial(ctx, r.config(c, results.DefaultBad, r.amount.quiet))
		if err != nil {
			return fmt.Errorf("trial without faults, %s: %w", c, err)
		}
		q := Quiet{Cell: c, Handshakes: out.Handshakes, Checks: out.Checks, Tally: match(Fault{}, false, out)}
		r.report.Quiet = append(r.report.Quiet, q)
	}
	return nil
}

func (r *runner) races(ctx context.Context) error {
	if len(r.Races) == 0 {
		return nil
	}
	if err := r.still(ctx); err != nil {
		return fmt.Errorf("trial of the tracer without a race: %w", err)
	}
	for _, race := range r.Races {
		r.tell("tracer, " + race.Fault)
		out, err := r.trial(ctx, race.Config(r.config(Cell{}, results.DefaultBad, 0)))
		if err != nil {
			return fmt.Errorf("trial of %s: %w", race.Fault, err)
		}
		row := RaceRow{Race: race, Blocks: workload.RacedOn}
		row.Right, row.Wrong = race.Told(out)
		r.report.Races = append(r.report.Races, row)
	}
	return nil
}

func (r *runner) still(ctx context.Context) error {
	floor := results.Floor{}
	for i := range r.amount.still {
		r.tell(fmt.Sprintf("tracer, no race, trial %d of %d", i+1, r.amount.still))
		cfg := workload.Race{}.Config(r.config(Cell{}, results.DefaultBad, 0))
		cfg.FaultWorker = 0
		out, err := r.trial(ctx, cfg)
		if err != nil {
			return err
		}
		s := &r.report.Still
		if s.Trials++; i == 0 {
			floor.Add(out.Raced)
			s.Floor = len(out.Raced)
		}
		for _, b := range floor.Above(out.Raced) {
			s.Alarms = append(s.Alarms, b.Site)
		}
	}
	return nil
}

func (r *runner) fault(ctx context.Context, f Fault) error {
	row := Row{Fault: f}
	for _, c := range r.report.Cells {
		r.tell(f.Name + ", " + c.String())
		t, err := r.tally(ctx, f, c)
		if err != nil {
			return fmt.Errorf("trial of fault %s, %s: %w", f.Name, c, err)
		}
		row.Cells = append(row.Cells, t)
	}
	r.report.Rows = append(r.report.Rows, row)
	return nil
}

// tally repeats the trial until there were enough faults.
func (r *runner) tally(ctx context.Context, f Fault, c Cell) (Tally, error) {
	var sum Tally
	if !f.ComesUnder(c.Load) {
		return sum, nil
	}
	want := r.amount.faults
	if f.Looks {
		want = r.amount.looks
	}
	enough := func() bool { return sum.Injected >= want || sum.Trials >= tries }
	if f.Ends {
		enough = func() bool { return sum.Trials >= r.amount.ends }
	}
	for !enough() {
		out, err := r.trial(ctx, r.faulty(f, c))
		if err != nil {
			return sum, err
		}
		sum.add(match(f, f.peers && c.Load == "tcp", out))
	}
	return sum, nil
}

// Limits of a trial that its fault ends: a worker is hanging after the one, and
// the trial goes on no longer than the other if nothing is noticed.
const (
	hangAfter = time.Second
	endLimit  = 30 * time.Second
)

// gapFor keeps the faults of a trial, and so its events, below what the control
// block has room for: the more workers, the rarer the faults of each.
func gapFor(workers int) time.Duration {
	return gap * time.Duration(max(workers, 4)) / 4
}

func (r *runner) faulty(f Fault, c Cell) workload.Config {
	cfg := r.config(c, f.bad, r.amount.duration)
	cfg.Fault, cfg.FaultWorker, cfg.FaultGap = f.Name, workload.EachWorker, gapFor(r.Workers)
	if f.hazard != "" {
		cfg.Hazard = f.hazard
	}
	if f.Ends {
		cfg.FaultWorker, cfg.FaultGap, cfg.Duration = r.random.IntN(r.Workers), endGap, endLimit
		cfg.HangAfter = hangAfter
	}
	return cfg
}
