package neighbours

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"tlsbench/results/version"
	"tlsbench/workload/keeper"
	"tlsbench/workload/peers"
)

// Engine is a kind of database server with TLS.
type Engine struct {
	name   string // of its folders and in messages
	script string // makes a database and becomes its server
	stop   string // signal that ends it in good order
	ready  string // what its log says when it serves
	// programs gives the folder of its programs; a MissingError if there is none.
	programs func() (string, error)

	mu     sync.Mutex
	shared *Database
}

// Database is a running server. It ends with this process, however that ends.
type Database struct {
	Port int
	Dir  string // private folder, with the server's log

	engine   *Engine
	password string
	kept     *keeper.Process
}

//go:embed postgres.sh
var postgresScript string

//go:embed mariadb.sh
var mariadbScript string

var (
	Postgres = &Engine{name: "postgresql", script: postgresScript, stop: "INT", ready: "ready to accept connections", programs: postgresBin}
	MariaDB  = &Engine{name: "mariadb", script: mariadbScript, stop: "TERM", ready: "ready for connections", programs: mariadbBin}
)

// startLimit is for the database's making and the server's start on a busy machine.
const startLimit = time.Minute

// Start makes a database in a fresh folder and starts a server on it. It runs as
// this process's user, or, because PostgreSQL refuses root, as nobody. The error is
// a MissingError if its programs are not installed.
func (e *Engine) Start(ctx context.Context, id *peers.Identity) (*Database, error) {
	bin, err := e.programs()
	if err != nil {
		return nil, err
	}
	for range 3 { // the free port may be someone else's by the time it is used
		var d *Database
		if d, err = e.start(ctx, bin, id); err == nil {
			return d, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return nil, fmt.Errorf("start %s: %w", e.name, err)
}

// Missing is a MissingError if no server could be started here for want of its
// programs.
func (e *Engine) Missing() error {
	_, err := e.programs()
	return err
}

// postgresBin is the folder of the newest PostgreSQL. Debian keeps the server's
// programs out of PATH.
func postgresBin() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	slices.SortFunc(found, func(a, b string) int { return version.Compare(b, a) })
	if path, err := exec.LookPath("initdb"); err == nil {
		found = append(found, path)
	}
	for _, initdb := range found {
		if _, err := os.Stat(filepath.Join(filepath.Dir(initdb), "postgres")); err == nil {
			return filepath.Dir(initdb), nil
		}
	}
	return "", missing("PostgreSQL's server is not installed: it comes with the package postgresql")
}

// mariadbBin is the folder of the server's program, which is not in every user's
// PATH.
func mariadbBin() (string, error) {
	for _, name := range []string{"mariadbd", "/usr/sbin/mariadbd"} {
		if path, err := exec.LookPath(name); err == nil {
			return filepath.Dir(path), nil
		}
	}
	return "", missing("MariaDB's server is not installed: it comes with the package mariadb-server-core")
}

// unprivileged is the user that the server runs as, nil for this one.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("nobody")
	if err != nil {
		return nil, fmt.Errorf("find a user without privileges: %w", err)
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(err1, err2)
}

func (e *Engine) start(ctx context.Context, bin string, id *peers.Identity) (*Database, error) {
	port, err := keeper.FreePort(0)
	if err != nil {
		return nil, err
	}
	who, err := unprivileged()
	if err != nil {
		return nil, err
	}
	key, err := keyFile(id.KeyPEM(), who)
	if err != nil {
		return nil, err
	}
	defer key.Close()
	p := &Database{Port: port, password: rand.Text(), engine: e}
	if p.Dir, err = keeper.Temp(e.name); err != nil {
		return nil, err
	}
	p.kept, err = keeper.Start(keeper.Server{
		Dir: p.Dir, Stop: e.stop, Args: []string{"/bin/sh", "-c", e.script, "tlsbench-" + e.name, bin, strconv.Itoa(port)},
		// No variable of the server's own gets through to it.
		Env:  []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + filepath.Dir(p.Dir), "LC_ALL=C"},
		User: who, Files: []*os.File{key},
	}, func() error { return p.fill(id, who) })
	if err != nil {
		return nil, err
	}
	if err := p.await(ctx); err != nil {
		p.kept.Close()
		return nil, err
	}
	return p, nil
}

// fill writes what the set-up reads, as files of the server's user.
func (p *Database) fill(id *peers.Identity, who *syscall.Credential) error {
	for name, text := range map[string][]byte{"server.crt": id.CertificatePEM(), "password": []byte(p.password + "\n")} {
		path := filepath.Join(p.Dir, name)
		err := os.WriteFile(path, text, 0o600)
		if err == nil && who != nil {
			err = os.Chown(path, int(who.Uid), int(who.Gid))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// keyFile is a file that holds the server's key: PostgreSQL wants one that belongs to
// its own user and that nobody else can read, and the key is to be on no disk.
func keyFile(key []byte, who *syscall.Credential) (*os.File, error) {
	f, err := inMemory("server.key", key)
	if err != nil {
		return nil, err
	}
	err = f.Chmod(0o600)
	if err == nil && who != nil {
		err = f.Chown(int(who.Uid), int(who.Gid))
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// await waits until the server accepts connections, which is the only sign that
// it gives to all the world.
func (p *Database) await(ctx context.Context) error {
	for end := time.Now().Add(startLimit); time.Now().Before(end); {
		log, err := os.ReadFile(filepath.Join(p.Dir, "log"))
		if err == nil && bytes.Contains(log, []byte(p.engine.ready)) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.kept.Gone:
			log, _ := os.ReadFile(filepath.Join(p.Dir, "log"))
			return fmt.Errorf("the server ended: %s", cause(log))
		case <-time.After(10 * time.Millisecond):
		}
	}
	return fmt.Errorf("the server is not ready after %v", startLimit)
}

var complaint = regexp.MustCompile(`(?i)\berror\b|FATAL|PANIC`)

// cause is the first error in a log. What follows tells of the end alone: that a
// folder is removed, that the server aborts.
func cause(log []byte) string {
	lines := strings.Split(strings.TrimSpace(string(log)), "\n")
	i := slices.IndexFunc(lines, complaint.MatchString)
	return lines[cmp.Or(i+1, len(lines))-1]
}

// Login is the name and the password that a client needs.
func (p *Database) Login() (user, password string) { return "tlsbench", p.password }

// Conninfo is what the hazard in the rig needs to connect: for libpq its words, so
// that TLS is required, and neither the user's own files nor Kerberos interfere;
// for libmariadb, whose server refuses this user without TLS, port and password. The
// time-out is for rank 0: longer than a worker's call may last (neighbour.c).
func (p *Database) Conninfo() string {
	if p.engine == MariaDB {
		return fmt.Sprintf("%d %s", p.Port, p.password)
	}
	return fmt.Sprintf("host=127.0.0.1 port=%d dbname=postgres user=tlsbench password=%s sslmode=require "+
		"gssencmode=disable connect_timeout=25 sslcert=/nonexistent/cert sslkey=/nonexistent/key "+
		"sslrootcert=/nonexistent/root sslcrl=/nonexistent/crl passfile=/dev/null", p.Port, p.password)
}

// Close stops the server, and returns when its folder is removed.
func (p *Database) Close() { p.kept.Close() }

// Shared gives the one server that this process keeps for all its trials; the
// first call starts it. It ends with the process, or by StopShared.
func (e *Engine) Shared(ctx context.Context) (*Database, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.shared != nil {
		return e.shared, nil
	}
	id, err := peers.Certificate(peers.ECDSAP256)
	if err != nil {
		return nil, err
	}
	e.shared, err = e.Start(ctx, id)
	return e.shared, err
}

// StopShared ends the shared servers, if there are any, and returns when nothing
// is left of them.
func StopShared() {
	for _, e := range []*Engine{Postgres, MariaDB} {
		e.mu.Lock()
		if e.shared != nil {
			e.shared.Close()
			e.shared = nil
		}
		e.mu.Unlock()
	}
}
