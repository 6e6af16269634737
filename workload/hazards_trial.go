package workload

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"tlsbench/results"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload/neighbours"
	"tlsbench/workload/openssl"
	"tlsbench/workload/peers"
	"tlsbench/workload/rig"
)

// neighbourhood is what the harness holds for the hazards of one trial.
type neighbourhood struct {
	choices []results.HazardChoice
	texts   map[string]string
	https   *neighbours.HTTPS
	closers []func()
}

// starter starts what a hazard needs outside the rig, and tells the rig of it by
// texts. A neighbours.MissingError says what this machine lacks.
type starter func(ctx context.Context, t *trial, library neighbours.Library) error

// outside is what hazards need that is not in the rig, by their names: a library,
// which is looked for first, and what the harness starts.
var outside = map[string]struct {
	library neighbours.Kind // "" if none
	start   starter         // nil if nothing
}{
	"rank0-client": {"", startTLS}, "mutual-tls": {"", startMutualTLS},
	"python": {neighbours.Python, nil}, "curl": {neighbours.Curl, startTLS}, "postgres": {neighbours.Libpq, startDatabase(neighbours.Libpq)},
	"mariadb": {neighbours.Libmariadb, startDatabase(neighbours.Libmariadb)},
	"fips":    {neighbours.FIPS, startFIPS},
}

// hazards reads the trial's hazards and lets them change its settings.
func (c *Config) hazards() ([]results.HazardChoice, error) {
	if c.Hazard == "" {
		c.Hazard = results.Plain
	}
	list, err := results.ParseHazard(c.Hazard)
	if err != nil {
		return nil, err
	}
	for _, h := range list {
		c.Key = h.Key(c.Key)
		if h.AllBad && c.BadShare > 0 { // a throughput trial has none
			c.BadShare = 1
		}
	}
	return list, nil
}

// The control block has room for as many hazards as a choice may have.
var _ = [1]int{}[rig.MaxHazards-results.MaxHazards]

// compiled lists those of the choices that have a C side.
func compiled(list []results.HazardChoice) []catalogue.Choice {
	var out []catalogue.Choice
	for _, c := range list {
		if c.File != "" {
			out = append(out, catalogue.Choice{Name: c.Name, Params: c.Set})
		}
	}
	return out
}

// prepareHazards starts what the trial's hazards need. skip says what this machine
// lacks.
func (t *trial) prepareHazards(ctx context.Context) (skip string, err error) {
	n := &t.around
	n.texts = map[string]string{}
	for _, c := range n.choices {
		if why := c.Refuses(t.cfg.Heap, t.cfg.Workers); why != "" {
			return fmt.Sprintf("hazard %s: %s", c, why), nil
		}
		var library neighbours.Library
		needs := outside[c.Name]
		if needs.library != "" {
			library, err = t.find(needs.library)
		}
		if err == nil && needs.start != nil {
			err = needs.start(ctx, t, library)
		}
		if skip, err = lackOf(err); skip != "" {
			return skip, nil
		}
		if err != nil {
			return "", fmt.Errorf("hazard %s: %w", c, err)
		}
	}
	return "", nil
}

func (n *neighbourhood) close() {
	for _, f := range slices.Backward(n.closers) {
		f()
	}
}

// startTLS starts a TLS server for clients in the rig.
func startTLS(_ context.Context, t *trial, _ neighbours.Library) (err error) {
	n := &t.around
	if n.https != nil {
		return nil
	}
	if n.https, err = neighbours.NewHTTPS(t.id); err != nil {
		return err
	}
	n.closers = append(n.closers, n.https.Close)
	n.texts["tls-port"] = strconv.Itoa(n.https.Port)
	n.texts["tls-authority"] = n.https.Authority
	return nil
}

// find looks for a library of the build's own release or of the system.
func (t *trial) find(k neighbours.Kind) (neighbours.Library, error) {
	lib, err := neighbours.Find(k, t.cfg.Build)
	if err == nil {
		t.around.texts[string(k)] = lib.Path
		if lib.Home != "" {
			t.around.texts["python-home"] = lib.Home
		}
		t.cfg.Build.LibraryPath = append(slices.Clone(t.cfg.Build.LibraryPath), lib.Folders...)
	}
	return lib, err
}

// lackOf tells what this machine lacks from what went wrong.
func lackOf(err error) (skip string, other error) {
	if m, ok := errors.AsType[*neighbours.MissingError](err); ok {
		return m.Reason, nil
	}
	return "", err
}

// Lacks says what this machine lacks for a hazard on a build, without starting
// anything; "" if nothing is known to be missing.
func Lacks(hazard string, b openssl.Build) (string, error) {
	list, err := results.ParseHazard(hazard)
	if err != nil {
		return "", err
	}
	for _, c := range list {
		library := outside[c.Name].library
		if library == "" {
			continue
		}
		_, err := neighbours.Find(library, b)
		if engine := engines[library]; err == nil && engine != nil {
			err = engine.Missing()
		}
		if skip, err := lackOf(err); skip != "" || err != nil {
			return skip, err
		}
	}
	return "", nil
}

// startMutualTLS makes an authority and three client certificates: one of it, one
// of it that has expired, and one that no authority has signed. They are given to
// the rig in DER, as hexadecimal text.
func startMutualTLS(_ context.Context, t *trial, _ neighbours.Library) error {
	soon, over := time.Now().Add(time.Hour), time.Now().Add(-time.Hour)
	authority, err := peers.Authority()
	if err != nil {
		return err
	}
	t.around.texts["authority-certificate"] = hex.EncodeToString(authority.Cert)
	for _, c := range []struct {
		name   string
		issuer *peers.Identity
		until  time.Time
	}{{"good", authority, soon}, {"expired", authority, over}, {"unknown", nil, soon}} {
		leaf, err := peers.Client(c.issuer, c.until)
		if err != nil {
			return err
		}
		t.around.texts[c.name+"-certificate"] = hex.EncodeToString(leaf.Cert)
		t.around.texts[c.name+"-key"] = hex.EncodeToString(leaf.Key)
	}
	return nil
}

// startFIPS writes a configuration that the rig reads in place of any other.
func startFIPS(_ context.Context, t *trial, module neighbours.Library) error {
	config, err := neighbours.FIPSConfig(module.Path)
	if err != nil {
		return err
	}
	t.around.closers = append(t.around.closers, func() { config.Close() })
	t.cfg.opensslConf, t.cfg.opensslModules = config.Name(), filepath.Dir(module.Path)
	return nil
}

// engines are the servers that client libraries have to have.
var engines = map[neighbours.Kind]*neighbours.Engine{neighbours.Libpq: neighbours.Postgres, neighbours.Libmariadb: neighbours.MariaDB}

// startDatabase is for the hazard of a database's client library.
func startDatabase(client neighbours.Kind) starter {
	return func(ctx context.Context, t *trial, _ neighbours.Library) error {
		server, err := engines[client].Shared(ctx)
		if err != nil {
			return err
		}
		t.around.texts[string(client)+"-server"] = server.Conninfo()
		return nil
	}
}

// otherOpenSSL says why a trial is not one of the build under test: a library
// of the hazard brought a libcrypto of its own into the process.
func (t *trial) otherOpenSSL() string {
	for _, file := range t.out.Files {
		if strings.HasPrefix(filepath.Base(file), "libcrypto") && file != t.cfg.Build.Libcrypto {
			return fmt.Sprintf("hazard %s: its library uses %s, not %s", t.cfg.Hazard, file, t.cfg.Build.Libcrypto)
		}
	}
	return ""
}

// Act says how often a hazard really happened.
type Act struct {
	Hazard  string
	Rank0   uint64
	Workers []uint64 // by worker
}

// gatherHazards reads what the hazards did.
func (t *trial) gatherHazards() error {
	o := t.out
	o.Neighbour = t.block.Neighbour()
	if t.around.https != nil {
		o.Served = t.around.https.Served()
	}
	for _, c := range t.around.choices {
		if c.File == "" {
			continue
		}
		act := Act{Hazard: c.Name}
		act.Rank0, act.Workers = t.block.Acts(len(o.Acts))
		o.Acts = append(o.Acts, act)
		if why := t.idle(c, act); why != "" {
			return fmt.Errorf("hazard %s did not happen: %s", c.Name, why)
		}
	}
	return nil
}

// enoughConnections of each worker, good or refused, are more than any hazard
// needs to happen by its default.
const enoughConnections = 64

// idle says why a trial without damage shows nothing about a hazard. What happens
// under load needs some.
func (t *trial) idle(c results.HazardChoice, act Act) string {
	acted, why := act.Rank0 > 0, "rank 0 never came to it"
	if c.InWorkers() {
		acted, why = slices.ContainsFunc(act.Workers, func(n uint64) bool { return n > 0 }), "no worker ever came to it"
	}
	enough := c.Quiet || t.out.Attempts >= enoughConnections*uint64(t.cfg.Workers)
	if acted || !enough || t.out.Damaged() || t.cfg.Workers == 1 && !c.InWorkers() {
		return ""
	}
	return why
}
