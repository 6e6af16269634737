package fetch

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"tlsbench/workload/keeper"
	"tlsbench/workload/sharedlib"
)

// Store is a folder of trees, each below a name, with its manifest:
//
//	DIR/NAME/tree, DIR/NAME/manifest.json
//
// Names that begin with a dot are the store's own: the lock, the apt state,
// and trees that are being made.
type Store struct {
	Dir string // absolute
}

// cacheFolder is the user's cache folder of this program.
func cacheFolder() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the user's cache folder: %w", err)
	}
	return filepath.Join(base, "tlsbench"), nil
}

// Open gives the store of one kind ("openssl"): the folder that the user named,
// or else one in the user's cache folder. Nothing is made yet.
func Open(kind, dir string) (Store, error) {
	if dir == "" {
		base, err := cacheFolder()
		return Store{filepath.Join(base, kind)}, err
	}
	dir, err := filepath.Abs(dir)
	return Store{dir}, err
}

// Loadable refuses a path that the dynamic loader would read as several, or as
// another: it cuts its lists at these characters, and knows no quotes.
func Loadable(path, cuts string) error {
	if i := strings.IndexAny(path, cuts); i >= 0 {
		return fmt.Errorf("folder %s: the dynamic loader cannot use a path with %q in it: choose another folder", path, path[i])
	}
	return nil
}

// Private makes a folder for this user alone, or takes the one that is there. A
// folder that others can write to, or that another user's link leads to, would
// let them put their code into our processes: it is refused. In the user's
// cache folder, what an older program left open is closed.
func Private(dir string) error {
	base, _ := cacheFolder()
	own := base != "" && (dir == base || strings.HasPrefix(dir, base+string(filepath.Separator)))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the cache folder: %w", err)
	}
	if own && dir != base {
		if err := Private(base); err != nil {
			return err
		}
	}
	if err := trusted(dir, own); err != nil {
		return err
	}
	if own {
		if err := os.Chmod(dir, 0o700); err != nil {
			return fmt.Errorf("make the cache folder private: %w", err)
		}
	}
	return nil
}

// trusted refuses a cache folder that others could have filled. One that is to
// be closed may be open.
func trusted(dir string, open bool) error {
	for _, look := range []func(string) (fs.FileInfo, error){os.Lstat, os.Stat} {
		st, err := look(dir)
		if err != nil {
			return fmt.Errorf("inspect the cache folder: %w", err)
		}
		owner := st.Sys().(*syscall.Stat_t).Uid
		switch {
		case owner != 0 && int(owner) != os.Geteuid():
			return fmt.Errorf("cache folder %s belongs to another user (%d): choose a folder of your own", dir, owner)
		case st.Mode()&fs.ModeSymlink != 0 || open:
		case st.Mode().Perm()&0o002 != 0:
			return fmt.Errorf("cache folder %s: every user can write to it (mode %v): choose a folder of your own", dir, st.Mode())
		}
	}
	return nil
}

// Tree is the folder that the packages of a name are unpacked in.
func (s Store) Tree(name string) string { return filepath.Join(s.Dir, name, "tree") }

// state is the folder for the private apt.
func (s Store) state() string { return filepath.Join(s.Dir, ".apt") }

// Names lists the trees, in no order. Hidden folders hold the archive's indexes
// and downloads that are under way.
func (s Store) Names() []string {
	var names []string
	entries, _ := os.ReadDir(s.Dir)
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	return names
}

// ErrChanged says that a tree is not what was unpacked there.
var ErrChanged = errors.New("has changed since it was fetched")

// Verify reads all files of a name and compares them with the manifest. The
// error is fs.ErrNotExist if there is nothing by that name, else ErrChanged.
func (s Store) Verify(name string) (*Manifest, error) {
	path := filepath.Join(s.Dir, name)
	if _, err := os.Lstat(path); err != nil {
		return nil, err
	}
	if err := trusted(s.Dir, false); err != nil {
		return nil, err
	}
	m, err := readManifest(s.manifest(name))
	if err == nil {
		err = m.verify(s.Tree(name))
	}
	if err != nil {
		return nil, fmt.Errorf("%s %w: %s", path, ErrChanged, strings.ReplaceAll(err.Error(), "\n", " "))
	}
	return m, nil
}

func (s Store) manifest(name string) string { return filepath.Join(s.Dir, name, "manifest.json") }

// verified has the manifests of the trees that Whole has read, by path, time of
// change and size of the manifest.
var verified sync.Map

// Whole is Verify for those who use a tree: it reads the files once in the life
// of a process, and not for each trial.
func (s Store) Whole(name string) (*Manifest, error) {
	var key string
	if st, err := os.Lstat(s.manifest(name)); err == nil {
		key = fmt.Sprint(s.manifest(name), st.ModTime().UnixNano(), st.Size())
		if m, ok := verified.Load(key); ok {
			return m.(*Manifest), nil
		}
	}
	m, err := s.Verify(name)
	if err == nil {
		verified.Store(key, m)
	}
	return m, err
}

// Put makes the tree of a name with fill, and puts it in place in one step
// when all of it is there. What was there before stays until then. The store
// must be locked.
func (s Store) Put(name string, fill func(tree string) (*Manifest, error)) (*Manifest, error) {
	work := filepath.Join(s.Dir, ".new-"+rand.Text())
	kept, err := keeper.Folder(work)
	if err != nil {
		return nil, fmt.Errorf("make %s: %w", name, err)
	}
	defer kept.Close()
	tree := filepath.Join(work, "tree")
	if err := os.Mkdir(tree, 0o700); err != nil {
		return nil, fmt.Errorf("make %s: %w", name, err)
	}
	m, err := fill(tree)
	if err != nil {
		return nil, err
	}
	if err := m.list(tree); err != nil {
		return nil, fmt.Errorf("list the files unpacked for %s: %w", name, err)
	}
	text, err := json.MarshalIndent(m, "", "\t")
	if err == nil {
		err = os.WriteFile(filepath.Join(work, "manifest.json"), append(text, '\n'), 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("make %s: %w", name, err)
	}
	return m, s.replace(name, work)
}

// replace renames work into place. A folder cannot be renamed over one that
// is not empty, so the old one is moved aside first; if the program dies
// between the two renames, the name is missing and the next fetch makes it.
func (s Store) replace(name, work string) error {
	path := filepath.Join(s.Dir, name)
	old := work + ".old"
	defer os.RemoveAll(old)
	if err := os.Rename(path, old); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("replace %s: %w", path, err)
	}
	if err := os.Rename(work, path); err != nil {
		return fmt.Errorf("put %s in place: %w", path, err)
	}
	return nil
}

// Lock makes the store's folder and keeps other processes from changing it
// until unlock is called; waiting is called once if another one holds it. The
// kernel drops the lock of a process that dies. What such a process left
// unfinished is removed.
func (s Store) Lock(ctx context.Context, waiting func()) (unlock func(), err error) {
	if err := Private(s.Dir); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(s.Dir, ".lock"), os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the cache folder: %w", err)
	}
	if err := flock(ctx, f, waiting); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock the cache folder %s: %w", s.Dir, err)
	}
	for _, pattern := range []string{".new-*", ".apt/debs-*"} {
		for _, dir := range sharedlib.Glob(s.Dir, pattern) {
			os.RemoveAll(dir)
		}
	}
	return func() { f.Close() }, nil
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

// manifestLayout goes up when a tree made by an older program is of no use.
const manifestLayout = 1

// Manifest says what a tree holds, and by what it can be verified.
type Manifest struct {
	Layout   int               `json:"layout"`
	Suites   []string          `json:"suites"`
	Packages []Package         `json:"packages"`
	Notes    []string          `json:"notes,omitempty"`
	Files    map[string]string `json:"files"` // path: "sha256:..." or "link:target"
}

// Package is one unpacked package.
type Package struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

func (p Package) String() string { return p.Name + " " + p.Version }

// Package gives the first package whose name begins so; its name is "" if there
// is none.
func (m *Manifest) Package(prefix string) Package {
	for _, p := range m.Packages {
		if strings.HasPrefix(p.Name, prefix) {
			return p
		}
	}
	return Package{}
}

// list notes all files below root.
func (m *Manifest) list(root string) error {
	m.Layout, m.Files = manifestLayout, map[string]string{}
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		m.Files[name], err = mark(path)
		return err
	})
}

// verify compares the files below root with the manifest, and wants no other
// shared object there: the loader would find it.
func (m *Manifest) verify(root string) error {
	if m.Layout != manifestLayout || len(m.Files) == 0 {
		return fmt.Errorf("its manifest has layout %d with %d files, want layout %d", m.Layout, len(m.Files), manifestLayout)
	}
	have := Manifest{}
	if err := have.list(root); err != nil {
		return err
	}
	for name, want := range m.Files {
		if have.Files[name] != want {
			return fmt.Errorf("%s was changed or removed", name)
		}
	}
	for name := range have.Files {
		if _, ok := m.Files[name]; !ok && strings.Contains(filepath.Base(name), ".so") {
			return fmt.Errorf("%s was added", name)
		}
	}
	return nil
}

// mark is what a file is known by.
func mark(path string) (string, error) {
	st, err := os.Lstat(path)
	if err != nil {
		return "", err
	}
	if st.Mode()&fs.ModeSymlink != 0 {
		target, err := os.Readlink(path)
		return "link:" + target, err
	}
	if !st.Mode().IsRegular() {
		return "", fmt.Errorf("%s is neither a file nor a link", path)
	}
	digest, err := sharedlib.Digest(path)
	return "sha256:" + digest, err
}

func readManifest(path string) (*Manifest, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, errors.New("it has no manifest")
	}
	if err != nil {
		return nil, err
	}
	m := &Manifest{}
	if err := json.Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return m, nil
}
