package openssl

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

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
		"no date":     {sharedlibtest.Lib{Text: "OpenSSL 4.1.0-dev "}, ""},
		"other date":  {sharedlibtest.Lib{Text: "OpenSSL 3.4.0 2024-10-22"}, ""},
		"words":       {sharedlibtest.Lib{Text: "OpenSSL 3.1.4 24 Oct 2023 SUSE release 150600.5"}, ""},
		"1.0.2":       {sharedlibtest.Lib{Text: "OpenSSL 1.0.2u-fips  20 Dec 2019"}, "OpenSSL 1.0.2u-fips is older than 1.1.1"},
		"1.1.0":       {sharedlibtest.Lib{Text: "OpenSSL 1.1.0l  10 Sep 2019"}, "OpenSSL 1.1.0l is older than 1.1.1"},
		"0.9.8":       {sharedlibtest.Lib{Text: "OpenSSL 0.9.8zh 3 Dec 2015"}, "OpenSSL 0.9.8zh is older than 1.1.1"},
		"libressl":    {sharedlibtest.Lib{Text: "LibreSSL 3.8.2"}, "it is LibreSSL 3.8.2"},
		"boringssl":   {sharedlibtest.Lib{Text: "OpenSSL 1.1.1 (compatible; BoringSSL)"}, "it is BoringSSL"},
		"boring bare": {sharedlibtest.Lib{Define: []string{"BORINGSSL_self_test"}}, "no OpenSSL version string; a fork such as BoringSSL"},
		"aws-lc":      {sharedlibtest.Lib{Text: "OpenSSL 1.1.1 (compatible; AWS-LC 1.30.1)"}, "it is AWS-LC 1.30.1"},
		"aws-lc bare": {sharedlibtest.Lib{Define: []string{"awslc_version_string"}}, "no OpenSSL version string; a fork such as BoringSSL or AWS-LC"},
		"no version":  {sharedlibtest.Lib{Text: "a library about OpenSSL 3.0"}, "no OpenSSL version string"},
		"text":        {sharedlibtest.Lib{Text: "needs OpenSSL 3.0.1"}, "no OpenSSL version string"},
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
	checkReason(t, err, "it is LibreSSL 4.0.0; the rig drives only OpenSSL")
	if err := os.Truncate(good, 300); err != nil {
		t.Fatal(err)
	}
	_, err = Version(good)
	checkReason(t, err, "read "+good)
}

// Whatever a build calls itself, its version is what follows the name OpenSSL.
func TestVersionText(t *testing.T) {
	version := rapid.StringMatching(`[1-9]\.[0-9]{1,2}\.[0-9]{1,2}[a-z]?([-+~][0-9A-Za-z][0-9A-Za-z.+~_-]{0,12})?`)
	rest := rapid.StringMatching(`( {1,2}(FIPS |xx XXX xxxx|[0-9]{1,2} [A-Z][a-z]{2} 20[0-9]{2}|20[0-9]{2}-[0-9]{2}-[0-9]{2}|[!-~]{1,9}))?( [!-~]{0,9})?`)
	rapid.Check(t, func(t *rapid.T) {
		v := version.Draw(t, "version")
		text := "OpenSSL " + v + rest.Draw(t, "rest")
		for _, around := range []string{"\x00", "\x00about OpenSSL\x00", "\x00needs OpenSSL 3.0.1\x00"} {
			gotText, got := versionText([]byte("OPENSSL_3.0.0" + around + text + around))
			if got != v || gotText != strings.TrimRight(text, " ") {
				t.Fatalf("%q: version %q of %q", text, got, gotText)
			}
		}
	})
}

// The real library of every build there is, with other version strings of the same
// length at most.
func TestOwnBuilds(t *testing.T) {
	builds, err := Find([]string{"all"}, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range builds {
		for text, version := range map[string]string{
			"OpenSSL 3.6.0-dev ":     "3.6.0-dev",
			"OpenSSL 4.1.0-alpha1 ":  "4.1.0-alpha1",
			"OpenSSL 3.3.0+quic 9.4": "3.3.0+quic",
			"OpenSSL 3.5.1-our fix":  "3.5.1-our",
			"OpenSSL 1.1.1w-dev xx":  "1.1.1w-dev",
		} {
			own, err := Find([]string{edited(t, b, text)}, "")
			if err != nil || own[0].Version != version || own[0].Text != strings.TrimRight(text, " ") {
				t.Errorf("%s as %q: version %q of %q, %v", b.Version, text, own[0].Version, own[0].Text, err)
			}
		}
	}
}

// edited copies a build into a folder, with another version string.
func edited(t *testing.T, b Build, text string) string {
	t.Helper()
	dir := t.TempDir()
	for _, path := range []string{b.Libcrypto, b.Libssl} {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		padded := text + strings.Repeat("\x00", len(b.Text)-len(text))
		data = bytes.Replace(data, []byte(b.Text), []byte(padded), 1)
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(path)), data, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
