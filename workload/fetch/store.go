package fetch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"tlsbench/workload/sharedlib"
)

// Store is a folder of trees, each below a name, with its manifest:
//
//	DIR/NAME/tree, DIR/NAME/manifest.json
//
// Names that begin with a dot are the store's own: the lock, the apt state,
// and trees that are being made.
type Store struct {
	Dir string
}

// Tree is the folder that the packages of a name are unpacked in.
func (s Store) Tree(name string) string { return filepath.Join(s.Dir, name, "tree") }

// State is the folder for the private apt.
func (s Store) State() string { return filepath.Join(s.Dir, ".apt") }

// Manifest reads the manifest of a name without verifying the files.
func (s Store) Manifest(name string) (*Manifest, error) {
	return readManifest(filepath.Join(s.Dir, name, "manifest.json"))
}

// Verify reads all files of a name and compares them with the manifest. The
// error is fs.ErrNotExist if there is nothing by that name.
func (s Store) Verify(name string) (*Manifest, error) {
	if _, err := os.Lstat(filepath.Join(s.Dir, name)); err != nil {
		return nil, err
	}
	m, err := s.Manifest(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("verify %s: no manifest", filepath.Join(s.Dir, name))
	}
	if err != nil {
		return nil, err
	}
	return m, m.verify(s.Tree(name))
}

// Put makes the tree of a name with fill, and puts it in place in one step
// when all of it is there. What was there before stays until then. The store
// must be locked.
func (s Store) Put(name string, fill func(tree string) (*Manifest, error)) (*Manifest, error) {
	work, err := os.MkdirTemp(s.Dir, ".new-")
	if err != nil {
		return nil, fmt.Errorf("make %s: %w", name, err)
	}
	defer os.RemoveAll(work)
	tree := filepath.Join(work, "tree")
	if err := os.Mkdir(tree, 0o700); err != nil {
		return nil, fmt.Errorf("make %s: %w", name, err)
	}
	m, err := fill(tree)
	if err != nil {
		return nil, err
	}
	if err := m.list(tree); err != nil {
		return nil, fmt.Errorf("list what was unpacked for %s: %w", name, err)
	}
	if err := m.write(filepath.Join(work, "manifest.json")); err != nil {
		return nil, fmt.Errorf("make %s: %w", name, err)
	}
	return m, s.replace(name, work)
}

// replace renames work into place. A folder cannot be renamed over one that
// is not empty, so the old one is moved aside first; if the program dies
// between the two renames, the name is missing and the next fetch makes it.
func (s Store) replace(name, work string) error {
	place := filepath.Join(s.Dir, name)
	old := work + ".old"
	defer os.RemoveAll(old)
	if err := os.Rename(place, old); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("replace %s: %w", place, err)
	}
	if err := os.Rename(work, place); err != nil {
		return fmt.Errorf("put %s in place: %w", place, err)
	}
	return nil
}

// Lock makes the store's folder and keeps other processes from changing it
// until unlock is called; waiting is called once if another one holds it. The
// kernel drops the lock of a process that dies. What such a process left
// unfinished is removed.
func (s Store) Lock(ctx context.Context, waiting func()) (unlock func(), err error) {
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the cache folder: %w", err)
	}
	if err := s.tighten(); err != nil {
		return nil, fmt.Errorf("close the cache folder to others: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(s.Dir, ".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the cache folder: %w", err)
	}
	if err := flock(ctx, f, waiting); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock the cache folder %s: %w", s.Dir, err)
	}
	s.sweep()
	return func() { f.Close() }, nil
}

// tighten takes from others what an older cache folder gave them. A folder that
// a user named is the user's.
func (s Store) tighten() error {
	base, err := os.UserCacheDir()
	if err != nil {
		return nil // then this is none of it
	}
	base = filepath.Join(base, "tlsbench")
	if s.Dir != base && !strings.HasPrefix(s.Dir, base+string(filepath.Separator)) {
		return nil
	}
	return errors.Join(os.Chmod(base, 0o700), os.Chmod(s.Dir, 0o700))
}

func flock(ctx context.Context, f *os.File, waiting func()) error {
	for told := false; ; told = true {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return err
		}
		if !told && waiting != nil {
			waiting()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond): // flock cannot wait for a context
		}
	}
}

func (s Store) sweep() {
	for _, pattern := range []string{".new-*", ".apt/debs-*"} {
		for _, dir := range sharedlib.Glob(s.Dir, pattern) {
			os.RemoveAll(dir)
		}
	}
}
