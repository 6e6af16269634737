// Package openssl finds OpenSSL builds to run the rig on: the system's own,
// those that Fetch brought into the cache, and any folder.
//
// A build is judged from its files alone, without loading them: a file that
// is not OpenSSL, or not for this machine, must be refused with a reason
// before a process is started on it. The steps are
//
//  1. package sharedlib reads one file: machine, soname, needed libraries and
//     symbol versions;
//  2. what the rig cannot drive is refused (check.go);
//  3. Find turns what a user wrote into builds, and gives each build a loader
//     where the system's C library is too old for it;
//  4. Fetch fills the cache from the Debian or Ubuntu archive that the
//     machine itself is set up to use.
//
// What only a running library can tell (its own idea of its version, how many
// thread-local keys it makes) is left to the rig.
package openssl

import (
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

// Source says where a build was found.
type Source string

// The places that Find looks at.
const (
	System Source = "system"
	Cache  Source = "cache"
	Folder Source = "folder"
)

// Build is one OpenSSL: the two library files, and, where the build needs a
// newer C library than the system has, the loader and the folders to run the
// rig with.
type Build struct {
	Name        string   // as asked for: "system", "3.5", a folder
	Libcrypto   string   // resolved path of the file
	Libssl      string   // resolved path of the file
	Loader      string   // "" = the system's own
	LibraryPath []string // for Loader, or for the dependencies of Libssl

	Source  Source
	Version string // exact, from the version string in Libcrypto: "3.0.20"
	Text    string // that whole string: "OpenSSL 3.0.20 7 Apr 2026"
	Glibc   string // release of the glibc that it runs on: "2.41"
	Package string // name and version of the Debian package, where known
}

// Command gives the argument list that runs exe on this build: exe alone, or
// through the build's loader. Without a loader of its own the build may still
// have a LibraryPath; Environ passes that on.
func (b Build) Command(exe string, args ...string) []string {
	if b.Loader == "" {
		return append([]string{exe}, args...)
	}
	via := []string{b.Loader}
	if len(b.LibraryPath) > 0 {
		via = append(via, "--library-path", strings.Join(b.LibraryPath, ":"))
	}
	return append(append(via, exe), args...)
}

// Environ gives env with what the system's loader needs to find the build's
// dependencies. The build's own loader is told on its command line: as a
// variable, the folder would reach programs that run on the system's glibc.
func (b Build) Environ(env []string) []string {
	if b.Loader != "" || len(b.LibraryPath) == 0 {
		return env
	}
	const name = "LD_LIBRARY_PATH="
	path := strings.Join(b.LibraryPath, ":")
	for _, v := range env {
		if more, ok := strings.CutPrefix(v, name); ok {
			path += ":" + more
		}
	}
	return append(slices.Clip(env), name+path) // of one name the last holds
}

// The names that stand for this user's folders in files that others read, and
// that another user or machine resolves for itself.
const (
	cacheName = "$CACHE"
	homeName  = "~"
)

// Portable gives a path, or a text with paths in it, as a results file has it: the
// user's cache and home folders become $CACHE and ~, so that the file says which
// library it was and not who ran it, and so that it can be resumed in another account.
func Portable(text string) string {
	for _, p := range prefixes() {
		path := regexp.MustCompile(`(^|[^\pL\pN_./-])` + regexp.QuoteMeta(p.dir) + `[\pL\pN_.-]*`)
		text = path.ReplaceAllStringFunc(text, func(found string) string {
			before, after, _ := strings.Cut(found, p.dir)
			if strings.Trim(after, ".") != "" {
				return found // another folder, whose name begins so
			}
			return before + p.name + after
		})
	}
	return text
}

// Local gives this user's path for a portable one.
func Local(path string) string {
	first, rest, _ := strings.Cut(path, "/")
	for _, p := range prefixes() {
		if first == p.name {
			return filepath.Join(p.dir, rest)
		}
	}
	return path
}

type prefix struct{ name, dir string }

// prefixes has the cache first: it is in the home folder for most. A folder that is
// reached through a link has two names: the kernel tells the other one.
func prefixes() []prefix {
	var list []prefix
	add := func(name, dir string, err error) {
		real, _ := filepath.EvalSymlinks(dir)
		for _, dir := range []string{filepath.Clean(dir), real} {
			if p := (prefix{name, dir}); err == nil && dir != "" && dir != "/" && !slices.Contains(list, p) {
				list = append(list, p)
			}
		}
	}
	cache, err := os.UserCacheDir()
	add(cacheName, cache, err)
	home, err := os.UserHomeDir()
	add(homeName, home, err)
	return list
}

// Portable gives the build with portable paths, for a results file.
func (b Build) Portable() Build { return b.paths(Portable) }

// Local gives a build from a results file with the paths of this user.
func (b Build) Local() Build { return b.paths(Local) }

func (b Build) paths(change func(string) string) Build {
	b.Libcrypto, b.Libssl, b.Loader = change(b.Libcrypto), change(b.Libssl), change(b.Loader)
	folders := b.LibraryPath
	b.LibraryPath = nil
	for _, dir := range folders {
		b.LibraryPath = append(b.LibraryPath, change(dir))
	}
	if b.Source == Folder {
		b.Name = change(b.Name)
	}
	return b
}

// build makes a Build of the pair that file belongs to, and chooses what to
// run it with. The pair is what stands side by side under the names that the
// linker knows; only then are links resolved, since they may point anywhere.
func (f *finder) build(name string, source Source, file string) (Build, error) {
	p, err := inspect(file)
	if err != nil {
		return Build{}, err
	}
	b := Build{Name: name, Source: source, Version: p.version, Text: p.text}
	if b.Libcrypto, err = filepath.EvalSymlinks(p.crypto.Path); err != nil {
		return Build{}, err
	}
	if b.Libssl, err = filepath.EvalSymlinks(p.ssl.Path); err != nil {
		return Build{}, err
	}
	if err := f.chooseLoader(&b, p); err != nil {
		return Build{}, err
	}
	return b, nil
}

// chooseLoader gives b the system's loader if the system's glibc is new
// enough for all files that will be mapped, else one that stands with the
// build, else the cache's oldest that will do.
func (f *finder) chooseLoader(b *Build, p *pair) error {
	folder := filepath.Dir(p.crypto.Path)
	c, err := sharedlib.Follow([]*sharedlib.Object{p.crypto, p.ssl}, []string{folder}, f.linker)
	if err != nil {
		return err
	}
	if len(c.Unmet) > 0 {
		return fmt.Errorf("%s needs %s, which is neither in its folder nor on the system", c.Unmet[0].By, c.Unmet[0].Soname)
	}
	b.LibraryPath, b.Glibc = c.Folders, f.glibc
	if g, needed := f.otherGlibc(c, folder); needed {
		if g.Loader == "" {
			return fmt.Errorf("%s needs glibc %s, but the system has %s: put that release's loader and libc.so.6 into its folder, or fetch a line that includes them",
				b.Libcrypto, c.Glibc, f.glibc)
		}
		b.Loader, b.Glibc, b.LibraryPath = g.Loader, g.Release, []string{g.Folder}
		if folder != g.Folder {
			b.LibraryPath = append(b.LibraryPath, folder)
		}
	}
	for _, dir := range b.LibraryPath {
		if err := fetch.Loadable(dir, ":;$"); err != nil {
			return err
		}
	}
	return nil
}

// otherGlibc says whether the build has to run on another glibc than the
// system's, and on which.
func (f *finder) otherGlibc(c sharedlib.Closure, folder string) (g sharedlib.Glibc, needed bool) {
	with := glibcsBelow(packageRoot(folder))
	if version.Compare(f.glibc, c.Glibc) < 0 {
		if g, ok := oldestGlibc(with, c.Glibc); ok {
			return g, true
		}
		g, _ = oldestGlibc(f.fetchedGlibcs(), c.Glibc)
		return g, true
	}
	// The system's would do, but the folder that the dependencies come from
	// has a libc.so.6 too, and the system's loader must not find that one.
	for _, g := range with {
		if slices.Contains(c.Folders, g.Folder) && version.Compare(g.Release, c.Glibc) >= 0 {
			return g, true
		}
	}
	return sharedlib.Glibc{}, false
}

// oldestGlibc gives the oldest that will do: the smallest step away from the
// system.
func oldestGlibc(all []sharedlib.Glibc, needs string) (sharedlib.Glibc, bool) {
	slices.SortStableFunc(all, func(a, b sharedlib.Glibc) int {
		return version.Compare(a.Release, b.Release)
	})
	for _, g := range all {
		if version.Compare(g.Release, needs) >= 0 {
			return g, true
		}
	}
	return sharedlib.Glibc{}, false
}

// fetchedGlibcs lists the C libraries that lines of the cache brought along.
func (f *finder) fetchedGlibcs() []sharedlib.Glibc {
	var all []sharedlib.Glibc
	for _, line := range f.lines() {
		if found := glibcsBelow(f.store.Tree(line)); len(found) > 0 {
			if _, err := f.store.Whole(line); err == nil {
				all = append(all, found...)
			}
		}
	}
	return all
}

// glibcsBelow looks for C libraries in the library folders below root.
func glibcsBelow(root string) []sharedlib.Glibc {
	var all []sharedlib.Glibc
	for _, dir := range sharedlib.Folders(root) {
		if g, ok := sharedlib.GlibcIn(dir); ok {
			all = append(all, g)
		}
	}
	return all
}

var multiarch = regexp.MustCompile(`^[a-z0-9_]+-linux-gnu[a-z0-9]*$`)

// packageRoot gives the folder that usr/lib/TUPLE or lib64 stands in; else
// the folder itself.
func packageRoot(dir string) string {
	for {
		switch base := filepath.Base(dir); {
		case base == "lib", base == "lib64", base == "usr", multiarch.MatchString(base):
			dir = filepath.Dir(dir)
		default:
			return dir
		}
	}
}
