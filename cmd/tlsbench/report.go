package main

import (
	"io"
	"slices"

	"tlsbench/plots"
	"tlsbench/plots/report"
	"tlsbench/results/outfile"
)

// reportCommand writes the report page.
type reportCommand struct {
	drawing
	Output string `short:"o" placeholder:"FILE" help:"Where to write the page; by default, and as -, to the output."`
	Embed  bool   `help:"Pack the files into the page, so that it is complete on its own."`
}

// Run writes the page.
func (c *reportCommand) Run(s *session) error {
	toFile := c.Output != "" && c.Output != "-"
	inputs := slices.Concat(c.Files, c.Probe, c.AA)
	if toFile {
		if err := outfile.Check(c.Output, inputs...); err != nil {
			return err
		}
	}
	d, err := c.load()
	if err != nil {
		return err
	}
	if !toFile {
		return c.write(s.stdout, d)
	}
	return outfile.Write(c.Output, func(w io.Writer) error { return c.write(w, d) }, inputs...)
}

func (c *reportCommand) write(w io.Writer, d *plots.Data) error {
	var sources []string
	if c.Embed {
		sources = report.Sources(d, slices.Concat(c.AA, c.Probe)...)
	}
	return report.Write(w, d, sources...)
}
