package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"tlsbench/workload/keeper"
)

// ErrNoArchive says that this system has no Debian or Ubuntu archive to take
// packages from.
var ErrNoArchive = errors.New("no package archive of Debian or Ubuntu")

// archive is where this machine's apt takes packages from.
type archive struct {
	distro   string // "debian", "ubuntu"
	arch     string // as dpkg names it: "amd64"
	main     []mirror
	security []mirror
}

// mirror is one base address with the keys that its indexes are checked with.
type mirror struct {
	uri      string
	signedBy string // the deb822 field's value; "" = the machine's trusted keys
}

// target is one line of "apt-get indextargets".
type target struct {
	uri, suite, component, origin, entry string
}

const targetFormat = "$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(ORIGIN)|$(SOURCESENTRY)|$(CREATED_BY)"

// machine reads the machine's own apt configuration.
func machine(ctx context.Context) (*archive, error) {
	for _, tool := range []string{"apt-get", "dpkg", "dpkg-deb"} {
		if _, err := exec.LookPath(tool); err != nil {
			return nil, fmt.Errorf("%w: no %s on this system (%s)", ErrNoArchive, tool, osRelease("ID"))
		}
	}
	arch, err := output(ctx, "dpkg", "--print-architecture")
	if err != nil {
		return nil, err
	}
	targets, err := indexTargets(ctx)
	if err != nil {
		return nil, err
	}
	a := &archive{arch: strings.TrimSpace(arch)}
	for _, t := range targets {
		a.add(t)
	}
	if len(a.main) == 0 {
		return nil, fmt.Errorf("%w in this machine's apt configuration (%s)", ErrNoArchive, osRelease("ID"))
	}
	return a, nil
}

// indexTargets lists the machine's package indexes. Where they were removed
// after an installation, as container images do, apt only lists them without
// what their Release files say, such as the origin.
func indexTargets(ctx context.Context) ([]target, error) {
	for _, args := range [][]string{nil, {"--no-release-info"}} {
		out, err := output(ctx, "apt-get", append([]string{"indextargets", "--format", targetFormat}, args...)...)
		if err != nil {
			return nil, err
		}
		if targets := parseTargets(out); len(targets) > 0 {
			return targets, nil
		}
	}
	return nil, nil
}

func parseTargets(out string) []target {
	var targets []target
	for line := range strings.Lines(out) {
		f := strings.Split(strings.TrimSpace(line), "|")
		if len(f) != 6 || f[5] != "Packages" || strings.HasPrefix(f[0], "cdrom:") {
			continue
		}
		if strings.HasPrefix(f[3], "$(") { // left as it was: not known
			f[3] = ""
		}
		targets = append(targets, target{f[0], f[1], f[2], f[3], f[4]})
	}
	return targets
}

// add sorts a target's base address into main or security archive. Other
// people's repositories are passed over: by origin, or, where that is not
// known, because their suite is not this system's.
func (a *archive) add(t target) {
	distro := strings.ToLower(t.origin)
	if distro == "" && strings.HasPrefix(t.suite, osRelease("VERSION_CODENAME")) {
		distro = osRelease("ID")
	}
	if t.component != "main" || distro != "debian" && distro != "ubuntu" {
		return
	}
	a.distro = distro
	list := &a.main
	if strings.HasSuffix(t.suite, "-security") {
		list = &a.security
	}
	m := mirror{strings.TrimRight(t.uri, "/"), signedBy(t.entry)}
	if !slices.ContainsFunc(*list, func(have mirror) bool { return have.uri == m.uri }) {
		*list = append(*list, m)
	}
}

// mirrors gives the places to look for a suite, the likeliest first. A
// release that left the archive may be in the folder for old ones, which many
// mirrors have next to it.
func (a *archive) mirrors(suite string) []mirror {
	list := a.main
	if strings.HasSuffix(suite, "-security") {
		list = slices.Concat(a.security, a.main) // Ubuntu's mirrors have it too
		if a.distro == "debian" {
			list = a.security
		}
	}
	all := slices.Clone(list)
	for _, m := range list {
		i := strings.LastIndex(m.uri, "/")
		if a.distro == "debian" && i > 0 {
			all = append(all, mirror{m.uri[:i] + "/debian-archive" + m.uri[i:], m.signedBy})
		}
	}
	return all
}

// output runs a program and gives what it printed.
func output(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := keeper.Output(cmd)
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil {
		return "", fmt.Errorf("run %s %s: %w: %s", name, strings.Join(args, " "), err, lastLine(stderr.String()))
	}
	return string(out), nil
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return s[strings.LastIndex(s, "\n")+1:]
}

// osRelease gives a field of os-release(5).
func osRelease(field string) string {
	all, err := os.ReadFile("/etc/os-release")
	if err != nil {
		all, _ = os.ReadFile("/usr/lib/os-release")
	}
	if m := regexp.MustCompile(`(?m)^` + field + `=["']?([^"'\s]*)`).FindSubmatch(all); m != nil {
		return string(m[1])
	}
	return "unknown"
}

// signedBy finds the keys that the machine trusts for a source, from where
// apt says the source was read: "FILE:N", N being the line in a one-line file
// and the stanza in a deb822 one. apt itself does not tell ("indextargets" has
// no such field). "" means that none is named, and apt's trusted keys count.
func signedBy(entry string) string {
	i := strings.LastIndex(entry, ":")
	if i < 0 {
		return ""
	}
	n, err := strconv.Atoi(entry[i+1:])
	if err != nil {
		return ""
	}
	text, err := os.ReadFile(entry[:i])
	if err != nil {
		return ""
	}
	parts, option := strings.Split(string(text), "\n"), oneLineOption
	if strings.HasSuffix(entry[:i], ".sources") {
		parts, option = blankLines.Split(strings.TrimSpace(comment.ReplaceAllString(string(text), "")), -1), stanzaField
	}
	if n < 1 || n > len(parts) {
		return ""
	}
	m := option.FindStringSubmatch(parts[n-1])
	if m == nil {
		return ""
	}
	return strings.ReplaceAll(m[1], ",", " ")
}

// A stanza's field has further lines where the key appears in the file itself.
var (
	oneLineOption = regexp.MustCompile(`^\s*deb\s+\[[^\]]*\bsigned-by=([^\s\]]+)`)
	stanzaField   = regexp.MustCompile(`(?im)^signed-by:[ \t]*(.*(?:\n[ \t].*)*)`)
	blankLines    = regexp.MustCompile(`\n\s*\n`)
	comment       = regexp.MustCompile(`(?m)^#.*\n?`)
)
