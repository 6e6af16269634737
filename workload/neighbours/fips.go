package neighbours

import (
	"crypto/hmac"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"tlsbench/workload/openssl"
)

// fipsKey is the key of the module's check of its own file, which OpenSSL has in
// its public build configuration (FIPS_KEY_STRING of providers/fips). Debian
// builds with this default.
const fipsKey = "\xf4\x55\x66\x50\xac\x31\xd3\x54\x61\x61\x0b\xac\x4e\xd8\x1b\x1a" +
	"\x18\x1b\x2d\x8a\x43\xea\x28\x54\xcb\xae\x22\xca\x74\x56\x08\x13"

// FIPSPackage brings the module, of the same version as the suite's OpenSSL.
const FIPSPackage = "openssl-provider-fips"

// FIPSModule is the module's place below a folder of libraries.
const FIPSModule = "ossl-modules/fips.so"

// findFIPS gives the module that came with the build: next to its libcrypto, or
// fetched from its release.
func findFIPS(b openssl.Build) (Library, error) {
	more, changed := fetched(b)
	path, err := FIPSIn(b.Version, append([]string{filepath.Dir(b.Libcrypto)}, more...))
	if err != nil && changed != nil && !errors.Is(changed, errNotFetched) {
		err = changed
	}
	return Library{Path: path}, err
}

// FIPSIn gives the module in the folders of an OpenSSL's libraries. The error is a
// MissingError if there is none.
func FIPSIn(version string, folders []string) (string, error) {
	for _, dir := range folders {
		path := filepath.Join(dir, FIPSModule)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path, nil
		}
	}
	return "", missing("openssl %s has no FIPS module: Debian's is in %s, from 3.5 on", version, FIPSPackage)
}

//go:embed fips.cnf
var fipsConfig []byte

// FIPSConfigText is an OpenSSL configuration that activates the FIPS module at path,
// with the HMAC of the file, which the module checks.
func FIPSConfigText(module string) ([]byte, error) {
	content, err := os.ReadFile(module)
	if err != nil {
		return nil, fmt.Errorf("read the FIPS module: %w", err)
	}
	mac := hmac.New(sha256.New, []byte(fipsKey))
	mac.Write(content)
	return fmt.Appendf(slices.Clone(fipsConfig), "module-mac = %s\n", strings.ReplaceAll(fmt.Sprintf("% X", mac.Sum(nil)), " ", ":")), nil
}

// FIPSConfig has that text in memory.
func FIPSConfig(module string) (*os.File, error) {
	config, err := FIPSConfigText(module)
	if err != nil {
		return nil, err
	}
	return inMemory("openssl-fips.cnf", config)
}

// inMemory makes a file that is on no disk. Its name holds for every process, until
// it is closed.
func inMemory(name string, content []byte) (*os.File, error) {
	fd, err := unix.MemfdCreate("tlsbench-"+name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("create %s in memory: %w", name, err)
	}
	f := os.NewFile(uintptr(fd), fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), fd))
	if _, err := f.Write(content); err != nil {
		return nil, errors.Join(fmt.Errorf("write %s to memory: %w", name, err), f.Close())
	}
	return f, nil
}
