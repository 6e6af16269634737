package main

import (
	"fmt"

	"tlsbench/bench"
	"tlsbench/results/number"
)

// mergeCommand joins the files of the shards of one run.
type mergeCommand struct {
	Output string   `short:"o" required:"" placeholder:"FILE" help:"The joint results file; it must not be there yet."`
	Files  []string `arg:"" name:"file" help:"Results files, one of each shard."`
}

// Run joins them.
func (c *mergeCommand) Run(s *session) error {
	m, err := bench.Merge(c.Output, c.Files...)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.stdout, "%s: %s of %s on %s\n", c.Output, number.Count(m.Trials, "trial"),
		number.Count(len(m.Parts), "shard"), number.Count(len(m.Machines), "kind")+" of machine")
	return nil
}
