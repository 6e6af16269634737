package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/procfs"
)

// What the README's section Security promises of network, files and keys. The
// commands run with a umask of 0, which takes nothing back of what a program
// asks for, and are looked at while they run: much is gone afterwards.

// private is a home of its own for one run: home, cache, temporary and working
// folder, all empty. Like /tmp the temporary folder is anyone's: PostgreSQL
// runs as another user where this one is root.
type private struct {
	top, work string
	env       []string
}

func newPrivate(t *testing.T) private {
	t.Helper()
	top, err := os.MkdirTemp("", "tlsbench-privacy-") // below t.TempDir no other user gets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(top) })
	p := private{top: top, work: filepath.Join(top, "work")}
	for _, name := range []string{"home", "tmp", "work"} {
		if err := os.Mkdir(filepath.Join(top, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, mode := range map[string]fs.FileMode{"": 0o755, "tmp": 0o777 | fs.ModeSticky} {
		if err := os.Chmod(filepath.Join(top, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	in := func(name string) string { return filepath.Join(top, name) }
	p.env = append(os.Environ(), "HOME="+in("home"), "XDG_CACHE_HOME="+in("home/cache"), "TMPDIR="+in("tmp"))
	return p
}

// open lists what other users could read, write or look into: no folder on the
// way to it is closed to them. The three folders themselves do not count.
func (p private) open(t *testing.T) []string {
	var list []string
	p.walk(t, func(path string, info fs.FileInfo) error {
		if info.Mode().Type() == fs.ModeSymlink {
			return nil
		}
		if info.Mode().Perm()&0o077 != 0 {
			name, _ := filepath.Rel(p.top, path)
			list = append(list, fmt.Sprintf("%s %v", name, info.Mode()))
		} else if info.IsDir() {
			return fs.SkipDir
		}
		return nil
	})
	return list
}

// withKeys lists the files that hold a private key, as PEM has it.
func (p private) withKeys(t *testing.T) []string {
	var list []string
	p.walk(t, func(path string, info fs.FileInfo) error {
		if !info.Mode().IsRegular() {
			return nil
		}
		content, err := os.ReadFile(path)
		if err == nil && bytes.Contains(content, []byte("PRIVATE KEY")) {
			list = append(list, path)
		}
		return nil
	})
	return list
}

// walk passes over what vanishes meanwhile.
func (p private) walk(t *testing.T, visit func(path string, info fs.FileInfo) error) {
	t.Helper()
	for _, name := range []string{"home", "tmp", "work"} {
		top := filepath.Join(p.top, name)
		filepath.WalkDir(top, func(path string, e fs.DirEntry, err error) error {
			if err != nil || path == top {
				return nil
			}
			info, err := e.Info()
			if err != nil {
				return nil
			}
			return visit(path, info)
		})
	}
}

// start runs this test binary as tlsbench, with a umask of 0.
func (p private) start(t *testing.T, args ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(p.top, "tlsbench") // by its name it knows what it is to be
	if err := os.Symlink(exe, link); err != nil && !os.IsExist(err) {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", append([]string{"-c", `umask 0; exec "$@"`, "sh", link}, args...)...)
	out := new(bytes.Buffer)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = p.work, p.env, out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, out
}

// socketsOf gives the sockets of a process and all its descendants, by inode,
// with the name of a process that holds it.
func socketsOf(pid int) map[uint64]string {
	sockets := map[uint64]string{}
	all, err := procfs.AllProcs()
	if err != nil {
		return sockets
	}
	children := map[int][]procfs.Proc{}
	var next []procfs.Proc
	for _, p := range all {
		if stat, err := p.Stat(); err == nil {
			children[stat.PPID] = append(children[stat.PPID], p)
		}
		if p.PID == pid {
			next = append(next, p)
		}
	}
	for len(next) > 0 {
		p := next[0]
		next = append(next[1:], children[p.PID]...)
		name, _ := p.Comm()
		targets, _ := p.FileDescriptorTargets()
		for _, target := range targets {
			if number, ok := strings.CutPrefix(target, "socket:["); ok {
				inode, _ := strconv.ParseUint(strings.TrimSuffix(number, "]"), 10, 64)
				sockets[inode] = name
			}
		}
	}
	return sockets
}

const tcpListen = 10 // TCP_LISTEN of the kernel, as /proc/net/tcp has it

// reachable lists the addresses at which these sockets take what comes: TCP
// listeners, and UDP sockets that are bound and not connected.
func reachable(t *testing.T, sockets map[uint64]string) map[string]net.IP {
	t.Helper()
	self, err := procfs.NewDefaultFS()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]net.IP{}
	add := func(inode uint64, ip net.IP, port uint64, kind string) {
		if holder, ours := sockets[inode]; ours {
			found[fmt.Sprintf("%s %s:%d of %s", kind, ip, port, holder)] = ip
		}
	}
	//lint:ignore SA1019 what replaces them asks the kernel by netlink, which a sandbox may forbid
	for _, read := range []func() (procfs.NetTCP, error){self.NetTCP, self.NetTCP6} {
		lines, _ := read() // a machine may have no IPv6
		for _, l := range lines {
			if l.St == tcpListen {
				add(l.Inode, l.LocalAddr, l.LocalPort, "tcp")
			}
		}
	}
	for _, read := range []func() (procfs.NetUDP, error){self.NetUDP, self.NetUDP6} {
		lines, _ := read()
		for _, l := range lines {
			if l.RemPort == 0 {
				add(l.Inode, l.LocalAddr, l.LocalPort, "udp")
			}
		}
	}
	return found
}

// TestNothingIsOpenDuringTrials runs real trials over TCP next to a PostgreSQL
// and a web server, and with client certificates, and watches: every listener of
// the harness, the rig and the neighbours is on loopback; nothing that is
// written can be read by others, nor holds a private key.
func TestNothingIsOpenDuringTrials(t *testing.T) {
	for _, tc := range []struct {
		hazard    string
		listeners []string // programs that must be seen listening
	}{
		{"postgres+curl", []string{"tlsbench", "postgres"}},
		{"mutual-tls", []string{"tlsbench"}},
	} {
		var missing []string
		// The watch looks now and then: a listener may need to be there longer.
		for _, duration := range []string{"500ms", "2s", "8s"} {
			if missing = nothingIsOpen(t, tc.hazard, duration, tc.listeners); len(missing) == 0 {
				break
			}
		}
		if len(missing) > 0 {
			t.Errorf("%s: no listener was seen of %v", tc.hazard, missing)
		}
	}
}

// nothingIsOpen watches one run, and gives the programs that were not seen
// listening.
func nothingIsOpen(t *testing.T, hazard, duration string, listeners []string) (missing []string) {
	t.Helper()
	p := newPrivate(t)
	w := p.watch(t, "run", "-o", "r.txt", "--strategy", "key-owner", "--hazard", hazard,
		"--load", "tcp", "--workers", "2", "--measure", "corruption", "--check-rate", "0", "--rounds", "1",
		"--duration", duration, "--seed", "1", "--no-controls")
	w.check(t, hazard)
	names := strings.Join(slices.Sorted(maps.Keys(w.listeners)), "\n")
	for _, program := range listeners {
		if !strings.Contains(names, " of "+program) {
			missing = append(missing, program)
		}
	}
	return missing
}

// The daemon's side of it, with a stand-in: it listens on loopback alone, where
// its configuration says, and its files are this user's alone. Its key is the
// one that lies on the disk, in the trial's own folder, as Kamailio reads it
// from a file.
func TestNothingIsOpenInTheField(t *testing.T) {
	p := newPrivate(t)
	w := p.watch(t, "field", "--dir", putDaemon(t, listener), "--daemon", "5.6", "--strategy", "none", "--mem-safety", "1", "--hazard", "plain",
		"--rig-time", "0s", "--duration", "1s", "--control-rounds", "2", "--seed", "1", "-o", "f.txt")
	keys := w.keys
	w.keys = nil
	w.check(t, "field")
	names := strings.Join(slices.Sorted(maps.Keys(w.listeners)), "\n")
	if !strings.Contains(names, " of kamailio") && !strings.Contains(names, " of ld-") {
		t.Errorf("no listener of the daemon was seen; listeners:\n%s", names)
	}
	own := regexp.MustCompile(`/tmp/tlsbench-field-\w+/key\.pem$`)
	for path := range keys {
		if !own.MatchString(path) {
			t.Errorf("a private key on the disk: %s", path)
		}
	}
	if left := p.withKeys(t); len(keys) == 0 || len(left) > 0 {
		t.Errorf("%d keys of daemons were seen, and %v are left; want some and none", len(keys), left)
	}
}

// watched is what was seen of a command while it ran.
type watched struct {
	listeners  map[string]net.IP
	open, keys map[string]bool
}

// check fails for what others could reach or read.
func (w watched) check(t *testing.T, name string) {
	t.Helper()
	for listener, ip := range w.listeners {
		if !ip.IsLoopback() {
			t.Errorf("%s: %s is not on loopback", name, listener)
		}
	}
	for path := range w.open {
		t.Errorf("%s: open to others: %s", name, path)
	}
	for path := range w.keys {
		t.Errorf("%s: a private key on the disk: %s", name, path)
	}
}

// watch runs a command and looks at its processes and files again and again.
func (p private) watch(t *testing.T, args ...string) watched {
	t.Helper()
	cmd, out := p.start(t, args...)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	w := watched{map[string]net.IP{}, map[string]bool{}, map[string]bool{}}
	for {
		maps.Copy(w.listeners, reachable(t, socketsOf(cmd.Process.Pid)))
		for _, path := range p.open(t) {
			w.open[path] = true
		}
		for _, path := range p.withKeys(t) {
			w.keys[path] = true
		}
		select {
		case err := <-ended:
			if err != nil {
				t.Fatalf("%v: %v\n%s", args, err, out)
			}
			return w
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Every command that writes files, one after the other in the same folder.
func TestWrittenFilesArePrivate(t *testing.T) {
	p := newPrivate(t)
	short := []string{"--strategy", "key-owner,hwm", "--workers", "2", "--rounds", "1", "--duration", "200ms", "--seed", "1", "--no-controls"}
	for _, args := range [][]string{
		append([]string{"run", "-o", "r.txt"}, short...),
		{"run", "-o", "f.txt", "--measure", "fork", "--fork-pairs", "8", "--strategy", "key-owner,hwm", "--workers", "2", "--rounds", "1"},
		append([]string{"run", "-o", "s.txt", "--shard", "1/1", "--load", "memory", "--measure", "corruption"}, short...),
		{"merge", "-o", "m.txt", "s.txt"},
		{"run", "--resume", "r.txt"},
		{"plot", "r.txt", "f.txt", "-o", "figures"},
		{"report", "r.txt", "-o", "report.html"},
		{"report", "r.txt", "--embed", "-o", "whole.html"},
		{"new-strategy", "my-fix"},
		{"doctor"},
		{"probe", "--strategy", "hwm"},
	} {
		cmd, out := p.start(t, args...)
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
	for _, want := range []string{"r.txt", "m.txt", "figures/verdicts.svg", "report.html", "whole.html", "my_fix/my_fix.c"} {
		if _, err := os.Stat(filepath.Join(p.work, want)); err != nil {
			t.Errorf("nothing to look at: %v", err)
		}
	}
	for _, path := range p.open(t) {
		t.Errorf("open to others: %s", path)
	}
	for _, path := range p.withKeys(t) {
		t.Errorf("a private key on the disk: %s", path)
	}
}

// The watch itself can fail: a listener on all addresses, a file for all and a
// key in it are seen.
func TestPrivacyWatchSees(t *testing.T) {
	p := newPrivate(t)
	var config net.ListenConfig
	l, err := config.Listen(context.Background(), "tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	foreign := slices.DeleteFunc(slices.Collect(maps.Values(reachable(t, socketsOf(os.Getpid())))), net.IP.IsLoopback)
	if len(foreign) == 0 {
		t.Error("a listener on all addresses was not seen")
	}
	path := filepath.Join(p.work, "key.pem")
	if err := os.WriteFile(path, []byte("-----BEGIN EC PRIVATE KEY-----\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if keys := p.withKeys(t); !slices.Equal(keys, []string{path}) {
		t.Errorf("files with keys: %v, want %s", keys, path)
	}
	if open := p.open(t); len(open) > 0 {
		t.Errorf("open to others: %v, want none", open)
	}
	if err := syscall.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if open := p.open(t); len(open) != 1 {
		t.Errorf("open to others: %v, want %s", open, path)
	}
}
