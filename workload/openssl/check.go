package openssl

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"tlsbench/results/version"
	"tlsbench/workload/sharedlib"
)

// oldest is the first line whose interface the rig's shim covers.
const oldest = "1.1.1"

// Version reads the exact version, such as 3.0.20, from the version string in
// the libcrypto file at path.
func Version(path string) (string, error) {
	o, err := sharedlib.Read(path)
	if err != nil {
		return "", err
	}
	_, version, err := identify(o)
	return version, err
}

// pair is a libcrypto and the libssl next to it, both read.
type pair struct {
	text, version string // "OpenSSL 3.0.20 7 Apr 2026", "3.0.20"
	crypto, ssl   *sharedlib.Object
}

// inspect reads the pair that path belongs to and refuses what the rig cannot
// drive.
func inspect(path string) (p *pair, err error) {
	cryptoPath, sslPath := siblings(path)
	p = new(pair)
	if p.crypto, err = sharedlib.Read(cryptoPath); err != nil {
		return nil, err
	}
	if p.text, p.version, err = identify(p.crypto); err != nil {
		return nil, err
	}
	if _, err := os.Stat(sslPath); err != nil {
		return nil, fmt.Errorf("check %s: its folder has no %s", cryptoPath, filepath.Base(sslPath))
	}
	if p.ssl, err = sharedlib.Read(sslPath); err != nil {
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

// checkMatch refuses a libssl that was made for another libcrypto. The
// dynamic linker would not: it loads a second libcrypto instead.
func (p *pair) checkMatch() error {
	want := p.crypto.Soname
	i := slices.IndexFunc(p.ssl.Needed, func(n string) bool { return strings.HasPrefix(n, "libcrypto.so") })
	switch {
	case i < 0:
		return fmt.Errorf("check %s: it does not need a libcrypto", p.ssl.Path)
	case p.ssl.Needed[i] != want:
		return fmt.Errorf("check %s: it needs %s, but %s is %s", p.ssl.Path, p.ssl.Needed[i], p.crypto.Path, want)
	}
	for _, v := range p.ssl.Needs[want] {
		if !slices.Contains(p.crypto.Defines, v) {
			return fmt.Errorf("check %s: it needs symbols of %s, which %s (%s) lacks", p.ssl.Path, v, p.crypto.Path, p.version)
		}
	}
	return nil
}

// The version strings, as in opensslv.h and its forks' counterparts. A release has
// its number, with a vendor's suffix (3.3.0+quic), a date, and perhaps a vendor's
// words before or after it. What people build themselves has whatever they or the
// branch wrote: no date at all (4.1.0-dev), or one in another form. A date tells
// the string from any text about OpenSSL; without one it must be the whole string.
const number = `OpenSSL ([0-9]+\.[0-9]+\.[0-9]+[a-z]{0,2}(?:[-+~][0-9A-Za-z.+~_-]+)?)`

var (
	datedText   = regexp.MustCompile(number + ` +(?:FIPS +)?(?:[0-9]{1,2}|xx) [A-Z][A-Za-z]{2} [0-9x]{4}[ -~]*`)
	undatedText = regexp.MustCompile(`\x00` + number + `(?: [ -~]*)?\x00`)
	libreText   = regexp.MustCompile(`LibreSSL [0-9]+\.[0-9]+\.[0-9]+`)
	boringText  = regexp.MustCompile(`OpenSSL [0-9]+\.[0-9]+\.[0-9]+ \(compatible; ([^)\x00]+)\)`)
)

// identify reads what a libcrypto's strings say that it is, and refuses what the
// rig cannot drive.
func identify(o *sharedlib.Object) (text, number string, err error) {
	data, err := os.ReadFile(o.Path)
	if err != nil {
		return "", "", err
	}
	text, number = versionText(data)
	switch vendor := fork(data); {
	case vendor != "":
		err = fmt.Errorf("check %s: it is %s; the rig drives only OpenSSL", o.Path, vendor)
	case number == "":
		err = fmt.Errorf("check %s: it has no OpenSSL version string; a fork such as BoringSSL or AWS-LC may have none", o.Path)
	case !version.Of(number, oldest) && version.Compare(number, oldest) < 0:
		err = fmt.Errorf("check %s: OpenSSL %s is older than %s, the oldest line the rig drives", o.Path, number, oldest)
	}
	return text, number, err
}

// versionText finds the version string in a libcrypto's data, and the version in
// it; both are "" if there is none.
func versionText(data []byte) (text, version string) {
	m := datedText.FindSubmatch(data)
	if m == nil {
		m = undatedText.FindSubmatch(data)
	}
	if m == nil {
		return "", ""
	}
	return string(bytes.Trim(m[0], "\x00 ")), string(m[1])
}

// fork names the fork of OpenSSL, "" if the file shows no sign of one.
func fork(data []byte) string {
	if m := boringText.FindSubmatch(data); m != nil {
		return string(bytes.TrimSpace(m[1]))
	}
	return string(libreText.Find(data))
}
