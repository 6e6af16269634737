package peers

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"time"
)

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
// configuration.
func captureHello(config *tls.Config) (hello, error) {
	var sink sinkConn
	// The handshake has to fail, as there is no one to answer.
	if err := tls.Client(&sink, config).Handshake(); !errors.Is(err, io.EOF) {
		return hello{}, fmt.Errorf("capture a ClientHello: %w", err)
	}
	h, err := parseHello(sink.Bytes())
	if err != nil {
		return hello{}, fmt.Errorf("capture a ClientHello: %w", err)
	}
	return h, nil
}

// parseHello reads one record with one ClientHello.
func parseHello(record []byte) (hello, error) {
	var h hello
	r := reader{rest: record}
	r.take(5 + 4)
	h.version = binary.BigEndian.Uint16(r.take(2))
	h.random = r.take(32)
	h.session = r.vector(1)
	h.ciphers = r.vector(2)
	h.compression = r.vector(1)
	h.extensions = r.vector(2)
	if r.short || len(r.rest) > 0 {
		return hello{}, fmt.Errorf("a record of %d bytes is no ClientHello", len(record))
	}
	return h, nil
}

// reader takes a message apart. Once it is short, all it gives is zeros.
type reader struct {
	rest  []byte
	short bool
}

func (r *reader) take(n int) []byte {
	if n > len(r.rest) {
		r.short, r.rest = true, nil
		return make([]byte, n)
	}
	p := r.rest[:n]
	r.rest = r.rest[n:]
	return p
}

// vector takes a length of that many bytes, and what it announces.
func (r *reader) vector(size int) []byte {
	n := 0
	for _, b := range r.take(size) {
		n = n<<8 | int(b)
	}
	return r.take(n)
}

// message gives the handshake message's body.
func (h hello) message() []byte {
	var p []byte
	p = binary.BigEndian.AppendUint16(p, h.version)
	p = append(p, h.random...)
	p = append(append(p, byte(len(h.session))), h.session...)
	p = append(binary.BigEndian.AppendUint16(p, uint16(len(h.ciphers))), h.ciphers...)
	p = append(append(p, byte(len(h.compression))), h.compression...)
	if h.extensions != nil {
		p = append(binary.BigEndian.AppendUint16(p, uint16(len(h.extensions))), h.extensions...)
	}
	return p
}

func (h hello) record() []byte { return helloRecord(h.message()) }

// helloRecord wraps a body, which need not make sense, into message header
// and record.
func helloRecord(body []byte) []byte {
	p := []byte{recordHandshake, 3, 1}
	p = binary.BigEndian.AppendUint16(p, uint16(4+len(body)))
	p = append(p, 1, byte(len(body)>>16), byte(len(body)>>8), byte(len(body)))
	return append(p, body...)
}

// sslv3 asks for SSL 3.0 and no more, which no server has had for a decade;
// TLS 1.0 or 1.1 might be on by some system-wide setting.
func (h hello) sslv3() []byte {
	h.version = 0x0300
	h.extensions = nil
	return h.record()
}

// nullCiphers offers two suites without encryption.
func (h hello) nullCiphers() []byte {
	h.ciphers = []byte{0x00, 0x01, 0x00, 0x02}
	return h.record()
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

// sinkConn keeps what is written to it and has nothing to read.
type sinkConn struct {
	bytes.Buffer
}

func (*sinkConn) Read([]byte) (int, error)         { return 0, io.EOF }
func (*sinkConn) Close() error                     { return nil }
func (*sinkConn) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (*sinkConn) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (*sinkConn) SetDeadline(time.Time) error      { return nil }
func (*sinkConn) SetReadDeadline(time.Time) error  { return nil }
func (*sinkConn) SetWriteDeadline(time.Time) error { return nil }
