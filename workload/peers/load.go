// Package peers is the load of a TLS server: clients on Go's crypto/tls, an
// implementation that shares no code and no fault with OpenSSL. It knows an
// address and settings, and nothing of the server behind the address.
//
// A [Load] is a number of peers, each a goroutine in a closed loop: it opens
// its next connection when its last one has ended, so the server's speed sets
// the rate. The server can therefore not be overrun, and latency is that of a
// busy server with a fixed number of clients, not that of a given arrival
// rate. For each connection a peer
//
//  1. draws from its own seeded generator whether it is good, which kind of
//     bad it is otherwise, and the bytes it will send; always the same number
//     of draws, so the n-th connection of a peer depends on seed, peer and n
//     alone, never on what became of the connections before;
//  2. as a good peer makes a full handshake (no ticket, no session cache),
//     checks certificate and signature, has bytes echoed and compares each of
//     them, says close_notify and waits for the server's end;
//  3. as a bad peer provokes one kind of error (see [Bad]) and is gone as soon
//     as the server has reacted; what it owes the server is always already
//     sent, so it never keeps a server process waiting;
//  4. keeps the ServerHello random that it saw on the wire, for
//     [Report.Repeats] after the load.
//
// What befalls a good peer is a [Failure] with its kind and time. Whether a
// failure is the server's fault is for the caller to judge, who knows when a
// server process died and when the trial ended. What the client's own machine
// is to blame for, such as having no free port, is not a failure but trouble (see
// [Report.Trouble]).
//
// The caller drives the phases: [Load.Start] begins the warm-up,
// [Load.Measure] the measured window, [Load.Wait] ends it: no new connections
// then, those in flight finish, and it returns the report. [Load.Abort]
// cuts the ones in flight too, without making failures of them.
//
// # Ports
//
// Thousands of short connections a second must not use up the client's ports.
// The end that closes first keeps the port for a minute (TIME_WAIT). A good
// peer therefore lets the server close first: it waits for the server's end of
// stream, and only then resets the connection (SO_LINGER 0), which frees the
// port at both ends at once. The server cannot notice: it has closed before.
// Bad peers have to close first, to keep no one waiting, and so leave ports in
// TIME_WAIT. Each peer hence has a source address of its own in 127.0.0.0/8,
// and with it a range of ports of its own.
package peers

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Config is everything that decides what a load does.
type Config struct {
	Addr  string         // of the server: address and port
	TLS   string         // "1.3", "1.2"
	Roots *x509.CertPool // what good peers trust; see Identity.Roots

	Peers    int     // concurrent peers
	BadShare float64 // share of bad peers, 0 to 1
	Seed     uint64
	// EchoBytes is sent and expected back after each good handshake, in
	// pieces of at most 16 KiB; the server has to echo as it reads. 0 = none.
	EchoBytes int
	// Talk, where it is given, takes the echo's place.
	Talk Talk

	// Bad are the kinds of bad peers, drawn with equal chance; nil = all that
	// the load can do, which leaves UntrustedCert out where Untrusted is nil.
	Bad []Bad
	// Untrusted is the client identity of UntrustedCert peers; give one if the
	// server asks for client certificates.
	Untrusted *Identity
	// BareEOF takes an end of stream without close_notify for a good end. It
	// matters in TLS 1.3 without echo alone, where nothing else proves that
	// the server has accepted the client's Finished. Some servers, such as
	// nginx, never answer a close_notify.
	BareEOF bool

	Timeout time.Duration // for connect and again for all the rest; 0 = 10 s
	// Limit ends the load after so many good handshakes of the measured
	// window; 0 = none.
	Limit uint64
	// Epoch is what times count from; zero = the call of Start.
	Epoch time.Time
}

// keep is how many failures are kept with detail.
const keep = 32

// complete reads the address and fills in the defaults.
func (c *Config) complete() (netip.AddrPort, error) {
	addr, err := netip.ParseAddrPort(c.Addr)
	if err != nil {
		return addr, fmt.Errorf("server address %q: want address:port: %w", c.Addr, err)
	}
	c.Timeout = cmp.Or(c.Timeout, 10*time.Second)
	if c.Bad == nil {
		for b := range badKinds {
			if b != UntrustedCert || c.Untrusted != nil {
				c.Bad = append(c.Bad, b)
			}
		}
	}
	return addr, nil
}

// clientTLS gives the TLS configuration that all good peers share.
//
// The one curve is P-256, whatever the key: Go and OpenSSL both have it in
// hand-written assembly, and a key pair and shared secret on it cost either
// side less than on X25519 (BenchmarkPeer compares the two). Go's default
// would offer a post-quantum share as well, which is dear to make, and is not
// what SIP phones send.
//
// Without a session cache Go's client offers no ticket, and without an offer
// of psk_key_exchange_modes a TLS 1.3 server must not resume: every handshake
// is a full one.
func (c *Config) clientTLS() (*tls.Config, error) {
	config := &tls.Config{
		RootCAs:                c.Roots,
		ServerName:             ServerName,
		CurvePreferences:       []tls.CurveID{tls.CurveP256},
		SessionTicketsDisabled: true,
		// Of TLS 1.2. Go does not let a client choose among those of 1.3.
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		},
	}
	switch c.TLS {
	case "1.2":
		config.MinVersion = tls.VersionTLS12
	case "1.3":
		config.MinVersion = tls.VersionTLS13
	default:
		return nil, fmt.Errorf("TLS version %q: want 1.2 or 1.3", c.TLS)
	}
	config.MaxVersion = config.MinVersion
	return config, nil
}

// withIdentity is the same client with a certificate that it sends to every
// server that asks, whomever that server says it trusts.
func withIdentity(config *tls.Config, id *Identity) *tls.Config {
	config = config.Clone()
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		return &id.TLS, nil
	}
	return config
}

// Talk takes the place of the echo: what a good peer says over its connection
// after the handshake, for servers that speak a protocol instead of echoing.
// It has to read what proves that the server is content, and to leave nothing
// unread. The connection's deadline is set; the draw depends on seed, peer and
// number of the connection alone. An answer other than it must be wraps
// ErrWrongData.
type Talk func(conn net.Conn, draw uint64) error

// Load is a number of peers at work. Its methods may be called from any
// goroutine.
type Load struct {
	config    Config
	server    netip.AddrPort
	trusting  *tls.Config // of good peers
	untrusted *tls.Config // of UntrustedCert peers, or nil
	lines     *badLines
	dialer    *net.Dialer

	gate  *gate
	ctx   context.Context // ends with Abort
	abort context.CancelFunc
	peers []*peer
	group sync.WaitGroup

	good, failed, bad, troubles atomic.Uint64
	keep                        atomic.Int64 // details that may still be kept
}

// New makes a load that is ready to start.
func New(config Config) (*Load, error) {
	server, err := config.complete()
	if err != nil {
		return nil, fmt.Errorf("peers: %w", err)
	}
	trusting, err := config.clientTLS()
	if err != nil {
		return nil, fmt.Errorf("peers: %w", err)
	}
	lines, err := newBadLines(trusting)
	if err != nil {
		return nil, fmt.Errorf("peers: %w", err)
	}
	l := &Load{
		config: config, server: server, trusting: trusting, lines: lines,
		dialer: newDialer(config.Timeout), gate: newGate(config.Limit),
	}
	if config.Untrusted != nil {
		l.untrusted = withIdentity(trusting, config.Untrusted)
	}
	l.ctx, l.abort = context.WithCancel(context.Background())
	l.keep.Store(keep)
	for i := range config.Peers {
		l.peers = append(l.peers, newPeer(l, i))
	}
	return l, nil
}

// Start sets the peers to work, in the warm-up phase unless Measure was
// called before. It must be called once.
func (l *Load) Start() {
	if l.config.Epoch.IsZero() {
		l.config.Epoch = time.Now()
	}
	for _, p := range l.peers {
		l.group.Go(p.run)
	}
}

// Measure ends the warm-up: latencies, rate and Limit count from now on.
func (l *Load) Measure() { l.gate.measure() }

// Done is closed when the window closes: by Wait, Abort, or the last
// handshake of Limit.
func (l *Load) Done() <-chan struct{} { return l.gate.done }

// Abort lets no new connection begin, and ends those in flight. What they report from
// now on is neither failure nor trouble.
func (l *Load) Abort() {
	l.abort()
	l.gate.stop()
}

// Wait stops, waits for the connections in flight, which takes no longer than
// twice Timeout, and gives the report. It may be called again.
func (l *Load) Wait() *Report {
	l.gate.stop()
	l.group.Wait()
	l.abort() // releases the context
	return l.report()
}

// Good counts the good handshakes so far, warm-up included. It may be read
// while the load runs, as may the other counts.
func (l *Load) Good() uint64   { return l.good.Load() }
func (l *Load) Failed() uint64 { return l.failed.Load() }
func (l *Load) Bad() uint64    { return l.bad.Load() }

func (l *Load) since(t time.Time) time.Duration { return t.Sub(l.config.Epoch) }

// detail gives the error's words, as long as there is room for them.
func (l *Load) detail(err error) string {
	if l.keep.Add(-1) < 0 {
		return ""
	}
	return err.Error()
}

// phase is where a load is between Start and Wait.
type phase uint8

const (
	warmUp phase = iota
	measured
	stopped // no new connections
)

// gate counts good handshakes into the phases and lets no more begin than the
// limit leaves room for. A handshake belongs to the phase in which it ends:
// those that run when the window opens stand for those that run when it
// closes.
type gate struct {
	limit uint64
	done  chan struct{} // closed with the window

	mu         sync.Mutex
	room       sync.Cond // the phase has changed, or a handshake has failed
	phase      phase
	inFlight   uint64
	counted    uint64 // good ones in the window
	begin, end time.Time
}

func newGate(limit uint64) *gate {
	g := &gate{limit: limit, done: make(chan struct{})}
	g.room.L = &g.mu
	return g
}

// enter waits until one more good handshake may begin. It says false when
// none may any more.
func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.phase == measured && g.limit > 0 && g.counted+g.inFlight >= g.limit {
		g.room.Wait()
	}
	if g.phase == stopped {
		return false
	}
	g.inFlight++
	return true
}

// leave says whether the handshake counts in the measured window.
func (g *gate) leave(ok bool) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inFlight--
	if !ok || g.phase != measured {
		g.room.Signal()
		return false
	}
	g.counted++
	if g.counted == g.limit {
		g.closeWindow()
	}
	return true
}

func (g *gate) measure() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.phase == warmUp {
		g.phase, g.begin = measured, time.Now()
	}
}

func (g *gate) stop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.phase != stopped {
		g.closeWindow()
	}
}

func (g *gate) closeWindow() {
	g.phase, g.end = stopped, time.Now()
	close(g.done)
	g.room.Broadcast()
}

func (g *gate) open() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.phase != stopped
}

// window gives the measured window; it has no begin if there was none.
func (g *gate) window() (begin, end time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.begin, g.end
}
