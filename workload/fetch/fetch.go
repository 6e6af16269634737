// Package fetch brings packages of any release of Debian or Ubuntu into the
// user's cache, next to the system and without root.
//
// A catalogue says what is wanted (Want): which packages of which release, and
// how to tell that a tree holds it. Fetch goes through the list: is it in the
// cache, and does it match its manifest? If not, it resolves, downloads,
// unpacks and records it. There are three catalogues: OpenSSL lines, their
// neighbours' libraries, and daemons.
//
// apt-get and dpkg-deb do the work; the package keeps them away from the system
// and judges what they say:
//
//  1. The machine's apt is asked which archive it is set up to use, and with
//     which keyring (archive.go). No host name is written here.
//  2. apt runs on a state folder of its own (apt.go): own sources, own indexes,
//     own package cache. The machine's apt.conf stays in force (proxies,
//     certificates, what is checked), but its sources, its preferences and the
//     commands it runs after an update do not. apt checks each index against the
//     keyring and each package against its index.
//  3. Packages are unpacked (unpack.go), and those that the unpacked files need.
//  4. A Store is a folder of such trees (store.go). A tree is unpacked elsewhere
//     and renamed into place; its manifest has the hash of every file.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// Want is one tree that a catalogue asks for, and T what it is good for once it
// is there.
type Want[T any] struct {
	Name string // in the store: "3.5"
	What string // in messages: "openssl 3.5"
	// Sources gives where a distribution ("debian", "ubuntu") has it, the best
	// first. The next one is tried if the archive has no such package.
	Sources func(distro string) ([]Source, error)
	// Find looks at a tree, and says what is wrong if it is not what is wanted.
	Find func(tree string, m *Manifest) (T, error)
}

// Source is some packages of one release.
type Source struct {
	Suites   []string // the release's own first; see Suites
	Packages []string
	// Roots are patterns of files below the tree. What these files need is
	// looked for in the packages that the ones so far depend on, and nothing
	// else of those dependencies is followed: most only matter to a system
	// that the package is installed on.
	Roots []string
	// Private are patterns of folders below the tree where libraries are looked for
	// too, for programs that bring their own.
	Private []string
	// Then names more packages and roots, by what was unpacked; nil = no more.
	Then func(tree string) (packages, roots []string)
}

// Suites gives the suites that make up a release: those of fixes as well,
// which a development suite does not have.
func Suites(release string) []string {
	switch release {
	case "sid", "unstable", "experimental":
		return []string{release}
	}
	return []string{release, release + "-updates", release + "-security"}
}

// Options say how to fetch.
type Options struct {
	Dir     string                           // folder of the store; "" = in the user's cache folder
	Log     func(format string, args ...any) // one step; nil = silent
	Refresh bool                             // fetch again what is there and whole
}

// Choose gives the rows of a catalogue that are named; no names, or "all", is every
// row.
func Choose[T any](what string, rows []T, name func(T) string, names []string) ([]T, error) {
	var known []string
	for _, row := range rows {
		known = append(known, name(row))
	}
	var list []T
	for _, n := range names {
		if i := slices.Index(known, n); i >= 0 {
			list = append(list, rows[i])
		} else if n != "all" {
			return nil, fmt.Errorf("unknown %s %q: choose from %s, all", what, n, strings.Join(known, ", "))
		}
	}
	if len(names) == 0 || slices.Contains(names, "all") {
		return slices.Clone(rows), nil
	}
	return list, nil
}

// Fetched is what became of one Want. Err is one line of text; the others went
// on.
type Fetched[T any] struct {
	Name  string
	Found T
	New   bool     // downloaded now, not found in the cache
	Notes []string // what a reader should know, such as an old index
	Err   error
}

// Fetch brings what is wanted into the store of that kind. What is there and
// verifies is left alone, and costs no network. What is wrong with one tree is
// in its Fetched, and the others go on. The error is about all that were left to
// do, and said once: a folder that cannot be used, no archive (ErrNoArchive), no
// network (ErrOffline).
func Fetch[T any](ctx context.Context, kind string, wants []Want[T], opt Options) ([]Fetched[T], error) {
	if opt.Log == nil {
		opt.Log = func(string, ...any) {}
	}
	store, err := Open(kind, opt.Dir)
	if err == nil {
		err = Loadable(store.Dir, ":;$")
	}
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", kind, err)
	}
	unlock, err := store.Lock(ctx, func() { opt.Log("another fetch is at work in %s; waiting for it", store.Dir) })
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", kind, err)
	}
	defer unlock()
	// The indexes are many times the size of what is wanted, and old tomorrow.
	defer os.RemoveAll(store.state())
	x := &fetching[T]{Options: opt, store: store}
	return x.run(ctx, wants)
}

// fetching is the state of one Fetch.
type fetching[T any] struct {
	Options
	store Store
	apt   *apt // nil until something has to be downloaded
}

// run takes one after the other. Without an archive or a network the rest is
// only looked up in the cache.
func (x *fetching[T]) run(ctx context.Context, wants []Want[T]) ([]Fetched[T], error) {
	var all []Fetched[T]
	var hopeless error
	for _, w := range wants {
		got, ok := x.cached(w)
		if !ok && hopeless != nil {
			continue
		}
		if !ok {
			got = x.bring(ctx, w)
		}
		switch {
		case ctx.Err() != nil:
			return all, ctx.Err()
		case errors.Is(got.Err, ErrOffline), errors.Is(got.Err, ErrNoArchive):
			hopeless = got.Err
		default:
			all = append(all, got)
		}
	}
	return all, hopeless
}

// cached looks in the store, and says whether nothing needs to be done.
func (x *fetching[T]) cached(w Want[T]) (Fetched[T], bool) {
	got := Fetched[T]{Name: w.Name}
	if x.Refresh {
		return got, false
	}
	m, err := x.store.Verify(w.Name)
	if err == nil {
		got.Notes = m.Notes
		got.Found, err = w.Find(x.store.Tree(w.Name), m)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		x.Log("%s: %v; fetching it again", w.Name, err)
	}
	return got, err == nil
}

// bring downloads a tree from the first source that has it. The tree is looked
// at before it goes into place.
func (x *fetching[T]) bring(ctx context.Context, w Want[T]) Fetched[T] {
	got := Fetched[T]{Name: w.Name}
	sources, err := x.sources(ctx, w)
	for _, p := range sources {
		var m *Manifest
		m, err = x.store.Put(w.Name, func(tree string) (*Manifest, error) {
			m, err := x.unpack(ctx, w.Name, p, tree)
			if err == nil {
				_, err = w.Find(tree, m)
			}
			return m, err
		})
		if err == nil {
			got.Notes, got.New = m.Notes, true
			got.Found, err = w.Find(x.store.Tree(w.Name), m)
		}
		if !errors.Is(err, ErrPackage) {
			break
		}
	}
	if err != nil {
		got.Err = fmt.Errorf("fetch %s: %w", w.What, err)
	}
	return got
}

// sources asks once what the machine's archive is.
func (x *fetching[T]) sources(ctx context.Context, w Want[T]) ([]Source, error) {
	if x.apt == nil {
		archive, err := machine(ctx)
		if err != nil {
			return nil, err
		}
		if x.apt, err = newApt(archive, x.store.state()); err != nil {
			return nil, err
		}
	}
	return w.Sources(x.apt.archive.distro)
}

// unpack fills a tree from a source.
func (x *fetching[T]) unpack(ctx context.Context, name string, p Source, tree string) (*Manifest, error) {
	log := func(format string, args ...any) { x.Log(name+": "+format, args...) }
	u := &unpacking{Source: p, apt: x.apt, ctx: ctx, tree: tree, log: log}
	m, err := u.fill()
	if err != nil || p.Then == nil {
		return m, err
	}
	if u.Packages, u.Roots = p.Then(tree); len(u.Packages) == 0 {
		return m, nil
	}
	return u.fill()
}
