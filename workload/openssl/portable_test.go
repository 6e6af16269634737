package openssl

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPortable(t *testing.T) {
	home, cache := t.TempDir(), t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CACHE_HOME", cache)
	for path, want := range map[string]string{
		"":                                     "",
		"/usr/lib/libcrypto.so.3":              "/usr/lib/libcrypto.so.3",
		filepath.Join(cache, "a/libssl.so"):    "$CACHE/a/libssl.so",
		filepath.Join(home, "a/libssl.so"):     "~/a/libssl.so",
		filepath.Join(home+"x", "a/libssl.so"): filepath.Join(home+"x", "a/libssl.so"),
	} {
		got := Portable(path)
		if got != want {
			t.Errorf("Portable(%q) = %q, want %q", path, got, want)
		}
		if back := Local(got); back != path {
			t.Errorf("Local(%q) = %q, want %q", got, back, path)
		}
	}
}

// A build read by another user is that user's.
func TestBuildIsPortable(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("HOME", "/home/one")
	file := Build{
		Name: "3.5", Libcrypto: "/home/one/.cache/c", Libssl: "/home/one/.cache/s", Source: Cache,
		Loader: "/home/one/.cache/l", LibraryPath: []string{"/home/one/.cache/d", "/usr/lib"},
	}.Portable()
	if text := fmt.Sprintf("%+v", file); strings.Contains(text, "one") {
		t.Errorf("the user's name is in %s", text)
	}
	t.Setenv("HOME", "/home/two")
	want := Build{
		Name: "3.5", Libcrypto: "/home/two/.cache/c", Libssl: "/home/two/.cache/s", Source: Cache,
		Loader: "/home/two/.cache/l", LibraryPath: []string{"/home/two/.cache/d", "/usr/lib"},
	}
	if diff := cmp.Diff(want, file.Local()); diff != "" {
		t.Error(diff)
	}
}
