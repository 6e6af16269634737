package results

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"tlsbench/results/event"
	"tlsbench/results/inference"
	"tlsbench/results/number"
)

// What a duet is made of, as STATISTICS has it: long enough slices that starting
// one costs nothing, short enough that the machine is the same in both, and as
// many as make a pair of processes worth its start.
const (
	DuetBlocks  = 24                    // of four slices each
	DuetDropped = 2                     // blocks at the start that count for nothing: caches, lazy binding, heap
	DuetSlice   = 20 * time.Millisecond // of processor time, on average
	// DuetMargin is the difference in cost that does not matter.
	DuetMargin = 0.005
)

// AgainstKey is the key of the other side of a duet in benchmark names.
const AgainstKey = "against"

// DuetPair is a trial of two servers: one pair of processes that take turns on one processor.
type DuetPair struct {
	Processor int    `json:"processor"`            // that both were pinned to
	First     Arm    `json:"first"`                // whose server was started first
	Dropped   int    `json:"dropped_blocks"`       // at the start
	NoCounter string `json:"no_counter,omitempty"` // why instructions were not counted
	// Slices are the turns, in their order. In a results file they are samples as
	// those of forks are: a comment line before the #trial line.
	Slices []Slice `json:"-"`
}

// Arm is a side of a duet.
type Arm int

// The strategy in question, and what it is held against.
const (
	Other Arm = iota
	Subject
)

// Slice is one turn.
type Slice struct {
	Block int // from 0
	Arm   Arm
	event.Turn
}

// slicesName is the name of the samples that hold the turns of a duet.
const slicesName = "slices"

// fields are what stands in a results file.
func (s *Slice) fields() []int64 {
	return []int64{int64(s.Block), int64(s.Arm), int64(s.Handshakes), int64(s.CPU), int64(s.Wall), int64(s.At), int64(s.Preempted), int64(s.Instructions)}
}

// series writes the turns as samples: numbers with commas between them, turns with
// semicolons. A histogram would lose their order.
func (d *DuetPair) series() Series {
	turns := make([]string, len(d.Slices))
	for i := range d.Slices {
		turns[i] = strings.Join(Texts(d.Slices[i].fields()), ",")
	}
	return Series{slicesName, strings.Join(turns, ";")}
}

func parseSlices(text string) ([]Slice, error) {
	var list []Slice
	for turn := range strings.SplitSeq(text, ";") {
		var n [8]int64
		parts := strings.Split(turn, ",")
		if len(parts) != len(n) {
			return nil, fmt.Errorf("samples %s: %.60q has %d numbers, want %d", slicesName, turn, len(parts), len(n))
		}
		for i, part := range parts {
			var err error
			if n[i], err = strconv.ParseInt(part, 10, 64); err != nil || n[i] < 0 {
				return nil, fmt.Errorf("samples %s: %.60q: want numbers of at least 0", slicesName, turn)
			}
		}
		if n[1] > int64(Subject) {
			return nil, fmt.Errorf("samples %s: %.60q: side %d, want 0 or 1", slicesName, turn, n[1])
		}
		list = append(list, Slice{int(n[0]), Arm(n[1]), event.Turn{
			Handshakes: uint64(n[2]), CPU: time.Duration(n[3]), Wall: time.Duration(n[4]),
			At: time.Duration(n[5]), Preempted: uint64(n[6]), Instructions: uint64(n[7]),
		}})
	}
	return list, nil
}

// cost is what some turns of each side took for each handshake.
type cost [2]struct{ spent, handshakes float64 }

func costOf(turns []Slice, of func(*Slice) float64) *cost {
	c := new(cost)
	for i := range turns {
		s := &turns[i]
		c[s.Arm].spent += of(s)
		c[s.Arm].handshakes += float64(s.Handshakes)
	}
	return c
}

// per is what a side spent for each handshake.
func (c *cost) per(a Arm) float64 { return c[a].spent / c[a].handshakes }

// ratio is that of the strategy to the other side.
func (c *cost) ratio() float64 { return c.per(Subject) / c.per(Other) }

func processorTime(s *Slice) float64 { return float64(s.CPU) }
func instructions(s *Slice) float64  { return float64(s.Instructions) }

// counted are the turns of the blocks that count, block by block.
func (d *DuetPair) counted() [][]Slice {
	var list [][]Slice
	for i := range d.Slices {
		switch s := &d.Slices[i]; {
		case s.Block < d.Dropped:
		case i == 0 || s.Block != d.Slices[i-1].Block:
			list = append(list, d.Slices[i:i+1])
		default:
			last := &list[len(list)-1]
			*last = d.Slices[i-len(*last) : i+1]
		}
	}
	return list
}

// Blocks gives the log ratio of costs in each block that counts.
func (d *DuetPair) Blocks() []float64 {
	var list []float64
	for _, block := range d.counted() {
		list = append(list, math.Log(costOf(block, processorTime).ratio()))
	}
	return list
}

// position is what the first turn of two neighbours took more than the second,
// on the log scale: each block has two such pairs, one of either order of the
// sides, so that what the sides differ by cancels.
func (d *DuetPair) position() float64 {
	var sum, n float64
	for _, block := range d.counted() {
		if len(block) != 4 {
			continue
		}
		for i := 0; i < len(block); i += 2 {
			first, second := &block[i], &block[i+1]
			sum += math.Log(processorTime(first)/float64(first.Handshakes)) - math.Log(processorTime(second)/float64(second.Handshakes))
			n++
		}
	}
	return sum / n
}

// Metrics are the values of a duet's benchmark line. The ratio is what infers
// from; that of the totals also has what happens in fewer than one block of five.
func (d *DuetPair) Metrics() []Metric {
	all := slices.Concat(d.counted()...)
	cpu, counts := costOf(all, processorTime), costOf(all, instructions)
	list := []Metric{
		{math.Exp(inference.DuetPair(d.Blocks())), CPURatio},
		{cpu.ratio(), TotalRatio},
		{cpu.per(Subject), CPUPerHandshake},
		{cpu.per(Other), OtherCPU},
	}
	if counts[Other].spent > 0 && counts[Subject].spent > 0 {
		list = append(list, Metric{counts.per(Subject), InstructionsPerHandshake}, Metric{counts.ratio(), InstructionRatio})
	}
	return list
}

// duetSample is what is kept of the duets of one strategy with one other side: a
// number for each pair of processes, which is what is inferred from, and the
// blocks to see where the spread comes from.
type duetSample struct {
	tally  tally
	pairs  []float64   // log ratio of costs; NaN of a pair that gave none
	blocks [][]float64 // log ratios of the blocks of those that did
	total  []float64   // log ratio of all blocks added up
	counts []float64   // log ratio of instructions

	position  []float64 // see DuetPair.position
	started   []float64 // log ratio of pairs, and whether the strategy's server was first
	first     []bool
	noCounter string
}

func (s *duetSample) add(t *Trial) {
	s.tally.add(t)
	ratio, ok := t.Metric(CPURatio)
	if t.Status != OK || !ok {
		s.pairs = append(s.pairs, math.NaN())
		return
	}
	pair := math.Log(ratio)
	if t.Duet != nil && len(t.Duet.Slices) > 0 { // else it is a line of go test
		blocks := t.Duet.Blocks()
		pair = inference.DuetPair(blocks)
		s.blocks = append(s.blocks, blocks)
		s.position = append(s.position, t.Duet.position())
		s.started, s.first = append(s.started, pair), append(s.first, t.Duet.First == Subject)
		s.noCounter = t.Duet.NoCounter
	}
	s.pairs = append(s.pairs, pair)
	for unit, list := range map[string]*[]float64{TotalRatio: &s.total, InstructionRatio: &s.counts} {
		if v, ok := t.Metric(unit); ok {
			*list = append(*list, math.Log(v))
		}
	}
}

// The words for a cost by duets.
const (
	Equivalent  = "equivalent"   // shown to differ by less than DuetMargin
	Different   = "differs"      // shown to differ, by more than that for all that is known
	NotResolved = "not resolved" // neither
)

// DuetCost is what a strategy's handshakes cost in relation to those of the other
// side. Figures are ratios.
type DuetCost struct {
	Cost Ratio  `json:"cost"`
	Word string `json:"word"`
	// Reason is why there is no pair with a value.
	Reason string `json:"reason,omitempty"`
	// Total also has what happens in fewer than one block of five.
	Total Estimate `json:"total"`
	// Instructions in user space; without a value where they cannot be counted,
	// and NoCounter says why.
	Instructions Estimate `json:"instructions"`
	NoCounter    string   `json:"no_counter,omitempty"`
	// Position is what the first of two neighbouring turns took more than the
	// second, and Started what half of it makes which server was started first:
	// both are about 1.
	Position Estimate `json:"position"`
	Started  Estimate `json:"started"`
	// Between pairs and Within them: the standard deviations of log ratios; Lag1 is
	// the correlation of a block with the next.
	Between *float64 `json:"sd_between_pairs,omitempty"`
	Within  *float64 `json:"sd_within_pairs,omitempty"`
	Lag1    *float64 `json:"block_correlation,omitempty"`

	itself bool // the strategy is the other side
	done   bool // the pairs are enough
}

// What is out of the ordinary on any machine that was tried: then the pairs are
// not what the number of them was chosen for.
const (
	muchBetween = 0.006
	muchLag     = 0.2
)

// cost estimates; nil without duets. itself says that the strategy is the other
// side.
func (s *duetSample) cost(itself bool, o Options) *DuetCost {
	if len(s.pairs) == 0 {
		return nil
	}
	o.Margin = DuetMargin
	c := &DuetCost{
		Cost: logs(s.pairs).ratio(o), Word: NotResolved,
		Total: logs(s.total).estimate(o), Instructions: logs(s.counts).estimate(o), NoCounter: s.noCounter,
		done: inference.DuetDone(s.pairs), Position: logs(s.position).estimate(o), Started: s.order(o), itself: itself,
	}
	if c.Cost.N == 0 {
		v := s.tally.verdict()
		c.Word, c.Reason = v.Short(), v.Reason
	}
	parts := inference.DuetComponents(s.blocks)
	c.Between, c.Within, c.Lag1 = inference.Finite(parts.Between), inference.Finite(parts.Within), inference.Finite(parts.Lag1)
	warn := func(format string, args ...any) {
		c.Cost.Warnings = append(c.Cost.Warnings, fmt.Sprintf(format, args...))
	}
	if s.tally.failed > 0 {
		warn("%s", couldNot(&s.tally))
	}
	if s.tally.damaged > 0 {
		warn("%s damaged, and left out", number.Count(s.tally.damaged, "pair"))
	}
	if !c.done {
		warn("%s: more are needed for an interval within %s", number.Count(len(s.pairs), "pair"), number.Percent(inference.DuetWidth))
	}
	if parts.Between > muchBetween {
		warn("pairs of processes differ by more than usual: %s", number.Percent(parts.Between))
	}
	if parts.Lag1 > muchLag {
		warn("blocks depend on those before: correlation %s", number.Figures(parts.Lag1))
	}
	return c
}

// order is half of what it makes which server was started first.
func (s *duetSample) order(o Options) Estimate {
	middle := inference.Median(s.started, o.Confidence).Value
	var list []float64
	for i, y := range s.started {
		if y -= middle; !s.first[i] {
			y = -y
		}
		list = append(list, y)
	}
	return logs(list).estimate(o)
}

// logs makes pairs of log ratios.
func logs(list []float64) pairs {
	var p pairs
	for _, x := range list {
		p.a, p.b = append(p.a, math.Exp(x)), append(p.b, 1)
	}
	return p
}

// judge finds the word, when the tests are corrected.
func (c *DuetCost) judge(alpha float64) {
	switch {
	case c == nil:
	case c.Cost.Same:
		c.Word = Equivalent
	case c.Cost.Differs(alpha) && c.Cost.Excludes(1):
		c.Word = Different
	}
}

// Far is the end of the interval that is farther from no difference.
func (c *DuetCost) Far() float64 {
	if c.Cost.High*c.Cost.Low > 1 {
		return c.Cost.High
	}
	return c.Cost.Low
}

// judge says where a cost was not shown to lie within limits, by the
// one-sided tests at 5 % that the word equivalent takes, for every place alone.
func (s *duetSample) judge(found *ruling, place string, low, high float64) {
	p := logs(s.pairs)
	f := p.estimate(Options{Confidence: 1 - checkAlpha})
	switch {
	case s.tally.failed > 0:
		found.lack(place, "%s", couldNot(&s.tally))
	case s.tally.damaged > 0:
		found.add(place, "%d of %s damaged: no cost to speak of", s.tally.damaged, number.Count(s.tally.trials, "pair"))
	case f.N < minRounds:
		found.lack(place, "%s: too few, need %d", number.Count(f.N, "pair"), minRounds)
	case inference.RatioAbove(p.b, p.a, 1/high) < checkAlpha && (low == 0 || inference.RatioAbove(p.a, p.b, low) < checkAlpha):
	default:
		tell, verdict := found.lack, "not shown to be within "+number.Percent(high-1)
		if f.Low > high || f.High < low {
			tell, verdict = found.add, "beyond "+number.Percent(high-1)
		}
		tell(place, "processor time differs by %s %s in %s: %s", number.Change(f.Value), number.Between(f.Low, f.High, number.Change), number.Count(f.N, "pair"), verdict)
	}
}
