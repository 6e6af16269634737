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
//     (outcome.go): damage found is a result and 0, a trial that could not be
//     carried out is 1, bad usage or input is 2, an interruption is 130.
//
// Nothing in this package ends the process but main, so that tests can call
// all of it.
package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"

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
