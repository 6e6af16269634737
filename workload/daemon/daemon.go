// Package daemon is a server of the workload that is not the rig: Debian's
// unchanged Kamailio packages with a strategy in them, so that the rig's verdicts
// can be held against what the daemon does.
//
//	fetch.go      the packaged daemons, and the OpenSSL each is linked with;
//	              packages into the cache, without root (package fetch)
//	configure.go  a minimal configuration: TLS, loopback, N readers
//	inject.go     a strategy's own C files as a preload object
//	daemon.go     start, ready, end; tied to this process
//	sip.go        what good peers say: OPTIONS, and the answer it must have
//	log.go        what the daemon's log says of damage
//	ready.go      from its start until it serves with the strategy in it
//	trial.go      one life of a daemon under load: a workload.Server
//
// The daemon is a black box. Damage is read from outside alone: good peers that
// failed, ServerHello randoms that came twice, the log, processes that were
// killed, and silence. So a clean daemon has had fewer looks at it than a clean
// rig: its detectors see neither the error queue nor the slots.
//
// The daemon hangs on this process by a pipe: a shell in the daemon's own
// process group waits for the pipe's end, kills the group and removes the
// trial's folder, however this process ends.
package daemon

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/procfs"
)

// keeper runs the daemon and ties it to the pipe on its own standard input: at
// the pipe's end all of the process group is killed, and the trial's folder
// ($0) goes. The daemon's processes stay in the group, as it is told not to
// become a service. It is there before the folder is, and waits for a line that
// says that the folder is filled: however early this program is killed, nothing
// is left.
const keeper = `exec 3<&0
read -r filled <&3 || { rm -rf "$0"; exit 1; }
cd "$0" || exit 1
{ cat <&3; rm -rf "$0"; kill -KILL 0; } >/dev/null 2>&1 &
"$@" </dev/null 3<&- &
wait $!
exit $?`

// process is a started daemon.
type process struct {
	cmd  *exec.Cmd
	pipe *os.File // its closing ends the daemon
	dir  string
	gone chan struct{} // closed when the main process has ended

	mu    sync.Mutex
	found []sighting
	tail  ring
	read  chan struct{} // closed at the log's end
	once  sync.Once     // of close
}

// sighting is a log entry with the time its line was read.
type sighting struct {
	logEntry
	at time.Time
}

// command is how the daemon is run: through its own release's loader.
func (s setup) command(preload string) []string {
	list := []string{s.daemon.Loader, "--library-path", strings.Join(s.daemon.LibraryPath, ":")}
	if preload != "" {
		list = append(list, "--preload", preload)
	}
	return append(list, s.daemon.Program, "-f", filepath.Join(s.dir, "kamailio.cfg"),
		"-DD", "-E", "-w", s.dir, "-Y", s.dir, "-m", fmt.Sprint(sharedMegabyte), "-M", "8")
}

// environ keeps the user's own settings of the libraries away.
func (s setup) environ(inject []string) []string {
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "TMPDIR=" + s.dir, "LC_ALL=C"}
	switch s.hazard.Name {
	case "python":
		env = append(env, "PYTHONHOME="+filepath.Join(s.daemon.Tree, "usr"), "PYTHONDONTWRITEBYTECODE=1")
	case "fips":
		env = append(env, "OPENSSL_MODULES="+filepath.Dir(s.fips), "OPENSSL_CONF="+filepath.Join(s.dir, opensslConfig))
		return append(env, inject...)
	}
	return append(append(env, "OPENSSL_CONF=/dev/null"), inject...)
}

// start makes the daemon's files and runs it.
func (s setup) start(preload string, inject []string) (*process, error) {
	p, err := s.keep(preload, inject)
	if err != nil {
		return nil, err
	}
	if err = s.write(); err == nil {
		_, err = p.pipe.WriteString("filled\n")
	}
	if err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// keep runs the keeper of a daemon to come.
func (s setup) keep(preload string, inject []string) (*process, error) {
	stdin, pipe, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start kamailio: %w", err)
	}
	logEnd, stderr, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start kamailio: %w", errors.Join(err, stdin.Close(), pipe.Close()))
	}
	p := &process{pipe: pipe, dir: s.dir, gone: make(chan struct{}), read: make(chan struct{})}
	p.cmd = exec.Command("sh", append([]string{"-c", keeper, s.dir}, s.command(preload)...)...)
	p.cmd.Dir, p.cmd.Env = filepath.Dir(s.dir), s.environ(inject)
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = stdin, stderr, stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	err = p.cmd.Start()
	stdin.Close()
	stderr.Close()
	if err != nil {
		return nil, fmt.Errorf("start kamailio: %w", errors.Join(err, pipe.Close(), logEnd.Close()))
	}
	go p.follow(logEnd)
	go func() {
		p.cmd.Wait() // how it ended is read from ProcessState
		close(p.gone)
	}()
	return p, nil
}

// maxLine bounds a line of the log; the rest of a longer one is passed over.
const maxLine = 4 << 10

// follow reads the log to its end.
func (p *process) follow(logEnd io.ReadCloser) {
	defer close(p.read)
	defer logEnd.Close()
	in := bufio.NewReaderSize(logEnd, maxLine)
	for {
		line, more, err := in.ReadLine()
		if err != nil {
			return
		}
		p.take(string(line))
		for more && err == nil {
			_, more, err = in.ReadLine()
		}
	}
}

func (p *process) take(line string) {
	f, ok := readLine(line)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tail.add(strings.TrimSpace(line))
	if ok && len(p.found) < maxFound {
		p.found = append(p.found, sighting{f, time.Now()})
	}
}

// maxFound bounds the findings that are kept; a damaged daemon may log without
// end.
const maxFound = 100_000

// sightings are the findings so far.
func (p *process) sightings() []sighting {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.found)
}

// damaged reports whether the log told of damage yet.
func (p *process) damaged() bool {
	return slices.ContainsFunc(p.sightings(), func(s sighting) bool { return s.damage() })
}

// saw gives the first entry of a kind.
func (p *process) saw(kind string) (logEntry, bool) {
	for _, s := range p.sightings() {
		if s.kind == kind {
			return s.logEntry, true
		}
	}
	return logEntry{}, false
}

func (p *process) logEnd(n int) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tail.end(n)
}

// awaitEnd waits until the main process has ended, if it does soon.
func (p *process) awaitEnd() {
	select {
	case <-p.gone:
	case <-time.After(endLimit):
	}
}

// halted names a process that a signal or a debugger has stopped, "" if there is none.
func (p *process) halted() string {
	for _, q := range p.members(false) {
		if s, err := q.Stat(); err == nil && (s.State == "T" || s.State == "t") {
			return fmt.Sprintf("process %d of the daemon was stopped from outside", q.PID)
		}
	}
	return ""
}

// status is the main process's exit status. Call it after gone.
func (p *process) status() int { return p.cmd.ProcessState.ExitCode() }

// signal is the one that ended the main process, which the shell adds 128 to;
// 0 if none did. The daemon's own exit(-1) is 255, which no signal is.
func (p *process) signal() int {
	const added, last = 128, 64
	if s := p.status() - added; s > 0 && s <= last {
		return s
	}
	return 0
}

// close ends what is left of the daemon and returns when none of it runs and
// its log has been read. Called again it does nothing: the group's number may be
// another's by then.
func (p *process) close() { p.once.Do(p.end) }

func (p *process) end() {
	group := p.cmd.Process.Pid
	syscall.Kill(-group, syscall.SIGKILL)
	<-p.gone
	p.pipe.Close()
	for range 5000 {
		if syscall.Kill(-group, syscall.SIGKILL) == syscall.ESRCH || len(p.members(true)) == 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	<-p.read
}

// members are the daemon's own processes; all: the keeper's too.
func (p *process) members(all bool) []procfs.Proc {
	procs, err := procfs.AllProcs()
	if err != nil {
		return nil
	}
	var list []procfs.Proc
	for _, q := range procs {
		s, err := q.Stat()
		if err != nil || s.PGRP != p.cmd.Process.Pid || s.State == "Z" || s.State == "X" {
			continue
		}
		if all || s.Comm != "sh" && s.Comm != "cat" {
			list = append(list, q)
		}
	}
	return list
}

// memory is what all of the daemon takes of the machine, shared pages counted
// once.
func (p *process) memory() uint64 {
	var sum uint64
	for _, q := range p.members(false) {
		if m, err := q.ProcSMapsRollup(); err == nil {
			sum += m.Pss
		}
	}
	return sum
}

// used is the time that the daemon's processes ran or wanted to.
func (p *process) used() time.Duration {
	var sum time.Duration
	for _, q := range p.members(false) {
		if s, err := q.Schedstat(); err == nil {
			sum += time.Duration(s.RunningNanoseconds + s.WaitingNanoseconds)
		}
	}
	return sum
}
