package main

import (
	"fmt"
	"io"
	"os"
	"slices"

	"tlsbench/plots"
	"tlsbench/plots/report"
)

// reportCommand writes the report page.
type reportCommand struct {
	drawing
	Output string `short:"o" placeholder:"FILE" help:"Where to write the page; by default, and as -, to the output."`
	Embed  bool   `help:"Pack the files into the page, so that it is all there is to send."`
}

// Run writes the page.
func (c *reportCommand) Run(s *session) error {
	d, err := c.load()
	if err != nil {
		return err
	}
	if c.Output == "" || c.Output == "-" {
		return c.write(s.stdout, d)
	}
	// It may hold the results files, which their owner alone may read.
	f, err := os.OpenFile(c.Output, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if err := c.write(f, d); err != nil {
		f.Close()
		return fmt.Errorf("write %s: %w", c.Output, err)
	}
	return f.Close()
}

func (c *reportCommand) write(w io.Writer, d *plots.Data) error {
	var sources []string
	if c.Embed {
		sources = report.Sources(d, slices.Concat(c.AA, c.Probe)...)
	}
	return report.Write(w, d, sources...)
}
