package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"tlsbench/workload/fetch"
	"tlsbench/workload/openssl"
	"tlsbench/workload/sharedlib"
)

// DefaultDir is the cache folder that Fetch fills when no other is named.
func DefaultDir() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache folder of daemons: %w", err)
	}
	return filepath.Join(base, "tlsbench", "field"), nil
}

// FetchOptions says where Fetch puts daemons, and how it tells of its steps.
type FetchOptions struct {
	Dir     string                           // cache folder; "" = DefaultDir
	Log     func(format string, args ...any) // one step; nil = silent
	Refresh bool                             // fetch again what is there and whole
}

// Fetched is what became of one release. Err is one line of text; the other
// releases went on.
type Fetched struct {
	Release Release
	Daemon  Daemon
	New     bool // downloaded now, not found in the cache
	Notes   []string
	Err     error
}

// Fetch brings packaged daemons into the cache. A tree that is there and
// verifies is left alone, and costs no network. The error is about all that
// were left to do, and said once: a folder that cannot be used, no archive, no
// network.
func Fetch(ctx context.Context, list []Release, opt FetchOptions) ([]Fetched, error) {
	dir, err := folder(opt.Dir)
	if err != nil {
		return nil, err
	}
	x := &fetching{opt: opt, store: fetch.Store{Dir: dir}}
	unlock, err := x.store.Lock(ctx, func() { x.log("another fetch is at work in %s; waiting for it", dir) })
	if err != nil {
		return nil, fmt.Errorf("fetch daemons: %w", err)
	}
	defer unlock()
	// The indexes are many times the size of the daemons, and old tomorrow.
	defer os.RemoveAll(x.store.State())
	return x.run(ctx, list)
}

func folder(dir string) (string, error) {
	var err error
	if dir == "" {
		dir, err = DefaultDir()
	} else {
		dir, err = filepath.Abs(dir)
	}
	if err != nil {
		return "", err
	}
	return dir, loadable(dir, ":;$")
}

// loadable refuses a path that the dynamic loader would read as several, or as
// another: it cuts its lists where these characters stand, and knows no quotes.
func loadable(path, cuts string) error {
	if i := strings.IndexAny(path, cuts); i >= 0 {
		return fmt.Errorf("folder %s: the dynamic loader cannot take a path with %q in it: choose another cache folder", path, path[i])
	}
	return nil
}

// fetching is the state of one Fetch.
type fetching struct {
	opt   FetchOptions
	store fetch.Store
	apt   *fetch.Apt // nil until something has to be downloaded
}

func (x *fetching) log(format string, args ...any) {
	if x.opt.Log != nil {
		x.opt.Log(format, args...)
	}
}

// run does one release after the other. Without an archive or a network the
// rest is only looked up in the cache.
func (x *fetching) run(ctx context.Context, list []Release) ([]Fetched, error) {
	var all []Fetched
	var hopeless error
	for _, r := range list {
		got, ok := x.whole(r)
		if !ok && hopeless != nil {
			continue
		}
		if !ok {
			got = x.bring(ctx, r)
		}
		switch {
		case ctx.Err() != nil:
			return all, ctx.Err()
		case errors.Is(got.Err, fetch.ErrOffline), errors.Is(got.Err, fetch.ErrNoArchive):
			hopeless = got.Err
		default:
			all = append(all, got)
		}
	}
	return all, hopeless
}

// whole looks a release up in the cache, and says whether it needs nothing
// done.
func (x *fetching) whole(r Release) (Fetched, bool) {
	if x.opt.Refresh {
		return Fetched{}, false
	}
	m, err := x.store.Verify(r.Name)
	if err == nil {
		var d Daemon
		if d, err = find(x.store, r); err == nil {
			return Fetched{Release: r, Daemon: d, Notes: m.Notes}, true
		}
	}
	if !errors.Is(err, os.ErrNotExist) {
		x.log("%s: %v; fetching it again", r.Name, err)
	}
	return Fetched{}, false
}

// bring downloads a release.
func (x *fetching) bring(ctx context.Context, r Release) Fetched {
	got := Fetched{Release: r}
	m, err := x.unpack(ctx, r)
	if err == nil {
		got.Notes, got.New = m.Notes, true
		got.Daemon, err = find(x.store, r)
	}
	if err != nil {
		got.Err = fmt.Errorf("fetch kamailio %s from %s: %w", r.Name, r.Suite, err)
	}
	return got
}

// errNotDebian says that only Debian's packages are known by their releases.
var errNotDebian = errors.New("this machine's archive is not Debian's: the daemons are Debian's packages")

func (x *fetching) unpack(ctx context.Context, r Release) (*fetch.Manifest, error) {
	if x.apt == nil {
		archive, err := fetch.Machine(ctx)
		if err != nil {
			return nil, err
		}
		if archive.Distro != "debian" {
			return nil, errNotDebian
		}
		if x.apt, err = fetch.NewApt(archive, x.store.State()); err != nil {
			return nil, err
		}
	}
	fetcher := &fetch.Fetcher{
		Apt: x.apt, Suites: r.suites(), Packages: packages, Roots: roots,
		Log: func(format string, args ...any) { x.log(r.Name+": "+format, args...) },
	}
	return x.store.Put(r.Name, func(tree string) (*fetch.Manifest, error) {
		m, err := fetcher.Fetch(ctx, tree)
		if err != nil {
			return nil, err
		}
		return withPython(ctx, *fetcher, tree, m)
	})
}

// pythonLibrary is the library that the daemon's Python module needs; its
// number is in the names of the packages that hold Python's own modules.
var pythonLibrary = regexp.MustCompile(`^libpython3\.[0-9]+`)

// withPython adds Python's own modules: no library asks for them, so that they
// are not found by following the needs of files.
func withPython(ctx context.Context, f fetch.Fetcher, tree string, m *fetch.Manifest) (*fetch.Manifest, error) {
	for _, file := range sharedlib.Glob(tree, "usr/lib/*/libpython3.*.so.1.0") {
		name := pythonLibrary.FindString(filepath.Base(file))
		f.Packages, f.Roots = []string{name + "-minimal", name + "-stdlib"}, pythonRoots
		more, err := f.Fetch(ctx, tree)
		if err != nil {
			return nil, err
		}
		m.Packages = append(m.Packages, more.Packages...)
		slices.SortFunc(m.Packages, func(a, b fetch.Package) int { return strings.Compare(a.Name, b.Name) })
		m.Packages = slices.Compact(m.Packages)
	}
	return m, nil
}

// Daemon is one unpacked Kamailio.
type Daemon struct {
	Release Release
	Package string // version of the package
	OpenSSL string // exact version of the libcrypto it is going to use

	Program     string
	Modules     string // folder
	Loader      string // of its own release, or the system's
	LibraryPath []string
	Tree        string
}

// Find looks a release up in the cache; the error is fs.ErrNotExist if it is
// not there.
func Find(dir string, r Release) (Daemon, error) {
	dir, err := folder(dir)
	if err != nil {
		return Daemon{}, err
	}
	return find(fetch.Store{Dir: dir}, r)
}

func find(store fetch.Store, r Release) (Daemon, error) {
	m, err := store.Manifest(r.Name)
	if err != nil {
		return Daemon{}, err
	}
	tree := store.Tree(r.Name)
	d := Daemon{Release: r, Package: m.Version("kamailio"), Tree: tree}
	d.Program = filepath.Join(tree, "usr/sbin/kamailio")
	tls := sharedlib.Glob(tree, "usr/lib/*/kamailio/modules/tls.so")
	if len(tls) != 1 || !sharedlib.Fits(d.Program) {
		return Daemon{}, fmt.Errorf("find kamailio %s: no program and TLS module in %s: fetch it again", r.Name, tree)
	}
	d.Modules = filepath.Dir(tls[0])
	return d, d.chooseLoader()
}

// chooseLoader takes the loader that was unpacked with the daemon. Where its
// release's C library is no newer than the system's there is none, and the
// system's loader runs it.
func (d *Daemon) chooseLoader() error {
	d.LibraryPath = sharedlib.Folders(d.Tree)[1:]
	for _, dir := range d.LibraryPath {
		if g, ok := sharedlib.GlibcIn(dir); ok {
			d.Loader = g.Loader
		}
		for _, file := range sharedlib.Glob(dir, "libcrypto.so.*") {
			if v, err := openssl.Version(file); err == nil {
				d.OpenSSL = v
			}
		}
	}
	if d.Loader == "" {
		g, ok := sharedlib.GlibcIn(filepath.Dir(sharedlib.System().Lookup("libc.so.6")))
		if !ok {
			return fmt.Errorf("find kamailio %s: no loader beside the system's libc.so.6", d.Release.Name)
		}
		d.Loader = g.Loader
	}
	return nil
}
