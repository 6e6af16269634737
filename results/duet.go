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
