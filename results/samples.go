package results

import (
	"fmt"
	"math"
	"strings"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Series is the whole distribution of what a trial measured many times, such as
// fork-ns, so that it can be drawn later without running anything again. In a
// results file it is a comment line before the #trial line of its trial:
// "#samples ", the name, and a histogram in the compressed form (V2, base64) that
// every HdrHistogram library reads. Values are nanoseconds, kept to three digits.
type Series struct {
	Name string
	text string // the histogram as it stands in the file
}

const (
	sampleDigits = 3
	sampleMax    = int64(100e9) // 100 s: no fork takes that long
)

// NewSeries makes a series of nanoseconds.
func NewSeries(name string, values []float64) (Series, error) {
	if name == "" || strings.ContainsAny(name, " \t\r\n") {
		return Series{}, fmt.Errorf("samples %q: the name is empty or has white space", name)
	}
	text, err := NewHistogram(values).Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		return Series{}, fmt.Errorf("samples %s: %w", name, err)
	}
	return Series{name, string(text)}, nil
}

// NewHistogram makes a histogram of nanoseconds. What is negative or beyond
// 100 s counts as the nearest value that fits.
func NewHistogram(values []float64) *hdrhistogram.Histogram {
	h := hdrhistogram.New(1, sampleMax, sampleDigits)
	for _, v := range values {
		// The value is in range, so there is nothing to go wrong.
		_ = h.RecordValue(int64(math.Round(min(max(v, 0), float64(sampleMax)))))
	}
	return h
}

// Histogram decodes the series.
func (s Series) Histogram() (*hdrhistogram.Histogram, error) {
	h, err := hdrhistogram.Decode([]byte(s.text))
	if err != nil {
		return nil, fmt.Errorf("samples %s: %w", s.Name, err)
	}
	return h, nil
}

// parseSeries reads what stands after the prefix.
func parseSeries(line string) (Series, error) {
	name, text, ok := strings.Cut(line, " ")
	if !ok || name == "" || text == "" || strings.ContainsAny(text, " \t") {
		return Series{}, fmt.Errorf("samples: want a name and a histogram, not %.40q", line)
	}
	return Series{name, text}, nil
}
