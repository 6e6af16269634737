package main

import (
	"context"
	"errors"

	"tlsbench/bench"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload"
	"tlsbench/workload/openssl"
)

// buildFlags choose OpenSSL builds.
type buildFlags struct {
	Openssl    []string `placeholder:"BUILD" help:"OpenSSL builds: system (default), a fetched line or version such as 3.5, a folder, a file, or all."`
	OpensslDir string   `placeholder:"DIR" env:"TLSBENCH_OPENSSL_DIR" help:"Folder of fetched builds, instead of the user's cache folder."`
}

// find resolves the names to files. Without any it takes def.
func (f buildFlags) find(def string) ([]openssl.Build, error) {
	names := f.Openssl
	if len(names) == 0 {
		names = []string{def}
	}
	builds, err := openssl.Find(names, f.OpensslDir)
	if err != nil {
		return nil, &refusal{err}
	}
	return builds, nil
}

// heapFlag is the size of the shared heap.
type heapFlag struct {
	HeapSize uint64 `placeholder:"MIB" help:"Size of the shared heap; by default 256 MiB plus 4 MiB for each worker."`
}

func (f heapFlag) bytes() uint64 { return f.HeapSize << 20 }

// check refuses a size that no machine has.
func (f heapFlag) check() error {
	if const1TiB := uint64(1 << 20); f.HeapSize > const1TiB {
		return refuse("heap size of %d MiB: choose up to %d, or leave it out", f.HeapSize, const1TiB)
	}
	return nil
}

// askVersions runs the rig once on each build and takes the version that the
// library itself gives. It shows, before anything is written, that the rig can
// drive it at all.
func askVersions(ctx context.Context, builds []openssl.Build, heapBytes uint64) error {
	for i := range builds {
		cfg := workload.Config{
			Build: builds[i], Strategy: catalogue.Choice{Name: catalogue.NegativeControl}, HeapBytes: heapBytes,
		}
		version, err := workload.Version(ctx, cfg)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return refuse("openssl %s (%s): %w", builds[i].Name, builds[i].Libcrypto, err)
		}
		builds[i].Version = version
	}
	return nil
}

// tryOwn runs the rig once under each of the user's own strategies, so that one
// that cannot be loaded is said once, before anything is written. What it does
// wrong beyond that is a finding.
func tryOwn(ctx context.Context, b openssl.Build, list []bench.Strategy, heapBytes uint64) error {
	tried := map[string]bool{}
	for _, s := range list {
		if s.Path == "" || tried[s.Path] {
			continue
		}
		tried[s.Path] = true
		_, err := workload.Version(ctx, workload.Config{Build: b, Strategy: s.Choice, HeapBytes: heapBytes})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil && !errors.Is(err, context.DeadlineExceeded) { // one that hangs is for the trials to show
			return refuse("strategy %s (%s): %w", s.Choice.Name, s.Path, err)
		}
	}
	return nil
}
