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
	"fmt"
	"math/big"
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

// Identity is a self-signed certificate with its key, which exist in memory
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
	return newIdentity(kind, x509.ExtKeyUsageServerAuth)
}

// Untrusted makes a fresh client certificate that no server trusts.
func Untrusted() (*Identity, error) {
	return newIdentity(ECDSAP256, x509.ExtKeyUsageClientAuth)
}

func newIdentity(kind string, use x509.ExtKeyUsage) (*Identity, error) {
	key, der, err := newKey(kind)
	if err != nil {
		return nil, err
	}
	template, err := template(use)
	if err != nil {
		return nil, fmt.Errorf("make %s certificate: %w", kind, err)
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
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

// template asks for a week, so that the longest run ends before its
// certificate does, and starts an hour ago, so that a clock set back does not
// make good peers fail.
func template(use x509.ExtKeyUsage) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	now := time.Now()
	return &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: "tlsbench"},
		DNSNames:              []string{ServerName},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.Add(7 * 24 * time.Hour),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{use},
		BasicConstraintsValid: true,
	}, nil
}
