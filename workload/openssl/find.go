package openssl

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"tlsbench/results/version"
	"tlsbench/workload/fetch"
	"tlsbench/workload/sharedlib"
)

// Find resolves what --openssl takes, in the order given: "system", a line
// ("3.0") or an exact version ("3.0.20") in the cache, a folder with libcrypto
// and libssl or either file, or "all" for the system's and everything in the
// cache. A file that was named twice is given once; "all" also gives each
// version once. A line that is in the cache comes from there, also where the
// system has the same. cache is the cache folder, "" for the user's.
//
// A line of the cache whose files are not those that were fetched is an error,
// also of "all". One that this machine cannot run is an error by its name, and
// passed over by "all".
func Find(names []string, cache string) ([]Build, error) { return newFinder(cache).findAll(names) }

func (f *finder) findAll(names []string) ([]Build, error) {
	var builds []Build
	for _, name := range names {
		found, err := f.find(name)
		if err != nil {
			return nil, err
		}
		for _, b := range found {
			if !slices.ContainsFunc(builds, func(have Build) bool { return have.Libcrypto == b.Libcrypto }) {
				builds = append(builds, b)
			}
		}
	}
	if len(builds) == 0 {
		return nil, errors.New("find openssl: no build given; " + f.choices())
	}
	return builds, nil
}

// finder holds what is looked up once for all names.
type finder struct {
	store   fetch.Store
	noStore error // there is no cache folder to look in
	linker  *sharedlib.Linker
	glibc   string // release of the system's glibc
}

func newFinder(cache string) *finder {
	l := sharedlib.System()
	f := &finder{linker: l, glibc: sharedlib.GlibcRelease(l.Lookup("libc.so.6"))}
	f.store, f.noStore = fetch.Open(kind, cache)
	return f
}

func (f *finder) find(name string) ([]Build, error) {
	switch {
	case name == "all":
		return f.all()
	case name == "system":
		return one(f.system())
	case strings.ContainsRune(name, os.PathSeparator) || name == "." || name == "..":
		return one(f.folder(name))
	}
	if b, err := f.cached(name); err == nil || !errors.Is(err, os.ErrNotExist) {
		return one(b, err)
	}
	if _, err := os.Stat(name); err == nil {
		return one(f.folder(name))
	}
	if f.noStore != nil {
		return nil, fmt.Errorf("find openssl %q: not a folder, and %w; %s", name, f.noStore, f.choices())
	}
	return nil, fmt.Errorf("find openssl %q: it is neither in the cache nor a folder; %s", name, f.choices())
}

func one(b Build, err error) ([]Build, error) {
	if err != nil {
		return nil, err
	}
	return []Build{b}, nil
}

// all gives the system's build and the cache's, each version once: a cached
// copy of what the system has would only double the trials.
func (f *finder) all() ([]Build, error) {
	var builds []Build
	found, changed := f.here()
	if changed != nil {
		return nil, changed
	}
	for _, b := range found {
		if !slices.ContainsFunc(builds, func(have Build) bool { return have.Version == b.Version }) {
			builds = append(builds, b)
		}
	}
	if len(builds) == 0 {
		_, err := f.system()
		return nil, fmt.Errorf("find openssl \"all\": the cache %s is empty, and %w", f.store.Dir, err)
	}
	return builds, nil
}

// choices names what could have been asked for.
func (f *finder) choices() string {
	var have []string
	found, _ := f.here()
	for _, b := range found {
		have = append(have, fmt.Sprintf("%s (%s)", b.Name, b.Version))
	}
	have = append(have, "all", "or a folder with libcrypto.so.N and libssl.so.N")
	return "choose from " + strings.Join(have, ", ")
}

// lines lists the lines in the cache, oldest first.
func (f *finder) lines() []string {
	if f.noStore != nil {
		return nil
	}
	lines := f.store.Names()
	slices.SortFunc(lines, version.Compare)
	return lines
}

func (f *finder) line(name string) (Build, error) {
	m, err := f.store.Whole(name)
	var b Build
	if err == nil {
		b, err = f.unpacked(name, f.store.Tree(name), m)
	}
	if err != nil {
		return Build{}, fmt.Errorf("find openssl %q: %w; fetch it again", name, err)
	}
	return b, nil
}

// here gives all usable builds of the system and of the cache, and the error of the
// first that was changed since it was fetched.
func (f *finder) here() (builds []Build, changed error) {
	for _, l := range f.list(nil) {
		if l.Err == nil {
			builds = append(builds, l.Build)
		} else if errors.Is(l.Err, fetch.ErrChanged) {
			changed = cmp.Or(changed, l.Err)
		}
	}
	return builds, changed
}

// cached gives a build by line or exact version; os.ErrNotExist if there is
// none. The system's comes last.
func (f *finder) cached(name string) (Build, error) {
	if slices.Contains(f.lines(), name) {
		return f.line(name)
	}
	builds, changed := f.here()
	slices.SortStableFunc(builds, func(a, b Build) int {
		if (a.Source == System) != (b.Source == System) {
			return strings.Compare(string(a.Source), string(b.Source))
		}
		return version.Compare(b.Version, a.Version)
	})
	for _, b := range builds {
		if version.Of(b.Version, name) {
			return b, nil
		}
	}
	return Build{}, cmp.Or(changed, os.ErrNotExist)
}

// system gives the newest OpenSSL that the system's dynamic linker knows.
func (f *finder) system() (Build, error) {
	var files []string
	for _, soname := range f.libcryptos() {
		if file := f.linker.Lookup(soname); file != "" {
			files = append(files, file)
		}
	}
	if len(files) == 0 {
		return Build{}, errors.New("find openssl \"system\": no libcrypto.so.N on this system")
	}
	b, err := f.newest("system", System, files)
	if err != nil {
		return Build{}, fmt.Errorf("find openssl \"system\": %w", err)
	}
	return b, nil
}

// libcryptos lists the sonames of libcrypto on the system, newest first.
func (f *finder) libcryptos() []string {
	names := f.linker.Sonames(func(name string) bool {
		return libcryptoName.MatchString(name) && name != "libcrypto.so" // which is for compilers
	})
	slices.SortFunc(names, newerFirst)
	return names
}

// folder gives the build in a folder, or the one that a file belongs to.
func (f *finder) folder(name string) (Build, error) {
	st, err := os.Stat(name)
	if err != nil {
		return Build{}, fmt.Errorf("find openssl %q: %w; %s", name, err, f.choices())
	}
	abs, err := filepath.Abs(name)
	if err != nil {
		return Build{}, err
	}
	files := []string{abs}
	if st.IsDir() {
		if files = libcryptosBelow(abs); len(files) == 0 {
			return Build{}, fmt.Errorf("find openssl %q: it has no libcrypto.so.N, nor do its lib folders; %s", name, f.choices())
		}
	}
	b, err := f.newest(name, Folder, files)
	if err != nil {
		return Build{}, fmt.Errorf("find openssl %q: %w", name, err)
	}
	return b, nil
}

// newest gives the first of files that the rig can drive, or says what is
// wrong with the first.
func (f *finder) newest(name string, source Source, files []string) (Build, error) {
	var first error
	for _, file := range files {
		b, err := f.build(name, source, file)
		if err == nil {
			return b, nil
		}
		if first == nil {
			first = err
		}
	}
	return Build{}, first
}

// Libcrypto's file names: libcrypto.so.3, .so.1.1, and libcrypto.so alone as
// forks build it, so that Check can say what it is.
var libcryptoName = regexp.MustCompile(`^libcrypto\.so(\.[0-9]+)*$`)

func newerFirst(a, b string) int { return version.Compare(b, a) }

// libcryptosBelow lists the libcrypto files of a folder, newest first, or of the
// first of the places where an installation prefix or an unpacked package keeps
// its libraries.
func libcryptosBelow(root string) []string {
	for _, dir := range sharedlib.Folders(root) {
		files := sharedlib.NewLinker(dir).Sonames(libcryptoName.MatchString)
		slices.SortFunc(files, newerFirst)
		for i, name := range files {
			files[i] = filepath.Join(dir, name)
		}
		if len(files) > 0 {
			return files
		}
	}
	return nil
}

// Listed is one build, or a place that should hold one and why it does not.
type Listed struct {
	Name   string // what --openssl takes
	Source Source
	Build  Build
	Err    error
}

// List tells of every build there is to choose from: the system's, all of the
// cache folder ("" = the user's), and the folders given. Nothing is loaded or
// run; what only the library itself can tell is left to the rig.
func List(folders []string, cache string) []Listed { return newFinder(cache).list(folders) }

func (f *finder) list(folders []string) []Listed {
	var all []Listed
	add := func(name string, source Source, b Build, err error) {
		all = append(all, Listed{name, source, b, err})
	}
	b, err := f.system()
	add("system", System, b, err)
	for _, line := range f.lines() {
		b, err := f.line(line)
		add(line, Cache, b, err)
	}
	for _, folder := range folders {
		b, err := f.folder(folder)
		add(folder, Folder, b, err)
	}
	return all
}
