package openssl

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tlsbench/workload/fetch"
	"tlsbench/workload/sharedlib"
	"tlsbench/workload/sharedlib/sharedlibtest"
)

const libs = "usr/lib/x86_64-linux-gnu"

// testFinder sees a system made of folders below a temporary one: OpenSSL
// 3.0.19 on glibc 2.36, and a cache.
func testFinder(t *testing.T) *finder {
	t.Helper()
	system, cache := t.TempDir(), t.TempDir()
	sharedlibtest.OpenSSL(t, system, "3", "OpenSSL 3.0.19 27 Jan 2026")
	sharedlibtest.OpenSSL(t, system, "1.1", "OpenSSL 1.1.1w  11 Sep 2023")
	return &finder{store: fetch.Store{Dir: cache}, linker: sharedlib.NewLinker(system), glibc: "2.36"}
}

// cacheLine puts a build into the cache as Fetch leaves it, and what more adds
// to its folder of libraries.
func (f *finder) cacheLine(t *testing.T, line, suffix, text string, more ...func(dir string)) string {
	t.Helper()
	_, err := f.store.Put(line, func(tree string) (*fetch.Manifest, error) {
		dir := filepath.Join(tree, libs)
		sharedlibtest.OpenSSL(t, dir, suffix, text)
		for _, add := range more {
			add(dir)
		}
		return &fetch.Manifest{Suites: []string{"test"}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(f.store.Tree(line), libs)
}

func versions(builds []Build) []string {
	var all []string
	for _, b := range builds {
		all = append(all, b.Name+"="+b.Version)
	}
	return all
}

func TestFindNames(t *testing.T) {
	f := testFinder(t)
	f.cacheLine(t, "3.0", "3", "OpenSSL 3.0.19 27 Jan 2026") // as the system's
	f.cacheLine(t, "3.5", "3", "OpenSSL 3.5.9 29 Sep 2026")
	f.cacheLine(t, "4.0", "4", "OpenSSL 4.0.3 29 Sep 2026")
	for names, want := range map[string][]string{
		"system":            {"system=3.0.19"},
		"3.0":               {"3.0=3.0.19"},
		"4.0,3.5":           {"4.0=4.0.3", "3.5=3.5.9"},
		"3.5.9":             {"3.5=3.5.9"},
		"all":               {"system=3.0.19", "3.5=3.5.9", "4.0=4.0.3"},
		"3.5,all":           {"3.5=3.5.9", "system=3.0.19", "4.0=4.0.3"},
		"system,system,3.5": {"system=3.0.19", "3.5=3.5.9"},
	} {
		builds, err := f.findAll(strings.Split(names, ","))
		if err != nil {
			t.Errorf("%s: %v", names, err)
		}
		if diff := cmp.Diff(want, versions(builds)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", names, diff)
		}
	}
}

func TestFindUnknownNamesTheChoices(t *testing.T) {
	f := testFinder(t)
	f.cacheLine(t, "3.5", "3", "OpenSSL 3.5.9 29 Sep 2026")
	for _, name := range []string{"3.6", "", "./nowhere"} {
		_, err := f.find(name)
		checkReason(t, err, "choose from system (3.0.19), 3.5 (3.5.9), all, or a folder")
	}
	if _, err := f.findAll(nil); err == nil {
		t.Error("no names: no error")
	}
}

func TestFindAnExactVersionOnTheSystem(t *testing.T) {
	f := testFinder(t)
	builds, err := f.find("3.0.19")
	if err != nil || builds[0].Source != System {
		t.Errorf("got %+v, %v", builds, err)
	}
}

// A line that this machine cannot run is an error by its name; "all" goes
// without.
func TestFindLineThatCannotRun(t *testing.T) {
	f := testFinder(t)
	f.cacheLine(t, "3.5", "3", "OpenSSL 3.5.9 29 Sep 2026", func(dir string) {
		if err := os.Remove(filepath.Join(dir, "libssl.so.3")); err != nil {
			t.Fatal(err)
		}
	})
	_, err := f.find("3.5")
	checkReason(t, err, "its folder has no libssl.so.3; fetch it again")
	if builds, err := f.find("all"); err != nil || len(builds) != 1 {
		t.Errorf("all: %v, %v; want the system's alone", versions(builds), err)
	}
}

// A line whose files are not those that were fetched is used by no name.
func TestFindChangedLine(t *testing.T) {
	for name, harm := range map[string]func(dir string) error{
		"other file":  func(dir string) error { return os.WriteFile(dir+"/libssl.so.3", []byte("x"), 0o600) },
		"gone":        func(dir string) error { return os.Remove(dir + "/libcrypto.so.3") },
		"added":       func(dir string) error { return os.WriteFile(dir+"/libz.so.1", []byte("x"), 0o600) },
		"no manifest": func(dir string) error { return os.Remove(dir + "/../../../../manifest.json") },
	} {
		f := testFinder(t)
		f.cacheLine(t, "3.6", "3", "OpenSSL 3.6.5 29 Sep 2026")
		if err := harm(f.cacheLine(t, "3.5", "3", "OpenSSL 3.5.9 29 Sep 2026")); err != nil {
			t.Fatal(err)
		}
		for _, asked := range []string{"3.5", "3.5.9", "all"} {
			_, err := f.find(asked)
			if err == nil {
				t.Errorf("%s: %s was found", name, asked)
				continue
			}
			checkReason(t, err, `find openssl "3.5": `+filepath.Join(f.store.Dir, "3.5")+" has changed since it was fetched: ")
			checkReason(t, err, "fetch it again")
		}
		if b, err := f.find("3.6"); err != nil || b[0].Version != "3.6.5" {
			t.Errorf("%s: the other line: %+v, %v", name, b, err)
		}
	}
}

// Without a home folder there is no cache, and all else works.
func TestFindWithoutHome(t *testing.T) {
	t.Setenv("HOME", "")
	t.Setenv("XDG_CACHE_HOME", "")
	f := newFinder("")
	system := testFinder(t)
	f.linker, f.glibc = system.linker, system.glibc
	for _, name := range []string{"system", "all"} {
		if b, err := f.find(name); err != nil || b[0].Version != "3.0.19" {
			t.Errorf("%s: %+v, %v", name, b, err)
		}
	}
	if list := f.list(nil); len(list) != 1 || list[0].Err != nil {
		t.Errorf("list: %+v", list)
	}
	_, err := f.find("3.5")
	checkReason(t, err, "find the user's cache folder: ")
	_, err = Fetch(t.Context(), nil, fetch.Options{})
	checkReason(t, err, "find the user's cache folder: ")
}

func TestFindFolders(t *testing.T) {
	f := testFinder(t)
	top := filepath.Join(t.TempDir(), "odd [name] *")
	for _, sub := range []string{"flat", "prefix/lib64", "unpacked/" + libs} {
		sharedlibtest.OpenSSL(t, filepath.Join(top, sub), "3", "OpenSSL 3.3.1 4 Jun 2024")
	}
	sharedlibtest.OpenSSL(t, filepath.Join(top, "two"), "1.1", "OpenSSL 1.1.1w  11 Sep 2023")
	sharedlibtest.OpenSSL(t, filepath.Join(top, "two"), "3", "OpenSSL 3.3.1 4 Jun 2024")
	sharedlibtest.OpenSSL(t, filepath.Join(top, "linked"), "3.3.1", "OpenSSL 3.3.1 4 Jun 2024")
	for _, lib := range []string{"libcrypto", "libssl"} {
		if err := os.Symlink(lib+".so.3.3.1", filepath.Join(top, "linked", lib+".so.3")); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		"flat":                  "flat/libcrypto.so.3",
		"flat/libssl.so.3":      "flat/libcrypto.so.3",
		"flat/libcrypto.so.3":   "flat/libcrypto.so.3",
		"prefix":                "prefix/lib64/libcrypto.so.3",
		"unpacked":              "unpacked/" + libs + "/libcrypto.so.3",
		"two":                   "two/libcrypto.so.3",
		"two/libcrypto.so.1.1":  "two/libcrypto.so.1.1",
		"linked/libcrypto.so.3": "linked/libcrypto.so.3.3.1",
	} {
		builds, err := f.find(filepath.Join(top, name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		b := builds[0]
		if b.Libcrypto != filepath.Join(top, want) || filepath.Dir(b.Libssl) != filepath.Dir(b.Libcrypto) || b.Source != Folder {
			t.Errorf("%s: got %+v, want %s", name, b, want)
		}
	}
	if err := os.Mkdir(filepath.Join(top, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := f.find(filepath.Join(top, "empty"))
	checkReason(t, err, "it has no libcrypto.so.N")
}

func TestFindTellsAForkInAFolder(t *testing.T) {
	f := testFinder(t)
	dir := t.TempDir()
	sharedlibtest.Build(t, filepath.Join(dir, "libcrypto.so"), sharedlibtest.Lib{Text: "OpenSSL 1.1.1 (compatible; BoringSSL)"})
	_, err := f.find(dir)
	checkReason(t, err, "it is BoringSSL")
}

func TestLoader(t *testing.T) {
	f := testFinder(t)
	stub := sharedlibtest.Glibc(t, t.TempDir(), "2.38")
	needing := func(dir string) string { // a dependency that needs glibc 2.38
		dep := filepath.Join(dir, "libdep.so.1")
		sharedlibtest.Build(t, dep, sharedlibtest.Lib{Soname: "libdep.so.1", Use: []string{"newcall"}, Needs: []string{stub}})
		return dep
	}
	bare := filepath.Join(t.TempDir(), "bare")
	sharedlibtest.OpenSSL(t, bare, "3", "OpenSSL 3.3.1 4 Jun 2024", needing(bare))
	_, err := f.find(bare)
	checkReason(t, err, "needs glibc 2.38, but the system has 2.36")

	var with []string
	for _, release := range []string{"2.43", "2.41", "2.37"} {
		dir := f.cacheLine(t, "line-"+release, "3", "OpenSSL 3.5.9 29 Sep 2026",
			func(dir string) { sharedlibtest.Glibc(t, dir, release) })
		with = append(with, dir)
	}
	got, err := f.find(bare)
	if err != nil {
		t.Fatal(err)
	}
	want := Build{Name: bare, Source: Folder, Version: "3.3.1", Text: "OpenSSL 3.3.1 4 Jun 2024",
		Libcrypto: filepath.Join(bare, "libcrypto.so.3"), Libssl: filepath.Join(bare, "libssl.so.3"),
		Glibc: "2.41", Loader: filepath.Join(with[1], "ld-linux-x86-64.so.2"), LibraryPath: []string{with[1], bare}}
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Errorf("the cache's oldest that will do (-want +got):\n%s", diff)
	}
	sharedlibtest.Glibc(t, bare, "2.44")
	if got, err = f.find(bare); err != nil || got[0].Glibc != "2.44" || !slices.Equal(got[0].LibraryPath, []string{bare}) {
		t.Errorf("its own glibc next to it: got %+v, %v", got, err)
	}
	f.glibc = "2.50"
	if got, err = f.find(bare); err != nil || got[0].Glibc != "2.44" {
		t.Errorf("a dependency next to a libc.so.6, on a newer system: got %+v, %v; want the folder's glibc", got, err)
	}
	for _, name := range []string{"libc.so.6", "ld-linux-x86-64.so.2"} {
		if err := os.Remove(filepath.Join(bare, name)); err != nil {
			t.Fatal(err)
		}
	}
	if got, err = f.find(bare); err != nil || got[0].Loader != "" || !slices.Equal(got[0].LibraryPath, []string{bare}) {
		t.Errorf("a newer system: got %+v, %v; want its own loader and the folder for libdep", got, err)
	}
	if err := os.Remove(filepath.Join(bare, "libdep.so.1")); err != nil {
		t.Fatal(err)
	}
	_, err = f.find(bare)
	checkReason(t, err, "needs libdep.so.1, which is neither in its folder nor on the system")
}

func TestLoaderPathMustBeSeparable(t *testing.T) {
	f := testFinder(t)
	dir := filepath.Join(t.TempDir(), "a:b")
	dep := filepath.Join(dir, "libdep.so.1")
	sharedlibtest.Build(t, dep, sharedlibtest.Lib{Soname: "libdep.so.1"})
	sharedlibtest.OpenSSL(t, dir, "3", "OpenSSL 3.3.1 4 Jun 2024", dep)
	_, err := f.find(dir)
	checkReason(t, err, "the dynamic loader cannot use a path with ':' in it")
}

func TestCommandAndEnviron(t *testing.T) {
	own := Build{Loader: "/l/ld.so", LibraryPath: []string{"/l", "/m"}}
	if diff := cmp.Diff([]string{"/l/ld.so", "--library-path", "/l:/m", "exe", "-x"}, own.Command("exe", "-x")); diff != "" {
		t.Errorf("own loader (-want +got):\n%s", diff)
	}
	env := []string{"A=1", "LD_LIBRARY_PATH=/old"}
	if diff := cmp.Diff(env, own.Environ(env)); diff != "" {
		t.Errorf("own loader's environment (-want +got):\n%s", diff)
	}
	system := Build{LibraryPath: []string{"/m"}}
	if diff := cmp.Diff([]string{"exe"}, system.Command("exe")); diff != "" {
		t.Errorf("system's loader (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"A=1", "LD_LIBRARY_PATH=/old", "LD_LIBRARY_PATH=/m:/old"}, system.Environ(env)); diff != "" {
		t.Errorf("system's environment (-want +got):\n%s", diff)
	}
	if env[1] != "LD_LIBRARY_PATH=/old" {
		t.Error("the caller's slice was changed")
	}
}

func TestList(t *testing.T) {
	f := testFinder(t)
	f.cacheLine(t, "3.5", "3", "OpenSSL 3.5.9 29 Sep 2026")
	if err := os.MkdirAll(filepath.Join(f.store.Dir, "3.6"), 0o700); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range f.list([]string{filepath.Dir(f.store.Dir)}) {
		state := l.Build.Version
		if l.Err != nil {
			state = "refused"
		}
		got = append(got, string(l.Source)+" "+state)
	}
	want := []string{"system 3.0.19", "cache 3.5.9", "cache refused", "folder refused"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
}
