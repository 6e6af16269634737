package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"tlsbench/results"
	"tlsbench/results/page"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload"
	"tlsbench/workload/fetch"
	"tlsbench/workload/neighbours"
	"tlsbench/workload/openssl"
)

// opensslCommand is about builds.
type opensslCommand struct {
	Fetch fetchCommand      `cmd:"" help:"Fetch OpenSSL lines into a cache folder. Nothing is installed, and root is not needed."`
	List  listBuildsCommand `cmd:"" help:"List the builds that are here, as each library describes itself."`
}

// fetchCommand fills the cache.
type fetchCommand struct {
	Lines      []string `arg:"" optional:"" name:"line" help:"Lines such as 3.5, or all (default)."`
	Dir        string   `placeholder:"DIR" env:"TLSBENCH_OPENSSL_DIR" help:"Folder to fetch into, instead of the user's cache folder."`
	Refresh    bool     `help:"Fetch again what is already there."`
	Neighbours bool     `help:"Also fetch libpython, libcurl, libpq, libmariadb and the FIPS module of the same release, for the hazards that need them."`
}

// Run fetches one line after the other and tells what became of each.
func (c *fetchCommand) Run(s *session) error {
	opt := s.fetching(c.Dir)
	opt.Refresh = c.Refresh
	fetched, err := openssl.Fetch(s.ctx, c.Lines, opt)
	failed := false
	for _, f := range fetched {
		if f.Err != nil {
			s.complain(f.Err)
			failed = true
			continue
		}
		state := "is already there"
		if f.New {
			state = "fetched"
		}
		if err := show(s.stdout, page.List{item(f.Name, append([]string{f.Found.Text + ", " + state}, f.Notes...)...)}); err != nil {
			return err
		}
		if !c.Neighbours {
			continue
		}
		if _, err := neighbours.Fetch(s.ctx, f.Found, c.Dir, s.fetching("")); err != nil {
			s.complain(err)
			failed = true
		}
	}
	if err != nil {
		return fetchError(err)
	}
	if failed {
		return errFailed
	}
	return nil
}

// fetching has each step told on stderr.
func (s *session) fetching(dir string) fetch.Options {
	return fetch.Options{Dir: dir, Log: func(format string, args ...any) { fmt.Fprintf(s.stderr, format+"\n", args...) }}
}

// fetchError tells a name that is not a line, or a folder that cannot be used,
// from an archive that cannot be had.
func fetchError(err error) error {
	if errors.Is(err, fetch.ErrOffline) || errors.Is(err, fetch.ErrNoArchive) || errors.Is(err, context.Canceled) {
		return err
	}
	return &refusal{Err: err}
}

// listBuildsCommand lists builds.
type listBuildsCommand struct {
	Openssl []string `placeholder:"DIR" help:"Folders or files to list as well."`
	Dir     string   `placeholder:"DIR" env:"TLSBENCH_OPENSSL_DIR" help:"Folder of fetched builds, instead of the user's cache folder."`
	JSON    bool     `name:"json" help:"Print as JSON."`
}

// listedBuild is one line of the list.
type listedBuild struct {
	Name      string `json:"name"`
	Source    string `json:"source"`
	Version   string `json:"version,omitempty"` // as the library itself says
	Glibc     string `json:"glibc,omitempty"`   // that it runs on
	Keys      int    `json:"keys,omitempty"`    // thread-local keys of OpenSSL
	Libcrypto string `json:"libcrypto,omitempty"`
	Package   string `json:"package,omitempty"`
	Error     string `json:"error,omitempty"`
}

// Run asks each library and prints what it says.
func (c *listBuildsCommand) Run(s *session) error {
	if err := checkFolder("dir", c.Dir, false); err != nil {
		return err
	}
	list, err := askAll(s.ctx, c.Openssl, c.Dir)
	if err != nil {
		return err
	}
	doc := page.Document{Parts: buildTable(list), Data: list}
	return doc.Write(s.stdout, form(c.JSON))
}

// askAll tells of the builds of this machine, and of those in the folders.
func askAll(ctx context.Context, folders []string, dir string) (list []listedBuild, err error) {
	for _, l := range openssl.List(folders, dir) {
		list = append(list, ask(ctx, l))
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// ask runs the rig on a build under strategy none, so that its slots are seen
// as OpenSSL leaves them.
func ask(ctx context.Context, l openssl.Listed) listedBuild {
	b := listedBuild{Name: l.Name, Source: string(l.Source)}
	if l.Err != nil {
		b.Error = page.OneLine(l.Err.Error())
		return b
	}
	b.Glibc, b.Libcrypto, b.Package = l.Build.Glibc, l.Build.Libcrypto, l.Build.Package
	p, err := workload.Probe(ctx, workload.Config{
		Build: l.Build, Strategy: catalogue.Choice{Name: catalogue.PositiveControl},
	})
	if err != nil {
		b.Error = page.OneLine(err.Error())
		return b
	}
	b.Version, b.Keys = p.Version, count(&p.ProbedStrategy).keys
	return b
}

// buildTable shows the builds, where their libraries are, and what is wrong with
// those that cannot be used.
func buildTable(list []listedBuild) []page.Part {
	t := &page.Table{Head: []string{"name", "version", "glibc", "keys", "source", "package"}}
	var files page.List
	var errors []page.Part
	for _, b := range list {
		if b.Error != "" {
			errors = append(errors, page.Alarm(b.Name+": "+b.Error))
			continue
		}
		t.Add(b.Name, b.Version, b.Glibc, b.Keys, b.Source, b.Package)
		files = append(files, item(b.Name, home(b.Libcrypto)))
	}
	if len(t.Rows) == 0 {
		return errors
	}
	return append([]page.Part{t, files}, errors...)
}

// home shortens a path below the user's home folder.
func home(path string) string {
	if dir, err := os.UserHomeDir(); err == nil && dir != "/" {
		if rest, ok := strings.CutPrefix(path, dir+"/"); ok {
			return "~/" + rest
		}
	}
	return path
}

// buildFlags choose OpenSSL builds.
type buildFlags struct {
	Openssl    []string `placeholder:"BUILD" help:"OpenSSL builds: system (default), a fetched line or version such as 3.5, a folder, a file, or all."`
	OpensslDir string   `placeholder:"DIR" env:"TLSBENCH_OPENSSL_DIR" help:"Folder of fetched builds, instead of the user's cache folder."`
}

// find resolves the names to files. Without any it takes the system's.
func (f buildFlags) find() ([]openssl.Build, error) {
	names := results.OrDefault(f.Openssl, "system")
	if err := checkFolder("openssl-dir", f.OpensslDir, slices.Contains(names, "all")); err != nil {
		return nil, err
	}
	builds, err := openssl.Find(names, f.OpensslDir)
	if err != nil {
		return nil, &refusal{Err: err}
	}
	return builds, nil
}

// checkFolder refuses a folder of fetched builds that is none, and, if all of them
// are asked for, one that is not there: those of the system alone would be fewer.
func checkFolder(flag, dir string, all bool) error {
	if dir == "" {
		return nil
	}
	switch st, err := os.Stat(dir); {
	case err == nil && !st.IsDir():
		return refuse("--%s %s: not a folder", flag, dir)
	case all && err != nil:
		return refuse("--%s: %w", flag, err)
	}
	return nil
}

// choices checks what each is to be run under, by flag, and finds strategies and
// builds, which can be used.
func (f buildFlags) choices(ctx context.Context, values map[string]string, hazard *string, strategies []string, heapBytes uint64) ([]results.Strategy, []openssl.Build, error) {
	for flag, value := range values {
		if err := checkValues(flag, value); err != nil {
			return nil, nil, err
		}
	}
	var err error
	if *hazard, err = results.HazardName(*hazard); err != nil {
		return nil, nil, refuse("%w; see tlsbench list hazard", err)
	}
	list, err := parseStrategies(strategies)
	if err != nil {
		return nil, nil, err
	}
	libraries, err := f.find()
	if err == nil {
		err = ready(ctx, libraries, list, heapBytes)
	}
	return list, libraries, err
}

// each does something on every build. What cannot be done is reported, and errFailed
// in the end; it stops when the session is interrupted.
func (s *session) each(builds []openssl.Build, doing string, do func(openssl.Build) []error) (failed error) {
	for _, b := range builds {
		errs := do(b)
		if s.ctx.Err() != nil {
			return s.ctx.Err()
		}
		for _, err := range errs {
			s.complain(fmt.Errorf("%s openssl %s: %w", doing, b.Name, err))
			failed = errFailed
		}
	}
	return failed
}

// heapFlag is the size of the shared heap.
type heapFlag struct {
	HeapSize mebibytes `placeholder:"MIB" help:"Size of the shared heap; by default 256 MiB plus 4 MiB for each worker."`
}

func (f heapFlag) bytes() uint64 { return uint64(f.HeapSize) << 20 }

type mebibytes uint64

// Validate refuses a size that no machine has.
func (m mebibytes) Validate() error {
	if m > 1<<20 {
		return fmt.Errorf("heap size of %d MiB: choose up to %d, or leave it out", m, 1<<20)
	}
	return nil
}

// ready finds out whether the builds and the user's own strategies can be used at
// all, so that what is wrong with one is said once, before anything is written. What
// a strategy does wrong beyond that is a finding.
func ready(ctx context.Context, builds []openssl.Build, list []results.Strategy, heapBytes uint64) error {
	if err := askVersions(ctx, builds, heapBytes); err != nil {
		return err
	}
	tried := map[string]bool{}
	for _, s := range list {
		if s.Path == "" || tried[s.Path] {
			continue
		}
		tried[s.Path] = true
		_, err := workload.Version(ctx, workload.Config{Build: builds[0], Strategy: s.Choice, HeapBytes: heapBytes})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil && !errors.Is(err, context.DeadlineExceeded) { // one that hangs is for the trials to show
			return refuse("strategy %s (%s): %w", s.Choice.Name, s.Path, err)
		}
	}
	return nil
}

// askVersions runs the rig once on each build and takes the version that the
// library itself gives. It shows, before anything is written, that the rig can
// drive it at all.
func askVersions(ctx context.Context, builds []openssl.Build, heapBytes uint64) error {
	for i := range builds {
		cfg := workload.Config{
			Build: builds[i], Strategy: catalogue.Choice{Name: catalogue.NegativeControl}, HeapBytes: heapBytes,
		}
		version, err := workload.Version(ctx, cfg)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return refuse("openssl %s (%s): %w", builds[i].Name, builds[i].Libcrypto, err)
		}
		builds[i].Version = version
	}
	return nil
}
