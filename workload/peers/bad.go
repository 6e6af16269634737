package peers

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"slices"

	"golang.org/x/crypto/cryptobyte"
)

// Bad is one way in which a peer misbehaves. Each puts an error on the error
// queue of an OpenSSL server.
type Bad uint8

const (
	// PlainText speaks SIP without TLS, as a phone with a wrong setting does.
	PlainText Bad = iota
	// CutHello ends the stream in the middle of a ClientHello.
	CutHello
	// MalformedHello sends a ClientHello with a length that is wrong.
	MalformedHello
	// NoVersion offers SSL 3.0 alone.
	NoVersion
	// NoCipher offers suites without encryption alone.
	NoCipher
	// Leaves sends a good ClientHello, waits for the answer and ends the
	// stream.
	Leaves
	// ClientAlert answers the server's first flight with the fatal alert
	// unknown_ca, as a client that does not trust the server.
	ClientAlert
	// UntrustedCert makes a full handshake with a client certificate that no
	// one trusts. The server must ask for one, but not insist on it, or good
	// peers fail too: SSL_VERIFY_PEER without
	// SSL_VERIFY_FAIL_IF_NO_PEER_CERT.
	UntrustedCert

	badKinds
)

// plainText is what a phone would send to a SIP port without TLS.
var plainText = []byte("OPTIONS sip:localhost SIP/2.0\r\nVia: SIP/2.0/TCP localhost;branch=z9hG4bK1\r\n" +
	"Max-Forwards: 70\r\nCall-ID: 1@localhost\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n")

// unknownCA is a fatal alert, RFC 8446 section 6. OpenSSL takes a plain one in
// this place in TLS 1.3 too, from clients that have no keys yet.
var unknownCA = []byte{recordAlert, 3, 3, 0, 2, 2, 48}

// badLines are the bytes that bad peers send, made once for all of them.
type badLines struct {
	hello, sslv3, nullCiphers []byte
	malformed                 [][]byte
}

func newBadLines(config *tls.Config) (*badLines, error) {
	h, err := captureHello(config)
	if err != nil {
		return nil, err
	}
	lines := &badLines{hello: h.record(), malformed: h.malformed()}
	weak, old := h, h
	weak.ciphers = []byte{0x00, 0x01, 0x00, 0x02} // two suites without encryption
	// No server has had SSL 3.0 for a decade; TLS 1.0 or 1.1 might be on by some
	// system-wide setting.
	old.version, old.extensions = 0x0300, nil
	lines.nullCiphers, lines.sslv3 = weak.record(), old.record()
	return lines, nil
}

// first gives what a bad peer sends first; draw picks among the variants.
func (l *badLines) first(b Bad, draw uint64) []byte {
	switch b {
	case CutHello:
		return l.hello[:1+draw%uint64(len(l.hello)-1)]
	case MalformedHello:
		return l.malformed[draw%uint64(len(l.malformed))]
	case NoVersion:
		return l.sslv3
	case NoCipher:
		return l.nullCiphers
	case Leaves, ClientAlert:
		return l.hello
	}
	return plainText
}

// bad lets a peer misbehave once.
func (p *peer) bad(b Bad, draw uint64) {
	if err := p.dial(); err != nil {
		if kind, _ := classify(err); kind == trouble {
			p.trouble(err)
		}
		return
	}
	defer p.hangUp()
	if b == UntrustedCert {
		p.untrusted()
	} else {
		p.misbehave(b, draw)
	}
	p.keepRandom()
}

// misbehave sends all that the kind has to say and ends its side of the
// stream at once, so that a server process that still waits for more reads an
// end instead. Only then it waits: for the server's reaction, which may have
// to wait in turn until a server process is free.
func (p *peer) misbehave(b Bad, draw uint64) {
	_, err := p.wire.Write(p.load.lines.first(b, draw))
	if err == nil && (b == Leaves || b == ClientAlert) {
		_, err = p.wire.Read(p.buf)
		if err == nil && b == ClientAlert {
			_, err = p.wire.Write(unknownCA)
		}
	}
	if err == nil {
		p.wire.CloseWrite()
	}
	if err != io.EOF { // read even after a failed write: the server may have said more
		p.wire.drain(p.buf)
	}
}

// untrusted makes a whole handshake. In TLS 1.3 the client is done before the
// server has looked at its certificate.
func (p *peer) untrusted() {
	conn := tls.Client(&p.wire, p.load.untrusted)
	if conn.Handshake() == nil {
		conn.CloseWrite()
	}
	p.wire.drain(p.buf)
}

// hello is a ClientHello in parts, so that bad peers can send one with a
// single part wrong, at no cost in cryptography: RFC 8446 section 4.1.2.
type hello struct {
	version     uint16
	random      []byte
	session     []byte
	ciphers     []byte
	compression []byte
	extensions  []byte // with no length before it; nil: the field is left out
}

// captureHello gives the ClientHello that crypto/tls sends with a
// configuration. Nobody answers it: the handshake ends with the pipe.
func captureHello(config *tls.Config) (hello, error) {
	client, server := net.Pipe()
	go tls.Client(client, config).Handshake()
	defer server.Close()
	record := make([]byte, 16<<10) // crypto/tls writes it at once
	n, err := server.Read(record)
	if err != nil {
		return hello{}, fmt.Errorf("capture a ClientHello: %w", err)
	}
	return parseHello(record[:n])
}

// parseHello reads one record with one ClientHello.
func parseHello(record []byte) (hello, error) {
	var h hello
	var session, ciphers, compression, extensions cryptobyte.String
	s := cryptobyte.String(record)
	if !s.Skip(5+4) || !s.ReadUint16(&h.version) || !s.ReadBytes(&h.random, 32) ||
		!s.ReadUint8LengthPrefixed(&session) || !s.ReadUint16LengthPrefixed(&ciphers) ||
		!s.ReadUint8LengthPrefixed(&compression) || !s.ReadUint16LengthPrefixed(&extensions) || !s.Empty() {
		return hello{}, fmt.Errorf("a record of %d bytes is not a ClientHello", len(record))
	}
	h.session, h.ciphers, h.compression, h.extensions = session, ciphers, compression, extensions
	return h, nil
}

// message gives the handshake message's body.
func (h hello) message() []byte {
	var b cryptobyte.Builder
	b.AddUint16(h.version)
	b.AddBytes(h.random)
	b.AddUint8LengthPrefixed(holding(h.session))
	b.AddUint16LengthPrefixed(holding(h.ciphers))
	b.AddUint8LengthPrefixed(holding(h.compression))
	if h.extensions != nil {
		b.AddUint16LengthPrefixed(holding(h.extensions))
	}
	return b.BytesOrPanic() // nothing in it is too long
}

func holding(p []byte) cryptobyte.BuilderContinuation {
	return func(b *cryptobyte.Builder) { b.AddBytes(p) }
}

func (h hello) record() []byte { return helloRecord(h.message()) }

// helloRecord wraps a body, which need not make sense, into message header
// and record.
func helloRecord(body []byte) []byte {
	var b cryptobyte.Builder
	b.AddUint8(recordHandshake)
	b.AddUint16(0x0301)
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
		b.AddUint8(messageClientHello)
		b.AddUint24LengthPrefixed(holding(body))
	})
	return b.BytesOrPanic()
}

// malformed gives ClientHellos whose record and message header are right and
// whose body is not, each at another field.
func (h hello) malformed() [][]byte {
	body := h.message()
	session := 2 + 32
	ciphers := session + 1 + len(h.session)
	extensions := len(body) - len(h.extensions)
	wrong := func(at int, value byte) []byte {
		p := slices.Clone(body)
		p[at] = value
		return helloRecord(p)
	}
	return [][]byte{
		wrong(session, 0xff),        // session id runs over the end of its field
		wrong(ciphers, 0xff),        // list of suites runs over the end of the message
		wrong(extensions-2, 0xff),   // so do the extensions
		wrong(extensions+2, 0xff),   // so does the first extension
		helloRecord(body[:2+32+10]), // the message ends within the session id
	}
}
