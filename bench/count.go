package bench

import (
	"context"
	"fmt"
	"time"

	"tlsbench/results"
	"tlsbench/results/inference"
)

// most is how many trials a cell has, on all shards together, if none shows damage.
// Of a duet that ends by its width it is the least.
func (p *Plan) most(c *Cell) int {
	switch {
	case c.byWidth():
		return inference.DuetFirst
	case p.Spec.Sequential:
		lives := min(inference.LivesForFamily(0, p.Shard.Count, results.CleanBound), p.Rounds())
		if c.turn == 0 {
			return lives
		}
		return (lives + 2 - c.turn) / 2 // it has the checks on and off in turn
	}
	return min(c.rounds, p.Spec.rounds())
}

// Len is the number of trials in the whole plan; see Tasks.
func (p *Plan) Len() int {
	n := 0
	for i := range p.cells {
		n += p.most(&p.cells[i])
	}
	return n
}

// Count finds out how many trials of each cell this shard has. That is arithmetic,
// but for blocks that are dealt out in random order: then it walks through the
// plan, which takes seconds where there are millions of trials. ctx ends it.
func (p *Plan) Count(ctx context.Context) error {
	if p.counted != nil {
		return nil
	}
	counted, course := make([]int, len(p.cells)), p.course(p.Shard.Count)
	if p.Shard.Count > 1 && course.lives == nil {
		for t := range p.Tasks() {
			if err := ctx.Err(); err != nil {
				return err
			}
			counted[(t.ID-1)%len(p.cells)]++
		}
		p.counted = counted
		return nil
	}
	for b, block := range p.blocks {
		for i := block.from; i < block.to; i++ {
			if course.home == nil || course.home[b] == p.Shard.Index-1 {
				counted[i] = p.most(&p.cells[i])
			}
		}
	}
	p.counted = counted
	return nil
}

// counts gives what Count found.
func (p *Plan) counts() []int {
	if err := p.Count(context.Background()); err != nil {
		return nil // it has no end
	}
	return p.counted
}

// Trials is the number of trials in this shard of the plan; see Tasks.
func (p *Plan) Trials() int {
	sum := 0
	for _, n := range p.counts() {
		sum += n
	}
	return sum
}

// Estimate is the time that this shard of the plan should take.
func (p *Plan) Estimate() time.Duration {
	e := newEstimator()
	for i, n := range p.counts() {
		e.expect(p.cells[i], p.Spec, n)
	}
	return e.remaining()
}

// maxYears is more than anybody waits for a run.
const maxYears = 1

// tooLong refuses a plan whose end nobody will see.
func (p *Plan) tooLong() error {
	const year = 365 * 24 * time.Hour
	seconds := 0.0
	for i := range p.cells {
		seconds += float64(p.most(&p.cells[i])) * (p.Spec.length(p.cells[i]) + startUp).Seconds()
	}
	years := seconds / float64(p.Shard.Count) / year.Seconds()
	if years <= maxYears {
		return nil
	}
	return fmt.Errorf("plan of %d trials, shard %s: it would take about %.2g years, want at most %d: choose fewer rounds, shorter trials, fewer strategies or hazards, or more shards",
		p.Len(), p.Shard, years, maxYears)
}
