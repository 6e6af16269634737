package fetch

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tlsbench/workload/fetch/fetchtest"
	"tlsbench/workload/sharedlib/sharedlibtest"
)

const multiarchFolder = "usr/lib/x86_64-linux-gnu"

// demo fills the suite "new" with a package whose library needs another one,
// which needs glibc 2.99. A third dependency is not needed by any file, and a
// fourth is virtual.
func demo(t *testing.T) (*fetchtest.Archive, *unpacking) {
	t.Helper()
	a := fetchtest.New(t, "Debian")
	root := func() string { return t.TempDir() }
	g, b, d := root(), root(), root()
	libc := sharedlibtest.Glibc(t, filepath.Join(g, multiarchFolder), "2.99")
	libb := filepath.Join(b, multiarchFolder, "libb.so.1")
	sharedlibtest.Build(t, libb, sharedlibtest.Lib{Soname: "libb.so.1", Use: []string{"newcall"}, Needs: []string{libc}})
	sharedlibtest.Build(t, filepath.Join(d, multiarchFolder, "libdemo.so.1"), sharedlibtest.Lib{Soname: "libdemo.so.1", Needs: []string{libb}})
	a.Add("new", "libdemo1", "1.0-1", "libc6 (>= 2.99), libb1t64 (>= 1), debconf, libvirtual-1.0 | libother", d)
	a.Add("new", "libb1t64", "2:2.0-1", "libc6", b)
	a.Add("new", "libc6", "2.99-1", "", g)
	archive, err := machine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	apt, err := newApt(archive, filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	a.Calls()
	p := Source{Suites: []string{"new"}, Packages: []string{"libdemo1"}, Roots: []string{multiarchFolder + "/libdemo.so.*"}}
	return a, &unpacking{Source: p, apt: apt, ctx: t.Context(), tree: t.TempDir(), log: t.Logf, glibc: "2.36"}
}

func TestFetchFollowsWhatFilesNeed(t *testing.T) {
	a, f := demo(t)
	m, err := f.fill()
	if err != nil {
		t.Fatal(err)
	}
	want := []Package{{"libb1t64", "2:2.0-1"}, {"libc6", "2.99-1"}, {"libdemo1", "1.0-1"}}
	if diff := cmp.Diff(want, m.Packages); diff != "" {
		t.Errorf("packages (-want +got):\n%s", diff)
	}
	for _, call := range a.Calls() {
		if strings.Contains(call, "debconf") {
			t.Errorf("apt-get %s: no file needs that", call)
		}
	}
}

func TestFetchLeavesGlibcWhereTheSystemsWillDo(t *testing.T) {
	_, f := demo(t)
	f.glibc = "2.99"
	m, err := f.fill()
	if err != nil {
		t.Fatal(err)
	}
	if v := m.Package("libc6").Version; v != "" {
		t.Errorf("libc6 %s was unpacked", v)
	}
}

// What apt-get leaves of its own goes with a folder that is swept.
func TestFetchLeavesNothing(t *testing.T) {
	_, f := demo(t)
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	if _, err := f.fill(); err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{filepath.Join(tmp, "*"), filepath.Join(f.apt.state, "debs-*"), filepath.Join(f.apt.state, "apt.sig.*")} {
		if left, err := filepath.Glob(pattern); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	}
}

func TestFetchErrors(t *testing.T) {
	for name, c := range map[string]struct {
		harm func(a *fetchtest.Archive)
		want error
		text string
	}{
		"suite gone":    {func(a *fetchtest.Archive) { a.Remove("new") }, ErrGone, "suite new"},
		"expired":       {func(a *fetchtest.Archive) { a.Write("new/update.err", fetchtest.Expired) }, ErrExpired, "suite new"},
		"no key":        {func(a *fetchtest.Archive) { a.Write("new/update.err", fetchtest.NoKey) }, ErrUnsigned, "suite new"},
		"offline":       {func(a *fetchtest.Archive) { a.Write("new/update.err", fetchtest.Offline) }, ErrOffline, "suite new"},
		"package gone":  {func(a *fetchtest.Archive) { a.Remove("new/libdemo1_1.0-1_amd64.deb") }, ErrPackage, "package libdemo1"},
		"half download": {func(a *fetchtest.Archive) { a.Write("half", "") }, ErrDownload, "package libdemo1"},
		"hash mismatch": {func(a *fetchtest.Archive) { a.Write("mismatch", "") }, ErrDownload, "package libdemo1"},
		"library gone":  {func(a *fetchtest.Archive) { a.Remove("new/libb1t64_2:2.0-1_amd64.deb") }, nil, "libdemo.so.1 needs libb.so.1"},
		"glibc gone":    {func(a *fetchtest.Archive) { a.Remove("new/libc6_2.99-1_amd64.deb") }, ErrPackage, "package libc6"},
		"glibc too old": {func(a *fetchtest.Archive) {
			a.Remove("new/libc6_2.99-1_amd64.deb")
			a.Add("new", "libc6", "2.40-1", "", t.TempDir())
		}, nil, "no glibc 2.99 or later"},
	} {
		t.Run(name, func(t *testing.T) {
			a, f := demo(t)
			c.harm(a)
			_, err := f.fill()
			if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q, want one line with %q about %q", err, c.text, c.want)
			}
		})
	}
}

func TestFetchGoesOnWithoutOneSuite(t *testing.T) {
	a, f := demo(t)
	f.Suites = []string{"moved", "new"}
	m, err := f.fill()
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Notes) != 1 || !strings.Contains(m.Notes[0], "suite moved: not on this machine's mirror") {
		t.Errorf("notes %q", m.Notes)
	}
	if updates := count(a.Calls(), "update"); updates != 3 {
		t.Errorf("%d updates, want 3: the mirror, its folder of old releases, and the other suite", updates)
	}
	if _, err := f.fill(); err != nil {
		t.Fatal(err)
	}
	if updates := count(a.Calls(), "update"); updates != 0 {
		t.Errorf("%d updates for the second package of one life, want 0", updates)
	}
}

func count(calls []string, verb string) int {
	n := 0
	for _, call := range calls {
		if strings.HasPrefix(call, verb) {
			n++
		}
	}
	return n
}

func TestFetchAsksADeadHostOnce(t *testing.T) {
	a, f := demo(t)
	f.Suites = []string{"new", "new-updates"}
	a.Write("new/update.err", fetchtest.Offline)
	a.Write("new-updates/update.err", fetchtest.Offline)
	if _, err := f.fill(); !errors.Is(err, ErrOffline) {
		t.Errorf("error %v", err)
	}
	if updates := count(a.Calls(), "update"); updates != 1 {
		t.Errorf("%d updates, want 1", updates)
	}
}

func TestNoteOnAnOldIndexThatAptAccepts(t *testing.T) {
	a, f := demo(t)
	a.Write("new/InRelease", "Origin: Debian\nValid-Until: Fri, 06 Nov 2015 08:08:01 UTC\nSHA256:\n")
	m, err := f.fill()
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Notes) != 1 || !strings.Contains(m.Notes[0], "ended on 2015-11-06") {
		t.Errorf("notes %q", m.Notes)
	}
}

// The signature and date checks stay as the machine has them.
func TestConfigKeepsAptAwayFromTheSystem(t *testing.T) {
	_, f := demo(t)
	text, err := os.ReadFile(filepath.Join(f.apt.state, "apt.conf"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"#clear APT::Update;", "Dir::State \"" + f.apt.state, "Dir::Cache \"" + f.apt.state,
		"Dir::Etc::sourcelist \"" + f.apt.state, "Dir::Etc::sourceparts \"" + f.apt.state, "Dir::Log \"" + f.apt.state} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	for _, no := range []string{"Check-Valid-Until", "AllowInsecure", "Dir::Etc::trusted", "trusted=yes"} {
		if strings.Contains(string(text), no) {
			t.Errorf("%q in\n%s", no, text)
		}
	}
	if _, err := newApt(f.apt.archive, "/tmp/a\"b"); err == nil {
		t.Error("a folder with a quote was taken")
	}
}
