package bench

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"tlsbench/results"
	"tlsbench/results/event"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload"
	"tlsbench/workload/openssl"
)

// seedFlag makes a random test repeatable: it prints its seed when it fails.
var seedFlag = flag.Uint64("bench.seed", 0, "seed of random tests, 0 = a new one")

func newRand(t *testing.T) *rand.Rand {
	t.Helper()
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-bench.seed=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// fakeBuild is a build that only its label tells apart.
func fakeBuild(label string) Build {
	return Build{Label: label, Build: openssl.Build{
		Name: label, Libcrypto: "/lib/" + label + "/libcrypto.so", Libssl: "/lib/" + label + "/libssl.so",
	}}
}

func choose(names ...string) []results.Strategy {
	var list []results.Strategy
	for _, n := range names {
		list = append(list, results.Strategy{Choice: catalogue.Choice{Name: n}})
	}
	return list
}

// smallSpec has 5 cells: hwm in three measures, and two controls.
func smallSpec() Spec {
	return Spec{Spec: results.Spec{
		Strategies: choose("hwm"),
		Rounds:     4, Seed: 7, HandshakeTime: time.Second, CorruptionTime: time.Second,
	}, Builds: []Build{fakeBuild("3.0.20")}}
}

func mustPlan(t testing.TB, s Spec, sh Shard) *Plan {
	t.Helper()
	p, err := NewPlan(s, sh)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var fakeMachine = Machine{
	CPU: "Fake 3000", Cores: 2, Kernel: "Linux 1.2.3", Memory: "8 GiB", Libc: "glibc 2.36",
	Governor: "none", THP: "never", GOMAXPROCS: 2, Go: "go1.26", CC: "gcc 12",
}

// fakeExecute makes outcomes out of the configuration alone, at once.
func fakeExecute(ctx context.Context, c workload.Config) (*workload.Outcome, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	o := &workload.Outcome{
		Life:     results.Life{Handshakes: 1100, Attempts: 1100, Load: c.Duration, Checks: 1000 * uint64(c.CheckRate), Draws: 4000 * uint64(c.CheckRate)},
		Measured: 1000, Rate: 1000, CPU: time.Second, Latency: []float64{1e6, 2e6, 3e6},
	}
	if c.Strategy.Name == catalogue.PositiveControl {
		o.Events = map[string]uint64{event.DoubleFree: 2}
		o.FirstEvent = time.Millisecond
	}
	return o, nil
}

func newRunner(p *Plan) *Runner {
	return &Runner{Plan: p, Machine: fakeMachine, Execute: fakeExecute}
}

func resultsPath(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "r.txt")
}

func readTrials(t *testing.T, path string) []*results.Trial {
	t.Helper()
	set, err := results.ReadFiles(path)
	if err != nil {
		t.Fatal(err)
	}
	if set.Files[0].Torn {
		t.Errorf("%s is torn", path)
	}
	return set.Trials
}

// identities names what makes a trial the one of the plan.
func identities(list []*results.Trial) map[int]string {
	out := make(map[int]string)
	for _, t := range list {
		out[t.ID] += fmt.Sprintf("%s round %d seed %d;", t.Cell.Name(), t.Round, t.Seed)
	}
	return out
}

// planned is identities of a plan.
func planned(p *Plan) map[int]string {
	out := make(map[int]string)
	for t := range p.Tasks() {
		out[t.ID] += fmt.Sprintf("%s round %d seed %d;", t.Cell.Name(), t.Round, t.Seed)
	}
	return out
}
