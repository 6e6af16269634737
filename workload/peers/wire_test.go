package peers

import (
	"crypto/tls"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	"pgregory.net/rapid"
)

// record makes a TLS record.
func record(typ byte, body ...byte) []byte {
	return append([]byte{typ, 3, 3, byte(len(body) >> 8), byte(len(body))}, body...)
}

// message makes a handshake message.
func message(typ byte, body ...byte) []byte {
	return append([]byte{typ, 0, byte(len(body) >> 8), byte(len(body))}, body...)
}

// serverHello makes a ServerHello message with a random and extensions.
func serverHello(random [32]byte, extensions ...byte) []byte {
	body := append([]byte{3, 3}, random[:]...)
	body = append(body, 0, 0x13, 0x01, 0, 0, byte(len(extensions)))
	return message(messageServerHello, append(body, extensions...)...)
}

// Parts of a server's flight with someShare, and what comes before it.
var (
	someShare  = []byte{4, 7, 8, 9}
	versions13 = []byte{0, 43, 0, 2, 3, 4}
	keyShare13 = append([]byte{0, 51, 0, 8, 0, 23, 0, 4}, someShare...)
	serverKey  = message(messageServerKey, append([]byte{3, 0, 23, 4}, append(someShare, 8, 4, 0, 2, 1, 1)...)...)
)

var someRandom = [32]byte{1, 2, 3, 4, 30: 5, 31: 6}

func TestSniffer(t *testing.T) {
	hello := serverHello(someRandom)
	ccs := record(recordChangeCipherSpec, 1)
	for _, test := range []struct {
		name   string
		stream []byte
		random *[32]byte
		share  []byte
	}{
		{"key share", record(recordHandshake, serverHello(someRandom, slices.Concat(versions13, keyShare13)...)...), &someRandom, someShare},
		{"key share cut short", record(recordHandshake, serverHello(someRandom, keyShare13[:9]...)...), &someRandom, nil},
		{"key exchange", record(recordHandshake, slices.Concat(hello, message(11, 1, 2, 3), serverKey)...), &someRandom, someShare},
		{"key exchange in three records", slices.Concat(record(recordHandshake, hello...), record(recordHandshake, serverKey[:5]...),
			record(recordHandshake, serverKey[5:]...)), &someRandom, someShare},
		{"key exchange without a curve", record(recordHandshake, slices.Concat(hello, message(messageServerKey, 1, 0, 0, 4))...), &someRandom, nil},
		{"long message before it", record(recordHandshake, slices.Concat(message(11, make([]byte, 2048)...), hello)...), &someRandom, nil},
		{"server hello", record(recordHandshake, hello...), &someRandom, nil},
		{"more after it", slices.Concat(record(recordHandshake, hello...), ccs, record(23, 1, 2, 3)), &someRandom, nil},
		{"two messages in a record", record(recordHandshake, slices.Concat(message(0), hello)...), &someRandom, nil},
		{"message in two records", slices.Concat(record(recordHandshake, hello[:3]...),
			record(recordHandshake, hello[3:20]...), record(recordHandshake, hello[20:]...)), &someRandom, nil},
		{"empty record before it", slices.Concat(record(recordHandshake), record(recordHandshake, hello...)), &someRandom, nil},
		{"hello retry request first", slices.Concat(record(recordHandshake, serverHello(retryRandom)...), ccs,
			record(recordHandshake, hello...)), &someRandom, nil},
		{"hello retry request alone", record(recordHandshake, serverHello(retryRandom)...), nil, nil},
		{"alert", record(recordAlert, 2, 40), nil, nil},
		{"half an alert", record(recordAlert, 2), nil, nil},
		{"alert after hello retry request", slices.Concat(record(recordHandshake, serverHello(retryRandom)...),
			record(recordAlert, 2, 47)), nil, nil},
		{"hello cut short", record(recordHandshake, hello[:37]...), nil, nil},
		{"hello too short for a random", record(recordHandshake, message(messageServerHello, 3, 3, 1)...), nil, nil},
		{"encrypted", slices.Concat(record(23, hello...), record(recordHandshake, hello...)), nil, nil},
		{"plain text", []byte("HTTP/1.1 400 Bad Request\r\n\r\n"), nil, nil},
		{"nothing", nil, nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			// However the stream is cut into reads.
			rapid.Check(t, func(t *rapid.T) {
				var s sniffer
				for rest := test.stream; len(rest) > 0; {
					n := rapid.IntRange(1, len(rest)).Draw(t, "read")
					s.feed(rest[:n])
					rest = rest[n:]
				}
				if s.seen != (test.random != nil) || s.seen && s.random != *test.random {
					t.Errorf("seen %v, random % x; want %v", s.seen, s.random, test.random)
				}
				if !slices.Equal(s.share, test.share) {
					t.Errorf("share % x, want % x", s.share, test.share)
				}
			})
		})
	}
}

// The sniffer reads whatever a damaged server sends.
func TestSnifferTakesAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s sniffer
		stream := slices.Concat(record(recordHandshake, serverHello(someRandom, keyShare13...)...), record(recordAlert, 2, 40))
		for range rapid.IntRange(0, 8).Draw(t, "damages") {
			at := rapid.IntRange(0, len(stream)-1).Draw(t, "at")
			stream[at] = rapid.Byte().Draw(t, "byte")
		}
		s.feed(stream)
		if s.share != nil && !s.done {
			t.Error("a share seen, but not done")
		}
	})
}

// A ClientHello offers one key share, and asks for no resumption. Weak ones differ in
// what is weak about them alone.
func TestHelloParts(t *testing.T) {
	l := newLoad(t, "127.0.0.1:1", identity(t, ECDSAP256), nil)
	h, err := parseHello(l.lines.hello, true)
	if err != nil {
		t.Fatal(err)
	}
	const sessionTicket, preSharedKey, pskModes, keyShare = 35, 41, 45, 51
	for _, unwanted := range []uint16{sessionTicket, preSharedKey, pskModes} {
		if _, ok := extension(h, unwanted); ok {
			t.Errorf("ClientHello has extension %d", unwanted)
		}
	}
	share, _ := extension(h, keyShare)
	if len(share) != 2+2+2+65 || tls.CurveID(share[2])<<8|tls.CurveID(share[3]) != tls.CurveP256 {
		t.Errorf("key share of %d bytes % x, want a single one on P-256", len(share), share)
	}
	weak, err := parseHello(l.lines.nullCiphers, true)
	if want := h.with(func(h *hello) { h.ciphers = []byte{0, 1, 0, 2} }); err != nil || !reflect.DeepEqual(weak, want) {
		t.Errorf("without encryption: %+v, %v, want %+v", weak, err, want)
	}
	old, err := parseHello(l.lines.sslv3, false)
	if want := h.with(func(h *hello) { h.version, h.extensions = 0x0300, nil }); err != nil || !reflect.DeepEqual(old, want) {
		t.Errorf("SSL 3.0: %+v, %v, want %+v", old, err, want)
	}
}

// hello is a ClientHello in parts.
type hello struct {
	version     uint16
	random      []byte
	session     []byte
	ciphers     []byte
	compression []byte
	extensions  []byte // with no length before it
}

func (h hello) with(change func(*hello)) hello {
	change(&h)
	return h
}

// parseHello reads one record with one ClientHello.
func parseHello(record []byte, extended bool) (hello, error) {
	var h hello
	var message, body, session, ciphers, compression, extensions cryptobyte.String
	s := cryptobyte.String(record)
	if !s.Skip(3) || !s.ReadUint16LengthPrefixed(&message) || !s.Empty() ||
		!message.Skip(1) || !message.ReadUint24LengthPrefixed(&body) || !message.Empty() ||
		!body.ReadUint16(&h.version) || !body.ReadBytes(&h.random, 32) ||
		!body.ReadUint8LengthPrefixed(&session) || !body.ReadUint16LengthPrefixed(&ciphers) ||
		!body.ReadUint8LengthPrefixed(&compression) || extended && !body.ReadUint16LengthPrefixed(&extensions) || !body.Empty() {
		return hello{}, fmt.Errorf("a record of %d bytes is not a ClientHello", len(record))
	}
	h.session, h.ciphers, h.compression, h.extensions = session, ciphers, compression, extensions
	return h, nil
}

// extension finds a ClientHello's extension by its number.
func extension(h hello, number uint16) ([]byte, bool) {
	s := cryptobyte.String(h.extensions)
	for {
		var kind uint16
		var body cryptobyte.String
		if !s.ReadUint16(&kind) || !s.ReadUint16LengthPrefixed(&body) {
			return nil, false
		}
		if kind == number {
			return body, true
		}
	}
}
