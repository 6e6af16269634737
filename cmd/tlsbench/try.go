package main

import (
	"slices"
	"time"

	"tlsbench/bench"
	"tlsbench/results"
	"tlsbench/results/page"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload/openssl"
)

// tryCommand screens a fix of one's own.
type tryCommand struct {
	Fix string `arg:"" help:"The fix: a shared object such as ./my_fix.so, or a strategy of the suite."`
	buildFlags
	Hazard   []string      `placeholder:"NAME" help:"Hazards, instead of all; see tlsbench list hazard."`
	Rounds   rounds        `placeholder:"N" default:"1" help:"Trials of each cell (${default}), or auto."`
	Duration time.Duration `placeholder:"TIME" default:"500ms" help:"Length of each trial (${default})."`
	Seed     uint64        `placeholder:"N" help:"Seed of the order and of the bad peers; drawn and printed if not given."`
	Output   string        `short:"o" placeholder:"FILE" help:"Results file; a dated name in the current folder by default."`
	JSON     bool          `name:"json" help:"Print the comparison as JSON."`
	Quiet    bool          `short:"q" help:"Say nothing of how the run goes on; only what came out."`
}

// Help is shown below the flags' own lines.
func (tryCommand) Help() string {
	return `Runs the fix and key-owner under every hazard that key-owner survives, with the controls, in about a minute ` +
		`and a half. It finds frequent damage only: one trial in which nothing happened excludes that more than 95 % of ` +
		`such lives are damaged. Use --rounds for more trials, and --openssl for other builds than the system's. At the ` +
		`end it prints the command that shows, without luck, which memory workers share under the fix.`
}

// sharingRun is the command that a fix's path completes.
const sharingRun = "tlsbench run --measure sharing --load memory --hazard all --rounds 1 --openssl 3.6,4.0 --strategy "

// Run carries out the screening: it is a run, and its file is one of tlsbench run.
func (c *tryCommand) Run(s *session) error {
	r, left, err := c.screening()
	if err != nil {
		return err
	}
	j, err := r.job(s)
	if err != nil {
		return err
	}
	sum, err := j.carryOut(s, new(bench.Runner))
	if err != nil {
		return err
	}
	summary, trials, err := j.read()
	if err != nil {
		return err
	}
	doc := page.Screening(summary, trials, j.plan.Spec.Strategies[0].Name())
	if len(left) > 0 {
		doc.Add(page.Text("Not tried, because " + catalogue.NegativeControl + " is expected to fail there too: " + results.JoinHazards(left)))
	}
	doc.Add(page.Text("A screening finds frequent damage only. Which memory workers share under the fix is seen without luck by:"),
		page.Code(sharingRun+c.Fix))
	return j.report(s, sum, doc, trials)
}

// screening is the run, and the hazards that are left out of it because they say
// nothing about a fix.
func (c *tryCommand) screening() (*runCommand, []string, error) {
	r := &runCommand{
		buildFlags: c.buildFlags, Strategy: []string{c.Fix, catalogue.NegativeControl}, Hazard: c.Hazard, Measure: []string{"corruption"},
		Preset: "quick", Rounds: c.Rounds, Duration: c.Duration, Seed: c.Seed,
		resultFlags: resultFlags{Output: c.Output, JSON: c.JSON, Quiet: c.Quiet},
	}
	if len(c.Hazard) > 0 {
		return r, nil, nil
	}
	builds, err := c.find()
	var left []string
	for _, hazard := range results.AllHazards() {
		if slices.ContainsFunc(builds, func(b openssl.Build) bool { return results.HurtsOracle(hazard, b.Version) }) {
			left = append(left, hazard)
		} else {
			r.Hazard = append(r.Hazard, hazard)
		}
	}
	return r, left, err
}
