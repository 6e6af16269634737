package daemon

import (
	"bytes"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"text/template"

	"tlsbench/workload/neighbours"
)

// Limits of a daemon, whatever the load asks for.
const (
	MaxReaders = 64
	// MaxTracedReaders leaves the tracer numbers for the daemon's other processes.
	MaxTracedReaders = 48
	maxConnections   = 2048
	sharedMegabyte   = 128
)

// opensslConfig is the name of OpenSSL's configuration in the daemon's folder.
const opensslConfig = "openssl.cnf"

//go:embed kamailio.cfg.tmpl neighbour.py my.cnf
var texts embed.FS

var configuration = template.Must(template.ParseFS(texts, "kamailio.cfg.tmpl"))

// write makes the daemon's files: configuration, key, certificate, script.
func (t *trial) write() error {
	files := map[string][]byte{"key.pem": t.id.KeyPEM(), "cert.pem": t.id.CertificatePEM()}
	var err error
	for name, from := range map[string]string{"neighbour.py": "neighbour.py", ".my.cnf": "my.cnf"} {
		if files[name], err = texts.ReadFile(from); err != nil {
			return err
		}
	}
	if files["kamailio.cfg"], err = t.config(); err != nil {
		return err
	}
	if t.fips != "" {
		if files[opensslConfig], err = neighbours.FIPSConfigText(t.fips); err != nil {
			return err
		}
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(t.dir, name), content, 0o600); err != nil {
			return fmt.Errorf("configure kamailio: %w", err)
		}
	}
	return nil
}

func (t *trial) config() ([]byte, error) {
	values := map[string]any{
		"Readers": t.cfg.Workers, "Port": t.port, "MemSafety": 1, "Connections": maxConnections, "Mode": t.Mode,
		"Modules": t.daemon.Modules, "Dir": t.dir, "Python": "", "Database": "",
	}
	if t.cfg.HeapSafety == "abort" {
		values["MemSafety"] = 0
	}
	if t.hazard.Name == "python" {
		values["Python"] = "after"
		if t.hazard.Value("before") != 0 {
			values["Python"] = "before"
		}
	}
	if t.database != nil {
		user, password := t.database.Login()
		values["Database"] = fmt.Sprintf("mysql://%s:%s@[tlsbench]127.0.0.1:%d/%[1]s", user, password, t.database.Port)
	}
	var b bytes.Buffer
	err := configuration.Execute(&b, values)
	return b.Bytes(), err
}
