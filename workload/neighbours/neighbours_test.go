package neighbours

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tlsbench/workload/fetch"
	"tlsbench/workload/openssl"
	"tlsbench/workload/peers"
	"tlsbench/workload/sharedlib"
)

func identity(t testing.TB) *peers.Identity {
	t.Helper()
	id, err := peers.Certificate(peers.ECDSAP256)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestHTTPS(t *testing.T) {
	server, err := NewHTTPS(identity(t))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(server.Authority)) {
		t.Fatalf("authority is no certificate: %q", server.Authority)
	}
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true,
	}}
	url := fmt.Sprintf("https://127.0.0.1:%d/some/path", server.Port)
	for range 2 {
		answer, err := client.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || string(body) != "/some/path\n" {
			t.Errorf("answer is %q, %v", body, err)
		}
	}
	if n := server.Served()["/some/path"]; n != 2 {
		t.Errorf("the server counted %d requests, want 2", n)
	}
	server.Close()
	if _, err := client.Get(url); err == nil {
		t.Error("the server answers after Close")
	}
}

// The server is gone with all its files when the pipe's end closes, which the
// kernel does for a process that is killed.
func TestDatabaseEnds(t *testing.T) {
	for _, engine := range []*Engine{Postgres, MariaDB} {
		t.Run(engine.name, func(t *testing.T) { databaseEnds(t, engine) })
	}
}

func databaseEnds(t *testing.T, engine *Engine) {
	p, err := engine.Start(t.Context(), identity(t))
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", p.Port)
	conn, err := net.Dial("tcp4", address)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	info, err := os.Stat(p.Dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder %s: %v, %v", p.Dir, info.Mode(), err)
	}
	p.Close()
	if _, err := os.Stat(p.Dir); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", p.Dir, err)
	}
	if conn, err := net.Dial("tcp4", address); err == nil {
		conn.Close()
		t.Error("the server still accepts connections")
	}
}

// A PostgreSQL that does not start is one clear error, and leaves nothing.
func TestPostgresThatFails(t *testing.T) {
	bin, tmp := t.TempDir(), t.TempDir()
	for _, dir := range []string{bin, filepath.Dir(bin), tmp, filepath.Dir(tmp)} {
		if err := os.Chmod(dir, 0o777); err != nil { // the keeper may be another user
			t.Fatal(err)
		}
	}
	t.Setenv("TMPDIR", tmp)
	fake := func(name, script string) {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	id := identity(t)
	fail := func(want string) {
		t.Helper()
		_, err := Postgres.start(t.Context(), bin, id)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want one line with %q", err, want)
		}
		if left, _ := os.ReadDir(tmp); len(left) > 0 {
			t.Errorf("%v is left behind", left)
		}
	}
	fake("initdb", "echo first; echo could not create directory; exit 1")
	fail("could not create directory")
	fake("initdb", `mkdir "$2"`)
	fake("postgres", "echo could not bind IPv4 address; exit 1")
	fail("could not bind IPv4 address")

	// One that does not come on is not waited for when the run is interrupted.
	fake("postgres", "exec sleep 1000")
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	began := time.Now()
	if _, err := Postgres.start(ctx, bin, id); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > startLimit/2 {
		t.Errorf("error %v after %v, want that of the context", err, time.Since(began))
	}
	if left, _ := os.ReadDir(tmp); len(left) > 0 {
		t.Errorf("%v is left behind", left)
	}
}

// The system's libraries fit the system's OpenSSL.
// The last line of a server that failed tells of its end alone.
func TestCause(t *testing.T) {
	for log, want := range map[string]string{
		"fixing permissions ... ok\ninitdb: error: could not write file: No space left\ninitdb: removing data directory\n": "initdb: error: could not write file: No space left",
		"0 [Note] InnoDB: Loading\n0 [ERROR] InnoDB: failed with error 28\n0 [ERROR] Aborting\n":                           "0 [ERROR] InnoDB: failed with error 28",
		"LOG:  starting\nFATAL:  could not create lock file\nLOG:  shut down\n":                                            "FATAL:  could not create lock file",
		"no terrors here\nKilled\n": "Killed",
		"":                          "",
	} {
		if got := cause([]byte(log)); got != want {
			t.Errorf("%q: %q, want %q", log, got, want)
		}
	}
}

func TestFindOnSystem(t *testing.T) {
	builds, err := openssl.Find([]string{"system"}, "")
	if err != nil {
		t.Fatal(err)
	}
	for k := range kinds {
		lib, err := Find(k, builds[0])
		if err != nil {
			t.Errorf("%s: %v", k, err)
			continue
		}
		if !filepath.IsAbs(lib.Path) || len(lib.Folders) > 0 || (k == Python) != (lib.Home != "") {
			t.Errorf("%s: %+v", k, lib)
		}
	}
}

func TestFindMissing(t *testing.T) {
	empty := sharedlib.NewLinker(t.TempDir())
	for _, tc := range []struct {
		kind   Kind
		soname string
		linker *sharedlib.Linker
		want   string
	}{
		{Curl, "libcrypto.so.3", empty, "libcurl is not installed: it comes with libcurl4"},
		{Python, "libcrypto.so.3", empty, "libpython3.x-stdlib"},
		{Curl, "libcrypto.so.9", sharedlib.System(), "not libcrypto.so.9"},
		{Libpq, "libcrypto.so.9", sharedlib.System(), "not libcrypto.so.9"},
		{Libmariadb, "libcrypto.so.9", sharedlib.System(), "not libcrypto.so.9"},
		{Python, "libcrypto.so.9", sharedlib.System(), "not libcrypto.so.9"},
	} {
		_, err := pick(tc.kind, tc.soname, tc.linker, nil)
		var missing *MissingError
		if !errors.As(err, &missing) || !strings.Contains(missing.Reason, tc.want) {
			t.Errorf("%s for %s: %v, want %q", tc.kind, tc.soname, err, tc.want)
		}
	}
}

// A libpython without its module ssl is of no use, and said so.
func TestFindPythonWithoutSSL(t *testing.T) {
	dir := t.TempDir()
	builds, err := openssl.Find([]string{"system"}, "")
	if err != nil {
		t.Fatal(err)
	}
	system, err := Find(Python, builds[0])
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(system.Path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, filepath.Base(system.Path)), data, 0o755); err != nil {
		t.Fatal(err)
	}
	_, err = pick(Python, "libcrypto.so.3", sharedlib.NewLinker(dir), nil)
	var missing *MissingError
	if !errors.As(err, &missing) || !strings.Contains(missing.Reason, "has no ssl module") {
		t.Errorf("error %v, want one on the module ssl", err)
	}
}

// Only a build of the cache has a release to take its neighbours from.
func TestFetchRefuses(t *testing.T) {
	for _, tc := range []struct {
		build openssl.Build
		want  string
	}{
		{openssl.Build{Name: "system", Source: openssl.System}, "only builds in the cache"},
		{openssl.Build{Name: "3.5", Source: openssl.Cache}, "is not in the cache: fetch it first"},
	} {
		_, err := Fetch(t.Context(), tc.build, t.TempDir(), fetch.Options{Dir: t.TempDir()})
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", tc.build.Name, err, tc.want)
		}
	}
}

// helperEnv makes this test binary a harness that starts a server and is killed.
const helperEnv = "TLSBENCH_TEST_HARNESS"

func TestMain(m *testing.M) {
	if os.Getenv(helperEnv) != "" {
		harness()
	}
	goleak.VerifyTestMain(m)
}

// harness tells of the server that it started, and waits to be killed.
func harness() {
	id, err := peers.Certificate(peers.ECDSAP256)
	if err == nil {
		var p *Database
		if p, err = Postgres.Start(context.Background(), id); err == nil {
			fmt.Println(p.Dir)
			select {}
		}
	}
	fmt.Println(err)
	os.Exit(1)
}

// A harness that is killed leaves no server and no folder.
func TestPostgresEndsWithKilledHarness(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), helperEnv+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	dir := strings.TrimSpace(line)
	if err != nil || !filepath.IsAbs(dir) {
		t.Fatalf("the harness said %q, %v", line, err)
	}
	cmd.Process.Kill()
	cmd.Wait()
	for end := time.Now().Add(startLimit); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(dir); os.IsNotExist(err) {
			return // removed last, after the server's end
		}
		if time.Now().After(end) {
			t.Fatalf("%s is still there after %v", dir, startLimit)
		}
	}
}
