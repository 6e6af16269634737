package workload

import (
	"strings"
	"testing"
)

// What is read has a name that reads as the same hazards, and what is refused
// is refused in one line.
func FuzzHazardName(f *testing.F) {
	for _, text := range AllHazards() {
		f.Add(text)
	}
	for _, text := range []string{"", "+", "plain+plain", "foreign-before+python", "foreign-before:n=5;n=6", "foreign-before:n=", "private-locks:kamailio=1;every=4", "shared-ctx:rsa=-1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		name, err := HazardName(text)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q: error of several lines: %v", text, err)
			}
			return
		}
		if back, err := HazardName(name); err != nil || back != name {
			t.Errorf("%q reads as %q, and that as %q, error %v", text, name, back, err)
		}
	})
}
