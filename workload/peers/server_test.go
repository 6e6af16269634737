package peers

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// testTimeout is long enough for a busy machine and short enough for a test
// that waits for it.
const testTimeout = time.Minute

// identity makes a certificate once for each kind: RSA keys take a while.
func identity(t testing.TB, kind string) *Identity {
	t.Helper()
	id, err := identities[kind]()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

var identities = map[string]func() (*Identity, error){
	ECDSAP256: sync.OnceValues(func() (*Identity, error) { return Certificate(ECDSAP256) }),
	RSA2048:   sync.OnceValues(func() (*Identity, error) { return Certificate(RSA2048) }),
}

// server is an in-process server that keeps what its handshakes failed with.
type server struct {
	addr string

	mu     sync.Mutex
	errors []string
}

func (s *server) failures() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.errors
}

// serve gives every connection to handle, in a goroutine each, until the test
// ends. A goroutine that outlives the test fails it.
func serve(t *testing.T, handle func(net.Conn) error) *server {
	t.Helper()
	running := goleak.IgnoreCurrent()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{addr: l.Addr().String()}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			group.Go(func() {
				defer conn.Close()
				if err := handle(conn); err != nil {
					s.mu.Lock()
					defer s.mu.Unlock()
					s.errors = append(s.errors, err.Error())
				}
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		group.Wait()
		goleak.VerifyNone(t, running)
	})
	return s
}

// serveTLS serves TLS with Go's own server, and does with each connection
// what then says.
func serveTLS(t *testing.T, config *tls.Config, then func(*tls.Conn) error) *server {
	return serve(t, func(conn net.Conn) error {
		server := tls.Server(conn, config)
		if err := server.Handshake(); err != nil {
			return err
		}
		return then(server)
	})
}

// echo gives back what comes and ends in order: close_notify, then the
// stream.
func echo(conn *tls.Conn) error {
	if _, err := io.Copy(conn, conn); err != nil {
		return err
	}
	return conn.Close()
}

// serverTLS is the configuration of a faultless server that asks for client
// certificates.
func serverTLS(id *Identity) *tls.Config {
	return &tls.Config{
		Certificates: []tls.Certificate{id.TLS},
		ClientAuth:   tls.VerifyClientCertIfGiven,
		ClientCAs:    x509.NewCertPool(),
	}
}

// newLoad makes a load of good peers, changed by the test.
func newLoad(t testing.TB, addr string, id *Identity, change func(*Config)) *Load {
	t.Helper()
	config := Config{Addr: addr, TLS: "1.3", Roots: id.Roots, Peers: 2, Seed: 1, EchoBytes: 64, Timeout: testTimeout}
	if change != nil {
		change(&config)
	}
	l, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// runUntil runs a load without a warm-up until it has done enough.
func runUntil(l *Load, enough func() bool) *Report {
	l.Measure()
	l.Start()
	for deadline := time.Now().Add(testTimeout); !enough() && time.Now().Before(deadline); {
		select {
		case <-l.Done():
			return l.Wait()
		case <-time.After(time.Millisecond):
		}
	}
	return l.Wait()
}

// runOne gives the first failure of a load of one peer on a server that never
// does right.
func runOne(t *testing.T, l *Load) Failure {
	t.Helper()
	r := runUntil(l, func() bool { return l.Failed()+l.Good() > 0 })
	if len(r.Failures) == 0 {
		t.Fatalf("no failure, %d good, trouble %v", r.Good, r.Trouble)
	}
	if r.Good > 0 {
		t.Errorf("%d handshakes taken for good", r.Good)
	}
	return r.Failures[0]
}

func never() bool { return false }

func addrPort(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }
