package peers

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Kind is what befell a good peer.
type Kind uint8

const (
	// Alert: the server refused with a TLS alert.
	Alert Kind = iota + 1
	// Cut: the connection was refused, reset, or ended too early.
	Cut
	// WrongData: the echo differs from what was sent, or data came that no
	// one asked for.
	WrongData
	// Signature: the server's certificate, its signature or its Finished
	// message did not verify.
	Signature
	// Protocol: the server sent what TLS does not allow, such as a record
	// that does not decrypt.
	Protocol
	// Timeout: not done after the time that a connection may take.
	Timeout

	// trouble is not a failure of the server: the client's own machine failed.
	trouble
)

func (k Kind) String() string {
	return [...]string{"none", "alert", "cut", "wrong-data", "signature", "protocol", "timeout", "trouble"}[k]
}

// Step is how far a good peer's connection was.
type Step uint8

// The steps of a connection. A failure is named for the step that was not
// completed.
const (
	Connect Step = iota
	Handshake
	Echo
	End // from close_notify to the server's end of stream
)

func (s Step) String() string { return [...]string{"connect", "handshake", "echo", "end"}[s] }

// Failure is one good connection that did not end well.
type Failure struct {
	Kind  Kind
	Step  Step
	Peer  int
	Began time.Duration // since Config.Epoch, before the connect
	At    time.Duration // since Config.Epoch
	// Waited is how long the last read from the server took that came to
	// nothing; 0 if there was none.
	Waited time.Duration
	Alert  string // name of the server's alert, in crypto/tls's words
	// Detail is the error in words; empty but for the first Config.Keep.
	Detail string
}

func (f Failure) String() string {
	s := fmt.Sprintf("%v: peer %d: %v during %v", f.At.Round(time.Microsecond), f.Peer, f.Kind, f.Step)
	switch {
	case f.Detail != "":
		return s + ": " + f.Detail
	case f.Alert != "":
		return s + ": " + f.Alert
	}
	return s
}

// ErrWrongData marks errors that mean wrong data.
var ErrWrongData = errors.New("wrong data")

// classify says what an error of a good peer means, and names the alert if
// one came.
func classify(err error) (Kind, string) {
	if name, ok := remoteAlert(err); ok {
		return Alert, name
	}
	switch {
	case errors.Is(err, ErrWrongData):
		return WrongData, ""
	case errors.Is(err, os.ErrDeadlineExceeded), isTimeout(err):
		return Timeout, ""
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return Cut, ""
	case unverified(err):
		return Signature, ""
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return classifyErrno(errno), ""
	}
	return Protocol, ""
}

// classifyErrno leaves to the server only what a remote end can cause; all
// else that a system call may say is about this machine.
func classifyErrno(errno syscall.Errno) Kind {
	switch errno {
	case syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE:
		return Cut
	case syscall.ETIMEDOUT:
		return Timeout
	}
	return trouble
}

// remoteAlert finds an alert of the server. The type that crypto/tls gives it
// is not exported, but the operation's name is part of its stable behaviour
// and is what its own tests look at.
func remoteAlert(err error) (string, bool) {
	op, ok := errors.AsType[*net.OpError](err)
	if !ok || op.Op != "remote error" {
		return "", false
	}
	return strings.TrimPrefix(op.Err.Error(), "tls: "), true
}

func isTimeout(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}

// unverified finds errors about the server's proof of who it is. crypto/tls
// has a type for those of the certificate alone; the rest has to be told by
// its words (handshake_client.go, handshake_client_tls13.go, key_agreement.go).
func unverified(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return true
	}
	messages := []string{
		"invalid signature by the server certificate",
		"invalid server finished hash",
		"Finished message was incorrect",
		"failed to parse certificate from server",
	}
	return slices.ContainsFunc(messages, func(m string) bool { return strings.Contains(err.Error(), m) })
}
