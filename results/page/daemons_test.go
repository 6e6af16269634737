package page

import (
	"bytes"
	"strings"
	"testing"

	"tlsbench/results"
)

// Disagreements come first, the score is a number, and no line is too wide.
func TestDaemons(t *testing.T) {
	c, err := results.Summarize(results.Options{}, "../testdata/field.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := (&Document{Parts: Daemons(c)}).Write(&out, Terminal); err != nil {
		t.Fatal(err)
	}
	got := out.String()
	words := strings.Join(strings.Fields(got), " ")
	for _, want := range []string{
		"agree in 110 of 112 cases: 56 of 56 without a hazard, 54 of 56 with one.", "damaged within 10s: 30 of 30 runs",
		"¹ explained: this version initialises OpenSSL when its TLS module is loaded", "it is no fork handler", "TLS module", "MiB", "built in", "agree", "set up",
	} {
		if !strings.Contains(words, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
	for line := range strings.Lines(got) {
		if n := len([]rune(line)) - 1; n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	out.Reset()
	if err := Compare(c).Write(&out, HTML); err != nil {
		t.Fatal(err)
	}
	if html := out.String(); strings.Index(html, ">no<") > strings.Index(html, ">yes<") || !strings.Contains(html, `data-hazard="python:before=1"`) {
		t.Error("a comparison of files with daemons: no section, or agreements first")
	}
}
