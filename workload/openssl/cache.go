package openssl

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"tlsbench/workload/fetch"
	"tlsbench/workload/sharedlib"
)

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
	slices.SortFunc(lines, sharedlib.CompareVersions)
	return lines
}

// line gives the build of one folder of the cache.
func (f *finder) line(name string) (Build, error) {
	root := fetch.Store{Dir: f.dir}.Tree(name)
	files := libcryptosBelow(root)
	if len(files) == 0 {
		return Build{}, fmt.Errorf("find openssl %q: no libcrypto.so.N in %s: fetch it again", name, root)
	}
	b, err := f.newest(name, Cache, files)
	if err != nil {
		return Build{}, fmt.Errorf("find openssl %q: %w; fetch it again", name, err)
	}
	b.Package = f.packageOf(name)
	return b, nil
}

// packageOf names the package that a line was unpacked from.
func (f *finder) packageOf(line string) string {
	m, err := fetch.Store{Dir: f.dir}.Manifest(line)
	if err != nil {
		return ""
	}
	for _, p := range m.Packages {
		if strings.HasPrefix(p.Name, "libssl") {
			return p.String()
		}
	}
	return ""
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
	slices.SortStableFunc(builds, func(a, b Build) int { return sharedlib.CompareVersions(b.Version, a.Version) })
	for _, b := range builds {
		if hasLine(b.Version, name) {
			return b, nil
		}
	}
	if b, err := f.system(); err == nil && hasLine(b.Version, name) {
		return b, nil
	}
	return Build{}, os.ErrNotExist
}

// cachedGlibcs lists the C libraries that lines of the cache brought along.
func (f *finder) cachedGlibcs() []sharedlib.Glibc {
	var all []sharedlib.Glibc
	for _, line := range f.lines() {
		all = append(all, glibcsBelow(fetch.Store{Dir: f.dir}.Tree(line))...)
	}
	return all
}
