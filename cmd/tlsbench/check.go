package main

import "tlsbench/results"

// checkCommand tests claims on results files.
type checkCommand struct {
	Files       []string `arg:"" name:"file" help:"Results files."`
	Expect      []string `placeholder:"NAME=WORD" help:"A strategy is clean (the bound is met) or undamaged (no event in these trials), as in hwm=clean."`
	MaxSlowdown []string `placeholder:"A/B=SHARE" help:"A costs at most so much more than B, as in hwm/key-owner=2%."`
	Steady      []string `placeholder:"UNIT=SHARE" help:"The interval of each strategy's median lies within so much of it, as in warm-handler-ns=10%."`
	Against     []string `placeholder:"FILE" help:"Older results files that these must not be worse than."`
	AA          bool     `name:"aa" help:"A strategy under several names, as run --aa makes them, differs from itself no more often than chance allows."`
	Where       []string `placeholder:"KEY=VALUE" help:"Only trials like these, such as workers=4; several values of one key are alternatives."`
}

// Help is shown below the flags' own lines.
func (checkCommand) Help() string {
	return `Prints one line for each place where a rule is broken, and then exits with 1. ` +
		`A rule is broken as well where the data cannot support it: too few trials, failed controls, damage in the baseline.`
}

// Run tests the claims.
func (c *checkCommand) Run(s *session) error {
	broken, err := results.Check(s.stdout, results.CheckOptions{
		Expect: c.Expect, MaxSlowdown: c.MaxSlowdown, Steady: c.Steady, Against: c.Against, AA: c.AA, Where: c.Where,
	}, c.Files...)
	if err != nil {
		return badFiles(err)
	}
	if broken > 0 {
		return errFailed // the lines are on stdout
	}
	return nil
}
