package bench

import (
	"cmp"
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
	reason string  // of noLife
	ratio  float64 // of a duet: the logarithm of the cost, NaN without a value
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
	l := life{withoutDamage, t.Reason, math.NaN()}
	switch {
	case t.Status == results.Skipped || t.Status == results.NotApplicable:
		l.ending = never
	case t.Status == results.Failed || t.Idle():
		l.ending = noLife
	case t.Damaged():
		l.ending = withDamage
	}
	if v, ok := t.Metric(results.CPURatio); ok {
		l.ratio = math.Log(v)
	}
	return l
}

// record is what the trials of a cell came to.
type record struct {
	counted endings
	reason  string    // of the first that could not be carried out
	ratios  []float64 // of a duet that ends by the width of their interval
}

// endings counts trials by their ending.
type endings [never + 1]int

func (e *endings) sum() (n int) {
	for _, trials := range e {
		n += trials
	}
	return n
}

// course is a plan on its way: which trials are to come depends, in a sequential
// plan, on what those so far have shown. Each shard decides on its own cells, by
// what they show.
type course struct {
	plan  *Plan
	cells []record // by index in Plan.cells
	// together are the cells of the plan by Cell.lives: one strategy in one scene,
	// with the active checks on and off; none where the plan is not sequential.
	together [][]int
	late     []int // by shard: cells whose first damage came late (inference.LateLife)
	home     []int // by block: its shard, from 0
}

// course begins a plan that is dealt to so many shards.
func (p *Plan) course(shards int) *course {
	c := &course{plan: p, cells: make([]record, len(p.cells)), late: make([]int, shards)}
	if !p.Spec.Sequential {
		return c
	}
	for i := range p.cells {
		n := p.cells[i].lives
		if n == len(c.together) {
			c.together = append(c.together, nil)
		}
		c.together[n] = append(c.together[n], i)
	}
	c.home = rand.New(rand.NewPCG(p.Spec.Seed, 0)).Perm(len(p.blocks))
	for i := range c.home {
		c.home[i] %= shards
	}
	return c
}

// saw takes what a trial came to.
func (c *course) saw(t Task, o life) {
	r := &c.cells[t.index]
	r.counted[o.ending]++
	if o.ending == noLife {
		r.reason = cmp.Or(r.reason, o.reason)
	}
	if t.Cell.byWidth() {
		pairs := 1
		if o.ending == never {
			pairs = inference.DuetMost // no other one will have a value either
		}
		r.ratios = append(r.ratios, slices.Repeat([]float64{o.ratio}, pairs)...)
	}
	if all, _ := c.lives(t.index); o.ending == withDamage && all[withDamage] == 1 && all[withoutDamage] >= inference.LateLife-1 {
		c.late[t.shard]++
	}
}

// lives counts those of a cell of the map; looked are those with the active checks on.
func (c *course) lives(cell int) (all, looked endings) {
	if c.together == nil {
		return all, looked
	}
	for _, i := range c.together[c.plan.cells[cell].lives] {
		for e, n := range c.cells[i].counted {
			all[e] += n
			if c.plan.cells[i].checkRate > 0 {
				looked[e] += n
			}
		}
	}
	return all, looked
}

// hopeless says why there is no use in trying a cell again, nil if there is.
func (c *course) hopeless(t Task) error {
	r := &c.cells[t.index]
	if n := r.counted[noLife]; n < triesOfCell || r.counted.sum() > n {
		return nil
	}
	return fmt.Errorf("not tried, because none of the first %d trials of the cell could be carried out: %s", triesOfCell, cmp.Or(r.reason, "nothing was asked of the server"))
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
			more = c.together == nil
			for _, b := range c.plan.order(round) {
				shard := n % len(c.late)
				switch duet := c.plan.blocks[b.index].duet; {
				case duet > 0:
					shard = (duet - 1) % len(c.late)
				case c.home != nil:
					shard = c.home[b.index]
				default:
					n++
				}
				if only > 0 && shard != only-1 {
					continue
				}
				for _, t := range b.tasks {
					if t.shard = shard; c.left(t.index, shard) == 0 || c.enough(t.index) {
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
func (c *course) enough(cell int) bool {
	return c.plan.cells[cell].byWidth() && inference.DuetDone(c.cells[cell].ratios)
}

// left is how many lives a cell of the map still needs, so far as can be told, and may
// have where the plan was ended after some; there is no telling, and one at least,
// where the plan is not sequential. The positive control goes on after a life without
// damage, until it tells more than a fix could.
func (c *course) left(cell, shard int) int {
	if c.together == nil {
		return 1
	}
	all, looked := c.lives(cell)
	need := inference.LivesForFamily(c.late[shard], len(c.late), results.CleanBound) - all[withoutDamage]
	switch {
	case all[never] > 0 || all[noLife] >= maxFailures:
		return 0
	case all[withDamage] > 0:
		more := results.StopDamaged - all[withDamage]
		control := c.plan.cells[cell].Strategy == results.PositiveControl && c.plan.cells[cell].Hazard == results.Plain
		if control && results.WeakControl(looked[withDamage], looked[withDamage]+looked[withoutDamage]) {
			more = max(more, 1)
		}
		need = min(need, more)
	}
	return max(0, min(need, c.plan.Rounds()-all.sum()))
}

// ahead counts the trials of the plan's shard that are to come, if no cell has any
// damage that it has not had yet, and guesses how long they take, in nanoseconds.
func (c *course) ahead() (trials int, guess float64) {
	for i, most := range c.plan.counts() {
		n := most - c.cells[i].counted.sum()
		switch cell := &c.plan.cells[i]; {
		case most == 0: // it is on another shard
			continue
		case c.enough(i):
			n = 0
		case cell.byWidth():
			n = max(1, n)
		case c.together != nil:
			n = c.left(i, c.plan.Shard.Index-1)
			if turns := c.together[cell.lives]; len(turns) > 1 && i == turns[0] {
				n = (n + 1) / 2 // they take turns, and this one is the first
			} else {
				n /= len(turns)
			}
		}
		trials += n
		guess += float64(n) * c.plan.Spec.guess(c.plan.cells[i])
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
	if p.Shard.Count > 1 && course.home == nil {
		for t := range p.Tasks() {
			if err := ctx.Err(); err != nil {
				return err
			}
			counted[t.index]++
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
	n, _ := p.course(p.Shard.Count).ahead()
	return n
}

// Estimate is the time that this shard of the plan should take.
func (p *Plan) Estimate() time.Duration {
	_, guess := p.course(p.Shard.Count).ahead()
	return pace{}.of(guess)
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
