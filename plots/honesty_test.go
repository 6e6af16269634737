package plots

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tlsbench/results"
)

// One trial does not tell how far trials lie apart: no interval is printed.
func TestOneTrialHasNoInterval(t *testing.T) {
	page := report(t, load(t, "one-run"))
	if !strings.Contains(page, "no interval: one trial") {
		t.Error("the table does not say that one trial has no interval")
	}
	row := rateRow("hwm", results.Figure{Value: 20, Low: 10, High: 30, N: 1})
	if finite(row.low) || finite(row.high) || !strings.Contains(row.note, "one trial") {
		t.Errorf("a row of one trial: %+v", row)
	}
}

// An A/A experiment is a panel and a statement, each with its counts.
func TestAAPanel(t *testing.T) {
	d := load(t, "one-strategy")
	d.AA = []results.AASummary{{Unit: results.CPUPerHandshake, Ratios: []float64{0.99, 1.03, 1}, Interval: 1, Tables: 1}}
	p := noise(d).Panels[0]
	if !strings.HasPrefix(p.Title, "A/A") || !strings.Contains(p.Alt, "of 3 comparisons of a strategy with itself 1 differ") || !strings.Contains(p.Alt, "3 %") {
		t.Errorf("%s: %s", p.Title, p.Alt)
	}
}

// Trials of different lengths that are counted together are marked.
func TestMixedTrialsAreMarked(t *testing.T) {
	folder := t.TempDir()
	text := string(fixtures["one-strategy"].write(t))
	var paths []string
	for _, length := range []string{"500000000", "700000000"} {
		path := filepath.Join(folder, length+".txt")
		planned := strings.Replace(text, `"rounds":6,`, `"rounds":6,"corruption_ns":`+length+`,`, 1)
		planned = strings.ReplaceAll(planned, "2026-03-01", "2026-03-0"+length[:1]) // not the same trials
		check(t, os.WriteFile(path, []byte(planned), 0o644))
		paths = append(paths, path)
	}
	d, err := Load(Options{}, paths...)
	check(t, err)
	table := headline(d)
	if cell := table.Rows[0].Cells[0]; !strings.HasSuffix(cell.Detail, " †") || len(table.Notes) != 1 || !strings.Contains(table.Notes[0], "trials of 500ms and 700ms") {
		t.Errorf("%+v, notes %q", cell, table.Notes)
	}
	d, err = Load(Options{}, paths[0])
	check(t, err)
	if notes := headline(d).Notes; len(notes) > 0 {
		t.Errorf("notes on trials that are alike: %q", notes)
	}
}

// A curve without damage reaches down to the exact bound.
func TestSurvivalOfUndamaged(t *testing.T) {
	c := survivalCurve("hwm", make([]life, 59), 0.95)
	if low := c.points[0].low; low < 0.950 || low > 0.951 {
		t.Errorf("the band of 59 undamaged trials begins at %v, want 0.95", low)
	}
}

func TestHazardNames(t *testing.T) {
	list := []string{"python", "foreign-before:n=40", "foreign-before", "plain", "foreign-before:n=5", "python:before=1"}
	if got, want := joinHazards(list), "plain, foreign-before:n=5/14/40, python, python:before=1"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	builds := []string{"3.10.1", "4.0.3", "1.1.1w", "3.5.9", "1.1.1v"}
	slices.SortFunc(builds, compareVersions)
	if got, want := strings.Join(builds, " "), "1.1.1v 1.1.1w 3.5.9 3.10.1 4.0.3"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// Two strategies that differ in a parameter never look like one of another family.
func TestLooksOfFamilies(t *testing.T) {
	a, b := lookOf("clear:n=1000"), lookOf("hwm:scan=1000")
	if a.color == b.color || a.glyph == b.glyph {
		t.Error("clear:n=1000 and hwm:scan=1000 look alike")
	}
}
