package openssl

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"tlsbench/results/version"
	"tlsbench/workload/fetch"
)

// kind is the name of the builds' store.
const kind = "openssl"

// Lines are the lines of OpenSSL that Fetch knows, oldest first.
var Lines = []string{"1.1.1", "3.0", "3.5", "3.6", "4.0"}

// sources names, for each distribution and line, where to take it from.
// Development releases move on to the next line in time; what they have is
// compared with the line after unpacking.
var sources = map[string]map[string]fetch.Source{
	"debian": {
		"1.1.1": library("libssl1.1", fetch.Suites("bullseye")...),
		"3.0":   library("libssl3", fetch.Suites("bookworm")...),
		"3.5":   library("libssl3t64", fetch.Suites("trixie")...),
		"3.6":   library("libssl3t64", fetch.Suites("sid")...),
		// apt takes from experimental only what sid lacks (its Release file
		// says NotAutomatic), so libc6 is sid's.
		"4.0": library("libssl4", "experimental", "sid"),
	},
	"ubuntu": {
		"1.1.1": library("libssl1.1", fetch.Suites("focal")...),
		"3.0":   library("libssl3", fetch.Suites("jammy")...),
		"3.5":   library("libssl3t64", fetch.Suites("resolute")...),
	},
}

func library(pkg string, suites ...string) fetch.Source {
	return fetch.Source{Suites: suites, Packages: []string{pkg}, Roots: []string{
		"lib/*/libcrypto.so.*", "lib/*/libssl.so.*", "usr/lib/*/libcrypto.so.*", "usr/lib/*/libssl.so.*",
	}}
}

// byHand is what helps where the archive does not.
const byHand = "bring a build yourself and name its folder with --openssl DIR"

// Fetch brings OpenSSL lines into the cache; no names, or "all", is all of
// Lines. For the rest see fetch.Fetch.
func Fetch(ctx context.Context, names []string, opt fetch.Options) ([]fetch.Fetched[Build], error) {
	lines, err := fetch.Choose("openssl line", Lines, func(line string) string { return line }, names)
	if err != nil {
		return nil, err
	}
	f := newFinder(opt.Dir)
	var wants []fetch.Want[Build]
	for i, line := range lines {
		if slices.Contains(lines[:i], line) {
			continue
		}
		wants = append(wants, fetch.Want[Build]{
			Name: line, What: "openssl " + line,
			Sources: func(distro string) ([]fetch.Source, error) {
				if p, ok := sources[distro][line]; ok {
					return []fetch.Source{p}, nil
				}
				return nil, fmt.Errorf("%s: no release has this line; %s", distro, byHand)
			},
			Find: func(tree string, m *fetch.Manifest) (Build, error) { return f.unpacked(line, tree, m) },
		})
	}
	all, err := fetch.Fetch(ctx, kind, wants, opt)
	if errors.Is(err, fetch.ErrOffline) || errors.Is(err, fetch.ErrNoArchive) {
		err = fmt.Errorf("%w; %s", err, byHand)
	}
	return all, err
}

// unpacked gives the build of a line in a tree.
func (f *finder) unpacked(line, tree string, m *fetch.Manifest) (Build, error) {
	pkg := m.Package("libssl")
	files := libcryptosBelow(tree)
	if len(files) == 0 {
		return Build{}, fmt.Errorf("package %s: it has no libcrypto.so.N", pkg)
	}
	b, err := f.newest(line, Cache, files)
	if err == nil && !version.Of(b.Version, line) {
		err = fmt.Errorf("suite %s now has %s, not %s", cmp.Or(m.Suites...), b.Version, line)
	}
	b.Package = pkg.String()
	return b, err
}

// Suites gives the suites that a line of the cache was fetched from.
func Suites(line, cache string) ([]string, error) {
	store, err := fetch.Open(kind, cache)
	if err != nil {
		return nil, err
	}
	m, err := store.Whole(line)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("openssl %s is not in the cache: fetch it first", line)
	}
	if err != nil {
		return nil, err
	}
	if len(m.Suites) == 0 {
		return nil, fmt.Errorf("the manifest of openssl %s names no suite", line)
	}
	return m.Suites, nil
}
