package sharedlib

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tlsbench/results/version"
	"tlsbench/workload/sharedlib/sharedlibtest"
)

func TestRead(t *testing.T) {
	dir := t.TempDir()
	libc := sharedlibtest.Glibc(t, dir, "2.99")
	path := filepath.Join(dir, "libdemo.so.1")
	sharedlibtest.Build(t, path, sharedlibtest.Lib{Soname: "libdemo.so.1", Text: "hello there",
		Define: []string{"demo"}, Use: []string{"newcall"}, Needs: []string{libc}, Versions: "DEMO_1 { demo; };"})
	o, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	want := &Object{Path: path, Soname: "libdemo.so.1", Needed: []string{"libc.so.6"}, Glibc: "2.99",
		Needs: map[string][]string{"libc.so.6": {"GLIBC_2.99"}}, Defines: []string{"libdemo.so.1", "DEMO_1"}}
	if diff := cmp.Diff(want, o); diff != "" {
		t.Errorf("object (-want +got):\n%s", diff)
	}
	data, err := o.Data()
	if err != nil || !strings.Contains(string(data), "hello there") {
		t.Errorf("data of %d bytes without its text, error %v", len(data), err)
	}
	symbols, err := o.Symbols()
	if err != nil || !symbols["demo"] || symbols["newcall"] {
		t.Errorf("symbols %v, error %v: want demo and not newcall", symbols, err)
	}
}

func TestReadRefuses(t *testing.T) {
	dir := t.TempDir()
	lib := filepath.Join(dir, "lib.so")
	sharedlibtest.Build(t, lib, sharedlibtest.Lib{})
	good, err := os.ReadFile(lib)
	if err != nil {
		t.Fatal(err)
	}
	patch := func(at int, b ...byte) []byte {
		return slices.Concat(good[:at], b, good[at+len(b):])
	}
	small := make([]byte, 52) // a 32-bit header alone
	copy(small, "\x7fELF\x01\x01\x01")
	binary.LittleEndian.PutUint16(small[16:], 3) // ET_DYN
	binary.LittleEndian.PutUint16(small[18:], 3) // EM_386
	small[20], small[40] = 1, 52
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"text":    {[]byte("INPUT(-lcrypto)\n"), "not an ELF file"},
		"empty":   {nil, "not an ELF file"},
		"32-bit":  {small, "a 32-bit file"},
		"machine": {patch(18, 8, 0), "built for EM_MIPS"},
		"program": {patch(16, 2, 0), "ELF type ET_EXEC"},
		"cut":     {good[:len(good)/2], "read "},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, c.data, 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := Read(path)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want one line with %q", name, err, c.want)
		}
	}
	if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), "not a file") {
		t.Errorf("folder: error %v", err)
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Digest(pipe); err == nil || !strings.Contains(err.Error(), "not a file") {
		t.Errorf("digest of a pipe: error %v", err)
	}
}

func TestFollow(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	libc := sharedlibtest.Glibc(t, other, "2.98")
	in := func(name string) string { return filepath.Join(dir, name) }
	sharedlibtest.Build(t, in("libgone.so.1"), sharedlibtest.Lib{Soname: "libgone.so.1"})
	sharedlibtest.Build(t, in("libc2.so.1"), sharedlibtest.Lib{Soname: "libc2.so.1", Use: []string{"newcall"}, Needs: []string{libc, in("libgone.so.1")}})
	sharedlibtest.Build(t, in("libb.so.1"), sharedlibtest.Lib{Soname: "libb.so.1", Needs: []string{in("libc2.so.1")}})
	sharedlibtest.Build(t, in("liba.so.1"), sharedlibtest.Lib{Soname: "liba.so.1", Needs: []string{in("libb.so.1")}})
	if err := os.Remove(in("libgone.so.1")); err != nil {
		t.Fatal(err)
	}
	a, err := Read(in("liba.so.1"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := Follow([]*Object{a}, []string{other, dir}, &Linker{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, o := range c.Objects {
		names = append(names, o.Soname)
	}
	c.Objects = nil
	if diff := cmp.Diff([]string{"liba.so.1", "libb.so.1", "libc2.so.1"}, names); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	want := Closure{Glibc: "2.98", Folders: []string{dir}, Unmet: []Unmet{{"libgone.so.1", in("libc2.so.1")}}}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Errorf("closure (-want +got):\n%s", diff)
	}
}

func TestLinkerPassesOverWhatDoesNotFit(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	for _, sub := range []string{"special", "plain", "folder"} {
		sharedlibtest.Build(t, in(sub+"/libdemo.so.1"), sharedlibtest.Lib{Soname: "libdemo.so.1"})
	}
	if err := os.WriteFile(in("foreign.so"), []byte("\x7fELF\x01"), 0o644); err != nil {
		t.Fatal(err)
	}
	cache := parseCache("619 libs found in cache `/etc/ld.so.cache'\n" +
		"\tlibdemo.so.1 (libc6,x86-64, hwcap: \"x86-64-v3\") => " + in("special/libdemo.so.1") + "\n" +
		"\tlibdemo.so.1 (libc6) => " + in("foreign.so") + "\n" +
		"\tlibdemo.so.1 (libc6,x86-64) => " + in("plain/libdemo.so.1") + "\n" +
		"\tlibonly.so.1 (libc6,x86-64, OS ABI: Linux 3.2.0) => " + in("foreign.so") + "\n" +
		"Cache generated by: ldconfig (Debian GLIBC 2.36-9) stable release version 2.36\n")
	l := &Linker{cache, []string{in("folder")}}
	if got := l.Lookup("libdemo.so.1"); got != in("plain/libdemo.so.1") {
		t.Errorf("found %s", got)
	}
	if got := l.Lookup("libonly.so.1"); got != "" {
		t.Errorf("found %s, which is for another machine", got)
	}
	if got := (&Linker{nil, l.folders}).Lookup("libdemo.so.1"); got != in("folder/libdemo.so.1") {
		t.Errorf("without a cache: found %s", got)
	}
	want := []string{"libdemo.so.1", "libonly.so.1"}
	if diff := cmp.Diff(want, l.Sonames(func(string) bool { return true })); diff != "" {
		t.Errorf("sonames (-want +got):\n%s", diff)
	}
}

// The dynamic linker itself says what it takes for a program's libc.so.6.
func TestSystemAgreesWithTheDynamicLinker(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("ldd", sh).Output()
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`libc\.so\.6 => (\S+)`).FindSubmatch(out)
	if m == nil {
		t.Fatalf("ldd %s: no libc.so.6 in %s", sh, out)
	}
	want, err := os.Stat(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	libc := System().Lookup("libc.so.6")
	got, err := os.Stat(libc)
	if err != nil || !os.SameFile(got, want) {
		t.Errorf("found %q (%v), the linker takes %s", libc, err, m[1])
	}
	if r := GlibcRelease(libc); version.Compare(r, "2.17") < 0 {
		t.Errorf("release %q of %s", r, libc)
	}
}

func TestGlibcInWantsOneRelease(t *testing.T) {
	dir := t.TempDir()
	sharedlibtest.Glibc(t, dir, "2.97")
	want := Glibc{filepath.Join(dir, "ld-linux-x86-64.so.2"), dir, "2.97"}
	if g, ok := GlibcIn(dir); !ok || g != want {
		t.Errorf("got %+v, %v; want %+v", g, ok, want)
	}
	sharedlibtest.Build(t, want.Loader, sharedlibtest.Lib{Text: "stable release version 2.96."})
	if g, ok := GlibcIn(dir); ok {
		t.Errorf("a loader of 2.96 next to a libc of 2.97 was taken: %+v", g)
	}
}

// The text behind a pointer is read whether the linker wrote the pointer into a
// table or left it in place.
func TestText(t *testing.T) {
	source := fstest.MapFS{"a.c": {Data: []byte(`const struct { unsigned abi; const char *name, *none; } it = {1, "my-fix", 0};`)}}
	for _, flag := range []string{"-Wl,-z,nopack-relative-relocs", "-Wl,-z,pack-relative-relocs", "-Wl,-s"} {
		path := filepath.Join(t.TempDir(), "a.so")
		r := Recipe{Flags: []string{flag}, From: []Source{{Files: source, Pattern: "*.c"}}}
		if err := r.Compile(t.Context(), path); err != nil {
			t.Fatal(err)
		}
		o, err := Read(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, tc := range []struct {
			symbol string
			offset uint64
			want   string
		}{{"it", 8, "my-fix"}, {"it", 16, ""}, {"it", 1 << 40, ""}, {"other", 8, ""}} {
			if got, err := o.Text(tc.symbol, tc.offset); got != tc.want || err != nil {
				t.Errorf("%s: the text at %s+%d is %q, %v; want %q", flag, tc.symbol, tc.offset, got, err, tc.want)
			}
		}
	}
}

// Nothing is left of the sources, whether the object's name is relative or not.
func TestCompileLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	r := Recipe{From: []Source{{Files: fstest.MapFS{"a.c": {Data: []byte("int it;")}}, Pattern: "*.c"}}}
	for i, path := range []string{"a.so", "./b.so", filepath.Join(dir, "c.so")} {
		if err := r.Compile(t.Context(), path); err != nil {
			t.Fatal(err)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) != i+1 {
			t.Errorf("%s: there are %v: %v", path, left, err)
		}
	}
}

// A compiler that an interruption killed did not fail. This one would take for ever.
func TestCompileIsInterrupted(t *testing.T) {
	cc := filepath.Join(t.TempDir(), "cc")
	if err := os.WriteFile(cc, []byte("#!/bin/sh\nexec sleep 60\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CC", cc)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	r := Recipe{From: []Source{{Files: fstest.MapFS{"a.c": {Data: []byte("int it;")}}, Pattern: "*.c"}}}
	if err := r.Compile(ctx, filepath.Join(t.TempDir(), "a.so")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want that of the context", err)
	}
}
