package sharedlib

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"tlsbench/results/version"
)

// Closure is everything that some shared objects need, glibc itself left out.
type Closure struct {
	Objects []*Object // the roots first
	Glibc   string    // newest release that any of them needs
	Folders []string  // those of the given ones that something came from
	Unmet   []Unmet   // needed and not found
}

// Unmet is a library that was found nowhere.
type Unmet struct {
	Soname string
	By     string // the file that needs it
}

// Follow reads what roots need, and what that needs. Libraries are looked up
// in dirs first, then on the system; a nil system leaves it at dirs.
func Follow(roots []*Object, dirs []string, system *Linker) (Closure, error) {
	c, near := Closure{Objects: slices.Clone(roots)}, NewLinker(dirs...)
	seen := map[string]bool{}
	for _, o := range roots {
		seen[o.Soname] = true
	}
	for i := 0; i < len(c.Objects); i++ { // grows as it goes
		o := c.Objects[i]
		if version.Compare(o.Glibc, c.Glibc) > 0 {
			c.Glibc = o.Glibc
		}
		for _, soname := range o.Needed {
			if seen[soname] || glibcFamily.MatchString(soname) {
				continue
			}
			seen[soname] = true
			path := near.Lookup(soname)
			if dir := filepath.Dir(path); path != "" && !slices.Contains(c.Folders, dir) {
				c.Folders = append(c.Folders, dir)
			}
			if path == "" && system != nil {
				path = system.Lookup(soname)
			}
			if path == "" {
				c.Unmet = append(c.Unmet, Unmet{soname, o.Path})
				continue
			}
			needed, err := Read(path)
			if err != nil {
				return Closure{}, err
			}
			c.Objects = append(c.Objects, needed)
		}
	}
	return c, nil
}

var (
	// glibcFamily are glibc's own libraries: they come with its loader.
	glibcFamily = regexp.MustCompile(`^(lib(c|m|dl|pthread|rt|resolv|util|nsl|anl|mvec)\.so\.[0-9]+(\.[0-9]+)?|ld(-linux[^/]*|64)?\.so\.[0-9]+)$`)
	// glibcLoader are the names of its loader on Debian's architectures.
	glibcLoader = regexp.MustCompile(`^ld(-linux[^/]*|64)?\.so\.[0-9]+$`)
	glibcTag    = regexp.MustCompile(`release version ([0-9]+\.[0-9]+)`)
)

// GlibcRelease reads glibc's release, such as "2.36", from a libc.so.6, or
// from a loader of 2.33 or later: both carry a line for people that ends in
// "release version 2.36.". It is "" if there is no such line.
func GlibcRelease(path string) string {
	all, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	if m := glibcTag.FindSubmatch(all); m != nil {
		return string(m[1])
	}
	return ""
}

// Glibc is a C library with its loader.
type Glibc struct {
	Loader  string
	Folder  string // of libc.so.6
	Release string
}

// GlibcIn looks for a loader and its C library in one folder, as Debian's
// package has them in its multiarch folder. Loader and library share private
// interfaces, so a pair from two releases is of no use.
func GlibcIn(dir string) (Glibc, bool) {
	release := GlibcRelease(filepath.Join(dir, "libc.so.6"))
	if release == "" {
		return Glibc{}, false
	}
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		loader := filepath.Join(dir, e.Name())
		if !glibcLoader.MatchString(e.Name()) || !Fits(loader) {
			continue
		}
		if own := GlibcRelease(loader); own == "" || own == release {
			return Glibc{loader, dir, release}, true
		}
	}
	return Glibc{}, false
}
