package plots

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/perf/benchfmt"

	"tlsbench/results"
)

var update = flag.Bool("update", false, "write golden files anew")

// maker writes a results file of made-up trials, always the same.
type maker struct {
	w      *results.Writer
	random *rand.Rand
	id     int
	clock  time.Time
}

// fixture is what one made-up results file holds.
type fixture struct {
	builds, hazards, strategies []string
	workers                     []int
	rounds                      int
	forks                       bool
	// damage says which trials see events, and how many.
	damage func(c results.Cell) map[string]uint64
	// spread multiplies throughput, by strategy.
	spread map[string]float64
	crash  bool // every trial of every kind crashes

	onlyForks bool
	sharing   bool  // trials that look for raced blocks
	memory    []int // of rank 0, in MiB; for trials of forks besides those at the default
}

func (f fixture) write(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	m := &maker{w: results.NewWriter(&b), random: rand.New(rand.NewPCG(1, 2)), clock: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	config := func(key, value string) benchfmt.Config {
		return benchfmt.Config{Key: key, Value: []byte(value), File: true}
	}
	h := results.Header{
		Plan: []byte(`{"spec":{"preset":"default","builds":[{"label":"3.0.20"}],"strategies":[{"choice":{"Name":"clear-0-15","Params":{"n":32}}}],"hazards":["plain"],"rounds":6,"seed":7}}`),
		Config: []benchfmt.Config{
			config("goos", "linux"), config("cpu", "Example CPU"), config("machine", "2 x Example CPU, Linux 6.1, 8 GiB"),
			config("kernel", "Linux 6.1"), config("libc", "glibc 2.36"), config("go", "go1.26"), config("cc", "gcc 12.2"),
			config("openssl-3.0.20-libcrypto", "/usr/lib/libcrypto.so.3"),
		},
	}
	check(t, m.w.Header(h))
	for round := range f.rounds {
		for _, build := range f.builds {
			for _, hazard := range f.hazards {
				for _, strategy := range f.strategies {
					for _, n := range f.workers {
						c := results.Cell{OpenSSL: build, Hazard: hazard, Load: "tcp", Heap: "global", Strategy: strategy, Workers: n}
						f.trials(t, m, c, round)
					}
				}
			}
		}
	}
	return b.Bytes()
}

func (f fixture) trials(t testing.TB, m *maker, c results.Cell, round int) {
	if f.onlyForks {
		f.fork(t, m, c, round)
		return
	}
	events := f.damage(c)
	if c.Strategy == "pointer-match" && c.OpenSSL == "4.0.3" {
		c.Measure = results.Corruption
		m.add(t, &results.Trial{Cell: c, Round: round, Status: results.NotApplicable, Reason: "this build has no ERR_get_state"})
		return
	}
	c.Measure = results.Handshake
	speed := 2000 * (1 + 0.1*m.random.NormFloat64()) * math.Sqrt(float64(c.Workers)/4)
	if s := f.spread[c.Strategy]; s > 0 {
		speed *= s
	}
	trial := &results.Trial{Cell: c, Round: round, Life: results.Life{Handshakes: uint64(2*speed) + 1, Load: 2 * time.Second}}
	if f.crash || events["crash"] > 0 {
		trial.Events = map[string]uint64{"crash": 1}
	} else {
		trial.Metrics = []results.Metric{
			{Value: speed, Unit: results.HandshakesPerSec}, {Value: 1e9 / speed, Unit: results.CPUPerHandshake},
			{Value: 5e9 / speed, Unit: "p99-ns/handshake"}}
	}
	m.add(t, trial)

	c.Measure = results.Corruption
	trial = &results.Trial{Cell: c, Round: round, Life: results.Life{Handshakes: 3000, Checks: 3000, Draws: 12000, Load: 2 * time.Second}}
	if len(events) > 0 {
		trial.Events, trial.FirstEvent = events, time.Second
		trial.FirstEventAt = uint64(m.random.ExpFloat64() * 300)
	}
	trial.Metrics = []results.Metric{{Value: bool01(len(events) > 0), Unit: results.DamagedPerTrial}}
	m.add(t, trial)

	c.Settings = "check=0"
	trial = &results.Trial{Cell: c, Round: round, Life: results.Life{Handshakes: 3000, Events: events, Load: 2 * time.Second}}
	m.add(t, trial)

	if f.sharing {
		shared := results.Cell{Measure: results.Sharing, OpenSSL: c.OpenSSL, Hazard: c.Hazard, Load: c.Load, Heap: "traced", Strategy: c.Strategy, Workers: c.Workers}
		m.add(t, &results.Trial{Cell: shared, Round: round, Life: results.Life{Handshakes: 100, Raced: races(c)}})
	}
	if f.forks && c.Workers == 4 {
		f.fork(t, m, c, round)
	}
}

func (f fixture) fork(t testing.TB, m *maker, c results.Cell, round int) {
	c.Measure, c.Settings, c.Load = results.Fork, "", "memory"
	noise := func(ns float64) float64 {
		if s := f.spread[c.Strategy]; s > 0 {
			ns *= s
		}
		return ns * math.Exp(0.2*m.random.NormFloat64())
	}
	metrics := []results.Metric{{Value: noise(250e3), Unit: results.ForkP50}, {Value: noise(400e3), Unit: "p99-fork-ns"},
		{Value: noise(3e3) - 2e3, Unit: results.ForkDiff}, {Value: noise(5e3) - 2e3, Unit: results.ReadyDiff},
		{Value: noise(90e3), Unit: results.FirstRandom}, {Value: noise(1.5e6), Unit: results.FirstHandshake}}
	if c.Strategy != "none" && c.Strategy != "temp-thread" {
		metrics = append(metrics, results.Metric{Value: noise(20e3), Unit: results.HandlerCold}, results.Metric{Value: noise(500), Unit: results.HandlerWarm})
	}
	m.add(t, &results.Trial{Cell: c, Round: round, Life: results.Life{Forks: 500}, Metrics: metrics})
	for _, mib := range f.memory {
		c.Settings = results.Settings(fmt.Sprintf("mem=%dMiB", mib))
		more := slices.Clone(metrics)
		more[0].Value *= float64(mib) / 16
		more[2].Value *= math.Sqrt(float64(mib) / 16)
		m.add(t, &results.Trial{Cell: c, Round: round, Life: results.Life{Forks: 500}, Metrics: more})
	}
}

func (m *maker) add(t testing.TB, trial *results.Trial) {
	m.id++
	m.clock = m.clock.Add(2500 * time.Millisecond)
	trial.ID, trial.Start, trial.Seed = m.id, m.clock, uint64(m.id)
	if trial.Status == "" {
		trial.Status = results.OK
	}
	check(t, m.w.Trial(trial))
}

func bool01(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func quiet(results.Cell) map[string]uint64 { return nil }

// races are what a sharing trial sees: OpenSSL's own under every strategy, the
// error queue under none, a table that others read under foreign keys.
func races(c results.Cell) []results.RacedBlock {
	list := []results.RacedBlock{{Site: "crypto/init.c:7 OPENSSL_init", Size: 8, Writers: []int{0, 1}}}
	if c.Strategy == "none" {
		list = append(list, results.RacedBlock{Site: "crypto/err/err.c:720 ERR_get_state", Size: 400, Writers: []int{0, 1}},
			results.RacedBlock{Site: "crypto/threads_lib.c:12 CRYPTO_set", Size: 16, Writers: []int{1, 2}})
	}
	if c.Strategy == "hwm" && strings.HasPrefix(c.Hazard, "foreign") {
		list = append(list, results.RacedBlock{Site: "crypto/rand/rand_lib.c:9 RAND_get0", Size: 64, Writers: []int{1}, Readers: []int{2}, ReadRaced: true})
	}
	return list
}

// usual damage: none always, what clears by number under foreign keys.
func usual(c results.Cell) map[string]uint64 {
	switch {
	case c.Strategy == "none":
		return map[string]uint64{"double-free": 20, "failed-handshake": 9, "crash": 1}
	case c.Strategy == "temp-thread" && c.Hazard == "rank0-client":
		return map[string]uint64{"failed-handshake": 2}
	case !strings.HasPrefix(c.Hazard, "foreign"):
		return nil
	case c.Strategy == "clear-0-15":
		return map[string]uint64{"foreign-error": 3, "lost-slot": 14}
	case c.Strategy == "hwm":
		return map[string]uint64{"lost-slot": 14}
	}
	return nil
}

// fixed are the strategies of the fixtures: a new one in the catalogue is to
// change no picture of old data.
var fixed = []string{"none", "temp-thread", "clear-0-15", "hwm", "thread-stop", "pointer-match", "key-owner"}

// fixtures are the usual case and the edges. Every figure is drawn from every
// one of them.
var fixtures = map[string]fixture{
	"full": {builds: []string{"3.0.20", "4.0.3"}, hazards: []string{"plain", "foreign-before:n=14", "rank0-client"},
		strategies: fixed, workers: []int{4}, rounds: 6, forks: true, damage: usual},
	"workers": {builds: []string{"3.0.20"}, hazards: []string{"plain"}, strategies: append([]string{"clear-0-15:n=32"}, fixed...),
		workers: []int{1, 2, 4, 16}, rounds: 10, damage: usual, spread: map[string]float64{"thread-stop": 0.9}},
	"no-events": {builds: []string{"3.0.20"}, hazards: []string{"plain"}, strategies: fixed, workers: []int{4}, rounds: 6, damage: quiet},
	"one-strategy": {builds: []string{"3.0.20"}, hazards: []string{"plain"}, strategies: []string{"hwm"}, workers: []int{4}, rounds: 6,
		forks: true, damage: quiet},
	"one-run": {builds: []string{"3.0.20"}, hazards: []string{"plain"}, strategies: fixed, workers: []int{4}, rounds: 1,
		forks: true, damage: usual},
	"all-crashed": {builds: []string{"3.0.20"}, hazards: []string{"plain"}, strategies: fixed, workers: []int{4}, rounds: 4, crash: true,
		damage: func(results.Cell) map[string]uint64 { return map[string]uint64{"crash": 1} }},
	"six-decades": {builds: []string{"3.0.20"}, hazards: []string{"plain"}, strategies: fixed, workers: []int{4}, rounds: 6, forks: true,
		damage: decades, spread: map[string]float64{"none": 1e-3, "temp-thread": 1e-2, "clear-0-15": 0.1, "thread-stop": 10, "pointer-match": 1e3}},
	"empty": {damage: quiet},
	// As the published set is: more builds than fit on a sheet.
	"lines": {builds: []string{"1.1.1w", "3.0.20", "3.5.9", "3.6.5", "4.0.3"}, hazards: []string{"plain", "foreign-before:n=14"},
		strategies: fixed, workers: []int{4}, rounds: 6, forks: true, damage: usual},
	"sweeps": {builds: []string{"3.0.20"}, hazards: []string{"plain"}, strategies: fixed, workers: []int{4}, rounds: 6,
		forks: true, memory: []int{64, 256}, damage: usual},
	"sharing": {builds: []string{"3.0.20", "3.6.5"}, hazards: []string{"plain", "foreign-before:n=14"}, strategies: fixed, workers: []int{4},
		rounds: 2, sharing: true, damage: usual},
	"only-forks": {builds: []string{"3.0.20"}, hazards: []string{"plain"}, strategies: []string{"none", "hwm"}, workers: []int{4}, rounds: 1,
		onlyForks: true, damage: quiet},
}

func decades(c results.Cell) map[string]uint64 {
	return map[string]map[string]uint64{
		"none": {"double-free": 3e6}, "temp-thread": {"double-free": 3e4}, "clear-0-15": {"double-free": 300}, "hwm": {"double-free": 3},
	}[c.Strategy]
}

// load reads a fixture from a file, as a user would.
func load(t testing.TB, name string) *Data {
	t.Helper()
	path := filepath.Join(t.TempDir(), name+".txt")
	check(t, os.WriteFile(path, fixtures[name].write(t), 0o644))
	o := Options{}
	if name == "full" {
		o.Probes = []string{filepath.Join("testdata", "probe.json"), filepath.Join("testdata", "probe-foreign-before.json")}
	}
	d, err := Load(o, path)
	check(t, err)
	return d
}

// TestFixture keeps the file that the browser test reads what it is here.
func TestFixture(t *testing.T) {
	path := filepath.Join("testdata", "full.txt")
	got := fixtures["full"].write(t)
	if *update {
		check(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	check(t, err)
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what this test makes; refresh it with -update", path)
	}
}

// What tests from outside need of the fixtures.

// Fixture is the text of one.
func Fixture(t testing.TB, name string) []byte { return fixtures[name].write(t) }

// LoadFixture reads one.
func LoadFixture(t testing.TB, name string) *Data { return load(t, name) }

// FixtureNames lists them.
func FixtureNames() []string { return slices.Sorted(maps.Keys(fixtures)) }

// HazardsFixture is a screening: hazards that break one strategy each, some on
// one build alone, and one that breaks them all.
func HazardsFixture(t testing.TB) []byte {
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
	return f.write(t)
}
