package daemon

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"tlsbench/strategies/catalogue"
	"tlsbench/workload/openssl"
)

// mainSource is a daemon in small: it loads its TLS module, makes it initialise
// OpenSSL, and forks. The child tells how many slots it inherits.
const mainSource = `#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <threads.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	void *module = argc > 1 ? dlopen(argv[1], RTLD_NOW) : NULL;
	void (*initialise)(void) = module != NULL ? (void (*)(void))dlsym(module, "initialise") : NULL;
	pthread_key_t mine;
	tss_t kept, dropped; /* C11 has names of its own for the same keys */
	int filled = 0;
	if (initialise == NULL) { fprintf(stderr, "%s\n", dlerror()); return 1; }
	initialise();
	if (pthread_key_create(&mine, NULL) != 0 || pthread_setspecific(mine, &mine) != 0) return 1;
	if (tss_create(&kept, NULL) != thrd_success || tss_create(&dropped, NULL) != thrd_success) return 1;
	tss_delete(dropped);
	if (fork() != 0) { wait(NULL); return 0; }
	for (int key = 0; key < 32; key++) filled += pthread_getspecific(key) != NULL;
	fprintf(stderr, "filled %d, my own %s\n", filled, pthread_getspecific(mine) != NULL ? "kept" : "lost");
	return 0;
}
`

// moduleSource calls OpenSSL as the daemon's TLS module does.
const moduleSource = `#include <stdint.h>
#include <stddef.h>
int OPENSSL_init_ssl(uint64_t, const void *);
void ERR_clear_error(void);
int RAND_bytes(unsigned char *, int);
void initialise(void);
void initialise(void)
{
	unsigned char byte;
	OPENSSL_init_ssl(0, NULL);
	ERR_clear_error();
	RAND_bytes(&byte, 1);
}
`

// smallDaemon compiles both, and the preload object.
func smallDaemon(t *testing.T) (program, module, object string) {
	t.Helper()
	dir := t.TempDir()
	builds, err := openssl.Find([]string{"system"}, "")
	if err != nil {
		t.Fatal(err)
	}
	program, module = filepath.Join(dir, "daemon"), filepath.Join(dir, "tls.so")
	compileC(t, mainSource, "-o", program, "-ldl")
	compileC(t, moduleSource, "-fPIC", "-shared", "-o", module, builds[0].Libssl, builds[0].Libcrypto)
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	if object, err = preloadObject(context.Background(), ""); err != nil {
		t.Fatal(err)
	}
	return program, module, object
}

func compileC(t *testing.T, source string, args ...string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "source.c")
	if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cc", append([]string{file}, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// runSmall gives what the small daemon and the preload object wrote.
func runSmall(t *testing.T, program, module, object string, env ...string) string {
	t.Helper()
	cmd := exec.Command(program, module)
	var out bytes.Buffer
	cmd.Stderr, cmd.Stdout = &out, &out
	cmd.Env = append(os.Environ(), env...)
	if object != "" {
		cmd.Env = append(cmd.Env, "LD_PRELOAD="+object)
	}
	_ = cmd.Run() // a refusal is read from what it wrote
	return out.String()
}

// The very files that the rig is built of act in a process that knows nothing
// of them: the child inherits OpenSSL's slots without a strategy, and none with
// one; a key of the program's own is kept where the strategy keeps it.
func TestPreloadObject(t *testing.T) {
	program, module, object := smallDaemon(t)
	if got := runSmall(t, program, module, ""); !regexp.MustCompile(`^filled [2-9], my own kept\n$`).MatchString(got) {
		t.Fatalf("without a strategy: %q, want filled slots", got)
	}
	for _, tc := range []struct{ strategy, hook, want string }{
		{"none", "OPENSSL_init_ssl", `set up when the TLS module was loaded; [0-9]+ keys of OpenSSL, 0 of others, .*\nfilled [2-9], my own kept\n$`},
		{"key-owner", "OPENSSL_init_ssl", `set up when .*\nfilled 1, my own kept\n$`},
		{"key-owner", "fork", `set up at the first fork; [0-9]+ keys of OpenSSL, 2 of others, .*\nfilled 1, my own kept\n$`},
		// OpenSSL 3.0 keeps a slot of its own that holds no shared object.
		{"thread-stop", "OPENSSL_init_ssl", `set up when .*\nfilled [12], my own kept\n$`},
		{"pointer-match", "OPENSSL_init_ssl", `set up when .*\nfilled [2-9], my own kept\n$`},
		{"clear-0-15", "OPENSSL_init_ssl", `set up when .*\nfilled 0, my own lost\n$`},
		{"clear:n=1", "OPENSSL_init_ssl", `set up when .*\nfilled [2-9], my own kept\n$`},
		{"hwm", "OPENSSL_init_ssl", `set up when .*\nfilled 1, my own kept\n$`},
		{"hwm", "fork", `set up at the first fork; .*\nfilled 0, my own lost\n$`},
		{"temp-thread", "fork", `^tlsbench-preload: setting up temp-thread\ntlsbench-preload: not applicable: it is no fork handler`},
	} {
		got := runSmall(t, program, module, object, injection(choice(t, tc.strategy), tc.hook)...)
		if !regexp.MustCompile(tc.want).MatchString(got) {
			t.Errorf("%s at %s: %q, want %s", tc.strategy, tc.hook, got, tc.want)
		}
	}
}

// A user's own object is loaded, or refused with a reason.
func TestPreloadObjectLoadsOwn(t *testing.T) {
	program, module, object := smallDaemon(t)
	header, err := filepath.Abs("../../strategies")
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct{ source, want string }{
		"good":      {`const struct strategy tlsbench_strategy = {.abi = STRATEGY_ABI, .name = "mine"};`, "mine: set up at the first fork"},
		"wrong ABI": {`const struct strategy tlsbench_strategy = {.abi = STRATEGY_ABI + 1, .name = "mine"};`, `failed: strategy \S+/mine.so has ABI version 3, not 1 to 2\n$`},
		"no symbol": {`int other;`, `failed: strategy \S+/mine.so exports no symbol tlsbench_strategy\n$`},
		"needs": {`static const char *const needs[] = {"ERR_no_such_function|ERR_nor_this", NULL};
const struct strategy tlsbench_strategy = {.abi = STRATEGY_ABI, .name = "mine", .needs = needs};`,
			`not applicable: ERR_no_such_function\|ERR_nor_this\n$`},
	} {
		own := filepath.Join(t.TempDir(), "mine.so")
		compileC(t, "#include \"strategy.h\"\n"+tc.source+"\n", "-I", header, "-fPIC", "-shared", "-o", own)
		got := runSmall(t, program, module, object, injection(catalogue.Choice{Name: "mine", Path: own}, "fork")...)
		if !regexp.MustCompile("^tlsbench-preload: setting up mine\ntlsbench-preload: " + tc.want).MatchString(got) {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

// The object is compiled once, and nothing else is left in the cache.
func TestPreloadObjectIsKept(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	first, err := preloadObject(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", "") // no compiler any more
	if again, err := preloadObject(context.Background(), ""); err != nil || again != first {
		t.Errorf("second time %q, %v; want %q", again, err, first)
	}
	left, err := os.ReadDir(filepath.Dir(first))
	if err != nil || len(left) != 1 {
		t.Errorf("in the cache: %v, %v; want the object alone", left, err)
	}
}

// Without a compiler there is one line that says so.
func TestNoCompiler(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("CC", "no-such-compiler")
	_, err := preloadObject(context.Background(), "")
	if err == nil || !strings.Contains(err.Error(), "compile the preload object") || !strings.Contains(err.Error(), "no-such-compiler") {
		t.Errorf("error %v, want one that names the compiler", err)
	}
}
