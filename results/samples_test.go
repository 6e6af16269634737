package results

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// valuesOf gives a distribution as its values, within the three digits kept.
func valuesOf(t *testing.T, s Series) []int64 {
	t.Helper()
	h, err := s.Histogram()
	if err != nil {
		t.Fatal(err)
	}
	var out []int64
	for _, bar := range h.Distribution() {
		for range bar.Count {
			out = append(out, bar.From)
		}
	}
	return out
}

func forkTrial(t *testing.T, id int, series map[string][]float64) *Trial {
	t.Helper()
	c := testCell(Fork, "hwm")
	trial := &Trial{Cell: c, ID: id, Status: OK, Life: Life{Forks: 2}, Metrics: []Metric{{250, "p50-fork-ns"}}}
	for name, values := range series {
		s, err := NewSeries(name, values)
		if err != nil {
			t.Fatal(err)
		}
		trial.Series = append(trial.Series, s)
	}
	return trial
}

func written(t *testing.T, trials ...*Trial) []byte {
	t.Helper()
	var b bytes.Buffer
	w := NewWriter(&b)
	for _, trial := range trials {
		if err := w.Trial(trial); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// Distributions come back with their trial, for whoever asks; others do not see
// them, and neither does benchstat.
func TestSeriesAreReadBack(t *testing.T) {
	text := written(t,
		forkTrial(t, 1, map[string][]float64{"fork-ns": {250, 251.4, 1999, 250}}),
		forkTrial(t, 2, nil),
		forkTrial(t, 3, map[string][]float64{"masked-fork-ns": {0, -3, 1e12}}))
	for _, keep := range []bool{true, false} {
		r := NewReader(bytes.NewReader(text), "run.txt")
		r.KeepSeries = keep
		var all []Trial
		for r.Scan() {
			all = append(all, *r.Trial())
		}
		if r.Err() != nil || len(all) != 3 || r.Torn() || r.Offset() != int64(len(text)) {
			t.Fatalf("%d trials, torn %v, %d of %d bytes, error %v", len(all), r.Torn(), r.Offset(), len(text), r.Err())
		}
		if !keep {
			if n := len(all[0].Series) + len(all[1].Series) + len(all[2].Series); n > 0 {
				t.Errorf("%d series that nobody asked for", n)
			}
			continue
		}
		if len(all[0].Series) != 1 || all[0].Series[0].Name != "fork-ns" || len(all[1].Series) != 0 || len(all[2].Series) != 1 {
			t.Fatalf("series of the wrong trials: %+v", all)
		}
		if diff := cmp.Diff([]int64{250, 250, 251, 1999}, valuesOf(t, all[0].Series[0])); diff != "" {
			t.Errorf("read back (-want +got):\n%s", diff)
		}
		if last := valuesOf(t, all[2].Series[0]); len(last) != 3 || math.Abs(float64(last[2])/float64(sampleMax)-1) > 1e-3 {
			t.Errorf("beyond the range: %v, want 0, 0 and about %d", last, sampleMax)
		}
	}
}

// However a file was cut off, the trials before are whole with their series, and
// the place to cut it at is the end of the last whole trial.
func TestTornSeries(t *testing.T) {
	first := written(t, forkTrial(t, 1, map[string][]float64{"fork-ns": {250}}))
	both := append(bytes.Clone(first), written(t, forkTrial(t, 2, map[string][]float64{"fork-ns": {300}, "ready-ns": {7}}))...)
	for end := len(first); end < len(both); end++ {
		r := NewReader(bytes.NewReader(both[:end]), "run.txt")
		r.KeepSeries = true
		n := 0
		for r.Scan() {
			if n++; len(r.Trial().Series) != 1 {
				t.Errorf("cut at %d: %d series", end, len(r.Trial().Series))
			}
		}
		if n != 1 || r.Err() != nil || r.Offset() != int64(len(first)) {
			t.Errorf("cut at %d: %d trials, offset %d, want 1 and %d; error %v", end, n, r.Offset(), len(first), r.Err())
		}
	}
}

// Three digits: no value is off by more than one part in a thousand.
func TestHistogramPrecision(t *testing.T) {
	for v := 1.0; v < 1e10; v *= 1.37 {
		s, err := NewSeries("fork-ns", []float64{v})
		if err != nil {
			t.Fatal(err)
		}
		h, err := s.Histogram()
		if err != nil {
			t.Fatal(err)
		}
		got := float64(h.ValueAtQuantile(50))
		if math.Abs(got-math.Round(v)) > 1e-3*v {
			t.Errorf("%v is kept as %v", v, got)
		}
	}
}

func TestBadSeries(t *testing.T) {
	trial := string(written(t, forkTrial(t, 1, nil)))
	for line, want := range map[string]string{
		"#samples \n": "want a name and a histogram", "#samples fork-ns\n": "want a name and a histogram", "#samples fork-ns HIST x\n": "want a name and a histogram",
	} {
		r := NewReader(strings.NewReader(line+trial), "run.txt")
		r.KeepSeries = true
		if r.Scan() || r.Err() == nil || !strings.Contains(r.Err().Error(), want) {
			t.Errorf("%q: error %v, want %q", line, r.Err(), want)
		}
	}
	if _, err := (Series{"fork-ns", "HISTnonsense"}).Histogram(); err == nil {
		t.Error("nonsense was decoded")
	}
	for _, name := range []string{"", "fork ns"} {
		if _, err := NewSeries(name, []float64{1}); err == nil {
			t.Errorf("name %q was taken", name)
		}
	}
	long := forkTrial(t, 1, nil)
	long.Series = []Series{{"fork-ns", strings.Repeat("A", maxLine)}}
	if err := NewWriter(new(bytes.Buffer)).Trial(long); err == nil || !strings.Contains(err.Error(), "benchstat reads lines of at most") {
		t.Errorf("a long line: %v", err)
	}
}
