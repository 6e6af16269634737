package results

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// A samples file lies beside a results file and keeps whole distributions, so
// that they can be drawn later without running anything again. It is a
// histogram log of HdrHistogram, version 1.3, that every HdrHistogram library
// reads: one line for each distribution of each trial, with the trial's number
// and the name of what was measured in its tag. Values are nanoseconds, kept to
// three digits.

// Sample names one distribution: of which trial, and of what, such as fork-ns.
type Sample struct {
	Trial int
	Name  string
}

// SamplesPath is the samples file of a results file.
func SamplesPath(results string) string {
	return strings.TrimSuffix(results, filepath.Ext(results)) + ".hlog"
}

const (
	sampleDigits = 3
	sampleMax    = int64(100e9) // 100 s: no fork takes that long
)

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

func (s Sample) tag() string { return fmt.Sprintf("trial=%d;%s", s.Trial, s.Name) }

func parseSample(tag string) (Sample, error) {
	number, name, ok := strings.Cut(strings.TrimPrefix(tag, "trial="), ";")
	trial, err := strconv.Atoi(number)
	if !ok || err != nil || name == "" {
		return Sample{}, fmt.Errorf("tag %q is not trial=NUMBER;NAME", tag)
	}
	return Sample{trial, name}, nil
}

// SamplesFile is a samples file that is being written.
type SamplesFile struct {
	f *os.File
}

// OpenSamples opens a samples file to append to it, and makes it if there is
// none. A torn last line, from a run that was killed, is cut off.
func OpenSamples(path string) (*SamplesFile, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open samples file: %w", err)
	}
	s := &SamplesFile{f}
	if err := s.begin(); err != nil {
		return nil, errors.Join(fmt.Errorf("samples file %s: %w", path, err), f.Close())
	}
	return s, nil
}

// begin goes to the end of the last whole line. A new file gets its header.
func (s *SamplesFile) begin() error {
	data, err := io.ReadAll(s.f)
	if err != nil {
		return err
	}
	end := int64(strings.LastIndexByte(string(data), '\n') + 1)
	if err := s.f.Truncate(end); err != nil {
		return err
	}
	if _, err := s.f.Seek(end, io.SeekStart); err != nil || end > 0 {
		return err
	}
	w := hdrhistogram.NewHistogramLogWriter(s.f)
	if err := w.OutputLogFormatVersion(); err != nil {
		return err
	}
	return w.OutputLegend()
}

// Append writes one distribution.
func (s *SamplesFile) Append(sample Sample, values []float64) error {
	if sample.Name == "" || strings.ContainsAny(sample.Name, ", \t\r\n") {
		return fmt.Errorf("samples %q: the name is empty, or has a comma or white space", sample.Name)
	}
	h := NewHistogram(values)
	h.SetTag(sample.tag())
	var line strings.Builder
	if err := hdrhistogram.NewHistogramLogWriter(&line).OutputIntervalHistogram(h); err != nil {
		return fmt.Errorf("samples %s of trial %d: %w", sample.Name, sample.Trial, err)
	}
	_, err := s.f.WriteString(line.String())
	return err
}

// Sync returns when what was appended is on the disk.
func (s *SamplesFile) Sync() error { return s.f.Sync() }

// Close closes the file.
func (s *SamplesFile) Close() error { return s.f.Close() }

// ReadSamples reads a samples file. Of a trial that stands twice, because its
// run was interrupted before the trial was in the results file, the later
// distributions count. A torn last line, of a run that was killed, does not.
func ReadSamples(r io.Reader) (map[Sample]*hdrhistogram.Histogram, error) {
	whole, err := wholeLines(r)
	if err != nil {
		return nil, err
	}
	log := hdrhistogram.NewHistogramLogReader(whole)
	all := map[Sample]*hdrhistogram.Histogram{}
	for n := 1; ; n++ {
		h, err := log.NextIntervalHistogram()
		if err != nil {
			return nil, fmt.Errorf("samples file: distribution %d: %w", n, err)
		}
		if h == nil {
			return all, nil
		}
		sample, err := parseSample(h.Tag())
		if err != nil {
			return nil, fmt.Errorf("samples file: distribution %d: %w", n, err)
		}
		all[sample] = h
	}
}
