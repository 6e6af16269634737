package openssl

import (
	"context"
	"errors"
	"fmt"
	"os"

	"tlsbench/workload/fetch"
)

// FetchOptions says where Fetch puts builds, and how it tells of its steps.
type FetchOptions struct {
	Dir     string                           // cache folder; "" = DefaultDir
	Log     func(format string, args ...any) // one step; nil = silent
	Refresh bool                             // fetch again what is there and whole
}

// Fetched is what became of one line. Err is one line of text; the other
// lines went on.
type Fetched struct {
	Line  string
	Build Build
	New   bool     // downloaded now, not found in the cache
	Notes []string // what a reader should know, such as an old index
	Err   error
}

// Fetch brings OpenSSL lines into the cache; no names, or "all", is all of
// Lines. A line that is there and verifies is left alone, and costs no
// network. What is wrong with one line is in its Fetched, and the others go
// on. The error is about all that were left to do, and said once: names that
// are no lines, a folder that cannot be used, no archive, no network.
func Fetch(ctx context.Context, names []string, opt FetchOptions) ([]Fetched, error) {
	lines, err := parseLines(names)
	if err != nil {
		return nil, err
	}
	f, err := newFinder(FindOptions{Dir: opt.Dir})
	if err != nil {
		return nil, err
	}
	x := &fetching{finder: f, opt: opt, store: fetch.Store{Dir: f.dir}}
	unlock, err := x.store.Lock(ctx, func() { x.log("another fetch is at work in %s; waiting for it", f.dir) })
	if err != nil {
		return nil, fmt.Errorf("fetch openssl: %w", err)
	}
	defer unlock()
	// The indexes are many times the size of the builds, and old tomorrow.
	defer os.RemoveAll(x.store.State())
	return x.run(ctx, lines)
}

// fetching is the state of one Fetch.
type fetching struct {
	*finder
	opt     FetchOptions
	store   fetch.Store
	archive *fetch.Archive
	apt     *fetch.Apt // nil until something has to be downloaded
}

func (x *fetching) log(format string, args ...any) {
	if x.opt.Log != nil {
		x.opt.Log(format, args...)
	}
}

// run does one line after the other. Without an archive or a network the
// rest is only looked up in the cache.
func (x *fetching) run(ctx context.Context, lines []string) ([]Fetched, error) {
	var all []Fetched
	var hopeless error
	for _, line := range lines {
		got, ok := x.whole(line)
		if !ok && hopeless == nil {
			got = x.bring(ctx, line)
		} else if !ok {
			continue
		}
		switch {
		case ctx.Err() != nil:
			return all, ctx.Err()
		case errors.Is(got.Err, fetch.ErrOffline), errors.Is(got.Err, fetch.ErrNoArchive):
			hopeless = fmt.Errorf("%w; bring a build yourself and name its folder with --openssl DIR", got.Err)
		default:
			all = append(all, got)
		}
	}
	return all, hopeless
}

// whole looks a line up in the cache, and says whether it needs nothing done.
func (x *fetching) whole(line string) (Fetched, bool) {
	if x.opt.Refresh {
		return Fetched{}, false
	}
	m, err := x.store.Verify(line)
	if err == nil {
		var b Build
		if b, err = x.finder.line(line); err == nil {
			return Fetched{Line: line, Build: b, Notes: m.Notes}, true
		}
	}
	if !errors.Is(err, os.ErrNotExist) {
		x.log("%s: %v; fetching it again", line, err)
	}
	return Fetched{}, false
}

// bring downloads a line from the first release that has it.
func (x *fetching) bring(ctx context.Context, line string) Fetched {
	got := Fetched{Line: line}
	places, err := x.places(ctx, line)
	for _, place := range places {
		var m *fetch.Manifest
		if m, err = x.unpack(ctx, line, place); err == nil {
			got.Notes, got.New = m.Notes, true
			got.Build, err = x.finder.line(line)
			break
		}
	}
	if err != nil {
		got.Err = fmt.Errorf("fetch openssl %s: %w", line, err)
	}
	return got
}

// places asks once what the machine's archive is.
func (x *fetching) places(ctx context.Context, line string) ([]release, error) {
	if x.apt == nil {
		archive, err := fetch.Machine(ctx)
		if err != nil {
			return nil, err
		}
		if x.apt, err = fetch.NewApt(archive, x.store.State()); err != nil {
			return nil, err
		}
		x.archive = archive
	}
	return releasesOf(x.archive.Distro, line)
}

// unpack makes the line's tree, and looks whether it holds that line before
// it goes into place.
func (x *fetching) unpack(ctx context.Context, line string, from release) (*fetch.Manifest, error) {
	fetcher := &fetch.Fetcher{
		Apt:      x.apt,
		Suites:   from.suites,
		Packages: []string{from.library},
		Roots:    []string{"lib/*/libcrypto.so.*", "lib/*/libssl.so.*", "usr/lib/*/libcrypto.so.*", "usr/lib/*/libssl.so.*"},
		Glibc:    x.glibc,
		Log:      func(format string, args ...any) { x.log(line+": "+format, args...) },
	}
	return x.store.Put(line, func(tree string) (*fetch.Manifest, error) {
		m, err := fetcher.Fetch(ctx, tree)
		if err != nil {
			return nil, err
		}
		b, err := x.newest(line, Cache, libcryptosBelow(tree))
		switch {
		case err != nil:
			return nil, err
		case b.Version == "":
			return nil, fmt.Errorf("package %s %s: no libcrypto.so.N in it", from.library, m.Version(from.library))
		case !hasLine(b.Version, line):
			return nil, fmt.Errorf("suite %s now has %s, not %s", from.suites[0], b.Version, line)
		}
		return m, nil
	})
}
