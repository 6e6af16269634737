package plots

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestUnfinished: a file with a part of its plan says how much is in, and is
// drawn like any other.
func TestUnfinished(t *testing.T) {
	text := string(fixtures["full"].write(t))
	lines := strings.Split(text, "#trial ")
	cut := func(trials, planned int) string {
		head := strings.Replace(lines[0], `"rounds":6`, `"rounds":`+map[int]string{6: "6", 60: "60", 0: "0"}[planned], 1)
		return head + "#trial " + strings.Join(lines[1:1+trials], "#trial ")
	}
	for _, c := range []struct {
		name, file, want string
	}{
		{"all", cut(954, 6), ""},
		{"a part of 60 rounds", cut(400, 60), "part.txt is not finished: 400 of 9540 trials planned are in, of 60 rounds"},
		{"one short", cut(953, 6), "part.txt is not finished: 953 of 954 trials planned are in, of 6 rounds"},
		{"less than a round", cut(100, 60), "part.txt is not finished: 100 trials, less than one of its 60 rounds"},
		{"no plan", cut(400, 0), ""},
	} {
		path := filepath.Join(t.TempDir(), "part.txt")
		check(t, os.WriteFile(path, []byte(c.file), 0o644))
		d, err := Load(Options{}, path)
		check(t, err)
		if got := d.Inputs[0].unfinished(); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		var b strings.Builder
		check(t, Markdown(&b, d, ""))
		for what, text := range map[string]string{"page": report(t, d), "README": b.String()} {
			if (c.want != "") != strings.Contains(text, "not finished: ") || !strings.Contains(text, c.want) {
				t.Errorf("%s: the %s does not say %q", c.name, what, c.want)
			}
		}
	}
}

// TestHeadline: loads have columns of their own, and numbers of workers that
// only have controls have none.
func TestHeadline(t *testing.T) {
	d := load(t, "lines")
	got := headline(d)
	if want := "strategy|OpenSSL 1.1.1w|OpenSSL 3.0.20|OpenSSL 3.5.9|OpenSSL 3.6.5|OpenSSL 4.0.3"; strings.Join(got.Head, "|") != want {
		t.Errorf("columns %v, want %s", got.Head, want)
	}
	if cell := got.Rows[0].Cells[0]; got.Rows[0].Name != "none" || cell.Text != "crash corrupt" || cell.Detail != "6/6 [54.1 %, 100 %]" {
		t.Errorf("first row %+v", got.Rows[0])
	}
	if cell := hazardTable(d).Rows[2].Cells[1]; cell.Text != "1 of 1: corrupt, collateral" {
		t.Errorf("clear-0-15 on 3.0.20: %+v", cell)
	}
}

// TestSheets: many panels stand on a sheet for each build, each named once.
func TestSheets(t *testing.T) {
	d := load(t, "lines")
	names := make(map[string]bool)
	for _, f := range Figures(d) {
		for _, s := range f.sheets() {
			if names[s.ID] {
				t.Errorf("two sheets are named %s", s.ID)
			}
			names[s.ID] = true
		}
	}
	for _, want := range []string{"verdicts", "verdicts-1.1.1w", "verdicts-4.0.3", "verdicts-3.0.20", "corruption-3.0.20", "survival", "keys"} {
		if !names[want] {
			t.Errorf("no sheet %s among %v", want, names)
		}
	}
}
