package peers

import (
	"context"
	"net"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

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
