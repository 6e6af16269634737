package report

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"tlsbench/plots"
	"tlsbench/results"
	"tlsbench/results/outfile"
	"tlsbench/results/page"
)

// The published set: raw files in results/data, one folder a machine and day;
// the newest counts. From it come the figures in plots/published and a part of
// the README. All of it is made by
//
//	go run ./plots/publish
//
// from the root of the repository, and a test makes it again and compares.

// Paths of the published set, below the root of the repository.
const (
	PublishedData    = "results/data"
	PublishedFigures = "plots/published"
	readmeFile       = "README.md"
	findingsFile     = "results/FINDINGS.md"
)

// What appears between these lines is made by Publish: of the README the results,
// of a set's README what its files are.
var (
	resultsPart = part{"<!-- results: begin, made by go run ./plots/publish -->", "<!-- results: end -->"}
	filesPart   = part{"<!-- files: begin, made by go run ./plots/publish -->", "<!-- files: end -->"}
)

// ErrNoData says that there is no published set: the data folder holds no
// results file.
var ErrNoData = errors.New("no results file")

// Published loads the newest set below a root, and gives its name.
func Published(root string) (d *plots.Data, set string, err error) {
	// The one error of Glob is a bad pattern.
	all, _ := filepath.Glob(filepath.Join(root, PublishedData, "*", "*.txt"))
	if len(all) == 0 {
		return nil, "", fmt.Errorf("%w in %s", ErrNoData, filepath.Join(root, PublishedData))
	}
	folder := filepath.Dir(all[len(all)-1]) // they are sorted by name, which begins with the day
	var o plots.Options
	o.Probes, _ = filepath.Glob(filepath.Join(folder, "probe*.json"))
	var files []string
	for _, path := range all {
		if filepath.Dir(path) == folder {
			files = append(files, path)
		}
	}
	d, err = plots.Load(o, files...)
	return d, filepath.Base(folder), err
}

// Publish makes figures, the article of findings and the README's part from the
// published data. The figures of an older set are removed. A set whose plans are
// not finished is refused, before anything is written; with unfinished it is
// published all the same, but for the article.
func Publish(root string, unfinished bool) error {
	d, set, err := Published(root)
	if err != nil {
		return err
	}
	article := ""
	if !unfinished {
		if list := allInputs(d).Unfinished(); len(list) > 0 {
			return fmt.Errorf("%s: %s", set, strings.Join(list, "\n"))
		}
		if article, err = findings(d, set); err != nil {
			return fmt.Errorf("%s and %s: %w", findingsFile, set, err)
		}
	}
	folder := filepath.Join(root, PublishedFigures)
	old, _ := filepath.Glob(filepath.Join(folder, "*.svg"))
	for _, path := range old {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	if _, err := plots.WriteFiles(folder, plots.Figures(d), false); err != nil {
		return err
	}
	about := filepath.Join(root, PublishedData, set, readmeFile)
	if _, err := os.Stat(about); errors.Is(err, fs.ErrNotExist) {
		text := "# " + set + "\n\n" + filesPart.begin + "\n" + filesPart.end + "\n"
		if err := writeText(about, text); err != nil {
			return err
		}
	}
	if err := filesPart.rewrite(about, markdown(page.Files(allInputs(d)).Parts...)); err != nil {
		return err
	}
	if article != "" {
		if err := writeText(filepath.Join(root, findingsFile), article); err != nil {
			return err
		}
	}
	return resultsPart.rewrite(filepath.Join(root, readmeFile), Summary(d, set))
}

// allInputs is the comparison with the files that are in no table.
func allInputs(d *plots.Data) *results.Comparison {
	c := *d.Comparison
	c.Inputs = slices.Clone(c.Inputs)
	for _, f := range d.Field {
		c.Inputs = append(c.Inputs, f.Inputs...)
	}
	for _, a := range d.AA {
		c.Inputs = append(c.Inputs, a.Input)
	}
	return &c
}

// written is parts of a document in a format.
func written(f page.Format, parts []page.Part) string {
	var b strings.Builder
	_ = (&page.Document{Parts: parts}).Write(&b, f) // a builder takes everything
	return b.String()
}

func markdown(parts ...page.Part) string { return written(page.Markdown, parts) }

// summaryLine is how many characters a line of the README's part has at most.
const summaryLine = 160

// Summary is the README's part: the answer, the map, where the rest is.
func Summary(d *plots.Data, set string) string {
	t := page.Answer(d.Comparison)
	for i := range t.Rows {
		t.Rows[i] = shortened(t.Rows[i])
	}
	text := markdown(page.Text(t.Title+":"), &page.Table{Head: t.Head, Rows: t.Rows, Notes: t.Notes})
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "|") {
			line = strings.Join(page.Wrap(strings.TrimSuffix(line, "\n"), summaryLine), "\n") + "\n"
		}
		b.WriteString(line)
	}
	for _, f := range plots.Figures(d) {
		if f.Empty == "" {
			fmt.Fprintf(&b, "\n![%s](%s/%s.svg)\n", f.Title, PublishedFigures, f.ID)
			break
		}
	}
	fmt.Fprintf(&b, "\n%s, one machine. Every figure: [%s](%[2]s).\nConditions, commands, raw data: [%[3]s](%[4]s/%[3]s).\n",
		results.Done(d.Inputs), PublishedFigures, set, PublishedData)
	return b.String()
}

// shortened leaves notes out, and details, the longest first, until the row fits
// in a line.
func shortened(row page.Row) page.Row {
	row.Cells = slices.Clone(row.Cells)
	for i := range row.Cells {
		row.Cells[i].Notes = nil
	}
	for {
		length, longest := 2, 0
		for i, c := range row.Cells {
			length += utf8.RuneCountInString(c.String()) + 3
			if len(c.Detail) > len(row.Cells[longest].Detail) {
				longest = i
			}
		}
		if length <= summaryLine || row.Cells[longest].Detail == "" {
			return row
		}
		row.Cells[longest].Detail = ""
	}
}

// part is a piece of a text file between two lines.
type part struct{ begin, end string }

// rewrite puts new text into a file's part, if it has one.
func (p part) rewrite(path, text string) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(old), p.begin)
	_, after, ok2 := strings.Cut(rest, p.end)
	if !ok || !ok2 {
		return fmt.Errorf("%s: want the lines %q and %q", path, p.begin, p.end)
	}
	return writeText(path, before+p.begin+"\n\n"+text+"\n"+p.end+after)
}

func writeText(path, text string) error {
	return outfile.Write(path, func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
}
