// Package keepertest is what tests that kill a harness have in common: how it is
// killed, how what it has started is found, and how long that may take to end.
package keepertest

import (
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/procfs"
)

// Signal is one of those that end a program, by a number from 0. Every fifth number
// has the same one.
func Signal(n int) syscall.Signal {
	list := []syscall.Signal{syscall.SIGKILL, syscall.SIGKILL, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT}
	if s := list[n%len(list)]; !signal.Ignored(s) {
		return s
	}
	return syscall.SIGTERM // under nohup a program is not to end by a hangup
}

// Patience is 10 s of a machine that has nothing else to do: a database that is
// being made is let finish.
func Patience() time.Duration {
	busy := 1.0
	if fs, err := procfs.NewDefaultFS(); err == nil {
		if load, err := fs.LoadAvg(); err == nil {
			busy = max(1, load.Load1/float64(runtime.NumCPU()))
		}
	}
	return min(time.Minute, time.Duration(busy*float64(10*time.Second)))
}

// Marked lists the processes, this one aside, that have a text on their command line or
// in their environment, which children of children have too. A server that shows its
// state as its name has written over both; its folder tells it then.
func Marked(text string) []procfs.Proc {
	all, _ := procfs.AllProcs()
	return slices.DeleteFunc(all, func(p procfs.Proc) bool {
		argv, _ := p.CmdLine()
		variables, _ := p.Environ()
		folder, _ := p.Cwd()
		return p.PID == os.Getpid() || !strings.Contains(strings.Join(slices.Concat(argv, variables, []string{folder}), "\n"), text)
	})
}
