package workload

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tlsbench/workload/peers"
	"tlsbench/workload/rig"
)

// RunPlain makes cfg.Handshakes handshakes over BIO pairs in one process, by the
// smallest program that makes them (rig/plain.c), and gives the time of all of them
// together. Of cfg, Build, TLS and Key matter too.
func RunPlain(ctx context.Context, cfg Config) (wall, cpu time.Duration, err error) {
	cfg.Workers, cfg.Load, cfg.Heap = 1, "memory", "private"
	cfg.Strategy.Name, cfg.Locks = "none", "private"
	cfg.complete()
	if cfg.Handshakes == 0 {
		return 0, 0, errors.New("plain: give a number of handshakes")
	}
	if err := cfg.check(); err != nil {
		return 0, 0, err
	}
	id, err := peers.Certificate(cfg.Key)
	if err != nil {
		return 0, 0, err
	}
	settings := cfg.settings(id, id)
	settings.Plain = true
	w, err := yardstick(ctx, settings, &cfg)
	return w.End.At - w.Begin.At, w.End.CPU - w.Begin.CPU, err
}

// yardstick starts one of the rig's plain programs, tells it to begin once it
// is ready, and gives what it counted when it has ended.
func yardstick(ctx context.Context, s rig.Settings, cfg *Config) (w rig.Worker, err error) {
	block, process, err := launch(s, cfg)
	if err != nil {
		return rig.Worker{}, err
	}
	defer block.Close()
	defer process.Close()
	stop := context.AfterFunc(ctx, process.Kill)
	defer stop()
	switch err := process.AwaitReady(readyLimit); {
	case err == nil:
		process.Stop() // here: begin
	case errors.Is(err, rig.ErrNotReady):
		return rig.Worker{}, fmt.Errorf("yardstick: %w (%v): it was to %s", err, readyLimit, block.Stage())
	}
	<-process.Gone()
	if ctx.Err() != nil {
		return rig.Worker{}, ctx.Err()
	}
	if err := process.Diagnose(block); err != nil {
		return rig.Worker{}, err
	}
	return block.Workers()[0], nil
}
