package daemon

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tlsbench/results"
	"tlsbench/strategies"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload/fetch"
	"tlsbench/workload/rig"
	"tlsbench/workload/sharedlib"
)

//go:embed inject/*
var preloadSource embed.FS

// preload is made of the files in inject and the very files that the rig is built of.
var preload = sharedlib.Recipe{
	// A function of the object is not replaced by one that the daemon happens to have.
	Flags: []string{"-std=gnu11", "-D_GNU_SOURCE", "-O2", "-static-libgcc", "-Wl,-Bsymbolic,-z,defs"}, Libs: []string{"-ldl", "-lpthread"},
	From: []sharedlib.Source{
		{Files: preloadSource, Pattern: "inject/*"}, {Files: strategies.Source, Pattern: "*"}, {Files: rig.Source, Pattern: "*"},
	},
}

// preloadObject gives the preload object, compiled where the cache does not have
// it yet. It is named for what it is made of, so that an old one is never taken. dir is
// the folder of daemons that the user named, "" for his cache folder.
func preloadObject(ctx context.Context, dir string) (string, error) {
	store, err := preloadStore(dir)
	if err != nil {
		return "", err
	}
	sum, err := preload.Digest()
	if err != nil {
		return "", err
	}
	if err := fetch.Private(store.Dir); err != nil {
		return "", err
	}
	object := filepath.Join(store.Dir, sum+".so")
	if _, err := os.Stat(object); err == nil {
		return object, nil
	}
	return object, WritePreload(ctx, object)
}

// WritePreload writes the object into a file, for a program that is started with
// it outside of this one.
func WritePreload(ctx context.Context, path string) error {
	if err := preload.Compile(ctx, path); err != nil {
		return fmt.Errorf("compile the preload object: %w", err)
	}
	return nil
}

// preloadStore is the folder of preload objects: below the daemons' if the user named
// one for these.
func preloadStore(dir string) (fetch.Store, error) {
	if dir != "" {
		dir = filepath.Join(dir, ".preload")
	}
	store, err := fetch.Open("preload", dir)
	if err == nil {
		err = fetch.Loadable(store.Dir, ":;$ \t\n")
	}
	return store, err
}

// setUpCall names the call of the daemon that marks the moment when a fix inside
// its TLS module takes its mark. Versions that replace the random generator
// initialise OpenSSL when the module is loaded. Later versions initialise it with
// all modules in turn, so an earlier module has already filled its slots.
func setUpCall(r Release, around results.HazardChoice) string {
	switch {
	case r.OwnRandom:
		return "OPENSSL_init_ssl"
	case around.Name == "python" && around.Value("before") != 0:
		return "fork"
	}
	return "CRYPTO_set_mem_functions"
}

// injection tells the preload object which strategy it puts into the daemon.
func injection(c catalogue.Choice, hook string) []string {
	env := []string{"TLSBENCH_FIELD_STRATEGY=" + c.Name, "TLSBENCH_FIELD_HOOK=" + hook}
	if c.Path != "" {
		env = append(env, "TLSBENCH_FIELD_OWN="+c.Path)
	}
	return append(env, parameters("TLSBENCH_FIELD_PARAMETERS", c.Params))
}

// parameters gives a variable of the preload object's.
func parameters(variable string, values map[string]int64) string {
	var set []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		set = append(set, fmt.Sprintf("%s=%d", name, values[name]))
	}
	return variable + "=" + strings.Join(set, ",")
}

// inObject are the hazards that the preload object holds.
var inObject = []string{"fips", "provider-state"}

// hazardInjection tells the preload object of the daemon's hazard.
func (t *trial) hazardInjection() []string {
	if !slices.Contains(inObject, t.hazard.Name) {
		return nil
	}
	return []string{"TLSBENCH_FIELD_HAZARD=" + t.hazard.Name, "TLSBENCH_FIELD_HAZARD_TEXT=" + t.fips,
		parameters("TLSBENCH_FIELD_HAZARD_PARAMETERS", t.hazard.Set)}
}

// CanInject refuses a strategy whose object the daemon's loader could not be told
// of, before a daemon is there. For dir see preloadObject.
func CanInject(c catalogue.Choice, dir string) error {
	if !injected(c) {
		return nil
	}
	_, err := preloadStore(dir)
	return err
}

// injected reports whether a strategy is put into the daemon, which else stays
// as it is.
func injected(c catalogue.Choice) bool {
	return c.Path != "" || c.Name != catalogue.PositiveControl
}

// Injectable refuses a built-in strategy that is not a fork handler; an own one is
// asked when it has been loaded.
func Injectable(c catalogue.Choice) error {
	if c.Path == "" && c.Name == "temp-thread" {
		return errors.New("it is not a fork handler, and no packaged version has it built in")
	}
	return nil
}
