package report

import (
	"bytes"
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

// set is one folder of raw files.
type set struct {
	name   string
	files  []string // results files
	aa     []string // of a strategy against itself
	probes []string
}

// findSet looks for the newest set below a root.
func findSet(root string) (*set, error) {
	data := filepath.Join(root, PublishedData)
	entries, err := os.ReadDir(data)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range slices.Backward(entries) { // they are sorted by name, which begins with the day
		if s := readSet(data, e.Name()); e.IsDir() && len(s.files) > 0 {
			return s, nil
		}
	}
	return nil, fmt.Errorf("%w in %s", ErrNoData, data)
}

// readSet lists what is in a folder.
func readSet(data, name string) *set {
	s := &set{name: name}
	// The one error of Glob is a bad pattern.
	text, _ := filepath.Glob(filepath.Join(data, name, "*.txt"))
	for _, path := range text {
		switch base := filepath.Base(path); {
		case strings.EqualFold(base, "readme.txt"): // a folder may explain itself
		case strings.HasPrefix(base, "aa"):
			s.aa = append(s.aa, path)
		default:
			s.files = append(s.files, path)
		}
	}
	s.probes, _ = filepath.Glob(filepath.Join(data, name, "probe*.json"))
	return s
}

func (s *set) load() (*plots.Data, error) {
	return plots.Load(plots.Options{Probes: s.probes, AA: s.aa}, s.files...)
}

// Published loads the published set below a root.
func Published(root string) (*plots.Data, error) {
	s, err := findSet(root)
	if err != nil {
		return nil, err
	}
	return s.load()
}

// Publish makes figures, the article of findings and the README's part from the
// published data. The figures of an older set are removed. A set whose plans are
// not finished is refused, before anything is written; with unfinished it is
// published all the same, but for the article.
func Publish(root string, unfinished bool) error {
	s, err := findSet(root)
	if err != nil {
		return err
	}
	d, err := s.load()
	if err != nil {
		return err
	}
	article := ""
	if !unfinished {
		if article, err = finished(d, s.name); err != nil {
			return err
		}
	}
	folder := filepath.Join(root, PublishedFigures)
	old, err := filepath.Glob(filepath.Join(folder, "*.svg"))
	if err != nil {
		return err
	}
	for _, path := range old {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	if _, err := plots.WriteFiles(folder, plots.Figures(d), false); err != nil {
		return err
	}
	about := filepath.Join(root, PublishedData, s.name, readmeFile)
	if _, err := os.Stat(about); errors.Is(err, fs.ErrNotExist) {
		text := "# " + s.name + "\n\n" + filesPart.begin + "\n" + filesPart.end + "\n"
		if err := writeText(about, text); err != nil {
			return err
		}
	}
	if err := filesPart.rewrite(about, markdown(page.Files(allInputs(d)))); err != nil {
		return err
	}
	if article != "" {
		if err := writeText(filepath.Join(root, findingsFile), article); err != nil {
			return err
		}
	}
	return resultsPart.rewrite(filepath.Join(root, readmeFile), Summary(d, s.name))
}

// finished gives the article of a set, if all of its plans are carried out.
func finished(d *plots.Data, name string) (string, error) {
	if list := allInputs(d).Unfinished(); len(list) > 0 {
		return "", fmt.Errorf("%s: %s", name, strings.Join(list, "\n"))
	}
	article, err := Findings(d, name)
	if err != nil {
		return "", fmt.Errorf("%s and %s: %w", findingsFile, name, err)
	}
	return article, nil
}

// allInputs is the comparison with the files of the daemons.
func allInputs(d *plots.Data) *results.Comparison {
	c := *d.Comparison
	c.Inputs = slices.Clone(c.Inputs)
	for _, f := range d.Field {
		c.Inputs = append(c.Inputs, f.Inputs...)
	}
	return &c
}

func markdown(d *page.Document) string {
	var b strings.Builder
	_ = d.Write(&b, page.Markdown) // a builder takes everything
	return b.String()
}

// Limits of the README's part: a screen of a text editor, and what a person
// still reads.
const (
	summaryLine = 160  // characters
	summarySize = 3000 // bytes
)

// Summary is the README's part: the answer, the map, where the rest is.
func Summary(d *plots.Data, set string) string {
	t := page.Answer(d.Comparison)
	for i := range t.Rows {
		t.Rows[i] = shortened(t.Rows[i])
	}
	text := markdown(&page.Document{Parts: []page.Part{page.Text(t.Title + ":"), &page.Table{Head: t.Head, Rows: t.Rows, Notes: t.Notes}}})
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
	changed, err := p.replace(old, text)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return writeText(path, string(changed))
}

func writeText(path, text string) error {
	return outfile.Write(path, func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
}

func (p part) replace(old []byte, text string) ([]byte, error) {
	before, rest, ok := bytes.Cut(old, []byte(p.begin))
	_, after, ok2 := bytes.Cut(rest, []byte(p.end))
	if !ok || !ok2 {
		return nil, fmt.Errorf("want the lines %q and %q", p.begin, p.end)
	}
	return slices.Concat(before, []byte(p.begin+"\n\n"+text+"\n"+p.end), after), nil
}

// Sources lists the files that a page can pack into itself.
func Sources(d *plots.Data, others ...string) []string {
	var list []string
	for _, c := range append([]*results.Comparison{d.Comparison}, d.Field...) {
		list = append(list, c.Files...)
	}
	return append(list, others...)
}
