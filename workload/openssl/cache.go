package openssl

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// tree is the folder below a line's folder that the packages are unpacked in.
const tree = "tree"

// lines lists the folders of the cache, oldest line first. Hidden ones hold
// the archive's indexes and downloads that are under way.
func (f *finder) lines() []string {
	entries, _ := os.ReadDir(f.dir)
	var lines []string
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			lines = append(lines, e.Name())
		}
	}
	slices.SortFunc(lines, CompareVersions)
	return lines
}

// line gives the build of one folder of the cache.
func (f *finder) line(name string) (Build, error) {
	root := filepath.Join(f.dir, name, tree)
	files := libcryptosBelow(root)
	if len(files) == 0 {
		return Build{}, fmt.Errorf("find openssl %q: no libcrypto.so.N in %s: fetch it again", name, root)
	}
	return f.newest(name, Cache, files)
}

// cache gives all usable builds of the cache. A broken line is passed over
// here: it is named when asked for by its name, and mended by Fetch.
func (f *finder) cache() []Build {
	var builds []Build
	for _, name := range f.lines() {
		if b, err := f.line(name); err == nil {
			builds = append(builds, b)
		}
	}
	return builds
}

// cached gives a build by line or exact version; os.ErrNotExist if there is
// none.
func (f *finder) cached(name string) (Build, error) {
	if slices.Contains(f.lines(), name) {
		return f.line(name)
	}
	builds := f.cache()
	slices.SortStableFunc(builds, func(a, b Build) int { return CompareVersions(b.Version, a.Version) })
	for _, b := range builds {
		if hasLine(b.Version, name) {
			return b, nil
		}
	}
	if b, err := f.system(); err == nil && hasLine(b.Version, name) {
		return b, nil
	}
	return Build{}, errors.Join(os.ErrNotExist)
}

func (f *finder) cachedLibcs() []libc {
	var all []libc
	for _, line := range f.lines() {
		all = append(all, libcsBelow(filepath.Join(f.dir, line, tree))...)
	}
	return all
}
