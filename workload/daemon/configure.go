package daemon

import (
	"bytes"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"text/template"

	"tlsbench/results"
	"tlsbench/workload/neighbours"
	"tlsbench/workload/peers"
)

// Limits of a daemon, whatever the load asks for.
const (
	MaxReaders = 64
	// MaxTracedReaders leaves the tracer numbers for the daemon's other processes.
	MaxTracedReaders = 48
	maxConnections   = 2048
	sharedMegabyte   = 128
)

// setup is what a daemon is configured with.
type setup struct {
	daemon    Daemon
	dir       string // for its files
	port      int
	readers   int
	mode      int // of tls_threads_mode; NoMode: not set
	memSafety int
	hazard    results.HazardChoice
	fips      string               // the module, for the hazard of its name
	database  *neighbours.Database // for hazard mariadb
	id        *peers.Identity
}

// opensslConfig is the name of OpenSSL's configuration in the daemon's folder.
const opensslConfig = "openssl.cnf"

//go:embed kamailio.cfg.tmpl neighbour.py my.cnf
var texts embed.FS

var configuration = template.Must(template.ParseFS(texts, "kamailio.cfg.tmpl"))

// write makes the daemon's files: configuration, key, certificate, script.
func (s setup) write() error {
	files := map[string][]byte{"key.pem": s.id.KeyPEM(), "cert.pem": s.id.CertificatePEM()}
	var err error
	for name, from := range map[string]string{"neighbour.py": "neighbour.py", ".my.cnf": "my.cnf"} {
		if files[name], err = texts.ReadFile(from); err != nil {
			return err
		}
	}
	if files["kamailio.cfg"], err = s.config(); err != nil {
		return err
	}
	if s.fips != "" {
		if files[opensslConfig], err = neighbours.FIPSConfigText(s.fips); err != nil {
			return err
		}
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(s.dir, name), content, 0o600); err != nil {
			return fmt.Errorf("configure kamailio: %w", err)
		}
	}
	return nil
}

func (s setup) config() ([]byte, error) {
	values := map[string]any{
		"Readers": s.readers, "Port": s.port, "MemSafety": s.memSafety, "Connections": maxConnections, "Mode": s.mode,
		"Modules": s.daemon.Modules, "Dir": s.dir, "Python": "", "Database": "",
	}
	if s.hazard.Name == "python" {
		values["Python"] = "after"
		if s.hazard.Value("before") != 0 {
			values["Python"] = "before"
		}
	}
	if s.database != nil {
		user, password := s.database.Login()
		values["Database"] = fmt.Sprintf("mysql://%s:%s@[tlsbench]127.0.0.1:%d/%[1]s", user, password, s.database.Port)
	}
	var b bytes.Buffer
	err := configuration.Execute(&b, values)
	return b.Bytes(), err
}
