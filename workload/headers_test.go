package workload

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tlsbench/workload/fetch"
	"tlsbench/workload/openssl"
	"tlsbench/workload/sharedlib"
)

// The shim's prototypes (rig/openssl.h) stand for every release at once, and no
// compiler sees them together with OpenSSL's own. This test lets one do so, for
// each set of headers that there is: the system's, and those of the cache, which
// are fetched first when the environment says so.
const fetchEnv = "TLSBENCH_FETCH_HEADERS"

// unlike are the functions that the shim declares otherwise on purpose, with the
// real type that the compiler must find instead. In all of them the shim has
// void * for a pointer whose type it has no use for, or a name of its own.
var unlike = map[string]string{
	"SSL_CTX_set_verify":      "void(SSL_CTX *, int, SSL_verify_cb)",                                        // always NULL here
	"RAND_get0_public":        "EVP_RAND_CTX *(OSSL_LIB_CTX *)",                                             // compared, not used
	"RAND_get0_private":       "EVP_RAND_CTX *(OSSL_LIB_CTX *)",                                             // the same
	"RAND_DRBG_get0_public":   "RAND_DRBG *(void)",                                                          // the same
	"RAND_DRBG_get0_private":  "RAND_DRBG *(void)",                                                          // the same
	"ERR_get_state":           "ERR_STATE *(void)",                                                          // the same
	"CRYPTO_get_ex_new_index": "int(int, long, void *, CRYPTO_EX_new *, CRYPTO_EX_dup *, CRYPTO_EX_free *)", // always NULL here
	"RAND_set_rand_method":    "int(const RAND_METHOD *)",                                                   // struct rand_method is laid out alike: see below
	"OPENSSL_init_crypto":     "int(uint64_t, const OPENSSL_INIT_SETTINGS *)",                               // always NULL here
	"OPENSSL_init_ssl":        "int(uint64_t, const OPENSSL_INIT_SETTINGS *)",                               // the same

	// What hazards load, look at and give back, without a look inside.
	"EVP_PKEY_free":                    "void(EVP_PKEY *)",
	"EVP_PKEY_get1_tls_encodedpoint":   "size_t(EVP_PKEY *, unsigned char **)",
	"EVP_PKEY_get1_encoded_public_key": "size_t(EVP_PKEY *, unsigned char **)",
	"OSSL_LIB_CTX_new":                 "OSSL_LIB_CTX *(void)",
	"RAND_bytes_ex":                    "int(OSSL_LIB_CTX *, unsigned char *, size_t, unsigned int)",
	"RAND_priv_bytes_ex":               "int(OSSL_LIB_CTX *, unsigned char *, size_t, unsigned int)",
	"OSSL_PROVIDER_add_builtin":        "int(OSSL_LIB_CTX *, const char *, OSSL_provider_init_fn)", // provider_function
	"OSSL_PROVIDER_try_load":           "OSSL_PROVIDER *(OSSL_LIB_CTX *, const char *, int)",
	"OSSL_PROVIDER_available":          "int(OSSL_LIB_CTX *, const char *)",
	"OSSL_PROVIDER_get0_name":          "const char *(const OSSL_PROVIDER *)",
	"EVP_MD_fetch":                     "EVP_MD *(OSSL_LIB_CTX *, const char *, const char *)",
	"EVP_MD_free":                      "void(EVP_MD *)",
	"EVP_MD_get0_provider":             "const OSSL_PROVIDER *(const EVP_MD *)",
	"EVP_CIPHER_fetch":                 "EVP_CIPHER *(OSSL_LIB_CTX *, const char *, const char *)",
	"EVP_CIPHER_free":                  "void(EVP_CIPHER *)",
	"EVP_CIPHER_get0_provider":         "const OSSL_PROVIDER *(const EVP_CIPHER *)",
	"EVP_RAND_CTX_get0_rand":           "EVP_RAND *(EVP_RAND_CTX *)",
	"EVP_RAND_get0_provider":           "const OSSL_PROVIDER *(const EVP_RAND *)",
	"ENGINE_new":                       "ENGINE *(void)",
	"ENGINE_set_id":                    "int(ENGINE *, const char *)",
	"ENGINE_set_init_function":         "int(ENGINE *, ENGINE_GEN_INT_FUNC_PTR)",
	"ENGINE_init":                      "int(ENGINE *)",
}

// lacking are the optional functions that a line's headers do not declare. The
// rig looks for each before it calls it.
var lacking = map[string][]string{
	"1.1.1": {"ERR_new", "ERR_peek_error_all", "ERR_set_debug", "ERR_set_error", "EVP_CIPHER_fetch", "EVP_CIPHER_free",
		"EVP_CIPHER_get0_provider", "EVP_MD_fetch", "EVP_MD_free", "EVP_MD_get0_provider", "EVP_PKEY_get1_encoded_public_key", "EVP_RAND_CTX_get0_rand",
		"EVP_RAND_get0_provider", "OSSL_LIB_CTX_new", "OSSL_PROVIDER_add_builtin", "OSSL_PROVIDER_available",
		"OSSL_PROVIDER_get0_name", "OSSL_PROVIDER_try_load", "RAND_bytes_ex", "RAND_get0_private", "RAND_get0_public",
		"RAND_priv_bytes_ex"},
	"3": {"ERR_put_error", "EVP_PKEY_get1_tls_encodedpoint", "RAND_DRBG_get0_private", "RAND_DRBG_get0_public"},
	"4": {"ENGINE_init", "ENGINE_new", "ENGINE_set_id", "ENGINE_set_init_function", "ERR_get_state", "ERR_peek_error_line", "ERR_put_error", "EVP_PKEY_get1_tls_encodedpoint", "RAND_DRBG_get0_private", "RAND_DRBG_get0_public", "RAND_set_rand_method"},
}

// prototype is one line of the shim's X-macro lists.
type prototype struct{ result, name, arguments string }

var (
	entry    = regexp.MustCompile(`(?s)(?:CORE|OPTIONAL)\(([^,()]+), (\w+),\s*(\((?:[^()]|\([^()]*\))*\))\)`)
	comment  = regexp.MustCompile(`(?s)/\*.*?\*/`)
	constant = regexp.MustCompile(`\b([A-Z][A-Z0-9_]+) = ([^,]+),`)
)

// shim reads rig/openssl.h.
func shim(t *testing.T) (functions []prototype, constants [][2]string, types string) {
	t.Helper()
	source, err := os.ReadFile("rig/openssl.h")
	if err != nil {
		t.Fatal(err)
	}
	text := comment.ReplaceAllString(strings.ReplaceAll(string(source), "\\\n", "\n"), "")
	for _, m := range entry.FindAllStringSubmatch(text, -1) {
		functions = append(functions, prototype{m[1], m[2], strings.Join(strings.Fields(m[3]), " ")})
	}
	for _, m := range constant.FindAllStringSubmatch(text, -1) {
		constants = append(constants, [2]string{m[1], m[2]})
	}
	from, to := strings.Index(text, "typedef void *(*malloc_function)"), strings.Index(text, "#define OPENSSL_CORE")
	if len(functions) < 50 || len(constants) < 10 || from < 0 || to < from {
		t.Fatalf("rig/openssl.h: %d functions, %d constants seen: is it written otherwise?", len(functions), len(constants))
	}
	return functions, constants, text[from:to]
}

// checks is a C file in which every line of the shim is a static assertion
// under its own name, for the compiler's messages.
func checks(t *testing.T) string {
	functions, constants, types := shim(t)
	var c strings.Builder
	c.WriteString(`#define OPENSSL_SUPPRESS_DEPRECATED
#include <stddef.h>
#include <stdint.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#if OPENSSL_VERSION_NUMBER < 0x30000000L
#include <openssl/rand_drbg.h>
#else
#include <openssl/provider.h>
#endif
#if __has_include(<openssl/engine.h>)
#include <openssl/engine.h>
#endif
`)
	c.WriteString(types)
	alike := func(name, result, arguments, what string) {
		fmt.Fprintf(&c, "#line 1 \"%s\"\n_Static_assert(__builtin_types_compatible_p(__typeof__(&%s), __typeof__(%s(*)%s)), \"is not %s%s\");\n",
			name, name, result, arguments, what, result+arguments)
	}
	for _, f := range functions {
		if real, ok := unlike[f.name]; ok {
			result, arguments, _ := strings.Cut(real, "(")
			alike(f.name, result, "("+arguments, "as listed: ")
		} else {
			alike(f.name, f.result, f.arguments, "")
		}
	}
	for _, v := range constants {
		fmt.Fprintf(&c, "#line 1 \"%s\"\n_Static_assert((%s) == (%s), \"is not %s\");\n", v[0], v[0], v[1], v[1])
	}
	c.WriteString(methodChecks)
	return c.String()
}

// methodChecks compares struct rand_method with the real one, which 4.0 no
// longer has.
const methodChecks = `
#line 1 "struct rand_method"
#if OPENSSL_VERSION_NUMBER < 0x40000000L
#define SAME(mine, theirs) _Static_assert(offsetof(struct rand_method, mine) == offsetof(RAND_METHOD, theirs) && \
	__builtin_types_compatible_p(__typeof__(((struct rand_method *)0)->mine), __typeof__(((RAND_METHOD *)0)->theirs)), #mine);
SAME(seed, seed) SAME(bytes, bytes) SAME(cleanup, cleanup) SAME(add, add) SAME(pseudorand, pseudorand) SAME(status, status)
_Static_assert(sizeof(struct rand_method) == sizeof(RAND_METHOD), "size");
#endif
`

// complaints compiles the checks against headers; what is wrong is given by the
// name of the function or constant.
func complaints(t *testing.T, folders []string) map[string]string {
	t.Helper()
	return compileChecks(t, checks(t), folders)
}

func compileChecks(t *testing.T, source string, folders []string) map[string]string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "checks.c")
	if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"-std=gnu11", "-fsyntax-only", "-fmax-errors=0", "-Wno-deprecated-declarations"}
	for _, folder := range folders {
		args = append(args, "-I", folder)
	}
	cmd := exec.Command("cc", append(args, file)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	found := map[string]string{}
	for _, line := range strings.Split(string(out), "\n") {
		if where, what, ok := strings.Cut(line, ": error: "); ok {
			name, _, _ := strings.Cut(where, ":")
			if _, known := found[name]; !known { // the first says what the others follow from
				found[name] = what
			}
		}
	}
	if err != nil && len(found) == 0 {
		t.Fatalf("compile the checks: %v\n%s", err, out)
	}
	return found
}

func TestPrototypes(t *testing.T) {
	all := headers(t)
	if os.Getenv(fetchEnv) != "" {
		mustHaveGenerations(t, all)
	}
	if len(all) == 0 {
		t.Skip("no OpenSSL headers on this machine, and none in the cache: make test-long fetches them")
	}
	for line, folders := range all {
		t.Run(line, func(t *testing.T) {
			found := complaints(t, folders)
			absent := lacking[generation(t, folders)]
			t.Logf("headers in %s", folders[0])
			for name, what := range found {
				if !strings.Contains(what, "undeclared") || !slices.Contains(absent, name) {
					t.Errorf("%s: %s", name, what)
				}
			}
			for _, name := range absent {
				if found[name] == "" {
					t.Errorf("%s is declared by these headers, and listed as lacking", name)
				}
			}
		})
	}
}

// mustHaveGenerations fails where headers of 1.1.1 or of 3 are missing: they
// differ the most, and it is for them that this is asked.
func mustHaveGenerations(t *testing.T, all map[string][]string) {
	t.Helper()
	var have []string
	for _, folders := range all {
		have = append(have, generation(t, folders))
	}
	for _, want := range []string{"1.1.1", "3"} {
		if !slices.Contains(have, want) {
			t.Errorf("no headers of OpenSSL %s could be had", want)
		}
	}
}

// generation is the key of lacking for headers.
func generation(t *testing.T, folders []string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folders[0], "openssl/opensslv.h"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "OpenSSL 1.1.1") {
		return "1.1.1"
	}
	major := regexp.MustCompile(`OPENSSL_VERSION_MAJOR\s+(\d+)`).FindSubmatch(text)
	if major == nil {
		t.Fatalf("%s: no version in opensslv.h", folders[0])
	}
	return string(major[1])
}

// The checks complain of what is wrong, and of nothing else: headers that have a
// function otherwise, and a value.
func TestPrototypesSpeak(t *testing.T) {
	all := headers(t)
	if len(all) == 0 {
		t.Skip("no OpenSSL headers on this machine, and none in the cache: make test-long fetches them")
	}
	for line, folders := range all {
		source := checks(t)
		source = strings.Replace(source, "__typeof__(int(*)(SSL *))), \"is not int(SSL *)\"", "__typeof__(int(*)(SSL_CTX *))), \"is not int(SSL_CTX *)\"", 1)
		source = strings.Replace(source, "(EVP_PKEY_EC) == (408)", "(EVP_PKEY_EC) == (409)", 1)
		found := compileChecks(t, source, folders)
		for _, name := range []string{"SSL_do_handshake", "EVP_PKEY_EC"} {
			if !strings.Contains(found[name], "static assertion failed") {
				t.Errorf("%s: %s is wrong, and the compiler says %q", line, name, found[name])
			}
		}
		return // one set of headers tells
	}
}

// headers gives folders of headers by line of OpenSSL; the system's are "system".
func headers(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	if found, err := filepath.Glob("/usr/include/openssl/ssl.h"); err == nil && len(found) == 1 {
		all["system"] = []string{"/usr/include"}
	}
	if os.Getenv(fetchEnv) != "" {
		fetchOld(t)
		fetchHeaders(t)
	}
	store, err := fetch.Open("headers", "")
	if err != nil {
		return all
	}
	for _, line := range openssl.Lines {
		if _, err := store.Verify(line); err == nil {
			include := filepath.Join(store.Tree(line), "usr/include")
			all[line] = append([]string{include}, sharedlib.Glob(include, "*-linux-gnu*")...) // opensslconf.h, by architecture
		}
	}
	return all
}

// fetchHeaders brings the development packages of the releases that the cached
// builds are from.
func fetchHeaders(t *testing.T) {
	t.Helper()
	var wants []fetch.Want[string]
	for _, line := range openssl.Lines {
		suites, err := openssl.Suites(line, "")
		if err != nil {
			t.Logf("%s: no build in the cache, so its release is not known: %v", line, err)
			continue
		}
		wants = append(wants, fetch.Want[string]{
			Name: line, What: "headers of openssl " + line,
			Sources: func(string) ([]fetch.Source, error) {
				return []fetch.Source{{Suites: suites, Packages: []string{"libssl-dev"}}}, nil
			},
			Find: func(tree string, _ *fetch.Manifest) (string, error) {
				file := filepath.Join(tree, "usr/include/openssl/ssl.h")
				_, err := os.Stat(file)
				return file, err
			},
		})
	}
	got, err := fetch.Fetch(t.Context(), "headers", wants, fetch.Options{Log: t.Logf})
	if err != nil {
		t.Error(err)
	}
	for _, f := range got {
		if f.Err != nil {
			t.Error(f.Err)
		}
	}
}
