package openssl

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
)

// glibcFamily are the libraries of glibc itself: they come with the loader.
var glibcFamily = regexp.MustCompile(`^(lib(c|m|dl|pthread|rt|resolv|util|nsl|anl|mvec)\.so\.[0-9]+|ld-?(linux|64)?[^/]*\.so\.[0-9]+)$`)

// glibcLoader are the file names of glibc's loader on the architectures that
// Debian has.
var glibcLoader = regexp.MustCompile(`^ld(-linux[^/]*|64)?\.so\.[0-9]+$`)

// glibcRelease reads the release number from a libc.so.6 or a loader: both
// carry a line that ends in "release version 2.36.". "" if there is none.
func glibcRelease(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	all, err := io.ReadAll(f)
	if err != nil {
		return ""
	}
	if m := glibcTag.FindSubmatch(all); m != nil {
		return string(m[1])
	}
	return ""
}

// libc is a C library beside its loader.
type libc struct {
	loader  string
	folder  string
	release string
}

// libcsBelow looks for unpacked C libraries in a folder.
func libcsBelow(root string) []libc {
	var all []libc
	for _, dir := range libraryFolders(root) {
		if c, ok := libcIn(dir); ok {
			all = append(all, c)
		}
	}
	return all
}

// libcIn takes the loader and the library from one folder: Debian's package
// has both in its multiarch folder. The two must be of one release.
func libcIn(dir string) (libc, bool) {
	release := glibcRelease(filepath.Join(dir, "libc.so.6"))
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		loader := filepath.Join(dir, e.Name())
		if release != "" && glibcLoader.MatchString(e.Name()) && fits(loader) {
			return libc{loader, dir, release}, true
		}
	}
	return libc{}, false
}

// build makes a Build of the pair that file belongs to, and chooses what to
// run it with.
func (f *finder) build(name string, source Source, file string) (Build, error) {
	real, err := filepath.EvalSymlinks(file)
	if err != nil {
		return Build{}, err
	}
	// Both names may be links into different folders; the pair is the one
	// that stands side by side under the names the linker knows.
	p, err := inspect(file)
	if err != nil {
		return Build{}, err
	}
	ssl, err := filepath.EvalSymlinks(p.ssl.path)
	if err != nil {
		return Build{}, err
	}
	if base, _ := siblings(file); base != file {
		if real, err = filepath.EvalSymlinks(base); err != nil {
			return Build{}, err
		}
	}
	b := Build{Name: name, Libcrypto: real, Libssl: ssl, Source: source, Version: p.version, Text: p.text}
	return b, f.chooseLoader(&b, p)
}

// chooseLoader gives b the system's loader if the system's glibc is new
// enough for all files that will be mapped, else one that stands with the
// build, else the cache's oldest that will do.
func (f *finder) chooseLoader(b *Build, p *pair) error {
	own := []string{filepath.Dir(p.crypto.path)}
	needs, dirs, err := f.dependencies(p, own)
	if err != nil {
		return err
	}
	b.Needs = needs
	if CompareVersions(f.glibc, needs) >= 0 {
		b.Glibc = f.glibc
		b.LibraryPath = dirs
		return nil
	}
	root := packageRoot(filepath.Dir(b.Libcrypto))
	c, ok := pickLibc(libcsBelow(root), needs)
	if !ok {
		c, ok = pickLibc(f.cachedLibcs(), needs)
	}
	if !ok {
		return fmt.Errorf("%s needs glibc %s, the system has %s: fetch a line that brings a newer one, or put its loader and libc.so.6 beside it",
			b.Libcrypto, needs, f.glibc)
	}
	b.Loader, b.Glibc = c.loader, c.release
	b.LibraryPath = slices.Compact(append([]string{c.folder}, append(dirs, own...)...))
	return nil
}

// pickLibc gives the oldest that will do: the smallest step away from the
// system.
func pickLibc(all []libc, needs string) (libc, bool) {
	slices.SortStableFunc(all, func(a, b libc) int { return CompareVersions(a.release, b.release) })
	for _, c := range all {
		if CompareVersions(c.release, needs) >= 0 {
			return c, true
		}
	}
	return libc{}, false
}

// packageRoot gives the folder that usr/lib/TUPLE stands in, for a library
// folder in an unpacked package; else the folder itself.
func packageRoot(dir string) string {
	for range 3 {
		switch base := filepath.Base(dir); {
		case base == "lib", base == "lib64", base == "usr", multiarch.MatchString(base):
			dir = filepath.Dir(dir)
		}
	}
	return dir
}

var multiarch = regexp.MustCompile(`^[a-z0-9_]+-linux-gnu[a-z0-9]*$`)

// dependencies follows what the pair needs besides glibc, first in the
// build's own folders, then on the system. It gives the newest glibc that any
// of them needs, and the folders beside the system's that something came from.
func (f *finder) dependencies(p *pair, own []string) (needs string, dirs []string, err error) {
	seen := map[string]bool{p.crypto.soname: true, p.ssl.soname: true}
	queue := []*object{p.crypto, p.ssl}
	for len(queue) > 0 {
		o := queue[0]
		queue = queue[1:]
		if CompareVersions(o.glibc, needs) > 0 {
			needs = o.glibc
		}
		for _, soname := range o.needed {
			if seen[soname] || glibcFamily.MatchString(soname) {
				continue
			}
			seen[soname] = true
			path, isOwn := f.resolve(soname, own)
			if path == "" {
				return "", nil, fmt.Errorf("%s needs %s, which is neither beside it nor on the system", o.path, soname)
			}
			dep, err := readObject(path)
			if err != nil {
				return "", nil, err
			}
			queue = append(queue, dep)
			if isOwn && !slices.Contains(dirs, filepath.Dir(path)) {
				dirs = append(dirs, filepath.Dir(path))
			}
		}
	}
	return needs, dirs, nil
}

func (f *finder) resolve(soname string, own []string) (path string, isOwn bool) {
	for _, dir := range own {
		if file := filepath.Join(dir, soname); fits(file) {
			return file, true
		}
	}
	return f.linker.lookup(soname), false
}
