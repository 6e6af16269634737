package workload

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"math/big"
	"time"
)

// startMutualTLS makes an authority and three client certificates: one of it, one
// of it that has expired, and one that no authority has signed. They are given to
// the rig in DER, as hexadecimal text.
func startMutualTLS(_ context.Context, t *trial) (skip string, err error) {
	now := time.Now()
	authority, err := issue("authority", nil, now.Add(time.Hour))
	if err != nil {
		return "", err
	}
	t.around.texts["authority-certificate"] = hex.EncodeToString(authority.certificate)
	for _, c := range []struct {
		name   string
		issuer *issued
		until  time.Time
	}{
		{"good", authority, now.Add(time.Hour)},
		{"expired", authority, now.Add(-time.Hour)},
		{"unknown", nil, now.Add(time.Hour)},
	} {
		leaf, err := issue(c.name, c.issuer, c.until)
		if err != nil {
			return "", err
		}
		t.around.texts[c.name+"-certificate"] = hex.EncodeToString(leaf.certificate)
		t.around.texts[c.name+"-key"] = hex.EncodeToString(leaf.key)
	}
	return "", nil
}

// issued is a certificate with its key, both in DER.
type issued struct {
	certificate, key []byte
	template         *x509.Certificate
	signer           *ecdsa.PrivateKey
}

// issue makes a certificate, self-signed where there is no issuer.
func issue(name string, issuer *issued, until time.Time) (*issued, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key of %s certificate: %w", name, err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, fmt.Errorf("make serial number of %s certificate: %w", name, err)
	}
	made := &issued{signer: key, template: &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: until,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
	}}
	if name == "authority" {
		made.template.IsCA, made.template.KeyUsage, made.template.ExtKeyUsage = true, x509.KeyUsageCertSign, nil
	}
	parent := made
	if issuer != nil {
		parent = issuer
	}
	made.certificate, err = x509.CreateCertificate(rand.Reader, made.template, parent.template, key.Public(), parent.signer)
	if err != nil {
		return nil, fmt.Errorf("make %s certificate: %w", name, err)
	}
	if made.key, err = x509.MarshalECPrivateKey(key); err != nil {
		return nil, fmt.Errorf("encode key of %s certificate: %w", name, err)
	}
	return made, nil
}
