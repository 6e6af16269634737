package sharedlib

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// The dynamic linker's cache, as ldconfig writes it since glibc 2.2 (see
// sysdeps/generic/dl-cache.h in glibc): a header of 48 bytes, then entries of
// 24, then the strings. A file in the older layout may have the new one after
// it, so the magic is searched for.
const (
	cacheMagic  = "glibc-ld.so.cache1.1"
	cacheHeader = 48
	cacheEntry  = 24
)

// ldCache maps each soname to its files, in the cache's order.
type ldCache map[string][]string

func readLdCache(path string) (ldCache, error) {
	all, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	start := bytes.Index(all, []byte(cacheMagic))
	if start < 0 || len(all) < start+cacheHeader {
		return nil, fmt.Errorf("read %s: no %q in it", path, cacheMagic)
	}
	raw := all[start:]
	order := binary.ByteOrder(binary.NativeEndian)
	n := int(order.Uint32(raw[len(cacheMagic):]))
	if n > (len(raw)-cacheHeader)/cacheEntry {
		return nil, fmt.Errorf("read %s: cut short: %d entries announced", path, n)
	}
	cache := ldCache{}
	for i := range n {
		e := raw[cacheHeader+i*cacheEntry:]
		// An entry for special hardware (the last eight bytes are not 0) is
		// passed over: whether it is used depends on the processor, and the
		// plain one is always there.
		if order.Uint64(e[16:]) != 0 {
			continue
		}
		name, file := cstring(raw, order.Uint32(e[4:])), cstring(raw, order.Uint32(e[8:]))
		if name != "" && file != "" {
			cache[name] = append(cache[name], file)
		}
	}
	return cache, nil
}

func cstring(raw []byte, at uint32) string {
	if int64(at) >= int64(len(raw)) {
		return ""
	}
	s, _, _ := bytes.Cut(raw[at:], []byte{0})
	return string(s)
}

// Linker answers what the system's dynamic linker would load for a soname. It
// leaves LD_LIBRARY_PATH out: "system" must mean the same in every shell.
type Linker struct {
	cache   ldCache
	folders []string
}

// System reads the machine's own cache. A machine without one (a small
// container image, or another C library) still has the folders.
func System() *Linker {
	cache, _ := readLdCache("/etc/ld.so.cache")
	return &Linker{cache, systemFolders()}
}

// NewLinker gives a linker that knows folders only.
func NewLinker(folders ...string) *Linker { return &Linker{folders: folders} }

// systemFolders are the folders that distributions build into the dynamic
// linker, multiarch ones first as Debian's does.
func systemFolders() []string {
	var all []string
	for _, pattern := range []string{"/lib/*-linux-gnu*", "/usr/lib/*-linux-gnu*"} {
		found, _ := filepath.Glob(pattern)
		all = append(all, found...)
	}
	return append(all, "/lib64", "/usr/lib64", "/lib", "/usr/lib")
}

// Lookup gives the file for a soname, "" if there is none for this machine.
// Files of other architectures stand in the cache beside our own.
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
