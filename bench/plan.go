package bench

import (
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"

	"tlsbench/results"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload"
	"tlsbench/workload/daemon"
)

// Plan is a Spec multiplied out: every cell there is, in a fixed order, and
// the part of the trials that this shard runs.
type Plan struct {
	Spec  Spec
	Shard Shard

	cells   []Cell
	blocks  []block
	counted []int // see Count
}

// Cell is one cell of the plan, with what its trials are made of.
type Cell struct {
	results.Cell

	build     *Build
	server    *server // nil = the rig
	rounds    int     // how many of them have a trial of it
	lives     int     // in a sequential plan: which cell of the map it is, or a part of
	turn      int     // there: 1 for odd rounds alone, 2 for even ones
	strategy  *results.Strategy
	badShare  float64
	checkRate int
	fork      *workload.ForkConfig // of a Fork cell
	against   *results.Strategy    // of a Duet cell: the other side
	pairs     int                  // of a Duet cell, 0 for as many as it takes
}

// block is the cells that differ in strategy and measure alone, as a range of
// Plan.cells; or it is a duet.
type block struct {
	from, to int
	duet     int // number of the duet from 1, 0 for other cells
}

// NewPlan makes the plan of a spec. The plan of a shard knows all cells, and
// runs its own.
func NewPlan(spec Spec, shard Shard) (*Plan, error) {
	p, err := planAgain(spec, shard)
	if err == nil {
		err = p.tooLong()
	}
	if err != nil {
		return nil, refuse(err)
	}
	return p, nil
}

// planAgain makes a plan that there is already, however long it is.
func planAgain(spec Spec, shard Shard) (*Plan, error) {
	if shard == (Shard{}) {
		shard = whole
	}
	if err := shard.validate(); err != nil {
		return nil, refuse(err)
	}
	if shard.Count > 1 && spec.Seed == 0 {
		return nil, refuse(errors.New("a shard needs a seed: pass the same seed to all shards of a plan"))
	}
	p := &Plan{Spec: spec.withDefaults(), Shard: shard}
	if err := p.Spec.validate(); err != nil {
		return nil, refuse(err)
	}
	duet := 0
	for _, l := range p.scenes() {
		p.addBlock(0, p.takeTurns(p.blockCells(l))...)
		for _, c := range p.duetCells(l) {
			duet++
			p.addBlock(duet, c)
		}
	}
	if len(p.cells) == 0 {
		return nil, refuse(errors.New("plan is empty: strategy none has no throughput trials and no duets; add a strategy or --measure corruption"))
	}
	return p, nil
}

func (p *Plan) addBlock(duet int, cells ...Cell) {
	if from := len(p.cells); len(cells) > 0 {
		p.cells = append(p.cells, cells...)
		p.blocks = append(p.blocks, block{from, len(p.cells), duet})
	}
}

// Cells lists all cells of the plan, of every shard, in a fixed order.
func (p *Plan) Cells() []Cell { return slices.Clone(p.cells) }

// scene is all that the cells of a block have in common.
type scene struct {
	build              int // index in Spec.Builds
	daemon             int // of Spec.Daemon.List, from 1; 0 is the rig
	hazard, load, heap string
	tls, key, rand     string
	locks, safety      string
	workers            int
	chosen             bool // by the user, and not there for its controls alone
}

// scenes lists the blocks: the product of all dimensions, then those that the
// controls need and the product lacks.
func (p *Plan) scenes() []scene {
	list := p.product()
	if p.Spec.OfDaemons() {
		list = p.daemonScenes()
	}
	if !p.Spec.needsControls() {
		return list
	}
	for _, l := range list {
		c := l.control()
		if l.daemon == 0 && !slices.ContainsFunc(list, c.same) {
			list = append(list, c)
		}
	}
	return list
}

// product multiplies the dimensions out; with daemons, all but the builds.
func (p *Plan) product() []scene {
	var list []scene
	for i := range p.Spec.Builds {
		list = append(list, scene{chosen: true, build: i})
	}
	if p.Spec.OfDaemons() {
		list = []scene{{chosen: true}}
	}
	list = cross(list, p.Spec.Hazards, func(l *scene, v string) { l.hazard = v })
	list = cross(list, p.Spec.Workers, func(l *scene, v int) { l.workers = v })
	list = cross(list, p.Spec.Loads, func(l *scene, v string) { l.load = v })
	list = cross(list, p.Spec.Heaps, func(l *scene, v string) { l.heap = v })
	list = cross(list, p.Spec.TLS, func(l *scene, v string) { l.tls = v })
	list = cross(list, p.Spec.Keys, func(l *scene, v string) { l.key = v })
	list = cross(list, p.Spec.Rands, func(l *scene, v string) { l.rand = v })
	list = cross(list, p.Spec.Locks, func(l *scene, v string) { l.locks = v })
	return cross(list, p.Spec.HeapSafety, func(l *scene, v string) { l.safety = v })
}

func cross[T any](list []scene, values []T, set func(*scene, T)) []scene {
	var out []scene
	for _, l := range list {
		for _, v := range values {
			set(&l, v)
			out = append(out, l)
		}
	}
	return out
}

// control is where the controls of a block run: same build, load, heap and
// number of workers, and everything else as simple as can be. What a control
// is about is whether this rig on this build sees damage, and only real
// damage; with private locks, say, even the oracle hangs.
func (l scene) control() scene {
	return scene{
		build: l.build, workers: l.workers, load: l.load, heap: l.heap,
		hazard: results.Plain, tls: results.TLSVersions.Default(), key: results.Keys.Default(), rand: results.Rands.Default(), locks: results.LockSharings.Default(), safety: results.HeapSafeties.Default(),
	}
}

// same compares two scenes, whoever put them into the plan.
func (l scene) same(o scene) bool {
	l.chosen, o.chosen = false, false
	return l == o
}

// takeTurns numbers the cells of the map: those that differ in their active checks
// alone are one, and have their lives in turn.
func (p *Plan) takeTurns(list []Cell) []Cell {
	n := -1
	if len(p.cells) > 0 {
		n = p.cells[len(p.cells)-1].lives
	}
	for i := range list {
		if i > 0 && list[i].checkRate == 0 && list[i].strategy.Name() == list[i-1].strategy.Name() {
			list[i-1].turn, list[i].turn = 1, 2
		} else {
			n++
		}
		list[i].lives = n
	}
	return list
}

// blockCells lists the cells of a block: those asked for, then the controls
// that are not among them.
func (p *Plan) blockCells(l scene) []Cell {
	var list []Cell
	if l.chosen {
		for i := range p.Spec.Strategies {
			list = append(list, p.strategyCells(l, &p.Spec.Strategies[i])...)
		}
	}
	if !p.Spec.needsControls() || l.workers < 2 || !l.same(l.control()) {
		return list
	}
	for _, name := range controls(l.heap) {
		s := &results.Strategy{Choice: catalogue.Choice{Name: name}}
		for _, c := range p.controlCells(l, s) {
			if !slices.ContainsFunc(list, func(o Cell) bool { return o.Name() == c.Name() }) {
				list = append(list, c)
			}
		}
	}
	return list
}

// controlCells are those that show whether damage is seen here at all, and
// whether sharing is: what the oracle shows of it is the floor.
func (p *Plan) controlCells(l scene, s *results.Strategy) []Cell {
	var list []Cell
	if slices.Contains(p.Spec.Measures, results.Handshake) || slices.Contains(p.Spec.Measures, results.Corruption) {
		list = append(list, p.cell(l, s, results.Corruption, results.DefaultBad, results.DefaultCheckRate))
	}
	if slices.Contains(p.Spec.Measures, results.Sharing) && l.heap == p.Spec.Heaps[0] {
		l.heap = results.Traced
		list = append(list, p.cell(l, s, results.Sharing, results.DefaultBad, results.SharingChecks))
	}
	return list
}

// controls lists the strategies that are controls with that heap. With a
// private heap workers share no memory, so nothing can fire.
func controls(heap string) []string {
	if heap == "private" {
		return []string{catalogue.NegativeControl}
	}
	return []string{catalogue.PositiveControl, catalogue.NegativeControl}
}

// strategyCells lists the cells of one strategy in a block: one for each
// measure, and a second Corruption with the checks off.
func (p *Plan) strategyCells(l scene, s *results.Strategy) []Cell {
	var list []Cell
	switch {
	case l.daemon > 0:
		return p.daemonCells(l, s)
	case p.Spec.OfDaemons() && daemon.Injectable(s.Choice) != nil:
		return nil // no daemon has it
	case p.Spec.OfDaemons():
		return []Cell{p.rigCell(l, s)}
	}
	if p.screened(l) {
		if s.Is(catalogue.PositiveControl) || !slices.Contains(p.Spec.Measures, results.Corruption) {
			return nil
		}
		return []Cell{p.cell(l, s, results.Corruption, value(p.Spec.Bad, results.DefaultBad), value(p.Spec.CheckRate, results.DefaultCheckRate))}
	}
	for _, m := range p.Spec.Measures {
		switch m {
		case results.Handshake:
			if !s.Is(catalogue.PositiveControl) {
				list = append(list, p.cell(l, s, m, value(p.Spec.Bad, 0), 0))
			}
		case results.Corruption:
			bad, rate := value(p.Spec.Bad, results.DefaultBad), value(p.Spec.CheckRate, results.DefaultCheckRate)
			if rate > 0 {
				list = append(list, p.cell(l, s, m, bad, rate))
			}
			list = append(list, p.cell(l, s, m, bad, 0))
		case results.Sharing:
			if l.heap == p.Spec.Heaps[0] { // they have a heap of their own, and are the same for every other
				list = append(list, p.sharingCell(l, s))
			}
		case results.Fork:
			list = append(list, p.forkCells(l, s)...)
		}
	}
	return list
}

// screened reports whether a scene is looked at for damage alone, and briefly.
func (p *Plan) screened(l scene) bool { return p.Spec.HazardRounds > 0 && l.hazard != results.Plain }

// sharingCell is a cell under the tracer.
func (p *Plan) sharingCell(l scene, s *results.Strategy) Cell {
	l.heap = results.Traced
	return p.cell(l, s, results.Sharing, value(p.Spec.Bad, results.DefaultBad), results.SharingChecks)
}

func value[T any](p *T, def T) T {
	if p == nil {
		return def
	}
	return *p
}

func (p *Plan) cell(l scene, s *results.Strategy, m results.Measure, bad float64, rate int) Cell {
	c := Cell{strategy: s, badShare: bad, checkRate: rate, rounds: p.Spec.Rounds}
	if p.screened(l) {
		c.rounds = min(c.rounds, p.Spec.HazardRounds)
	}
	if p.Spec.Sequential || p.mustBeDamaged(l, s) {
		c.rounds = p.Spec.rounds()
	}
	label := ""
	if l.daemon == 0 {
		c.build = &p.Spec.Builds[l.build]
		label = c.build.Label
	}
	c.Cell = results.Cell{
		Measure: m, OpenSSL: label, Hazard: l.hazard, Load: l.load, Heap: l.heap,
		Strategy: s.Name(), Workers: l.workers,
	}
	c.addSetting("tls", l.tls, results.TLSVersions.Default())
	c.addSetting("key", l.key, results.Keys.Default())
	c.addSetting("rand", l.rand, results.Rands.Default())
	c.addSetting("locks", l.locks, results.LockSharings.Default())
	c.addSetting("heap-safety", l.safety, results.HeapSafeties.Default())
	usualBad, usualRate := results.DefaultBad, results.DefaultCheckRate
	switch m {
	case results.Corruption:
	case results.Sharing:
		usualRate = results.SharingChecks
	default:
		usualBad, usualRate = 0, 0
	}
	c.addSetting("bad", bad, usualBad)
	c.addSetting("check", rate, usualRate)
	return c
}

// addSetting adds what differs from the usual value.
func (c *Cell) addSetting(key string, value, usual any) {
	if value == usual {
		return
	}
	c.Settings = c.With(key, fmt.Sprint(value))
}

// Shard is one part of a plan that runs on several machines.
type Shard struct {
	Index int `json:"index"` // from 1
	Count int `json:"count"`
}

// whole is the shard of a plan that is not sharded.
var whole = Shard{1, 1}

// String gives the form that ParseShard reads.
func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.Index, s.Count) }

func (s Shard) validate() error {
	if s.Count < 1 || s.Index < 1 || s.Index > s.Count {
		return fmt.Errorf("shard %s: want i/n with i from 1 to n", s)
	}
	return nil
}

// ParseShard reads a shard: "" for the whole plan, "i/n" with i from 1 to n.
func ParseShard(text string) (Shard, error) {
	if text == "" {
		return whole, nil
	}
	var s Shard
	fmt.Sscanf(text, "%d/%d", &s.Index, &s.Count) // the check is that it reads the same again
	if s.String() != text {
		return Shard{}, refuse(fmt.Errorf("shard %q: want i/n with i from 1 to n", text))
	}
	if err := s.validate(); err != nil {
		return Shard{}, refuse(err)
	}
	return s, nil
}

// Task is one trial of the plan.
type Task struct {
	ID    int // from 1, in the whole plan: every shard gives a trial the same
	Round int // from 1
	Seed  uint64
	Cell  Cell

	index int // of the cell, in Plan.cells
	shard int // from 0
}

// Tasks yields the trials of this shard in the order they are run in. Those of a
// sequential plan are those it has if no trial shows damage; damage ends a cell
// early. A duet has those that it has at least.
func (p *Plan) Tasks() iter.Seq[Task] {
	return func(yield func(Task) bool) {
		c := p.course(p.Shard.Count)
		for t := range c.tasks(p.Shard.Index) {
			if !yield(t) {
				return
			}
			c.saw(t, life{ending: withoutDamage})
		}
	}
}

// dealt is the trials of one block in one round.
type dealt struct {
	index int // of the block
	tasks []Task
}

// order shuffles one round: the blocks, and the cells within each. It depends
// on nothing but the plan, its seed and the round's number, so shards agree on
// it. The trials of a block have one seed: all strategies of a block meet the
// same peers.
func (p *Plan) order(round int) []dealt {
	rng := rand.New(rand.NewPCG(p.Spec.Seed, uint64(round)))
	out := make([]dealt, 0, len(p.blocks))
	for _, i := range rng.Perm(len(p.blocks)) {
		b := p.blocks[i]
		seed := rng.Uint64()
		tasks := make([]Task, 0, b.to-b.from)
		for _, j := range rng.Perm(b.to - b.from) {
			n := b.from + j
			if round > p.cells[n].rounds || p.Spec.Sequential && p.cells[n].turn != 0 && p.cells[n].turn%2 != round%2 {
				continue
			}
			tasks = append(tasks, Task{
				ID:    (round-1)*len(p.cells) + n + 1,
				Round: round, Seed: seed, Cell: p.cells[n], index: n,
			})
		}
		out = append(out, dealt{i, tasks})
	}
	return out
}
