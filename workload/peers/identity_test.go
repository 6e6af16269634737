package peers

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"strings"
	"testing"
)

func TestCertificate(t *testing.T) {
	for _, kind := range []string{ECDSAP256, RSA2048} {
		id := identity(t, kind)
		cert, err := x509.ParseCertificate(id.Cert)
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		for _, name := range []string{"localhost", "127.0.0.1"} {
			if _, err := cert.Verify(x509.VerifyOptions{Roots: id.Roots, DNSName: name}); err != nil {
				t.Errorf("%s: %v", kind, err)
			}
		}
		if !keyMatches(t, id, cert) {
			t.Errorf("%s: the key is not the certificate's", kind)
		}
	}
}

// keyMatches reads the key in the form that OpenSSL wants of its kind.
func keyMatches(t *testing.T, id *Identity, cert *x509.Certificate) bool {
	t.Helper()
	if id.Kind == RSA2048 {
		key, err := x509.ParsePKCS1PrivateKey(id.Key)
		if err != nil {
			t.Fatal(err)
		}
		return key.N.BitLen() == 2048 && cert.PublicKey.(*rsa.PublicKey).Equal(key.Public())
	}
	key, err := x509.ParseECPrivateKey(id.Key)
	if err != nil {
		t.Fatal(err)
	}
	return key.Params().Name == "P-256" && cert.PublicKey.(*ecdsa.PublicKey).Equal(key.Public())
}

func TestCertificatesAreFresh(t *testing.T) {
	a, err := Certificate(ECDSAP256)
	if err != nil {
		t.Fatal(err)
	}
	b := identity(t, ECDSAP256)
	if string(a.Key) == string(b.Key) {
		t.Error("two certificates have the same key")
	}
	if _, err := a.TLS.Leaf.Verify(x509.VerifyOptions{Roots: b.Roots}); err == nil {
		t.Error("one certificate is trusted by the other's roots")
	}
}

func TestUnknownKindOfKey(t *testing.T) {
	_, err := Certificate("dsa-1024")
	for _, want := range []string{`"dsa-1024"`, ECDSAP256, RSA2048} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not name %s", err, want)
		}
	}
}
