package results

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func writeSamples(t *testing.T, path string, all map[Sample][]float64) {
	t.Helper()
	f, err := OpenSamples(path)
	if err != nil {
		t.Fatal(err)
	}
	for s, values := range all {
		if err := f.Append(s, values); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// readValues gives each distribution as its values, within the three digits kept.
func readValues(t *testing.T, path string) map[Sample][]int64 {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	all, err := ReadSamples(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	out := map[Sample][]int64{}
	for s, h := range all {
		for _, bar := range h.Distribution() {
			for range bar.Count {
				out[s] = append(out[s], bar.From)
			}
		}
	}
	return out
}

func TestSamplesAreReadBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.hlog")
	writeSamples(t, path, map[Sample][]float64{
		{1, "fork-ns"}:         {250, 251.4, 1999, 250},
		{12, "masked-fork-ns"}: {0, -3, 1e12},
	})
	// A second run goes on with the file; its trial 1 replaces the first one.
	writeSamples(t, path, map[Sample][]float64{{1, "fork-ns"}: {300}, {2, "ready-ns"}: {7}})
	got := readValues(t, path)
	if last := got[Sample{12, "masked-fork-ns"}]; len(last) != 3 || math.Abs(float64(last[2])/float64(sampleMax)-1) > 1e-3 {
		t.Errorf("beyond the range: %v, want 0, 0 and about %d", last, sampleMax)
	}
	delete(got, Sample{12, "masked-fork-ns"})
	want := map[Sample][]int64{{1, "fork-ns"}: {300}, {2, "ready-ns"}: {7}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
}

// Three digits: no value is off by more than one part in a thousand.
func TestHistogramPrecision(t *testing.T) {
	for v := 1.0; v < 1e10; v *= 1.37 {
		got := float64(NewHistogram([]float64{v}).ValueAtQuantile(50))
		if math.Abs(got-math.Round(v)) > 1e-3*v {
			t.Errorf("%v is kept as %v", v, got)
		}
	}
}

func TestTornSamplesLineIsCutOff(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.hlog")
	writeSamples(t, path, map[Sample][]float64{{1, "fork-ns"}: {250}})
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	line := whole[bytes.LastIndexByte(whole[:len(whole)-1], '\n')+1:]
	torn := append(whole, bytes.Replace(line[:len(line)/2], []byte("trial=1"), []byte("trial=2"), 1)...)
	if err := os.WriteFile(path, torn, 0o644); err != nil {
		t.Fatal(err)
	}
	// A reader passes over it, whoever goes on with the file cuts it off.
	if diff := cmp.Diff(map[Sample][]int64{{1, "fork-ns"}: {250}}, readValues(t, path)); diff != "" {
		t.Errorf("with a torn line (-want +got):\n%s", diff)
	}
	writeSamples(t, path, map[Sample][]float64{{3, "fork-ns"}: {400}})
	want := map[Sample][]int64{{1, "fork-ns"}: {250}, {3, "fork-ns"}: {400}}
	if diff := cmp.Diff(want, readValues(t, path)); diff != "" {
		t.Errorf("after a torn line (-want +got):\n%s", diff)
	}
}

func TestBadSamples(t *testing.T) {
	for _, tc := range []struct{ file, want string }{
		{"Tag=nothing,0.0,0.0,0.0,HISTFAAAAB542pNpmSzMwMDAxQABzFCaEUoz2X+AMIQYAF4OAoo=\n", "distribution 1"},
		{"Tag=trial=1;fork-ns,0.0,0.0,0.0,HISTnonsense\n", "distribution 1"},
	} {
		if _, err := ReadSamples(strings.NewReader(tc.file)); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q: error %v, want one with %q", tc.file, err, tc.want)
		}
	}
	f, err := OpenSamples(filepath.Join(t.TempDir(), "run.hlog"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, name := range []string{"", "fork ns", "fork,ns"} {
		if err := f.Append(Sample{1, name}, []float64{1}); err == nil {
			t.Errorf("name %q was written", name)
		}
	}
	if _, err := OpenSamples(filepath.Join(t.TempDir(), "no", "such", "folder")); err == nil {
		t.Error("a file in no folder was opened")
	}
}

func TestJoinSamples(t *testing.T) {
	folder := t.TempDir()
	a, b, joint := filepath.Join(folder, "a.hlog"), filepath.Join(folder, "b.hlog"), filepath.Join(folder, "joint.hlog")
	writeSamples(t, a, map[Sample][]float64{{1, "fork-ns"}: {250}, {3, "fork-ns"}: {270}})
	writeSamples(t, a, map[Sample][]float64{{3, "fork-ns"}: {280}}) // it was run again
	writeSamples(t, b, map[Sample][]float64{{2, "ready-ns"}: {7}})
	torn, err := os.OpenFile(b, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := torn.WriteString("Tag=trial=4;fork-ns,0.0,0.0"); err != nil {
		t.Fatal(err)
	}
	if err := torn.Close(); err != nil {
		t.Fatal(err)
	}
	if err := JoinSamples(joint, a, b); err != nil {
		t.Fatal(err)
	}
	want := map[Sample][]int64{{1, "fork-ns"}: {250}, {3, "fork-ns"}: {280}, {2, "ready-ns"}: {7}}
	if diff := cmp.Diff(want, readValues(t, joint)); diff != "" {
		t.Errorf("joint (-want +got):\n%s", diff)
	}
	if err := JoinSamples(joint, a); err == nil || !strings.Contains(err.Error(), "joint.hlog is there already") {
		t.Errorf("over another: %v", err)
	}
	for want, parts := range map[string][]string{
		" are both in " + a + " and in " + joint: {a, joint},
		"no such file":                           {a, filepath.Join(folder, "c.hlog")},
	} {
		refused := filepath.Join(folder, "refused.hlog")
		if err := JoinSamples(refused, parts...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
		if _, err := os.Stat(refused); err == nil {
			t.Error("a file was left")
		}
	}
}
