package peers

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Load is a number of peers at work. Its methods may be called from any
// goroutine.
type Load struct {
	config    Config
	server    netip.AddrPort
	trusting  *tls.Config // of good peers
	untrusted *tls.Config // of UntrustedCert peers, or nil
	lines     *badLines
	dialer    *net.Dialer
	epoch     time.Time

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
	l.keep.Store(int64(config.Keep))
	for i := range config.Peers {
		l.peers = append(l.peers, newPeer(l, i))
	}
	return l, nil
}

// Start sets the peers to work, in the warm-up phase unless Measure was
// called before. It must be called once.
func (l *Load) Start() {
	l.epoch = l.config.Epoch
	if l.epoch.IsZero() {
		l.epoch = time.Now()
	}
	for _, p := range l.peers {
		l.group.Go(p.run)
	}
}

// Measure ends the warm-up: latencies, rate and Limit count from now on.
func (l *Load) Measure() { l.gate.measure() }

// Stop closes the measured window and lets no new connection begin. It does
// not wait.
func (l *Load) Stop() { l.gate.stop() }

// Done is closed when the window closes: by Stop, Abort, or the last
// handshake of Limit.
func (l *Load) Done() <-chan struct{} { return l.gate.done }

// Abort stops, and ends the connections in flight too. What they report from
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
func (l *Load) Good() uint64 { return l.good.Load() }

// Failed counts the failures so far.
func (l *Load) Failed() uint64 { return l.failed.Load() }

// Bad counts the bad peers so far.
func (l *Load) Bad() uint64 { return l.bad.Load() }

// Troubles counts the troubles of the client's own machine so far.
func (l *Load) Troubles() uint64 { return l.troubles.Load() }

func (l *Load) since(t time.Time) time.Duration { return t.Sub(l.epoch) }

// detail gives the error's words, as long as there is room for them.
func (l *Load) detail(err error) string {
	if l.keep.Add(-1) < 0 {
		return ""
	}
	return err.Error()
}
