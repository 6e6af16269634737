package neighbours

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"tlsbench/workload/fetch"
	"tlsbench/workload/openssl"
	"tlsbench/workload/sharedlib"
)

// fipsKey is the key of the module's check of its own file, which OpenSSL has in
// its public build configuration (FIPS_KEY_STRING of providers/fips). Debian
// builds with this default.
const fipsKey = "\xf4\x55\x66\x50\xac\x31\xd3\x54\x61\x61\x0b\xac\x4e\xd8\x1b\x1a" +
	"\x18\x1b\x2d\x8a\x43\xea\x28\x54\xcb\xae\x22\xca\x74\x56\x08\x13"

// fipsPackage brings the module, of the same version as the suite's OpenSSL.
const fipsPackage = "openssl-provider-fips"

// fipsModule is the module's place below a folder of libraries.
const fipsModule = "ossl-modules/fips.so"

// findFIPS gives the module that came with the build: next to its libcrypto, or
// fetched from its release.
func findFIPS(b openssl.Build) (Library, error) {
	folders := []string{filepath.Dir(b.Libcrypto)}
	if store, err := fetch.Open(storeName, ""); err == nil && b.Source == openssl.Cache {
		if _, err := store.Whole(b.Name); err == nil {
			folders = append(folders, sharedlib.Folders(store.Tree(b.Name))...)
		}
	}
	for _, dir := range folders {
		path := filepath.Join(dir, fipsModule)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return Library{Path: path}, nil
		}
	}
	return Library{}, missing("openssl %s has no FIPS module: Debian's is in %s, from 3.5 on", b.Version, fipsPackage)
}

// FIPSConfig is an OpenSSL configuration that activates the FIPS module at path
// and lets nothing else do cryptography. It lies in memory; the name in Path
// holds until Close.
type FIPSConfig struct {
	Path string
	file *os.File
}

// NewFIPSConfig writes the configuration for the module at path, as "openssl
// fipsinstall" would: with the HMAC of the file, which the module checks.
func NewFIPSConfig(module string) (*FIPSConfig, error) {
	content, err := os.ReadFile(module)
	if err != nil {
		return nil, fmt.Errorf("read the FIPS module: %w", err)
	}
	mac := hmac.New(sha256.New, []byte(fipsKey))
	mac.Write(content)
	pairs := make([]string, 0, sha256.Size)
	for _, b := range mac.Sum(nil) {
		pairs = append(pairs, fmt.Sprintf("%02X", b))
	}
	config := fmt.Sprintf(`openssl_conf = start
config_diagnostics = 1
[start]
providers = providers
alg_section = algorithms
[providers]
fips = fips
base = base
[base]
activate = 1
[fips]
activate = 1
install-version = 1
conditional-errors = 1
security-checks = 1
module-mac = %s
[algorithms]
default_properties = fips=yes
`, strings.Join(pairs, ":"))
	fd, err := unix.MemfdCreate("openssl-fips.cnf", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("write the FIPS module's configuration: %w", err)
	}
	file := os.NewFile(uintptr(fd), "openssl-fips.cnf")
	if _, err := file.WriteString(config); err != nil {
		file.Close()
		return nil, fmt.Errorf("write the FIPS module's configuration: %w", err)
	}
	return &FIPSConfig{Path: fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), fd), file: file}, nil
}

// Close takes the configuration away.
func (c *FIPSConfig) Close() { c.file.Close() }
