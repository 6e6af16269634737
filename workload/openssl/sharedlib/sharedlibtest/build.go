// Package sharedlibtest compiles small shared objects for tests: a real
// linker's output, with nothing in it but what the test is about.
package sharedlibtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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

// Build compiles lib to path, without the C library.
func Build(t testing.TB, path string, lib Lib) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	source := filepath.Join(work, "lib.c")
	if err := os.WriteFile(source, []byte(lib.source()), 0o644); err != nil {
		t.Fatal(err)
	}
	args := []string{"-shared", "-fPIC", "-nostdlib", "-fno-stack-protector", "-o", path, source}
	if lib.Soname != "" {
		args = append(args, "-Wl,-soname,"+lib.Soname)
	}
	if lib.Versions != "" {
		script := filepath.Join(work, "versions")
		if err := os.WriteFile(script, []byte(lib.Versions), 0o644); err != nil {
			t.Fatal(err)
		}
		args = append(args, "-Wl,--version-script,"+script)
	}
	args = append(append(args, "-Wl,--no-as-needed", "-Wl,--allow-shlib-undefined"), lib.Needs...)
	if out, err := exec.Command("cc", args...).CombinedOutput(); err != nil {
		t.Fatalf("cc %s: %v\n%s", strings.Join(args, " "), err, out)
	}
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
