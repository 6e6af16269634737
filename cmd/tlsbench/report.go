package main

import (
	"fmt"
	"io"
	"os"

	"tlsbench/plots"
)

// reportCommand writes the report page.
type reportCommand struct {
	drawing
	Output   string `short:"o" placeholder:"FILE" help:"Where to write the page; by default, and as -, to the output."`
	Markdown bool   `help:"Write Markdown for a README instead of a page."`
	Figures  string `placeholder:"DIR" help:"With --markdown: show figures that tlsbench plot wrote into this folder."`
}

// Run writes the page, or its Markdown.
func (c *reportCommand) Run(s *session) error {
	if c.Figures != "" && !c.Markdown {
		return refuse("--figures goes with --markdown: a page has its figures in it")
	}
	d, err := c.load()
	if err != nil {
		return err
	}
	if c.Output == "" || c.Output == "-" {
		return c.write(s.stdout, d)
	}
	// It holds the results files, which their owner alone may read.
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
	if c.Markdown {
		return plots.Markdown(w, d, c.Figures)
	}
	return plots.Report(w, d)
}
