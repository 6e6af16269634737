package sharedlib

import (
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"tlsbench/results/version"
	"tlsbench/workload/keeper"
)

// Closure is everything that some shared objects need, glibc itself left out.
type Closure struct {
	Glibc   string   // newest release that any of them needs
	Folders []string // those of the given ones that something came from
	Unmet   []Unmet  // needed and not found
}

// Unmet is a library that was found nowhere.
type Unmet struct {
	Soname string
	By     string // the file that needs it
}

// Follow reads what roots need, and what that needs. Libraries are looked up
// in dirs first, then on the system; a nil system leaves it at dirs.
func Follow(roots []*Object, dirs []string, system *Linker) (Closure, error) {
	var c Closure
	near, objects := NewLinker(dirs...), slices.Clone(roots)
	seen := map[string]bool{}
	for _, o := range roots {
		seen[o.Soname] = true
	}
	for i := 0; i < len(objects); i++ { // grows as it goes
		o := objects[i]
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
			objects = append(objects, needed)
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

// ldconfigLine is one entry of the dynamic linker's cache, as ldconfig prints it.
var ldconfigLine = regexp.MustCompile(`(?m)^\s+(\S+) \(([^)]*)\) => (.+)$`)

// parseCache gives each soname's files, in the cache's order. An entry for
// special hardware is passed over: whether it is used depends on the processor,
// and the plain one is always there.
func parseCache(printed string) map[string][]string {
	cache := map[string][]string{}
	for _, m := range ldconfigLine.FindAllStringSubmatch(printed, -1) {
		if !strings.Contains(m[2], "hwcap") {
			cache[m[1]] = append(cache[m[1]], m[3])
		}
	}
	return cache
}

// systemCache is asked for once in the life of a process. ldconfig is seldom in
// the PATH of users. A machine without it (a small container image, or another C
// library) has no cache.
var systemCache = sync.OnceValue(func() map[string][]string {
	program := "/sbin/ldconfig"
	if found, err := exec.LookPath("ldconfig"); err == nil {
		program = found
	}
	cmd := exec.Command(program, "-p")
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.Stderr = io.Discard
	out, _ := keeper.Output(cmd)
	return parseCache(string(out))
})

// Linker answers what the system's dynamic linker would load for a soname. It
// leaves LD_LIBRARY_PATH out: "system" must mean the same in every shell.
type Linker struct {
	cache   map[string][]string
	folders []string
}

// System knows the machine's own cache, and the folders that distributions
// build into the dynamic linker.
func System() *Linker { return &Linker{systemCache(), systemFolders()} }

// NewLinker gives a linker that knows folders only.
func NewLinker(folders ...string) *Linker { return &Linker{folders: folders} }

// systemFolders has multiarch folders first, as Debian's linker does.
func systemFolders() []string {
	var all []string
	for _, pattern := range []string{"/lib/*-linux-gnu*", "/usr/lib/*-linux-gnu*"} {
		found, _ := filepath.Glob(pattern)
		all = append(all, found...)
	}
	return append(all, "/lib64", "/usr/lib64", "/lib", "/usr/lib")
}

// Lookup gives the file for a soname, "" if there is none for this machine.
// Files of other architectures stand in the cache next to our own.
func (l *Linker) Lookup(soname string) string {
	for _, file := range l.cache[soname] {
		if Fits(file) {
			return file
		}
	}
	for _, dir := range l.folders {
		if file := filepath.Join(dir, soname); Fits(file) {
			return file
		}
	}
	return ""
}

// Sonames lists the sonames that the linker knows and that match.
func (l *Linker) Sonames(match func(string) bool) []string {
	seen := map[string]bool{}
	for name := range l.cache {
		if match(name) {
			seen[name] = true
		}
	}
	for _, dir := range l.folders {
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			if match(e.Name()) {
				seen[e.Name()] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

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
