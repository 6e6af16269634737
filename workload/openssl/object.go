package openssl

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"strings"
)

// object is what one shared object's file says about itself.
type object struct {
	path   string
	soname string
	needed []string // sonames
	glibc  string   // newest GLIBC_x.y symbol version needed, "" if none
	data   []byte   // all that is mapped from the file, for strings
	syms   map[string]bool

	needs   map[string][]string // symbol versions needed, by soname
	defines []string            // symbol versions defined
}

// machines maps Go's architectures to ELF's. An architecture that is not
// listed gets no machine check here; the dynamic linker has the last word.
var machines = map[string]elf.Machine{
	"amd64":   elf.EM_X86_64,
	"arm64":   elf.EM_AARCH64,
	"ppc64le": elf.EM_PPC64,
	"riscv64": elf.EM_RISCV,
	"s390x":   elf.EM_S390,
	"loong64": elf.EM_LOONGARCH,
}

// readObject reads a shared object for this machine. Errors are one line and
// say what the file is instead.
func readObject(path string) (*object, error) {
	f, err := openELF(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	o := &object{path: path}
	if names, err := f.DynString(elf.DT_SONAME); err == nil && len(names) > 0 {
		o.soname = names[0]
	}
	if o.needed, err = f.ImportedLibraries(); err != nil {
		return nil, fmt.Errorf("read %s: dynamic section: %w", path, err)
	}
	needs, err := f.DynamicVersionNeeds()
	if err != nil {
		return nil, fmt.Errorf("read %s: needed versions: %w", path, err)
	}
	o.glibc = newestGlibc(needs)
	o.needs = needsByLibrary(needs)
	if err := o.readSymbols(f); err != nil {
		return nil, fmt.Errorf("read %s: dynamic symbols: %w", path, err)
	}
	if o.data, err = mapped(f); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return o, nil
}

// openELF opens a 64-bit shared object for this machine.
func openELF(path string) (*elf.File, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("read %s: not a file", path)
	}
	f, err := elf.Open(path)
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

func newestGlibc(needs []elf.DynamicVersionNeed) string {
	newest := ""
	for _, lib := range needs {
		for _, dep := range lib.Needs {
			// GLIBC_PRIVATE and GLIBC_ABI_DT_RELR are no releases.
			v, ok := strings.CutPrefix(dep.Dep, "GLIBC_")
			if ok && v[:1] >= "0" && v[:1] <= "9" && CompareVersions(v, newest) > 0 {
				newest = v
			}
		}
	}
	return newest
}

func needsByLibrary(needs []elf.DynamicVersionNeed) map[string][]string {
	by := map[string][]string{}
	for _, lib := range needs {
		for _, dep := range lib.Needs {
			by[lib.Name] = append(by[lib.Name], dep.Dep)
		}
	}
	return by
}

// readSymbols notes the symbols and the symbol versions that f defines.
func (o *object) readSymbols(f *elf.File) error {
	all, err := f.DynamicSymbols()
	if err != nil && !errors.Is(err, elf.ErrNoSymbols) {
		return err
	}
	o.syms = make(map[string]bool, len(all))
	for _, s := range all {
		if s.Section != elf.SHN_UNDEF {
			o.syms[s.Name] = true
		}
	}
	versions, err := f.DynamicVersions()
	for _, v := range versions {
		o.defines = append(o.defines, v.Name)
	}
	return err
}

// mapped gives the bytes of all loaded segments. Segments, not sections:
// section headers may be stripped, and the strings sit in .rodata, in a
// merged section or in .data.rel.ro, depending on the linker.
func mapped(f *elf.File) ([]byte, error) {
	var all bytes.Buffer
	for _, p := range f.Progs {
		if p.Type != elf.PT_LOAD || p.Filesz == 0 {
			continue
		}
		if _, err := io.Copy(&all, p.Open()); err != nil {
			return nil, fmt.Errorf("segment at %#x: %w", p.Off, err)
		}
		all.WriteByte(0) // a string never runs from one segment into the next
	}
	return all.Bytes(), nil
}

// The version strings, as in OpenSSL's opensslv.h: the number, an optional
// pre-release or vendor suffix, and the date ("xx XXX xxxx" before a
// release). Vendors write " FIPS" or "-fips" before the date.
var (
	opensslText = regexp.MustCompile(`OpenSSL (\d+\.\d+\.\d+[a-z]{0,2}(?:[-+][0-9A-Za-z.+-]+)?) +(?:FIPS +)?(?:\d{1,2}|xx) [A-Z][A-Za-z]{2} [0-9x]{4}`)
	libresslTag = regexp.MustCompile(`LibreSSL \d+\.\d+\.\d+`)
	boringTag   = regexp.MustCompile(`OpenSSL \d+\.\d+\.\d+ \(compatible; ([^)\x00]+)\)`)
	glibcTag    = regexp.MustCompile(`release version (\d+\.\d+)`)
)

// opensslVersion gives the version string and the number in it.
func (o *object) opensslVersion() (text, version string) {
	m := opensslText.FindSubmatch(o.data)
	if m == nil {
		return "", ""
	}
	return string(m[0]), string(m[1])
}

// otherVendor names the fork of OpenSSL that the file is, "" if it shows no
// sign of one.
func (o *object) otherVendor() string {
	if m := boringTag.FindSubmatch(o.data); m != nil {
		return string(m[1])
	}
	switch {
	case o.syms["awslc_version_string"] || o.syms["awslc_api_version_num"]:
		return "AWS-LC"
	case o.syms["BORINGSSL_self_test"] || o.syms["BORINGSSL_integrity_test"]:
		return "BoringSSL"
	}
	return string(libresslTag.Find(o.data))
}
