package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"

	"tlsbench/results"
	"tlsbench/workload/keeper/keepertest"
)

// helped is a use of the program that starts others.
type helped struct {
	path   string // of the program
	args   []string
	within time.Duration // of its start it is killed
}

// TestKills ends the program at random moments, those of set-up included, by every
// signal that ends one, with each helper that it starts: a database, a web
// server, a daemon, the package manager, a compiler. After 10 s nothing may be
// left: no process of its, no listener, no folder, no shared memory.
// TLSBENCH_KILLS is how many kills of each; .ci/long.sh asks for more than one.
func TestKills(t *testing.T) {
	kills := 1
	if text := os.Getenv("TLSBENCH_KILLS"); text != "" {
		var err error
		if kills, err = strconv.Atoi(text); err != nil || kills < 1 {
			t.Fatalf("TLSBENCH_KILLS=%s: want a number from 1", text)
		}
	}
	for name, h := range helpers(t) {
		t.Run(name, func(t *testing.T) {
			met := 0
			for i := range kills {
				met += h.kill(t, i)
			}
			if met == 0 {
				t.Errorf("in none of %d kills a helper was there", kills)
			}
		})
	}
}

// helpers lists them all; nginx is one of a benchmark.
func helpers(t *testing.T) map[string]helped {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]helped{}
	add := func(name string, within time.Duration, args ...string) {
		all[name] = helped{path: exe, args: append([]string{"tlsbench"}, args...), within: within}
	}
	add("kamailio", 3*time.Second, "field", "--daemon", "6.0", "--strategy", "none,hwm", "--mem-safety", "1", "--hazard", "plain", "--rig-time", "0", "--rounds", "100")
	add("fetch", 5*time.Second, "openssl", "fetch", "3.5", "--dir", "../cache")
	add("selftest", 3*time.Second, "selftest", "--quick", "--fault", "none", "--load", "memory", "--heap", "global")
	for _, h := range results.Hazards() {
		if h.Name == "postgres" || h.Name == "mariadb" {
			add(h.Name, 4*time.Second, "run", "--strategy", "key-owner", "--hazard", h.Name, "--no-controls", "--rounds", "100")
		}
	}
	bench := filepath.Join(t.TempDir(), "bench.test")
	if out, err := exec.Command("go", "test", "-c", "-o", bench, "tlsbench/bench").CombinedOutput(); err != nil {
		t.Fatalf("compile the benchmark: %v\n%s", err, out)
	}
	all["nginx"] = helped{path: bench, within: 2 * time.Second,
		args: []string{"bench", "-test.run=^$", "-test.bench=Nginx", "-test.benchtime=500x", "-test.count=1000"}}
	return all
}

// seen is what was seen of a program and its helpers while it ran.
type seen struct {
	root      string
	processes map[int]bool
	sockets   map[string]bool // inodes
	memory    map[string]bool // names in /dev/shm
	older     map[string]int  // segments that were there before it
}

func newSeen(root string) *seen {
	return &seen{root, map[int]bool{}, map[string]bool{}, map[string]bool{}, segments()}
}

// segments lists System V's shared memory, each with the process that made it. It
// can outlive its process, whose number another has then.
func segments() map[string]int {
	list := map[string]int{}
	table, _ := os.ReadFile("/proc/sysvipc/shm")
	for line := range strings.Lines(string(table)) {
		if f := strings.Fields(line); len(f) > 4 {
			if maker, err := strconv.Atoi(f[4]); err == nil {
				list[f[1]] = maker
			}
		}
	}
	return list
}

// look notes what there is now, and gives the processes.
func (s *seen) look(except int) []string {
	var list []string
	for _, p := range keepertest.Marked(s.root) {
		if argv, _ := p.CmdLine(); p.PID != except {
			list = append(list, fmt.Sprint(p.PID, " ", strings.Join(argv, " ")))
		}
		s.processes[p.PID] = true
		targets, _ := p.FileDescriptorTargets()
		for _, target := range targets {
			if inode, ok := strings.CutPrefix(target, "socket:["); ok {
				s.sockets[strings.TrimSuffix(inode, "]")] = true
			}
		}
		maps, _ := p.ProcMaps()
		for _, m := range maps {
			if strings.HasPrefix(m.Pathname, "/dev/shm/") {
				s.memory[m.Pathname] = true
			}
		}
	}
	return list
}

// left lists what there is yet of all that was seen.
func (s *seen) left() []string {
	list := s.look(0)
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return []string{err.Error()}
	}
	const listening = 10 // TCP_LISTEN of the kernel's tcp_states.h
	//lint:ignore SA1019 a socket to the kernel would be one library more for this one line
	tcp, _ := fs.NetTCP()
	for _, line := range tcp {
		if line.St == listening && s.sockets[strconv.FormatUint(line.Inode, 10)] {
			list = append(list, fmt.Sprintf("a listener on port %d", line.LocalPort))
		}
	}
	for name := range s.memory {
		if _, err := os.Stat(name); err == nil {
			list = append(list, name)
		}
	}
	for id, maker := range segments() {
		if _, older := s.older[id]; !older && s.processes[maker] {
			list = append(list, fmt.Sprintf("the segment %s of process %d", id, maker))
		}
	}
	for _, pattern := range []string{"tmp/*", "tmp/.*", "cache/.new-*", "cache/.apt/debs-*"} {
		found, _ := filepath.Glob(filepath.Join(s.root, pattern))
		list = append(list, found...)
	}
	return list
}

// Memory that the program left is seen; what a process with the same number left
// long before is not the program's.
func TestLeftSegments(t *testing.T) {
	segment := func() string {
		id, err := unix.SysvShmGet(unix.IPC_PRIVATE, 4096, unix.IPC_CREAT|0o600)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.SysvShmCtl(id, unix.IPC_RMID, nil) })
		return strconv.Itoa(id)
	}
	segment() // is there already
	s := newSeen(t.TempDir())
	s.processes[os.Getpid()] = true
	want := []string{fmt.Sprintf("the segment %s of process %d", segment(), os.Getpid())}
	if got := s.left(); !slices.Equal(got, want) {
		t.Errorf("left %q, want %q", got, want)
	}
}

func over(ended <-chan struct{}) bool {
	select {
	case <-ended:
		return true
	default:
		return false
	}
}

// meet looks on until a random moment has come, if asked to one after a helper is
// there, and reports whether one ever was.
func (s *seen) meet(program int, ended <-chan struct{}, helper bool, moment func() time.Duration) (there bool) {
	began := time.Now()
	for end := began.Add(moment()); time.Now().Before(end) && !over(ended); time.Sleep(20 * time.Millisecond) {
		before := there
		there = len(s.look(program)) > 0 || there
		// However slow the machine is, set-up is met.
		switch {
		case !helper || before:
		case there:
			end = time.Now().Add(moment())
		case time.Since(began) < time.Minute:
			end = time.Now().Add(time.Second)
		}
	}
	return there
}

// kill starts the program and ends it, every other time soon after a helper is
// there, and gives 1 if one ever was.
func (h helped) kill(t *testing.T, i int) int {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	moment := func() time.Duration { return time.Duration(random.Int64N(int64(h.within))) }
	root, err := os.MkdirTemp("", "tlsbench-kill-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(root)
	tmp, work := filepath.Join(root, "tmp"), filepath.Join(root, "work")
	err = errors.Join(os.Chmod(root, 0o711), os.Mkdir(tmp, 0o777), os.Chmod(tmp, os.ModeSticky|0o777), os.Mkdir(work, 0o700)) // a server may be another user's
	if err != nil {
		t.Fatal(err)
	}
	s := newSeen(root)
	cmd := &exec.Cmd{Path: h.path, Args: h.args, Dir: work, Env: append(os.Environ(), "TMPDIR="+tmp)}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		cmd.Wait()
		close(ended)
	}()
	began := time.Now()
	there := s.meet(cmd.Process.Pid, ended, i%2 == 0, moment)
	helpers := s.look(cmd.Process.Pid)
	if over(ended) { // without the network, say; a line that it refuses is the test's fault
		switch code := cmd.ProcessState.ExitCode(); {
		case code == exitDone && h.within > 100*time.Millisecond: // it was quicker than the kill
			h.within /= 2
			return h.kill(t, i)
		case code != exitFailed:
			t.Fatalf("it ended by itself with %d: %s", code, said.String())
		}
		t.Skipf("it ended by itself: %s", said.String())
	}
	signal := keepertest.Signal(random.Int())
	whole := random.IntN(2) == 0 // as a terminal does
	pid := cmd.Process.Pid
	if whole {
		pid = -pid
	}
	if err := syscall.Kill(pid, signal); err != nil {
		t.Fatal(err)
	}
	killed := time.Now()
	var left []string
	for time.Since(killed) < keepertest.Patience() {
		if left = s.left(); len(left) == 0 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	what := fmt.Sprintf("%v (the whole group: %v) after %v, with %d helpers", signal, whole, killed.Sub(began).Round(time.Millisecond), len(helpers))
	if len(left) > 0 {
		t.Errorf("%s: %v later there are\n%s", what, time.Since(killed).Round(time.Second), strings.Join(left, "\n"))
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	} else {
		t.Logf("%s: nothing is left after %v", what, time.Since(killed).Round(10*time.Millisecond))
	}
	<-ended
	if there || len(helpers) > 0 {
		return 1
	}
	return 0
}
