package results

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/perf/benchfmt"

	"tlsbench/results/event"
)

var update = flag.Bool("update", false, "write the golden files again")

// golden compares got with a file in testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("%s differs; got:\n%s", path, got)
	}
}

// simulation makes up a run. What it makes looks like what the rig writes, and
// is known exactly: the machine drifts, each strategy has its own cost, and
// damage comes to those that are meant to be damaged.
type simulation struct {
	rng        *rand.Rand
	rounds     int
	openssl    []string
	hazards    []string
	strategies []string
	slowdown   map[string]float64                     // 0.01: 1 % less throughput
	damage     func(hazard, strategy string) []string // kinds of events; nil: none
	start      time.Time
	id         int
}

func newSimulation(rounds int) *simulation {
	return &simulation{
		rng: rand.New(rand.NewPCG(1, 2)), rounds: rounds,
		openssl: []string{"3.0.20"}, hazards: []string{"plain", "foreign-keys:n=14"},
		strategies: []string{"none", "clear-0-15", "hwm", "key-owner"},
		slowdown:   map[string]float64{"hwm": 0.004, "clear-0-15": 0.03},
		damage:     usualDamage,
		start:      time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
	}
}

// usualDamage is what the field knows.
func usualDamage(hazard, strategy string) []string {
	switch {
	case strategy == "none":
		return []string{event.ForeignError, event.FailedHandshake, event.DoubleFree, event.RepeatedRandom, event.Crash}
	case strategy == "clear-0-15" && hazard != "plain":
		return []string{event.ForeignError, event.LostSlot}
	case strategy == "hwm" && hazard != "plain":
		return []string{event.LostSlot}
	}
	return nil
}

func (s *simulation) header() Header {
	h := Header{Plan: []byte(`{"seed":1}`)}
	for _, kv := range [][2]string{{"goos", "linux"}, {"goarch", "amd64"}, {"cpu", "AMD EPYC 7B13"},
		{"machine", "2 x AMD EPYC 7B13, Linux 6.1.0-28-amd64, 8 GiB"}, {"kernel", "Linux 6.1.0-28-amd64"}, {"memory", "8 GiB"}} {
		h.Config = append(h.Config, benchfmt.Config{Key: kv[0], Value: []byte(kv[1]), File: true})
	}
	return h
}

// trials calls each with every trial of the run, round by round.
func (s *simulation) trials(each func(*Trial)) {
	drift := 1.0
	for round := range s.rounds {
		drift *= math.Exp(0.05 * s.rng.NormFloat64()) // minutes of another tenant
		for _, version := range s.openssl {
			for _, hazard := range s.hazards {
				for _, i := range s.rng.Perm(len(s.strategies)) {
					c := Cell{OpenSSL: version, Hazard: hazard, Load: "tcp", Heap: "global", Strategy: s.strategies[i], Workers: 4}
					each(s.handshake(c, round, drift))
					each(s.corruption(c, round, drift))
					each(s.passive(c, round, drift))
				}
			}
		}
	}
}

func (s *simulation) trial(c Cell, m Measure, round int, handshakes float64) *Trial {
	s.id++
	s.start = s.start.Add(3*time.Second + time.Duration(s.rng.IntN(1e9)))
	c.Measure = m
	return &Trial{Cell: c, ID: s.id, Round: round, Seed: s.rng.Uint64(), Start: s.start, Status: OK,
		Life: Life{Handshakes: uint64(handshakes), Load: 2 * time.Second,
			LoadBefore: math.Round(200*s.rng.Float64()) / 100, Steal: s.rng.Float64() / 100, CtxSwitches: uint64(handshakes * (3 + float64(s.rng.IntN(90000))/90000/5))}}
}

func (s *simulation) noise(sd float64) float64 { return math.Exp(sd * s.rng.NormFloat64()) }

func (s *simulation) handshake(c Cell, round int, drift float64) *Trial {
	speed := 2100 * drift * (1 - s.slowdown[c.Strategy]) * s.noise(0.004)
	t := s.trial(c, Handshake, round, 2*speed)
	if kinds := s.damage(c.Hazard, c.Strategy); len(kinds) > 0 && kinds[0] == event.ForeignError {
		t.Events = map[string]uint64{event.FailedHandshake: 1 + uint64(s.rng.IntN(9))}
		t.Detail = []string{"31ms, rank 0 or a peer: failed-handshake: remote error: tls: internal error"}
		return t
	}
	round0 := func(x float64) float64 { return math.Round(x) }
	t.Metrics = []Metric{{round0(speed), HandshakesPerSec}, {round0(1.69e9 / speed), CPUPerHandshake},
		{round0(3.1e9 / speed), "p50-ns/handshake"}, {round0(9.7e9 / speed * s.noise(0.1)), "p99-ns/handshake"}}
	return t
}

// events of a trial come in clusters, so their number is a mixture.
func (s *simulation) events(t *Trial, kinds []string) {
	for _, kind := range kinds {
		n := uint64(1 + 20*s.rng.ExpFloat64())
		switch kind {
		case event.LostSlot:
			n = 14 * uint64(t.Cell.Workers)
		case event.Crash:
			n = 1
		}
		if t.Events == nil {
			t.Events = make(map[string]uint64)
		}
		t.Events[kind] = n
	}
}

func (s *simulation) corruption(c Cell, round int, drift float64) *Trial {
	t := s.trial(c, Corruption, round, 3200*drift)
	t.Checks, t.Draws = t.Handshakes, 4*t.Handshakes
	kinds := s.damage(c.Hazard, c.Strategy)
	s.events(t, kinds)
	if len(kinds) > 0 && kinds[0] == event.ForeignError {
		t.SharedSlots = 3
	}
	damaged := 0.0
	if t.Damaged() {
		damaged = 1
	}
	perM := func(kind string, exposure uint64) float64 { return 1e6 * float64(t.Events[kind]) / float64(exposure) }
	t.Metrics = []Metric{{damaged, DamagedPerTrial}, {perM(event.ForeignError, t.Checks), ForeignPerMcheck},
		{perM(event.RepeatedRandom, t.Draws), RepeatsPerMdraw}, {float64(t.SharedSlots), "shared-slots"}}
	return t
}

func (s *simulation) passive(c Cell, round int, drift float64) *Trial {
	c.Settings = "check=0"
	t := s.trial(c, Corruption, round, 3500*drift)
	for _, kind := range s.damage(c.Hazard, c.Strategy) {
		if kind != event.ForeignError && kind != event.RepeatedRandom {
			s.events(t, []string{kind})
		}
	}
	t.Metrics = []Metric{{1e6 * float64(event.PassiveCount(t.Events)) / float64(t.Handshakes), PassivePerMhs}}
	return t
}

func (s *simulation) write(w io.Writer) error {
	out := NewWriter(w)
	if err := out.Header(s.header()); err != nil {
		return err
	}
	var failed error
	s.trials(func(t *Trial) {
		if err := out.Trial(t); err != nil && failed == nil {
			failed = err
		}
	})
	return failed
}

// file writes the run to a file of the test's own.
func (s *simulation) file(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	buf := bufio.NewWriter(f)
	if err := errors.Join(s.write(buf), buf.Flush(), f.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// fileOf writes chosen trials.
func fileOf(t testing.TB, name string, trials ...*Trial) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := NewWriter(f)
	if err := w.Header(newSimulation(0).header()); err != nil {
		t.Fatal(err)
	}
	for i, trial := range trials {
		if trial.ID == 0 {
			trial.ID = i + 1
		}
		if err := w.Trial(trial); err != nil {
			t.Fatal(fmt.Errorf("trial %d: %w", i, err))
		}
	}
	return path
}

func fits(t *testing.T, name, out string) {
	t.Helper()
	for line := range strings.Lines(out) {
		if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 80 {
			t.Errorf("%s: line of %d columns: %s", name, n, line)
		}
	}
}
