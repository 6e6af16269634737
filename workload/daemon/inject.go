package daemon

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"tlsbench/strategies"
)

//go:embed inject/preload.c
var preloadSource embed.FS

// preloadObject gives the preload object, compiled where the cache does not have
// it yet. It is named for what it is made of, so that an old one is never taken.
func preloadObject(ctx context.Context) (string, error) {
	dir, err := preloadDir()
	if err != nil {
		return "", err
	}
	sum, err := digest(strategies.Source, preloadSource)
	if err != nil {
		return "", fmt.Errorf("read the preload object's sources: %w", err)
	}
	object := filepath.Join(dir, sum+".so")
	if _, err := os.Stat(object); err == nil {
		return object, nil
	}
	if err := privateFolder(dir); err != nil {
		return "", fmt.Errorf("make the cache folder of the preload object: %w", err)
	}
	scratch, err := os.MkdirTemp(dir, ".new-")
	if err != nil {
		return "", fmt.Errorf("compile the preload object: %w", err)
	}
	defer os.RemoveAll(scratch)
	made, err := compile(ctx, scratch)
	if err != nil {
		return "", err
	}
	return object, os.Rename(made, object)
}

// preloadDir is the cache folder of preload objects.
func preloadDir() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache folder of the preload object: %w", err)
	}
	dir := filepath.Join(base, "tlsbench", "preload")
	return dir, loadable(dir, ":;$ \t\n")
}

// privateFolder makes a folder for this user alone; one that is there may have
// been made wider.
func privateFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return os.Chmod(dir, 0o700)
}

// digest is the SHA-256 of all files of some trees, and of how they are compiled.
func digest(trees ...fs.FS) (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q\n", compiler(), compilerFlags, linkerFlags)
	for _, tree := range trees {
		err := fs.WalkDir(tree, ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			content, err := fs.ReadFile(tree, path)
			fmt.Fprintf(h, "%q %d\n%s", path, len(content), content)
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:16], nil
}

// Flags of the preload object.
var (
	compilerFlags = []string{"-std=gnu11", "-O2", "-fPIC", "-shared"}
	linkerFlags   = []string{"-ldl", "-lpthread"}
)

// compile makes the preload object in dir: preload.c, and the very files that
// the rig is built of.
func compile(ctx context.Context, dir string) (string, error) {
	source := filepath.Join(dir, "source")
	if err := copyFiles(strategies.Source, ".", source); err != nil {
		return "", fmt.Errorf("compile the preload object: %w", err)
	}
	if err := copyFiles(preloadSource, "inject", source); err != nil {
		return "", fmt.Errorf("compile the preload object: %w", err)
	}
	files, err := filepath.Glob(filepath.Join(source, "*.c"))
	if err != nil {
		return "", err
	}
	object := filepath.Join(dir, "preload.so")
	args := slices.Concat(compilerFlags, []string{"-o", object}, files, linkerFlags)
	cmd := exec.CommandContext(ctx, compiler(), args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("compile the preload object: %w: %s", err, firstLine(string(out)))
	}
	return object, os.RemoveAll(source)
}

// compiler is the one that make would take.
func compiler() string {
	if cc := os.Getenv("CC"); cc != "" {
		return cc
	}
	return "cc"
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}

func copyFiles(from fs.FS, dir, to string) error {
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	entries, err := fs.ReadDir(from, dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		content, err := fs.ReadFile(from, filepath.ToSlash(filepath.Join(dir, e.Name())))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, e.Name()), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// place says which call of the daemon's stands for the place where a fix inside
// its TLS module takes its mark. Versions that replace the random generator
// initialise OpenSSL as soon as the module is loaded, later ones when all
// modules are initialised in turn: then a neighbour that comes before has filled
// its slots already.
func place(r Release, python string) string {
	switch {
	case r.OwnRandom:
		return "OPENSSL_init_ssl"
	case python == "before":
		return "fork"
	}
	return "CRYPTO_set_mem_functions"
}

// injection tells the preload object what to do.
func injection(c strategies.Choice, place string) []string {
	env := []string{"TLSBENCH_FIELD_STRATEGY=" + c.Name, "TLSBENCH_FIELD_PLACE=" + place}
	if c.Path != "" {
		env = append(env, "TLSBENCH_FIELD_OWN="+c.Path)
	}
	var set []string
	for k, v := range c.Params {
		set = append(set, fmt.Sprintf("%s=%d", k, v))
	}
	sort.Strings(set)
	if len(set) > 0 {
		env = append(env, "TLSBENCH_FIELD_PARAMETERS="+strings.Join(set, ","))
	}
	return env
}

// injected reports whether a strategy is put into the daemon, which else stays
// as it is.
func injected(c strategies.Choice) bool {
	return c.Path != "" || c.Name != strategies.PositiveControl
}

// errNoInjection says why a strategy cannot be put into a daemon.
var errNoInjection = errors.New("it is no fork handler, and none of the packaged versions has it built in")

// Injectable refuses a built-in strategy that is no fork handler; an own one is
// asked when it has been loaded.
func Injectable(c strategies.Choice) error {
	if c.Path == "" && c.Name == "temp-thread" {
		return errNoInjection
	}
	return nil
}
