package bench

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tlsbench/results"
	"tlsbench/strategies/catalogue"
)

var update = flag.Bool("update", false, "write golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// controlsOf tells the cells that the plan has added from those that were asked for.
func controlsOf(p *Plan) func(Cell) bool {
	spec := p.Spec
	spec.NoControls = true
	asked := map[string]bool{}
	if alone, err := NewPlan(spec, p.Shard); err == nil {
		for _, c := range alone.Cells() {
			asked[c.Name()] = true
		}
	}
	return func(c Cell) bool { return !asked[c.Name()] }
}

func listCells(p *Plan) string {
	var b strings.Builder
	control := controlsOf(p)
	for _, c := range p.Cells() {
		b.WriteString(strings.TrimPrefix(c.Name(), "Benchmark"))
		if control(c) {
			b.WriteString("  control")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// TestCellsGolden pins the cells of the default plan, and of one that has
// every setting and needs a block for its controls.
func TestCellsGolden(t *testing.T) {
	spec := Spec{Builds: []Build{fakeBuild("3.0.20")}}
	golden(t, "cells-default.txt", listCells(mustPlan(t, presets[1].Apply(spec), whole)))

	bad, rate := 0.5, 3
	spec.Strategies, spec.Hazards = choose("hwm", "none"), []string{"foreign:n=14"}
	spec.TLS, spec.Keys, spec.Rands = []string{"1.2"}, []string{"rsa-2048"}, []string{"method"}
	spec.Locks, spec.HeapSafety = []string{"kamailio"}, []string{"abort"}
	spec.Workers, spec.Heaps = []int{1, 2}, []string{"scalable", "private"}
	spec.Bad, spec.CheckRate = &bad, &rate
	golden(t, "cells-settings.txt", listCells(mustPlan(t, presets[1].Apply(spec), whole)))
}

// TestOrderGolden pins order and seeds: files of an older program must be
// resumed in the order they were begun in.
func TestOrderGolden(t *testing.T) {
	spec := smallSpec()
	spec.Hazards = []string{results.Plain, "foreign:n=14"}
	spec.Rounds = 2
	var b strings.Builder
	for task := range mustPlan(t, spec, whole).Tasks() {
		fmt.Fprintf(&b, "%d %d %d %s\n", task.Round, task.ID, task.Seed, task.Cell.Name())
	}
	golden(t, "order.txt", b.String())
}

func TestControls(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*Spec)
		want   []string // strategy@hazard,heap,workers
	}{
		{"added", func(s *Spec) {}, []string{"none@plain,global,4", "key-owner@plain,global,4"}},
		{"left out", func(s *Spec) { s.NoControls = true }, nil},
		{"one worker has nobody to share with", func(s *Spec) { s.Workers = []int{1} }, nil},
		{"asked for anyway", func(s *Spec) { s.Strategies = choose("key-owner", "none") }, nil},
		{"one asked for", func(s *Spec) { s.Strategies = choose("none") }, []string{"key-owner@plain,global,4"}},
		{"asked for elsewhere", func(s *Spec) {
			s.Strategies, s.Hazards = choose("key-owner", "none"), []string{"python"}
		}, []string{"none@plain,global,4", "key-owner@plain,global,4"}},
		{"private heap shares nothing", func(s *Spec) { s.Heaps = []string{"private"} }, []string{"key-owner@plain,private,4"}},
		{"throughput only", func(s *Spec) { s.Measures = []results.Measure{results.Handshake} },
			[]string{"none@plain,global,4", "key-owner@plain,global,4"}},
		{"checks off", func(s *Spec) { s.CheckRate = new(int) }, []string{"none@plain,global,4", "key-owner@plain,global,4"}},
		{"settings that break the oracle", func(s *Spec) {
			s.Locks, s.TLS = []string{"private"}, []string{"1.3", "1.2"}
		}, []string{"none@plain,global,4", "key-owner@plain,global,4"}},
		{"for each number of workers", func(s *Spec) { s.Workers = []int{1, 2, 8} },
			[]string{"none@plain,global,2", "key-owner@plain,global,2", "none@plain,global,8", "key-owner@plain,global,8"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			spec := smallSpec()
			test.change(&spec)
			var got []string
			p := mustPlan(t, spec, whole)
			control := controlsOf(p)
			for _, c := range p.Cells() {
				if !control(c) {
					continue
				}
				if c.Measure != results.Corruption || len(c.Settings) > 0 || c.checkRate != results.DefaultCheckRate || c.badShare != 0.2 {
					t.Errorf("control %s: want Corruption with all settings at their defaults", c.Name())
				}
				got = append(got, fmt.Sprintf("%s@%s,%s,%d", c.Strategy, c.Hazard, c.Heap, c.Workers))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestNoneHasNoThroughput(t *testing.T) {
	spec := smallSpec()
	spec.Strategies = choose("none", "hwm")
	for _, c := range mustPlan(t, spec, whole).Cells() {
		if c.Measure == results.Handshake && c.Strategy != "hwm" {
			t.Errorf("there is a cell %s", c.Name())
		}
	}
}

func TestSpecRefused(t *testing.T) {
	for _, test := range []struct {
		change func(*Spec)
		want   string
	}{
		{func(s *Spec) { s.Builds = nil }, `no openssl build given`},
		{func(s *Spec) { s.Loads = []string{"udp"} }, `unknown load "udp": choose from tcp, memory`},
		{func(s *Spec) { s.Heaps = []string{"x"} }, `unknown heap "x": choose from global, scalable, private`},
		{func(s *Spec) { s.TLS = []string{"1.1"} }, `unknown tls "1.1": choose from 1.3, 1.2`},
		{func(s *Spec) { s.Measures = []results.Measure{"speed"} }, `unknown measure "speed": choose from Handshake, Corruption`},
		{func(s *Spec) { s.Workers = []int{4, 0} }, `workers 0: want 1 to 1024`},
		{func(s *Spec) { s.Workers = []int{1025} }, `workers 1025: want 1 to 1024`},
		{func(s *Spec) { s.Workers = []int{4, 4} }, `number of workers 4 is given twice`},
		{func(s *Spec) { s.Strategies = choose("hwm", "hwm") }, `strategy hwm is given twice`},
		{func(s *Spec) { s.Strategies[0].Choice = catalogue.Choice{Name: "none", Path: "none.so"} }, `strategy none: the suite already has a strategy of that name`},
		{func(s *Spec) { s.Strategies[0].Choice.Name = "a b" }, `strategy "a b": it is empty or has a slash or white space, so it cannot be part of a benchmark name`},
		{func(s *Spec) { s.Builds = []Build{fakeBuild("a/b")} }, `openssl build "a/b": it is empty or has a slash or white space, so it cannot be part of a benchmark name`},
		{func(s *Spec) { s.Bad = new(float64); *s.Bad = 1.5 }, `share of bad peers 1.5: want 0 to 1`},
		{func(s *Spec) { s.CheckRate = new(int); *s.CheckRate = -1 }, `check rate -1: want 0 to 10000`},
		{func(s *Spec) {
			s.Strategies, s.Measures, s.NoControls = choose("none"), results.DefaultMeasures[:1], true
		}, `plan is empty: strategy none has no throughput trials and no duets; add a strategy or --measure corruption`},
		{func(s *Spec) { s.Rounds = 0 }, `rounds 0: want 1 to 1000000`},
		{func(s *Spec) { s.Rounds = 1 << 40 }, `rounds 1099511627776: want 1 to 1000000`},
		{func(s *Spec) { s.HandshakeTime = 0 }, `duration 0s of handshake trials, 1s of corruption trials, 0s of warm-up: want more than 0, and at most 1h0m0s; no warm-up is 0`},
	} {
		spec := smallSpec()
		test.change(&spec)
		_, err := NewPlan(spec, whole)
		checkRefusal(t, err, test.want)
	}
	spec := smallSpec()
	spec.Seed = 0
	_, err := NewPlan(spec, Shard{1, 2})
	checkRefusal(t, err, "a shard needs a seed: pass the same seed to all shards of a plan")
}

// checkRefusal wants an error that says something was refused, and what.
func checkRefusal(t *testing.T, err error, want string) {
	t.Helper()
	var r *RefusalError
	if !errors.As(err, &r) {
		t.Errorf("error %v (%T): want a RefusalError", err, err)
		return
	}
	if !strings.Contains(err.Error(), want) {
		t.Errorf("error %q, want %q", err, want)
	}
}

func TestSeedIsDrawn(t *testing.T) {
	spec := smallSpec()
	spec.Seed = 0
	a, b := mustPlan(t, spec, whole), mustPlan(t, spec, whole)
	if a.Spec.Seed == 0 || a.Spec.Seed == b.Spec.Seed {
		t.Errorf("seeds %d and %d: want two that differ", a.Spec.Seed, b.Spec.Seed)
	}
}

// TestPresetTimes holds the presets to what they promise, with all eight
// strategies on one build.
func TestPresetTimes(t *testing.T) {
	limits := map[string][2]time.Duration{
		"quick":   {40 * time.Second, 75 * time.Second},
		"default": {90 * time.Second, 150 * time.Second}, // of 180: a third is for slow machines
		"full":    {20 * time.Minute, time.Hour},
	}
	for _, p := range Presets() {
		plan := mustPlan(t, p.Apply(Spec{Builds: []Build{fakeBuild("3.0.20")}}), whole)
		got := plan.Estimate()
		if l := limits[p.Name]; got < l[0] || got > l[1] {
			t.Errorf("preset %s takes %v, want %v to %v", p.Name, got, l[0], l[1])
		}
		if n := len(catalogue.All()); n != 8 {
			t.Errorf("%d strategies: the times of the presets are for 8", n)
		}
	}
	full, err := FindPreset("full")
	if err != nil || full.Rounds < 59 {
		t.Errorf("full has %d rounds (%v), want the 59 that the word clean needs", full.Rounds, err)
	}
	if _, err := FindPreset("slow"); err == nil || !strings.Contains(err.Error(), "quick, default, full") {
		t.Errorf("unknown preset: error %v, want one that names the choices", err)
	}
}

// TestMakeBench wants make bench to end within three minutes, and to show of each
// fix that a daemon can have what breaks it.
func TestMakeBench(t *testing.T) {
	text, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^HAZARDS += (\S+)$`).FindSubmatch(text)
	preset, err := FindPreset("default")
	if m == nil || err != nil {
		t.Fatal("the Makefile names no hazards", err)
	}
	spec := results.Spec{Hazards: strings.Split(string(m[1]), ","), HazardRounds: 2}
	plan := mustPlan(t, preset.Apply(Spec{Spec: spec, Builds: []Build{fakeBuild("3.0.20")}}), whole)
	if got := plan.Estimate(); got > 3*time.Minute {
		t.Errorf("it takes %v, want at most 3 minutes", got)
	}
	broken := map[string]bool{}
	for _, c := range plan.Cells() {
		if c.Hazard == results.Plain {
			continue
		}
		if c.Measure != results.Corruption || c.rounds != 2 || c.Strategy == catalogue.PositiveControl {
			t.Errorf("%s has %d rounds", c.Name(), c.rounds)
		}
		words, err := results.Expected(c.Hazard, c.Strategy, "3.0.20", "ecdsa-p256")
		if err != nil {
			t.Fatal(err)
		}
		broken[c.Strategy] = broken[c.Strategy] || len(words) > 0
	}
	for name, is := range broken {
		if is != (name != catalogue.NegativeControl) {
			t.Errorf("%s is damaged by a hazard: %v", name, is)
		}
	}
	if len(broken) != 7 {
		t.Errorf("%d strategies are tried with hazards, want 7", len(broken))
	}
}

func TestPresetLeavesWhatWasGiven(t *testing.T) {
	got := presets[1].Apply(Spec{Spec: results.Spec{Rounds: 9, HandshakeTime: time.Minute}})
	want := Spec{Spec: results.Spec{
		Preset: "default", Rounds: 9, HandshakeTime: time.Minute,
		Warmup: presets[1].Warmup, CorruptionTime: presets[1].CorruptionTime,
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func subset[T comparable](values ...T) *rapid.Generator[[]T] {
	return rapid.SliceOfNDistinct(rapid.SampledFrom(values), 1, len(values), rapid.ID)
}

func drawSpec(t *rapid.T) Spec {
	s := Spec{Spec: results.Spec{
		Strategies: choose(subset("none", "hwm", "key-owner").Draw(t, "strategies")...),
		Hazards:    subset(results.Plain, "python", "foreign:n=14").Draw(t, "hazards"),
		Workers:    subset(1, 2, 4).Draw(t, "workers"),
		Loads:      subset(results.Loads.Names()...).Draw(t, "loads"),
		Heaps:      subset("global", "scalable", "private").Draw(t, "heaps"),
		Locks:      subset(results.LockSharings.Names()...).Draw(t, "locks"),
		Measures:   subset(results.Handshake, results.Corruption, results.Sharing).Draw(t, "measures"),
		Rounds:     rapid.IntRange(1, 4).Draw(t, "rounds"),
		Seed:       rapid.Uint64Min(1).Draw(t, "seed"),
		NoControls: rapid.Bool().Draw(t, "nocontrols"),

		HandshakeTime: time.Second, CorruptionTime: time.Second,
	}}
	if slices.Contains(s.Measures, results.Sharing) {
		s.Heaps = []string{"global"}
	}
	for _, label := range subset("1.1.1w", "3.0.20").Draw(t, "builds") {
		s.Builds = append(s.Builds, fakeBuild(label))
	}
	return s
}

// TestPlanProperties: every round has every cell once, no two cells have one
// name, and a block's trials stand together and share their seed.
func TestPlanProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := mustRapid(t, drawSpec(t), whole)
		names := map[string]bool{}
		for _, c := range p.Cells() {
			if names[c.Name()] {
				t.Fatalf("two cells are called %s", c.Name())
			}
			names[c.Name()] = true
		}
		ids, inRound := map[int]bool{}, map[string]bool{}
		for task := range p.Tasks() {
			key := fmt.Sprintf("%s in round %d", task.Cell.Name(), task.Round)
			if ids[task.ID] || inRound[key] || task.ID < 1 || task.ID > p.Len() {
				t.Fatalf("%s, number %d: twice, or out of range", key, task.ID)
			}
			ids[task.ID], inRound[key] = true, true
		}
		if len(ids) != p.Len() || p.Len() != len(names)*p.Spec.Rounds {
			t.Fatalf("%d trials of %d", len(ids), p.Len())
		}
		checkBlocks(t, p)
	})
}

// blockOf names all that the trials of a block have in common.
func blockOf(p *Plan, task Task) string {
	c := task.Cell
	if c.Measure == results.Sharing { // the tracer's heap stands for the plan's first
		c.Heap = p.Spec.Heaps[0]
	}
	return fmt.Sprint(task.Round, c.OpenSSL, c.Hazard, c.Load, c.Heap, c.Without("bad", "check"), c.Workers)
}

func checkBlocks(t *rapid.T, p *Plan) {
	seeds := map[string]uint64{}
	last := ""
	for task := range p.Tasks() {
		b := blockOf(p, task)
		seed, seen := seeds[b]
		if seen && b != last {
			t.Fatalf("the trials of %s do not stand together", b)
		}
		if seen && seed != task.Seed {
			t.Fatalf("the trials of %s have different seeds", b)
		}
		seeds[b], last = task.Seed, b
	}
}

// TestOrderIsRandom: over many rounds each cell comes first about equally
// often. With 600 rounds and 20 places, 30 are expected; 4 standard
// deviations are 21.
func TestOrderIsRandom(t *testing.T) {
	spec := smallSpec()
	spec.Strategies, spec.Rounds = nil, 600
	p := mustPlan(t, spec, whole)
	first := map[string]int{}
	round := 0
	for task := range p.Tasks() {
		if task.Round != round {
			round = task.Round
			first[task.Cell.Name()]++
		}
	}
	for _, c := range p.Cells() {
		if n := first[c.Name()]; n < 9 || n > 51 {
			t.Errorf("%s comes first in %d of 600 rounds, want about 30", c.Name(), n)
		}
	}
}
