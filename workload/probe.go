package workload

import (
	"context"
	"time"

	"tlsbench/results"
	"tlsbench/results/event"
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
	slots := []event.Slot{} // none of a trial that did not come so far
	out, err := UntilUndisturbed(func() (*Outcome, error) {
		return run(ctx, cfg, func(b *rig.Block) { slots = b.Slots() })
	})
	if err != nil {
		return nil, err
	}
	return &Probed{out.OpenSSLVersion, cfg.Workers, results.ProbedStrategy{
		Strategy: cfg.Strategy.String(), Files: out.Files, NotApplicable: out.NotApplicable, Skipped: out.Skipped,
		SharedAddresses: out.SharedSlots, Events: out.Events, Keys: slots,
	}}, nil
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
