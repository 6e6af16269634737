package daemon

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

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

// write makes the daemon's files: configuration, key, certificate, script.
func (s setup) write() error {
	files := map[string][]byte{
		"key.pem": s.id.KeyPEM(), "cert.pem": s.id.CertificatePEM(), "kamailio.cfg": []byte(s.config()), "neighbour.py": []byte(pythonScript),
	}
	if s.database != nil {
		files[".my.cnf"] = []byte(databaseConfig)
	}
	if s.fips != "" {
		text, err := neighbours.FIPSConfigText(s.fips)
		if err != nil {
			return err
		}
		files[opensslConfig] = []byte(text)
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(s.dir, name), content, 0o600); err != nil {
			return fmt.Errorf("configure kamailio: %w", err)
		}
	}
	return nil
}

// pythonScript uses OpenSSL in the main process, as a routing script that
// talks to a web service would.
const pythonScript = `import ssl

class Neighbour:
    def child_init(self, rank):
        return 0

def mod_init():
    ssl.create_default_context()
    ssl.RAND_bytes(16)
    return Neighbour()
`

// config is the smallest configuration that answers OPTIONS over TLS. It asks
// clients for a certificate and does without: so do the rig's contexts, and bad
// peers with an untrusted one have something to be refused for.
func (s setup) config() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("#!KAMAILIO")
	line("debug=1\nlog_stderror=yes\nfork=yes\nchildren=1\ntcp_children=%d", s.readers)
	line("listen=tls:127.0.0.1:%d\nenable_tls=yes\nauto_aliases=no\ndns=no\nrev_dns=no\nuse_dns_cache=no", s.port)
	line("disable_core_dump=yes\nmem_safety=%d\ntcp_max_connections=%d\ntls_max_connections=%[2]d",
		s.memSafety, maxConnections)
	if s.mode != NoMode {
		line("tls_threads_mode=%d", s.mode)
	}
	python := s.hazard.Name == "python"
	if python && s.hazard.Value("before") != 0 {
		s.loadPython(line)
	}
	line(`loadmodule "%s/tls.so"`, s.daemon.Modules)
	line(`loadmodule "%s/sl.so"`, s.daemon.Modules)
	if python && s.hazard.Value("before") == 0 {
		s.loadPython(line)
	}
	query := ""
	if s.database != nil {
		query = s.loadDatabase(line)
	}
	line(`modparam("tls", "tls_method", "TLSv1.2+")`)
	line(`modparam("tls", "private_key", "%s/key.pem")`, s.dir)
	line(`modparam("tls", "certificate", "%s/cert.pem")`, s.dir)
	line(`modparam("tls", "verify_certificate", 1)`)
	line(`modparam("tls", "require_certificate", 0)`)
	line("request_route {%s\n\tsl_send_reply(\"200\", \"OK\");\n\texit;\n}", query)
	return b.String()
}

// databaseConfig is what the database module reads in HOME: TLS is a must. The server's
// certificate is not checked, because old versions of the module cannot be told of
// its authority.
const databaseConfig = "[tlsbench]\nssl-enforce=1\nssl-verify-server-cert=0\n"

// loadDatabase loads what uses the database: htable, which loads a table when the
// main process initialises it, and sqlops, with a connection of each reader's own
// and a query for each request.
func (s setup) loadDatabase(line func(string, ...any)) (query string) {
	user, password := s.database.Login()
	url := fmt.Sprintf("mysql://%s:%s@[tlsbench]127.0.0.1:%d/%[1]s", user, password, s.database.Port)
	for _, module := range []string{"pv", "db_mysql", "htable", "sqlops"} {
		line(`loadmodule "%s/%s.so"`, s.daemon.Modules, module)
	}
	line(`modparam("db_mysql", "timeout_interval", 20)`)
	line(`modparam("htable", "db_url", "%s")`, url)
	line(`modparam("htable", "htable", "a=>size=4;dbtable=htable;")`)
	line(`modparam("sqlops", "sqlcon", "a=>%s")`, url)
	return `
	sql_query("a", "select key_value from htable", "r");
	if ($dbr(r=>rows) != 1) { sl_send_reply("500", "Database"); exit; }
	sql_result_free("r");`
}

func (s setup) loadPython(line func(string, ...any)) {
	line(`loadmodule "%s/app_python3.so"`, s.daemon.Modules)
	line(`modparam("app_python3", "load", "%s/neighbour.py")`, s.dir)
}
