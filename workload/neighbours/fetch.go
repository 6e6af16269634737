package neighbours

import (
	"context"
	"errors"
	"fmt"
	"os"

	"tlsbench/workload/fetch"
	"tlsbench/workload/openssl"
)

// release says which packages of a suite have the neighbours' libraries.
type release struct {
	python []string // versions, in order of preference
	curl   string   // package of libcurl, OpenSSL flavour
}

var releases = map[string]release{
	"bullseye":     {[]string{"3.9"}, "libcurl4"},
	"bookworm":     {[]string{"3.11"}, "libcurl4"},
	"trixie":       {[]string{"3.13"}, "libcurl4t64"},
	"sid":          {[]string{"3.14", "3.13"}, "libcurl4t64"},
	"experimental": {[]string{"3.14", "3.13"}, "libcurl4t64"},
	"focal":        {[]string{"3.8"}, "libcurl4"},
	"jammy":        {[]string{"3.10"}, "libcurl4"},
	"resolute":     {[]string{"3.14"}, "libcurl4t64"},
}

func (r release) packages(python string) []string {
	p := "libpython" + python
	return []string{p, p + "-minimal", p + "-stdlib", r.curl, "libpq5"}
}

// roots are the files that the rig loads, or makes the neighbours load.
var roots = []string{
	"usr/lib/*/libpython3.*.so.1.0", "usr/lib/python3.*/lib-dynload/_ssl.*.so",
	"usr/lib/python3.*/lib-dynload/_hashlib.*.so", "usr/lib/*/libcurl.so.4", "usr/lib/*/libpq.so.5",
}

// FetchOptions says where Fetch puts libraries, and how it tells of its steps.
type FetchOptions struct {
	Dir     string                           // "" = DefaultDir
	OpenSSL string                           // cache folder of the builds; "" = openssl.DefaultDir
	Log     func(format string, args ...any) // nil = silent
}

// Fetch brings libpython with its modules, libcurl and libpq of a cached build's
// own release into the cache, beside the system. What is there and verifies is
// left alone.
func Fetch(ctx context.Context, b openssl.Build, opt FetchOptions) (*fetch.Manifest, error) {
	if b.Source != openssl.Cache {
		return nil, fmt.Errorf("fetch neighbours of openssl %s: only builds of the cache come from a known release", b.Name)
	}
	m, err := bringFor(ctx, b, opt)
	if err != nil {
		return nil, fmt.Errorf("fetch neighbours of openssl %s: %w", b.Name, err)
	}
	return m, nil
}

func bringFor(ctx context.Context, b openssl.Build, opt FetchOptions) (*fetch.Manifest, error) {
	log := opt.Log
	if log == nil {
		log = func(string, ...any) {}
	}
	store, suites, err := stores(b, opt)
	if err != nil {
		return nil, err
	}
	from, ok := releases[suites[0]]
	if !ok {
		return nil, fmt.Errorf("no packages are known of suite %s", suites[0])
	}
	unlock, err := store.Lock(ctx, func() { log("another fetch is at work in %s; waiting for it", store.Dir) })
	if err != nil {
		return nil, err
	}
	defer unlock()
	if m, err := store.Verify(b.Name); err == nil {
		return m, nil
	}
	defer os.RemoveAll(store.State()) // indexes, many times the size of the rest
	archive, err := fetch.Machine(ctx)
	if err != nil {
		return nil, err
	}
	apt, err := fetch.NewApt(archive, store.State())
	if err != nil {
		return nil, err
	}
	return bring(ctx, store, b.Name, from, &fetch.Fetcher{Apt: apt, Suites: suites, Roots: roots, Log: log})
}

// stores gives the neighbours' store, and the suites that the build came from.
func stores(b openssl.Build, opt FetchOptions) (fetch.Store, []string, error) {
	var err error
	if opt.Dir == "" {
		if opt.Dir, err = DefaultDir(); err != nil {
			return fetch.Store{}, nil, err
		}
	}
	if opt.OpenSSL == "" {
		if opt.OpenSSL, err = openssl.DefaultDir(); err != nil {
			return fetch.Store{}, nil, err
		}
	}
	build, err := fetch.Store{Dir: opt.OpenSSL}.Manifest(b.Name)
	if err != nil {
		return fetch.Store{}, nil, err
	}
	if len(build.Suites) == 0 {
		return fetch.Store{}, nil, errors.New("the build's manifest names no suite")
	}
	return fetch.Store{Dir: opt.Dir}, build.Suites, nil
}

func bring(ctx context.Context, store fetch.Store, name string, from release, f *fetch.Fetcher) (*fetch.Manifest, error) {
	var m *fetch.Manifest
	var err error
	for _, version := range from.python {
		f.Packages = from.packages(version)
		m, err = store.Put(name, func(tree string) (*fetch.Manifest, error) { return f.Fetch(ctx, tree) })
		if !errors.Is(err, fetch.ErrPackage) {
			break
		}
	}
	return m, err
}
