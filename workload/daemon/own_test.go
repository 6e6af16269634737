package daemon

import (
	"context"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"tlsbench/strategies/catalogue"
	"tlsbench/workload"
	"tlsbench/workload/openssl"
	"tlsbench/workload/sharedlib"
	"tlsbench/workload/strategytest"
)

// ownFix compiles a fix that is no part of the suite, as a user would.
func ownFix(t *testing.T, name string) catalogue.Choice {
	t.Helper()
	return strategytest.Compile(t, name, sharedlib.Source{Files: os.DirFS("testdata/own"), Pattern: name + ".c"})
}

// lifeThatServed is the first of some lives in which a handshake was made: under a
// bad fix damage may come before it.
func lifeThatServed(t *testing.T, cfg workload.Config) *workload.Outcome {
	t.Helper()
	for cfg.Seed = 1; ; cfg.Seed++ {
		out, err := workload.Run(context.Background(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if out.Handshakes > 0 || cfg.Seed == 5 {
			return out
		}
	}
}

// A good and a bad fix of a few lines are told apart by the rig.
func TestOwnFixInTheRig(t *testing.T) {
	builds, err := openssl.Find([]string{"system"}, "")
	if err != nil {
		t.Fatal(err)
	}
	for name, damaged := range map[string]bool{"good": false, "bad": true} {
		out := lifeThatServed(t, workload.Config{
			Build: builds[0], Strategy: ownFix(t, name), Workers: 4, BadShare: 0.2, CheckRate: 4, EchoBytes: 64, Duration: 2 * time.Second,
		})
		if (len(out.Events) > 0) != damaged || out.Handshakes == 0 {
			t.Errorf("%s: %v in %d handshakes, want damage: %v", name, out.Events, out.Handshakes, damaged)
		}
	}
}

// The same objects act in a process that knows nothing of them.
func TestOwnFixInASmallDaemon(t *testing.T) {
	program, module, object := smallDaemon(t)
	for name, want := range map[string]string{
		"good": `good: set up when .*\nfilled 1, my own kept\n$`,
		"bad":  `bad: set up when .*\nfilled [2-9], my own kept\n$`,
	} {
		got := runSmall(t, program, module, object, injection(ownFix(t, name), "OPENSSL_init_ssl")...)
		if !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("%s: %q, want %s", name, got, want)
		}
	}
}

// And in the real daemon.
func TestOwnFixInTheDaemon(t *testing.T) {
	t.Parallel()
	d := installed(t, "5.6")
	for name, damaged := range map[string]bool{"good": false, "bad": true} {
		cfg := standInTrial(d, noMode)
		cfg.Strategy, cfg.Workers, cfg.Duration = ownFix(t, name), 4, 15*time.Second
		if !damaged {
			cfg.Duration = 4 * time.Second
		}
		out := lifeThatServed(t, cfg)
		if out.Damaged() != damaged || out.Handshakes == 0 || !strings.HasPrefix(out.Mark, name+": set up when the TLS module was loaded") {
			t.Errorf("%s: %+v; want damage: %v", name, *out, damaged)
		}
	}
}
