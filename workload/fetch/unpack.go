package fetch

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"tlsbench/results/version"
	"tlsbench/workload/keeper"
	"tlsbench/workload/sharedlib"
)

// glibcPackage is glibc's package on every architecture that Go and Debian
// both have.
const glibcPackage = "libc6"

// unpacking is one tree under way: packages of one release, and what they need
// to run here.
type unpacking struct {
	Source
	apt     *apt
	ctx     context.Context
	tree    string
	log     func(format string, args ...any)
	glibc   string             // release of the system's glibc; "" = look
	sources string             // the suites that could be had
	have    map[string]control // by package name
	absent  []string           // dependencies that are not packages
}

// fill unpacks the packages into the tree; a second call, with others, adds
// them. The release's own glibc is unpacked too if anything needs a newer one
// than the system's. A suite that cannot be had is noted if another one has the
// packages.
func (u *unpacking) fill() (*Manifest, error) {
	sources, notes, err := u.indexes()
	if err != nil {
		return nil, err
	}
	u.sources = sources
	if u.have == nil {
		u.have = map[string]control{}
	}
	if err := u.get(u.Packages); err != nil {
		if len(notes) > 0 {
			err = fmt.Errorf("%w (%s)", err, notes[0])
		}
		return nil, err
	}
	glibc, err := u.libraries()
	if err == nil {
		err = u.newerGlibc(glibc)
	}
	if err != nil {
		return nil, err
	}
	return &Manifest{Suites: u.Suites, Packages: u.packages(), Notes: notes}, nil
}

// indexes brings the suites' indexes, and gives the sources that worked.
func (u *unpacking) indexes() (sources string, notes []string, err error) {
	var first error
	for _, suite := range u.Suites {
		u.log("index of %s", suite)
		s := u.apt.update(u.ctx, suite)
		if u.ctx.Err() != nil {
			return "", nil, u.ctx.Err()
		}
		if s.err != nil {
			notes = append(notes, s.err.Error())
			if first == nil {
				first = s.err
			}
			continue
		}
		sources += s.source
		if s.note != "" {
			notes = append(notes, s.note)
		}
	}
	if sources == "" {
		return "", nil, first
	}
	return sources, notes, nil
}

// control is what is used of a package's control file.
type control struct {
	version string
	depends []string
}

func (u *unpacking) packages() []Package {
	var all []Package
	for _, name := range slices.Sorted(maps.Keys(u.have)) {
		all = append(all, Package{name, u.have[name].version})
	}
	return all
}

// get downloads packages and unpacks them.
func (u *unpacking) get(names []string) error {
	dir, kept, err := u.apt.folder()
	if err != nil {
		return err
	}
	defer kept.Close()
	what := "package " + strings.Join(names, ", ")
	u.log("download %s", strings.Join(names, " "))
	out, err := u.apt.get(u.ctx, dir, u.sources, append([]string{"download", "--"}, names...)...)
	if u.ctx.Err() != nil {
		return u.ctx.Err()
	}
	if err != nil {
		return explain(what, out, err)
	}
	for _, name := range names {
		// An underscore cannot be part of a package's name, so it ends it.
		files := sharedlib.Glob(dir, name+"_*.deb")
		if len(files) != 1 {
			return fmt.Errorf("package %s: %w: %d files", name, ErrDownload, len(files))
		}
		if err := u.unpack(name, files[0]); err != nil {
			return err
		}
	}
	return nil
}

func (u *unpacking) unpack(name, deb string) error {
	for _, args := range [][]string{{"-f", deb, "Version", "Depends", "Pre-Depends"}, {"-x", deb, u.tree}} {
		cmd := exec.CommandContext(u.ctx, "dpkg-deb", args...)
		cmd.Env = append(os.Environ(), "LC_ALL=C")
		out, err := keeper.Output(cmd)
		if u.ctx.Err() != nil {
			return u.ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("package %s: %w: %s", name, ErrDownload, aptError(string(out)))
		}
		if args[0] == "-f" {
			u.have[name] = parseControl(string(out))
		}
	}
	return nil
}

// dependencyName takes the first alternative's name out of one dependency.
var dependencyName = regexp.MustCompile(`^\s*([a-z0-9][a-z0-9+.-]+)`)

func parseControl(text string) control {
	var c control
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(line, ":")
		switch key {
		case "Version":
			c.version = strings.TrimSpace(value)
		case "Depends", "Pre-Depends":
			for dep := range strings.SplitSeq(value, ",") {
				if m := dependencyName.FindStringSubmatch(dep); m != nil {
					c.depends = append(c.depends, m[1])
				}
			}
		}
	}
	return c
}

// libraries adds packages until the roots have all that they need, and gives the
// release of glibc that they need.
func (u *unpacking) libraries() (glibc string, err error) {
	for {
		c, err := u.closure()
		if err != nil || len(c.Unmet) == 0 {
			return c.Glibc, err
		}
		more := u.candidates()
		if len(more) == 0 {
			return "", fmt.Errorf("%s needs %s, but no dependency of %s has it",
				filepath.Base(c.Unmet[0].By), c.Unmet[0].Soname, strings.Join(u.Packages, ", "))
		}
		if err := u.getAny(more); err != nil {
			return "", err
		}
	}
}

func (u *unpacking) closure() (sharedlib.Closure, error) {
	var roots []*sharedlib.Object
	for _, pattern := range u.Roots {
		for _, file := range sharedlib.Glob(u.tree, pattern) {
			o, err := sharedlib.Read(file)
			if err != nil {
				return sharedlib.Closure{}, err
			}
			roots = append(roots, o)
		}
	}
	folders := sharedlib.Folders(u.tree)
	for _, pattern := range u.Private {
		folders = append(folders, sharedlib.Glob(u.tree, pattern)...)
	}
	return sharedlib.Follow(roots, folders, nil)
}

// libraryPackage is how Debian names packages of shared libraries (Policy
// 8.1), zlib being the one that is older than the rule.
var libraryPackage = regexp.MustCompile(`^(lib|zlib1g)`)

// candidates are the library packages that the ones so far depend on.
func (u *unpacking) candidates() []string {
	var more []string
	for _, c := range u.have {
		for _, name := range c.depends {
			_, done := u.have[name]
			if !done && name != glibcPackage && libraryPackage.MatchString(name) && !slices.Contains(u.absent, name) {
				more = append(more, name)
			}
		}
	}
	slices.Sort(more)
	return slices.Compact(more)
}

// getAny gets those packages that there are: a dependency may be on a virtual
// one.
func (u *unpacking) getAny(names []string) error {
	err := u.get(names)
	if !errors.Is(err, ErrPackage) || len(names) == 1 {
		return err
	}
	for _, name := range names {
		err := u.get([]string{name})
		if errors.Is(err, ErrPackage) {
			u.absent = append(u.absent, name)
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// newerGlibc adds the release's own C library if the system's is too old.
func (u *unpacking) newerGlibc(needed string) error {
	if u.glibc == "" {
		u.glibc = sharedlib.GlibcRelease(sharedlib.System().Lookup("libc.so.6"))
	}
	if version.Compare(u.glibc, needed) >= 0 {
		return nil
	}
	if err := u.get([]string{glibcPackage}); err != nil {
		return err
	}
	for _, dir := range sharedlib.Folders(u.tree) {
		if g, ok := sharedlib.GlibcIn(dir); ok && version.Compare(g.Release, needed) >= 0 {
			return nil
		}
	}
	return fmt.Errorf("package %s %s: it has no glibc %s or later", glibcPackage, u.have[glibcPackage].version, needed)
}
