package results_test

import (
	"io"

	"tlsbench/results"
	"tlsbench/results/page"
)

// Package page imports this one, so that tests from within reach it only by way
// of here.
func init() {
	results.Show = func(w io.Writer, c *results.Comparison, format string) error {
		d := page.Compare(c)
		if format == "csv" {
			d = page.Figures(c)
		}
		if format == "answer" {
			d, format = &page.Document{Parts: []page.Part{page.Answer(c)}}, "text"
		}
		return d.Write(w, page.Format(format))
	}
}
