package plots

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The published set: raw files in results/data, one folder a run; from them the
// figures in plots/published and a part of the README. All of it is made by
//
//	go run ./plots/publish
//
// from the root of the repository, and a test makes it again and compares.

// Paths of the published set, below the root of the repository.
const (
	PublishedData    = "results/data"
	PublishedFigures = "plots/published"
	publishedReadme  = "README.md"
)

// What stands between these lines of the README is made by Publish.
const (
	readmeBegin = "<!-- results: begin, made by go run ./plots/publish -->"
	readmeEnd   = "<!-- results: end -->"
)

// ErrNoData says that there is no published set: the data folder holds no
// results file.
var ErrNoData = errors.New("no results file")

// Published loads the published set below a root.
func Published(root string) (*Data, error) {
	files, err := filepath.Glob(filepath.Join(root, PublishedData, "*", "*.txt"))
	if err != nil {
		return nil, err
	}
	probes, err := filepath.Glob(filepath.Join(root, PublishedData, "*", "probe*.json"))
	if err != nil {
		return nil, err
	}
	// Not every text file is one of results: a folder may explain itself.
	files = slices.DeleteFunc(files, func(path string) bool { return strings.EqualFold(filepath.Base(path), "readme.txt") })
	if len(files) == 0 {
		return nil, fmt.Errorf("%w in %s", ErrNoData, filepath.Join(root, PublishedData))
	}
	return Load(Options{Probes: probes}, files...)
}

// Publish makes figures and the README's part from the published data. The
// figures of an older set are removed.
func Publish(root string) error {
	d, err := Published(root)
	if err != nil {
		return err
	}
	folder := filepath.Join(root, PublishedFigures)
	for _, pattern := range []string{"*.svg", "*.png"} {
		old, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil {
			return err
		}
		for _, path := range old {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	if _, err := WriteFiles(folder, Figures(d)); err != nil {
		return err
	}
	if err := WriteTables(folder, d); err != nil {
		return err
	}
	if err := publishRuns(root, d); err != nil {
		return err
	}
	return rewrite(filepath.Join(root, publishedReadme), func(old []byte) ([]byte, error) { return replaceResults(old, d) })
}

// rewrite changes a text file in its place.
func rewrite(path string, change func([]byte) ([]byte, error)) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if text, err = change(text); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, text, 0o644)
}

// publishRuns writes what the files of each run are into its README, if there
// is one with a place for it.
func publishRuns(root string, d *Data) error {
	paths, err := filepath.Glob(filepath.Join(root, PublishedData, "*", publishedReadme))
	if err != nil {
		return err
	}
	for _, path := range paths {
		if err := rewrite(path, func(old []byte) ([]byte, error) { return replaceFiles(old, d, filepath.Dir(path)) }); err != nil {
			return err
		}
	}
	return nil
}

// What stands between these lines of a run's README is made by Publish.
const (
	filesBegin = "<!-- files: begin, made by go run ./plots/publish -->"
	filesEnd   = "<!-- files: end -->"
)

// replaceFiles puts the facts about the files of a folder into its README.
func replaceFiles(readme []byte, d *Data, folder string) ([]byte, error) {
	if !bytes.Contains(readme, []byte(filesBegin)) {
		return readme, nil
	}
	here := &Data{Comparison: d.Comparison}
	for _, in := range d.Inputs {
		if filepath.Dir(in.Path) == folder {
			here.Inputs = append(here.Inputs, in)
		}
	}
	return replacePart(readme, filesBegin, filesEnd, func(b *strings.Builder) error {
		here.describeFiles(b)
		return nil
	})
}

// replacePart puts new text between two lines.
func replacePart(text []byte, begin, end string, write func(*strings.Builder) error) ([]byte, error) {
	before, rest, ok := bytes.Cut(text, []byte(begin))
	_, after, ok2 := bytes.Cut(rest, []byte(end))
	if !ok || !ok2 {
		return nil, fmt.Errorf("want the lines %q and %q", begin, end)
	}
	var b strings.Builder
	b.Write(before)
	b.WriteString(begin + "\n\n")
	if err := write(&b); err != nil {
		return nil, err
	}
	b.WriteString("\n" + end)
	b.Write(after)
	return []byte(b.String()), nil
}

// replaceResults puts the results into a README.
func replaceResults(readme []byte, d *Data) ([]byte, error) {
	return replacePart(readme, readmeBegin, readmeEnd, func(b *strings.Builder) error {
		return Markdown(b, d, PublishedFigures)
	})
}
