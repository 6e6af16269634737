package bench

import (
	"context"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"tlsbench/results"
	"tlsbench/results/inference"
)

// life is what a trial says about what its cell still needs.
type life struct {
	ending
	ratio float64 // of a duet: the logarithm of the cost, NaN without a value
}

// ending is what a trial says about the damage of its cell.
type ending byte

const (
	noLife        ending = iota // could not be carried out, or nothing was asked of it
	withoutDamage               // a life without damage
	withDamage                  // a life with damage
	never                       // this machine or this build lacks what the cell needs
)

func lifeOf(t *results.Trial) life {
	ratio := math.NaN()
	if v, ok := t.Metric(results.CPURatio); ok {
		ratio = math.Log(v)
	}
	return life{endingOf(t), ratio}
}

func endingOf(t *results.Trial) ending {
	switch {
	case t.Status == results.Skipped || t.Status == results.NotApplicable:
		return never
	case t.Status == results.Failed || t.Idle():
		return noLife
	case t.Damaged():
		return withDamage
	}
	return withoutDamage
}

// lives is how far the lives of one strategy in one scene are. Those with the
// active checks on and off are one cell of the map: they take turns.
type lives struct {
	cells   []int // of the plan: one, or those with checks on and off
	counted [never + 1]int
	// control says that the run is judged by this cell, and looked counts its lives
	// with the checks on, which are what decides.
	control bool
	looked  [never + 1]int
}

// left is how many lives the cell still needs, so far as can be told, where those
// without damage need so many. The positive control goes on after a life without
// damage, until it tells more than a fix could.
func (l *lives) left(undamaged int) int {
	switch need := undamaged - l.counted[withoutDamage]; {
	case l.counted[never] > 0 || l.counted[noLife] >= maxFailures || need <= 0:
		return 0
	case l.counted[withDamage] > 0:
		more := results.StopDamaged - l.counted[withDamage]
		if looked := l.looked[withDamage] + l.looked[withoutDamage]; l.control && results.WeakControl(l.looked[withDamage], looked) {
			more = max(more, 1)
		}
		return max(0, min(need, more))
	default:
		return need
	}
}

// course is a plan on its way: which trials are to come depends, in a sequential
// plan, on what those so far have shown. Each shard decides on its own cells, by
// what they show.
type course struct {
	plan  *Plan
	lives []lives // by Cell.lives; none where the plan is not sequential
	late  []int   // by shard: cells whose first damage came late (inference.LateLife)
	home  []int   // by block: its shard, from 0
	// duets are the ratios so far of those that end by the width of their interval,
	// by the names of cells.
	duets map[string][]float64
}

// course begins a plan that is dealt to so many shards.
func (p *Plan) course(shards int) *course {
	c := &course{plan: p, late: make([]int, shards), duets: make(map[string][]float64)}
	if !p.Spec.Sequential {
		return c
	}
	for i := range p.cells {
		n, cell := p.cells[i].lives, &p.cells[i]
		if n == len(c.lives) {
			c.lives = append(c.lives, lives{control: cell.Strategy == results.PositiveControl && cell.Hazard == results.Plain})
		}
		c.lives[n].cells = append(c.lives[n].cells, i)
	}
	c.home = rand.New(rand.NewPCG(p.Spec.Seed, 0)).Perm(len(p.blocks))
	for i := range c.home {
		c.home[i] %= shards
	}
	return c
}

// saw takes what a trial came to.
func (c *course) saw(t Task, o life) {
	if t.Cell.byWidth() {
		pairs := 1
		if o.ending == never {
			pairs = inference.DuetMost // no other one will have a value either
		}
		c.duets[t.Cell.Name()] = append(c.duets[t.Cell.Name()], slices.Repeat([]float64{o.ratio}, pairs)...)
	}
	if c.lives == nil {
		return
	}
	l := &c.lives[t.Cell.lives]
	l.counted[o.ending]++
	if t.Cell.checkRate > 0 {
		l.looked[o.ending]++
	}
	if o.ending == withDamage && l.counted[withDamage] == 1 && l.counted[withoutDamage] >= inference.LateLife-1 {
		c.late[t.shard]++
	}
}

// tasks yields the trials of one shard, from 1, or with 0 those of all. Whoever
// takes a trial tells what it came to, with saw, before the next.
//
// A plan that is not sequential deals its blocks like cards, in their random
// order and on from round to round: each shard gets as many as the next, give or
// take one, and no build or hazard is tied to one. In a sequential plan a block
// stays with its shard, and the rounds end when no cell needs another life. A duet
// stays with its shard too, which thus knows when its pairs are enough.
func (c *course) tasks(only int) iter.Seq[Task] {
	return func(yield func(Task) bool) {
		n, more := 0, true
		for round := 1; more && round <= c.plan.Spec.rounds(); round++ {
			more = c.lives == nil
			for _, b := range c.plan.order(round) {
				shard := n % len(c.late)
				switch duet := c.plan.blocks[b.index].duet; {
				case duet > 0:
					shard = (duet - 1) % len(c.late)
				case c.lives != nil:
					shard = c.home[b.index]
				default:
					n++
				}
				if only > 0 && shard != only-1 {
					continue
				}
				for _, t := range b.tasks {
					if t.shard = shard; c.left(t.Cell.lives, shard) == 0 || c.enough(t.Cell) {
						continue
					}
					if more = true; !yield(t) {
						return
					}
				}
			}
		}
	}
}

// enough reports whether a duet has all the pairs that it takes.
func (c *course) enough(cell Cell) bool {
	return cell.byWidth() && inference.DuetDone(c.duets[cell.Name()])
}

// left is how many lives a cell still needs, and may have where the plan was ended
// after some; there is no telling, and one at least, where it is not sequential.
func (c *course) left(n, shard int) int {
	if c.lives == nil {
		return 1
	}
	l, had := &c.lives[n], 0
	for _, trials := range l.counted {
		had += trials
	}
	need := inference.LivesForFamily(c.late[shard], len(c.late), results.CleanBound)
	return max(0, min(l.left(need), c.plan.Rounds()-had))
}

// ahead counts the trials of a shard that are to come, if no cell has any damage
// that it has not had yet, and guesses how long they take, in nanoseconds.
func (c *course) ahead(shard int) (trials int, guess float64) {
	for b, block := range c.plan.blocks {
		if c.home[b] != shard-1 {
			continue
		}
		for i := block.from; i < block.to; i++ {
			cells := c.lives[c.plan.cells[i].lives].cells
			n := c.left(c.plan.cells[i].lives, shard-1)
			if len(cells) > 1 && i == cells[0] {
				n++ // they take turns, and this one is the first
			}
			trials += n / len(cells)
			guess += float64(n/len(cells)) * c.plan.Spec.guess(c.plan.cells[i])
		}
	}
	return trials, guess
}

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
func (p *Plan) Estimate() time.Duration { return p.estimator().remaining() }

func (p *Plan) estimator() *estimator {
	e := &estimator{spec: &p.Spec}
	for i, n := range p.counts() {
		e.expect(p.cells[i], n)
	}
	return e
}

// maxYears is more than anybody waits for a run.
const maxYears = 1

// tooLong refuses a plan whose end nobody will see.
func (p *Plan) tooLong() error {
	const year = 365 * 24 * time.Hour
	guess := 0.0
	for i := range p.cells {
		guess += float64(p.most(&p.cells[i])) * p.Spec.guess(p.cells[i])
	}
	years := guess / float64(p.Shard.Count) / float64(year)
	if years <= maxYears {
		return nil
	}
	return fmt.Errorf("plan of %d trials, shard %s: it would take about %.2g years, want at most %d: choose fewer rounds, shorter trials, fewer strategies or hazards, or more shards",
		p.Len(), p.Shard, years, maxYears)
}
