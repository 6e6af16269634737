package peers

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// peer is one closed loop. Only its own goroutine touches it until the load
// has ended, so nothing in it is locked.
type peer struct {
	load   *Load
	number int
	source netip.AddrPort
	draws  *rand.PCG
	bytes  *rand.ChaCha8 // of the echo; seeded anew for each connection

	wire    wire
	stop    func() bool // takes the wire from Abort's reach
	payload []byte
	buf     []byte
	pause   time.Duration // after the last failure to connect

	latency  []float64
	randoms  []Random
	failures []Failure
	troubled string // by what first
}

// echoPiece is the largest piece of an echo: one TLS record.
const echoPiece = 16 << 10

func newPeer(l *Load, number int) *peer {
	return &peer{
		load: l, number: number, source: source(l.server, number),
		draws:   rand.NewPCG(l.config.Seed, uint64(number)),
		bytes:   rand.NewChaCha8([32]byte{}),
		payload: make([]byte, min(l.config.EchoBytes, echoPiece)),
		buf:     make([]byte, max(min(l.config.EchoBytes, echoPiece), 2048)),
	}
}

// plan is what a peer will do with one connection.
type plan struct {
	isBad bool
	bad   Bad
	draw  uint64 // seeds the echo, or picks the bad peer's variant
}

// next draws the next plan, with three draws whatever comes out.
func (p *peer) next() plan {
	share, kind, draw := p.draws.Uint64(), p.draws.Uint64(), p.draws.Uint64()
	next := plan{draw: draw}
	// 53 bits give a float in [0, 1), so that a share of 1 means all.
	if float64(share>>11)/(1<<53) < p.load.config.BadShare {
		kinds := p.load.config.Bad
		next.isBad, next.bad = true, kinds[kind%uint64(len(kinds))]
	}
	return next
}

func (p *peer) run() {
	for p.load.gate.open() {
		if next := p.next(); next.isBad {
			p.bad(next.bad, next.draw)
			p.load.bad.Add(1)
		} else if p.load.gate.enter() {
			p.good(next.draw)
		}
		p.rest()
	}
}

// The pauses after failures to connect. A server that is gone refuses in
// microseconds, and a closed loop would then do nothing but fail.
const (
	minPause = time.Millisecond
	maxPause = 64 * time.Millisecond
)

// rest waits as long as the last connection asks for.
func (p *peer) rest() {
	if p.pause == 0 {
		return
	}
	select {
	case <-time.After(p.pause):
	case <-p.load.gate.done:
	}
}

// good makes one good connection and books what became of it.
func (p *peer) good(seed uint64) {
	began := time.Now()
	took, step, err := p.exchange(seed)
	if counts := p.load.gate.leave(err == nil); counts {
		p.latency = append(p.latency, float64(took))
	}
	if err != nil {
		p.fail(began, step, err)
		return
	}
	p.load.good.Add(1)
}

// exchange makes one good connection. It gives the handshake's time, from the
// ClientHello's write to the handshake's end: not TCP's connect, but, where
// there are more peers than server processes, the wait for a free one.
func (p *peer) exchange(seed uint64) (took time.Duration, step Step, err error) {
	p.wire.waited = 0
	if err := p.dial(); err != nil {
		return 0, Connect, err
	}
	defer p.hangUp()
	conn := tls.Client(&p.wire, p.load.trusting)
	err = conn.Handshake()
	took = time.Since(p.wire.firstWrite)
	p.keepRandom()
	if err != nil {
		return took, Handshake, err
	}
	if talk := p.load.config.Talk; talk != nil {
		err = talk(conn, seed)
	} else {
		err = p.echo(conn, seed)
	}
	if err != nil {
		return took, Echo, err
	}
	if err := p.end(conn); err != nil {
		return took, End, err
	}
	return took, 0, nil
}

// echo sends bytes and wants the same ones back.
func (p *peer) echo(conn *tls.Conn, seed uint64) error {
	var own [32]byte
	binary.LittleEndian.PutUint64(own[:], seed)
	binary.LittleEndian.PutUint64(own[8:], uint64(p.number))
	p.bytes.Seed(own)
	for left := p.load.config.EchoBytes; left > 0; {
		piece := p.payload[:min(left, len(p.payload))]
		p.bytes.Read(piece)
		if _, err := conn.Write(piece); err != nil {
			return p.lastWord(conn, err)
		}
		back := p.buf[:len(piece)]
		if n, err := io.ReadFull(conn, back); err != nil {
			return fmt.Errorf("after %d of %d bytes: %w", n, len(piece), err)
		}
		if !bytes.Equal(piece, back) {
			return differs(piece, back)
		}
		left -= len(piece)
	}
	return nil
}

// lastWord looks for the alert behind a failed write: the server may have
// said why before it closed.
func (p *peer) lastWord(conn *tls.Conn, failed error) error {
	_, err := conn.Read(p.buf)
	if _, ok := remoteAlert(err); ok {
		return err
	}
	return failed
}

func differs(want, got []byte) error {
	n, first := 0, -1
	for i := range want {
		if want[i] != got[i] {
			if n++; first < 0 {
				first = i
			}
		}
	}
	return fmt.Errorf("%w: %d of %d bytes differ, from byte %d on: sent %02x, got %02x",
		ErrWrongData, n, len(want), first, want[first:min(first+8, len(want))], got[first:min(first+8, len(got))])
}

// end says close_notify and waits for the server to end the connection too.
// Where that end comes without close_notify, it is a good one if an echo, or
// TLS 1.2's Finished, has proved before that the server was content.
func (p *peer) end(conn *tls.Conn) error {
	err := conn.CloseWrite()
	if err != nil {
		err = p.lastWord(conn, err)
	} else {
		var n int
		if n, err = conn.Read(p.buf); n > 0 {
			return fmt.Errorf("%w: %d bytes after the end", ErrWrongData, n)
		}
	}
	// crypto/tls says EOF for close_notify and for an end without one.
	if err == io.EOF && !p.wire.eof {
		if err := p.wire.drain(p.buf); err != nil && isTimeout(err) {
			return fmt.Errorf("after close_notify: %w", err)
		}
		return nil
	}
	if kind, _ := classify(err); kind == Cut && p.proven(conn) {
		return nil
	}
	return fmt.Errorf("instead of close_notify: %w", err)
}

// proven says whether the server is known to have accepted the handshake.
func (p *peer) proven(conn *tls.Conn) bool {
	return p.load.config.EchoBytes > 0 || p.load.config.Talk != nil || p.load.config.BareEOF ||
		conn.ConnectionState().Version == tls.VersionTLS12
}

// keepRandom books the ServerHello random of the connection and the server's key
// share, if they came.
func (p *peer) keepRandom() {
	now := p.load.since(time.Now())
	if p.wire.seen {
		p.randoms = append(p.randoms, Random{p.wire.random, now, p.number, "ServerHello random"})
	}
	if p.wire.share != nil {
		p.randoms = append(p.randoms, Random{sha256.Sum256(p.wire.share), now, p.number, "key share with SHA-256"})
	}
}

// fail books a failure of a good connection.
func (p *peer) fail(began time.Time, step Step, err error) {
	if p.load.ctx.Err() != nil {
		return
	}
	kind, alert := classify(err)
	if kind == trouble {
		p.trouble(err)
		return
	}
	p.failures = append(p.failures, Failure{
		Kind: kind, Step: step, Peer: p.number,
		Began: p.load.since(began), At: p.load.since(time.Now()), Waited: p.wire.waited,
		Alert: alert, Detail: p.load.detail(err),
	})
	p.load.failed.Add(1)
}

// trouble books what the client's own machine failed at.
func (p *peer) trouble(err error) {
	if p.load.ctx.Err() != nil {
		return
	}
	p.load.troubles.Add(1)
	p.troubled = cmp.Or(p.troubled, err.Error())
}

// newDialer leaves keep-alive off: four system calls for connections that
// live for milliseconds.
func newDialer(timeout time.Duration) *net.Dialer {
	return &net.Dialer{Timeout: timeout, KeepAlive: -1, Control: bindLate}
}

// bindLate lets the kernel choose the local port at connect, when it knows
// the whole pair of addresses, and not at bind, when it would want a port that
// no connection to anywhere uses.
func bindLate(_, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) {
		// Where it is refused (an old kernel) the port is chosen at bind.
		_ = unix.SetsockoptInt(int(fd), unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
	})
}

// source gives the address that peer number i comes from: one of its own in
// 127.1.0.0/16 to a server on IPv4 loopback, else the kernel's choice.
func source(server netip.AddrPort, i int) netip.AddrPort {
	if !server.Addr().Is4() || !server.Addr().IsLoopback() {
		return netip.AddrPort{}
	}
	i %= 250 * 250
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 1, byte(1 + i/250), byte(1 + i%250)}), 0)
}

// dial opens the peer's next connection as its wire.
func (p *peer) dial() error {
	conn, err := p.load.dialer.DialTCP(p.load.ctx, "tcp", p.source, p.load.server)
	if err != nil {
		p.pause = min(max(2*p.pause, minPause), maxPause)
		return err
	}
	p.pause = 0
	p.wire.reset(conn)
	if err := conn.SetDeadline(time.Now().Add(p.load.config.Timeout)); err != nil {
		conn.Close()
		return err
	}
	// Only now, as Abort sets a deadline of its own.
	p.stop = context.AfterFunc(p.load.ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	return nil
}

// hangUp closes the connection, by a reset if the server has ended it before:
// see Ports in the package comment.
func (p *peer) hangUp() {
	p.stop()
	if p.wire.eof {
		p.wire.SetLinger(0)
	}
	p.wire.TCPConn.Close()
}
