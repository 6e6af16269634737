package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"tlsbench/results"
	"tlsbench/workload/fetch"
	"tlsbench/workload/fetch/fetchtest"
)

// runField calls the command, with the folder of daemons and other arguments.
func runField(dir string, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(context.Background(), append([]string{"field", "--dir", dir}, args...), nil, &out, &errs)
	return code, out.String(), errs.String()
}

// Nothing is fetched or started for a wrong choice.
func TestFieldIsRefused(t *testing.T) {
	text := filepath.Join(t.TempDir(), "other.txt")
	if err := os.WriteFile(text, []byte("no results\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(t.TempDir(), "empty.txt")
	if err := os.WriteFile(empty, []byte(`#plan {"format":1,"spec":{"strategies":[{"choice":{"Name":"none"}}],"rounds":1}}`+"\n\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, tc := range []struct{ args, want string }{
		{"--daemon 4.9", `unknown daemon "4.9": choose from 5.4, 5.6, 6.0, 6.1, all`},
		{"--daemon all,4.9", `unknown daemon "4.9"`},
		{"--daemon 6.0,6.0", "daemon kamailio-6.0 is given twice"},
		{"--mem-safety 1,1", "heap safety count is given twice"},
		{"--hazard plain,plain", "plain"},
		{"--strategy hwm,hwm", "strategy hwm is given twice"},
		{"-o " + text, "already exists: resume it, or choose another name"},
		{"--resume " + empty, "read plan of "},
		{"--shard 3/2", "want i/n with i from 1 to n"},
		{"--shard 1/2", "a shard needs a seed"},
		{"--rig-time 2h", "rig time 2h0m0s: want 0 (no rig) to an hour"},
		{"--strategy hwn", `unknown strategy "hwn": choose from none, temp-thread, `},
		{"--strategy ./missing.so", "missing.so"},
		{"--mem-safety 2", `unknown mem_safety "2": choose from 0, 1`},
		{"--hazard curl", "hazard curl in a daemon: choose from plain, python:before=1, python, fips, provider-state, provider-state:when=after, mariadb"},
		{"--readers 0", "readers 0: want 1 to 64"},
		{"--rounds 0", "rounds 0"},
		{"--duration 0s", "duration 0s"},
		{"--port 70000", "port 70000: want 1 to 65535"},
		{fmt.Sprintf("--port %d", l.Addr().(*net.TCPAddr).Port), "is in use on 127.0.0.1: choose another, or leave it out for a free one"},
		{"--tls 1.1", `unknown tls "1.1"`},
		{"--resume /nowhere/f.txt", "no such file"},
		{"--resume " + text, "read plan of "},
		{"--resume a -o b", "a resumed run writes to its own file"},
	} {
		code, stdout, stderr := runField(t.TempDir(), strings.Fields(tc.args)...)
		if code != exitRefused || !strings.Contains(stderr, tc.want) || strings.Count(stderr, "\n") != 1 || stdout != "" {
			t.Errorf("field %s: exit code %d, %q%q; want %d and one line with %q", tc.args, code, stdout, stderr, exitRefused, tc.want)
		}
	}
}

// What the archive does not give is one line each.
func TestFieldWithoutArchive(t *testing.T) {
	for name, tc := range map[string]struct {
		fill func(*fetchtest.Archive)
		want string
	}{
		"package gone": {func(a *fetchtest.Archive) { a.Write("bookworm/Packages", "") },
			"tlsbench: fetch kamailio 5.6 from bookworm: "},
		"release gone": {func(*fetchtest.Archive) {}, "not on this machine's mirror"},
		"no network":   {func(a *fetchtest.Archive) { a.Write("bookworm/update.err", fetchtest.Offline) }, "the archive cannot be reached"},
	} {
		a := fetchtest.New(t, "Debian")
		for _, suite := range fetch.Suites("bookworm")[1:] {
			a.Write(suite+"/Packages", "")
		}
		tc.fill(a)
		dir := t.TempDir()
		code, stdout, stderr := runField(dir, "--daemon", "5.6", "--rig-time", "0s")
		var told []string
		for line := range strings.Lines(stderr) {
			if strings.HasPrefix(line, "tlsbench: ") {
				told = append(told, line)
			}
		}
		if code != exitFailed || len(told) != 1 || !strings.Contains(told[0], tc.want) || stdout != "" {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q; want %d and one line with %q", name, code, stdout, stderr, exitFailed, tc.want)
		}
	}
}

// putDaemon puts a program in the place of Kamailio 5.6. Its body is C, and has
// the port that it should listen on.
func putDaemon(t *testing.T, body string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	_, err := fetch.Store{Dir: dir}.Put("5.6", func(tree string) (*fetch.Manifest, error) {
		program, modules := filepath.Join(tree, "usr/sbin/kamailio"), filepath.Join(tree, "usr/lib/x86_64-linux-gnu/kamailio/modules")
		source := filepath.Join(t.TempDir(), "kamailio.c")
		for _, folder := range []string{filepath.Dir(program), modules} {
			if err := os.MkdirAll(folder, 0o700); err != nil {
				return nil, err
			}
		}
		if err := os.WriteFile(filepath.Join(modules, "tls.so"), nil, 0o600); err != nil {
			return nil, err
		}
		if err := os.WriteFile(source, []byte(body), 0o600); err != nil {
			return nil, err
		}
		if out, err := exec.Command("cc", "-o", program, source).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%w: %s", err, out)
		}
		m := &fetch.Manifest{Packages: []fetch.Package{{Name: "kamailio", Version: "5.6.3-test"}}}
		for _, modules := range []string{"tls", "python3", "mysql"} {
			m.Packages = append(m.Packages, fetch.Package{Name: "kamailio-" + modules + "-modules"})
		}
		return m, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// A daemon that does not start is told once, with the end of its log, and not
// for each trial.
func TestFieldDaemonDoesNotStart(t *testing.T) {
	dir := putDaemon(t, `#include <stdio.h>
int main(void) { fputs("first\nbad config file (3 errors)\n", stderr); return 255; }`)
	code, stdout, stderr := runField(dir, "--daemon", "5.6", "--rig-time", "0s", "-o", filepath.Join(t.TempDir(), "f.txt"))
	want := "tlsbench: kamailio 5.6 did not start (exit status 255): its log ends with: first | bad config file (3 errors)\n"
	if code != exitFailed || stderr != want || stdout != "" {
		t.Errorf("exit code %d, %q, %q; want %d and %q", code, stdout, stderr, exitFailed, want)
	}
}

// listener is a daemon that starts a child, takes a piece of shared memory, and
// answers nobody in TLS: each client gets an alert at once.
const listener = `#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
static int port_in(const char *name)
{
	char line[512];
	int port = 0;
	FILE *f = fopen(name, "r");

	while (f != NULL && fgets(line, sizeof line, f) != NULL) {
		if (sscanf(line, "listen=tls:127.0.0.1:%d", &port) == 1)
			break;
	}
	return port;
}
int main(int argc, char **argv)
{
	static const unsigned char alert[] = {21, 3, 3, 0, 2, 2, 40};
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int s = socket(AF_INET, SOCK_STREAM, 0), on = 1, c;

	for (int i = 1; i + 1 < argc; i++) {
		if (strcmp(argv[i], "-f") == 0)
			at.sin_port = htons(port_in(argv[i + 1]));
	}
	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(s, (void *)&at, sizeof at) != 0 || listen(s, 64) != 0)
		return 1;
	mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	fork();
	for (;;) {
		char hello[4096];

		c = accept(s, NULL, NULL);
		if (c < 0)
			continue;
		if (read(c, hello, sizeof hello) > 0 && write(c, alert, sizeof alert) < 0)
			return 2;
		close(c);
	}
}`

// portFor gives a port that is free, and stays so: it is below those that the
// kernel deals out, to trials of other tests for one.
func portFor(t *testing.T) int {
	t.Helper()
	for range 100 {
		port := 10_000 + rand.IntN(20_000)
		if l, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			l.Close()
			t.Logf("port %d", port)
			return port
		}
	}
	t.Fatal("none of 100 ports is free")
	return 0
}

// underWay starts the command on the listener, in folders of its own, and waits
// until its first trial is on the disk.
func underWay(t *testing.T) (cmd *exec.Cmd, stderr *bytes.Buffer, file, temp string, port int) {
	t.Helper()
	dir, work := putDaemon(t, listener), t.TempDir()
	port = portFor(t)
	temp, file = t.TempDir(), filepath.Join(work, "f.txt")
	cmd = program(t, work, "field", "--dir", dir, "--daemon", "5.6", "--strategy", "none", "--mem-safety", "1", "--hazard", "plain",
		"--rig-time", "0s", "--duration", "300ms", "--control-rounds", "50", "--port", fmt.Sprint(port), "--seed", "5", "-o", file)
	stderr = new(bytes.Buffer)
	cmd.Stderr = stderr
	cmd.Env = append(os.Environ(), "TMPDIR="+temp)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := await(file, `(?m)^#trial `); err != nil {
		cmd.Process.Kill()
		t.Fatalf("%v; stderr: %s", err, stderr)
	}
	return cmd, stderr, file, temp, port
}

// nothingLeft waits until the port is free, no process knows the trial's
// folder, and the folder is gone.
func nothingLeft(t *testing.T, temp string, port int) {
	t.Helper()
	var left string
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if left = leftBehind(t, temp, port); left == "" {
			return
		}
	}
	t.Errorf("left behind: %s", left)
}

func leftBehind(t *testing.T, temp string, port int) string {
	t.Helper()
	l, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return err.Error()
	}
	l.Close()
	if names, err := filepath.Glob(temp + "/*"); err != nil || len(names) > 0 {
		return fmt.Sprintf("%v, %v", names, err)
	}
	processes, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return err.Error()
	}
	for _, p := range processes {
		if line, err := os.ReadFile(p); err == nil && bytes.Contains(line, []byte(temp)) {
			return fmt.Sprintf("%s: %q", p, line)
		}
	}
	return ""
}

// An interrupted run has its trials on the disk, says how to go on, and leaves
// nothing behind.
func TestFieldInterrupted(t *testing.T) {
	t.Parallel()
	cmd, stderr, file, temp, port := underWay(t)
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	want := regexp.MustCompile(`tlsbench: interrupted after [0-9]+ of 50 trials, all on disk; continue with: tlsbench field --resume \S+f\.txt\n$`)
	if code := cmd.ProcessState.ExitCode(); code != exitInterrupted || !want.MatchString(stderr.String()) {
		t.Errorf("exit code %d, %q; want %d and %s", code, stderr, exitInterrupted, want)
	}
	nothingLeft(t, temp, port)
	set, err := results.ReadFiles(file)
	if err != nil || len(set.Trials) == 0 || set.Files[0].Torn || !strings.Contains(string(set.Files[0].Header.Plan), `"seed":5`) {
		t.Errorf("results file: %+v, %v", set, err)
	}
}

// The daemon goes with a harness that was killed and could do nothing more.
func TestFieldKilled(t *testing.T) {
	t.Parallel()
	cmd, _, file, temp, port := underWay(t)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	nothingLeft(t, temp, port)
	if set, err := results.ReadFiles(file); err != nil || len(set.Trials) == 0 {
		t.Errorf("results file: %+v, %v", set, err)
	}
}

// A file goes on with its own plan, and is refused for another. The daemon has
// no peers that it answers, so that all its trials are damaged. The file is one
// like any other, for every command that reads results.
func TestFieldResume(t *testing.T) {
	dir, file := putDaemon(t, listener), filepath.Join(t.TempDir(), "f.txt")
	plan := []string{"--daemon", "5.6", "--strategy", "none", "--mem-safety", "0,1", "--hazard", "plain", "--rig-time", "0s",
		"--duration", "100ms", "--control-rounds", "1", "--seed", "5"}
	code, stdout, stderr := runField(dir, append(plan, "-o", file)...)
	if code != exitDone || !strings.Contains(stdout, "seed      5\n") || !strings.Contains(stdout, "damaged within 10s: 2 of 2 runs") {
		t.Fatalf("exit code %d, %q, %q", code, stdout, stderr)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), "\n#trial "); n != 2 || !strings.Contains(string(text), "/server=kamailio-5.6.3/") {
		t.Fatalf("%d trials in the file, want two of a daemon:\n%s", n, text)
	}
	if err := os.WriteFile(file, text[:len(text)-20], 0o600); err != nil {
		t.Fatal(err)
	}
	for _, other := range []string{"--readers 5", "--seed 6", "--strategy hwm", "--rounds 2", "--shard 1/2"} {
		code, _, stderr := runField(dir, append(append([]string{"--resume", file}, plan...), strings.Fields(other)...)...)
		if code != exitRefused || !strings.Contains(stderr, "it belongs to another run: ") || strings.Count(stderr, "\n") != 1 {
			t.Errorf("resumed with %s: exit code %d, %q", other, code, stderr)
		}
	}
	code, stdout, stderr = runField(dir, "--resume", file, "--json")
	var d results.Daemons
	if err := json.Unmarshal([]byte(stdout), &d); err != nil || code != exitDone || len(d.Rows) != 2 || !strings.Contains(stderr, "resumed after 1 trial; an interrupted trial is run again") {
		t.Errorf("resumed: exit code %d, %v, %+v, stderr %q", code, err, d, stderr)
	}
	if code, _, stderr = runField(dir, "--resume", file, "--quiet"); code != exitDone {
		t.Errorf("resumed quietly: exit code %d, %q", code, stderr)
	}
	if code, _, stderr = runField(dir, append([]string{"--resume", file}, plan...)...); code != exitDone {
		t.Errorf("resumed with the flags of its plan: exit code %d, %q", code, stderr)
	}
	for want, args := range map[string][]string{
		"Daemons and the rig":                   {"compare", file},
		`"server": "kamailio-5.6.3"`:            {"compare", "--json", file},
		"none=undamaged":                        {"check", "--expect", "none=undamaged", file},
		"use tlsbench field --resume ":          {"run", "--resume", file},
		"2 trials of 1 shard\n":                 {"merge", "-o", filepath.Join(t.TempDir(), "m.txt"), file},
		"kamailio 5.6.3 on 3.0: 2 of 2, within": {"compare", "--markdown", file},
	} {
		var out, errs bytes.Buffer
		run(context.Background(), args, nil, &out, &errs)
		if !strings.Contains(out.String()+errs.String(), want) {
			t.Errorf("%q: no %q in %s%s", args, want, &out, &errs)
		}
	}
}

// A run in which the daemon without a fix was never damaged proves nothing, and
// says so in its table and by its exit code.
func TestFieldControlsFail(t *testing.T) {
	dir, file := putDaemon(t, listener), filepath.Join(t.TempDir(), "f.txt")
	if code, _, stderr := runField(dir, "--daemon", "5.6", "--strategy", "none", "--mem-safety", "0", "--hazard", "plain", "--rig-time", "0s",
		"--duration", "100ms", "--control-rounds", "1", "-o", file); code != exitDone {
		t.Fatalf("exit code %d, %s", code, stderr)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	clean := regexp.MustCompile(`,"events":\{[^}]*\}`).ReplaceAll(text, nil)
	if err := os.WriteFile(file, clean, 0o600); err != nil || len(clean) == len(text) {
		t.Fatalf("%v; no events in %s", err, text)
	}
	code, stdout, stderr := runField(dir, "--resume", file)
	if code != exitFailed || !strings.Contains(stdout, "! kamailio 5.6.3, openssl ") || !strings.Contains(strings.Join(strings.Fields(stdout), " "), "CONTROLS FAILED: none is undamaged in 1/1") || !strings.Contains(stderr, "controls failed") {
		t.Errorf("exit code %d, %q, %q; want %d and CONTROLS FAILED", code, stdout, stderr, exitFailed)
	}
}
