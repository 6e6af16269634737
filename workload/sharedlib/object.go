// Package sharedlib reads shared objects from their files and answers what
// the dynamic linker would make of them, without loading anything: which
// libraries one needs (Follow), where the system has them (Linker), and which
// release of glibc they need or are (Glibc, GlibcRelease). It also makes one of C
// files that the program carries (Recipe).
//
// The dynamic linker can be asked the same by running it ("ld.so --list"),
// but it maps the files to do so, only knows this system's own libraries, and
// says little about a file that it refuses.
package sharedlib

import (
	"bufio"
	"crypto/sha256"
	"debug/elf"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"

	"tlsbench/results/version"
)

// Object is what one shared object's file says about itself.
type Object struct {
	Path    string
	Soname  string
	Needed  []string            // sonames
	Glibc   string              // newest GLIBC_x.y symbol version needed, "" if none
	Needs   map[string][]string // symbol versions needed, by soname
	Defines []string            // symbol versions defined
}

// machines maps Go's architectures to ELF's. An architecture that is not
// listed gets no machine check here; the dynamic linker has the last word.
var machines = map[string]elf.Machine{
	"amd64": elf.EM_X86_64,
	"arm64": elf.EM_AARCH64,
}

// Read reads a shared object for this machine. Errors are one line and say
// what the file is instead.
func Read(path string) (*Object, error) {
	f, err := openELF(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	o := &Object{Path: path}
	if names, err := f.DynString(elf.DT_SONAME); err == nil && len(names) > 0 {
		o.Soname = names[0]
	}
	if o.Needed, err = f.ImportedLibraries(); err != nil {
		return nil, fmt.Errorf("read %s: dynamic section: %w", path, err)
	}
	if err := o.readVersions(f); err != nil {
		return nil, fmt.Errorf("read %s: symbol versions: %w", path, err)
	}
	return o, nil
}

// Fits reports whether path is a shared object that a process of this machine
// could load.
func Fits(path string) bool {
	f, err := openELF(path)
	if err != nil {
		return false
	}
	f.Close()
	return true
}

// regular refuses a folder, and a pipe, which might be opened for ever.
func regular(path string) (os.FileInfo, error) {
	st, err := os.Stat(path)
	if err == nil && !st.Mode().IsRegular() {
		err = fmt.Errorf("read %s: not a file", path)
	}
	return st, err
}

// openELF opens a 64-bit shared object for this machine.
func openELF(path string) (*elf.File, error) {
	st, err := regular(path)
	if err != nil {
		return nil, err
	}
	f, err := elf.Open(path)
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read %s: cut off after %d bytes, or not an ELF file", path, st.Size())
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: not an ELF file: %w", path, err)
	}
	if reason := unfit(f); reason != "" {
		f.Close()
		return nil, fmt.Errorf("read %s: %s", path, reason)
	}
	return f, nil
}

// unfit says why the rig, a process of this machine, could not load f.
func unfit(f *elf.File) string {
	want, known := machines[runtime.GOARCH]
	switch {
	case f.Class != elf.ELFCLASS64:
		return "a 32-bit file; the rig is a 64-bit process"
	case known && f.Machine != want:
		return fmt.Sprintf("built for %v; this machine is %v", f.Machine, want)
	case f.Type != elf.ET_DYN:
		return fmt.Sprintf("ELF type %v, not a shared object", f.Type)
	}
	return ""
}

func (o *Object) readVersions(f *elf.File) error {
	o.Needs = map[string][]string{}
	// debug/elf takes a file without versions, which is in order, for a
	// broken one.
	if f.SectionByType(elf.SHT_GNU_VERNEED) == nil && f.SectionByType(elf.SHT_GNU_VERDEF) == nil {
		return nil
	}
	needs, err := f.DynamicVersionNeeds()
	if err != nil {
		return err
	}
	for _, lib := range needs {
		for _, dep := range lib.Needs {
			o.Needs[lib.Name] = append(o.Needs[lib.Name], dep.Dep)
			o.noteGlibc(dep.Dep)
		}
	}
	defines, err := f.DynamicVersions()
	if err != nil {
		return err
	}
	for _, v := range defines {
		o.Defines = append(o.Defines, v.Name)
	}
	return nil
}

// noteGlibc keeps the newest release. GLIBC_PRIVATE and GLIBC_ABI_DT_RELR are
// none.
func (o *Object) noteGlibc(symbol string) {
	v, ok := strings.CutPrefix(symbol, "GLIBC_")
	if ok && v != "" && '0' <= v[0] && v[0] <= '9' && version.Compare(v, o.Glibc) > 0 {
		o.Glibc = v
	}
}

// Text gives the text that a pointer in an exported object points to: the one at
// offset in the object of that name. It is "" if there is none to be read.
func (o *Object) Text(symbol string, offset uint64) (string, error) {
	f, err := openELF(o.Path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	symbols, err := f.DynamicSymbols()
	if err != nil && !errors.Is(err, elf.ErrNoSymbols) {
		return "", fmt.Errorf("read %s: dynamic symbols: %w", o.Path, err)
	}
	i := slices.IndexFunc(symbols, func(s elf.Symbol) bool { return s.Name == symbol && s.Section != elf.SHN_UNDEF })
	if i < 0 {
		return "", nil
	}
	at := symbols[i].Value + offset
	var pointer [8]byte
	if _, err := loaded(f, at).ReadAt(pointer[:], 0); err != nil {
		return "", nil
	}
	// The linker leaves the pointer to the loader: in a table of its own, or, as
	// packed relocations (RELR) are, in place.
	to := f.ByteOrder.Uint64(pointer[:])
	for _, s := range f.Sections {
		if s.Type != elf.SHT_RELA {
			continue
		}
		var r elf.Rela64
		for in := s.Open(); binary.Read(in, f.ByteOrder, &r) == nil; {
			if n := int(elf.R_SYM64(r.Info)); r.Off == at && n <= len(symbols) {
				to = uint64(r.Addend)
				if n > 0 {
					to += symbols[n-1].Value
				}
			}
		}
	}
	if to == 0 {
		return "", nil
	}
	text, err := bufio.NewReader(io.NewSectionReader(loaded(f, to), 0, 1<<10)).ReadString(0)
	if err != nil {
		return "", nil
	}
	return strings.TrimSuffix(text, "\x00"), nil
}

// loaded gives what the file has for an address on.
func loaded(f *elf.File, at uint64) io.ReaderAt {
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD && at >= p.Vaddr && at < p.Vaddr+p.Filesz {
			return io.NewSectionReader(p, int64(at-p.Vaddr), int64(p.Vaddr+p.Filesz-at))
		}
	}
	return strings.NewReader("")
}

// Digest is the SHA-256 of what is in some files, one after the other.
func Digest(paths ...string) (string, error) {
	h := sha256.New()
	for _, path := range paths {
		if _, err := regular(path); err != nil {
			return "", err
		}
		f, err := os.Open(path)
		if err != nil {
			return "", err
		}
		_, err = io.Copy(h, f)
		if err = errors.Join(err, f.Close()); err != nil {
			return "", fmt.Errorf("read %s: %w", path, err)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
