package workload

import (
	"cmp"
	"fmt"
	"strings"

	"tlsbench/results"
	"tlsbench/workload/rig"
)

// TraceOutcome is what the tracer saw: every write to what rank 0 allocated, by
// whatever process, from the first fork on.
type TraceOutcome struct {
	Raced  []results.RacedBlock // in the order of their allocation
	Blocks int                  // traced ones, with
	Pages  int                  // pages of 4 KiB
	Faults uint64               // writes seen, and reads in the second half
	// Sampled counts how often a block was left open for a while, as nothing new
	// was learnt from its writes.
	Sampled uint64
}

func (t *trial) gatherTrace() {
	trace := t.block.Trace()
	if trace == nil {
		return
	}
	creators := map[int]string{}
	for _, s := range t.block.Slots() {
		creators[s.Key] = s.Object
	}
	t.out.Trace = &TraceOutcome{Blocks: trace.Blocks, Pages: trace.Pages, Faults: trace.Faults, Sampled: trace.Sampled}
	for _, b := range trace.Raced {
		t.out.Trace.Raced = append(t.out.Trace.Raced, racedBlock(b, creators))
	}
}

func racedBlock(b rig.Traced, creators map[int]string) results.RacedBlock {
	r := results.RacedBlock{
		Site: b.Site, Size: b.Size, Behind: b.Variable, ReadRaced: !b.Raced,
		Writers: b.Writers, Readers: b.Readers, Sampled: b.Sampled,
	}
	if b.Key >= 0 {
		r.Behind = fmt.Sprintf("pthread key %d of %s", b.Key, cmp.Or(creators[b.Key], "an unknown owner"))
	}
	for _, w := range b.Writes {
		r.Writes = append(r.Writes, results.RacedWrite{Site: w.Site, By: w.By, Count: w.Count, How: how(w)})
	}
	return r
}

func how(w rig.TracedWrite) string {
	var words []string
	for _, h := range []struct {
		is   bool
		word string
	}{
		{w.Atomic, "atomic"}, {w.Locked, "locked"}, {w.InLock, "in a lock function"}, {w.Free, "free"},
		{w.Kernel, "system call"}, {w.Read, "read"},
	} {
		if h.is {
			words = append(words, h.word)
		}
	}
	return strings.Join(words, ", ")
}
