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
	path := filepath.Join(root, publishedReadme)
	readme, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	readme, err = replaceResults(readme, d)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, readme, 0o644)
}

// replaceResults puts the results into a README.
func replaceResults(readme []byte, d *Data) ([]byte, error) {
	before, rest, ok := bytes.Cut(readme, []byte(readmeBegin))
	_, after, ok2 := bytes.Cut(rest, []byte(readmeEnd))
	if !ok || !ok2 {
		return nil, fmt.Errorf("want the lines %q and %q", readmeBegin, readmeEnd)
	}
	var b bytes.Buffer
	b.Write(before)
	b.WriteString(readmeBegin + "\n\n")
	if err := Markdown(&b, d, PublishedFigures); err != nil {
		return nil, err
	}
	b.WriteString("\n" + readmeEnd)
	b.Write(after)
	return b.Bytes(), nil
}
