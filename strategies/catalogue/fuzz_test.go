package catalogue

import (
	"strings"
	"testing"
)

// What is read has a name that reads as the same choice, and what is refused
// is refused in one line.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"hwm", "hwm:scan=64", "clear:n=16", "clear-0-15:n=20", "./own.so", ".so", "hwm:", "hwm:scan=", "hwm:scan=64,scan=65", "none:x=1", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse(text)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q: error of several lines: %v", text, err)
			}
			return
		}
		if c.Path != "" {
			return // its name is a file's, and means nothing by itself
		}
		back, err := Parse(c.String())
		if err != nil || back.String() != c.String() || len(back.Params) != len(c.Params) {
			t.Errorf("%q reads as %q, and that as %q, error %v", text, c, back, err)
		}
	})
}
