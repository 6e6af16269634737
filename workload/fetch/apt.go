package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"tlsbench/workload/sharedlib"
)

// Apt runs apt-get on a state folder of its own. It brings each suite's index
// once in its life.
type Apt struct {
	archive *Archive
	state   string
	suites  map[string]suiteState
	dead    map[string]bool // hosts that did not answer
}

type suiteState struct {
	source string // the deb822 stanza that worked
	err    error
	note   string
}

// NewApt makes the state folder, or uses the one that is there: indexes that
// are still good are not downloaded again.
func NewApt(archive *Archive, state string) (*Apt, error) {
	if strings.ContainsAny(state, "\"\n") {
		return nil, fmt.Errorf("make apt state %q: apt cannot be given a folder with a quote in its name", state)
	}
	for _, dir := range []string{"lists/partial", "cache/archives/partial", "empty", "log"} {
		if err := os.MkdirAll(filepath.Join(state, dir), 0o700); err != nil {
			return nil, fmt.Errorf("make apt state: %w", err)
		}
	}
	a := &Apt{archive: archive, state: state, suites: map[string]suiteState{}, dead: map[string]bool{}}
	if err := a.write("status", ""); err != nil {
		return nil, err
	}
	return a, a.write("apt.conf", a.config())
}

func (a *Apt) write(name, text string) error {
	if err := os.WriteFile(filepath.Join(a.state, name), []byte(text), 0o600); err != nil {
		return fmt.Errorf("make apt state: %w", err)
	}
	return nil
}

// config is read by apt after the machine's own configuration, so that it has
// the last word. #clear, because lists can only be added to otherwise; the
// commands in them may delete from the system's cache or talk to daemons.
func (a *Apt) config() string {
	s := a.state
	conf := "#clear APT::Update;\n#clear Acquire::Languages;\n" +
		"Acquire::Languages { \"none\"; };\n" +
		"APT::Update::Error-Mode \"any\";\n" +
		"APT::Get::List-Cleanup \"false\";\n" + // suites come one by one
		"Acquire::GzipIndexes \"true\";\n" +
		"Acquire::Retries \"2\";\n"
	if os.Geteuid() == 0 {
		// As root, apt downloads as a user who cannot enter a private folder.
		conf += "APT::Sandbox::User \"root\";\n"
	}
	for _, d := range [][2]string{
		{"State", ""}, {"State::lists", "lists"}, {"State::status", "status"},
		{"State::extended_states", "extended_states"},
		{"Cache", "cache"}, {"Cache::archives", "cache/archives"}, {"Log", "log"},
		{"Etc::sourcelist", "use.sources"}, {"Etc::sourceparts", "empty"},
		{"Etc::preferences", "empty/none"}, {"Etc::preferencesparts", "empty"},
	} {
		conf += fmt.Sprintf("Dir::%s %q;\n", d[0], filepath.Join(s, d[1]))
	}
	return conf
}

// get runs apt-get in a folder, with the sources given, and gives all that it
// printed.
func (a *Apt) get(ctx context.Context, dir, sources string, args ...string) (string, error) {
	if err := a.write("use.sources", sources); err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "apt-get", append([]string{"-q", "-c", filepath.Join(a.state, "apt.conf")}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	// Old versions of apt end well when an index could not be brought.
	if err == nil && strings.Contains(out.String(), "W: Failed to fetch") {
		err = errors.New("not all could be brought")
	}
	return out.String(), err
}

// update brings the index of one suite from the first mirror that has it.
func (a *Apt) update(ctx context.Context, suite string) suiteState {
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
func (a *Apt) updateFrom(ctx context.Context, m mirror, suite string) error {
	host := m.uri
	if u, err := url.Parse(m.uri); err == nil {
		host = u.Host
	}
	if a.dead[host] {
		return fmt.Errorf("suite %s: %w", suite, ErrOffline)
	}
	out, err := a.get(ctx, a.state, a.stanza(m, suite), "update")
	if err != nil {
		err = explain("suite "+suite, out, err)
	}
	a.dead[host] = errors.Is(err, ErrOffline)
	return err
}

// stanza is the source in deb822 form. Targets keeps out what other packages
// made apt bring along (contents, icons).
func (a *Apt) stanza(m mirror, suite string) string {
	s := fmt.Sprintf("Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nArchitectures: %s\nTargets: Packages\nPDiffs: no\n",
		m.uri, suite, a.archive.Arch)
	if m.signedBy != "" {
		s += "Signed-By: " + m.signedBy + "\n"
	}
	return s + "\n"
}

// expired tells of an index that is past its date where the machine's
// configuration keeps apt from refusing it.
func (a *Apt) expired(suite string) string {
	for _, file := range sharedlib.Glob(a.state, "lists/*_dists_"+suite+"_InRelease") {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			until, ok := strings.CutPrefix(line, "Valid-Until:")
			if !ok {
				continue
			}
			t, err := time.Parse(time.RFC1123, strings.TrimSpace(until))
			if err == nil && time.Now().After(t) {
				return fmt.Sprintf("suite %s: its index ended on %s; this machine's apt configuration turns that check off",
					suite, t.Format(time.DateOnly))
			}
		}
	}
	return ""
}
