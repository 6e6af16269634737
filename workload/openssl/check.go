package openssl

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// oldest is the first line whose interface the rig's shim covers.
const oldest = "1.1.1"

// Check says why the rig cannot drive the OpenSSL whose libcrypto or libssl
// is at path; nil if it can. The reason is one line. Nothing is loaded.
func Check(path string) error {
	_, err := inspect(path)
	return err
}

// Version reads the exact version, such as 3.0.20, from the version string in
// the libcrypto file at path.
func Version(path string) (string, error) {
	o, err := readObject(path)
	if err != nil {
		return "", err
	}
	if vendor := o.otherVendor(); vendor != "" {
		return "", fmt.Errorf("read version of %s: it is %s, not OpenSSL", path, vendor)
	}
	_, version := o.opensslVersion()
	if version == "" {
		return "", fmt.Errorf("read version of %s: no OpenSSL version string in it", path)
	}
	return version, nil
}

// pair is a libcrypto and the libssl beside it, both read.
type pair struct {
	crypto, ssl *object
	text        string
	version     string
}

// inspect reads the pair that path belongs to and refuses what the rig cannot
// drive.
func inspect(path string) (*pair, error) {
	cryptoPath, sslPath := siblings(path)
	crypto, err := readObject(cryptoPath)
	if err != nil {
		return nil, err
	}
	p := &pair{crypto: crypto}
	if err := p.checkVendor(); err != nil {
		return nil, err
	}
	if _, err := os.Stat(sslPath); err != nil {
		return nil, fmt.Errorf("check %s: no %s beside it", cryptoPath, filepath.Base(sslPath))
	}
	if p.ssl, err = readObject(sslPath); err != nil {
		return nil, err
	}
	return p, p.checkMatch()
}

// siblings gives the paths of libcrypto and libssl when path is either.
func siblings(path string) (crypto, ssl string) {
	dir, base := filepath.Split(path)
	if suffix, ok := strings.CutPrefix(base, "libssl"); ok {
		return dir + "libcrypto" + suffix, path
	}
	return path, dir + "libssl" + strings.TrimPrefix(base, "libcrypto")
}

func (p *pair) checkVendor() error {
	path := p.crypto.path
	if vendor := p.crypto.otherVendor(); vendor != "" {
		return fmt.Errorf("check %s: %s; the strategies are about OpenSSL's own per-thread state", path, vendor)
	}
	p.text, p.version = p.crypto.opensslVersion()
	if p.version == "" {
		return fmt.Errorf("check %s: no OpenSSL version string in it", path)
	}
	if !hasLine(p.version, oldest) && CompareVersions(p.version, oldest) < 0 {
		return fmt.Errorf("check %s: OpenSSL %s is older than %s, the oldest line the rig drives", path, p.version, oldest)
	}
	return nil
}

// checkMatch refuses a libssl that was made for another libcrypto. The
// dynamic linker would not: it loads a second libcrypto instead.
func (p *pair) checkMatch() error {
	want := p.crypto.soname
	i := slices.IndexFunc(p.ssl.needed, func(n string) bool { return strings.HasPrefix(n, "libcrypto.so") })
	switch {
	case i < 0:
		return fmt.Errorf("check %s: it does not need a libcrypto", p.ssl.path)
	case p.ssl.needed[i] != want:
		return fmt.Errorf("check %s: it needs %s, but %s is %s", p.ssl.path, p.ssl.needed[i], p.crypto.path, want)
	}
	for _, v := range p.ssl.needs[want] {
		if !slices.Contains(p.crypto.defines, v) {
			return fmt.Errorf("check %s: it needs symbols of %s, which %s (%s) lacks", p.ssl.path, v, p.crypto.path, p.version)
		}
	}
	return nil
}
