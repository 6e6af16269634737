package peers

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// serverEnv makes the test binary a server instead, so that the benchmark can
// tell the peers' CPU time from the server's.
const serverEnv = "TLSBENCH_PEERS_TEST_SERVER"

func TestMain(m *testing.M) {
	if key := os.Getenv(serverEnv); key != "" {
		if err := serveBenchmark(key); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// serveBenchmark gives its address and certificate on standard output, and
// serves until standard input ends.
func serveBenchmark(key string) error {
	id, err := Certificate(key)
	if err != nil {
		return err
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{id.TLS}})
	if err != nil {
		return err
	}
	fmt.Printf("%s %x\n", l.Addr(), id.Cert)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				echo(conn.(*tls.Conn))
			}()
		}
	}()
	_, err = os.Stdin.Read(make([]byte, 1))
	if err.Error() == "EOF" {
		return nil
	}
	return err
}

// startServer gives a server process's address and what to trust.
func startServer(b *testing.B, key string) (string, *Identity) {
	b.Helper()
	server := exec.Command(os.Args[0])
	server.Env = append(os.Environ(), serverEnv+"="+key)
	server.Stderr = os.Stderr
	stdin, err := server.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := server.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := server.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		stdin.Close()
		server.Wait()
	})
	line, err := bufio.NewReaderSize(stdout, 8192).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	var addr string
	var cert []byte
	if _, err := fmt.Sscanf(line, "%s %x\n", &addr, &cert); err != nil {
		b.Fatal(err)
	}
	return addr, identityOf(b, cert)
}

// identityOf trusts a certificate of which the key is elsewhere.
func identityOf(b *testing.B, cert []byte) *Identity {
	b.Helper()
	leaf, err := x509.ParseCertificate(cert)
	if err != nil {
		b.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return &Identity{Cert: cert, Roots: roots}
}

// BenchmarkPeer measures what a good peer costs, the echo of 64 bytes
// included: user and system time of this process alone.
func BenchmarkPeer(b *testing.B) {
	for _, version := range []string{"1.3", "1.2"} {
		for _, key := range []string{ECDSAP256, RSA2048} {
			for _, curve := range []tls.CurveID{tls.CurveP256, tls.X25519} {
				name := fmt.Sprintf("tls=%s/key=%s/curve=%s", version, key, strings.TrimPrefix(curve.String(), "Curve"))
				b.Run(name, func(b *testing.B) { benchmarkPeer(b, version, key, curve) })
			}
		}
	}
}

func benchmarkPeer(b *testing.B, version, key string, curve tls.CurveID) {
	addr, id := startServer(b, key)
	l := newLoad(b, addr, id, func(c *Config) { c.TLS, c.Limit = version, uint64(b.N) })
	l.trusting.CurvePreferences = []tls.CurveID{curve}
	b.ReportAllocs()
	b.ResetTimer()
	before := cpu(b)
	r := runUntil(l, never)
	spent := cpu(b) - before
	if r.Measured != uint64(b.N) || len(r.Failures) > 0 {
		b.Fatalf("%d handshakes, want %d; failures %v", r.Measured, b.N, r.Failures)
	}
	b.ReportMetric(float64(spent)/float64(b.N), "cpu-ns/handshake")
}

// BenchmarkBadPeer measures what each kind of bad peer costs.
func BenchmarkBadPeer(b *testing.B) {
	for kind := range badKinds {
		b.Run(kind.String(), func(b *testing.B) {
			addr, id := startServer(b, ECDSAP256)
			l := newLoad(b, addr, id, func(c *Config) { c.BadShare, c.Untrusted = 1, untrusted(b) })
			p := l.peers[0]
			b.ReportAllocs()
			b.ResetTimer()
			before := cpu(b)
			for i := range b.N {
				p.bad(kind, uint64(i))
			}
			b.ReportMetric(float64(cpu(b)-before)/float64(b.N), "cpu-ns/op")
		})
	}
}

// cpu gives this process's user and system time in nanoseconds.
func cpu(b *testing.B) int64 {
	b.Helper()
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}
