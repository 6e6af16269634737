package selftest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"tlsbench/workload"
	"tlsbench/workload/openssl"
)

const seed = 2026

// short is a selftest of a few seconds on the system's OpenSSL.
func short(t *testing.T, cell Cell, faults, broken []string) *Report {
	t.Helper()
	builds, err := openssl.Find([]string{"system"}, "")
	if err != nil {
		t.Fatal(err)
	}
	s := Spec{Build: builds[0], Loads: []string{cell.Load}, Heaps: []string{cell.Heap}, Workers: 4, Seed: seed, Quick: true,
		Faults: ofNames(Faults, faults), Broken: ofNames(Strategies, broken)}
	t.Logf("seed %d", seed)
	return mustRun(t, s)
}

// ofNames gives those of some names, all if there is none.
func ofNames[T fmt.Stringer](all []T, names []string) []T {
	return slices.DeleteFunc(slices.Clone(all), func(v T) bool { return names != nil && !slices.Contains(names, v.String()) })
}

// mustRun makes a selftest again in which a trial was disturbed: it says nothing.
func mustRun(t *testing.T, s Spec) *Report {
	t.Helper()
	for try := 1; ; try++ {
		r, err := Run(context.Background(), s, func(string) {})
		if err == nil {
			return r
		}
		if disturbed, ok := errors.AsType[*workload.DisturbedError](err); !ok || try == 5 {
			t.Fatal(err)
		} else {
			t.Logf("again: %v", disturbed)
		}
	}
}

// Deterministic detectors find every fault, name its worker, and nothing else.
// What has to look needs more faults than a test has time for: tlsbench selftest.
func TestDeterministicDetectors(t *testing.T) {
	var exact []string
	for _, f := range Faults {
		if !f.Looks {
			exact = append(exact, f.Name)
		}
	}
	for _, c := range []Cell{{"memory", "global"}, {"tcp", "scalable"}} {
		t.Run(c.Load+"-"+c.Heap, func(t *testing.T) {
			r := short(t, c, exact, []string{"none"})
			for _, line := range r.Shortfalls() {
				t.Error(line)
			}
			if len(r.Rows) != len(exact) || r.OpenSSL == "" {
				t.Errorf("%d rows for %d faults on OpenSSL %q", len(r.Rows), len(exact), r.OpenSSL)
			}
		})
	}
}

// Each race that is made on purpose is told rightly, and nothing else is one.
func TestRaces(t *testing.T) {
	builds, err := openssl.Find([]string{"system"}, "")
	if err != nil {
		t.Fatal(err)
	}
	s := Spec{Build: builds[0], Workers: 4, Seed: seed, Quick: true, Races: workload.Races}
	r := mustRun(t, s)
	for _, line := range r.Shortfalls() {
		t.Error(line)
	}
	if len(r.Races) != len(workload.Races) || r.Still.Trials < 2 {
		t.Errorf("%d rows of %d races, %d trials without one", len(r.Races), len(workload.Races), r.Still.Trials)
	}
}

// Each broken strategy is told from the good one by its own sign.
func TestBrokenStrategies(t *testing.T) {
	r := short(t, Cell{"memory", "global"}, []string{"none"}, nil)
	for _, line := range r.Shortfalls() {
		t.Error(line)
	}
	if len(r.Strategies) != len(Strategies)+1 || !r.Strategies[0].Good {
		t.Errorf("%d strategies, want the good one and %d broken ones", len(r.Strategies), len(Strategies))
	}
}

// The rig can make no fault that the selftest does not know.
func TestEveryFaultIsTried(t *testing.T) {
	for _, name := range workload.Faults[1:] {
		race := slices.ContainsFunc(workload.Races, func(r workload.Race) bool { return r.Fault == name })
		if len(ofNames(Faults, []string{name})) == 0 && !race {
			t.Errorf("fault %s is not tried", name)
		}
	}
	if n := len(Faults) + len(workload.Races); n != len(workload.Faults)-1 {
		t.Errorf("%d faults and races, the rig has %d", n, len(workload.Faults)-1)
	}
}

func TestCompilerIsMissing(t *testing.T) {
	t.Setenv("CC", "no-such-compiler")
	_, err := good.compile(context.Background(), t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "CC names another compiler") || !strings.Contains(err.Error(), "no-such-compiler") {
		t.Errorf("error %v", err)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	builds, err := openssl.Find([]string{"system"}, "")
	if err != nil {
		t.Fatal(err)
	}
	s := Spec{Build: builds[0], Loads: []string{"memory"}, Heaps: []string{"global"}, Workers: 2, Seed: seed, Faults: Faults}
	if _, err := Run(ctx, s, func(string) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that it was cancelled", err)
	}
}
