package neighbours

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tlsbench/workload/openssl"
)

// The configuration names the HMAC of the file as "openssl fipsinstall" computes
// it, is gone after Close, and a build without a module says what brings it.
func TestFIPSConfig(t *testing.T) {
	dir := t.TempDir()
	module := filepath.Join(dir, FIPSModule)
	if err := os.MkdirAll(filepath.Dir(module), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(module, []byte("what a module is\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := FIPSConfig(module)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(c.Name())
	if err != nil {
		t.Fatal(err)
	}
	// printf 'what a module is\n' | openssl dgst -sha256 -mac HMAC -macopt hexkey:f455...0813
	const mac = "2A:8D:9E:9D:1C:5F:48:42:27:85:26:46:DF:B3:FA:95:90:D7:2A:D6:FD:31:F6:D8:D0:FF:50:7C:F3:0D:00:BD"
	if !strings.Contains(string(text), "module-mac = "+mac+"\n") {
		t.Errorf("no such MAC in\n%s", text)
	}
	c.Close()
	if _, err := os.Stat(c.Name()); err == nil {
		t.Errorf("%s is still there", c.Name())
	}
	b := openssl.Build{Libcrypto: filepath.Join(dir, "libcrypto.so.3"), Version: "3.0.1"}
	if lib, err := Find(FIPS, b); err != nil || lib.Path != module {
		t.Errorf("a module next to libcrypto: %v, %v", lib, err)
	}
	b.Libcrypto = filepath.Join(t.TempDir(), "libcrypto.so.3")
	if _, err := Find(FIPS, b); err == nil || !strings.Contains(err.Error(), FIPSPackage) {
		t.Errorf("no module: %v", err)
	}
}
