package peers

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
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

// keep is how many failures and troubles are kept with detail.
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
