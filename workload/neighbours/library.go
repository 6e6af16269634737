// Package neighbours is the harness's side of the hazards that are real
// libraries: what these libraries are to be given, outside the rig.
//
//   - HTTPS is a web server on loopback for libcurl and other TLS clients.
//   - Database is one running PostgreSQL or MariaDB server (its Engine) with TLS,
//     started as an unprivileged user on a private folder and a free port. It is
//     never one that runs already.
//   - Find gives the file of a library that fits an OpenSSL build: one that needs
//     the same libcrypto, from the system for builds of the system, and from
//     the build's own Debian release for those of the cache (Fetch).
//
// Everything listens on 127.0.0.1 alone and ends with this process, also if it
// is killed. Nothing is left behind. Keys are in memory alone: a database, which
// wants a file, gets a memfd.
package neighbours

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"tlsbench/results/version"
	"tlsbench/workload/fetch"
	"tlsbench/workload/openssl"
	"tlsbench/workload/sharedlib"
)

// Library is a neighbour's library for one OpenSSL build.
type Library struct {
	Path string
	// Folders are to be searched for what it needs, for a library that does
	// not come from the system.
	Folders []string
	// Home is Python's installation prefix.
	Home string
}

// Kind is a library that Find knows.
type Kind string

const (
	Python Kind = "libpython"
	Curl   Kind = "libcurl"
	Libpq  Kind = "libpq"
	// Libmariadb is the client library of MariaDB.
	Libmariadb Kind = "libmariadb"
	// FIPS is OpenSSL's own module, a provider.
	FIPS Kind = "libfips"
)

// kind is how to find one, and what brings it.
type kind struct {
	soname  *regexp.Regexp
	install string // packages, for people
	// linked gives the files that bind libcrypto, for a library at path.
	linked func(path string) []string
}

var kinds = map[Kind]kind{
	Python:     {regexp.MustCompile(`^libpython3\.[0-9]+\.so\.1\.0$`), "libpython3.x and libpython3.x-stdlib", sslModules},
	Curl:       {regexp.MustCompile(`^libcurl\.so\.4$`), "libcurl4", itself},
	Libpq:      {regexp.MustCompile(`^libpq\.so\.5$`), "libpq5", itself},
	Libmariadb: {regexp.MustCompile(`^libmariadb\.so\.3$`), "libmariadb3", itself},
}

func itself(path string) []string { return []string{path} }

// pythonVersion is in the name of the library: libpython3.11.so.1.0.
var pythonVersion = regexp.MustCompile(`^lib(python3\.[0-9]+)\.so`)

// pythonHome is the folder that holds lib/python3.x for a library at path.
func pythonHome(path string) (home, lib string) {
	m := pythonVersion.FindStringSubmatch(filepath.Base(path))
	for dir := filepath.Dir(path); m != nil && dir != "/" && dir != "."; dir = filepath.Dir(dir) {
		lib = filepath.Join(dir, "lib", m[1])
		if info, err := os.Stat(lib); err == nil && info.IsDir() {
			return dir, lib
		}
	}
	return "", ""
}

// sslModules are the files of Python's module ssl, which bind libcrypto;
// libpython itself does not.
func sslModules(path string) []string {
	_, lib := pythonHome(path)
	if lib == "" {
		return nil
	}
	return sharedlib.Glob(filepath.Join(lib, "lib-dynload"), "_ssl.*.so")
}

// MissingError says what is missing for a build, and what brings it.
type MissingError struct{ Reason string }

func (e *MissingError) Error() string { return e.Reason }

func missing(format string, args ...any) error {
	return &MissingError{fmt.Sprintf(format, args...)}
}

// Find gives the library of a kind that uses the build's own libcrypto file: one
// that was unpacked from the build's release (Fetch), or the system's, for a
// build that runs on the system's C library and has the same soname. The error
// is a MissingError if there is none.
func Find(k Kind, b openssl.Build) (Library, error) {
	if k == FIPS {
		return findFIPS(b)
	}
	want, ok := kinds[k]
	if !ok {
		return Library{}, fmt.Errorf("find neighbour: unknown kind %q", k)
	}
	crypto, err := sharedlib.Read(b.Libcrypto)
	if err != nil {
		return Library{}, fmt.Errorf("find %s: %w", k, err)
	}
	var absent *MissingError
	lib, err := findFetched(k, b, crypto.Soname)
	if err == nil || !errors.As(err, &absent) {
		return lib, err
	}
	switch {
	case b.Loader == "":
		return pick(k, crypto.Soname, sharedlib.System(), nil)
	case errors.Is(err, errNotFetched):
		return Library{}, missing("%s for openssl %s has to come from the same release: fetch it with the build's neighbours (%s)",
			k, b.Version, want.install)
	}
	return Library{}, missing("openssl %s: its release has no %s that uses it: %v", b.Version, k, err)
}

// errNotFetched is of a build whose neighbours are not in the cache.
var errNotFetched = missing("not fetched")

// findFetched looks into what was fetched for a build; a library that is not
// there is a MissingError.
func findFetched(k Kind, b openssl.Build, soname string) (Library, error) {
	folders, err := fetched(b)
	if err != nil {
		return Library{}, err
	}
	return pick(k, soname, sharedlib.NewLinker(folders...), folders)
}

// fetched gives the folders of what was fetched for a build; the error is
// errNotFetched if nothing was.
func fetched(b openssl.Build) ([]string, error) {
	for _, store := range stores(b) {
		switch _, err := store.Whole(b.Name); {
		case err == nil:
			return sharedlib.Folders(store.Tree(b.Name)), nil
		case !errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("%w; fetch openssl %s with its neighbours again", err, b.Name)
		}
	}
	return nil, errNotFetched
}

// pick takes the newest library of a kind that binds soname.
func pick(k Kind, soname string, linker *sharedlib.Linker, folders []string) (Library, error) {
	want := kinds[k]
	names := linker.Sonames(want.soname.MatchString)
	slices.SortFunc(names, func(a, b string) int { return version.Compare(b, a) })
	problem := missing("%s is not installed: it comes with %s", k, want.install)
	for _, name := range names {
		path, err := filepath.EvalSymlinks(linker.Lookup(name))
		if err != nil {
			continue
		}
		if err := want.binds(path, soname); err != nil {
			problem = missing("%v (%s)", err, want.install)
			continue
		}
		home, _ := pythonHome(path)
		return Library{Path: path, Folders: folders, Home: home}, nil
	}
	return Library{}, problem
}

// binds checks that a library at path needs the libcrypto of that soname.
func (k kind) binds(path, soname string) error {
	files := k.linked(path)
	if len(files) == 0 {
		return fmt.Errorf("%s has no ssl module", filepath.Base(path))
	}
	for _, f := range files {
		o, err := sharedlib.Read(f)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(o.Needed, func(n string) bool { return strings.HasPrefix(n, "libcrypto.so") })
		switch {
		case i < 0:
			return fmt.Errorf("%s does not use OpenSSL", filepath.Base(f))
		case o.Needed[i] != soname:
			return fmt.Errorf("%s uses %s, not %s", filepath.Base(f), o.Needed[i], soname)
		}
	}
	return nil
}

// storeName is the name of the libraries' store.
const storeName = "neighbours"

// below is the store in a folder of builds that the user named.
func below(builds string) string { return filepath.Join(builds, "."+storeName) }

// stores are where a build's neighbours may be: below the folder that the user named
// for builds, and in the user's cache folder.
func stores(b openssl.Build) []fetch.Store {
	var list []fetch.Store
	if b.Source != openssl.Cache {
		return nil
	}
	if builds, _, ok := strings.Cut(b.Libcrypto, "/"+b.Name+"/tree/"); ok {
		list = append(list, fetch.Store{Dir: below(builds)})
	}
	if store, err := fetch.Open(storeName, ""); err == nil {
		list = append(list, store)
	}
	return list
}

// release says which packages of a suite have the neighbours' libraries.
type release struct {
	python []string // versions, in order of preference
	others []string // packages
}

// libmariadb3 used GnuTLS before, and OpenSSL's module is there from 3.5 on.
var releases = map[string]release{
	"bullseye":     {[]string{"3.9"}, []string{"libcurl4", "libpq5"}},
	"bookworm":     {[]string{"3.11"}, []string{"libcurl4", "libpq5", "libmariadb3"}},
	"trixie":       {[]string{"3.13"}, []string{"libcurl4t64", "libpq5", "libmariadb3", FIPSPackage}},
	"sid":          {[]string{"3.14", "3.13"}, []string{"libcurl4t64", "libpq5", "libmariadb3", FIPSPackage}},
	"experimental": {[]string{"3.14", "3.13"}, []string{"libcurl4t64", "libpq5", "libmariadb3", FIPSPackage}},
	"focal":        {[]string{"3.8"}, []string{"libcurl4", "libpq5"}},
	"jammy":        {[]string{"3.10"}, []string{"libcurl4", "libpq5", "libmariadb3"}},
	"resolute":     {[]string{"3.14"}, []string{"libcurl4t64", "libpq5", "libmariadb3"}},
}

// roots are the files that the rig loads, or makes the neighbours load.
var roots = []string{
	"usr/lib/*/libpython3.*.so.1.0", "usr/lib/python3.*/lib-dynload/_ssl.*.so",
	"usr/lib/python3.*/lib-dynload/_hashlib.*.so", "usr/lib/*/libcurl.so.4", "usr/lib/*/libpq.so.5", "usr/lib/*/libmariadb.so.3",
	"usr/lib/*/" + FIPSModule,
}

// Fetch brings libpython with its modules, libcurl, libpq and libmariadb of a
// cached build's own release into the cache, next to the system. builds is the
// folder of the cached builds, "" for the user's; the neighbours of builds in another
// folder go below it. For the rest see fetch.Fetch.
func Fetch(ctx context.Context, b openssl.Build, builds string, opt fetch.Options) (*fetch.Manifest, error) {
	what := "neighbours of openssl " + b.Name
	if b.Source != openssl.Cache {
		return nil, fmt.Errorf("fetch %s: only builds in the cache come from a known release", what)
	}
	suites, err := openssl.Suites(b.Name, builds)
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", what, err)
	}
	if opt.Dir == "" && builds != "" {
		opt.Dir = below(builds)
	}
	want := fetch.Want[*fetch.Manifest]{
		Name: b.Name, What: what,
		Sources: func(string) ([]fetch.Source, error) { return sources(suites) },
		Find: func(_ string, m *fetch.Manifest) (*fetch.Manifest, error) {
			for _, p := range releases[suites[0]].others {
				if m.Package(p).Name == "" {
					return nil, fmt.Errorf("%s is not among them", p)
				}
			}
			return m, nil
		},
	}
	all, err := fetch.Fetch(ctx, storeName, []fetch.Want[*fetch.Manifest]{want}, opt)
	if err != nil {
		return nil, err
	}
	return all[0].Found, all[0].Err
}

// sources gives one for each version of Python that the release may have.
func sources(suites []string) ([]fetch.Source, error) {
	from, ok := releases[suites[0]]
	if !ok {
		return nil, fmt.Errorf("no packages of suite %s are known", suites[0])
	}
	var list []fetch.Source
	for _, version := range from.python {
		p := "libpython" + version
		list = append(list, fetch.Source{
			Suites: suites, Packages: append([]string{p, p + "-minimal", p + "-stdlib"}, from.others...), Roots: roots,
		})
	}
	return list, nil
}
