package neighbours

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tlsbench/workload/fetch"
	"tlsbench/workload/fetch/fetchtest"
	"tlsbench/workload/openssl"
	"tlsbench/workload/sharedlib/sharedlibtest"
)

const libs = "usr/lib/x86_64-linux-gnu"

// fillArchive makes an archive whose suite sid has an OpenSSL 3.6, and
// neighbours that are linked to it. Python is not yet the newest one known.
func fillArchive(t *testing.T) *fetchtest.Archive {
	t.Helper()
	a := fetchtest.New(t, "Debian")
	add := func(name, path string, lib *sharedlibtest.Lib) {
		root := t.TempDir()
		if lib != nil {
			sharedlibtest.Build(t, filepath.Join(root, path), *lib)
		}
		a.Add("sid", name, "1-1", "", root)
	}
	crypto := t.TempDir()
	sharedlibtest.OpenSSL(t, filepath.Join(crypto, libs), "3", "OpenSSL 3.6.5 29 Sep 2026")
	a.Add("sid", "libssl3t64", "1-1", "", crypto)
	needs := []string{filepath.Join(crypto, libs, "libcrypto.so.3")}
	add("libpython3.13", libs+"/libpython3.13.so.1.0", &sharedlibtest.Lib{Soname: "libpython3.13.so.1.0"})
	add("libpython3.13-minimal", "", nil)
	add("libpython3.13-stdlib", "usr/lib/python3.13/lib-dynload/_ssl.cpython-313.so",
		&sharedlibtest.Lib{Soname: "_ssl.so", Needs: needs})
	root := t.TempDir()
	sharedlibtest.Build(t, filepath.Join(root, libs, "libcurl.so.4"), sharedlibtest.Lib{Soname: "libcurl.so.4", Needs: needs})
	a.Add("sid", "libcurl4t64", "1-1", "libssl3t64", root)
	fips := t.TempDir()
	sharedlibtest.Build(t, filepath.Join(fips, libs, FIPSModule), sharedlibtest.Lib{Soname: "fips.so"})
	a.Add("sid", FIPSPackage, "1-1", "", fips)
	add("libpq5", libs+"/libpq.so.5", &sharedlibtest.Lib{Soname: "libpq.so.5", Needs: needs})
	add("libmariadb3", libs+"/libmariadb.so.3", &sharedlibtest.Lib{Soname: "libmariadb.so.3", Needs: needs})
	for _, suite := range fetch.Suites("sid") {
		a.Write(suite+"/Packages", "")
	}
	return a
}

// What was fetched is found, for its own build and no other, and is not fetched
// again.
func TestFetch(t *testing.T) {
	a := fillArchive(t)
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	got, err := openssl.Fetch(t.Context(), []string{"3.6"}, fetch.Options{})
	if err != nil || got[0].Err != nil {
		t.Fatal(err, got[0].Err)
	}
	build := got[0].Found
	if _, err := findFetched(Curl, build, "libcrypto.so.3"); err == nil {
		t.Fatal("found before it was fetched")
	}
	m, err := Fetch(t.Context(), build, "", fetch.Options{Log: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	if m.Package("libpython3.13-stdlib").Version != "1-1" || m.Package("libpython3.14").Name != "" {
		t.Errorf("packages are %v", m.Packages)
	}
	store, _ := fetch.Open(storeName, "")
	tree := store.Tree("3.6")
	for k := range kinds {
		lib, err := Find(k, build)
		if err != nil || !strings.HasPrefix(lib.Path, tree) || len(lib.Folders) == 0 {
			t.Errorf("%s: %+v, %v", k, lib, err)
		}
		if k == Python && lib.Home != filepath.Join(tree, "usr") {
			t.Errorf("Python's home is %s", lib.Home)
		}
		if _, err := findFetched(k, build, "libcrypto.so.4"); err == nil {
			t.Errorf("%s: found for another libcrypto", k)
		}
	}
	// A release whose libraries use another libcrypto: fetching them again is no advice.
	other := build
	other.Loader, other.Libcrypto = "/loader", filepath.Join(t.TempDir(), "libcrypto.so.4")
	sharedlibtest.Build(t, other.Libcrypto, sharedlibtest.Lib{Soname: "libcrypto.so.4"})
	_, err = Find(Libmariadb, other)
	if err == nil || !strings.Contains(err.Error(), "libmariadb.so.3 uses libcrypto.so.3, not libcrypto.so.4") || strings.Contains(err.Error(), "fetch it") {
		t.Errorf("libmariadb for libcrypto.so.4: %v", err)
	}
	a.Calls()
	if _, err := Fetch(t.Context(), build, "", fetch.Options{}); err != nil || len(a.Calls()) > 0 {
		t.Errorf("a second fetch: %v; it must not call apt-get", err)
	}
}

// Without a cache folder of the user's everything is below the folder that he named. A
// tree that has changed is an error that says so, for the FIPS module as for the others.
func TestFetchWithoutHome(t *testing.T) {
	fillArchive(t)
	t.Setenv("HOME", "")
	t.Setenv("XDG_CACHE_HOME", "")
	dir := t.TempDir()
	got, err := openssl.Fetch(t.Context(), []string{"3.6"}, fetch.Options{Dir: dir})
	if err != nil || got[0].Err != nil {
		t.Fatal(err, got[0].Err)
	}
	build := got[0].Found
	if _, err := Fetch(t.Context(), build, dir, fetch.Options{}); err != nil {
		t.Fatal(err)
	}
	module := filepath.Join(fetch.Store{Dir: below(dir)}.Tree("3.6"), libs, FIPSModule)
	if err := os.WriteFile(module, []byte("changed"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, k := range []Kind{FIPS, Curl} {
		var absent *MissingError
		if _, err := Find(k, build); !errors.Is(err, fetch.ErrChanged) || errors.As(err, &absent) {
			t.Errorf("%s of a tree that has changed: %v", k, err)
		}
	}
	if _, err := Fetch(t.Context(), build, dir, fetch.Options{Refresh: true}); err != nil {
		t.Fatal(err)
	}
	for _, k := range []Kind{FIPS, Curl} {
		if lib, err := Find(k, build); err != nil || !strings.HasPrefix(lib.Path, dir+"/") {
			t.Errorf("%s: %+v, %v; want it below %s", k, lib, err, dir)
		}
	}
	if list := openssl.List(nil, dir); slices.ContainsFunc(list, func(l openssl.Listed) bool { return l.Err != nil && l.Source == openssl.Cache }) {
		t.Errorf("the neighbours are listed as a build: %+v", list)
	}
}

// A release that lacks a library is said so, and nothing is left in the cache.
func TestFetchLacksPackage(t *testing.T) {
	a := fillArchive(t)
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	got, err := openssl.Fetch(t.Context(), []string{"3.6"}, fetch.Options{})
	if err != nil || got[0].Err != nil {
		t.Fatal(err, got[0].Err)
	}
	a.Remove("sid")
	a.Write("sid/Packages", "")
	_, err = Fetch(t.Context(), got[0].Found, "", fetch.Options{})
	if !errors.Is(err, fetch.ErrPackage) {
		t.Errorf("error %v, want %v", err, fetch.ErrPackage)
	}
	store, _ := fetch.Open(storeName, "")
	if _, err := store.Verify("3.6"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something is there that was not fetched: %v", err)
	}
}
