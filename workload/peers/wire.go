package peers

import (
	"crypto/sha256"
	"io"
	"net"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
)

// wire is the TCP connection under a peer's TLS. It notes what TLS itself does not
// tell: when the first byte left, the ServerHello's random and the server's key share
// as they came, and whether the server ended the TCP stream. A peer has one wire for
// all of its connections, one after the other.
type wire struct {
	*net.TCPConn
	sniffer
	firstWrite time.Time
	waited     time.Duration // of the last read
	eof        bool          // the server's FIN has been read
}

func (w *wire) reset(conn *net.TCPConn) {
	*w = wire{TCPConn: conn, sniffer: sniffer{stream: w.stream[:0]}}
}

func (w *wire) Write(p []byte) (int, error) {
	if w.firstWrite.IsZero() {
		w.firstWrite = time.Now()
	}
	return w.TCPConn.Write(p)
}

func (w *wire) Read(p []byte) (int, error) {
	began := time.Now()
	n, err := w.TCPConn.Read(p)
	w.waited = time.Since(began)
	if !w.done {
		w.feed(p[:n])
	}
	if err == io.EOF {
		w.eof = true
	}
	return n, err
}

// SetWriteDeadline does nothing. A connection has one deadline, set when it
// is opened; crypto/tls would move it twice for each close_notify, which costs
// time and gains nothing.
func (w *wire) SetWriteDeadline(time.Time) error { return nil }

// drain reads until the server's end of stream, or until the connection
// breaks or its deadline has passed.
func (w *wire) drain(buf []byte) error {
	for {
		if _, err := w.Read(buf); err != nil {
			if err == io.EOF {
				return nil
			}
			return err
		}
	}
}

// Record and handshake message types, RFC 8446 section 5.1 and 4.
const (
	recordChangeCipherSpec = 20
	recordAlert            = 21
	recordHandshake        = 22
	messageClientHello     = 1
	messageServerHello     = 2
	messageServerKey       = 12 // ServerKeyExchange, to TLS 1.2
	extensionKeyShare      = 51 // from TLS 1.3 on
)

// longestFlight is more than a server says before it encrypts.
const longestFlight = 64 << 10

// retryRandom marks a ServerHello as a HelloRetryRequest, RFC 8446 section
// 4.1.3. It is the same in all of them and says nothing about the generator.
var retryRandom = sha256.Sum256([]byte("HelloRetryRequest"))

// sniffer reads a server's byte stream until it has seen the ServerHello's
// random and the key share, or the stream is not a plain handshake (any more).
type sniffer struct {
	stream []byte // until then

	done   bool
	seen   bool // random is valid
	random [32]byte
	share  []byte // nil until it came
}

// feed takes the stream in any pieces. Records are read when they are whole, and all
// of them anew each time: what matters comes in the first two reads or so. A message
// may span records.
func (s *sniffer) feed(p []byte) {
	s.stream = append(s.stream, p...)
	var kind uint8
	var body, messages cryptobyte.String
	for in := cryptobyte.String(s.stream); !s.done && in.ReadUint8(&kind); {
		switch kind {
		case recordHandshake, recordAlert, recordChangeCipherSpec:
			if !in.Skip(2) || !in.ReadUint16LengthPrefixed(&body) {
				in = nil
			} else if kind == recordHandshake {
				messages = append(messages, body...)
			}
		default: // encrypted, or no TLS at all
			s.done = true
		}
	}
	for s.share == nil && messages.ReadUint8(&kind) && messages.ReadUint24LengthPrefixed(&body) {
		switch kind {
		case messageServerHello:
			s.hello(body)
		case messageServerKey:
			s.serverKey(body)
		}
	}
	s.done = s.done || len(s.stream) > longestFlight
}

// hello looks at a ServerHello, RFC 8446 section 4.1.3.
func (s *sniffer) hello(body cryptobyte.String) {
	var random []byte
	var session, extensions, data cryptobyte.String
	if !body.Skip(2) || !body.ReadBytes(&random, 32) || [32]byte(random) == retryRandom {
		return
	}
	s.random, s.seen = [32]byte(random), true
	if !body.ReadUint8LengthPrefixed(&session) || !body.Skip(2+1) || !body.ReadUint16LengthPrefixed(&extensions) {
		return
	}
	for kind := uint16(0); extensions.ReadUint16(&kind) && extensions.ReadUint16LengthPrefixed(&data); {
		if kind == extensionKeyShare && data.Skip(2) && data.ReadUint16LengthPrefixed(&data) {
			s.keep(data)
		}
	}
}

// serverKey looks at a ServerKeyExchange, RFC 8422 section 5.4.
func (s *sniffer) serverKey(body cryptobyte.String) {
	const namedCurve = 3
	var kind uint8
	var point cryptobyte.String
	if body.ReadUint8(&kind) && kind == namedCurve && body.Skip(2) && body.ReadUint8LengthPrefixed(&point) {
		s.keep(point)
	}
}

func (s *sniffer) keep(share []byte) { s.share, s.done = slices.Clone(share), true }
