package results

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Claims and filters that a user types: each is taken, or refused in one line.
func FuzzClaims(f *testing.F) {
	for _, text := range []string{"hwm=clean", "clear:n=16=undamaged", "=clean", "hwm", "hwm/key-owner=2%", "clear:n=16/key-owner=0.5 %",
		"a/b=NaN%", "a/b=1e400%", "hazard=plain", "workers=4", "tls=", "x=y", "none=undamaged"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for what, o := range map[string]CheckOptions{
			"expect": {Expect: []string{text}}, "slowdown": {MaxSlowdown: []string{text}},
			"where": {Where: []string{text}, Expect: []string{"hwm=clean"}},
		} {
			var out bytes.Buffer
			broken, err := unmet(&out, o, sampleRun)
			if err != nil {
				if strings.Contains(err.Error(), "\n") {
					t.Errorf("%s %q: error of several lines: %v", what, text, err)
				}
				continue
			}
			if lines := strings.Count(out.String(), "\n"); lines != max(broken, 1) {
				t.Errorf("%s %q: %d broken rules on %d lines:\n%s", what, text, broken, lines, &out)
			}
		}
	})
}

// A series of any content is read or refused.
func FuzzSeries(f *testing.F) {
	for _, values := range [][]float64{{1, 2, 3e6}, nil, {5e9}} {
		s, err := NewSeries("fork-ns", values)
		if err != nil {
			f.Fatal(err)
		}
		f.Add("fork-ns " + s.text)
		f.Add("fork-ns " + s.text[:len(s.text)-5])
	}
	f.Add("x HISTFAAAAAA=")
	f.Fuzz(func(t *testing.T, line string) {
		s, err := parseSeries(line)
		if err != nil {
			return
		}
		h, err := s.Histogram()
		if err == nil && (s.Name == "" || h.TotalCount() < 0 || h.ValueAtQuantile(99) < 0) {
			t.Errorf("%+v: %d values, p99 %d", s, h.TotalCount(), h.ValueAtQuantile(99))
		}
	})
}

// Whatever a file holds, it is compared and checked or refused, and what comes
// out is well formed.
func FuzzCompare(f *testing.F) {
	trials := testTrials()
	f.Add(writeAll(f, testHeader(), trials...))
	if data, err := os.ReadFile("testdata/gotest.txt"); err == nil {
		f.Add(data)
	}
	var small bytes.Buffer
	s := newSimulation(2)
	s.hazards = []string{"plain"}
	if err := s.write(&small); err != nil {
		f.Fatal(err)
	}
	f.Add(small.Bytes())
	dir := f.TempDir()
	path, older := filepath.Join(dir, "fuzz.txt"), filepath.Join(dir, "older.txt")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
		c, err := Summarize(Options{}, path)
		if err != nil {
			return
		}
		for _, format := range formats {
			var out bytes.Buffer
			if err := compare(&out, format, Options{}, path); err != nil {
				t.Errorf("%s: %v", format, err)
			}
			if format == "json" && !json.Valid(out.Bytes()) {
				t.Errorf("not JSON: %s", &out)
			}
		}
		// Other trials than those, which it cannot be held against.
		if err := os.WriteFile(older, bytes.ReplaceAll(data, []byte(`"id":`), []byte(`"id":1`)), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := Summarize(Options{}, older); err != nil {
			return
		}
		for _, table := range c.Tables {
			name := table.Rows[0].Strategy
			if _, err := unmet(io.Discard, CheckOptions{Expect: []string{name + "=clean"}, Against: []string{older}}, path); err != nil {
				t.Errorf("check %s: %v", name, err)
			}
		}
	})
}
