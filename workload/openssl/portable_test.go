package openssl

import (
	"fmt"
	"os"
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

// Every path in a text, and no part of another one.
func TestPortableText(t *testing.T) {
	t.Setenv("HOME", "/home/me")
	t.Setenv("XDG_CACHE_HOME", "/home/me/.cache")
	for text, want := range map[string]string{
		"load strategy: open /home/me/f.so: no such file":       "load strategy: open ~/f.so: no such file",
		"/home/me/.cache/a, (/home/me/b) \"/home/me/c\"":        "$CACHE/a, (~/b) \"~/c\"",
		"A=/home/me:/home/me/.cache, then /home/me.":            "A=~:$CACHE, then ~.",
		"/home/meier/a /mnt/home/me/b /home/me.old/c /home/me2": "/home/meier/a /mnt/home/me/b /home/me.old/c /home/me2",
		"": "",
	} {
		if got := Portable(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

// A home folder that is reached through a link has two names, and both are the user's.
func TestPortableThroughLink(t *testing.T) {
	home := filepath.Join(t.TempDir(), "link")
	real := t.TempDir()
	if err := os.Symlink(real, home); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", home)
	t.Setenv("XDG_CACHE_HOME", filepath.Join(home, "cache"))
	for path, want := range map[string]string{
		home + "/cache/a": "$CACHE/a", home + "/a": "~/a", real + "/a": "~/a",
	} {
		if got := Portable(path); got != want {
			t.Errorf("Portable(%q) = %q, want %q", path, got, want)
		}
	}
	if back := Local("~/a"); back != home+"/a" {
		t.Errorf("~/a is %s here, want it in %s", back, home)
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
