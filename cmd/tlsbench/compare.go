package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"tlsbench/bench"
	"tlsbench/plots"
	"tlsbench/plots/report"
	"tlsbench/results"
	"tlsbench/results/number"
	"tlsbench/results/outfile"
	"tlsbench/results/page"
)

// summed is what compare, plot and report have in common.
type summed struct {
	Files      []string `arg:"" name:"file" help:"Results files of tlsbench run, tlsbench field or go test -bench."`
	Baseline   string   `default:"key-owner" placeholder:"NAME" help:"Strategy that ratios are relative to (${default})."`
	Confidence float64  `default:"0.95" placeholder:"P" help:"Confidence of the intervals (${default})."`
	Margin     float64  `default:"0.02" placeholder:"SHARE" help:"Differences below this share count as none (${default})."`
	Where      []string `placeholder:"KEY=VALUE" help:"Only trials with these settings, such as workers=4; several values of one key are alternatives."`
}

func (c *summed) options() results.Options {
	return results.Options{Baseline: c.Baseline, Confidence: c.Confidence, Margin: c.Margin, Where: c.Where}
}

// compareCommand prints tables of what is in results files.
type compareCommand struct {
	summed
	Rate     float64 `placeholder:"N" help:"Work out how many first damages a year a server with N connections a second could have."`
	All      bool    `help:"Print the details of all scenes, also of those with few trials."`
	JSON     bool    `name:"json" xor:"format" help:"Print as JSON."`
	CSV      bool    `name:"csv" xor:"format" help:"Print as CSV, one line for each figure."`
	Markdown bool    `xor:"format" help:"Print as Markdown."`
}

// Run prints the comparison.
func (c *compareCommand) Run(s *session) error {
	o := c.options()
	o.Rate = c.Rate
	if len(c.Files) == 2 && c.Files[0] != c.Files[1] && !c.CSV && !slices.Contains(c.Files, "-") {
		changes, err := results.Compare(o, c.Files[0], c.Files[1])
		if err != nil {
			return badFiles(err)
		}
		if changes != nil {
			if err := s.besideTheChange(c.Files); err != nil {
				return err
			}
			return page.Changes(changes).Write(s.stdout, c.format())
		}
	}
	sum, err := results.Summarize(o, c.Files...)
	if err != nil {
		return badFiles(err)
	}
	doc := page.Overview(sum)
	switch {
	case c.CSV:
		doc = page.Figures(sum)
	case c.All:
		doc = page.Compare(sum)
	}
	return doc.Write(s.stdout, c.format())
}

func (c *compareCommand) format() page.Format {
	switch {
	case c.CSV:
		return page.CSV
	case c.Markdown:
		return page.Markdown
	}
	return form(c.JSON)
}

// besideTheChange refuses what the comparison of two files over time has no use for.
func (s *session) besideTheChange(files []string) error {
	for _, flag := range []string{"baseline", "confidence", "margin", "rate", "all"} {
		if slices.Contains(s.given, flag) {
			return refuse("--%s: %s and %s have cells in common, so they are before and after, relative to %s at 95 %%; leave it out, or compare each file alone",
				flag, files[0], files[1], results.NegativeControl)
		}
	}
	return nil
}

// badFiles makes a refusal of an error about what the user named. An output
// that cannot be written to is none.
func badFiles(err error) error {
	var path *fs.PathError
	if err == nil || errors.As(err, &path) && path.Op == "write" {
		return err
	}
	return &refusal{Err: err}
}

// checkCommand tests claims on results files.
type checkCommand struct {
	Files       []string `arg:"" name:"file" help:"Results files."`
	Expect      []string `placeholder:"NAME=WORD" help:"A strategy is clean (the bound is met), undamaged (no event in these trials), unshared (no shared block in sharing trials) or equivalent (in duets, within 0.5 %), as in hwm=clean."`
	MaxSlowdown []string `placeholder:"A/B=SHARE" help:"A costs at most this share more than B, as in hwm/key-owner=2%."`
	Against     []string `placeholder:"FILE" help:"Older results files; the new ones must not be worse."`
	Margin      string   `placeholder:"SHARE" help:"With --against: the data must show that costs rose by less than this share, such as 5%. Without it: no rise may be found, in enough rounds to find one."`
	AA          bool     `name:"aa" help:"Duets of a strategy with itself differ no more often than chance allows."`
	Where       []string `placeholder:"KEY=VALUE" help:"Only trials with these settings, such as workers=4; several values of one key are alternatives."`
}

// Run tests the claims.
func (c *checkCommand) Run(s *session) error {
	sum, err := results.Check(s.stdout, results.CheckOptions{
		Expect: c.Expect, MaxSlowdown: c.MaxSlowdown, Against: c.Against, Margin: c.Margin, AA: c.AA, Where: c.Where,
	}, c.Files...)
	if err != nil {
		return badFiles(err)
	}
	switch { // the lines are on stdout
	case sum.Broken > 0:
		return errFailed
	case sum.Undecided > 0:
		return errUndecided
	}
	return nil
}

// mergeCommand joins the files of the shards of one run.
type mergeCommand struct {
	Output string   `short:"o" required:"" placeholder:"FILE" help:"The joint results file, which must not exist yet; - is the output."`
	Files  []string `arg:"" name:"file" help:"Results files, one of each shard."`
}

// Run joins them.
func (c *mergeCommand) Run(s *session) error {
	if c.Output == "-" {
		_, err := bench.MergeTo(s.stdout, c.Files...)
		return err
	}
	m, err := bench.Merge(c.Output, c.Files...)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.stdout, "%s: %s of %s\n", c.Output, number.Count(m.Trials, "trial"), number.Count(m.Shards, "shard"))
	return nil
}

// drawing is what plot and report have in common.
type drawing struct {
	summed
	Probe []string `placeholder:"FILE" help:"Files of tlsbench probe --json, for the figure of thread-local keys."`
}

func (c *drawing) load() (*plots.Data, error) {
	d, err := plots.Load(plots.Options{Compare: c.options(), Probes: c.Probe}, c.Files...)
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
	inputs := slices.Concat(c.Files, c.Probe)
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
		sources = slices.Concat(c.Files, c.Probe)
	}
	return report.Write(w, d, sources...)
}
