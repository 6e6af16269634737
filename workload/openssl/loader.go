package openssl

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"

	"tlsbench/results/version"
	"tlsbench/workload/fetch"
	"tlsbench/workload/sharedlib"
)

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
