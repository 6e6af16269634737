package workload

import (
	"context"
	"time"

	"tlsbench/workload/rig"
)

// Fate is what became of a slot that rank 0 had filled, in the workers.
type Fate string

// The fates, as a probe saw them right after the at-fork handlers.
const (
	Empty    Fate = "empty"    // rank 0 had nothing in it either
	Cleared  Fate = "cleared"  // NULL in every worker
	Replaced Fate = "replaced" // each worker has a value of its own
	// Inherited is rank 0's value in private memory: a copy, not shared.
	Inherited Fate = "inherited"
	Shared    Fate = "shared" // two or more workers, one address in the shared heap
)

// ProbedSlot is one pthread key: who created it, what rank 0 had in it before
// the first fork, and what the strategy made of it.
type ProbedSlot struct {
	Key     int
	Known   bool   // its creation was seen
	OpenSSL bool   // created by libcrypto or libssl
	Creator string // base name of the file that created it
	Filled  bool   // rank 0's value is not NULL
	InHeap  bool   // that value points into the shared heap
	Fate    Fate
	// SharedInUse says that workers have one address in the shared heap there
	// after their first handshake, whatever the fork left.
	SharedInUse bool
}

// Probed is the ledger of keys of one build under one strategy.
type Probed struct {
	Version       string
	Files         []string
	Skipped       string // what this machine lacks for the hazard
	NotApplicable string // the OpenSSL function that the strategy needs and the build lacks
	Slots         []ProbedSlot
	// SharedSlots counts the addresses in the shared heap that workers share:
	// in OpenSSL's slots, or handed out by OpenSSL as per-thread objects.
	SharedSlots int
	Events      map[string]uint64 // the few handshakes may show damage already
}

// Untold says why nothing was found out about the slots, "" if something was.
func (p *Probed) Untold() string {
	switch {
	case p.NotApplicable != "":
		return "not applicable, this build has no " + p.NotApplicable
	case p.Skipped != "":
		return "skipped: " + p.Skipped
	}
	return ""
}

// probeHandshakes are enough for both workers to have filled their slots.
const probeHandshakes = 16

// Probe runs the rig with two workers for a few handshakes and looks at the
// slots. Of cfg, Build, Strategy, Heap, Locks, Rand and Hazard matter.
func Probe(ctx context.Context, cfg Config) (*Probed, error) {
	cfg.Workers, cfg.Load = 2, "memory"
	cfg.Handshakes, cfg.Duration, cfg.Warmup = probeHandshakes, 0, 0
	cfg.BadShare, cfg.CheckRate, cfg.EchoBytes = 0, 0, 0
	var slots []rig.Slot
	var inHeap func(uint64) bool
	out, err := run(ctx, cfg, func(b *rig.Block) {
		slots, inHeap = b.Slots(), b.HeapRange()
	})
	if err != nil {
		return nil, err
	}
	p := &Probed{
		Version: out.OpenSSLVersion, Files: out.Files, NotApplicable: out.NotApplicable,
		SharedSlots: out.SharedSlots, Events: out.Events, Skipped: out.Skipped,
	}
	for _, s := range slots {
		p.Slots = append(p.Slots, ProbedSlot{
			Key: s.Key, Known: s.Created, OpenSSL: s.Created && s.Owner == rig.OpenSSL, Creator: s.Object,
			Filled: s.Value != 0, InHeap: s.InHeap,
			Fate:        fate(s, inHeap),
			SharedInUse: twoHave(s.Used, inHeap),
		})
	}
	return p, nil
}

// Version asks the library itself for its version, in a process of its own.
func Version(ctx context.Context, cfg Config) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	p, err := Probe(ctx, cfg)
	if err != nil {
		return "", err
	}
	return p.Version, nil
}

func fate(s rig.Slot, inHeap func(uint64) bool) Fate {
	empty, same := true, true
	for _, v := range s.Forked {
		empty = empty && v == 0
		same = same && v == s.Value
	}
	switch {
	case s.Value == 0 && empty:
		return Empty
	case empty:
		return Cleared
	case twoHave(s.Forked, inHeap):
		return Shared
	case same:
		return Inherited
	}
	return Replaced
}

// twoHave reports whether two workers have one address in the shared heap.
func twoHave(values []uint64, inHeap func(uint64) bool) bool {
	seen := map[uint64]bool{}
	for _, v := range values {
		if inHeap(v) && seen[v] {
			return true
		}
		seen[v] = true
	}
	return false
}
