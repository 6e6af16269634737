package peers

import (
	"crypto/tls"
	"encoding/binary"
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

// badLines are the bytes that bad peers send, made once for all of them, at no cost in
// cryptography: a ClientHello (RFC 8446 section 4.1.2), and ones with a single part wrong.
type badLines struct {
	hello, sslv3, nullCiphers []byte
	malformed                 [][]byte
}

// newBadLines takes the ClientHello that crypto/tls sends with a configuration. Nobody
// answers it: the handshake ends with the pipe.
func newBadLines(config *tls.Config) (*badLines, error) {
	client, server := net.Pipe()
	go tls.Client(client, config).Handshake()
	defer server.Close()
	record := make([]byte, 16<<10) // crypto/tls writes it at once
	n, err := server.Read(record)
	if err != nil {
		return nil, fmt.Errorf("capture a ClientHello: %w", err)
	}
	body := record[5+4 : n] // after the headers of record and message
	// Where its fields begin. Version and random come first.
	session := 2 + 32
	ciphers := session + 1 + int(body[session])
	compression := ciphers + 2 + int(binary.BigEndian.Uint16(body[ciphers:]))
	extensions := compression + 1 + int(body[compression])
	wrong := func(at int) []byte {
		p := slices.Clone(body)
		p[at] = 0xff
		return helloRecord(p)
	}
	return &badLines{
		hello: helloRecord(body),
		// No server has had SSL 3.0 for a decade; TLS 1.0 or 1.1 might be on by some
		// system-wide setting.
		sslv3: helloRecord(slices.Concat([]byte{3, 0}, body[2:extensions])),
		// Two suites without encryption.
		nullCiphers: helloRecord(slices.Concat(body[:ciphers], []byte{0, 4, 0, 1, 0, 2}, body[compression:])),
		malformed: [][]byte{
			wrong(session),                 // session id runs over the end of its field
			wrong(ciphers),                 // list of suites runs over the end of the message
			wrong(extensions),              // so do the extensions
			wrong(extensions + 2 + 2),      // so does the first extension
			helloRecord(body[:session+10]), // the message ends within the session id
		},
	}, nil
}

// helloRecord wraps a body, which need not make sense, into message header
// and record.
func helloRecord(body []byte) []byte {
	var b cryptobyte.Builder
	b.AddUint8(recordHandshake)
	b.AddUint16(0x0301)
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
		b.AddUint8(messageClientHello)
		b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(body) })
	})
	return b.BytesOrPanic() // nothing in it is too long
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
