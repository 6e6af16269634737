package plots

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tlsbench/results"
)

// The published set: raw files in a folder of results/data, named by day and
// machine. From it, the newest by its name, come the figures in plots/published
// and a part of the README. All of it is made by
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

// set is one folder of raw files.
type set struct {
	name   string
	files  []string // results files
	aa     []string // of a strategy against itself
	probes []string
}

// findSet looks for the set to publish below a root.
func findSet(root string) (*set, error) {
	data := filepath.Join(root, PublishedData)
	entries, err := os.ReadDir(data)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && len(readSet(data, e.Name()).files) > 0 {
			names = append(names, e.Name())
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%w in %s", ErrNoData, data)
	}
	return readSet(data, slices.Max(names)), nil
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

// Published loads the set to publish below a root.
func Published(root string) (*Data, error) {
	s, err := findSet(root)
	if err != nil {
		return nil, err
	}
	d, err := Load(Options{Probes: s.probes, AA: s.aa}, s.files...)
	if err != nil {
		return nil, err
	}
	d.set = s
	return d, nil
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
	if _, err := WriteFiles(folder, Figures(d), false); err != nil {
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

// publishRuns writes what the files of each set are into its README, and makes
// one where there is none; then the list of sets.
func publishRuns(root string, d *Data) error {
	about := filepath.Join(root, PublishedData, d.set.name, publishedReadme)
	if !exists(about) {
		text := "# " + d.set.name + "\n\n" + filesBegin + "\n" + filesEnd + "\n"
		if err := os.WriteFile(about, []byte(text), 0o644); err != nil {
			return err
		}
	}
	paths, err := filepath.Glob(filepath.Join(root, PublishedData, "*", publishedReadme))
	if err != nil {
		return err
	}
	for _, path := range paths {
		if err := rewrite(path, func(old []byte) ([]byte, error) { return replaceFiles(old, filepath.Dir(path)) }); err != nil {
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
func replaceFiles(readme []byte, folder string) ([]byte, error) {
	if !bytes.Contains(readme, []byte(filesBegin)) {
		return readme, nil
	}
	s, keep := readSet(filepath.Dir(folder), filepath.Base(folder)), newKeeper()
	if err := keep.read(slices.Concat(s.files, s.aa)); err != nil {
		return nil, err
	}
	here := &Data{Comparison: new(results.Comparison), Inputs: keep.inputs}
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

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, os.ErrNotExist)
}
