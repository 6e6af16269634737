package fetch

import (
	"bytes"
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"tlsbench/workload/keeper"
	"tlsbench/workload/sharedlib"
)

// apt runs apt-get on a state folder of its own. It brings each suite's index
// once in its life.
type apt struct {
	archive *archive
	state   string
	suites  map[string]suiteState
	dead    map[string]bool // hosts that did not answer
}

type suiteState struct {
	source string // the deb822 stanza that worked
	err    error
	note   string
}

// newApt makes the state folder, or uses the one that is there: indexes that
// are still good are not downloaded again.
func newApt(archive *archive, state string) (*apt, error) {
	if strings.ContainsAny(state, "\"\n") {
		return nil, fmt.Errorf("make apt state %q: apt cannot use a folder with a quote in its name", state)
	}
	for _, dir := range []string{"lists/partial", "cache/archives/partial", "empty", "log"} {
		if err := os.MkdirAll(filepath.Join(state, dir), 0o700); err != nil {
			return nil, fmt.Errorf("make apt state: %w", err)
		}
	}
	a := &apt{archive: archive, state: state, suites: map[string]suiteState{}, dead: map[string]bool{}}
	if err := a.write("status", ""); err != nil {
		return nil, err
	}
	return a, a.write("apt.conf", a.config())
}

func (a *apt) write(name, text string) error {
	if err := os.WriteFile(filepath.Join(a.state, name), []byte(text), 0o600); err != nil {
		return fmt.Errorf("make apt state: %w", err)
	}
	return nil
}

//go:embed apt.conf
var aptConfig string

func (a *apt) config() string {
	conf := strings.ReplaceAll(aptConfig, `"@`, `"`+a.state)
	if os.Geteuid() == 0 {
		// As root, apt downloads as a user who cannot enter a private folder.
		conf += "APT::Sandbox::User \"root\";\n"
	}
	return conf
}

// folder makes one for a call of apt-get, which goes with this process.
func (a *apt) folder() (string, *keeper.Process, error) {
	dir := filepath.Join(a.state, "debs-"+rand.Text())
	kept, err := keeper.Folder(dir)
	return dir, kept, err
}

// get runs apt-get in a folder, with the sources given, and gives all that it
// printed. Its own files go with the folder: what checks signatures leaves some
// when it is killed.
func (a *apt) get(ctx context.Context, dir, sources string, args ...string) (string, error) {
	if err := a.write("use.sources", sources); err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "apt-get", append([]string{"-q", "-c", filepath.Join(a.state, "apt.conf")}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C", "TMPDIR="+dir)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	out, err := keeper.Output(cmd)
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	// Old versions of apt end well when an index could not be brought.
	if err == nil && bytes.Contains(out, []byte("W: Failed to fetch")) {
		err = errors.New("not everything could be fetched")
	}
	return string(out), err
}

// update brings the index of one suite from the first mirror that has it.
func (a *apt) update(ctx context.Context, suite string) suiteState {
	if s, done := a.suites[suite]; done {
		return s
	}
	s := suiteState{err: fmt.Errorf("suite %s: %w", suite, ErrGone)}
	for i, m := range a.archive.mirrors(suite) {
		err := a.updateFrom(ctx, m, suite)
		if ctx.Err() != nil {
			return suiteState{err: ctx.Err()} // not to be remembered
		}
		if err == nil {
			s = suiteState{source: a.stanza(m, suite), note: a.expired(suite)}
			break
		}
		if i == 0 { // the others are guesses; what they say would mislead
			s.err = err
		}
	}
	a.suites[suite] = s
	return s
}

// updateFrom does not ask a host again that did not answer: apt waits for
// minutes where packets are dropped.
func (a *apt) updateFrom(ctx context.Context, m mirror, suite string) error {
	host := m.uri
	if u, err := url.Parse(m.uri); err == nil {
		host = u.Host
	}
	if a.dead[host] {
		return fmt.Errorf("suite %s: %w", suite, ErrOffline)
	}
	dir, kept, err := a.folder()
	if err != nil {
		return err
	}
	defer kept.Close()
	out, err := a.get(ctx, dir, a.stanza(m, suite), "update")
	if err != nil {
		err = explain("suite "+suite, out, err)
	}
	a.dead[host] = errors.Is(err, ErrOffline)
	return err
}

// stanza is the source in deb822 form. Targets keeps out what other packages
// made apt bring along (contents, icons).
func (a *apt) stanza(m mirror, suite string) string {
	s := fmt.Sprintf("Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nArchitectures: %s\nTargets: Packages\nPDiffs: no\n",
		m.uri, suite, a.archive.arch)
	if m.signedBy != "" {
		s += "Signed-By: " + m.signedBy + "\n"
	}
	return s + "\n"
}

// expired tells of an index that is past its date where the machine's
// configuration keeps apt from refusing it.
func (a *apt) expired(suite string) string {
	for _, file := range sharedlib.Glob(a.state, "lists/*_dists_"+suite+"_InRelease") {
		text, _ := os.ReadFile(file)
		for _, m := range validUntil.FindAllSubmatch(text, -1) {
			if t, err := time.Parse(time.RFC1123, string(m[1])); err == nil && time.Now().After(t) {
				return fmt.Sprintf("suite %s: its index ended on %s; this machine's apt configuration turns that check off",
					suite, t.Format(time.DateOnly))
			}
		}
	}
	return ""
}

var validUntil = regexp.MustCompile(`(?m)^Valid-Until:\s*(.*?)\s*$`)

// What apt-get's messages come down to.
var (
	ErrOffline  = errors.New("the archive cannot be reached")
	ErrGone     = errors.New("not on this machine's mirror (moved to the archive of old releases?)")
	ErrExpired  = errors.New("its index is past its Valid-Until date")
	ErrUnsigned = errors.New("its signature cannot be verified with this machine's keys (is the archive keyring package up to date?)")
	ErrPackage  = errors.New("the package is not in it")
	ErrDownload = errors.New("the download does not match the index")
)

// aptMessages are looked for in this order: with a key missing or an index
// expired apt also says that the repository "is not signed" or "failed to
// fetch".
var aptMessages = []struct {
	pattern *regexp.Regexp
	means   error
}{
	{regexp.MustCompile(`is expired \(invalid since|Release file .* is expired`), ErrExpired},
	{regexp.MustCompile(`NO_PUBKEY|EXPKEYSIG|BADSIG|KEYEXPIRED|REVKEYSIG|Missing key|signatures? (couldn't|could not) be verified|signatures were invalid`), ErrUnsigned},
	{regexp.MustCompile(`does not have a Release file|no longer has a Release file|404 +Not Found`), ErrGone},
	{regexp.MustCompile(`Hash Sum mismatch|Size mismatch|unexpected size|Hashes of (received|expected) file`), ErrDownload},
	{regexp.MustCompile(`Could not resolve|Temporary failure resolving|Could not connect|Unable to connect|Cannot initiate the connection|Network is unreachable|[Cc]onnection (timed out|failed|refused)|No route to host`), ErrOffline},
	{regexp.MustCompile(`Unable to locate package|has no installation candidate|Can't select candidate version|Couldn't find any package`), ErrPackage},
	{regexp.MustCompile(`is not signed`), ErrUnsigned},
}

// explain makes one line of what apt-get printed. The kind can be asked for
// with errors.Is; apt's own words are kept where there is no kind for them.
func explain(what, out string, err error) error {
	for _, m := range aptMessages {
		if m.pattern.MatchString(out) {
			return fmt.Errorf("%s: %w", what, m.means)
		}
	}
	return fmt.Errorf("%s: %w: %s", what, err, aptError(out))
}

// aptError gives the first error that apt-get printed, else its last line.
func aptError(out string) string {
	for _, prefix := range []string{"E: ", "dpkg-deb: error: ", "W: "} {
		for line := range strings.Lines(out) {
			if text, ok := strings.CutPrefix(line, prefix); ok {
				return strings.TrimSpace(text)
			}
		}
	}
	return lastLine(out)
}
