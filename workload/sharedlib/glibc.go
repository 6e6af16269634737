package sharedlib

import (
	"os"
	"path/filepath"
	"regexp"
)

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

// Glibc is a C library beside its loader.
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
