package daemon

import (
	"fmt"
	"slices"
	"strings"

	"tlsbench/workload/fetch"
)

// Release is a packaged Kamailio, as one release of Debian has it.
type Release struct {
	Name  string // what --daemon takes: Kamailio's own version line
	Suite string // release of Debian
	Line  string // OpenSSL line that it is linked with, as package openssl names it
	Modes []int  // values of tls_threads_mode that it knows; none before 5.8
	// OwnRandom says that the TLS module replaces OpenSSL's random generator by
	// one of its own unless told otherwise: on OpenSSL 1.1.1, and in versions
	// before June 2023 on all others too.
	OwnRandom bool
}

// releases are the packaged daemons, by OpenSSL line.
var releases = []Release{
	{Name: "5.4", Suite: "bullseye", Line: "1.1.1", OwnRandom: true},
	{Name: "5.6", Suite: "bookworm", Line: "3.0", OwnRandom: true},
	{Name: "6.0", Suite: "trixie", Line: "3.5", Modes: []int{0, 1, 2}},
	{Name: "6.1", Suite: "sid", Line: "3.6", Modes: []int{0, 1, 2}},
}

// Releases lists the daemons that Fetch knows, oldest first.
func Releases() []Release { return slices.Clone(releases) }

// ParseReleases reads what --daemon takes; none, or "all", is every release.
func ParseReleases(names []string) ([]Release, error) {
	var list []Release
	for _, name := range names {
		if name == "all" {
			continue
		}
		i := slices.IndexFunc(releases, func(r Release) bool { return r.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("unknown daemon %q: choose from %s, all", name, strings.Join(releaseNames(), ", "))
		}
		list = append(list, releases[i])
	}
	if len(names) == 0 || slices.Contains(names, "all") {
		return Releases(), nil
	}
	return list, nil
}

func releaseNames() []string {
	var names []string
	for _, r := range releases {
		names = append(names, r.Name)
	}
	return names
}

// packages are those that hold the daemon, its TLS module and its Python
// module.
var packages = []string{"kamailio", "kamailio-tls-modules", "kamailio-python3-modules"}

// roots are the files whose libraries are needed, and nothing else: the
// daemon's packages hold a hundred modules.
var roots = []string{
	"usr/sbin/kamailio",
	"usr/lib/*/kamailio/modules/tls.so",
	"usr/lib/*/kamailio/modules/sl.so",
	"usr/lib/*/kamailio/modules/app_python3.so",
}

// pythonRoots are the extension modules that the script beside the daemon
// imports.
var pythonRoots = []string{"usr/lib/python3*/lib-dynload/_ssl.*.so", "usr/lib/python3*/lib-dynload/_hashlib.*.so"}

// suites of a release; those of fixes come with it.
func (r Release) suites() []string { return fetch.Suites(r.Suite) }
