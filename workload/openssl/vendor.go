package openssl

import (
	"bytes"
	"regexp"
	"strings"

	"tlsbench/workload/sharedlib"
)

// The version strings, as in opensslv.h and its forks' counterparts: the
// number, a pre-release or vendor suffix, and the date ("xx XXX xxxx" before
// a release). Vendors write " FIPS" or "-fips" before the date.
var (
	opensslText = regexp.MustCompile(`OpenSSL ([0-9]+\.[0-9]+\.[0-9]+[a-z]{0,2}(?:[-+][0-9A-Za-z.+-]+)?) +(?:FIPS +)?(?:[0-9]{1,2}|xx) [A-Z][A-Za-z]{2} [0-9x]{4}`)
	libreText   = regexp.MustCompile(`LibreSSL [0-9]+\.[0-9]+\.[0-9]+`)
	boringText  = regexp.MustCompile(`OpenSSL [0-9]+\.[0-9]+\.[0-9]+ \(compatible; ([^)\x00]+)\)`)
)

// Symbols that only the forks export.
var vendorSymbols = []struct{ symbol, vendor string }{
	{"awslc_version_string", "AWS-LC"},
	{"awslc_api_version_num", "AWS-LC"},
	{"BORINGSSL_self_test", "BoringSSL"},
	{"BORINGSSL_integrity_test", "BoringSSL"},
}

// identity is what a libcrypto's strings and symbols say that it is.
type identity struct {
	vendor  string // of a fork, "" for OpenSSL
	text    string // "OpenSSL 3.0.20 7 Apr 2026"
	version string // "3.0.20"
}

func identify(o *sharedlib.Object) (identity, error) {
	data, err := o.Data()
	if err != nil {
		return identity{}, err
	}
	symbols, err := o.Symbols()
	if err != nil {
		return identity{}, err
	}
	id := identity{vendor: fork(data, symbols)}
	if m := opensslText.FindSubmatch(data); m != nil {
		id.text, id.version = string(m[0]), string(m[1])
	}
	return id, nil
}

// fork names the fork of OpenSSL, "" if the file shows no sign of one.
func fork(data []byte, symbols map[string]bool) string {
	if m := boringText.FindSubmatch(data); m != nil {
		return string(bytes.TrimSpace(m[1]))
	}
	for _, s := range vendorSymbols {
		if symbols[s.symbol] {
			return s.vendor
		}
	}
	return string(libreText.Find(data))
}

// hasLine reports whether version belongs to a line: 3.0.20 to 3.0, 1.1.1w to
// 1.1.1. A version belongs to itself.
func hasLine(version, line string) bool {
	rest, ok := strings.CutPrefix(version, line)
	return ok && (rest == "" || rest[0] < '0' || rest[0] > '9')
}
