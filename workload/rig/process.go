package rig

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/procfs"

	// The C side calls the strategies' C functions.
	_ "tlsbench/strategies"
)

// Source holds what of the rig is compiled into the object that daemons are
// started with too: the host of strategies, the ledger of keys, the tracer, and
// hazards that a daemon can have.
//
//go:embed *.h host.c keys.c openssl.c locks.c trace*.c hazard_fips.c hazard_state.c
var Source embed.FS

// env must be in the environment of the process that is to become a rig; see
// BLOCK_ENV in block.h.
const env = "TLSBENCH_RIG"

// exitLayout is the rig's exit status where it refuses the block, as in rig.h.
const exitLayout = 4

// Process is a started rig.
type Process struct {
	cmd      *exec.Cmd
	lifeline *os.File // its closing kills the rig
	control  *os.File
	status   *os.File
	stderr   *tail
	gone     chan struct{} // closed when rank 0 has ended and was waited for
	close    sync.Once
}

// Start runs this program again as the rig that the block describes. command
// is the argument list that does so: the program alone, or through the loader
// of a newer C library. environ is the environment it gets.
func Start(b *Block, command, environ []string) (*Process, error) {
	var ours, theirs []*os.File
	closeAll := func(files []*os.File) {
		for _, f := range files {
			f.Close()
		}
	}
	for i := range 3 {
		r, w, err := os.Pipe()
		if err != nil {
			closeAll(append(ours, theirs...))
			return nil, fmt.Errorf("open the rig's pipes: %w", err)
		}
		if i == 2 { // status: the rig writes
			r, w = w, r
		}
		ours, theirs = append(ours, w), append(theirs, r)
	}
	p := &Process{lifeline: ours[0], control: ours[1], status: ours[2], stderr: &tail{}, gone: make(chan struct{})}
	p.cmd = exec.Command(command[0], command[1:]...)
	p.cmd.Env = append(environ[:len(environ):len(environ)], env+"=1")
	p.cmd.Stderr = p.stderr
	p.cmd.ExtraFiles = append([]*os.File{b.file}, theirs...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.WaitDelay = time.Second // a killed rig's workers may hold stderr a moment longer
	err := p.cmd.Start()
	closeAll(theirs)
	if err != nil {
		closeAll(ours)
		return nil, fmt.Errorf("start the rig: %w", err)
	}
	go func() {
		p.cmd.Wait() // how it ended is read from ProcessState
		close(p.gone)
	}()
	return p, nil
}

// PID is rank 0's.
func (p *Process) PID() int { return p.cmd.Process.Pid }

func (p *Process) Gone() <-chan struct{} { return p.gone }

// ErrNotReady says that the rig was still setting itself up when the time
// given for that was over.
var ErrNotReady = errors.New("the rig was not ready in time")

// AwaitReady returns when all workers are forked and wait for load. If rank 0
// ended before, the error is io.EOF and Diagnose says why.
func (p *Process) AwaitReady(limit time.Duration) error {
	if err := p.status.SetReadDeadline(time.Now().Add(limit)); err != nil {
		return fmt.Errorf("wait for the rig: %w", err)
	}
	_, err := io.ReadFull(p.status, make([]byte, 1))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%w (%v)", ErrNotReady, limit)
	case err != nil:
		return io.EOF
	}
	return nil
}

// Stop asks rank 0 to let the workers end.
func (p *Process) Stop() {
	p.control.Write([]byte{'s'}) // a rig that is gone cannot be stopped, and need not
}

// Kill ends every process of the rig at once.
func (p *Process) Kill() {
	syscall.Kill(-p.PID(), syscall.SIGKILL)
}

// Close ends what is left of the rig and returns when no process of it runs
// any more. It does so once: later the number may be another process group's.
func (p *Process) Close() { p.close.Do(p.end) }

func (p *Process) end() {
	p.Kill()
	<-p.gone
	p.lifeline.Close()
	p.control.Close()
	p.status.Close()
	// Workers that outlived rank 0 have been sent SIGKILL; what they leave is
	// init's to reap, which may take its time.
	for range 5000 {
		if syscall.Kill(-p.PID(), syscall.SIGKILL) == syscall.ESRCH || len(Members(p.PID())) == 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// Members are the processes of a group that are not dead.
func Members(group int) []procfs.Proc {
	procs, _ := procfs.AllProcs() // none, if they cannot be listed
	return slices.DeleteFunc(procs, func(p procfs.Proc) bool {
		s, err := p.Stat()
		return err != nil || s.PGRP != group || s.State == "Z" || s.State == "X"
	})
}

// Signal is the one that ended rank 0, 0 if none did. Call it after Gone.
func (p *Process) Signal() syscall.Signal {
	if ws, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return ws.Signal()
	}
	return 0
}

// Diagnose says why a rig that has ended could not do its work; nil if it
// ended as it should. Call it after Gone.
func (p *Process) Diagnose(b *Block) error {
	code := p.cmd.ProcessState.ExitCode()
	switch {
	case code == exitLayout:
		return fmt.Errorf("rig refused: %s", p.stderr)
	case b.Failure() != nil:
		return fmt.Errorf("rig failed to %s: %w", b.Stage(), b.Failure())
	case p.Signal() != 0:
		return fmt.Errorf("rank 0 was killed by signal %d (%v) while it was to %s%s",
			int(p.Signal()), p.Signal(), b.Stage(), p.stderr.quoted())
	case code != 0:
		return fmt.Errorf("rig exited with status %d while it was to %s%s", code, b.Stage(), p.stderr.quoted())
	}
	return nil
}

// tail keeps the end of what a process wrote. It may be read after Gone.
type tail []byte

func (t *tail) Write(p []byte) (int, error) {
	*t = append(*t, p...)
	*t = (*t)[max(0, len(*t)-2048):]
	return len(p), nil
}

func (t *tail) String() string { return string(bytes.TrimSpace(*t)) }

func (t *tail) quoted() string {
	if s := t.String(); s != "" {
		return ": " + s
	}
	return ""
}
