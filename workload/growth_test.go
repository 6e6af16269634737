package workload

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/procfs"

	"tlsbench/workload/rig"
)

// sample is what a rig has taken of the machine at one moment.
type sample struct {
	heap        uint64 // bytes of the shared heap that were ever in use
	descriptors uint64 // open files of all processes
	resident    uint64 // bytes of private memory of all processes
	processes   uint64
}

// sampleRig reads a running rig: rank 0 leads its process group.
func sampleRig(rank0 int, b *rig.Block) (sample, error) {
	s := sample{heap: b.HeapUsed()}
	all, err := procfs.AllProcs()
	if err != nil {
		return s, fmt.Errorf("list the processes: %w", err)
	}
	for _, p := range all {
		stat, err := p.Stat()
		if err != nil || stat.PGRP != rank0 || stat.State == "Z" {
			continue // of another group, or gone meanwhile
		}
		status, err := p.NewStatus()
		if err != nil {
			continue
		}
		files, err := p.FileDescriptorsLen()
		if err != nil {
			continue
		}
		s.processes++
		s.resident += status.RssAnon
		s.descriptors += uint64(files)
	}
	return s, nil
}

// allowance is how much more a quantity may be at the end than before: a share
// of it, and an amount for small ones.
type allowance struct {
	share  float64
	amount uint64
}

// quantities are what must not grow. A connection more or less at the moment of
// a sample is no growth of descriptors; free lists of the shared heap and of
// malloc still fill up for a while, by a rarer size now and then.
var quantities = []struct {
	name string
	of   func(sample) uint64
	more allowance
}{
	{"shared heap", func(s sample) uint64 { return s.heap }, allowance{0.01, 64 << 10}},
	{"descriptors", func(s sample) uint64 { return s.descriptors }, allowance{0, 8}},
	{"resident memory", func(s sample) uint64 { return s.resident }, allowance{0.01, 256 << 10}},
	{"processes", func(s sample) uint64 { return s.processes }, allowance{0, 0}},
}

// growth compares the most of each quantity in the last third of the samples
// with the most in the middle third; the first third is warm-up.
func growth(samples []sample) error {
	if len(samples) < 9 {
		return fmt.Errorf("%d samples are too few to tell growth from warm-up", len(samples))
	}
	third := len(samples) / 3
	for _, q := range quantities {
		before, after := most(samples[third:2*third], q.of), most(samples[2*third:], q.of)
		limit := before + uint64(float64(before)*q.more.share) + q.more.amount
		if after > limit {
			return fmt.Errorf("%s grew from %d to %d, more than to %d", q.name, before, after, limit)
		}
	}
	return nil
}

func most(samples []sample, of func(sample) uint64) uint64 {
	var top uint64
	for _, s := range samples {
		top = max(top, of(s))
	}
	return top
}

// The rule itself: what a leak looks like, and what only warms up.
func TestGrowth(t *testing.T) {
	series := func(next func(i int, s *sample)) []sample {
		var all []sample
		for i := range 90 {
			s := sample{heap: 4 << 20, descriptors: 60, resident: 30 << 20, processes: 5}
			next(i, &s)
			all = append(all, s)
		}
		return all
	}
	for _, tc := range []struct {
		name    string
		samples []sample
		want    string // "" = none
	}{
		{"steady", series(func(int, *sample) {}), ""},
		{"warm-up", series(func(i int, s *sample) { s.heap += uint64(min(i, 29)) << 20 }), ""},
		{"connections come and go", series(func(i int, s *sample) { s.descriptors += uint64(i*7) % 8 }), ""},
		{"heap", series(func(i int, s *sample) { s.heap += uint64(i) * 8 << 10 }), "shared heap grew"},
		{"descriptors", series(func(i int, s *sample) { s.descriptors += uint64(i) / 3 }), "descriptors grew"},
		{"memory", series(func(i int, s *sample) { s.resident += uint64(i) * 32 << 10 }), "resident memory grew"},
		{"one process", series(func(i int, s *sample) { s.processes += uint64(i / 80) }), "processes grew"},
		{"too few", series(func(int, *sample) {})[:8], "too few"},
	} {
		err := growth(tc.samples)
		if tc.want == "" && err != nil {
			t.Errorf("%s: %v", tc.name, err)
		}
		if tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%s: %v, want %s", tc.name, err, tc.want)
		}
	}
}

// openFiles and ownChildren are what this process itself has left behind.
func openFiles(t *testing.T) int {
	t.Helper()
	files, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}
