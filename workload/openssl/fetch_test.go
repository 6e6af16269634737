package openssl

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tlsbench/workload/fetch"
	"tlsbench/workload/fetch/fetchtest"
	"tlsbench/workload/sharedlib/sharedlibtest"
)

// lineIn is one line as a suite has it.
type lineIn struct{ suite, pkg, suffix, text string }

var debianLines = []lineIn{
	{"bullseye", "libssl1.1", "1.1", "OpenSSL 1.1.1w  11 Sep 2023"},
	{"bookworm", "libssl3", "3", "OpenSSL 3.0.22 25 Aug 2026"},
	{"trixie", "libssl3t64", "3", "OpenSSL 3.5.9 29 Sep 2026"},
	{"sid", "libssl3t64", "3", "OpenSSL 3.6.5 29 Sep 2026"},
	{"experimental", "libssl4", "4", "OpenSSL 4.0.3 29 Sep 2026"},
}

// fillArchive makes an archive of the lines. Releases have empty suites for
// fixes next to them.
func fillArchive(t *testing.T, origin string, lines []lineIn) *fetchtest.Archive {
	t.Helper()
	a := fetchtest.New(t, origin)
	for _, l := range lines {
		root := t.TempDir()
		sharedlibtest.OpenSSL(t, filepath.Join(root, libs), l.suffix, l.text)
		a.Add(l.suite, l.pkg, "1-1", "libc6 (>= 2.38)", root)
		for _, suite := range fetch.Suites(l.suite) {
			a.Write(suite+"/Packages", "")
		}
	}
	return a
}

// outcome gives one word a line: its version, or "error: ..." without the
// folder names.
func outcome(all []fetch.Fetched[Build]) map[string]string {
	got := map[string]string{}
	for _, f := range all {
		got[f.Name] = f.Found.Version
		if f.Err != nil {
			got[f.Name] = f.Err.Error()
		}
	}
	return got
}

var fiveLines = map[string]string{"1.1.1": "1.1.1w", "3.0": "3.0.22", "3.5": "3.5.9", "3.6": "3.6.5", "4.0": "4.0.3"}

func TestFetchAllAndAgain(t *testing.T) {
	a := fillArchive(t, "Debian", debianLines)
	opt := fetch.Options{Dir: filepath.Join(t.TempDir(), "cache")}
	all, err := Fetch(t.Context(), nil, opt)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fiveLines, outcome(all)); diff != "" {
		t.Errorf("first (-want +got):\n%s", diff)
	}
	if all[1].Found.Package != "libssl3 1-1" || !all[1].New {
		t.Errorf("3.0: %+v", all[1])
	}
	if st, err := os.Stat(opt.Dir); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("cache folder: %v, %v; want mode 0700", st.Mode(), err)
	}
	a.Calls()
	again, err := Fetch(t.Context(), []string{"all"}, opt)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fiveLines, outcome(again)); diff != "" || again[0].New {
		t.Errorf("again, new %v (-want +got):\n%s", again[0].New, diff)
	}
	if calls := a.Calls(); len(calls) > 0 {
		t.Errorf("again: apt-get was asked for %q", calls)
	}
	opt.Refresh = true
	if fresh, err := Fetch(t.Context(), []string{"3.0"}, opt); err != nil || !fresh[0].New {
		t.Errorf("refresh: %+v, %v", fresh, err)
	}
}

// A folder may be named from where one stands.
func TestFetchIntoRelativeFolder(t *testing.T) {
	fillArchive(t, "Debian", debianLines[1:2])
	t.Chdir(t.TempDir())
	all, err := Fetch(t.Context(), []string{"3.0"}, fetch.Options{Dir: "cache/of mine"})
	if err != nil || all[0].Err != nil {
		t.Fatalf("%+v, %v", all, err)
	}
	if b, err := Find([]string{"3.0"}, "cache/of mine"); err != nil || !filepath.IsAbs(b[0].Libcrypto) {
		t.Errorf("%+v, %v", b, err)
	}
}

func TestFetchMends(t *testing.T) {
	for name, harm := range map[string]func(dir string) error{
		"changed library":  func(dir string) error { return os.Truncate(dir+"/tree/"+libs+"/libssl.so.3", 500) },
		"no manifest":      func(dir string) error { return os.Remove(dir + "/manifest.json") },
		"half a manifest":  func(dir string) error { return os.Truncate(dir+"/manifest.json", 20) },
		"an empty folder":  func(dir string) error { return errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o700)) },
		"a file by a name": func(dir string) error { return errors.Join(os.RemoveAll(dir), os.WriteFile(dir, nil, 0o600)) },
	} {
		t.Run(name, func(t *testing.T) {
			fillArchive(t, "Debian", debianLines[1:2])
			opt := fetch.Options{Dir: t.TempDir()}
			bring := func(wantNew bool) {
				t.Helper()
				all, err := Fetch(t.Context(), []string{"3.0"}, opt)
				if err != nil || all[0].Err != nil || all[0].New != wantNew {
					t.Fatalf("got %+v, %v; want new %v", all, err, wantNew)
				}
			}
			bring(true)
			if err := harm(filepath.Join(opt.Dir, "3.0")); err != nil {
				t.Fatal(err)
			}
			bring(true)
			bring(false)
		})
	}
}

// What goes wrong with one line, in one line of text, and the others go on.
func TestFetchOneLineFails(t *testing.T) {
	for name, c := range map[string]struct {
		harm func(a *fetchtest.Archive)
		want string // of line 3.6
	}{
		"release gone": {func(a *fetchtest.Archive) { a.Remove("sid") },
			"suite sid: not on this machine's mirror"},
		"index expired": {func(a *fetchtest.Archive) { a.Write("sid/update.err", fetchtest.Expired) },
			"suite sid: its index is past its Valid-Until date"},
		"no key": {func(a *fetchtest.Archive) { a.Write("sid/update.err", fetchtest.NoKey) },
			"suite sid: its signature cannot be verified"},
		"package gone": {func(a *fetchtest.Archive) { a.Remove("sid/libssl3t64_1-1_amd64.deb") },
			"package libssl3t64: the package is not in it"},
		"moved on": {func(a *fetchtest.Archive) {
			root := t.TempDir()
			sharedlibtest.OpenSSL(t, filepath.Join(root, libs), "3", "OpenSSL 3.7.0 1 Oct 2026")
			a.Add("sid", "libssl3t64", "1-1", "", root)
		}, "suite sid now has 3.7.0, not 3.6"},
		"no library": {func(a *fetchtest.Archive) { a.Add("sid", "libssl3t64", "1-1", "", t.TempDir()) },
			"package libssl3t64 1-1: it has no libcrypto.so.N"},
	} {
		t.Run(name, func(t *testing.T) {
			a := fillArchive(t, "Debian", debianLines[2:4])
			c.harm(a)
			dir := t.TempDir()
			all, err := Fetch(t.Context(), []string{"3.6", "3.5"}, fetch.Options{Dir: dir})
			if err != nil || len(all) != 2 {
				t.Fatalf("got %+v, %v", all, err)
			}
			checkReason(t, all[0].Err, "fetch openssl 3.6: "+c.want)
			if all[1].Err != nil || all[1].Found.Version != "3.5.9" {
				t.Errorf("3.5: %+v", all[1])
			}
			if left, _ := filepath.Glob(filepath.Join(dir, ".[^l]*")); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

func TestFetchHalfDownloadLeavesNothing(t *testing.T) {
	a := fillArchive(t, "Debian", debianLines[1:2])
	a.Write("half", "")
	dir := t.TempDir()
	all, err := Fetch(t.Context(), []string{"3.0"}, fetch.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if !errors.Is(all[0].Err, fetch.ErrDownload) {
		t.Errorf("error %v", all[0].Err)
	}
	if _, err := os.Stat(filepath.Join(dir, "3.0")); !os.IsNotExist(err) {
		t.Errorf("the folder of the line: %v, want none", err)
	}
	a.Remove("half")
	if all, err = Fetch(t.Context(), []string{"3.0"}, fetch.Options{Dir: dir}); err != nil || all[0].Err != nil {
		t.Errorf("the next one: %+v, %v", all, err)
	}
}

func TestFetchOfflineSaysItOnceAndKeepsWhatIsThere(t *testing.T) {
	a := fillArchive(t, "Debian", debianLines)
	opt := fetch.Options{Dir: t.TempDir()}
	if _, err := Fetch(t.Context(), []string{"3.5"}, opt); err != nil {
		t.Fatal(err)
	}
	for _, l := range debianLines {
		for _, suite := range fetch.Suites(l.suite) {
			a.Write(suite+"/update.err", fetchtest.Offline)
		}
	}
	a.Calls()
	all, err := Fetch(t.Context(), nil, opt)
	if !errors.Is(err, fetch.ErrOffline) {
		t.Errorf("error %v", err)
	}
	checkReason(t, err, "--openssl DIR")
	if diff := cmp.Diff(map[string]string{"3.5": "3.5.9"}, outcome(all)); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	if n := strings.Count(strings.Join(a.Calls(), "\n"), "update"); n > 2 {
		t.Errorf("%d updates; two hosts are enough to know", n)
	}
}

func TestFetchOnUbuntuNamesWhatItLacks(t *testing.T) {
	fillArchive(t, "Ubuntu", []lineIn{
		{"focal", "libssl1.1", "1.1", "OpenSSL 1.1.1f  31 Mar 2020"},
		{"jammy", "libssl3", "3", "OpenSSL 3.0.2 15 Mar 2022"},
		{"resolute", "libssl3t64", "3", "OpenSSL 3.5.5 27 Jan 2026"},
	})
	all, err := Fetch(t.Context(), nil, fetch.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	lacks := ": ubuntu: no release has this line; bring a build yourself and name its folder with --openssl DIR"
	want := map[string]string{"1.1.1": "1.1.1f", "3.0": "3.0.2", "3.5": "3.5.5",
		"3.6": "fetch openssl 3.6" + lacks, "4.0": "fetch openssl 4.0" + lacks}
	if diff := cmp.Diff(want, outcome(all)); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestFetchWithoutApt(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	all, err := Fetch(t.Context(), nil, fetch.Options{Dir: t.TempDir()})
	if !errors.Is(err, fetch.ErrNoArchive) || len(all) != 0 {
		t.Errorf("got %+v, %v", all, err)
	}
	checkReason(t, err, "--openssl DIR")
}

func TestFetchUnknownLine(t *testing.T) {
	_, err := Fetch(t.Context(), []string{"3.0", "2.9"}, fetch.Options{Dir: t.TempDir()})
	checkReason(t, err, `unknown openssl line "2.9": choose from 1.1.1, 3.0, 3.5, 3.6, 4.0, all`)
}

func TestFetchCancelled(t *testing.T) {
	fillArchive(t, "Debian", debianLines)
	ctx, cancel := context.WithCancel(t.Context())
	dir := t.TempDir()
	_, err := Fetch(ctx, nil, fetch.Options{Dir: dir, Log: func(format string, args ...any) {
		if strings.Contains(format, "download") {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "1.1.1")); !os.IsNotExist(err) {
		t.Errorf("a line was put in place: %v", err)
	}
}

func TestTwoFetchesAtOnceDownloadOnce(t *testing.T) {
	a := fillArchive(t, "Debian", debianLines[1:2])
	opt := fetch.Options{Dir: t.TempDir()}
	var wg sync.WaitGroup
	var all [4][]fetch.Fetched[Build]
	for i := range all {
		wg.Go(func() {
			var err error
			if all[i], err = Fetch(t.Context(), []string{"3.0"}, opt); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	news := 0
	for _, f := range all {
		if len(f) != 1 || f[0].Err != nil || f[0].Found.Version != "3.0.22" {
			t.Fatalf("got %+v", f)
		}
		if f[0].New {
			news++
		}
	}
	if n := strings.Count(strings.Join(a.Calls(), "\n"), "download"); n != 1 || news != 1 {
		t.Errorf("%d downloads, %d new; want one", n, news)
	}
}
