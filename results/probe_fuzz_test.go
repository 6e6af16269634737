package results

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What no probe can have found is refused; one without a number of its format is not.
func TestReadProbe(t *testing.T) {
	for text, want := range map[string]string{
		`{"builds":[{"openssl":"3.0.20","strategies":[{"strategy":"hwm","shared_addresses":2,"keys":[{"key":0,"fate":"shared"},{"key":1,"fate":""}]}]}]}`: "",
		`{"format":1,"builds":[{"openssl":"3.0.20"}]}`:                                                                      "",
		`{"format":2,"builds":[{"openssl":"3.0.20"}]}`:                                                                      "format 2: this version reads 1",
		`{"builds":[{"openssl":"3.0.20","strategies":[{"strategy":"hwm","shared_addresses":-1}]}]}`:                         "openssl 3.0.20, strategy hwm: -1 shared addresses",
		`{"builds":[{"openssl":"3.0.20","strategies":[{"strategy":"hwm","keys":[{"key":-1,"fate":"empty"}]}]}]}`:            "key -1",
		`{"builds":[{"openssl":"3.0.20","strategies":[{"strategy":"hwm","keys":[{"key":4,"fate":"lost"}]}]}]}`:              `key 4 with fate "lost": want`,
		`{"builds":[{"openssl":"3.0.20","strategies":[{"strategy":"hwm","keys":[],"events":{"double-free":-3}}]}]}`:         "want the output of tlsbench probe --json",
		`{"builds":[{"openssl":"3.0.20","strategies":[{"strategy":"hwm","keys":[{"key":0,"fate":"shared"}]}]}],"claims":1}`: "want the output of tlsbench probe --json",
	} {
		path := filepath.Join(t.TempDir(), "probe.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadProbe(path); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

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
