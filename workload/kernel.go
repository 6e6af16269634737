package workload

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"

	"tlsbench/results"
)

// usage is the time a process ran, and the time it was ready to run but had no
// processor.
type usage struct {
	ran, waited time.Duration
	ready       bool // runs or waits for a processor just now
}

// since gives what a process ran and waited for a processor while it was
// watched. The scheduler counts a wait when it is over: a process that is ready
// but has been given no processor yet has waited all the time it did not run.
func (u usage) since(then usage, watched time.Duration) (ran, waited time.Duration) {
	ran, waited = u.ran-then.ran, u.waited-then.waited
	if u.ready {
		waited = max(waited, watched-ran)
	}
	return ran, waited
}

// kernelUsage reads what the scheduler has counted for a process with one
// thread.
func kernelUsage(pid int) (usage, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid))
	if err != nil {
		return usage{}, err
	}
	var ran, waited int64
	if _, err := fmt.Sscan(string(data), &ran, &waited); err != nil {
		return usage{}, fmt.Errorf("read schedstat of process %d: %w", pid, err)
	}
	return usage{ran: time.Duration(ran), waited: time.Duration(waited)}, nil
}

// usageToJudge reads what else judge needs: whether the process is ready just
// now. It is an error that it has ended. Of a worker that comes on, which is looked
// at at every tick, nobody asks.
func usageToJudge(pid int) (usage, error) {
	u, err := kernelUsage(pid)
	if err == nil {
		var now string
		now, err = state(pid)
		u.ready = now == running
		if now == zombie {
			err = fmt.Errorf("process %d has ended", pid)
		}
	}
	return u, err
}

// The states of a process that is running, or would if it got a processor, of one
// that waits for something, and of one that has ended and waits to be reaped.
const running, sleeping, zombie = "R", "S", "Z"

// state gives the letter that the kernel has for what a process does.
func state(pid int) (string, error) {
	proc, err := procfs.NewProc(pid)
	if err != nil {
		return "", err
	}
	stat, err := proc.Stat()
	if err != nil {
		return "", fmt.Errorf("read the state of process %d: %w", pid, err)
	}
	return stat.State, nil
}

// IsStopped reports whether a process cannot do anything, because a signal or a
// debugger has stopped it.
func IsStopped(pid int) bool {
	now, err := state(pid)
	return err == nil && (now == "T" || now == "t")
}

// futex gives the address of the word that a process waits at, in its own
// memory; ok is false for one that waits for something else, runs, or may not
// be looked at.
func futex(pid int) (address uint64, ok bool) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/syscall", pid))
	if err != nil {
		return 0, false
	}
	// number, six arguments, stack and program counter; "running" of one that runs
	fields := strings.Fields(string(data))
	if len(fields) < 2 || fields[0] != strconv.Itoa(unix.SYS_FUTEX) {
		return 0, false
	}
	address, err = strconv.ParseUint(fields[1], 0, 64)
	return address, err == nil
}

// ownThreads is how many threads this program may have, besides what it starts; without
// them Go's runtime, which does not expect it, aborts with pages of text.
var ownThreads = 14 + runtime.NumCPU()

// besidesWorkers are the other processes of a server: rank 0, or a daemon's.
const besidesWorkers = 12

// RoomFor refuses to start a server with workers, or with none to go on at all, under a
// limit of processes that would end the program midway.
func RoomFor(workers int) error {
	var l unix.Rlimit
	if os.Getuid() == 0 || unix.Getrlimit(unix.RLIMIT_NPROC, &l) != nil || l.Cur > 4*results.MaxWorkers {
		return nil // the limit is not for root
	}
	all, err := procfs.AllProcs()
	if err != nil {
		return nil // nobody can know
	}
	others, needs := 0, ownThreads+workers
	if workers > 0 {
		needs += besidesWorkers
	}
	for _, p := range all {
		status, err := p.NewStatus()
		stat, gone := p.Stat()
		if err == nil && gone == nil && p.PID != os.Getpid() && status.UIDs[0] == uint64(os.Getuid()) {
			others += stat.NumThreads
		}
	}
	if others+needs <= int(l.Cur) {
		return nil
	}
	return fmt.Errorf("this user may have %d processes and threads, and has %d already; up to %d are needed: raise the limit (ulimit -u)",
		l.Cur, others, needs)
}

// machineLoad is the machine's load, and what its processors have done so far; zero
// where the kernel does not say.
func machineLoad() (load float64, cpu procfs.CPUStat) {
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return 0, cpu
	}
	if l, err := fs.LoadAvg(); err == nil {
		load = l.Load1
	}
	if stat, err := fs.Stat(); err == nil {
		cpu = stat.CPUTotal
	}
	return load, cpu
}

// stolen is the share of processor time that the hypervisor gave to others between two
// looks. The kernel's counters of idle and of stolen time may go back.
func stolen(from, to procfs.CPUStat) float64 {
	all := TotalCPU(to) - TotalCPU(from)
	if all <= 0 {
		return 0
	}
	return min(1, max(0, (to.Steal-from.Steal)/all))
}

// TotalCPU is the processor time of all kinds. A guest's is within user and nice.
func TotalCPU(c procfs.CPUStat) float64 {
	return c.User + c.Nice + c.System + c.Idle + c.Iowait + c.IRQ + c.SoftIRQ + c.Steal
}

// mappedFiles lists the libraries that a process really has mapped: OpenSSL's,
// the C library and its loader.
func mappedFiles(pid int) []string {
	process, err := procfs.NewProc(pid)
	if err != nil {
		return nil
	}
	maps, err := process.ProcMaps()
	if err != nil {
		return nil
	}
	var files []string
	for _, m := range maps {
		name := m.Pathname[strings.LastIndexByte(m.Pathname, '/')+1:]
		for _, prefix := range []string{"libcrypto", "libssl", "libc.so", "libc-", "ld-"} {
			if strings.HasPrefix(name, prefix) && !slices.Contains(files, m.Pathname) {
				files = append(files, m.Pathname)
			}
		}
	}
	slices.Sort(files)
	return files
}
