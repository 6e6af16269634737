package plots_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"tlsbench/plots"
	"tlsbench/plots/report"
)

// noSet is what results/data/README.md says as long as nothing is published.
// The test below wants either this line or data, so that data cannot get lost
// unnoticed.
const noSet = "No results are published yet."

// TestPublished publishes the set again, in another place, and compares all that
// is made with what is in the repository.
func TestPublished(t *testing.T) {
	const root = ".."
	text, err := os.ReadFile(filepath.Join(root, report.PublishedData, "README.md"))
	check(t, err)
	if _, _, err := report.Published(root); errors.Is(err, report.ErrNoData) {
		if left, _ := filepath.Glob(filepath.Join(root, report.PublishedFigures, "*.svg")); len(left) > 0 || !bytes.Contains(text, []byte(noSet)) {
			t.Errorf("no results file, figures %v; does README.md say %q?", left, noSet)
		}
		return
	}
	if bytes.Contains(text, []byte(noSet)) {
		t.Errorf("%s/README.md says %q, and there is data", report.PublishedData, noSet)
	}
	fresh := t.TempDir()
	for _, pattern := range []string{"README.md", report.PublishedData + "/*/*", report.PublishedFigures + "/*"} {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		check(t, err)
		for _, path := range paths {
			copyFile(t, root, fresh, path)
		}
	}
	check(t, report.Publish(fresh, false))
	for _, pattern := range []string{"README.md", "results/FINDINGS.md", report.PublishedData + "/*/README.md", report.PublishedFigures + "/*"} {
		compareFolders(t, root, fresh, pattern)
	}
}

// placeOf finds places in OpenSSL's source.
var placeOf = regexp.MustCompile(`[a-z_]+\.c:[0-9]+`)

// The help topics name what OpenSSL shares of itself, as a stranger who traces a server
// needs it: they name what the article takes from the set.
func TestTopicsNameFloor(t *testing.T) {
	article, err := os.ReadFile("../results/FINDINGS.md")
	check(t, err)
	_, sentence, _ := strings.Cut(string(article), "OpenSSL's own, and left out: ")
	sentence, _, _ = strings.Cut(sentence, "\n")
	want := placeOf.FindAllString(sentence, -1)
	if len(want) == 0 {
		t.Fatal("the article names no block that is OpenSSL's own")
	}
	for _, topic := range []string{"verdicts", "preload"} {
		text, err := os.ReadFile("../cmd/tlsbench/topics/" + topic + ".txt")
		check(t, err)
		if diff := cmp.Diff(want, placeOf.FindAllString(string(text), -1)); diff != "" {
			t.Errorf("topic %s (-article +topic):\n%s", topic, diff)
		}
	}
}

func copyFile(t *testing.T, root, to, path string) {
	t.Helper()
	name, err := filepath.Rel(root, path)
	check(t, err)
	text, err := os.ReadFile(path)
	check(t, err)
	check(t, os.MkdirAll(filepath.Dir(filepath.Join(to, name)), 0o755))
	check(t, os.WriteFile(filepath.Join(to, name), text, 0o644))
}

func compareFolders(t *testing.T, kept, made, pattern string) {
	t.Helper()
	all := make(map[string][2]string)
	for i, root := range []string{kept, made} {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		check(t, err)
		for _, path := range paths {
			text, err := os.ReadFile(path)
			check(t, err)
			name, err := filepath.Rel(root, path)
			check(t, err)
			both := all[name]
			both[i] = string(text)
			all[name] = both
		}
	}
	for name, both := range all {
		if both[0] != both[1] {
			diff := ""
			if strings.HasSuffix(name, ".md") {
				diff = cmp.Diff(both[0], both[1])
			}
			t.Errorf("%s is not what the data makes; go run ./plots/publish makes it anew\n%s", name, diff)
		}
	}
	if len(all) == 0 {
		t.Errorf("nothing of %s", pattern)
	}
}

// TestPublish publishes the newer of two made-up sets; what was between the
// marks goes, what stands around them stays.
func TestPublish(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(root, name)
		check(t, os.MkdirAll(filepath.Dir(path), 0o755))
		check(t, os.WriteFile(path, []byte(text), 0o644))
	}
	const begin, end = "<!-- results: begin, made by go run ./plots/publish -->", "<!-- results: end -->"
	run := string(plots.Fixture(t, "one-strategy"))
	for _, name := range []string{"2026-03-01-example", "2026-04-01-example"} {
		write(report.PublishedData+"/"+name+"/run.txt", run)
	}
	write("README.md", "# Title\n\n"+begin+"\nold\n"+end+"\n\nrest\n")
	write(report.PublishedFigures+"/old.svg", "old")
	check(t, report.Publish(root, true))
	read := func(name string) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(root, name))
		check(t, err)
		return string(text)
	}
	text := read("README.md")
	for _, want := range []string{"# Title\n", "\nrest\n", "| hwm | no damage seen on 3.0.20 (0 of 12 trials each, ≤ 22.1 %) |",
		"](plots/published/verdicts.svg)", "[2026-04-01-example](results/data/2026-04-01-example)"} {
		if !strings.Contains(text, want) {
			t.Errorf("the README has no %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "old") || strings.Contains(text, "2026-03-01") {
		t.Errorf("the README still has the old results:\n%s", text)
	}
	if about := read(report.PublishedData + "/2026-04-01-example/README.md"); !strings.Contains(about, "| run.txt | ") {
		t.Errorf("the set's README does not tell of run.txt:\n%s", about)
	}
	if _, err := os.Stat(filepath.Join(root, report.PublishedFigures, "old.svg")); !errors.Is(err, os.ErrNotExist) {
		t.Error("a figure of an older set is still there")
	}
	write("README.md", "no marks")
	if err := report.Publish(root, true); err == nil || !strings.Contains(err.Error(), "results: begin") {
		t.Errorf("a README without marks: %v", err)
	}
}

// A sentence of the article that the data do not bear stops publishing, and so
// does a plan that is not finished: nothing is written then.
func TestPublishRefuses(t *testing.T) {
	const begin, end = "<!-- results: begin, made by go run ./plots/publish -->", "<!-- results: end -->"
	whole := string(plots.Fixture(t, "one-strategy"))
	cut := whole[:strings.LastIndex(strings.TrimRight(whole, "\n"), "\nBenchmark")+1]
	for want, run := range map[string]string{"is not finished": cut, "the set has no lives until the verdict of each field": whole} {
		root := t.TempDir()
		folder := filepath.Join(root, report.PublishedData, "2026-03-01-example")
		check(t, os.MkdirAll(folder, 0o755))
		check(t, os.WriteFile(filepath.Join(folder, "run.txt"), []byte(run), 0o644))
		readme := "# Title\n\n" + begin + "\nold\n" + end + "\n"
		check(t, os.WriteFile(filepath.Join(root, "README.md"), []byte(readme), 0o644))
		if err := report.Publish(root, false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
		if text, _ := os.ReadFile(filepath.Join(root, "README.md")); string(text) != readme {
			t.Errorf("%s: the README was changed", want)
		}
		if list, _ := os.ReadDir(filepath.Join(root, report.PublishedFigures)); len(list) > 0 {
			t.Errorf("%s: figures were written", want)
		}
	}
}

// TestSummaryIsShort holds the README's part to a screen.
func TestSummaryIsShort(t *testing.T) {
	sets := map[string]*plots.Data{"full": plots.LoadFixture(t, "full"), "lines": plots.LoadFixture(t, "lines")}
	if d, _, err := report.Published(".."); err == nil {
		sets["published"] = d
	}
	for name, d := range sets {
		text := report.Summary(d, "2026-03-01-example")
		if len(text) > 3000 {
			t.Errorf("%s: %d bytes", name, len(text))
		}
		for line := range strings.Lines(text) {
			if n := utf8.RuneCountInString(line); n > 161 {
				t.Errorf("%s: %d characters: %s", name, n, line)
			}
		}
	}
}

// TestPublishedIsSmall holds the page of the published set, and its figures, to
// what a reader waits for and a clone carries.
func TestPublishedIsSmall(t *testing.T) {
	d, _, err := report.Published("..")
	if errors.Is(err, report.ErrNoData) {
		return // TestPublished says whether that may be
	}
	check(t, err)
	if n := len(written(t, d)); n > 2_000_000 {
		t.Errorf("the page has %d bytes, want 2 MB at most", n)
	}
	figures, err := filepath.Glob(filepath.Join("..", report.PublishedFigures, "*.svg"))
	check(t, err)
	var all int64
	for _, path := range figures {
		info, err := os.Stat(path)
		check(t, err)
		all += info.Size()
	}
	if all > 1_500_000 {
		t.Errorf("%d figures have %d bytes, want 1.5 MB at most", len(figures), all)
	}
}
