package plots

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tlsbench/results"
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
}

// TestHazardTable: hazards by name, with builds where not all fare alike; a
// build on which a strategy is damaged alone does not count; what damages the
// control too is left out.
func TestHazardTable(t *testing.T) {
	f := fixture{builds: []string{"3.0.20", "3.6.5"}, hazards: []string{"plain", "curl", "foreign-before", "foreign-before:n=5", "private-locks"},
		strategies: fixed, workers: []int{4}, rounds: 2}
	f.damage = func(c results.Cell) map[string]uint64 {
		switch {
		case c.Hazard == "private-locks":
			return map[string]uint64{"hang": 1}
		case c.Strategy == "pointer-match" && c.OpenSSL == "3.6.5":
			return map[string]uint64{"double-free": 1}
		case c.Strategy == "temp-thread" && c.Hazard == "curl" && c.OpenSSL == "3.6.5":
			return map[string]uint64{"crash": 1}
		case c.Strategy == "hwm" && strings.HasPrefix(c.Hazard, "foreign"):
			return map[string]uint64{"lost-slot": 1}
		}
		return usual(c)
	}
	path := filepath.Join(t.TempDir(), "run.txt")
	check(t, os.WriteFile(path, f.write(t), 0o644))
	d, err := Load(Options{}, path)
	check(t, err)
	table := hazardTable(d)
	got := make(map[string]string)
	for _, row := range table.Rows {
		var cells []string
		for _, c := range row.Cells {
			cells = append(cells, c.Text)
		}
		got[row.Name] = strings.Join(cells, " | ")
	}
	for name, want := range map[string]string{
		"none":          "alone in the process already | – | –",
		"temp-thread":   "on 3.6.5 alone: curl | – | 2 hazards: 0 of 8 trials, on average ≤ 31.3 %",
		"hwm":           "– | foreign-before:n=5/14 | 1 hazard: 0 of 4 trials, on average ≤ 52.8 %",
		"pointer-match": "alone in the process already (3.6.5) | – | 3 hazards: 0 of 6 trials, on average ≤ 39.4 %",
		"key-owner":     "– | – | 3 hazards: 0 of 12 trials, on average ≤ 22.1 %",
	} {
		if got[name] != want {
			t.Errorf("%s: %s, want %s", name, got[name], want)
		}
	}
	if !strings.Contains(table.Notes[0], "private-locks") || !strings.Contains(table.Title, "of 2 trials for each") {
		t.Errorf("%s\n%v", table.Title, table.Notes)
	}
}
