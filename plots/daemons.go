package plots

import (
	"bytes"
	"fmt"
	"html/template"
	"strings"

	"tlsbench/results"
	"tlsbench/results/page"
)

// daemonFile is a file of tlsbench field. Its trials stand in a section of their
// own, and in no figure: the rig's are there to be held against the daemons'.
type daemonFile struct {
	Path    string
	machine string
	*results.Daemons
	warnings []string
}

// splitDaemons takes the files with daemons out of a list, and reads them.
func splitDaemons(files []string) (runs []string, daemons []*daemonFile, err error) {
	for _, path := range files {
		if !results.HasDaemons(path) {
			runs = append(runs, path)
			continue
		}
		c, err := results.Summarize(results.Options{}, path)
		if err != nil {
			return nil, nil, err
		}
		f := &daemonFile{Path: path, Daemons: c.Daemons, warnings: c.Warnings}
		if f.Daemons == nil {
			f.Daemons = new(results.Daemons)
		}
		if len(c.Tables) > 0 {
			f.machine = c.Tables[0].Machine
		}
		daemons = append(daemons, f)
	}
	return runs, daemons, nil
}

// document is the section of one file. In brief it has the numbers alone, as in a
// README.
func (f *daemonFile) document(brief bool) *page.Document {
	d := new(page.Document)
	for _, w := range f.warnings {
		d.Add(page.Alarm(w))
	}
	if brief {
		d.Add(page.Text(f.ScoreLine()), page.Text(f.ControlLine()))
		return d
	}
	d.Add(page.Text("On " + f.machine + "."))
	d.Add(page.DaemonParts(f.Daemons)...)
	return d
}

// daemonHTML is the section of all files on the report page.
func daemonHTML(files []*daemonFile) (template.HTML, error) {
	var b bytes.Buffer
	for _, f := range files {
		fmt.Fprintf(&b, "<h3>%s</h3>\n", template.HTMLEscapeString(base(f.Path)))
		if err := f.document(false).Write(&b, page.HTML); err != nil {
			return "", err
		}
	}
	return template.HTML(b.String()), nil
}

// daemonMarkdown writes the sections of all files.
func daemonMarkdown(b *strings.Builder, files []*daemonFile, brief bool) error {
	for _, f := range files {
		fmt.Fprintf(b, "\nIn the real daemon (%s):\n\n", base(f.Path))
		if err := f.document(brief).Write(b, page.Markdown); err != nil {
			return err
		}
	}
	return nil
}
