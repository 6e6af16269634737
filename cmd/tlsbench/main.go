// Command tlsbench measures the strategies that keep the workers of a
// preforked TLS server from sharing OpenSSL's per-thread state.
//
// The way from a plan to a picture, with the package at each step:
//
//	flags ─▶ plan            bench      cells, controls, rounds in random order
//	           │
//	           ▼ a trial                one cell, once in each round
//	         workload        starts the rig, drives its load, watches it
//	           │    ├─ workload/openssl      which libcrypto, through which loader
//	           │    ├─ workload/peers        TLS clients, good and bad
//	           │    └─ workload/neighbours   what a hazard needs besides the rig
//	           ▼ control block
//	         workload/rig    C: rank 0, shared heap, workers, hazards, detectors
//	           │    └─ strategies            C: the fix, at five points
//	           ▼ outcome                     counters, events, samples
//	         bench           appends it to the file, then goes on
//	           │
//	           ▼ results file (Go benchmark format) ──▶ benchstat
//	         results         verdicts, bounds, ratios, controls
//	           │    └─ results/inference     the formulas
//	           ├─▶ tables    tlsbench compare, check
//	           ▼
//	         plots           figures, report page, README
//
// Besides it: tlsbench probe takes workload's ledger of keys and needs no plan;
// tlsbench field runs the strategies in a real daemon (workload/daemon).
//
// The command is a thin shell over these packages. Its way from arguments to
// exit code:
//
//  1. run parses the arguments into the struct of one command (grammar.go),
//     each in the file of its name, or of the one it belongs to.
//  2. The command's Run method gets a session: context, input and outputs.
//  3. What it returns becomes one line on stderr and an exit code
//     (exitCode): damage found is a result and 0, a trial that could not be
//     carried out is 1, bad usage or input is 2, an interruption is 130.
//
// Nothing in this package ends the process but main, so that tests can call
// all of it.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"tlsbench/bench"
	"tlsbench/results/outfile"
	"tlsbench/results/page"
	"tlsbench/workload/neighbours"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	signal.Ignore(syscall.SIGXFSZ) // a file that may not grow is an error of its write
	// The first signal ends the work in good order. A second one is the
	// user's own business.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// session is what a command works with.
type session struct {
	ctx            context.Context
	stdin          io.Reader
	stdout, stderr io.Writer
	given          []string   // flags that the user set himself
	inputs         []*os.File // what was read of pipes
}

// run carries out one command and returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	out := &output{Writer: stdout}
	s := &session{ctx: ctx, stdin: stdin, stdout: out, stderr: stderr}
	defer neighbours.StopShared() // that a hazard may have started
	return s.exitCode(out.failed(s.execute(args)))
}

// output is the standard output, and remembers the first error of writing to it:
// many do not look at it, and the parser takes it for one of the user's line.
type output struct {
	io.Writer
	err error
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	o.err = cmp.Or(o.err, err)
	return n, err
}

// failed gives what a command ended with, or why nobody can read it.
func (o *output) failed(err error) error {
	if errors.Is(err, context.Canceled) || o.err == nil || err != nil && !errors.Is(err, o.err) {
		return err
	}
	return o.err
}

// Exit codes; see topics/exit-codes.txt.
const (
	exitDone        = 0
	exitFailed      = 1
	exitRefused     = 2
	exitUndecided   = 3
	exitInterrupted = 130 // 128 + SIGINT, as a shell counts
)

// refusal is bad usage or bad input: nothing was started, nothing written.
type refusal = bench.RefusalError

func refuse(format string, args ...any) error {
	return &refusal{Err: fmt.Errorf(format, args...)}
}

// errFailed ends a command with exit code 1 after it has said itself what
// went wrong.
var errFailed = errors.New("failed")

// errUndecided likewise ends one with exit code 3: nothing is wrong, and nothing
// shown.
var errUndecided = errors.New("undecided")

// exitCode reports the error in one line and gives its exit code.
func (s *session) exitCode(err error) int {
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errFailed):
		return exitFailed
	case errors.Is(err, errUndecided):
		return exitUndecided
	}
	var known *interruption
	if errors.Is(err, context.Canceled) && !errors.As(err, &known) { // in a person's words
		err = &interruption{"interrupted"}
	}
	s.complain(err)
	var refused *refusal
	var output *outfile.RefusalError
	switch {
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, &refused), errors.As(err, &output):
		return exitRefused
	}
	return exitFailed
}

// interruption is what a person did, and how to go on with a run after it.
type interruption struct{ text string }

func (i *interruption) Error() string { return i.text }
func (i *interruption) Unwrap() error { return context.Canceled }

// complain writes an error to stderr.
func (s *session) complain(err error) {
	fmt.Fprintf(s.stderr, "tlsbench: %s\n", page.OneLine(err.Error()))
}

// form is the format that --json asks for, or that its absence does.
func form(json bool) page.Format {
	if json {
		return page.JSON
	}
	return page.Terminal
}

// show prints parts for a person to read.
func show(w io.Writer, parts ...page.Part) error {
	return (&page.Document{Parts: parts}).Write(w, page.Terminal)
}

// item is an entry of a list; texts that say nothing are left out.
func item(term string, texts ...string) page.Entry {
	e := page.Entry{Term: term}
	for _, t := range texts {
		if t = strings.TrimSpace(t); t != "" {
			e.Texts = append(e.Texts, t)
		}
	}
	return e
}

// isTerminal reports whether a person is likely to be looking.
func isTerminal(w io.Writer) bool {
	if o, ok := w.(*output); ok {
		w = o.Writer
	}
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}
