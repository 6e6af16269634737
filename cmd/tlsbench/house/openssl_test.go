package house

import (
	"regexp"
	"strings"
	"testing"
)

// One binary drives every release of OpenSSL, so none of its headers may leave
// a release's layout or macro in it. Tests are no part of it.
var opensslHeader = regexp.MustCompile(`^\s*#\s*include\s*[<"](.*/)?(openssl|crypto|internal)/`)

func TestNoOpenSSLHeader(t *testing.T) {
	for _, file := range sources(t, ".c", ".h", ".go") {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for i, line := range read(t, file) {
			if opensslHeader.MatchString(line) {
				t.Errorf("%s:%d: %s", file, i+1, line)
			}
		}
	}
}

func TestOpenSSLHeader(t *testing.T) {
	for line, want := range map[string]bool{
		"#include <openssl/ssl.h>":    true,
		"# include \"openssl/err.h\"": true,
		"#include \"openssl.h\"":      false,
		"#include <string.h>":         false,
	} {
		if opensslHeader.MatchString(line) != want {
			t.Errorf("%s: want %v", line, want)
		}
	}
}
