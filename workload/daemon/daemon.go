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
// The daemon ends with this process, however that ends: package keeper.
package daemon

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/procfs"

	"tlsbench/workload"
	"tlsbench/workload/keeper"
	"tlsbench/workload/rig"
)

// process is a started daemon.
type process struct {
	kept *keeper.Process

	mu    sync.Mutex
	found []sighting
	tail  []string
	read  chan struct{} // closed at the log's end
	once  sync.Once     // of close
}

// sighting is a log entry with the time its line was read.
type sighting struct {
	logEntry
	at time.Time
}

// command is how the daemon is run: through its own release's loader.
func (t *trial) command(preload string) []string {
	list := []string{t.daemon.Loader, "--library-path", strings.Join(t.daemon.LibraryPath, ":")}
	if preload != "" {
		list = append(list, "--preload", preload)
	}
	return append(list, t.daemon.Program, "-f", filepath.Join(t.dir, "kamailio.cfg"),
		"-DD", "-E", "-w", t.dir, "-Y", t.dir, "-m", fmt.Sprint(sharedMegabyte), "-M", "8")
}

// environ keeps the user's own settings of the libraries away.
func (t *trial) environ(inject []string) []string {
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.dir, "TMPDIR=" + t.dir, "LC_ALL=C"}
	switch t.hazard.Name {
	case "python":
		env = append(env, "PYTHONHOME="+filepath.Join(t.daemon.Tree, "usr"), "PYTHONDONTWRITEBYTECODE=1")
	case "fips":
		env = append(env, "OPENSSL_MODULES="+filepath.Dir(t.fips), "OPENSSL_CONF="+filepath.Join(t.dir, opensslConfig))
		return append(env, inject...)
	}
	return append(append(env, "OPENSSL_CONF=/dev/null"), inject...)
}

// start makes the daemon's folder, has fill write its files, and runs it. All of its
// processes stay in its group, because it is told not to become a service.
func (t *trial) start(preload string, inject []string, fill func() error) (*process, error) {
	logEnd, output, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start kamailio: %w", err)
	}
	p := &process{read: make(chan struct{})}
	p.kept, err = keeper.Start(keeper.Server{
		Dir: t.dir, Stop: "KILL", Args: t.command(preload), Env: t.environ(inject), Log: output,
	}, fill)
	output.Close()
	if err != nil {
		return nil, fmt.Errorf("start kamailio: %w", errors.Join(err, logEnd.Close()))
	}
	go p.follow(logEnd)
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
	p.tail = append(p.tail, shorten(strings.TrimSpace(line)))
	p.tail = p.tail[max(0, len(p.tail)-tailLines):]
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
	return endOf(p.tail, n)
}

// awaitEnd waits until the main process has ended, if it does soon.
func (p *process) awaitEnd() {
	select {
	case <-p.kept.Gone:
	case <-time.After(endLimit):
	}
}

// halted names a process that a signal or a debugger has stopped, "" if there is none.
func (p *process) halted() string {
	for _, q := range p.members() {
		if workload.IsStopped(q.PID) {
			return fmt.Sprintf("process %d of the daemon was stopped from outside", q.PID)
		}
	}
	return ""
}

// status is the main process's exit status. Call it after its end.
func (p *process) status() int { return p.kept.State().ExitCode() }

// signal is the one that ended the main process, 0 if none did.
func (p *process) signal() int {
	if how := p.kept.State().Sys().(syscall.WaitStatus); how.Signaled() {
		return int(how.Signal())
	}
	return 0
}

// close ends what is left of the daemon and returns when none of it runs, its
// folder is removed and its log has been read.
func (p *process) close() {
	p.once.Do(func() {
		p.kept.Close()
		<-p.read
	})
}

// members are the daemon's own processes, without the keeper's.
func (p *process) members() []procfs.Proc {
	return slices.DeleteFunc(rig.Members(p.kept.Pid()), func(q procfs.Proc) bool {
		name, err := q.Comm()
		return err != nil || name == "sh" || name == "cat"
	})
}

// memory is what all of the daemon takes of the machine, shared pages counted
// once.
func (p *process) memory() uint64 {
	var sum uint64
	for _, q := range p.members() {
		if m, err := q.ProcSMapsRollup(); err == nil {
			sum += m.Pss
		}
	}
	return sum
}

// usage is how long a process had a processor, and how long it had or wanted one.
type usage struct{ ran, wanted time.Duration }

// usages are those of the daemon's processes, by their ids, and the sum of all.
func (p *process) usages() (each map[int]usage, all usage) {
	each = make(map[int]usage)
	for _, q := range p.members() {
		if s, err := q.Schedstat(); err == nil {
			ran := time.Duration(s.RunningNanoseconds)
			u := usage{ran, ran + time.Duration(s.WaitingNanoseconds)}
			each[q.PID] = u
			all.ran, all.wanted = all.ran+u.ran, all.wanted+u.wanted
		}
	}
	return each, all
}

// busiest is how long the process that wanted a processor most wanted one since
// these usages before. On a busy machine a daemon's many timers, each of which waits
// a little whenever it wakes, together seem to want one all the time.
func busiest(now, before map[int]usage) (wanted time.Duration) {
	for id, u := range now {
		wanted = max(wanted, u.wanted-before[id].wanted)
	}
	return wanted
}
