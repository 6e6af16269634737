package workload

import (
	"context"
	"testing"
	"time"

	"tlsbench/strategies"
	"tlsbench/workload/openssl"
)

// Every OpenSSL that this machine has: the system's, and those that "tlsbench
// openssl fetch" brought. On each the controls do what controls must, and the
// files that a trial had mapped are the build's own.
func TestEveryBuild(t *testing.T) {
	builds, err := openssl.Find([]string{"all"}, openssl.FindOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, build := range builds {
		t.Run(build.Name+"-"+build.Version, func(t *testing.T) {
			for _, load := range Loads {
				cfg := corruption(t, strategies.NegativeControl, load)
				cfg.Build, cfg.Duration, cfg.CheckRate = build, 300*time.Millisecond, 4
				out := mustRun(t, cfg)
				checkUndamaged(t, load, out)
				checkFiles(t, build, out)

				cfg.Strategy.Name = strategies.PositiveControl
				cfg.Duration = 2 * time.Second
				if out := mustRun(t, cfg); !out.Damaged() || out.SharedSlots == 0 {
					t.Errorf("%s: none had %d handshakes, %d shared slots, no event", load, out.Handshakes, out.SharedSlots)
				}
			}
		})
	}
}

func checkFiles(t *testing.T, build openssl.Build, out *Outcome) {
	t.Helper()
	want := map[string]bool{build.Libcrypto: true, build.Libssl: true}
	for _, file := range out.Files {
		delete(want, file)
	}
	if len(want) > 0 || out.OpenSSLVersion != build.Version {
		t.Errorf("version %s, mapped %v; want version %s from %s and %s",
			out.OpenSSLVersion, out.Files, build.Version, build.Libcrypto, build.Libssl)
	}
}

// What a probe must see on any build: the strategies that work leave nothing
// shared, none leaves what rank 0 had in the shared heap.
func TestProbe(t *testing.T) {
	for _, s := range strategies.All() {
		if s.Name == "pointer-match" { // what it does not know stays shared, see TestPointerMatchClearsThree
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			shared := s.Name == strategies.PositiveControl
			p, err := Probe(context.Background(), Config{Build: system(t), Strategy: strategies.Choice{Name: s.Name}})
			if err != nil {
				t.Fatal(err)
			}
			if (p.SharedSlots > 0) != shared {
				t.Errorf("%d addresses shared", p.SharedSlots)
			}
			if own := ofOpenSSL(p); own < 4 {
				t.Errorf("only %d keys of OpenSSL in the ledger %+v", own, p.Slots)
			}
			if !shared && len(p.Events) > 0 {
				t.Errorf("events %v, want none", p.Events)
			}
			for _, s := range p.Slots {
				if s.Fate == Shared && !shared {
					t.Errorf("key %d is shared: %+v", s.Key, s)
				}
			}
		})
	}
}

func ofOpenSSL(p *Probed) int {
	n := 0
	for _, s := range p.Slots {
		if s.OpenSSL {
			n++
		}
	}
	return n
}
