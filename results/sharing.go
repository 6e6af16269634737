package results

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tlsbench/results/event"
	"tlsbench/results/number"
)

// RacedBlock is what the tracer says of a block.
type RacedBlock = event.RacedBlock

// Who lists processes: "rank 0 and workers 0 1 2 and children of worker 0".
func Who(processes []int) string {
	var parts, workers, parents []string
	for _, p := range processes {
		switch {
		case p == -1:
			parts = append(parts, "rank 0")
		case p < 0:
			parents = append(parents, fmt.Sprint(-2-p))
		default:
			workers = append(workers, fmt.Sprint(p))
		}
	}
	for _, list := range []struct {
		what    string
		numbers []string
	}{{"worker", workers}, {"children of worker", parents}} {
		switch len(list.numbers) {
		case 0:
		case 1:
			parts = append(parts, list.what+" "+list.numbers[0])
		default:
			parts = append(parts, list.what+"s "+strings.Join(list.numbers, " "))
		}
	}
	return strings.Join(parts, " and ")
}

// Floor is what the negative control shows on a build too: OpenSSL's own doing,
// which is held against no strategy. A block is known by the place that allocated it:
// its callers, and whether others write it or read it, differ from hazard to hazard.
type Floor map[string]bool

// Add takes what the control showed.
func (f Floor) Add(blocks []RacedBlock) {
	for i := range blocks {
		f[blocks[i].Place()] = true
	}
}

// Above leaves out what is in the floor. What it gives is never nil.
func (f Floor) Above(blocks []RacedBlock) []RacedBlock { return f.part(blocks, false) }

// Within gives what Above leaves out.
func (f Floor) Within(blocks []RacedBlock) []RacedBlock { return f.part(blocks, true) }

func (f Floor) part(blocks []RacedBlock, within bool) []RacedBlock {
	list := []RacedBlock{}
	for _, b := range blocks {
		if f[b.Place()] == within {
			list = append(list, b)
		}
	}
	return list
}

// CountRaced counts blocks that several processes write, and those that one writes
// and others read.
func CountRaced(blocks []RacedBlock) (raced, read int) {
	for i := range blocks {
		if blocks[i].ReadRaced {
			read++
		}
	}
	return len(blocks) - read, read
}

// SharedBlocks is what the sharing trials of one strategy in one scene say.
type SharedBlocks struct {
	Trials int `json:"trials"`
	Failed int `json:"failed,omitempty"`
	// Cut counts those that a crash or a hang ended before a block was raced:
	// they do not say that nothing is shared.
	Cut int `json:"cut,omitempty"`
	// Raced and ReadRaced count blocks above the floor, in the trial that had
	// the most.
	Raced     int `json:"raced"`
	ReadRaced int `json:"read_raced"`
	Floor     int `json:"floor"` // blocks left out
	// Sites lists the blocks above the floor by where they were allocated.
	Sites []SharedSite `json:"places,omitempty"`
}

// SharedSite is where raced blocks were allocated.
type SharedSite struct {
	Site      string `json:"site"`
	Object    string `json:"object,omitempty"`
	Behind    string `json:"behind,omitempty"`
	ReadRaced bool   `json:"read_raced,omitempty"`
	Trials    int    `json:"trials"` // that had it
	Blocks    int    `json:"blocks"` // in the trial that had the most
}

func (s *SharedSite) place() string { return (&RacedBlock{Site: s.Site}).Place() }

// String gives the counts.
func (s *SharedBlocks) String() string {
	text := fmt.Sprintf("%d raced", s.Raced)
	if s.ReadRaced > 0 {
		text += fmt.Sprintf(", %d read-raced", s.ReadRaced)
	}
	if s.Cut > 0 {
		text += fmt.Sprintf(", %d of %s cut short", s.Cut, number.Count(s.Trials, "trial"))
	}
	return text
}

// sharing keeps the sharing trials of a sample until the floor is known.
type sharing struct {
	tally  tally
	trials []sharingTrial
}

type sharingTrial struct {
	raced []RacedBlock
	ended bool // by a crash or a hang
}

func (s *sharing) add(t *Trial) {
	s.tally.add(t)
	if t.Status == OK {
		s.trials = append(s.trials, sharingTrial{t.Clone().Raced, t.Events[event.Crash]+t.Events[event.Hang] > 0})
	}
}

// complete reports whether a trial was not cut short.
func (s *sharing) complete() bool {
	return slices.ContainsFunc(s.trials, func(t sharingTrial) bool { return !t.ended })
}

// above is nil where there was no trial.
func (s *sharing) above(floor Floor) *SharedBlocks {
	if len(s.trials) == 0 {
		return nil
	}
	sum := &SharedBlocks{Trials: len(s.trials), Failed: s.tally.failed}
	sites := map[string]*SharedSite{}
	for _, trial := range s.trials {
		above := floor.Above(trial.raced)
		if trial.ended && len(above) == 0 {
			sum.Cut++
		}
		for _, blocks := range Group(above, func(b RacedBlock) string { return b.Key() }) {
			b := &blocks[0]
			site := entry(sites, b.Key())
			if site.Trials++; site.Trials == 1 {
				site.Site, site.Object, site.Behind, site.ReadRaced = b.Site, b.Object(), b.Behind, b.ReadRaced
			}
			site.Blocks = max(site.Blocks, len(blocks))
		}
		raced, read := CountRaced(above)
		sum.Raced = max(sum.Raced, raced)
		sum.ReadRaced = max(sum.ReadRaced, read)
		sum.Floor = max(sum.Floor, len(trial.raced)-len(above))
	}
	for _, key := range slices.Sorted(maps.Keys(sites)) { // so that the same trials always give the same list
		sum.Sites = append(sum.Sites, *sites[key])
	}
	slices.SortStableFunc(sum.Sites, func(a, b SharedSite) int {
		return cmp.Or(cmp.Compare(b.Trials, a.Trials), strings.Compare(a.Site, b.Site))
	})
	return sum
}

// share adds what the sharing trials saw to a verdict on damage: a word of its
// own, and no clean with it.
func (v Verdict) share(s *SharedBlocks) Verdict {
	switch {
	case s == nil:
	case s.Raced+s.ReadRaced > 0:
		return v.shares()
	case s.Cut > 0 && v.Worst() == Clean:
		v.Words = []Word{NoDamageSeen}
	}
	return v
}

// shares adds the word, worst first; clean and its like go.
func (v Verdict) shares() Verdict {
	v.Words = event.InOrder(slices.Concat(v.Words, []Word{Shared}))
	return v
}

// sharingControls are the sharing trials of the controls of one group.
type sharingControls struct {
	floor    Floor
	negative int            // trials of the negative control
	blocks   [][]RacedBlock // of each trial of the positive one
}

// mark says what is wrong with the controls of sharing trials, "" if nothing is.
func (c *sharingControls) mark() string {
	switch {
	case c.negative == 0:
		return "NO CONTROLS: no sharing trial of " + NegativeControl
	case len(c.blocks) == 0:
		return "NO CONTROLS: no sharing trial of " + PositiveControl
	}
	for _, blocks := range c.blocks {
		if len(c.floor.Above(blocks)) == 0 {
			return fmt.Sprintf("%sno raced block under %s in one of %d trials", controlsFailed, PositiveControl, len(c.blocks))
		}
	}
	return ""
}

// String says how the controls came out.
func (c *sharingControls) String() string {
	if mark := c.mark(); mark != "" {
		return mark
	}
	return fmt.Sprintf("controls passed: raced blocks under %s in %d/%[2]d", PositiveControl, len(c.blocks))
}

// add keeps the trial of a control.
func (c *sharingControls) add(t *Trial) {
	switch {
	case t.Status != OK:
	case t.Cell.Strategy == NegativeControl:
		if c.negative++; c.floor == nil {
			c.floor = Floor{}
		}
		c.floor.Add(t.Raced)
	case t.Cell.Strategy == PositiveControl:
		c.blocks = append(c.blocks, t.Clone().Raced)
	}
}

// shared is what the sharing trials of a strategy say; nil if there are none.
func (g *gatherer) shared(scene Scene, s *sample) *SharedBlocks {
	return s.sharing.above(g.controlsOf(scene).sharing.floor)
}

// hasSharing reports whether there are sharing trials in a scene.
func (g *gatherer) hasSharing(scene Scene) bool {
	for _, s := range g.scenes[scene] {
		if len(s.sharing.trials) > 0 {
			return true
		}
	}
	return false
}
