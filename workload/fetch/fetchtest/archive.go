// Package fetchtest is an archive for tests: scripts in place of apt-get and
// dpkg, over a folder of packages. They say what the real programs say.
package fetchtest

import (
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

//go:embed bin
var bin embed.FS

// What apt-get 2.6 says when it cannot bring an index.
const (
	Expired = "E: Release file for http://mirror.test/debian/dists/sid/InRelease is expired (invalid since 17d 6h 9min 53s). Updates for this repository will not be applied.\n"
	NoKey   = "W: GPG error: http://mirror.test/debian sid InRelease: The following signatures couldn't be verified because the public key is not available: NO_PUBKEY 6ED0E7B82643E131\n" +
		"E: The repository 'http://mirror.test/debian sid InRelease' is not signed.\n"
	Offline = "E: Failed to fetch http://mirror.test/debian/dists/sid/InRelease  Temporary failure resolving 'mirror.test'\n" +
		"E: Some index files failed to download. They have been ignored, or old ones used instead.\n"
)

// Archive is the folder that the scripts work on.
type Archive struct {
	Dir string
	t   testing.TB
}

// New puts the scripts before the real programs on PATH. The machine then
// seems to be set up for an archive of a distribution, "Debian" or "Ubuntu".
func New(t *testing.T, origin string) *Archive {
	t.Helper()
	a := &Archive{t.TempDir(), t}
	programs := t.TempDir()
	for _, name := range []string{"apt-get", "dpkg", "dpkg-deb"} {
		script, err := bin.ReadFile("bin/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(programs, name), script, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", programs+":"+os.Getenv("PATH"))
	t.Setenv("FAKE_ARCHIVE", a.Dir)
	base := "http://mirror.test/" + strings.ToLower(origin)
	a.Write("targets", fmt.Sprintf("%s/|here|main|%s|/nowhere/a.sources:1|Packages\n%s-security/|here-security|main|%s|/nowhere/a.sources:2|Packages\n",
		base, origin, base, origin))
	return a
}

// Write makes a file below the archive's folder.
func (a *Archive) Write(name, text string) {
	a.t.Helper()
	path := filepath.Join(a.Dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		a.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		a.t.Fatal(err)
	}
}

// Remove removes a file or a suite.
func (a *Archive) Remove(name string) {
	a.t.Helper()
	if err := os.RemoveAll(filepath.Join(a.Dir, name)); err != nil {
		a.t.Fatal(err)
	}
}

// Add makes a package of the files below root, with dependencies as they
// stand in a control file.
func (a *Archive) Add(suite, name, version, depends, root string) {
	a.t.Helper()
	control := filepath.Join("controls", name, "control")
	a.Write(control, fmt.Sprintf("Package: %s\nVersion: %s\nDepends: %s\n", name, version, depends))
	path := filepath.Join(suite, name+"_"+version+"_amd64.deb")
	a.Write(path, "")
	out, err := exec.Command("tar", "-cf", filepath.Join(a.Dir, path), "--transform=s,^\\.,data,",
		"-C", filepath.Join(a.Dir, filepath.Dir(control)), "control", "-C", root, ".").CombinedOutput()
	if err != nil {
		a.t.Fatalf("tar: %v: %s", err, out)
	}
}

// Calls gives what apt-get was asked since the last time: "update",
// "download -- libssl3".
func (a *Archive) Calls() []string {
	a.t.Helper()
	path := filepath.Join(a.Dir, "calls")
	text, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		a.t.Fatal(err)
	}
	a.Remove("calls")
	var calls []string
	for line := range strings.Lines(string(text)) {
		calls = append(calls, strings.TrimSpace(line))
	}
	return calls
}
