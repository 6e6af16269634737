package sharedlib

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"tlsbench/workload/keeper"
)

// Recipe is how a shared object is made of C files that this program carries.
type Recipe struct {
	Flags []string // of the compiler, "-shared -fPIC" aside
	Libs  []string // "-lpthread"
	From  []Source
}

// Source is some files of a tree. They are compiled in one folder, so that they
// include each other by their base names.
type Source struct {
	Files   fs.FS
	Pattern string // "inject/*.c"
}

// compiler is the one that make would take.
func compiler() []string {
	if cc := strings.Fields(os.Getenv("CC")); len(cc) > 0 {
		return cc
	}
	return []string{"cc"}
}

func (r Recipe) command(object string, files []string) []string {
	return slices.Concat(compiler(), r.Flags, []string{"-shared", "-fPIC", "-o", object}, files, r.Libs)
}

// read gives the files by their base names.
func (r Recipe) read() (map[string][]byte, []string, error) {
	files := map[string][]byte{}
	var names []string
	for _, from := range r.From {
		found, err := fs.Glob(from.Files, from.Pattern)
		if err == nil && len(found) == 0 {
			err = fmt.Errorf("no file is like %s", from.Pattern)
		}
		for _, file := range found {
			name := path.Base(file)
			if err == nil {
				files[name], err = fs.ReadFile(from.Files, file)
				names = append(names, name)
			}
		}
		if err != nil {
			return nil, nil, fmt.Errorf("read the sources of a shared object: %w", err)
		}
	}
	slices.Sort(names)
	return files, slices.Compact(names), nil
}

// Digest stands for the sources, the compiler and its flags: an object that is
// named for it is never taken for another.
func (r Recipe) Digest() (string, error) {
	files, names, err := r.read()
	if err != nil {
		return "", err
	}
	h := sha256.New()
	fmt.Fprintf(h, "%q\n", r.command("", nil))
	for _, name := range names {
		fmt.Fprintf(h, "%q %d\n%s", name, len(files[name]), files[name])
	}
	return hex.EncodeToString(h.Sum(nil))[:16], nil
}

// Compile makes the object. It appears in one step, and the sources are gone
// afterwards. The error is one line, with the first that the compiler said; it does
// not say what was to be compiled.
func (r Recipe) Compile(ctx context.Context, object string) error {
	files, names, err := r.read()
	if err != nil {
		return err
	}
	dir, err := filepath.Abs(filepath.Join(filepath.Dir(object), ".new-"+rand.Text()))
	if err != nil {
		return err
	}
	kept, err := keeper.Folder(dir)
	if err != nil {
		return err
	}
	defer kept.Close()
	var units []string
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), files[name], 0o600); err != nil {
			return err
		}
		if path.Ext(name) == ".c" {
			units = append(units, name)
		}
	}
	made := filepath.Join(dir, "made.so")
	command := r.command(made, units)
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TMPDIR="+dir) // its own files go with the folder
	if out, err := keeper.Output(cmd); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n"); line != "" {
			return fmt.Errorf("%w: %s", err, line)
		}
		return err
	}
	return os.Rename(made, object)
}
