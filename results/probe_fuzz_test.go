package results

import (
	"os"
	"path/filepath"
	"testing"
)

// A probe file of any content is read or refused.
func FuzzReadProbe(f *testing.F) {
	f.Add([]byte(`{"hazard":"plain","builds":[{"openssl":"3.0.20","strategies":[{"strategy":"hwm","keys":[{"key":0,"openssl":true,"filled":true,"fate":"shared"}]}]}]}`))
	f.Add([]byte(`{"builds":[]}`))
	f.Add([]byte(`{"builds":[{}]}`))
	path := filepath.Join(f.TempDir(), "probe.json")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if p, err := ReadProbe(path); err == nil && len(p.Builds) == 0 {
			t.Error("a probe without a build was read")
		}
	})
}
