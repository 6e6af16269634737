package daemon

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"tlsbench/strategies/catalogue"
	"tlsbench/workload"
	"tlsbench/workload/keeper"
	"tlsbench/workload/neighbours"
	"tlsbench/workload/peers"
)

// hazardTrial is one of the real daemon with a hazard and a fix.
func hazardTrial(d Daemon, hazard, strategy string) workload.Config {
	s := noMode
	if len(d.Release.Modes) > 0 {
		s.Mode = 0
	}
	cfg := standInTrial(d, s)
	cfg.Hazard, cfg.Strategy, cfg.Workers, cfg.Duration = hazard, catalogue.Choice{Name: strategy}, 4, 2*time.Second
	return cfg
}

// A provider with state of its own in the real daemon: the oracle clears it, and
// thread-stop, which OpenSSL does not tell of it, leaves it shared. Each is told
// from the other by the first requests.
func TestProviderStateInTheDaemon(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"5.4", "6.0"} {
		d := installed(t, name)
		for _, hazard := range []string{"provider-state", "provider-state:when=after"} {
			for strategy, shared := range map[string]bool{"thread-stop": true, catalogue.NegativeControl: false, "shm-match": false} {
				out, err := lives(hazardTrial(d, hazard, strategy), func(o *workload.Outcome) bool { return served(o) && !shared })
				if err != nil || out.Skipped != "" || (out.Events["broken-neighbour"] > 0) != shared || out.Damaged() != shared {
					t.Errorf("kamailio %s, %s, %s: %+v, %v; want damage: %v", name, hazard, strategy, out, err, shared)
				}
			}
		}
	}
}

// The FIPS module does the daemon's cryptography; where there is none the trial is
// skipped, and says so.
func TestFIPSInTheDaemon(t *testing.T) {
	t.Parallel()
	d := installed(t, "6.0")
	out, err := lives(hazardTrial(d, "fips", catalogue.NegativeControl), served)
	if err != nil || out.Skipped != "" || out.Damaged() || out.Handshakes == 0 {
		t.Errorf("%+v, %v; want handshakes and no damage", out, err)
	}
	out, err = lives(hazardTrial(installed(t, "5.6"), "fips", catalogue.NegativeControl), served)
	if err != nil || !strings.Contains(out.Skipped, "has no FIPS module") {
		t.Errorf("kamailio 5.6: %+v, %v; want it skipped", out, err)
	}
	broken := t.TempDir()
	file := filepath.Join(broken, neighbours.FIPSModule)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("not a module\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d.LibraryPath = append([]string{broken}, d.LibraryPath...)
	out, err = lives(hazardTrial(d, "fips", catalogue.NegativeControl), served)
	if err != nil || !strings.HasPrefix(out.Skipped, "the FIPS module "+file+" does not load: error:") {
		t.Errorf("a file that is no module: %+v, %v; want it skipped", out, err)
	}
}

// A database module with a connection of the main process and one of each reader: a
// request is answered 200 only if the database gave its one row.
func TestMariaDBInTheDaemon(t *testing.T) {
	t.Parallel()
	if err := neighbours.MariaDB.Missing(); err != nil {
		t.Fatalf("%v; make bench-setup brings it", err)
	}
	t.Cleanup(neighbours.StopShared)
	for _, name := range []string{"5.6", "6.0"} {
		out, err := lives(hazardTrial(installed(t, name), "mariadb", catalogue.NegativeControl), served)
		if err != nil || out.Skipped != "" || out.Damaged() || out.Handshakes == 0 {
			t.Errorf("kamailio %s: %+v, %v; want handshakes and no damage", name, out, err)
		}
	}
}

// A module whose own check of its file fails, because it was built with another key
// than the configuration's, is skipped with OpenSSL's reason; so is one that the
// configuration does not activate.
func TestFIPSConfigurationThatDoesNotFit(t *testing.T) {
	t.Parallel()
	d := installed(t, "6.0")
	id, err := peers.Certificate(peers.ECDSAP256)
	if err != nil {
		t.Fatal(err)
	}
	object, err := preloadObject(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	for doctor, want := range map[string]string{
		"module-mac = ..":      "skipped: the FIPS module .* does not load: error:.*self test", // another file's
		"(?m)^fips = fips\n":   "skipped: the FIPS module .* does not load: error:",            // nobody activates it
		"(?m)^base = base\n":   "error while initializing module tls",                          // nobody reads the key's file
		"(?m)^providers = .*$": "skipped: the FIPS module .* does not load: error:",            // OpenSSL's built-in defaults
	} {
		tr := d.Server(Settings{Mode: 0})(hazardTrial(d, "fips", catalogue.NegativeControl)).(*trial)
		if err := tr.Check(); err != nil {
			t.Fatal(err)
		}
		s := tr
		s.dir, s.id = filepath.Join(t.TempDir(), "daemon"), id
		if s.port, err = keeper.FreePort(0); err != nil {
			t.Fatal(err)
		}
		if s.fips, err = neighbours.FIPSIn(d.OpenSSL, d.LibraryPath); err != nil {
			t.Fatal(err)
		}
		inject := append(injection(tr.cfg.Strategy, setUpCall(d.Release, s.hazard)), s.hazardInjection()...)
		p, err := s.start(object, inject, func() error {
			if err := s.write(); err != nil {
				return err
			}
			file := filepath.Join(s.dir, opensslConfig)
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			doctored := regexp.MustCompile(doctor).ReplaceAllString(string(text), "module-mac = 00")
			return os.WriteFile(file, []byte(doctored), 0o600)
		})
		if err != nil {
			t.Fatal(err)
		}
		until(t, "the daemon has ended, or serves", func() bool {
			_, started := p.saw(noteActed)
			return started || ended(p)
		})
		p.close()
		if _, started := p.saw(noteActed); started || !regexp.MustCompile(want).MatchString(p.logEnd(2)) {
			t.Errorf("without %s: %s; want %s", doctor, p.logEnd(2), want)
		}
	}
}

func ended(p *process) bool {
	select {
	case <-p.kept.Gone:
		return true
	default:
		return false
	}
}
