package openssl

import (
	"os"
	"path/filepath"
	"strings"
)

// The names that stand for this user's folders in files that others read, and
// that another user or machine resolves for itself.
const (
	cacheName = "$CACHE/"
	homeName  = "~/"
)

// Portable gives a path as a results file has it: the user's cache and home
// folders become $CACHE and ~, so that the file says which library it was and
// not who ran it, and so that it can be resumed in another account.
func Portable(path string) string {
	for _, p := range prefixes() {
		if rest, ok := strings.CutPrefix(path, p.dir+"/"); ok {
			return p.name + rest
		}
	}
	return path
}

// Local undoes Portable for this user.
func Local(path string) string {
	for _, p := range prefixes() {
		if rest, ok := strings.CutPrefix(path, p.name); ok {
			return filepath.Join(p.dir, rest)
		}
	}
	return path
}

type prefix struct{ name, dir string }

// prefixes has the cache first: it is in the home folder for most.
func prefixes() []prefix {
	var list []prefix
	if dir, err := os.UserCacheDir(); err == nil {
		if real, err := filepath.EvalSymlinks(dir); err == nil {
			dir = real
		}
		list = append(list, prefix{cacheName, filepath.Clean(dir)})
	}
	if dir, err := os.UserHomeDir(); err == nil && filepath.Clean(dir) != "/" {
		list = append(list, prefix{homeName, filepath.Clean(dir)})
	}
	return list
}

// Portable gives the build with portable paths, for a results file.
func (b Build) Portable() Build { return b.paths(Portable) }

// Local gives a build from a results file with the paths of this user.
func (b Build) Local() Build { return b.paths(Local) }

// paths gives the build with each path replaced.
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
