package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/procfs"

	"tlsbench/strategies/catalogue"
	"tlsbench/workload"
	"tlsbench/workload/keeper"
	"tlsbench/workload/openssl"
	"tlsbench/workload/peers"
)

// BenchmarkNginx holds the rig against a server that nobody suspects of being
// slow: nginx with as many workers, on the same OpenSSL files, with the same
// kind of certificate and the same peers, no tickets, no session cache, no
// echo. Each iteration of -count is a pair, so the ratio does not drift:
//
//	go test -run '^$' -bench Nginx -benchtime 4000x -count 10 ./bench
func BenchmarkNginx(b *testing.B) {
	binary, err := exec.LookPath("nginx")
	if err != nil {
		binary = "/usr/sbin/nginx"
	}
	if _, err := os.Stat(binary); err != nil {
		b.Skip("nginx is not installed: apt-get install nginx-light")
	}
	builds, cfg := subject(b)
	cfg.Build, cfg.Strategy = builds[0].Build, catalogue.Choice{Name: catalogue.NegativeControl}
	cfg.Load, cfg.Heap, cfg.EchoBytes = "tcp", "private", 0
	out := trial(b, cfg)
	rig := float64(out.CPU) / float64(out.Measured)
	nginx := nginxCPU(b, binary, cfg)
	b.ReportMetric(rig, "cpu-ns/handshake")
	b.ReportMetric(nginx, "nginx-cpu-ns/handshake")
	b.ReportMetric(rig/nginx, "rig/nginx")
}

// nginxCPU is the processor time of nginx's workers for each of b.N
// handshakes after a warm-up.
func nginxCPU(b *testing.B, binary string, cfg workload.Config) float64 {
	b.Helper()
	id, err := peers.Certificate(peers.ECDSAP256)
	if err != nil {
		b.Fatal(err)
	}
	dir, err := keeper.Temp("nginx") // its keeper makes it
	if err != nil {
		b.Fatal(err)
	}
	addr, stop := startNginx(b, binary, dir, id, cfg.Workers)
	defer stop()
	workers := nginxWorkers(b, dir, cfg)
	load, err := peers.New(peers.Config{
		Addr: addr, TLS: "1.3", Roots: id.Roots, Peers: 2 * cfg.Workers, Seed: 1,
		BareEOF: true, Limit: uint64(b.N),
	})
	if err != nil {
		b.Fatal(err)
	}
	load.Start()
	if b.N > 1 {
		time.Sleep(benchWarmup)
	}
	before := ranFor(b, workers)
	load.Measure()
	<-load.Done()
	used := ranFor(b, workers) - before
	report := load.Wait()
	if len(report.Failures) > 0 {
		b.Fatalf("nginx: %v", report.Failures[0])
	}
	return float64(used) / float64(report.Measured)
}

const nginxConfig = `daemon off;
master_process on;
worker_processes %d;
pid %s/pid;
error_log %s/error.log warn;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path %s/a; proxy_temp_path %s/b; fastcgi_temp_path %s/c; uwsgi_temp_path %s/d; scgi_temp_path %s/e;
  server {
    listen 127.0.0.1:%d ssl backlog=4096;
    ssl_certificate %s/cert.pem;
    ssl_certificate_key %s/key.pem;
    ssl_protocols TLSv1.3;
    ssl_ecdh_curve prime256v1;
    ssl_session_cache off;
    ssl_session_tickets off;
  }
}
`

func startNginx(b *testing.B, binary, dir string, id *peers.Identity, workers int) (addr string, stop func()) {
	b.Helper()
	port, err := keeper.FreePort(0)
	if err != nil {
		b.Fatal(err)
	}
	config := fmt.Sprintf(nginxConfig, workers, dir, dir, dir, dir, dir, dir, dir, port, dir, dir)
	path := filepath.Join(dir, "nginx.conf")
	kept, err := keeper.Start(keeper.Server{
		Dir: dir, Stop: "INT", Args: []string{binary, "-c", path, "-p", dir, "-e", filepath.Join(dir, "error.log")}, Env: os.Environ(),
	}, func() error {
		for name, text := range map[string][]byte{"cert.pem": id.CertificatePEM(), "key.pem": id.KeyPEM(), "nginx.conf": []byte(config)} {
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", port), kept.Close
}

// nginxWorkers waits until all workers are there, and makes sure that they use
// the OpenSSL files of the rig.
func nginxWorkers(b *testing.B, dir string, cfg workload.Config) []procfs.Proc {
	b.Helper()
	for limit := time.Now().Add(time.Minute); time.Now().Before(limit); time.Sleep(10 * time.Millisecond) {
		text, err := os.ReadFile(filepath.Join(dir, "pid"))
		if err != nil {
			continue
		}
		master, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			continue
		}
		if workers := childrenOf(b, master); len(workers) == cfg.Workers {
			checkFiles(b, workers[0], cfg.Build)
			return workers
		}
	}
	log, _ := os.ReadFile(filepath.Join(dir, "error.log"))
	b.Fatalf("nginx did not start %d workers: %s", cfg.Workers, log)
	return nil
}

func childrenOf(b *testing.B, parent int) []procfs.Proc {
	b.Helper()
	all, err := procfs.AllProcs()
	if err != nil {
		b.Fatal(err)
	}
	var list []procfs.Proc
	for _, p := range all {
		if s, err := p.Stat(); err == nil && s.PPID == parent {
			list = append(list, p)
		}
	}
	return list
}

func checkFiles(b *testing.B, p procfs.Proc, build openssl.Build) {
	b.Helper()
	maps, err := p.ProcMaps()
	if err != nil {
		b.Fatal(err)
	}
	for _, m := range maps {
		if m.Pathname == build.Libcrypto {
			return
		}
	}
	b.Skipf("nginx does not use %s", build.Libcrypto)
}

// ranFor adds up the processor time of single-threaded processes.
func ranFor(b *testing.B, list []procfs.Proc) time.Duration {
	b.Helper()
	var sum time.Duration
	for _, p := range list {
		s, err := p.Schedstat()
		if err != nil {
			b.Fatal(err)
		}
		sum += time.Duration(s.RunningNanoseconds)
	}
	return sum
}
