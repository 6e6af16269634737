package house

import (
	"image/png"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tlsbench/results"
)

// The worked examples (ADDING.md in strategies, workload/rig and plots, ADDING_DETECTOR.md, ADDING_METRIC.md) are
// carried out as they stand: their blocks are applied to one copy of the source
// tree, and their commands run there. A document that no longer fits the code
// fails here.

// block is one fenced block of a document: a new file, an edit, or commands.
type block struct {
	what string // "New file", "Edit" or "Run"
	file string
	text string
}

var (
	announced = regexp.MustCompile("^(New file|Edit|Run)\\b(?: `([^`]+)`)?")
	fence     = regexp.MustCompile("^```")
)

// blocks reads a document: each fenced block belongs to the last line before it
// that announces one.
func blocks(t *testing.T, document string) []block {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, document))
	if err != nil {
		t.Fatal(err)
	}
	var list []block
	var next block
	inside := false
	for line := range strings.Lines(string(text)) {
		switch m := announced.FindStringSubmatch(line); {
		case fence.MatchString(line):
			if inside {
				list = append(list, next)
				next.text = ""
			}
			inside = !inside
		case inside:
			next.text += line
		case m != nil:
			next = block{what: m[1], file: m[2]}
		}
	}
	if inside || len(list) == 0 {
		t.Fatalf("%s: %d blocks, and the last one open: %v", document, len(list), inside)
	}
	return list
}

// copyTree copies what is needed to build, and no results or pictures.
func copyTree(t *testing.T, to string) {
	t.Helper()
	left := []string{".git", "bin", "results/data", "plots/published"}
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		name, _ := filepath.Rel(root, path)
		switch {
		case err != nil:
			return err
		case e.IsDir() && slices.Contains(left, filepath.ToSlash(name)):
			return filepath.SkipDir
		case e.IsDir():
			return os.MkdirAll(filepath.Join(to, name), 0o700)
		case !e.Type().IsRegular():
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, name), content, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// apply makes a new file, or the one edit that a diff without line numbers
// describes: its old lines must stand in the file exactly once.
func (b block) apply(t *testing.T, tree string) {
	t.Helper()
	path := filepath.Join(tree, b.file)
	old, err := os.ReadFile(path)
	switch {
	case b.what == "New file" && err == nil:
		t.Fatalf("new file %s is there already", b.file)
	case b.what == "New file":
		old, err = nil, nil
	case err != nil:
		t.Fatal(err)
	}
	text := b.text
	if b.what == "Edit" {
		text = b.edit(t, string(old))
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (b block) edit(t *testing.T, text string) string {
	t.Helper()
	var before, after strings.Builder
	for line := range strings.Lines(b.text) {
		switch sign, rest := line[0], line[1:]; sign {
		case '+':
			after.WriteString(rest)
		case '-':
			before.WriteString(rest)
		case ' ':
			before.WriteString(rest)
			after.WriteString(rest)
		default:
			t.Fatalf("edit of %s: line %q is no line of a diff", b.file, line)
		}
	}
	if n := strings.Count(text, before.String()); n != 1 {
		t.Fatalf("edit of %s: its old lines stand there %d times, want once:\n%s", b.file, n, b.text)
	}
	return strings.Replace(text, before.String(), after.String(), 1)
}

// shell runs the commands of a block in the tree, each of which must succeed,
// and returns what they print.
func (b block) shell(t *testing.T, tree string) string {
	t.Helper()
	cmd := exec.Command("sh", "-eu", "-c", b.text)
	cmd.Dir = tree
	cmd.Env = append(os.Environ(), "COLUMNS=80")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s%s\n%v", b.text, out, err)
	}
	return string(out)
}

// TestAddingExamples applies the documents to one copy, so that it is
// built once, and runs them one after the other.
func TestAddingExamples(t *testing.T) {
	tree := t.TempDir()
	copyTree(t, tree)
	examples := []struct {
		document string
		check    func(t *testing.T, tree, printed string)
		files    int // that are touched, at most
	}{
		{"strategies/ADDING.md", addedStrategy, 3},
		{"workload/rig/ADDING.md", addedHazard, 3},
		{"workload/rig/ADDING_DETECTOR.md", addedDetector, 5},
		{"results/ADDING_METRIC.md", addedMetric, 7}, // of that detector
		{"plots/ADDING.md", addedFigure, 3},
	}
	run := make([]block, len(examples))
	for i, e := range examples {
		touched := map[string]bool{}
		for _, b := range blocks(t, e.document) {
			if b.what == "Run" {
				run[i].text += b.text
			} else {
				b.apply(t, tree)
				touched[b.file] = true
			}
		}
		if len(touched) > e.files {
			t.Errorf("%s touches %d files, want %d at most", e.document, len(touched), e.files)
		}
		if run[i].text == "" {
			t.Fatalf("%s has no commands", e.document)
		}
	}
	for i, e := range examples {
		t.Run(e.document, func(t *testing.T) { e.check(t, tree, run[i].shell(t, tree)) })
	}
}

// trialsOf reads the trials of a results file by strategy and hazard.
func trialsOf(t *testing.T, path string) map[string]*results.Trial {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	list := map[string]*results.Trial{}
	r := results.NewReader(f, path)
	for r.Scan() {
		trial := r.Trial()
		if trial.Cell.Setting("check") == "" { // with active checks
			list[trial.Cell.Strategy+" under "+trial.Cell.Hazard] = trial
		}
	}
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

func addedStrategy(t *testing.T, tree, printed string) {
	list := trialsOf(t, filepath.Join(tree, "strategy.txt"))
	plain, foreign := list["clear-all under plain"], list["clear-all under foreign-before:n=20"]
	if plain == nil || foreign == nil {
		t.Fatalf("no trials of clear-all: %v\n%s", list, printed)
	}
	if plain.Damaged() {
		t.Errorf("clear-all is damaged under plain: %v", plain.Events)
	}
	if got, want := foreign.Events["lost-slot"], 2*20; got != uint64(want) {
		t.Errorf("two workers lost %d foreign slots, want %d: %v", got, want, foreign.Events)
	}
	if !strings.Contains(printed, "clear-all") {
		t.Errorf("the tables do not name the strategy:\n%s", printed)
	}
}

func addedHazard(t *testing.T, tree, printed string) {
	list := trialsOf(t, filepath.Join(tree, "hazard.txt"))
	plain, stale := list["temp-thread under plain"], list["temp-thread under stale-error"]
	if plain == nil || stale == nil {
		t.Fatalf("no trials of temp-thread: %v\n%s", list, printed)
	}
	// That the hazard happened is counted by the rig: else the trial is an error.
	// What it does is no matter of luck: slots that workers share are seen.
	if plain.SharedSlots != 0 || stale.SharedSlots == 0 || stale.Status != results.OK {
		t.Errorf("under temp-thread workers share %d slots under plain, and %d under stale-error (%s); want none and some\n%s",
			plain.SharedSlots, stale.SharedSlots, stale.Status, printed)
	}
}

func addedDetector(t *testing.T, tree, printed string) {
	trial := trialsOf(t, filepath.Join(tree, "detector.txt"))["temp-thread under between-forks"]
	if trial == nil || trial.Events["inherited-error"] != 1 {
		t.Fatalf("want one inherited error: %+v\n%s", trial, printed)
	}
	if !strings.Contains(printed, "1 mutants, 1 killed") {
		t.Errorf("the mutant was not killed:\n%s", printed)
	}
}

func addedMetric(t *testing.T, tree, printed string) {
	trial := trialsOf(t, filepath.Join(tree, "metric.txt"))["temp-thread under between-forks"]
	if trial == nil {
		t.Fatalf("no trial\n%s", printed)
	}
	if rate, ok := trial.Metric("inherited-errors/fork"); !ok || rate != 0.5 {
		t.Errorf("inherited-errors/fork is %v, %v; want one for two workers", rate, ok)
	}
	for _, want := range []string{"inherited errors/fork", "Unit inherited-errors/fork better=lower", "inherited-errors,inherited-errors/fork,"} {
		if !strings.Contains(printed, want) {
			t.Errorf("the output has no %q:\n%s", want, printed)
		}
	}
}

func addedFigure(t *testing.T, tree, printed string) {
	svg, err := os.ReadFile(filepath.Join(tree, "figures", "rounds.svg"))
	if err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	for _, want := range []string{"<svg", "Undamaged throughput trials", "hwm"} {
		if !strings.Contains(string(svg), want) {
			t.Errorf("the figure has no %q", want)
		}
	}
	picture, err := os.Open(filepath.Join(tree, "figures", "rounds.png"))
	if err != nil {
		t.Fatal(err)
	}
	defer picture.Close()
	if _, err := png.Decode(picture); err != nil {
		t.Errorf("the picture: %v", err)
	}
}
