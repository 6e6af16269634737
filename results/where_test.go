package results

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tlsbench/results/version"
)

// A filter takes the names that figures and tables use, and a line of OpenSSL.
func TestWhereTakesOtherForms(t *testing.T) {
	c := testCell(Corruption, "clear:n=32")
	c.Hazard, c.OpenSSL = "foreign-before", "3.5.9"
	for filter, want := range map[string]bool{
		"hazard=foreign-before": true, "hazard=foreign-before:n=14": true, "hazard=foreign-before:n=5": false, "hazard=nobody's": false,
		"strategy=clear-0-15:n=32": true, "strategy=clear:n=16": false, "openssl=3.5": true, "openssl=3.5.9": true, "openssl=3": false,
	} {
		key, value, _ := strings.Cut(filter, "=")
		if got := c.matches([]string{key + "=" + inNames(key, value)}); got != want {
			t.Errorf("%s: %v, want %v", filter, got, want)
		}
	}
}

// The version of a build of one's own goes into names and comes back, and filters
// find it by itself and by its line.
func TestWhereTakesOwnBuilds(t *testing.T) {
	own := rapid.StringMatching(`[1-9]\.[0-9]{1,2}\.[0-9]{1,2}[a-z]?([-+~](dev|alpha[1-9]|quic|our-fix_[0-9])){0,2}(-[0-9a-f]{4})?`)
	rapid.Check(t, func(t *rapid.T) {
		c := testCell(Corruption, "hwm")
		c.OpenSSL = own.Draw(t, "version")
		back, err := ParseCell(c.Name())
		if err != nil || back.OpenSSL != c.OpenSSL {
			t.Fatalf("%s: %q, %v", c.Name(), back.OpenSSL, err)
		}
		for _, value := range []string{c.OpenSSL, version.Line(c.OpenSSL)} {
			if !back.matches([]string{"openssl=" + inNames("openssl", value)}) {
				t.Errorf("openssl=%s does not find %s", value, c.OpenSSL)
			}
		}
	})
}
