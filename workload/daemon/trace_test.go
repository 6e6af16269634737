package daemon

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tlsbench/strategies/catalogue"
	"tlsbench/workload"
)

// prefork compiles a preforked server that nobody prepared, and the object.
func prefork(t *testing.T) (server, object string) {
	t.Helper()
	dir := t.TempDir()
	server, object = filepath.Join(dir, "server"), filepath.Join(dir, "preload.so")
	if out, err := exec.Command("cc", "-D_GNU_SOURCE", "-o", server, "testdata/prefork/server.c", "-lssl", "-lcrypto").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := WritePreload(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	return server, object
}

// runTraced gives what the server and the object wrote to standard error.
func runTraced(t *testing.T, server, object, how string, env ...string) string {
	t.Helper()
	cmd := exec.Command(server, how)
	var out bytes.Buffer
	cmd.Stderr = &out
	cmd.Env = append(append(os.Environ(), env...), "LD_PRELOAD="+object)
	if err := cmd.Run(); err != nil {
		t.Errorf("%s: %v\n%s", how, err, &out)
	}
	return out.String()
}

var allocated = regexp.MustCompile(`(?m)^  allocated: (\S+)`)

// The object alone, with no more of this program, in a server that knows nothing
// of it: without a fix the error state and the generators are raced, by all
// workers and the same on every run; with one nothing is.
func TestPreloadTraces(t *testing.T) {
	t.Parallel()
	server, object := prefork(t)
	list := filepath.Join(t.TempDir(), "raced.txt")
	var runs [2][]string
	for i := range runs {
		said := runTraced(t, server, object, "none", "TLSBENCH_TRACE="+list)
		text, err := os.ReadFile(list)
		if err != nil || said != "server: 9 of 9 rounds\n" {
			t.Fatalf("%v, and on standard error %q", err, said)
		}
		if !regexp.MustCompile(`^tlsbench-preload: 1[0-9] raced and 0 read-raced of [0-9]{4,} inherited blocks; 3 forks, [0-9]{4,} writes seen\n`).Match(text) ||
			!regexp.MustCompile(`(?s)raced block of [0-9]+ bytes\n  allocated: [^\n]*ERR_[^\n]*\n  behind: pthread key [0-9]+ of libcrypto\.so[^\n]*\n  written by processes( [0-9]+ \(the first\))?( [0-9]+){3}\n  [0-9]+ by`).Match(text) {
			t.Errorf("list:\n%s", text)
		}
		for _, m := range allocated.FindAllStringSubmatch(string(text), -1) {
			runs[i] = append(runs[i], m[1])
		}
	}
	if !slices.Equal(runs[0], runs[1]) || !slices.ContainsFunc(runs[0], func(s string) bool { return strings.HasPrefix(s, "drbg") }) {
		t.Errorf("raced are %q, then %q", runs[0], runs[1])
	}
	for how, want := range map[string]string{
		"thread-stop": `^server: .*\ntlsbench-preload: 0 raced and 0 read-raced of [0-9]{4,} inherited blocks; .*\n$`,
		"reads":       `raced and 1 read-raced of(?s).*\nread-raced block of 4 bytes\n.*written by processes [0-9]+, read by [0-9]+ [0-9]+\n.*, read: server\+`,
		"system":      `^server: .*\ntlsbench-preload: nothing was traced: the program gave OpenSSL no memory functions`,
		"signal":      `^tlsbench-preload: 1[0-9] raced and (?s).*\nserver's own handler\n$`,
	} {
		if said := runTraced(t, server, object, how); !regexp.MustCompile(want).MatchString(said) {
			t.Errorf("%s: %.2000s\nwant %s", how, said, want)
		}
	}
	said := runTraced(t, server, object, "none", "TLSBENCH_TRACE="+t.TempDir())
	if !regexp.MustCompile(`tlsbench-preload: .*: Is a directory; the list follows\ntlsbench-preload: 1[0-9] raced`).MatchString(said) {
		t.Errorf("a folder for a list: %.500s", said)
	}
	checkKept(t, server, object)
	// A program without OpenSSL has nothing to say.
	if said := runTraced(t, "true", object, ""); said != "" {
		t.Errorf("true: %s", said)
	}
}

// checkKept: a list replaces a plain file whole and for this user alone, and nothing
// else; then it is on standard error.
func checkKept(t *testing.T, server, object string) {
	t.Helper()
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	for name, text := range map[string]string{"results.txt": "#plan {}\n", "open.txt": "an old list\n"} {
		if err := os.WriteFile(in(name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Symlink("open.txt", in("link.txt")), unix.Mkfifo(in("pipe"), 0o600)); err != nil {
		t.Fatal(err)
	}
	for name, why := range map[string]string{
		"results.txt": "it is a results file, which is never replaced", "link.txt": "it is not a plain file", "pipe": "it is not a plain file",
	} {
		said := runTraced(t, server, object, "none", "TLSBENCH_TRACE="+in(name))
		if want := "tlsbench-preload: " + in(name) + ": " + why + "; the list follows\ntlsbench-preload: 1"; !strings.Contains(said, want) {
			t.Errorf("%s: %.500s\nwant %s", name, said, want)
		}
	}
	for name, want := range map[string]string{"results.txt": "#plan {}\n", "open.txt": "an old list\n"} {
		if text, err := os.ReadFile(in(name)); err != nil || string(text) != want {
			t.Errorf("%s holds %.100q: %v", name, text, err)
		}
	}
	runTraced(t, server, object, "none", "TLSBENCH_TRACE="+in("open.txt"))
	if text, err := os.ReadFile(in("open.txt")); err != nil || !strings.HasPrefix(string(text), "tlsbench-preload: 1") {
		t.Errorf("the list is %.100q: %v", text, err)
	}
	if info, err := os.Stat(in("open.txt")); err != nil || info.Mode() != 0o600 {
		t.Errorf("the list's mode is %v: %v", info.Mode(), err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 4 {
		t.Errorf("left are %v: %v", left, err)
	}
}

// traceReal traces a daemon under a strategy and gives the objects that are raced.
func traceReal(t *testing.T, d Daemon, mode int, strategy string) (*workload.Outcome, []string) {
	t.Helper()
	cfg := standInTrial(d, Settings{Mode: mode})
	cfg.Workers, cfg.Heap, cfg.Handshakes, cfg.Duration = 4, "traced", 15, 5*time.Minute // far more than the handshakes take
	cfg.Strategy = catalogue.Choice{Name: strategy}
	out, err := workload.Run(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if out.Trace == nil || out.Trace.Blocks < 1000 || out.Trace.Faults == 0 {
		t.Fatalf("kamailio %s: nothing was traced: %+v", d.Release.Name, out)
	}
	var objects []string
	for _, b := range out.Raced {
		objects = append(objects, b.Object())
	}
	return out, objects
}

// The tracer in the real daemon: as it is its readers share the error queue and
// the generators, the same blocks on each run; with its own fix, or the oracle,
// none. 5.6 has a random generator of its own, so the queue alone is shared.
func TestTraceDaemon(t *testing.T) {
	t.Parallel()
	type row struct {
		release  string
		mode     int
		strategy string
		want     map[string]int // blocks by object; any number of others
	}
	list := []row{
		{"5.6", NoMode, "none", map[string]int{"error queue": 2}},
		{"5.6", NoMode, "key-owner", nil},
		{"6.0", 0, "none", map[string]int{"error queue": 2, "random generator": 12}},
		{"6.0", 2, "none", nil},
	}
	if os.Getenv("TLSBENCH_LINES") != "" {
		list = append(list, row{"5.4", NoMode, "none", map[string]int{"error queue": 1}}, row{"6.0", 1, "none", nil},
			row{"6.1", 0, "none", map[string]int{"error queue": 2, "random generator": 12}}, row{"6.1", 1, "none", nil}, row{"6.1", 2, "none", nil},
			row{"6.1", 0, "thread-stop", nil})
	}
	for _, tc := range list {
		out, objects := traceReal(t, installed(t, tc.release), tc.mode, tc.strategy)
		if tc.want == nil && (len(objects) > 0 || out.Damaged() || out.Handshakes < 20) {
			t.Errorf("kamailio %s, mode %d, %s: %v in %d handshakes, raced: %q", tc.release, tc.mode, tc.strategy, out.Events, out.Handshakes, objects)
		}
		for object, n := range tc.want {
			if got := count(objects, object); got != n {
				t.Errorf("kamailio %s, mode %d: %d raced blocks of %s, want %d: %+v", tc.release, tc.mode, got, object, n, out.Raced)
			}
		}
	}
}

func count(list []string, want string) int {
	n := 0
	for _, s := range list {
		if s == want {
			n++
		}
	}
	return n
}
