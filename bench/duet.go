package bench

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"tlsbench/results"
	"tlsbench/results/inference"
	"tlsbench/strategies/catalogue"
)

// A duet is a comparison of its own: both sides are in each of its trials, so it
// is a block of its own too. A trial is one pair of processes, and its number of
// pairs is not known beforehand: those of the rounds from inference.DuetFirst on
// are made only while the interval is too wide. What was found plays no part in
// that.

// duetRounds is the most pairs that a duet of the plan may have, 0 without duets.
func (s Spec) duetRounds() int {
	switch {
	case !slices.Contains(s.Measures, results.Duet):
		return 0
	case s.Duet.Pairs > 0:
		return s.Duet.Pairs
	}
	return inference.DuetMost
}

// validateDuets refuses what duets do not have. With other measures they are made
// with the one worker that they know.
func (s Spec) validateDuets() error {
	if !slices.Contains(s.Measures, results.Duet) {
		return nil
	}
	if s.Duet.Pairs < 0 || s.Duet.Pairs > maxRounds {
		return fmt.Errorf("%d pairs of processes of each duet: want 1 to %d, or leave it out", s.Duet.Pairs, maxRounds)
	}
	if err := checkList("other side of duets", labels(s.Duet.Against), nil); err != nil {
		return err
	}
	switch only := s.Only(results.Duet); {
	case only && !slices.Equal(s.Workers, []int{1}):
		return errors.New("workers: a duet has one worker on each side; leave the number out")
	case only && (s.Bad != nil || s.CheckRate != nil):
		return errors.New("duets have no bad peers and no active checks; leave --bad and --check-rate out")
	case !slices.Contains(s.Hazards, results.Plain), only && len(s.Hazards) > 1:
		return fmt.Errorf("hazard %s: duets take no hazard; use %s with --measure duet", strings.Join(s.Hazards, ","), results.Plain)
	}
	return nil
}

// duetCells lists the duets of a scene: of each strategy with each other side. A
// strategy against itself shows how far the method can be trusted.
func (p *Plan) duetCells(l scene) []Cell {
	s := &p.Spec
	if !slices.Contains(s.Measures, results.Duet) || !l.chosen || l.hazard != results.Plain || l.workers != s.Workers[0] {
		return nil
	}
	l.workers = 1
	var list []Cell
	for i := range s.Strategies {
		if s.Strategies[i].Is(catalogue.PositiveControl) {
			continue
		}
		for k := range s.Duet.Against {
			c := p.cell(l, &s.Strategies[i], results.Duet, 0, 0)
			c.against, c.pairs, c.rounds = &s.Duet.Against[k], s.Duet.Pairs, s.duetRounds()
			c.addSetting(results.AgainstKey, c.against.Name(), "")
			list = append(list, c)
		}
	}
	return list
}

// duetLength is how long the turns of a trial take on a quiet machine.
const duetLength = results.DuetBlocks * 4 * results.DuetSlice

// byWidth reports whether the cell is a duet that ends by its interval, and not by
// a number of pairs.
func (c Cell) byWidth() bool { return c.against != nil && c.pairs == 0 }
