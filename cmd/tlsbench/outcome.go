package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"tlsbench/bench"
	"tlsbench/results/outfile"
	"tlsbench/results/page"
)

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
