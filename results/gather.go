package results

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tlsbench/results/event"
	"tlsbench/results/number"
	"tlsbench/results/version"
	"tlsbench/strategies/catalogue"
)

// Scene is what strategies are compared in: everything that a cell has apart
// from measure and strategy, on one kind of machine. Trials with the active
// checks off belong to the scene of those with the default rate; any other
// rate is a setting like the rest.
type Scene struct {
	Machine  string `json:"machine"` // and, where files have unlike trials, what those are
	OpenSSL  string `json:"openssl"`
	Hazard   string `json:"hazard"`
	Load     string `json:"load"`
	Heap     string `json:"heap"`
	Settings `json:"settings,omitempty"`
	Workers  int `json:"workers"`
}

// sceneOf gives the scene that a trial of the cell counts for: all of its settings
// but that active checks are off, which is for the passive rate of the same scene.
func sceneOf(machine string, c *Cell) Scene {
	heap := c.Heap
	if c.Measure == Sharing { // its heap is the tracer's; what it says is about the usual one
		heap = Heaps.Default()
	}
	s := Scene{machine, c.OpenSSL, c.Hazard, c.Load, heap, c.Settings, c.Workers}
	if c.checksOff() {
		return s.Without("check")
	}
	return s
}

// checksOff reports whether the active checks are off.
func (c *Cell) checksOff() bool { return c.Setting("check") == "0" }

// Kind gives the machine alone, and what the trials are where files have unlike
// ones.
func (s Scene) Kind() (machine, trials string) {
	machine, trials, _ = strings.Cut(s.Machine, kindMark)
	return machine, trials
}

// Without gives the scene in which a setting has its default.
func (s Scene) Without(key string) Scene {
	s.Settings = s.Settings.Without(key)
	return s
}

// Against is the other side of the duets of the scene, "" for none.
func (s Scene) Against() string { return s.Setting(AgainstKey) }

// String gives the scene without the machine.
func (s Scene) String() string {
	text := fmt.Sprintf("openssl %s, hazard %s, load %s, heap %s, %s", s.OpenSSL, s.Hazard, s.Load, s.Heap, number.Count(s.Workers, "worker"))
	if s.Settings != "" {
		text += ", " + string(s.Settings)
	}
	return text
}

func compareScenes(a, b Scene) int {
	return cmp.Or(strings.Compare(a.Machine, b.Machine), version.Compare(a.OpenSSL, b.OpenSSL),
		CompareHazards(a.Hazard, b.Hazard), strings.Compare(a.Load, b.Load), strings.Compare(a.Heap, b.Heap),
		cmp.Compare(a.Settings, b.Settings), cmp.Compare(a.Workers, b.Workers))
}

// sample is what a comparison keeps of the trials of one strategy in one
// scene. It holds columns of numbers and no trials: a file may have a million.
type sample struct {
	looked   tally // corruption trials at the scene's check rate
	unlooked tally // corruption trials with the active checks off
	served   Range // good handshakes of the undamaged ones
	barren   bool  // one of these had none, which a Range does not hold
	spared   int   // those before the first damaged one, checks on and off

	passive, foreign, repeats, lost counts

	files []int // those with corruption trials, each once

	events kindCounts // of both
	kept   []float64  // bytes left by each retired worker, trial by trial

	shared []int // shared-slots, trial by trial

	doubted bool // a life may have been damaged, see Trial.distrust

	throughput, forks timed // handshake and fork trials

	duet      duetSample
	sharing   sharing
	daemon    daemonFacts
	underLoad bool // there is a trial of handshakes or of corruption

	lifetimes []Lifetime // see Row
	course    []Moment
}

// timed are the trials of a measure whose values are times. Undamaged ones give
// some.
type timed struct {
	tally
	columns
	conditions
}

func (s *timed) add(t *Trial, file int) {
	s.tally.add(t)
	s.conditions.add(t, file)
	if t.Status == OK && !t.Damaged() && len(t.Metrics) > 0 {
		s.columns.add(roundKey{int32(file), int32(t.Round)}, t.Metrics)
	}
}

// times are the trials of Handshake or Fork.
func (s *sample) times(m Measure) *timed {
	if m == Fork {
		return &s.forks
	}
	return &s.throughput
}

// noCost is the word of a strategy none of whose trials with times was carried out, ""
// if some were or none is there.
func (s *sample) noCost() Word {
	for _, t := range []*tally{&s.throughput.tally, &s.forks.tally} {
		if w := t.verdict().Worst(); slices.Contains([]Word{SkippedWord, NotApplicWord, NotCarriedOut}, w) {
			return w
		}
	}
	return ""
}

// trialsOf counts those of a measure whose values are times; nil has none.
func (s *sample) trialsOf(m Measure) int {
	switch {
	case s == nil:
		return 0
	case m == Duet:
		return len(s.duet.pairs)
	}
	return s.times(m).trials
}

// counts are events and their exposure, trial by trial.
type counts struct{ events, exposure []float64 }

func (c *counts) add(events, exposure uint64) {
	c.events = append(c.events, float64(events))
	c.exposure = append(c.exposure, float64(exposure))
}

// columns hold the metrics of trials.
type columns struct {
	values map[string][]point // by unit
	turns  map[roundKey]int   // trials so far: one that lacks a value keeps its turn
}

// roundKey says which values pair with which: same file, same round. Merged
// files keep whole rounds together, so a pair never crosses machines.
type roundKey struct{ file, round int32 }

func (c *columns) add(key roundKey, metrics []Metric) {
	if c.values == nil {
		c.values, c.turns = make(map[string][]point), make(map[roundKey]int)
	}
	for _, m := range metrics {
		c.values[m.Unit] = append(c.values[m.Unit], point{key, c.turns[key], m.Value})
	}
	c.turns[key]++
}

// add takes one trial of the sample's strategy and scene.
func (s *sample) add(t *Trial, file int) {
	s.underLoad = s.underLoad || t.Cell.Measure == Handshake || t.Cell.Measure == Corruption
	switch t.Cell.Measure {
	case Sharing:
		s.sharing.add(t)
	case Handshake:
		s.throughput.add(t, file)
	case Fork:
		s.forks.add(t, file)
	case Duet:
		s.duet.add(t)
	case Corruption:
		s.addCorruption(t, file)
	}
}

// keep takes what figures draw of a single trial.
func (s *sample) keep(t *Trial, file int) {
	rate, timed := t.Metric(HandshakesPerSec)
	switch {
	case t.Status != OK:
	case t.Cell.Measure == Handshake && timed && !t.Damaged():
		s.course = append(s.course, Moment{file, t.Round, t.Start, rate})
	case t.Cell.Measure == Corruption && !t.Cell.checksOff():
		s.lifetimes = append(s.lifetimes, t.lifetime())
	}
}

// entry is what a map holds for a key, new if that is nothing yet.
func entry[K comparable, V any](m map[K]*V, key K) *V {
	v := m[key]
	if v == nil {
		v = new(V)
		m[key] = v
	}
	return v
}

// lives are the corruption trials: damage is damage, whether or not anyone
// looked for what cannot be seen otherwise.
func (s *sample) lives() *tally { return s.looked.with(&s.unlooked) }

// verdict is that on the lives, and on objects of OpenSSL's that two workers hold.
// These are told by their addresses, and a worker may get that of what another one has
// freed: where the tracer looked at the same cell, it decides.
func (s *sample) verdict() Verdict {
	v := s.lives().verdict()
	if s.sharedMost() > 0 && !s.sharing.complete() {
		return v.shares()
	}
	return v
}

func (s *sample) addCorruption(t *Trial, file int) {
	s.doubted = s.doubted || t.Status == Failed && t.Reason == tooSoon
	if t.Status == OK && !slices.Contains(s.files, file) {
		s.files = append(s.files, file)
	}
	if t.Status == OK && !t.Idle() {
		if !t.Damaged() && s.looked.damaged+s.unlooked.damaged == 0 {
			s.spared++
		}
		s.events.add(t.Events)
		if !t.Damaged() {
			s.served.Add(int(t.Handshakes))
			s.barren = s.barren || t.Handshakes == 0
		}
	}
	if t.Cell.checksOff() {
		s.unlooked.add(t)
		if t.Status == OK {
			s.passive.add(event.PassiveCount(t.Events), t.Handshakes)
		}
		return
	}
	s.looked.add(t)
	s.daemon.add(t)
	if t.Status != OK {
		return
	}
	s.foreign.add(t.Events[event.ForeignError], t.Checks)
	s.repeats.add(t.Events[event.RepeatedRandom], t.Draws)
	s.lost.add(t.Events[event.LostSlot], max(t.Forks, uint64(t.Cell.Workers)))
	s.shared = append(s.shared, t.SharedSlots)
	if kept, ok := t.Metric(KeptBytes); ok {
		s.kept = append(s.kept, kept)
	}
}

// sharedMost is -1 if no trial tells.
func (s *sample) sharedMost() int {
	if len(s.shared) == 0 {
		return -1
	}
	return slices.Max(s.shared)
}

// gatherer reads files and sorts their trials into samples.
type gatherer struct {
	singles  bool                         // as in Options
	where    []string                     // likewise, in the form of names
	values   map[string]bool              // likewise, of the same keys, in the files
	scenes   map[Scene]map[string]*sample // by strategy
	controls map[Scene]*Control           // by the group of scenes that has them
	all      map[string]bool              // strategies in the files, whatever where says
	seen     map[uint64]struct{}
	inputs   []*Input // one of each file
	kinds    []string // likewise: what tells its trials from unlike ones
	workers  []int    // the most that any trial of a file had

	// One file has one configuration, or few. Working the machine and the scene out for
	// each trial again would take longer than reading it.
	config  map[string]string
	kind    string // of the file
	machine string
	slots   map[string]*slot // by benchmark name, on this machine
}

type slot struct {
	sample  *sample // nil: left out by where
	scene   Scene
	control *Control // of the group, whatever where says
}

func newGatherer() *gatherer {
	return &gatherer{
		scenes: make(map[Scene]map[string]*sample), controls: make(map[Scene]*Control),
		all: make(map[string]bool), seen: make(map[uint64]struct{}), values: make(map[string]bool),
	}
}

func gather(o Options, files ...string) (*gatherer, error) {
	g := newGatherer()
	g.singles = o.Singles
	if len(files) == 0 {
		return nil, fmt.Errorf("no results file given")
	}
	for _, w := range o.Where {
		key, value, ok := strings.Cut(w, "=")
		if !ok || value == "" {
			return nil, fmt.Errorf("filter %q: want key=value, such as hazard=plain", w)
		}
		if !slices.Contains(nameKeys, key) && !slices.Contains(SettingOrder, key) {
			return nil, fmt.Errorf("filter %q: unknown key, choose from %s", w, strings.Join(slices.Concat(nameKeys, SettingOrder), ", "))
		}
		g.where = append(g.where, key+"="+inNames(key, value))
	}
	var err error
	if g.kinds, err = unlike(files); err != nil {
		return nil, err
	}
	for i, path := range files {
		if slices.Contains(files[:i], path) {
			return nil, fmt.Errorf("%s is given twice", path)
		}
		if err := g.read(i, path); err != nil {
			return nil, err
		}
	}
	return g, g.whereIsThere()
}

// whereIsThere refuses a filter for a value that no trial has: a misspelt one
// would otherwise look like a finding about nothing.
func (g *gatherer) whereIsThere() error {
	for _, w := range g.where {
		if g.values[w] {
			continue
		}
		var have []string
		key, _, _ := strings.Cut(w, "=")
		for v := range g.values {
			if value, ok := strings.CutPrefix(v, key+"="); ok {
				have = append(have, cmp.Or(value, "(the default)"))
			}
		}
		slices.SortFunc(have, version.Compare)
		return fmt.Errorf("filter %q: no trial in the files has it; they have %s", w, strings.Join(have, ", "))
	}
	return nil
}

func (g *gatherer) read(i int, path string) error {
	g.config, g.slots, g.kind = nil, nil, g.kinds[i]
	in := newInput(path)
	g.inputs, g.workers = append(g.inputs, in), append(g.workers, 0)
	var twice error
	file, err := scanFile(path, func(name string, t *Trial) {
		if twice == nil {
			twice = g.add(i, name, t)
		}
	})
	if err == nil {
		err = twice
	}
	in.finish(file)
	return err
}

func (g *gatherer) add(file int, name string, t *Trial) error {
	if g.slots == nil || !maps.Equal(t.Config, g.config) {
		g.config, g.machine, g.slots = t.Config, kindOf(t.Config, g.kind), make(map[string]*slot)
	}
	if err := g.once(t); err != nil {
		return err
	}
	s := g.slots[name]
	if s == nil {
		s = g.slot(&t.Cell, file)
		g.slots[name] = s
	}
	s.control.add(t)
	g.inputs[file].add(t)
	if s.sample != nil {
		s.sample.add(t, file)
		if g.singles {
			s.sample.keep(t, file)
		}
	}
	return nil
}

// once refuses a trial that is there twice, as when a merged file is given
// together with one of its parts: it would count as two.
func (g *gatherer) once(t *Trial) error {
	if t.Start.IsZero() {
		return nil
	}
	key := uint64(t.Start.UnixNano())*0x9e3779b97f4a7c15 ^ uint64(t.ID) ^ t.Seed
	if _, ok := g.seen[key]; ok {
		return fmt.Errorf("%s: trial %d of %s is in the files twice", t.File, t.ID, t.Start.Format("2006-01-02 15:04:05"))
	}
	g.seen[key] = struct{}{}
	return nil
}

func (g *gatherer) slot(c *Cell, file int) *slot {
	g.all[c.Strategy] = true
	if other := c.Setting(AgainstKey); other != "" {
		g.all[other] = true
	}
	g.workers[file] = max(g.workers[file], c.Workers)
	for _, w := range g.where {
		key, _, _ := strings.Cut(w, "=")
		g.values[key+"="+c.value(key)] = true
		if w == "openssl="+version.Line(c.OpenSSL) {
			g.values[w] = true
		}
	}
	s := &slot{scene: sceneOf(g.machine, c)}
	s.control = g.controlsOf(s.scene)
	if !c.matches(g.where) {
		return s
	}
	strategies := g.scenes[s.scene]
	if strategies == nil {
		strategies = make(map[string]*sample)
		g.scenes[s.scene] = strategies
	}
	s.sample = entry(strategies, c.Strategy)
	return s
}

// sorted returns the scenes in the order of the report.
func (g *gatherer) sorted() []Scene { return slices.SortedFunc(maps.Keys(g.scenes), compareScenes) }

// underLoad reports whether there are trials in a scene that make a claim about
// damage. Fork trials make none, and sharing trials have controls of their own.
func (g *gatherer) underLoad(s Scene) bool {
	for _, sample := range g.scenes[s] {
		if sample.underLoad {
			return true
		}
	}
	return len(g.scenes[s]) == 0
}

// mark is what is wrong with the controls of a scene that needs some.
func (g *gatherer) mark(s Scene) string {
	if g.underLoad(s) {
		if mark := g.controlsOf(s).Mark(); mark != "" {
			return mark
		}
	}
	if g.hasSharing(s) && s.Workers >= 2 {
		return g.controlsOf(s).sharing.mark()
	}
	return ""
}

// sortedNames lists the strategies that are keys of a map.
func sortedNames[V any](of map[string]V) []string {
	return slices.SortedFunc(maps.Keys(of), catalogue.Compare)
}
