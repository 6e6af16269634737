package peers

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Every way in which a server can fail a good peer is told from the others,
// each on a real connection.
func TestFailuresAreToldApart(t *testing.T) {
	id := identity(t, ECDSAP256)
	good := serverTLS(id)
	for _, test := range []struct {
		name   string
		server func(t *testing.T) string // gives its address
		change func(*Config)
		want   Failure
		detail string
	}{
		{"refused connection", nobody, nil,
			Failure{Kind: Cut, Step: Connect}, "connection refused"},
		{"cut before an answer", raw(func(c net.Conn) error { return nil }), nil,
			Failure{Kind: Cut, Step: Handshake}, ""},
		{"reset in the handshake", raw(reset), nil,
			Failure{Kind: Cut, Step: Handshake}, "connection reset"},
		{"cut within ServerHello", raw(func(c net.Conn) error {
			return answer(c, record(recordHandshake, serverHello(someRandom)...)[:20])
		}), nil, Failure{Kind: Cut, Step: Handshake}, "EOF"},
		{"alert in place of ServerHello", raw(func(c net.Conn) error {
			return answer(c, record(recordAlert, 2, 80))
		}), nil, Failure{Kind: Alert, Step: Handshake, Alert: "internal error"}, "internal error"},
		{"plain text", raw(func(c net.Conn) error {
			return answer(c, []byte("SIP/2.0 400 Bad Request\r\n\r\n"))
		}), nil, Failure{Kind: Protocol, Step: Handshake}, "first record does not look like a TLS handshake"},
		{"no answer", hang, func(c *Config) { c.Timeout = 50 * time.Millisecond },
			Failure{Kind: Timeout, Step: Handshake}, "timeout"},
		{"other certificate", secure(otherIdentity(t), echo), nil,
			Failure{Kind: Signature, Step: Handshake}, "unknown authority"},
		{"signature by another key, 1.3", secure(mixedUp(t), echo), nil,
			Failure{Kind: Signature, Step: Handshake}, "invalid signature"},
		{"signature by another key, 1.2", secure(mixedUp(t), echo), func(c *Config) { c.TLS = "1.2" },
			Failure{Kind: Signature, Step: Handshake}, "invalid signature"},
		{"wants a client certificate", secure(insisting(id), echo), nil,
			Failure{Kind: Alert, Step: Echo, Alert: "certificate required"}, "certificate required"},
		{"wants one, no echo", secure(insisting(id), echo), noEcho,
			Failure{Kind: Alert, Step: End, Alert: "certificate required"}, "instead of close_notify"},
		{"wrong echo", secure(good, flipsByte(17)), nil,
			Failure{Kind: WrongData, Step: Echo}, "1 of 64 bytes differ, from byte 17 on"},
		{"wrong first byte of the echo", secure(good, flipsByte(0)), nil,
			Failure{Kind: WrongData, Step: Echo}, "1 of 64 bytes differ, from byte 0 on"},
		{"wrong last byte of the echo", secure(good, flipsByte(63)), nil,
			Failure{Kind: WrongData, Step: Echo}, "1 of 64 bytes differ, from byte 63 on"},
		{"cut in the echo", secure(good, halfEcho), nil,
			Failure{Kind: Cut, Step: Echo}, "after 32 of 64 bytes"},
		{"more than the echo", secure(good, chatty), nil,
			Failure{Kind: WrongData, Step: End}, "5 bytes after the end"},
		{"damaged record", secure(good, damaged), nil,
			Failure{Kind: Protocol, Step: Echo}, "bad record MAC"},
		{"bare end without echo", secure(good, bareEnd), noEcho,
			Failure{Kind: Cut, Step: End}, "instead of close_notify"},
		{"never ends", secure(good, endless), func(c *Config) { c.Timeout = 50 * time.Millisecond },
			Failure{Kind: Timeout, Step: End}, "timeout"},
	} {
		t.Run(test.name, func(t *testing.T) {
			epoch := time.Now().Add(-time.Hour)
			l := newLoad(t, test.server(t), id, func(c *Config) {
				c.Peers, c.Epoch = 1, epoch
				if test.change != nil {
					test.change(c)
				}
			})
			got := runOne(t, l)
			if got.Kind != test.want.Kind || got.Step != test.want.Step || got.Alert != test.want.Alert || got.Peer != 0 {
				t.Errorf("got %v, want %v during %v %s", got, test.want.Kind, test.want.Step, test.want.Alert)
			}
			if !strings.Contains(got.Detail, test.detail) {
				t.Errorf("detail %q does not say %q", got.Detail, test.detail)
			}
			if got.At < time.Hour || got.At > time.Hour+testTimeout {
				t.Errorf("failed at %v, want a bit more than 1h", got.At)
			}
		})
	}
}

func noEcho(c *Config) { c.EchoBytes = 0 }

// nobody gives an address at which no one listens. It is bound until the end of the
// test, so that no other program of this machine gets it meanwhile.
func nobody(t *testing.T) string {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	addr, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", addr.(*unix.SockaddrInet4).Port)
}

func raw(handle func(net.Conn) error) func(*testing.T) string {
	return func(t *testing.T) string { return serve(t, handle).addr }
}

func secure(config *tls.Config, then func(*tls.Conn) error) func(*testing.T) string {
	return func(t *testing.T) string { return serveTLS(t, config, then).addr }
}

// hang accepts and then says nothing until the client has gone.
func hang(t *testing.T) string {
	return serve(t, func(c net.Conn) error {
		_, err := io.Copy(io.Discard, c)
		return err
	}).addr
}

// answer reads the ClientHello, gives its answer, and ends.
func answer(c net.Conn, p []byte) error {
	if _, err := c.Read(make([]byte, 4096)); err != nil {
		return err
	}
	_, err := c.Write(p)
	return err
}

func reset(c net.Conn) error {
	if _, err := c.Read(make([]byte, 1)); err != nil {
		return err
	}
	return c.(*net.TCPConn).SetLinger(0)
}

func otherIdentity(t *testing.T) *tls.Config {
	id, err := Certificate(ECDSAP256)
	if err != nil {
		t.Fatal(err)
	}
	return serverTLS(id)
}

// mixedUp has the right certificate and another one's key.
func mixedUp(t *testing.T) *tls.Config {
	config := otherIdentity(t)
	config.Certificates[0].Certificate = identity(t, ECDSAP256).TLS.Certificate
	config.Certificates[0].Leaf = nil
	return config
}

func insisting(id *Identity) *tls.Config {
	config := serverTLS(id)
	config.ClientAuth = tls.RequireAndVerifyClientCert
	return config
}

func readEcho(c *tls.Conn) ([]byte, error) {
	p := make([]byte, 64)
	_, err := io.ReadFull(c, p)
	return p, err
}

// flipsByte gives a server that changes one byte of the echo.
func flipsByte(i int) func(*tls.Conn) error {
	return func(c *tls.Conn) error {
		p, err := readEcho(c)
		if err != nil {
			return err
		}
		p[i] ^= 1
		if _, err := c.Write(p); err != nil {
			return err
		}
		return echo(c)
	}
}

func halfEcho(c *tls.Conn) error {
	p, err := readEcho(c)
	if err != nil {
		return err
	}
	_, err = c.Write(p[:32])
	return err
}

func chatty(c *tls.Conn) error {
	p, err := readEcho(c)
	if err != nil {
		return err
	}
	c.Write(p)
	c.Read(p) // the client's close_notify
	_, err = c.Write([]byte("hello"))
	return err
}

// damaged sends an encrypted record that is none.
func damaged(c *tls.Conn) error {
	if _, err := readEcho(c); err != nil {
		return err
	}
	c.NetConn().Write(record(23, slices.Repeat([]byte{7}, 40)...))
	_, err := io.Copy(io.Discard, c.NetConn())
	return err
}

func bareEnd(c *tls.Conn) error {
	c.Read(make([]byte, 1))
	return nil
}

// endless echoes and then never ends.
func endless(c *tls.Conn) error {
	p, err := readEcho(c)
	if err != nil {
		return err
	}
	c.Write(p)
	_, err = io.Copy(io.Discard, c.NetConn())
	return err
}

// Once an echo has come back whole, or where the caller says so, the server
// need not say close_notify.
func TestBareEndAfterProof(t *testing.T) {
	id := identity(t, ECDSAP256)
	bareEcho := func(c *tls.Conn) error {
		_, err := io.Copy(c, c)
		return err
	}
	for name, change := range map[string]func(*Config){
		"echo":     func(c *Config) {},
		"TLS 1.2":  func(c *Config) { c.TLS, c.EchoBytes = "1.2", 0 },
		"bare EOF": func(c *Config) { c.BareEOF, c.EchoBytes = true, 0 },
	} {
		l := newLoad(t, serveTLS(t, serverTLS(id), bareEcho).addr, id, change)
		r := runUntil(l, func() bool { return l.Good() >= 5 || l.Failed() > 0 })
		if r.Good < 5 || len(r.Failures) > 0 {
			t.Errorf("%s: %d good, failures %v; want all good", name, r.Good, r.Failures)
		}
	}
}

func TestClassifySystemErrors(t *testing.T) {
	for errno, want := range map[syscall.Errno]Kind{
		syscall.ECONNREFUSED:  Cut,
		syscall.ECONNRESET:    Cut,
		syscall.EPIPE:         Cut,
		syscall.ETIMEDOUT:     Timeout,
		syscall.EADDRNOTAVAIL: trouble,
		syscall.EADDRINUSE:    trouble,
		syscall.EMFILE:        trouble,
		syscall.ENFILE:        trouble,
		syscall.ENOBUFS:       trouble,
		syscall.ENOMEM:        trouble,
		syscall.EPERM:         trouble,
		syscall.ENETUNREACH:   trouble,
	} {
		err := &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", errno)}
		if got, _ := classify(fmt.Errorf("wrapped: %w", err)); got != want {
			t.Errorf("%v: %v, want %v", errno, got, want)
		}
	}
}

// A server that is gone is refused thousands of times a second unless the
// peers slow down.
func TestRefusedPeersSlowDown(t *testing.T) {
	l := newLoad(t, nobody(t), identity(t, ECDSAP256), func(c *Config) { c.Peers, c.BadShare = 1, 0.5 })
	p := l.peers[0]
	l.config.Epoch = time.Now()
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 64, 64} {
		if err := p.dial(); err == nil {
			t.Fatal("connected to no one")
		}
		if p.pause != want*time.Millisecond {
			t.Errorf("pause of %v, want %v ms", p.pause, want)
		}
	}
	before := time.Now()
	p.rest()
	if rested := time.Since(before); rested < p.pause {
		t.Errorf("rested for %v, want %v", rested, p.pause)
	}
	l.gate.stop()
	p.pause = time.Hour
	p.rest() // must not outlast the load
}

// A server that refuses and resets at once may have broken the connection
// before the peer writes. Its alert has still arrived, and says why.
func TestAlertBehindAReset(t *testing.T) {
	id := identity(t, ECDSAP256)
	gone := make(chan bool)
	s := serve(t, func(c net.Conn) error {
		defer close(gone)
		err := tls.Server(c, insisting(id)).Handshake()
		c.(*net.TCPConn).SetLinger(0)
		c.Close()
		return err
	})
	p := newLoad(t, s.addr, id, nil).peers[0]
	if err := p.dial(); err != nil {
		t.Fatal(err)
	}
	defer p.hangUp()
	conn := tls.Client(&p.wire, p.load.trusting)
	if err := conn.Handshake(); err != nil {
		t.Fatal(err)
	}
	<-gone
	err := p.echo(conn, 1)
	if kind, alert := classify(err); kind != Alert || alert != "certificate required" {
		t.Errorf("%v %q from %v, want alert certificate required", kind, alert, err)
	}
}

func TestFirstFailuresHaveDetail(t *testing.T) {
	l := newLoad(t, nobody(t), identity(t, ECDSAP256), func(c *Config) { c.Peers = 1 })
	l.keep.Store(2)
	r := runUntil(l, func() bool { return l.Failed() >= 5 })
	for i, f := range r.Failures {
		if (f.Detail != "") != (i < 2) {
			t.Errorf("failure %d has detail %q", i, f.Detail)
		}
		if !strings.Contains(f.String(), "cut during connect") {
			t.Errorf("failure %d says %q", i, f)
		}
	}
	if len(r.Failures) < 5 {
		t.Errorf("%d failures kept, want all", len(r.Failures))
	}
}

func TestBadConfig(t *testing.T) {
	for _, test := range []struct {
		want   string
		change func(*Config)
	}{
		{`server address "localhost": want address:port`, func(c *Config) { c.Addr = "localhost" }},
		{`TLS version "1.1": want 1.2 or 1.3`, func(c *Config) { c.TLS = "1.1" }},
	} {
		config := Config{Addr: "127.0.0.1:1", TLS: "1.3", Roots: identity(t, ECDSAP256).Roots, Peers: 1}
		test.change(&config)
		if _, err := New(config); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v, want %q", err, test.want)
		}
	}
}
