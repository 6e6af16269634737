package results

import (
	"strings"
	"testing"
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
		if got := c.matches([]Setting{{key, inNames(key, value)}}); got != want {
			t.Errorf("%s: %v, want %v", filter, got, want)
		}
	}
}
