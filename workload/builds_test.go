package workload

import (
	"context"
	"errors"
	"testing"
	"time"

	"tlsbench/results"
	"tlsbench/results/event"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload/fetch"
	"tlsbench/workload/openssl"
)

// Every OpenSSL that this machine has: the system's, and those that "tlsbench
// openssl fetch" brought, with 1.1.1, which is fetched where it can be. On each
// the controls do what controls must, and the files that a trial had mapped are
// the build's own.
func TestEveryBuild(t *testing.T) {
	fetchOld(t)
	builds, err := openssl.Find([]string{"all"}, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, build := range builds {
		t.Run(build.Name+"-"+build.Version, func(t *testing.T) {
			for _, load := range results.Loads.Names() {
				cfg := corruption(t, catalogue.NegativeControl, load)
				cfg.Build, cfg.Duration, cfg.CheckRate = build, 300*time.Millisecond, 4
				checkFiles(t, build, undamaged(t, load, cfg))

				cfg.Strategy.Name = catalogue.PositiveControl
				cfg.Duration = 2 * time.Second
				hurts := func(o *Outcome) bool { return o.Damaged() && o.SharedSlots > 0 }
				if out := retry(t, cfg, hurts, nil); !out.Damaged() || out.SharedSlots == 0 {
					t.Errorf("%s: none had %d handshakes, %d shared slots, no event", load, out.Handshakes, out.SharedSlots)
				}
			}
		})
	}
}

// fetchOld brings OpenSSL 1.1.1, which is small, and has a ledger of errors that
// no later release needs. A machine that cannot have it says so.
func fetchOld(t *testing.T) {
	t.Helper()
	got, err := openssl.Fetch(context.Background(), []string{"1.1.1"}, fetch.Options{Log: t.Logf})
	for _, f := range got {
		err = errors.Join(err, f.Err)
	}
	if err != nil {
		t.Logf("OpenSSL 1.1.1 cannot be had here: %v", err)
	}
}

// old gives OpenSSL 1.1.1; without it a test is skipped.
func old(t *testing.T) openssl.Build {
	t.Helper()
	fetchOld(t)
	builds, err := openssl.Find([]string{"1.1.1"}, "")
	if err != nil {
		t.Skipf("no OpenSSL 1.1.1: %v", err)
	}
	return builds[0]
}

// On 1.1.1 errors have no owner that OpenSSL keeps in the heap, so the ledger
// finds what it does elsewhere: entries put in and taken out, and no others.
func TestErrorQueueOfOldBuild(t *testing.T) {
	build := old(t)
	for _, fault := range []string{"foreign-error", "swallowed-error"} {
		for _, load := range results.Loads.Names() {
			t.Run(fault+"/"+load, func(t *testing.T) {
				cfg := corruption(t, catalogue.NegativeControl, load)
				cfg.Build, cfg.Fault, cfg.FaultGap, cfg.FaultWorker = build, fault, 600*time.Microsecond, 2
				cfg.Duration, cfg.Handshakes, cfg.BadShare = 0, 400, 0
				out := retry(t, cfg, func(o *Outcome) bool { return o.Injected > 0 && o.Timeouts == 0 }, nil)
				delete(out.Events, event.FailedHandshake) // an entry in the midst of one may fail it
				if out.Injected == 0 || out.Events["foreign-error"] != out.Injected || len(out.Events) != 1 {
					t.Errorf("%d faults %v, events %v: %v", out.Injected, out.Injections, out.Events, out.Noted)
				}
			})
		}
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
	for _, s := range catalogue.All() {
		if s.Name == "pointer-match" { // what it does not know stays shared, see TestPointerMatchClearsThree
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			shared := s.Name == catalogue.PositiveControl
			p, err := Probe(context.Background(), Config{Build: system(t), Strategy: catalogue.Choice{Name: s.Name}})
			if err != nil {
				t.Fatal(err)
			}
			if (p.SharedAddresses > 0) != shared {
				t.Errorf("%d addresses shared", p.SharedAddresses)
			}
			if own := ofOpenSSL(p); own < 4 {
				t.Errorf("only %d keys of OpenSSL in the ledger %+v", own, p.Keys)
			}
			if !shared && len(p.Events) > 0 {
				t.Errorf("events %v, want none", p.Events)
			}
			for _, s := range p.Keys {
				if s.State == event.SharedSlot && !shared {
					t.Errorf("key %d is shared: %+v", s.Key, s)
				}
			}
		})
	}
}

func ofOpenSSL(p *Probed) int {
	n := 0
	for _, s := range p.Keys {
		if s.OpenSSL {
			n++
		}
	}
	return n
}
