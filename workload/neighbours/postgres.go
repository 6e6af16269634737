package neighbours

import (
	"bytes"
	"crypto/rand"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"tlsbench/results/version"
	"tlsbench/workload/keeper"
	"tlsbench/workload/peers"
)

// Postgres is a running PostgreSQL server with TLS. It ends with this process,
// however that ends.
type Postgres struct {
	Port int
	Dir  string // private folder, with the server's log

	password string
	kept     *keeper.Process
}

//go:embed postgres.sh
var setUp string

// startLimit is for initdb and the server's start on a busy machine.
const startLimit = time.Minute

// StartPostgres makes a database in a fresh folder and starts a server on it.
// It runs as this process's user, or, as PostgreSQL refuses root, as nobody.
// The error is a MissingError if PostgreSQL is not installed.
func StartPostgres(id *peers.Identity) (*Postgres, error) {
	bin, err := postgresBin()
	if err != nil {
		return nil, err
	}
	for range 3 { // the free port may be someone else's by the time it is used
		var p *Postgres
		if p, err = startPostgres(bin, id); err == nil {
			return p, nil
		}
	}
	return nil, fmt.Errorf("start postgresql: %w", err)
}

// postgresBin is the folder of the newest PostgreSQL. Debian keeps the server's
// programs out of PATH.
func postgresBin() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	slices.SortFunc(found, func(a, b string) int { return version.Compare(number(b), number(a)) })
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

// CanServePostgres is a MissingError if no server could be started here for want
// of its programs.
func CanServePostgres() error {
	_, err := postgresBin()
	return err
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

func freePort() (int, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func startPostgres(bin string, id *peers.Identity) (*Postgres, error) {
	port, err := freePort()
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
	secret, name := make([]byte, 16), make([]byte, 8)
	rand.Read(secret)
	rand.Read(name)
	p := &Postgres{
		Port: port, password: hex.EncodeToString(secret),
		Dir: filepath.Join(os.TempDir(), "tlsbench-postgres-"+hex.EncodeToString(name)),
	}
	p.kept, err = keeper.Start(keeper.Server{
		Dir: p.Dir, Stop: "INT", Args: []string{"/bin/sh", "-c", setUp, "tlsbench-postgres", bin, strconv.Itoa(port)},
		// No variable of PostgreSQL's own gets through to it.
		Env:  []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir(), "LC_ALL=C"},
		User: who, Files: []*os.File{key},
	}, func() error { return p.fill(id, who) })
	if err != nil {
		return nil, err
	}
	if err := p.await(); err != nil {
		p.kept.Close()
		return nil, err
	}
	return p, nil
}

// fill writes what the set-up reads, as files of the server's user.
func (p *Postgres) fill(id *peers.Identity, who *syscall.Credential) error {
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

// keyFile is a file in memory that holds the server's key: PostgreSQL wants one
// that belongs to its own user and that nobody else can read, and the key is to
// be on no disk.
func keyFile(key []byte, who *syscall.Credential) (*os.File, error) {
	fd, err := unix.MemfdCreate("tlsbench-postgres-key", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("create a file in memory for the server's key: %w", err)
	}
	f := os.NewFile(uintptr(fd), "server.key")
	_, err = f.Write(key)
	if err == nil {
		err = f.Chmod(0o600)
	}
	if err == nil && who != nil {
		err = f.Chown(int(who.Uid), int(who.Gid))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("write the server's key to memory: %w", err), f.Close())
	}
	return f, nil
}

// await waits until the server accepts connections, which is the only sign that
// it gives to all the world.
func (p *Postgres) await() error {
	for end := time.Now().Add(startLimit); time.Now().Before(end); {
		log, err := os.ReadFile(filepath.Join(p.Dir, "log"))
		if err == nil && bytes.Contains(log, []byte("ready to accept connections")) {
			return nil
		}
		select {
		case <-p.kept.Gone:
			log, _ := os.ReadFile(filepath.Join(p.Dir, "log"))
			return fmt.Errorf("the server ended: %s", lastLine(log))
		case <-time.After(10 * time.Millisecond):
		}
	}
	return fmt.Errorf("the server is not ready after %v", startLimit)
}

func lastLine(log []byte) string {
	lines := strings.Split(strings.TrimSpace(string(log)), "\n")
	return lines[len(lines)-1]
}

// Conninfo is what libpq needs to connect. TLS is required, and neither the
// user's own files nor Kerberos interfere.
func (p *Postgres) Conninfo() string {
	return fmt.Sprintf("host=127.0.0.1 port=%d dbname=postgres user=tlsbench password=%s sslmode=require "+
		"gssencmode=disable connect_timeout=8 sslcert=/nonexistent/cert sslkey=/nonexistent/key "+
		"sslrootcert=/nonexistent/root sslcrl=/nonexistent/crl passfile=/dev/null", p.Port, p.password)
}

// Sessions counts the TLS sessions that the server's log has for an application
// name.
func (p *Postgres) Sessions(application string) (int, error) {
	log, err := os.ReadFile(filepath.Join(p.Dir, "log"))
	if err != nil {
		return 0, fmt.Errorf("read the log of postgresql: %w", err)
	}
	n := 0
	for line := range strings.Lines(string(log)) {
		if strings.Contains(line, "connection authorized") && strings.Contains(line, "SSL enabled") &&
			strings.Contains(line, "application_name="+application+" ") {
			n++
		}
	}
	return n, nil
}

// Close stops the server, and returns when its folder is removed.
func (p *Postgres) Close() { p.kept.Close() }

var shared struct {
	sync.Mutex
	server *Postgres
}

// SharedPostgres gives the one server that this process keeps for all its
// trials; the first call starts it. It ends with the process, or by
// StopSharedPostgres.
func SharedPostgres() (*Postgres, error) {
	shared.Lock()
	defer shared.Unlock()
	if shared.server != nil {
		return shared.server, nil
	}
	id, err := peers.Certificate(peers.ECDSAP256)
	if err != nil {
		return nil, err
	}
	shared.server, err = StartPostgres(id)
	return shared.server, err
}

// StopSharedPostgres ends the shared server, if there is one, and returns when
// nothing is left of it.
func StopSharedPostgres() {
	shared.Lock()
	defer shared.Unlock()
	if shared.server != nil {
		shared.server.Close()
		shared.server = nil
	}
}
