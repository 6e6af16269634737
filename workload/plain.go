package workload

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"tlsbench/workload/peers"
	"tlsbench/workload/rig"
)

// Plain is what the yardstick measured: handshakes over BIO pairs in one
// process, by the smallest program that makes them (rig/plain.c).
type Plain struct {
	OpenSSLVersion string
	Handshakes     uint64
	Wall, CPU      time.Duration // of all handshakes together
}

// RunPlain makes cfg.Handshakes handshakes in the yardstick. Of cfg, Build, TLS
// and Key matter too.
func RunPlain(ctx context.Context, cfg Config) (*Plain, error) {
	cfg.Workers, cfg.Load, cfg.Heap = 1, "memory", "private"
	cfg.Strategy.Name, cfg.Locks = "none", "private"
	cfg.complete()
	if cfg.Handshakes == 0 {
		return nil, errors.New("plain: give a number of handshakes")
	}
	if err := cfg.check(); err != nil {
		return nil, err
	}
	id, err := peers.Certificate(cfg.Key)
	if err != nil {
		return nil, err
	}
	settings := cfg.settings(id, id)
	settings.Plain = true
	block, err := rig.NewBlock(settings)
	if err != nil {
		return nil, err
	}
	defer block.Close()
	exe, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("start the yardstick: %w", err)
	}
	process, err := rig.Start(block, cfg.Build.Command(exe), cfg.environ())
	if err != nil {
		return nil, err
	}
	defer process.Close()
	return awaitPlain(ctx, block, process)
}

func awaitPlain(ctx context.Context, block *rig.Block, process *rig.Process) (*Plain, error) {
	stop := context.AfterFunc(ctx, process.Kill)
	defer stop()
	if process.AwaitReady(readyLimit) == nil {
		process.Stop() // here: begin
	}
	<-process.Gone()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err := process.Diagnose(block); err != nil {
		return nil, err
	}
	w := block.Workers()[0]
	return &Plain{
		OpenSSLVersion: version(block.Version()),
		Handshakes:     w.Handshakes, Wall: w.End.At - w.Begin.At, CPU: w.End.CPU - w.Begin.CPU,
	}, nil
}
