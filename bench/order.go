package bench

import (
	"iter"
	"math/rand/v2"
)

// Task is one trial of the plan.
type Task struct {
	ID    int // from 1, in the whole plan: every shard gives a trial the same
	Round int // from 1
	Seed  uint64
	Cell  Cell
}

// Len is the number of trials in the whole plan.
func (p *Plan) Len() int {
	n := 0
	for _, c := range p.cells {
		n += c.rounds
	}
	return n
}

// Tasks yields the trials of this shard in the order they are run in.
func (p *Plan) Tasks() iter.Seq[Task] {
	return func(yield func(Task) bool) {
		for round := 1; round <= p.Spec.rounds(); round++ {
			for i, b := range p.order(round) {
				// Blocks are dealt like cards, in their random order and on
				// from round to round: each shard gets as many as the next,
				// give or take one, and no build or hazard is tied to one.
				if !p.Shard.has((round-1)*len(p.blocks) + i) {
					continue
				}
				for _, t := range b {
					if !yield(t) {
						return
					}
				}
			}
		}
	}
}

// order shuffles one round: the blocks, and the cells within each. It depends
// on nothing but the plan, its seed and the round's number, so shards agree on
// it. The trials of a block have one seed: all strategies of a block meet the
// same peers.
func (p *Plan) order(round int) [][]Task {
	rng := rand.New(rand.NewPCG(p.Spec.Seed, uint64(round)))
	out := make([][]Task, 0, len(p.blocks))
	for _, i := range rng.Perm(len(p.blocks)) {
		b := p.blocks[i]
		seed := rng.Uint64()
		tasks := make([]Task, 0, b.to-b.from)
		for _, j := range rng.Perm(b.to - b.from) {
			n := b.from + j
			if round > p.cells[n].rounds {
				continue
			}
			tasks = append(tasks, Task{
				ID:    (round-1)*len(p.cells) + n + 1,
				Round: round, Seed: seed, Cell: p.cells[n],
			})
		}
		out = append(out, tasks)
	}
	return out
}
