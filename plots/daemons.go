package plots

import (
	"io"

	"tlsbench/results"
	"tlsbench/results/page"
)

// splitDaemons takes the files of tlsbench field out of a list, and reads them.
// Their trials stand in a section of their own, and in no figure: the rig's are
// there to be held against the daemons'.
func splitDaemons(files []string) (runs []string, daemons []*results.Comparison, err error) {
	for _, path := range files {
		if !results.HasDaemons(path) {
			runs = append(runs, path)
			continue
		}
		c, err := results.Summarize(results.Options{}, path)
		if err != nil {
			return nil, nil, err
		}
		if c.Daemons != nil { // a run may have ended before its first trial
			daemons = append(daemons, c)
		}
	}
	return runs, daemons, nil
}

// writeDaemons writes the section of these files. In brief it has the numbers
// alone, as in a README.
func writeDaemons(w io.Writer, files []*results.Comparison, format page.Format, brief bool) error {
	doc := new(page.Document)
	for _, c := range files {
		doc.Add(page.Text("In the real daemon (" + base(c.Files[0]) + "), on " + c.Tables[0].Machine + ":"))
		for _, w := range c.Warnings {
			doc.Add(page.Alarm(w))
		}
		if brief {
			doc.Add(page.Text(c.Daemons.ScoreLine()), page.Text(c.Daemons.ControlLine()))
		} else {
			doc.Add(page.DaemonParts(c.Daemons)...)
		}
	}
	if len(files) == 0 {
		return nil
	}
	if format == page.Markdown {
		io.WriteString(w, "\n")
	}
	return doc.Write(w, format)
}
