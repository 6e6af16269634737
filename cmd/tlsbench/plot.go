package main

import (
	"fmt"
	"io"
	"slices"

	"tlsbench/plots"
	"tlsbench/plots/report"
	"tlsbench/results/number"
	"tlsbench/results/outfile"
)

// drawing is what plot and report have in common.
type drawing struct {
	summed
	Probe []string `placeholder:"FILE" help:"Files of tlsbench probe --json, for the figure of thread-local keys."`
	AA    []string `name:"aa" placeholder:"FILE" help:"Results files of tlsbench run --aa: a strategy against itself, as the noise floor."`
}

func (c *drawing) load() (*plots.Data, error) {
	d, err := plots.Load(plots.Options{Compare: c.options(), Probes: c.Probe, AA: c.AA}, c.Files...)
	return d, badFiles(err)
}

// plotCommand draws the figures.
type plotCommand struct {
	drawing
	Output string `short:"o" required:"" placeholder:"DIR" help:"Folder for the figures; it is created if it does not exist."`
	PNG    bool   `name:"png" help:"Write each figure as PNG too."`
}

// Run draws them and lists the files.
func (c *plotCommand) Run(s *session) error {
	if c.Output == "-" {
		return refuse("output -: figures are files in a folder; name one, such as ./figures")
	}
	d, err := c.load()
	if err != nil {
		return err
	}
	names, err := plots.WriteFiles(c.Output, plots.Figures(d), c.PNG)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.stdout, "%s in %s\n", number.Count(len(names), "file"), c.Output)
	return err
}

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
		sources = slices.Concat(c.Files, c.AA, c.Probe)
	}
	return report.Write(w, d, sources...)
}
