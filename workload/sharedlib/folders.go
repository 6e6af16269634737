package sharedlib

import (
	"io/fs"
	"os"
	"path/filepath"
)

// Folders lists a folder, and the places below it where an installation
// prefix or an unpacked package keeps its libraries.
func Folders(root string) []string {
	dirs := []string{root}
	for _, sub := range []string{
		"lib64", "lib", "lib/*-linux-gnu*", "usr/lib64", "usr/lib", "usr/lib/*-linux-gnu*",
	} {
		dirs = append(dirs, Glob(root, sub)...)
	}
	return dirs
}

// Glob lists what matches a pattern below root, whose own name may have the
// characters of a pattern in it.
func Glob(root, pattern string) []string {
	found, _ := fs.Glob(os.DirFS(root), pattern)
	for i := range found {
		found[i] = filepath.Join(root, filepath.FromSlash(found[i]))
	}
	return found
}
