// Package keeper runs servers that end with this process, however it ends, and
// makes folders that go with it: by a shell that waits for the end of a pipe. The
// shell is there before the folder is, so that a kill in the middle of set-up leaves
// nothing either.
package keeper

import (
	"bytes"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

//go:embed keeper.sh
var keep string

//go:embed end.sh
var end string

// Server says what is to run.
type Server struct {
	Dir  string   // its folder, which must not be there yet; see Temp
	Stop string   // signal that asks it to end, such as INT; KILL does not ask
	Args []string // the command

	Env   []string
	User  *syscall.Credential // nil: this one
	Files []*os.File          // from descriptor 4 on
	Log   *os.File            // takes the server's output; nil: nowhere
}

// Temp names a folder that nobody has, for a server of that kind. TMPDIR may be
// relative, and a server goes to a folder of its own.
func Temp(kind string) (string, error) {
	if _, err := os.Stat(os.TempDir() + "/."); err != nil { // a folder
		return "", fmt.Errorf("folder for temporary files (TMPDIR): %w", err)
	}
	return filepath.Abs(filepath.Join(os.TempDir(), "tlsbench-"+kind+"-"+rand.Text()))
}

// Folder makes a folder for the work of this process, which goes with it, or when
// it is closed: a file that is to stay is moved out.
func Folder(dir string) (*Process, error) {
	waits := Server{Dir: dir, Stop: "KILL", Args: []string{"tail", "-f", "/dev/null"}, Env: os.Environ()}
	return Start(waits, func() error { return nil })
}

// Run runs a helper that ends with this process, that is, with the thread that starts
// it. It is for programs that have no folder and end soon.
func Run(cmd *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd.Run()
}

// Output is Run, and gives what the helper said: its errors too, if they go nowhere else.
func Output(cmd *exec.Cmd) ([]byte, error) {
	var said bytes.Buffer
	cmd.Stdout = &said
	if cmd.Stderr == nil {
		cmd.Stderr = &said
	}
	err := Run(cmd)
	return said.Bytes(), err
}

// FreePort gives the port asked for, 0 for any, if nobody listens there on 127.0.0.1.
func FreePort(port int) (int, error) {
	l, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
	if errors.Is(err, syscall.EADDRINUSE) {
		return 0, fmt.Errorf("port %d is in use on 127.0.0.1: choose another, or leave it out for a free one", port)
	}
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// Process is a server that runs, or did.
type Process struct {
	Gone chan struct{} // closed when the server has ended

	cmd        *exec.Cmd
	pipe, left *os.File // what ends it; what is closed when nothing is left
}

// Start makes the folder, has fill put files there, and runs the server in it.
func Start(s Server, fill func() error) (*Process, error) {
	dir, err := filepath.Abs(s.Dir) // who removes it does so from elsewhere
	if err != nil {
		return nil, err
	}
	theirs, ours, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	left, told, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, theirs.Close(), ours.Close())
	}
	p := &Process{Gone: make(chan struct{}), pipe: ours, left: left}
	p.cmd = exec.Command("/bin/sh", append([]string{"-c", keep, dir, end, s.Stop}, s.Args...)...)
	p.cmd.Dir, p.cmd.Env = filepath.Dir(dir), s.Env
	p.cmd.Stdin, p.cmd.ExtraFiles = theirs, append([]*os.File{told}, s.Files...)
	var said bytes.Buffer
	p.cmd.Stderr = &said
	if s.Log != nil {
		p.cmd.Stdout, p.cmd.Stderr = s.Log, s.Log
	}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: s.User} // an interrupt is for this process alone
	err = p.cmd.Start()
	theirs.Close()
	told.Close()
	if err != nil {
		return nil, errors.Join(err, ours.Close(), left.Close())
	}
	go func() {
		p.cmd.Wait() // whoever started it knows by other means how it went
		close(p.Gone)
	}()
	if _, err := left.Read(make([]byte, 1)); err != nil {
		p.Close()
		return nil, fmt.Errorf("make the server's folder %s: %s", s.Dir, strings.TrimSpace(said.String()))
	}
	if err = fill(); err == nil {
		_, err = ours.WriteString("filled\n")
	}
	if err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// Pid is the server's process, which leads its group.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// State says how the server ended. Call it after Gone.
func (p *Process) State() *os.ProcessState { return p.cmd.ProcessState }

// Close ends the server and returns when nothing is left of it.
func (p *Process) Close() {
	p.pipe.Close()
	io.Copy(io.Discard, p.left)
	<-p.Gone
	p.left.Close()
}
