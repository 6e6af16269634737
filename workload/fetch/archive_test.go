package fetch

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tlsbench/workload/fetch/fetchtest"
)

var compareMirrors = cmp.AllowUnexported(archive{}, mirror{})

func TestMachineTakesTheDistributionsOwnArchive(t *testing.T) {
	a := fetchtest.New(t, "Debian")
	sources := filepath.Join(a.Dir, "debian.sources")
	a.Write("debian.sources", "Types: deb\nURIs: http://m.test/debian\nSigned-By: /keys/debian.gpg\n")
	a.Write("targets", strings.Join([]string{
		"http://third.test/deb/|bookworm|main|Someone Else|/nowhere:1|Packages",
		"cdrom:[disk]/|bookworm|main|Debian|/nowhere:1|Packages",
		"http://m.test/debian/|bookworm|main|Debian|" + sources + ":1|Packages",
		"http://m.test/debian/|bookworm|main|Debian|" + sources + ":1|DEP-11",
		"http://m.test/debian/|bookworm|contrib|Debian|" + sources + ":1|Packages",
		"http://s.test/debian-security/|bookworm-security|main|Debian|/nowhere:2|Packages",
	}, "\n"))
	got, err := machine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := &archive{distro: "debian", arch: "amd64",
		main:     []mirror{{"http://m.test/debian", "/keys/debian.gpg"}},
		security: []mirror{{"http://s.test/debian-security", ""}}}
	if diff := cmp.Diff(want, got, compareMirrors); diff != "" {
		t.Errorf("archive (-want +got):\n%s", diff)
	}
	wantMirrors := []mirror{{"http://m.test/debian", "/keys/debian.gpg"}, {"http://m.test/debian-archive/debian", "/keys/debian.gpg"}}
	if diff := cmp.Diff(wantMirrors, got.mirrors("bullseye"), compareMirrors); diff != "" {
		t.Errorf("mirrors of bullseye (-want +got):\n%s", diff)
	}
	if m := got.mirrors("bullseye-security"); m[0].uri != "http://s.test/debian-security" {
		t.Errorf("bullseye-security is looked for at %v", m)
	}
}

func TestMachineWithoutArchive(t *testing.T) {
	a := fetchtest.New(t, "Debian")
	a.Write("targets", "http://third.test/|any|main|Someone Else|/nowhere:1|Packages\n")
	if _, err := machine(t.Context()); !errors.Is(err, ErrNoArchive) {
		t.Errorf("only other people's repositories: error %v", err)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := machine(t.Context()); !errors.Is(err, ErrNoArchive) || !strings.Contains(err.Error(), "no apt-get") {
		t.Errorf("no apt-get: error %v", err)
	}
}

func TestParseTargetsWithoutReleaseInfo(t *testing.T) {
	got := parseTargets("http://m.test/debian/|bookworm|main|$(ORIGIN)|/e:1|Packages\n")
	want := []target{{"http://m.test/debian/", "bookworm", "main", "", "/e:1"}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(target{})); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}
}

func TestSignedBy(t *testing.T) {
	dir := t.TempDir()
	deb822 := filepath.Join(dir, "a.sources")
	oneLine := filepath.Join(dir, "a.list")
	for path, text := range map[string]string{
		deb822: "# a comment\n\nTypes: deb\nURIs: http://a.test\nsigned-by: /keys/a.gpg /keys/b.gpg\n# more\nSuites: x\n\n\n" +
			"Types: deb\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQ=\n -----END PGP PUBLIC KEY BLOCK-----\nSuites: y\n\nTypes: deb\n",
		oneLine: "# deb [signed-by=/keys/no.gpg] http://a.test x main\ndeb [arch=amd64 signed-by=/keys/a.gpg,/keys/b.gpg] http://a.test x main\ndeb http://b.test x main\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for entry, want := range map[string]string{
		// apt does not count a stanza that has nothing but comments.
		deb822 + ":1":       "/keys/a.gpg /keys/b.gpg",
		deb822 + ":2":       "\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQ=\n -----END PGP PUBLIC KEY BLOCK-----",
		deb822 + ":3":       "",
		oneLine + ":1":      "",
		oneLine + ":2":      "/keys/a.gpg /keys/b.gpg",
		oneLine + ":3":      "",
		oneLine + ":99":     "",
		"/nowhere/a.list:1": "",
		"":                  "",
	} {
		if got := signedBy(entry); got != want {
			t.Errorf("%s: got %q, want %q", filepath.Base(entry), got, want)
		}
	}
}
