// Package sharedlibtest compiles small shared objects for tests: a real
// linker's output, with nothing in it but what the test is about.
package sharedlibtest

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Lib is one shared object to make.
type Lib struct {
	Soname string
	Text   string   // a string in its data, such as a version string
	Define []string // functions
	Use    []string // functions of the libraries that it needs
	Needs  []string // paths of libraries, made before
	// Versions is the linker's version script, which gives the functions
	// symbol versions.
	Versions string
}

// made keeps what was compiled in this process: tests want the same few
// libraries over and over, and a compiler is slow on a busy machine.
var made sync.Map // of key to file contents

// key tells libraries apart by all that goes into them.
func (l Lib) key(t testing.TB) string {
	t.Helper()
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q", l.source(), l.Soname, l.Versions)
	for _, path := range l.Needs {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		h.Write(text)
	}
	return string(h.Sum(nil))
}

// Build compiles lib to path, without the C library.
func Build(t testing.TB, path string, lib Lib) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	key := lib.key(t)
	text, done := made.Load(key)
	if !done {
		text = compile(t, lib)
		made.Store(key, text)
	}
	if err := os.WriteFile(path, text.([]byte), 0o755); err != nil {
		t.Fatal(err)
	}
}

func compile(t testing.TB, lib Lib) []byte {
	t.Helper()
	work := t.TempDir()
	in := func(name, text string) string {
		path := filepath.Join(work, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	out := filepath.Join(work, "lib.so")
	args := []string{"-shared", "-fPIC", "-nostdlib", "-fno-stack-protector", "-o", out, in("lib.c", lib.source())}
	if lib.Soname != "" {
		args = append(args, "-Wl,-soname,"+lib.Soname)
	}
	if lib.Versions != "" {
		args = append(args, "-Wl,--version-script,"+in("versions", lib.Versions))
	}
	args = append(append(args, "-Wl,--no-as-needed", "-Wl,--allow-shlib-undefined"), lib.Needs...)
	if said, err := exec.Command("cc", args...).CombinedOutput(); err != nil {
		t.Fatalf("cc %s: %v\n%s", strings.Join(args, " "), err, said)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (l Lib) source() string {
	var c strings.Builder
	c.WriteString("const char text[] = \"" + l.Text + "\";\n")
	for _, name := range l.Use {
		c.WriteString("void " + name + "(void);\nvoid use_" + name + "(void) { " + name + "(); }\n")
	}
	for _, name := range l.Define {
		c.WriteString("void " + name + "(void) {}\n")
	}
	return c.String()
}

// OpenSSL makes a libcrypto and a libssl that look like a build of OpenSSL
// from outside, in a folder. needs are libraries that libcrypto needs.
func OpenSSL(t testing.TB, dir, suffix, text string, needs ...string) {
	t.Helper()
	crypto, ssl := filepath.Join(dir, "libcrypto.so."+suffix), filepath.Join(dir, "libssl.so."+suffix)
	Build(t, crypto, Lib{Soname: "libcrypto.so." + suffix, Text: text, Define: []string{"OpenSSL_version"}, Needs: needs})
	Build(t, ssl, Lib{Soname: "libssl.so." + suffix, Use: []string{"OpenSSL_version"}, Needs: []string{crypto}})
}

// Glibc makes a loader and a libc.so.6 that look like glibc of a release from
// outside: their text, and a function at that release's symbol version.
func Glibc(t testing.TB, dir, release string) (libc string) {
	t.Helper()
	text := "GNU C Library (test) stable release version " + release + "."
	libc = filepath.Join(dir, "libc.so.6")
	Build(t, libc, Lib{Soname: "libc.so.6", Text: text, Define: []string{"newcall"},
		Versions: "GLIBC_" + release + " { newcall; };"})
	Build(t, filepath.Join(dir, "ld-linux-x86-64.so.2"), Lib{Soname: "ld-linux-x86-64.so.2", Text: text})
	return libc
}
