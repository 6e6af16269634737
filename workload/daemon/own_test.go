package daemon

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"tlsbench/results"
	"tlsbench/strategies"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload"
	"tlsbench/workload/openssl"
	"tlsbench/workload/sharedlib"
)

// ownFix compiles a fix that is no part of the suite, as a user would.
func ownFix(t *testing.T, name string) catalogue.Choice {
	t.Helper()
	object := filepath.Join(t.TempDir(), name+".so")
	recipe := sharedlib.Recipe{
		Flags: []string{"-std=c11", "-Wall", "-Wextra", "-Werror"},
		From: []sharedlib.Source{
			{Files: os.DirFS("testdata/own"), Pattern: name + ".c"},
			{Files: strategies.Source, Pattern: "*.h"},
		},
	}
	if err := recipe.Compile(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	return choice(t, object)
}

// ownPlan asks of a daemon, and of the rig, what becomes of them under an own
// fix.
func ownPlan(t *testing.T, d Daemon, fix catalogue.Choice) *Plan {
	return &Plan{Daemons: []Daemon{d}, Strategies: []catalogue.Choice{fix}, MemSafety: []int{1}, Python: []string{""},
		Readers: 4, BadShare: 0.2, TLS: "1.3", Seed: 1, Rounds: 1, Duration: 15 * time.Second, RigDuration: 2 * time.Second}
}

// A good and a bad fix of a few lines are told apart by the rig.
func TestOwnFixInTheRig(t *testing.T) {
	builds, err := openssl.Find([]string{"system"}, "")
	if err != nil {
		t.Fatal(err)
	}
	for name, damaged := range map[string]bool{"good": false, "bad": true} {
		c := Case{Daemon: daemon(t, "6.0"), Strategy: ownFix(t, name), MemSafety: 1}
		out, err := workload.Run(context.Background(), c.rig(ownPlan(t, c.Daemon, c.Strategy), builds[0], 1))
		if err != nil {
			t.Fatal(err)
		}
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

// And in the real daemon: the whole way from a plan
// to the agreement.
func TestOwnFixInTheDaemon(t *testing.T) {
	t.Parallel()
	d := installed(t, "5.6")
	for name, damaged := range map[string]bool{"good": false, "bad": true} {
		p := ownPlan(t, d, ownFix(t, name))
		p.RigDuration = 0
		if !damaged {
			p.Duration = 4 * time.Second
		}
		path := filepath.Join(t.TempDir(), "field.txt")
		if _, err := (&Runner{Plan: p}).Run(context.Background(), path); err != nil {
			t.Fatal(err)
		}
		f, err := results.ReadField(path)
		if err != nil {
			t.Fatal(err)
		}
		got := results.SummarizeField(f).Comparisons[0]
		if (got.Daemon.Damaged == 1) != damaged || got.Daemon.Trials != 1 || got.Facts.Served == 0 || got.Fix() != name || got.Mark() != "TLS module" {
			t.Errorf("%s: daemon %v, %+v, mark %q; want damage: %v", name, got.Daemon, got.Facts, got.Mark(), damaged)
		}
	}
}
