package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"tlsbench/results/page"
)

// Sizes of texts that a person reads from end to end.
const (
	readmeLines, readmeBytes, readmeWidth = 120, 8 << 10, 160
	topicLines                            = 60
)

// Every topic fits on a page, is no command's name (a topic would hide its help),
// and can be asked for.
func TestTopics(t *testing.T) {
	for _, topic := range topics() {
		var out bytes.Buffer
		if err := (&helpCommand{Topic: []string{topic}}).Run(&session{stdout: &out}); err != nil {
			t.Errorf("%s: %v", topic, err)
		}
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		if len(lines) > topicLines || len(lines) < 3 {
			t.Errorf("%s: %d lines, want 3 to %d", topic, len(lines), topicLines)
		}
		for _, line := range lines {
			if n := len([]rune(line)); n > page.Width {
				t.Errorf("%s: %d columns: %s", topic, n, line)
			}
		}
	}
}

// The tables send their reader to help reading for all columns: each is there by its
// first two words.
func TestReadingNamesColumns(t *testing.T) {
	sets, err := filepath.Glob("../../results/data/*")
	if err != nil || len(sets) == 0 {
		t.Fatal(sets, err)
	}
	var topic bytes.Buffer
	if err := (&helpCommand{Topic: []string{"reading"}}).Run(&session{stdout: &topic}); err != nil {
		t.Fatal(err)
	}
	named := make(map[string]bool)
	newest := slices.Max(slices.DeleteFunc(sets, func(s string) bool { return strings.HasSuffix(s, ".md") }))
	for _, file := range []string{"../../results/testdata/run.txt", newest + "/sharing-1.txt", newest + "/duets.txt"} {
		var out, stderr bytes.Buffer
		if code := run(t.Context(), []string{"compare", "--markdown", "--where", "openssl=3.0", "--all", file}, nil, &out, &stderr); code != exitDone {
			t.Fatalf("compare %s: %d, %s", file, code, &stderr)
		}
		for line := range strings.Lines(out.String()) {
			columns, isHead := strings.CutPrefix(line, "| strategy | ")
			if !isHead || strings.HasPrefix(columns, "trials |") { // of events by kind
				continue
			}
			for column := range strings.SplitSeq(strings.TrimRight(columns, "| \n"), " | ") {
				words, _, _ := strings.Cut(column, " (n=")
				fields := strings.Fields(words)
				words = strings.Join(fields[:min(2, len(fields))], " ")
				if before, _, per := strings.Cut(words, "/"); per {
					words = before + "/"
				}
				if named[words] = true; !strings.Contains(topic.String(), words) {
					t.Errorf("help reading does not tell what %q is", column)
				}
			}
		}
	}
	if len(named) < 15 {
		t.Errorf("only %d columns: %v", len(named), named)
	}
}

// commandLine finds the commands in a text: a line of their own, indented (by
// less than a column of prose is) or with the program's folder, and what explains
// them after two spaces.
var commandLine = regexp.MustCompile(`(?m)^(?: {2,6}|bin/)tlsbench ([a-z][^\n]*)$`)

// commands lists the arguments of every tlsbench command in a text.
func commands(text string) [][]string {
	text = strings.ReplaceAll(text, "\\\n", " ") // a command that goes on
	var list [][]string
	for _, m := range commandLine.FindAllStringSubmatch(text, -1) {
		line, _, _ := strings.Cut(m[1], "  ")
		line, _, _ = strings.Cut(line, " #")
		list = append(list, strings.Fields(strings.NewReplacer(" ...", "", `"`, "").Replace(line)))
	}
	return list
}

// The commands in the README, the help topics and the worked examples are
// commands: each parses, with every flag and every fixed choice in it.
func TestDocumentedCommandsParse(t *testing.T) {
	files, err := filepath.Glob("topics/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"README.md", "strategies/ADDING.md", "workload/rig/ADDING.md", "workload/rig/ADDING_DETECTOR.md", "results/ADDING_METRIC.md", "plots/ADDING.md", "plots/report/findings.md"} {
		files = append(files, filepath.Join(root, name))
	}
	seen := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, args := range commands(string(text)) {
			seen++
			helped := false
			parser, err := new(session).parser(&helped)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := parser.Parse(args); err != nil {
				t.Errorf("%s: tlsbench %s: %v", file, strings.Join(args, " "), err)
			}
		}
	}
	if seen < 50 {
		t.Errorf("%d commands found, want 50 at least: are they still looked for in the right form?", seen)
	}
	if args := commands("  tlsbench run --hazrd x   typing error\n"); len(args) != 1 || len(args[0]) != 3 {
		t.Errorf("a command with a comment is read as %q", args)
	}
}

// The README is read to its end, or not at all.
func TestReadmeIsShort(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(readme, []byte("\n")); n > readmeLines || len(readme) > readmeBytes {
		t.Errorf("the README has %d lines and %d bytes, want at most %d and %d", n, len(readme), readmeLines, readmeBytes)
	}
	for n, line := range bytes.Split(readme, []byte("\n")) {
		if utf8.RuneCount(line) > readmeWidth {
			t.Errorf("line %d of the README has %d characters, want at most %d", n+1, utf8.RuneCount(line), readmeWidth)
		}
	}
}
