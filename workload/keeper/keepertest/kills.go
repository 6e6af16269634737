// Package keepertest is what tests that kill a harness have in common: how it is
// killed, and how long what it has started may take to end.
package keepertest

import (
	"os/signal"
	"runtime"
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
