package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"tlsbench/workload/openssl"
)

// root is the top of the repository.
const root = "../.."

// shellLine finds the lines to type in a Markdown text, and quoted the commands
// within its sentences.
var (
	shellLine = regexp.MustCompile(`(?m)^ {4}((?:tlsbench|make|go|benchstat) .*)$`)
	quoted    = regexp.MustCompile("`(tlsbench [a-z][^`]*)`")
)

// typed lists what a reader of a document can type, in its order.
func typed(text string) []string {
	var list []string
	for _, pattern := range []*regexp.Regexp{shellLine, quoted} {
		for _, m := range pattern.FindAllStringSubmatch(text, -1) {
			list = append(list, m[1])
		}
	}
	return list
}

// TestDocuments types everything that the README and the findings show, from top to
// bottom, in one folder: what the one makes the next can use. The program is this
// one.
func TestDocuments(t *testing.T) {
	if os.Getenv("TLSBENCH_LINES") == "" {
		t.Skip("takes about an hour: make test-long LONG=field")
	}
	top, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	system, err := openssl.Find([]string{"system"}, "")
	if err != nil {
		t.Fatal(err)
	}
	bin, work := asTlsbench(t), t.TempDir()
	for _, document := range []string{"README.md", "results/FINDINGS.md"} {
		text, err := os.ReadFile(filepath.Join(root, document))
		if err != nil {
			t.Fatal(err)
		}
		lines := typed(string(text))
		if len(lines) < 5 {
			t.Errorf("%s: %d commands found, want 5 at least: are they still looked for in the right form?", document, len(lines))
		}
		for _, line := range lines {
			t.Run(line, func(t *testing.T) {
				cmd := exec.Command("sh", "-c", strings.ReplaceAll(line, "/opt/openssl/lib", filepath.Dir(system[0].Libcrypto)))
				cmd.Dir = work
				cmd.Env = append(os.Environ(), "PATH="+bin+":"+filepath.Join(top, "bin")+":"+os.Getenv("PATH"))
				switch {
				case strings.HasPrefix(line, "make test "):
					t.Skip("this is a part of it")
				case strings.HasPrefix(line, "go "), strings.HasPrefix(line, "make bench"):
					cmd.Dir = top
				}
				out, err := cmd.CombinedOutput()
				// A few rounds are too few for check, which says so with a code of its own.
				if undecided := strings.HasPrefix(line, "tlsbench check ") && cmd.ProcessState.ExitCode() == exitUndecided; err != nil && !undecided {
					t.Errorf("%v\n%s", err, out)
				}
			})
		}
	}
}
