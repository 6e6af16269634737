package selftest

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"tlsbench/strategies"
)

// Broken is a fix that is wrong on purpose.
type Broken struct {
	Name    string `json:"name"`
	Summary string `json:"summary"`
	By      Sign   `json:"by"` // what it has to be told by
}

var brokenCatalogue = []Broken{
	{"every-second", "clears every second one of OpenSSL's keys", Damage},
	{"wrong-side", "calls OPENSSL_thread_stop() in the child", Damage},
	{"first-only", "is right for the first worker only", Damage},
	{"one-too-many", "clears one key of another library, too", Lost},
	{"leaks", "keeps 256 KiB of the shared heap in each child", Kept},
	{"sleeps", "sleeps for 50 ms in each child", Slow},
}

// good is what they are told from.
var good = Broken{Name: "good", Summary: "clears OpenSSL's keys, all and no other"}

// AllBroken lists them.
func AllBroken() []Broken { return slices.Clone(brokenCatalogue) }

// FindBroken gives those of these names; "all" or nothing is all of them, "none"
// is none.
func FindBroken(names []string) ([]Broken, error) {
	return find("broken strategy", brokenCatalogue, Broken.name, names)
}

// BrokenNames lists their names.
func BrokenNames() []string { return namesOf(brokenCatalogue, Broken.name) }

func (b Broken) name() string { return b.Name }

//go:embed broken
var brokenSource embed.FS

// compiler is the one that make would take.
func compiler() string {
	if cc := os.Getenv("CC"); cc != "" {
		return cc
	}
	return "cc"
}

// compile makes a shared object in dir, as the author of a fix would.
func (b Broken) compile(ctx context.Context, dir string) (strategies.Choice, error) {
	file := strings.ReplaceAll(b.Name, "-", "_")
	object := filepath.Join(dir, b.Name+".so")
	cmd := exec.CommandContext(ctx, compiler(), "-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-O2", "-fPIC",
		"-shared", "-I", dir, "-o", object, filepath.Join(dir, file+".c"), "-lpthread")
	if out, err := cmd.CombinedOutput(); err != nil {
		line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
		return strategies.Choice{}, fmt.Errorf("compile strategy %s (CC names another compiler, --broken none leaves it out): %w %s",
			b.Name, err, line)
	}
	return strategies.Choice{Name: b.Name, Path: object}, nil
}

// writeSources puts the C files, and the headers that they need, into dir.
func writeSources(dir string) error {
	for _, from := range []struct {
		files   embed.FS
		pattern string
	}{{brokenSource, "broken/*.c"}, {strategies.Source, "*.h"}} {
		names, err := fs.Glob(from.files, from.pattern)
		if err != nil {
			return err
		}
		for _, name := range names {
			text, err := from.files.ReadFile(name)
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, filepath.Base(name)), text, 0o600)
			}
			if err != nil {
				return fmt.Errorf("write the broken strategies' sources: %w", err)
			}
		}
	}
	return nil
}
