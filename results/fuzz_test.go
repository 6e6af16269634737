package results

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Claims and filters that a user types: each is taken, or refused in one line.
func FuzzClaims(f *testing.F) {
	for _, text := range []string{"hwm=clean", "clear:n=16=undamaged", "=clean", "hwm", "hwm/key-owner=2%", "clear:n=16/key-owner=0.5 %",
		"a/b=NaN%", "a/b=1e400%", "hazard=plain", "workers=4", "tls=", "x=y", "none=undamaged", "hwm:aa=2=clean"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for what, o := range map[string]CheckOptions{
			"expect": {Expect: []string{text}}, "slowdown": {MaxSlowdown: []string{text}},
			"where": {Where: []string{text}, Expect: []string{"hwm=clean"}},
		} {
			var out bytes.Buffer
			broken, err := Check(&out, o, sampleRun)
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
		if base := aaBase(text); base != text && AAName(base, 2) == base {
			t.Errorf("%q is a further name of %q", text, base)
		}
	})
}

// A samples file of any content is read or refused.
func FuzzSamples(f *testing.F) {
	path := filepath.Join(f.TempDir(), "s.hlog")
	s, err := OpenSamples(path)
	if err != nil {
		f.Fatal(err)
	}
	for _, values := range [][]float64{{1, 2, 3e6}, nil, {5e9}} {
		if err := s.Append(Sample{Trial: 3, Name: "fork-ns"}, values); err != nil {
			f.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)-5])
	f.Add([]byte("#[Histogram log format version 1.3]\n\"StartTimestamp\"\nTag=trial=1;x,0,0,0,HISTFAAAAAA=\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := ReadSamples(bytes.NewReader(data))
		if err != nil {
			return
		}
		for sample, h := range all {
			if sample.Name == "" || h.TotalCount() < 0 || h.ValueAtQuantile(99) < 0 {
				t.Errorf("%+v: %d values, p99 %d", sample, h.TotalCount(), h.ValueAtQuantile(99))
			}
		}
	})
}
