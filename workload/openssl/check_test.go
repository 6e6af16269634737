package openssl

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tlsbench/workload/sharedlib/sharedlibtest"
)

// fake is a libcrypto, and what Check should say of it.
type fake struct {
	lib    sharedlibtest.Lib
	reason string // "" = it is taken
}

func TestCheckCrypto(t *testing.T) {
	for name, c := range map[string]fake{
		"3.0":         {sharedlibtest.Lib{Text: "OpenSSL 3.0.20 7 Apr 2026"}, ""},
		"1.1.1":       {sharedlibtest.Lib{Text: "OpenSSL 1.1.1w  11 Sep 2023"}, ""},
		"1.1.1 first": {sharedlibtest.Lib{Text: "OpenSSL 1.1.1  11 Sep 2018"}, ""},
		"vendor FIPS": {sharedlibtest.Lib{Text: "OpenSSL 1.1.1k  FIPS 25 Mar 2021"}, ""},
		"pre-release": {sharedlibtest.Lib{Text: "OpenSSL 4.1.0-dev xx XXX xxxx"}, ""},
		"1.0.2":       {sharedlibtest.Lib{Text: "OpenSSL 1.0.2u-fips  20 Dec 2019"}, "OpenSSL 1.0.2u-fips is older than 1.1.1"},
		"1.1.0":       {sharedlibtest.Lib{Text: "OpenSSL 1.1.0l  10 Sep 2019"}, "OpenSSL 1.1.0l is older than 1.1.1"},
		"0.9.8":       {sharedlibtest.Lib{Text: "OpenSSL 0.9.8zh 3 Dec 2015"}, "OpenSSL 0.9.8zh is older than 1.1.1"},
		"libressl":    {sharedlibtest.Lib{Text: "LibreSSL 3.8.2"}, "it is LibreSSL 3.8.2"},
		"boringssl":   {sharedlibtest.Lib{Text: "OpenSSL 1.1.1 (compatible; BoringSSL)"}, "it is BoringSSL"},
		"boring bare": {sharedlibtest.Lib{Define: []string{"BORINGSSL_self_test"}}, "it is BoringSSL"},
		"aws-lc":      {sharedlibtest.Lib{Text: "OpenSSL 1.1.1 (compatible; AWS-LC 1.30.1)"}, "it is AWS-LC 1.30.1"},
		"aws-lc bare": {sharedlibtest.Lib{Define: []string{"awslc_version_string"}}, "it is AWS-LC"},
		"no version":  {sharedlibtest.Lib{Text: "a library about OpenSSL 3.0"}, "no OpenSSL version string"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "libcrypto.so.3")
			c.lib.Soname = "libcrypto.so.3"
			sharedlibtest.Build(t, path, c.lib)
			sharedlibtest.Build(t, filepath.Join(filepath.Dir(path), "libssl.so.3"), sharedlibtest.Lib{Soname: "libssl.so.3", Needs: []string{path}})
			_, err := inspect(path)
			checkReason(t, err, c.reason)
		})
	}
}

func checkReason(t *testing.T, err error, reason string) {
	t.Helper()
	switch {
	case reason == "" && err != nil:
		t.Errorf("refused: %v", err)
	case reason != "" && (err == nil || !strings.Contains(err.Error(), reason) || strings.Contains(err.Error(), "\n")):
		t.Errorf("error %v, want one line with %q", err, reason)
	}
}

func TestCheckPair(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	crypto := func(path, soname, versions string) {
		sharedlibtest.Build(t, in(path), sharedlibtest.Lib{Soname: soname, Text: "OpenSSL 3.0.20 7 Apr 2026",
			Define: []string{"OpenSSL_version"}, Versions: versions})
	}
	ssl := func(path, needs string) {
		sharedlibtest.Build(t, in(path), sharedlibtest.Lib{Use: []string{"OpenSSL_version"}, Needs: []string{in(needs)}})
	}
	crypto("old/libcrypto.so.3", "libcrypto.so.3", "OPENSSL_3.0.0 { OpenSSL_version; };")
	crypto("new/libcrypto.so.3", "libcrypto.so.3", "OPENSSL_3.5.0 { OpenSSL_version; };")
	crypto("four/libcrypto.so.4", "libcrypto.so.4", "OPENSSL_4.0.0 { OpenSSL_version; };")
	crypto("alone/libcrypto.so.3", "libcrypto.so.3", "")
	crypto("stray/libcrypto.so.3", "libcrypto.so.3", "")
	ssl("old/libssl.so.3", "old/libcrypto.so.3")
	ssl("new/libssl.so.3", "old/libcrypto.so.3")
	ssl("four/libssl.so.4", "old/libcrypto.so.3")
	sharedlibtest.Build(t, in("stray/libssl.so.3"), sharedlibtest.Lib{})
	for path, reason := range map[string]string{
		"old/libcrypto.so.3":   "",
		"old/libssl.so.3":      "",
		"new/libcrypto.so.3":   "it needs symbols of OPENSSL_3.0.0, which",
		"four/libcrypto.so.4":  "it needs libcrypto.so.3, but",
		"alone/libcrypto.so.3": "its folder has no libssl.so.3",
		"stray/libcrypto.so.3": "does not need a libcrypto",
		"none/libcrypto.so.3":  "no such file",
	} {
		_, err := inspect(in(path))
		checkReason(t, err, reason)
	}
}

func TestVersion(t *testing.T) {
	dir := t.TempDir()
	good, other := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	sharedlibtest.Build(t, good, sharedlibtest.Lib{Text: "x OpenSSL 3.6.5 29 Sep 2026"})
	sharedlibtest.Build(t, other, sharedlibtest.Lib{Text: "LibreSSL 4.0.0"})
	if v, err := Version(good); err != nil || v != "3.6.5" {
		t.Errorf("got %q, %v", v, err)
	}
	_, err := Version(other)
	checkReason(t, err, "LibreSSL 4.0.0, not OpenSSL")
	if err := os.Truncate(good, 300); err != nil {
		t.Fatal(err)
	}
	_, err = Version(good)
	checkReason(t, err, "read "+good)
}

func TestHasLine(t *testing.T) {
	for _, c := range []struct {
		version, line string
		want          bool
	}{
		{"3.0.20", "3.0", true},
		{"3.0.20", "3.0.20", true},
		{"3.0.20", "3.0.2", false},
		{"3.50.1", "3.5", false},
		{"1.1.1w", "1.1.1", true},
		{"1.1.1", "1.1.1w", false},
		{"4.0.0-beta1", "4.0", true},
	} {
		if got := hasLine(c.version, c.line); got != c.want {
			t.Errorf("%s is of line %s: got %v", c.version, c.line, got)
		}
	}
}
