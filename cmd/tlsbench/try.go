package main

import (
	"slices"
	"time"

	"tlsbench/results"
	"tlsbench/results/page"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload/openssl"
)

// tryCommand screens a fix of one's own.
type tryCommand struct {
	Fix string `arg:"" help:"The fix: a shared object such as ./my_fix/my_fix.so, or a strategy of the suite."`
	buildFlags
	Hazard   []string      `placeholder:"NAME" help:"Hazards, instead of all; see tlsbench list hazard."`
	Rounds   rounds        `placeholder:"N" default:"1" help:"Trials of each cell (${default}), or auto."`
	Duration time.Duration `placeholder:"TIME" default:"500ms" help:"Length of each trial (${default})."`
	Seed     uint64        `placeholder:"N" help:"Seed of the order and of the bad peers; drawn and printed if not given."`
	Output   string        `short:"o" placeholder:"FILE" help:"Results file; a dated name in the current folder by default."`
	JSON     bool          `name:"json" help:"Print the comparison as JSON."`
	Quiet    bool          `short:"q" help:"Say nothing of how the run goes on; only what came out."`
}

// sharingRun is the command that a fix's path completes.
const sharingRun = "tlsbench run --measure sharing --load memory --hazard all --rounds 1 --openssl 3.6,4.0 --strategy "

// Run carries out the screening: it is a run, and its file is one of tlsbench run.
func (c *tryCommand) Run(s *session) error {
	r, left, err := c.screening()
	if err != nil {
		return err
	}
	return r.run(s, func(j *job, summary *results.Comparison) (*page.Document, error) {
		set, err := results.ReadFiles(j.path)
		if err != nil {
			return nil, err
		}
		doc := page.Screening(summary, set.Trials, j.plan.Spec.Strategies[0].Name())
		if len(left) > 0 {
			doc.Add(page.Text("Not tried, because " + catalogue.NegativeControl + " is expected to fail there too: " + results.JoinHazards(left)))
		}
		doc.Add(page.Text("A screening finds frequent damage only. Which memory workers share under the fix is seen without luck by:"),
			page.Code(sharingRun+c.Fix))
		return doc, nil
	})
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
