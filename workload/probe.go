package workload

import (
	"context"
	"time"

	"tlsbench/results"
	"tlsbench/workload/rig"
)

// Probed is the ledger of keys of one build under one strategy, and the version
// that the library itself says it is.
type Probed struct {
	Version string
	Workers int // two, or as many as the hazard needs
	results.ProbedStrategy
}

// probeHandshakes are enough for each worker to have filled its slots, and for every
// hazard to have happened by its default.
const probeHandshakes = 64

// Probe runs the rig with two workers, or as many as the hazard needs, for a few
// handshakes and looks at the slots. Of cfg, Build, Strategy, Heap, Locks, Rand and
// Hazard matter.
func Probe(ctx context.Context, cfg Config) (*Probed, error) {
	cfg.Workers, cfg.Load = 2, "memory"
	hazards, _ := results.ParseHazard(cfg.Hazard) // run refuses what is none
	for _, h := range hazards {
		cfg.Workers = max(cfg.Workers, h.NeedsWorkers)
	}
	cfg.Handshakes, cfg.Duration, cfg.Warmup = probeHandshakes, 0, 0
	cfg.BadShare, cfg.CheckRate, cfg.EchoBytes = 0, 0, 0
	var slots []rig.Slot
	var inHeap func(uint64) bool
	out, err := UntilUndisturbed(func() (*Outcome, error) {
		return run(ctx, cfg, func(b *rig.Block) { slots, inHeap = b.Slots(), b.HeapRange() })
	})
	if err != nil {
		return nil, err
	}
	p := &Probed{out.OpenSSLVersion, cfg.Workers, results.ProbedStrategy{
		Strategy: cfg.Strategy.String(), Files: out.Files, NotApplicable: out.NotApplicable, Skipped: out.Skipped,
		SharedAddresses: out.SharedSlots, Events: out.Events, Keys: []results.ProbedKey{},
	}}
	for _, s := range slots {
		p.Keys = append(p.Keys, results.ProbedKey{
			Key: s.Key, Known: s.Created, OpenSSL: s.OpenSSL, Creator: s.Object,
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

func fate(s rig.Slot, inHeap func(uint64) bool) results.Fate {
	empty, same := true, true
	for _, v := range s.Forked {
		empty = empty && v == 0
		same = same && v == s.Value
	}
	switch {
	case len(s.Forked) == 0:
		return "" // no worker told
	case s.Value == 0 && empty:
		return results.Empty
	case empty:
		return results.Cleared
	case twoHave(s.Forked, inHeap):
		return results.SharedSlot
	case same:
		return results.Inherited
	}
	return results.Replaced
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
