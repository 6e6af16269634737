package peers

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"net"
	"time"
)

// The kinds of key that Certificate makes.
const (
	ECDSAP256 = "ecdsa-p256"
	RSA2048   = "rsa-2048"
)

// ServerName is the name that the server's certificate holds and that peers
// ask for.
const ServerName = "localhost"

// Identity is a certificate with its key, which exist in memory
// alone.
type Identity struct {
	Kind string // kind of key
	Cert []byte // X.509, DER
	// Key is the private key in the key type's own DER form: SEC 1 for ECDSA
	// (EVP_PKEY_EC), PKCS #1 for RSA (EVP_PKEY_RSA), as
	// SSL_CTX_use_PrivateKey_ASN1 takes it.
	Key   []byte
	Roots *x509.CertPool  // trusts this certificate and no other
	TLS   tls.Certificate // for use by Go's own TLS
}

// Certificate makes a fresh server certificate for localhost and 127.0.0.1
// with a key of the given kind.
func Certificate(kind string) (*Identity, error) {
	return newIdentity(kind, nil, func(c *x509.Certificate) {
		c.DNSNames, c.IPAddresses = []string{ServerName}, []net.IP{net.IPv4(127, 0, 0, 1)}
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	})
}

// Untrusted makes a fresh client certificate that no server trusts.
func Untrusted() (*Identity, error) { return Client(nil, time.Now().Add(lifetime)) }

// Authority makes a certificate that signs others (Client).
func Authority() (*Identity, error) {
	return newIdentity(ECDSAP256, nil, func(c *x509.Certificate) {
		c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign
		c.Subject.CommonName = "tlsbench authority" // an issuer's name is not its subject's
	})
}

// Client makes a fresh client certificate of an authority, or, without one, a
// self-signed one. It ends at a time, which may be over.
func Client(authority *Identity, until time.Time) (*Identity, error) {
	return newIdentity(ECDSAP256, authority, func(c *x509.Certificate) {
		c.NotAfter = until
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	})
}

func (id *Identity) CertificatePEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: id.Cert})
}

func (id *Identity) KeyPEM() []byte {
	kind := "EC PRIVATE KEY"
	if id.Kind == RSA2048 {
		kind = "RSA PRIVATE KEY"
	}
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: id.Key})
}

// lifetime is so long that the longest run ends before its certificates do.
const lifetime = 7 * 24 * time.Hour

// newIdentity makes a certificate, self-signed where there is no authority. It
// is good from a day ago, so that a clock set back does not make good peers
// fail.
func newIdentity(kind string, authority *Identity, change func(*x509.Certificate)) (*Identity, error) {
	key, der, err := newKey(kind)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{ // with a random serial number
		Subject:               pkix.Name{CommonName: "tlsbench"},
		NotBefore:             now.Add(-24 * time.Hour),
		NotAfter:              now.Add(lifetime),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
	}
	change(template)
	parent, signer := template, any(key)
	if authority != nil {
		parent, signer = authority.TLS.Leaf, authority.TLS.PrivateKey
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return nil, fmt.Errorf("make %s certificate: %w", kind, err)
	}
	leaf, err := x509.ParseCertificate(cert)
	if err != nil {
		return nil, fmt.Errorf("read back %s certificate: %w", kind, err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return &Identity{
		Kind: kind, Cert: cert, Key: der, Roots: roots,
		TLS: tls.Certificate{Certificate: [][]byte{cert}, PrivateKey: key, Leaf: leaf},
	}, nil
}

func newKey(kind string) (crypto.Signer, []byte, error) {
	switch kind {
	case ECDSAP256:
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, nil, fmt.Errorf("make %s key: %w", kind, err)
		}
		der, err := x509.MarshalECPrivateKey(key)
		if err != nil {
			return nil, nil, fmt.Errorf("encode %s key: %w", kind, err)
		}
		return key, der, nil
	case RSA2048:
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return nil, nil, fmt.Errorf("make %s key: %w", kind, err)
		}
		return key, x509.MarshalPKCS1PrivateKey(key), nil
	}
	return nil, nil, fmt.Errorf("make certificate: unknown kind of key %q, want %s or %s", kind, ECDSAP256, RSA2048)
}
