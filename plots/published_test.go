package plots

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// noSet is what results/data/README.md says as long as nothing is published.
// The test below wants either this line or data, so that data cannot get lost
// unnoticed.
const noSet = "No results are published yet."

// TestPublished makes the published figures and the README's results again and
// compares them with those in the repository.
func TestPublished(t *testing.T) {
	root := ".."
	d, err := Published(root)
	if errors.Is(err, ErrNoData) {
		notPublished(t, root)
		return
	}
	check(t, err)
	if text, err := os.ReadFile(filepath.Join(root, PublishedData, "README.md")); err == nil && bytes.Contains(text, []byte(noSet)) {
		t.Errorf("%s/README.md says %q, and there is data", PublishedData, noSet)
	}
	comparePublished(t, root, d)
}

// notPublished checks that the repository says so where it has no results.
func notPublished(t *testing.T, root string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, PublishedData, "README.md"))
	if err != nil || !bytes.Contains(text, []byte(noSet)) {
		t.Errorf("%s holds no results file, and its README.md does not say %q (%v)", PublishedData, noSet, err)
	}
	if left, _ := filepath.Glob(filepath.Join(root, PublishedFigures, "*.svg")); len(left) > 0 {
		t.Errorf("there are published figures without data: %v", left)
	}
}

func comparePublished(t *testing.T, root string, d *Data) {
	t.Helper()
	fresh := t.TempDir()
	var tables []string
	names, err := WriteFiles(fresh, Figures(d), false)
	check(t, err)
	kept, err := filepath.Glob(filepath.Join(root, PublishedFigures, "*.svg"))
	check(t, err)
	if len(kept) != len(names) {
		t.Errorf("%d figures are published, the data makes %d", len(kept), len(names))
	}
	for _, name := range names {
		got, err := os.ReadFile(filepath.Join(fresh, name))
		check(t, err)
		want, err := os.ReadFile(filepath.Join(root, PublishedFigures, name))
		if errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is not published; go run ./plots/publish makes it", name)
			continue
		}
		check(t, err)
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what the data makes; go run ./plots/publish makes it anew", name)
		}
	}
	check(t, WriteTables(fresh, d))
	for _, folder := range []string{fresh, filepath.Join(root, PublishedFigures)} {
		text, err := os.ReadFile(filepath.Join(folder, TablesFile))
		check(t, err)
		tables = append(tables, string(text))
	}
	if diff := cmp.Diff(tables[1], tables[0]); diff != "" {
		t.Errorf("%s is not what the data makes; go run ./plots/publish makes it anew (-published +made):\n%s", TablesFile, diff)
	}
	compareRuns(t, root, d)
	readme, err := os.ReadFile(filepath.Join(root, publishedReadme))
	check(t, err)
	again, err := replaceResults(readme, d)
	check(t, err)
	if diff := cmp.Diff(string(readme), string(again)); diff != "" {
		t.Errorf("the results in README.md are not what the data makes; go run ./plots/publish makes them anew (-published +made):\n%s", diff)
	}
}

// compareRuns does so with the READMEs of the runs.
func compareRuns(t *testing.T, root string, d *Data) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, PublishedData, "*", publishedReadme))
	check(t, err)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		check(t, err)
		again, err := replaceFiles(text, filepath.Dir(path))
		check(t, err)
		if diff := cmp.Diff(string(text), string(again)); diff != "" {
			t.Errorf("%s is not what the data makes; go run ./plots/publish makes it anew (-published +made):\n%s", path, diff)
		}
	}
}

// TestPublishOneSet: of two sets of the same machine the newer is published; their
// trials are never added up. What compares a strategy with itself is in no table
// either.
func TestPublishOneSet(t *testing.T) {
	root := t.TempDir()
	data := filepath.Join(root, PublishedData)
	for _, name := range []string{"2026-03-01-example", "2026-04-01-example"} {
		check(t, os.MkdirAll(filepath.Join(data, name), 0o755))
		for _, file := range []string{"run.txt", "aa.txt"} {
			check(t, os.WriteFile(filepath.Join(data, name, file), fixtures["one-strategy"].write(t), 0o644))
		}
	}
	check(t, os.WriteFile(filepath.Join(root, publishedReadme), []byte(readmeBegin+"\n"+readmeEnd+"\n"), 0o644))
	check(t, Publish(root))
	d, err := Published(root)
	check(t, err)
	comparePublished(t, root, d)
	if v := d.fullyJudged()[0].row("hwm").Verdict; d.set.name != "2026-04-01-example" || v.Trials != 6 {
		t.Errorf("%s: %d trials of hwm, want 6 of the newer set", d.set.name, v.Trials)
	}
}

// TestPublish publishes a made-up set in a folder of its own, and checks that
// TestPublished's comparison takes it and notices every change.
func TestPublish(t *testing.T) {
	root := t.TempDir()
	run := filepath.Join(root, PublishedData, "2026-03-01-example")
	check(t, os.MkdirAll(run, 0o755))
	check(t, os.WriteFile(filepath.Join(run, "run.txt"), fixtures["one-strategy"].write(t), 0o644))
	readme := filepath.Join(root, publishedReadme)
	check(t, os.WriteFile(readme, []byte("# Title\n\n"+readmeBegin+"\nold\n"+readmeEnd+"\n\nrest\n"), 0o644))
	about := filepath.Join(run, publishedReadme)
	check(t, os.WriteFile(about, []byte("# Run\n\n"+filesBegin+"\nold\n"+filesEnd+"\n"), 0o644))
	check(t, Publish(root))
	d, err := Published(root)
	check(t, err)
	comparePublished(t, root, d)

	text, err := os.ReadFile(readme)
	check(t, err)
	for _, want := range []string{"# Title\n", "\nrest\n", "| hwm | no damage seen 0/6 ≤ 39.4 % |", "](plots/published/verdicts.svg)"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the README has no %q:\n%s", want, text)
		}
	}
	if strings.Contains(string(text), "old") {
		t.Error("the README still has the old results")
	}
	text2, err := os.ReadFile(about)
	check(t, err)
	if !strings.Contains(string(text2), "| run.txt | ") || strings.Contains(string(text2), "old") {
		t.Errorf("the run's README does not tell of run.txt:\n%s", text2)
	}
	changed, err := replaceResults(bytes.Replace(text, []byte("0/6"), []byte("0/7"), 1), d)
	check(t, err)
	if !bytes.Equal(changed, text) {
		t.Error("a changed table is not put right")
	}
}
