package peers

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// These tests drive the machine's own OpenSSL. They add to those on Go's
// server, which run everywhere: what a bad peer is for is an entry in
// OpenSSL's error queue, and only OpenSSL can say that there is one.

func TestBadPeersFillOpenSSLsErrorQueue(t *testing.T) {
	tool := opensslTool(t)
	// Up to 1.1.1 an early end of stream left no entry: what was wrong was
	// for the caller to find out from errno.
	quiet := opensslVersion(t, tool) < "OpenSSL 3"
	for _, version := range []string{"1.2", "1.3"} {
		for bad, reasons := range map[Bad][]string{
			PlainText:      {"wrong version number", "packet length too long", "record layer failure"},
			CutHello:       {"unexpected eof while reading"},
			MalformedHello: {"length mismatch", "bad extension", "length too long"},
			NoVersion:      {"unsupported protocol", "version too low"},
			NoCipher:       {"no shared cipher"},
			Leaves:         {"unexpected eof while reading"},
			ClientAlert:    {"alert unknown ca"},
			UntrustedCert:  {"certificate verify failed"},
		} {
			t.Run(fmt.Sprintf("%v/tls=%s", bad, version), func(t *testing.T) {
				if quiet && (bad == CutHello || bad == Leaves) {
					t.Skip("this OpenSSL keeps no entry for an early end of stream")
				}
				id := identity(t, ECDSAP256)
				s := startOpenSSL(t, tool, id)
				l := newLoad(t, s.addr, id, func(c *Config) {
					c.TLS, c.BadShare, c.Bad, c.Untrusted, c.Peers = version, 1, []Bad{bad}, untrusted(t), 1
				})
				r := runUntil(l, func() bool { return l.Bad() >= 6 })
				waitFor(t, func() bool { return s.entries() >= r.Bad })
				for _, entry := range s.queue() {
					if !containsAny(entry, reasons) {
						t.Errorf("error queue has %q, want one of %q", entry, reasons)
					}
				}
			})
		}
	}
}

func TestGoodPeersOnOpenSSL(t *testing.T) {
	tool := opensslTool(t)
	for _, version := range []string{"1.2", "1.3"} {
		for _, key := range []string{ECDSAP256, RSA2048} {
			id := identity(t, key)
			s := startOpenSSL(t, tool, id)
			// Its server mode has no echo, and takes one connection at a time.
			l := newLoad(t, s.addr, id, func(c *Config) { c.TLS, c.EchoBytes, c.Limit = version, 0, 20 })
			r := runUntil(l, never)
			if r.Measured != 20 || len(r.Failures) > 0 {
				t.Errorf("TLS %s, %s: %d good, failures %v; want 20 good", version, key, r.Measured, r.Failures)
			}
			if uint64(len(r.Randoms)) != 2*r.Good || len(r.Repeats()) > 0 {
				t.Errorf("TLS %s, %s: %d randoms of %d handshakes, repeats %v", version, key, len(r.Randoms), r.Good, r.Repeats())
			}
			if n := s.entries(); n > 0 {
				t.Errorf("TLS %s, %s: error queue has %q", version, key, s.queue())
			}
		}
	}
}

func opensslTool(t *testing.T) string {
	tool, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("no openssl command on this machine")
	}
	return tool
}

func opensslVersion(t *testing.T, tool string) string {
	version, err := exec.Command(tool, "version").Output()
	if err != nil {
		t.Fatalf("%s version: %v", tool, err)
	}
	return string(version)
}

// opensslServer is a running "openssl s_server".
type opensslServer struct {
	addr string

	mu    sync.Mutex
	lines []string // its error queue, as printed
}

func (s *opensslServer) queue() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lines
}

func (s *opensslServer) entries() uint64 { return uint64(len(s.queue())) }

// startOpenSSL starts a server that asks for a client certificate, does not
// insist, and refuses one that it does not trust.
func startOpenSSL(t *testing.T, tool string, id *Identity) *opensslServer {
	t.Helper()
	dir := t.TempDir()
	cert := writeFile(t, filepath.Join(dir, "cert.pem"), id.CertificatePEM())
	key := writeFile(t, filepath.Join(dir, "key.pem"), id.KeyPEM())
	command := exec.Command(tool, "s_server", "-accept", "127.0.0.1:0", "-cert", cert, "-key", key,
		"-verify", "1", "-verify_return_error", "-no-CAfile", "-no-CApath")
	stdin, err := command.StdinPipe() // it ends when its input does
	if err != nil {
		t.Fatal(err)
	}
	out, in := io.Pipe()
	command.Stdout, command.Stderr = in, in
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	s := new(opensslServer)
	listening, ended := make(chan string, 1), make(chan bool)
	go func() {
		defer close(ended)
		s.read(out, listening)
	}()
	t.Cleanup(func() {
		stdin.Close()
		command.Process.Kill()
		command.Wait()
		in.Close()
		<-ended
	})
	s.addr = <-listening
	if s.addr == "" {
		t.Fatal("openssl s_server did not say where it listens")
	}
	return s
}

// read keeps what the server prints of its error queue.
func (s *opensslServer) read(out io.Reader, listening chan<- string) {
	defer close(listening)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		line := lines.Text()
		if addr, ok := strings.CutPrefix(line, "ACCEPT "); ok && strings.Contains(addr, ":") {
			select {
			case listening <- addr:
			default:
			}
		}
		if strings.Contains(line, ":error:") {
			s.mu.Lock()
			s.lines = append(s.lines, line)
			s.mu.Unlock()
		}
	}
}

func writeFile(t *testing.T, path string, text []byte) string {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func containsAny(s string, words []string) bool {
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}
