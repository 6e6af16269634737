package main

import (
	"errors"
	"io/fs"

	"tlsbench/results"
	"tlsbench/results/page"
)

// compareCommand prints tables of what is in results files.
type compareCommand struct {
	Files      []string `arg:"" name:"file" help:"Results files, of tlsbench run or of go test -bench."`
	Baseline   string   `default:"key-owner" placeholder:"NAME" help:"Strategy that ratios are relative to (${default})."`
	Confidence float64  `default:"0.95" placeholder:"P" help:"Confidence of the intervals (${default})."`
	Margin     float64  `default:"0.02" placeholder:"SHARE" help:"Differences below it do not matter (${default})."`
	Where      []string `placeholder:"KEY=VALUE" help:"Only trials like these, such as workers=4; several values of one key are alternatives."`
	JSON       bool     `name:"json" xor:"format" help:"Print as JSON."`
	CSV        bool     `name:"csv" xor:"format" help:"Print as CSV, one line for each figure."`
	Markdown   bool     `xor:"format" help:"Print as Markdown."`
}

// Run prints the comparison.
func (c *compareCommand) Run(s *session) error {
	o := results.Options{Baseline: c.Baseline, Confidence: c.Confidence, Margin: c.Margin, Where: c.Where}
	sum, err := results.Summarize(o, c.Files...)
	if err != nil {
		return badFiles(err)
	}
	if c.CSV {
		return page.Figures(sum).Write(s.stdout, page.CSV)
	}
	return page.Compare(sum).Write(s.stdout, form(c.JSON, c.Markdown))
}

// badFiles makes a refusal of an error about what the user named. An output
// that cannot be written to is none.
func badFiles(err error) error {
	var path *fs.PathError
	if err == nil || errors.As(err, &path) && path.Op == "write" {
		return err
	}
	return &refusal{err}
}
