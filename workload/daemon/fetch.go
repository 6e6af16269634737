package daemon

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"

	"tlsbench/results"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload/fetch"
	"tlsbench/workload/neighbours"
	"tlsbench/workload/openssl"
	"tlsbench/workload/sharedlib"
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
	FIPS      bool // Debian packages the FIPS module of its OpenSSL
}

// releases are the packaged daemons, by OpenSSL line.
var releases = []Release{
	{Name: "5.4", Suite: "bullseye", Line: "1.1.1", OwnRandom: true},
	{Name: "5.6", Suite: "bookworm", Line: "3.0", OwnRandom: true},
	{Name: "6.0", Suite: "trixie", Line: "3.5", Modes: []int{0, 1, 2}, FIPS: true},
	{Name: "6.1", Suite: "sid", Line: "3.6", Modes: []int{0, 1, 2}, FIPS: true},
}

// builtIn says which strategy a value of tls_threads_mode is in the packaged
// versions. In both modes their children are seen to have lost every slot up to
// a mark; that mode 1 was temp-thread is history, of 5.8.0 and 5.8.1.
var builtIn = map[int]string{1: "hwm", 2: "hwm"}

// BuiltIn lists the modes in which a release does itself what a strategy does.
func (r Release) BuiltIn(c catalogue.Choice) []int {
	return slices.DeleteFunc(slices.Clone(r.Modes), func(mode int) bool { return builtIn[mode] != c.String() || mode == 0 })
}

// ParseReleases reads what --daemon takes; none, or "all", is every release.
func ParseReleases(names []string) ([]Release, error) {
	return fetch.Choose("daemon", releases, func(r Release) string { return r.Name }, names)
}

// ReleaseNames lists what --daemon takes.
func ReleaseNames() []string {
	return results.Distinct(releases, func(r Release) string { return r.Name })
}

// packages are those that hold the daemon, its TLS module and the modules that
// its hazards need.
func (r Release) packages() []string {
	list := []string{"kamailio", "kamailio-tls-modules", "kamailio-python3-modules", "kamailio-mysql-modules"}
	if r.FIPS {
		list = append(list, neighbours.FIPSPackage)
	}
	return list
}

// roots are the files whose libraries are needed, and nothing else: the
// daemon's packages hold a hundred modules.
var roots = []string{
	"usr/sbin/kamailio",
	"usr/lib/*/kamailio/modules/tls.so",
	"usr/lib/*/kamailio/modules/sl.so",
	"usr/lib/*/kamailio/modules/app_python3.so",
	"usr/lib/*/kamailio/modules/db_mysql.so",
	"usr/lib/*/kamailio/modules/sqlops.so",
	"usr/lib/*/kamailio/modules/pv.so",
	"usr/lib/*/kamailio/modules/htable.so",
	"usr/lib/*/" + neighbours.FIPSModule,
}

// private is the folder of libraries that the daemon's modules share, up to 5.8.
const private = "usr/lib/*/kamailio"

// storeName is the name of the daemons' store.
const storeName = "field"

// errNotDebian says that only Debian's packages are known by their releases.
var errNotDebian = errors.New("this machine's package archive is not Debian's, and the daemons are Debian packages")

// Fetch brings packaged daemons into the cache. For the rest see fetch.Fetch.
func Fetch(ctx context.Context, list []Release, opt fetch.Options) ([]fetch.Fetched[Daemon], error) {
	var wants []fetch.Want[Daemon]
	for _, r := range list {
		wants = append(wants, fetch.Want[Daemon]{
			Name: r.Name, What: fmt.Sprintf("kamailio %s from %s", r.Name, r.Suite),
			Sources: func(distro string) ([]fetch.Source, error) {
				if distro != "debian" {
					return nil, errNotDebian
				}
				return []fetch.Source{{Suites: fetch.Suites(r.Suite), Packages: r.packages(), Roots: roots, Private: []string{private}, Then: pythonModules}}, nil
			},
			Find: func(tree string, m *fetch.Manifest) (Daemon, error) {
				d, err := r.in(tree, m)
				d.Folder = opt.Dir
				return d, err
			},
		})
	}
	return fetch.Fetch(ctx, storeName, wants, opt)
}

// pythonLibrary is the library that the daemon's Python module needs; its
// number is in the names of the packages that hold Python's own modules.
var pythonLibrary = regexp.MustCompile(`^libpython3\.[0-9]+`)

// pythonModules names the packages of Python's own modules: no library asks for
// them, so that they are not found by following the needs of files. The roots
// are what the script next to the daemon imports.
func pythonModules(tree string) (packages, roots []string) {
	for _, file := range sharedlib.Glob(tree, "usr/lib/*/libpython3.*.so.1.0") {
		name := pythonLibrary.FindString(filepath.Base(file))
		packages = append(packages, name+"-minimal", name+"-stdlib")
	}
	return packages, []string{"usr/lib/python3*/lib-dynload/_ssl.*.so", "usr/lib/python3*/lib-dynload/_hashlib.*.so"}
}

// Daemon is one unpacked Kamailio.
type Daemon struct {
	Release Release
	Package string // version of the package
	OpenSSL string // exact version of the libcrypto it is going to use

	Program     string
	Modules     string // folder
	Loader      string // of its own release, or the system's
	LibraryPath []string
	Tree        string
	Folder      string // that the user named for daemons; "" = his cache folder
}

// in gives the daemon of a release in a tree.
func (r Release) in(tree string, m *fetch.Manifest) (Daemon, error) {
	d := Daemon{Release: r, Package: m.Package("kamailio").Version, Tree: tree}
	d.Program = filepath.Join(tree, "usr/sbin/kamailio")
	tls := sharedlib.Glob(tree, "usr/lib/*/kamailio/modules/tls.so")
	if len(tls) != 1 || !sharedlib.Fits(d.Program) {
		return Daemon{}, fmt.Errorf("kamailio %s has no program or no TLS module in %s", r.Name, tree)
	}
	d.Modules = filepath.Dir(tls[0])
	for _, p := range r.packages() {
		if m.Package(p).Name == "" {
			return Daemon{}, fmt.Errorf("%s is not among its packages", p)
		}
	}
	return d, d.chooseLoader()
}

// chooseLoader takes the loader that was unpacked with the daemon. Where its
// release's C library is no newer than the system's there is none, and the
// system's loader runs it.
func (d *Daemon) chooseLoader() error {
	d.LibraryPath = append(sharedlib.Folders(d.Tree)[1:], sharedlib.Glob(d.Tree, private)...)
	for _, dir := range d.LibraryPath {
		if g, ok := sharedlib.GlibcIn(dir); ok {
			d.Loader = g.Loader
		}
		for _, file := range sharedlib.Glob(dir, "libcrypto.so.*") {
			if v, err := openssl.Version(file); err == nil {
				d.OpenSSL = v
			}
		}
	}
	if d.Loader == "" {
		g, ok := sharedlib.GlibcIn(filepath.Dir(sharedlib.System().Lookup("libc.so.6")))
		if !ok {
			return fmt.Errorf("find kamailio %s: no loader next to the system's libc.so.6", d.Release.Name)
		}
		d.Loader = g.Loader
	}
	return nil
}
