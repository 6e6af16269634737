package selftest

import (
	"context"
	"embed"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"tlsbench/strategies"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload/sharedlib"
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

// compile makes a shared object in dir, as the author of a fix would.
func (b Broken) compile(ctx context.Context, dir string) (catalogue.Choice, error) {
	object := filepath.Join(dir, b.Name+".so")
	recipe := sharedlib.Recipe{
		Flags: []string{"-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-O2"}, Libs: []string{"-lpthread"},
		From: []sharedlib.Source{
			{Files: brokenSource, Pattern: "broken/" + strings.ReplaceAll(b.Name, "-", "_") + ".c"},
			{Files: strategies.Source, Pattern: "*.h"},
		},
	}
	if err := recipe.Compile(ctx, object); err != nil {
		return catalogue.Choice{}, fmt.Errorf("compile strategy %s (CC names another compiler, --broken none leaves it out): %w", b.Name, err)
	}
	return catalogue.Choice{Name: b.Name, Path: object}, nil
}
