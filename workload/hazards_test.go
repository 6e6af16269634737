package workload

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tlsbench/results"
	"tlsbench/results/event"
	"tlsbench/strategies/catalogue"
)

// Every hazard of the C table has its line in the catalogue and the other way
// round, in the same order.
func TestHazardCatalogueMatchesTable(t *testing.T) {
	var names, compiled []string
	for _, h := range results.Hazards() {
		if h.File != "" {
			names = append(names, h.Name)
		}
	}
	defined := map[string]string{} // name by the name in C
	files, err := filepath.Glob("rig/hazard_*.c")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range append(files, "rig/hazardlist.h") {
		source, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^const struct hazard hazard_(\w+) = \{\n\t\.name = "([^"]+)",`).FindAllStringSubmatch(string(source), -1) {
			defined[m[1]] = m[2]
		}
		for _, m := range regexp.MustCompile(`(?m)^HAZARD\((\w+)\)$`).FindAllStringSubmatch(string(source), -1) { // it comes last
			compiled = append(compiled, defined[m[1]])
		}
	}
	if diff := cmp.Diff(names, compiled); diff != "" {
		t.Errorf("catalogue (-) and hazardlist.h (+) differ:\n%s", diff)
	}
}

// Every C file of a hazard is named in the catalogue and the other way round.
func TestHazardCatalogueMatchesFiles(t *testing.T) {
	files, err := filepath.Glob("rig/hazard_*.c")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, h := range results.Hazards() {
		if h.File == "" {
			continue
		}
		named[h.File] = true
		source, err := os.ReadFile(filepath.Join("rig", h.File))
		if err != nil {
			t.Errorf("hazard %s: %v", h.Name, err)
		} else if !strings.Contains(string(source), `"`+h.Name+`"`) {
			t.Errorf("%s does not name its hazard %q", h.File, h.Name)
		}
	}
	for _, f := range files {
		if !named[filepath.Base(f)] {
			t.Errorf("%s has no line in the catalogue", f)
		}
	}
}

// hazardTrial is a short corruption trial under a hazard.
func hazardTrial(t testing.TB, hazard, strategy, load string) Config {
	cfg := corruption(t, strategy, load)
	cfg.Hazard, cfg.Duration = hazard, 500*time.Millisecond
	return cfg
}

// expectDeviation prints what the catalogue did not expect, as a finding: short
// trials are no ground to fail on.
func expectDeviation(t testing.TB, cfg Config, out *Outcome) {
	t.Helper()
	if out.Skipped != "" || out.NotApplicable != "" {
		return
	}
	line, err := results.Deviation(cfg.Hazard, cfg.Strategy.String(), out.OpenSSLVersion, cfg.Key, out.Events)
	if err != nil {
		t.Error(err)
	}
	if line != "" {
		t.Logf("finding: %s: %v", line, out.Events)
	}
}

// The foreign keys exist, are foreign in the ledger, and each worker under a
// strategy that clears them loses just those that it clears.
func TestForeignKeys(t *testing.T) {
	keys := results.KeysOfOpenSSL(system(t).Version)
	for _, tc := range []struct {
		hazard, strategy string
		lost             int64 // for each worker
	}{
		{"foreign-before:n=5", "key-owner", 0},
		{"foreign-before:n=5", "thread-stop", 0},
		{"foreign-before:n=5", "shm-match", 0},
		{"foreign-before:n=5", "clear-0-15", 5},
		{"foreign-before:n=5", "hwm", 5},
		{"foreign-before:n=40", "clear-0-15", 16},
		{"foreign-before:n=40", "hwm", 32},
		{"foreign-after", "hwm", 0},
		{"foreign-after", "clear-0-15", 16 - keys},
	} {
		t.Run(tc.hazard+"/"+tc.strategy, func(t *testing.T) {
			cfg := hazardTrial(t, tc.hazard, tc.strategy, "memory")
			cfg.Duration, cfg.Handshakes = 0, 16
			out := mustRun(t, cfg)
			if got := out.Events["lost-slot"]; got != uint64(tc.lost)*out.Forks || out.Forks != uint64(cfg.Workers) {
				t.Errorf("%d slots lost by %d workers, want %d each", got, out.Forks, tc.lost)
			}
			if tc.lost == 0 && out.Damaged() {
				t.Errorf("events %v, want none: %v", out.Events, out.Noted)
			}
			if len(out.Acts) != 1 || out.Acts[0].Rank0 == 0 {
				t.Errorf("acts %v", out.Acts)
			}
		})
	}
}

// Each foreign key pushes OpenSSL's one further: the first of them that lies past
// a strategy's bound stays shared, and the exposure shows it without any luck.
func TestForeignKeysPushOpenSSLOut(t *testing.T) {
	keys := results.KeysOfOpenSSL(system(t).Version)
	for _, tc := range []struct {
		strategy string
		bound    int64
	}{{"clear-0-15", 16}, {"hwm", 32}, {"pointer-match", 32}} {
		t.Run(tc.strategy, func(t *testing.T) {
			if plainHurts(t, tc.strategy) {
				return // this one finds nothing to clear, wherever the keys are
			}
			left := sharedUnder(t, "plain", tc.strategy)
			for _, n := range []int64{tc.bound - keys, tc.bound - keys + 1} {
				got := sharedUnder(t, fmt.Sprintf("foreign-before:n=%d", n), tc.strategy)
				if past := n > tc.bound-keys; past && got <= left || !past && got != left {
					t.Errorf("%d foreign keys: workers share %d slots, %d without; want more: %v", n, got, left, past)
				}
			}
		})
	}
}

// plainHurts says that a strategy is expected to fail with OpenSSL alone.
func plainHurts(t *testing.T, strategy string) bool {
	t.Helper()
	words, err := results.Expected(results.Plain, strategy, system(t).Version, results.Keys.Default())
	if err != nil {
		t.Fatal(err)
	}
	return len(words) > 0
}

// sharedUnder gives the exposure of two workers in a short trial.
func sharedUnder(t *testing.T, hazard, strategy string) int {
	t.Helper()
	cfg := hazardTrial(t, hazard, strategy, "memory")
	cfg.Duration, cfg.Handshakes, cfg.Workers = 0, 16, 2
	return mustRun(t, cfg).SharedSlots
}

// The three pointers that OpenSSL hands out are what pointer-match takes from
// the exposure, where slots hold them: it leaves the rest.
func TestPointerMatchClearsThree(t *testing.T) {
	if plainHurts(t, "pointer-match") {
		return
	}
	none, match := sharedUnder(t, "plain", "none"), sharedUnder(t, "plain", "pointer-match")
	if match != none-3 {
		t.Errorf("workers share %d slots under pointer-match and %d under none, want 3 less", match, none)
	}
}

// Hazards that need nothing on the machine: with the oracle as strategy nothing
// is damaged, and the hazard happened.
func TestHazardsUnderOracle(t *testing.T) {
	memory := []string{"memory"}
	for _, tc := range []struct {
		hazard string
		loads  []string
		happen func(Config, *Outcome) bool
	}{
		{"foreign-before:n=40", memory, inRank0},
		{"rank0-client", results.Loads.Names(), servedRank0},
		{"rank0-client:wrapped=1", memory, servedRank0},
		{"between-forks", memory, func(c Config, o *Outcome) bool { return o.Acts[0].Rank0 == uint64(c.Workers) }}, // set-up, and between
		{"shared-ctx", memory, inRank0},
		{"many-errors", memory, inWorkers},
		{"handoff", results.Loads.Names(), inWorkers},
		{"late-forks:after=8", results.Loads.Names(), retired},
		{"late-forks:after=8;thread-stop=1", memory, retired},
		{"mutual-tls", memory, inWorkers},
		{"reload:every=4", memory, inWorkers},
		{"long-lived", memory, inWorkers},
		{"provider-state", memory, inWorkers},
		{"provider-state:when=after", memory, inWorkers},
		{"atfork-user", memory, inWorkers},
		{"atfork-user:order=after;side=child", memory, inWorkers},
		{"worker-forks:every=8", memory, inWorkers},
		{"rank0-thread", memory, inRank0},
		{"parent-errors", memory, inRank0},
		{"foreign-shared", memory, inRank0},
		{"second-context:n=3", memory, inWorkers},
		{"killed-worker:locked=heap", memory, killed},
		{"killed-worker:locked=none", results.Loads.Names(), killed},
		{"foreign-after:reuse=1", memory, inRank0},
	} {
		for _, load := range tc.loads {
			cfg := hazardTrial(t, tc.hazard, catalogue.NegativeControl, load)
			if load == "memory" {
				cfg.Duration, cfg.Handshakes = 0, 240
			}
			happened := func(o *Outcome) bool { return len(o.Acts) == 1 && tc.happen(cfg, o) }
			out := retry(t, cfg, happened, func(o *Outcome) {
				if o.Damaged() {
					t.Errorf("%s, %s: %v", tc.hazard, load, o.Noted)
				}
			})
			if !happened(out) {
				t.Errorf("%s, %s: did not happen: %+v, %d forks, %v", tc.hazard, load, out.Acts, out.Forks, out.Served)
			}
		}
	}
}

func inRank0(_ Config, o *Outcome) bool { return o.Acts[0].Rank0 > 0 }

// inWorkers says that more than one did it: which worker is served is luck.
func inWorkers(_ Config, o *Outcome) bool {
	n := 0
	for _, acts := range o.Acts[0].Workers {
		n += int(min(acts, 1))
	}
	return n > 1
}

func servedRank0(_ Config, o *Outcome) bool { return o.Served["/rank0-client"] == 1 }

func retired(c Config, o *Outcome) bool {
	return o.Retired > 0 && o.Forks == uint64(c.Workers)+o.Retired && inWorkers(c, o)
}

// killed ones are replaced, as the retired are.
func killed(c Config, o *Outcome) bool { return o.Retired > 0 && o.Forks > uint64(c.Workers) }

// What the hazards are there for: each hurts the strategies it is known to.
func TestHazardsHurt(t *testing.T) {
	for _, tc := range []struct{ hazard, strategy string }{
		{"foreign-before:n=20", "clear-0-15"},
		{"foreign-before:n=40", "hwm"},
		{"rank0-client", "temp-thread"},
		{"between-forks", "temp-thread"},
		{"shared-ctx:rsa=1", "hwm"},
		{"private-locks", "key-owner"},
		{"many-errors", "none"},
		{"late-forks:after=8;thread-stop=1", "pointer-match"},
		{"provider-state", "thread-stop"},
		{"provider-state:when=after", "hwm"},
		{"tls-variable", "shm-match"},
		{"atfork-user", "thread-stop"},
		{"worker-forks:every=8", "temp-thread"},
		{"orderly-exit", "key-owner"},
		{"orderly-exit:who=rank0", "key-owner"},
		{"killed-worker", "key-owner"},
		{"second-context", "temp-thread"},
		{"parent-errors", "thread-stop"},
	} {
		cfg := hazardTrial(t, tc.hazard, tc.strategy, "memory")
		cfg.HangAfter = 500 * time.Millisecond
		if !hurt(t, cfg) {
			t.Errorf("%s, %s: no corruption in some seconds of load", tc.hazard, tc.strategy)
		}
	}
}

// The two that wipe what is not theirs: by the number of a key, and by the value
// behind it.
func TestForeignKeysWiped(t *testing.T) {
	for _, tc := range []struct{ hazard, strategy string }{
		{"foreign-after:reuse=1", "hwm"},
		{"foreign-shared", "shm-match"},
	} {
		out := mustRun(t, hazardTrial(t, tc.hazard, tc.strategy, "memory"))
		if len(out.Events) != 1 || out.Events[event.LostSlot] == 0 {
			t.Errorf("%s, %s: events %v, want lost slots alone: %v", tc.hazard, tc.strategy, out.Events, out.Noted)
		}
	}
}

// The oracle owns what a module of OpenSSL registers, and no one else's: its slot
// is cleared under the oracle, and that is no loss.
func TestOracleOwnsModules(t *testing.T) {
	for _, when := range []string{"before", "after"} {
		out := mustRun(t, hazardTrial(t, "provider-state:when="+when, catalogue.NegativeControl, "memory"))
		if out.Damaged() {
			t.Errorf("loaded %s: %v", when, out.Noted)
		}
		p, err := Probe(t.Context(), Config{Build: system(t), Hazard: "provider-state:when=" + when,
			Strategy: catalogue.Choice{Name: catalogue.NegativeControl}})
		if err != nil {
			t.Fatal(err)
		}
		var modules []event.SlotState
		for _, s := range p.Keys {
			if s.OpenSSL && !strings.HasPrefix(s.Creator, "libcrypto") && !strings.HasPrefix(s.Creator, "libssl") {
				modules = append(modules, s.State)
			}
		}
		if !slices.Equal(modules, []event.SlotState{event.Cleared}) {
			t.Errorf("loaded %s: the keys of modules are %v, want one that is cleared: %+v", when, modules, p.Keys)
		}
	}
}

// hurt runs trials until one corrupts, each longer than the one before: which one does
// is luck, and how long it takes the machine's to say.
func hurt(t *testing.T, cfg Config) bool {
	for seed := range uint64(8) {
		cfg.Seed = seed
		saw := event.WordsOf(mustRun(t, cfg).Events)
		if slices.ContainsFunc(saw, func(w event.Word) bool { return w != event.Collateral }) {
			return true
		}
		cfg.Duration = min(2*cfg.Duration, 8*time.Second)
	}
	return false
}

// What a hazard cannot do with the other settings skips the trial with the reason,
// and what is no hazard is refused.
func TestHazardRefusals(t *testing.T) {
	for _, tc := range []struct {
		change func(*Config)
		want   string
	}{
		{func(c *Config) { c.Hazard, c.Workers = "handoff", 2 }, "needs 3 workers or more, not 2"},
		{func(c *Config) { c.Hazard, c.Heap = "handoff", "private" }, "needs a shared heap"},
		{func(c *Config) { c.Hazard, c.Heap = "shared-ctx", "private" }, "needs a shared heap"},
		{func(c *Config) { c.Hazard, c.Heap = "worker-forks", "scalable" }, "needs a heap with one lock"},
		{func(c *Config) { c.Hazard, c.Heap = "foreign-after+rank0-thread", "scalable" }, "needs a heap with one lock"},
		{func(c *Config) { c.Hazard, c.Build.Loader = "curl", "/other/loader" }, "has to come from the same release"},
	} {
		cfg := hazardTrial(t, "plain", catalogue.NegativeControl, "memory")
		tc.change(&cfg)
		out := mustRun(t, cfg)
		if !strings.Contains(out.Skipped, tc.want) || out.Handshakes > 0 {
			t.Errorf("%s: skipped %q, want %q", cfg.Hazard, out.Skipped, tc.want)
		}
	}
	cfg := hazardTrial(t, "plains", catalogue.NegativeControl, "memory")
	if _, err := Run(context.Background(), cfg); err == nil || !strings.Contains(err.Error(), `unknown hazard "plains"`) {
		t.Errorf("unknown hazard: %v", err)
	}
}

// A neighbour with an OpenSSL of its own is no trial of the build.
func TestOtherOpenSSL(t *testing.T) {
	tr := &trial{cfg: Config{Hazard: "curl"}, out: &Outcome{}}
	tr.cfg.Build.Libcrypto = "/a/libcrypto.so.3"
	tr.out.Files = []string{"/a/libcrypto.so.3", "/a/libssl.so.3", "/lib/libc.so.6"}
	if why := tr.otherOpenSSL(); why != "" {
		t.Errorf("one libcrypto: %s", why)
	}
	tr.out.Files = append(tr.out.Files, "/b/libcrypto.so.1.1")
	if why := tr.otherOpenSSL(); !strings.Contains(why, "uses /b/libcrypto.so.1.1, not /a/libcrypto.so.3") {
		t.Errorf("two: %q", why)
	}
}

func TestLacks(t *testing.T) {
	b := system(t)
	for _, h := range results.AllHazards() {
		why, err := Lacks(h, b)
		if h == "fips" && strings.Contains(why, "openssl-provider-fips") {
			continue // Debian's releases before 3.5 have no such package
		}
		if why != "" || err != nil {
			t.Errorf("%s on the system's OpenSSL: %q, %v", h, why, err)
		}
	}
	b.Loader = "/other/loader"
	if why, err := Lacks("python", b); !strings.Contains(why, "libpython") || err != nil {
		t.Errorf("python on a build that nothing was fetched for: %q, %v", why, err)
	}
}

// A trial in which the hazard never happened is an error once there was enough load
// for it; at set-up it needs none.
func TestIdle(t *testing.T) {
	const enough = 2 * enoughConnections
	for _, tc := range []struct {
		hazard     string
		handshakes uint64
		act        Act
		want       string
	}{
		{"rank0-client", 0, Act{}, "rank 0"},
		{"rank0-client", 0, Act{Rank0: 1}, ""},
		{"orderly-exit:who=rank0", enough - 1, Act{}, ""},
		{"orderly-exit:who=rank0", enough, Act{Workers: []uint64{1, 1}}, "rank 0"},
		{"orderly-exit:who=rank0", enough, Act{Rank0: 1}, ""},
		{"orderly-exit", enough, Act{Rank0: 1, Workers: []uint64{0, 0}}, "no worker"},
		{"orderly-exit", enough, Act{Workers: []uint64{0, 1}}, ""},
	} {
		list, err := results.ParseHazard(tc.hazard)
		if err != nil {
			t.Fatal(err)
		}
		tr := &trial{cfg: Config{Workers: 2}, out: &Outcome{Life: results.Life{Attempts: tc.handshakes}}}
		if why := tr.idle(list[0], tc.act); (why == "") != (tc.want == "") || !strings.Contains(why, tc.want) {
			t.Errorf("%s, %d handshakes, %+v: %q, want %q", tc.hazard, tc.handshakes, tc.act, why, tc.want)
		}
	}
}
