package workload

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tlsbench/results"
	"tlsbench/results/event"
	"tlsbench/results/inference"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload/rig"
)

// forking is a short trial of forks.
func forking(t testing.TB, strategy string) Config {
	return Config{
		Build: system(t), Strategy: catalogue.Choice{Name: strategy}, Workers: 1, Seed: 1,
		Fork: &ForkConfig{Pairs: 20, Sustained: 10, Memory: 8 << 20},
	}
}

func mustFork(t testing.TB, cfg Config) *Outcome {
	t.Helper()
	out := mustRun(t, cfg)
	if out.Damaged() || out.Fork.Stopped != nil {
		t.Fatalf("%s: %v, stopped: %v", cfg.Strategy, out.Noted, out.Fork.Stopped)
	}
	return out
}

// Every strategy: both arms, and all that a fork has to tell.
func TestForks(t *testing.T) {
	for _, s := range catalogue.All() {
		cfg := forking(t, s.Name)
		out := mustFork(t, cfg)
		f := out.Fork
		want := []string{"child"}
		switch s.Name {
		case "none", "temp-thread":
			want = nil
		case "thread-stop":
			want = []string{"prepare"}
		}
		if diff := cmp.Diff(want, f.Handlers); diff != "" {
			t.Errorf("%s: handlers (-want +got):\n%s", s.Name, diff)
		}
		if len(f.Forks) != 2*cfg.Fork.Pairs || len(f.ForkDifferences()) != cfg.Fork.Pairs {
			t.Errorf("%s: %d forks, %d differences", s.Name, len(f.Forks), len(f.ForkDifferences()))
		}
		if f.Sustained <= 0 || f.Bare <= 0 || out.Setup <= 0 || len(out.Files) == 0 {
			t.Errorf("%s: %v and %v forks/s, set-up %v, files %v", s.Name, f.Sustained, f.Bare, out.Setup, out.Files)
		}
		if cost := inference.Median(f.ClockCost, 0.95).Value; cost <= 0 || cost > 10e3 {
			t.Errorf("%s: a reading of the clock (%s) takes %v ns", s.Name, f.Clock, cost)
		}
		for i := range f.Forks {
			checkFork(t, s.Name, &f.Forks[i], f.Handlers)
		}
	}
}

// checkFork: a masked fork ran no handler, and its child did nothing. The
// handlers of another fork are part of its time.
func checkFork(t *testing.T, strategy string, s *ForkSample, handlers []string) {
	t.Helper()
	if s.Fork < 1e3 || s.Ready < 1e3 || s.Fork > 60e9 {
		t.Errorf("%s: fork %v ns, ready %v ns", strategy, s.Fork, s.Ready)
	}
	if did := s.FirstRandom > 0 && s.FirstHandshake > 1e3; did == s.Masked {
		t.Errorf("%s: masked %v, first random draw %v ns, first handshake %v ns", strategy, s.Masked, s.FirstRandom, s.FirstHandshake)
	}
	for i, name := range rig.Handlers {
		ran := slices.Contains(handlers, name)
		if (s.Cold[i] > 0) != (ran && !s.Masked) {
			t.Errorf("%s: masked %v, %s handler took %v ns", strategy, s.Masked, name, s.Cold[i])
		}
		if !s.Masked && (s.Warm[i] > 0) != ran {
			t.Errorf("%s: warm %s handler took %v ns", strategy, name, s.Warm[i])
		}
	}
	if s.Fork < s.Cold[0]+s.Cold[1] || s.Ready < s.Cold[0]+s.Cold[2] {
		t.Errorf("%s: handlers took %v, but fork %v ns and ready %v ns", strategy, s.Cold, s.Fork, s.Ready)
	}
}

// ownStrategy compiles a strategy for this test.
func ownStrategy(t *testing.T, source string) catalogue.Choice {
	t.Helper()
	c := ownObject(t, "own", []byte("#include \"strategy.h\"\n#include <stdlib.h>\n#include <time.h>\n"+source), "-std=gnu11", "-Wno-extra")
	return catalogue.Choice{Name: "own", Path: c.Path}
}

// Handlers that take a known time: each is charged for its own, and the paired
// difference finds what they add.
func TestForkTimesAreThoseOfHandlers(t *testing.T) {
	const prepare, parent, child = 200e3, 300e3, 400e3
	cfg := forking(t, "own")
	cfg.Fork.Pairs = 50
	cfg.Strategy = ownStrategy(t, `
static void spin(long ns) {
	struct timespec a, b;
	clock_gettime(CLOCK_MONOTONIC, &a);
	do clock_gettime(CLOCK_MONOTONIC, &b);
	while ((b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec < ns);
}
static void prepare(struct strategy_context *c) { (void)c; spin(200000); }
static void parent(struct strategy_context *c) { (void)c; spin(300000); }
static void child(struct strategy_context *c) { (void)c; spin(400000); }
const struct strategy tlsbench_strategy = {.abi = STRATEGY_ABI, .name = "own", .prepare = prepare, .parent = parent, .child = child};
`)
	f := mustFork(t, cfg).Fork
	least := map[string]float64{}
	for _, s := range f.Series() {
		least[s.Name] = slices.Min(s.Values)
	}
	for name, want := range map[string]float64{
		"prepare-handler-ns": prepare, "parent-handler-ns": parent, "child-handler-ns": child,
		"warm-prepare-handler-ns": prepare, "warm-parent-handler-ns": parent, "warm-child-handler-ns": child,
		"handler-ns": prepare + parent + child, "warm-handler-ns": prepare + parent + child,
	} {
		// A busy machine makes most longer, and nothing makes one shorter. The
		// two clocks may differ by a little.
		if got := least[name]; got < 0.99*want || got > 1.2*want {
			t.Errorf("%s: %.0f at least, want %.0f", name, got, want)
		}
	}
	for name, d := range map[string]struct {
		values   []float64
		from, to float64
	}{
		"fork-diff-ns": {f.ForkDifferences(), prepare + parent, prepare + parent},
		// A child that finds no free processor waits for the parent's handler.
		"ready-diff-ns": {f.ReadyDifferences(), prepare + child, prepare + child + parent},
	} {
		if e := inference.Median(d.values, 0.999); e.High < 0.9*d.from || e.Low > 1.3*d.to {
			t.Errorf("%s: %.0f (%.0f to %.0f), want %.0f to %.0f", name, e.Value, e.Low, e.High, d.from, d.to)
		}
	}
}

// Each pair has both arms, the seed decides the order, and neither arm follows
// the other more often than itself.
func TestForkOrder(t *testing.T) {
	order := func(seed uint64) []bool {
		cfg := forking(t, "none")
		cfg.Seed, cfg.Fork.Pairs, cfg.Fork.Sustained, cfg.Fork.Memory = seed, 64, 0, 0
		var list []bool
		for _, s := range mustFork(t, cfg).Fork.Forks {
			list = append(list, s.Masked)
		}
		return list
	}
	a, again, b := order(1), order(1), order(2)
	if !slices.Equal(a, again) {
		t.Error("one seed, two orders")
	}
	if slices.Equal(a, b) {
		t.Error("two seeds, one order")
	}
	turns := 0
	for i := 0; i < len(a); i += 2 {
		if a[i] == a[i+1] {
			t.Errorf("pair %d has one arm twice", i/2)
		}
		if i > 0 && a[i] != a[i-1] {
			turns++
		}
	}
	if turns > 8 {
		t.Errorf("the second fork of a pair and the next one differ %d times, at most every eighth may", turns)
	}
}

func TestForkDifferences(t *testing.T) {
	f := &ForkOutcome{Forks: []ForkSample{
		{Fork: 10, Ready: 100}, {Fork: 7, Ready: 120, Masked: true},
		{Fork: 5, Ready: 50, Masked: true}, {Fork: 9, Ready: 51},
		{Fork: 8}, // the loop ended here
	}}
	if diff := cmp.Diff([]float64{3, 4}, f.ForkDifferences()); diff != "" {
		t.Errorf("fork (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]float64{-20, 1}, f.ReadyDifferences()); diff != "" {
		t.Errorf("ready (-want +got):\n%s", diff)
	}
}

func TestForkMemory(t *testing.T) {
	cfg := forking(t, "hwm")
	cfg.Fork.Memory, cfg.Fork.Pairs = 24<<20, 2
	if f := mustFork(t, cfg).Fork; f.Resident < 24<<20 || f.Resident > 25<<20 || f.Huge != 0 {
		t.Errorf("24 MiB wanted: %d bytes, %d of them in huge pages", f.Resident, f.Huge)
	}
	cfg.Fork.HugePages = true
	setting, err := os.ReadFile("/sys/kernel/mm/transparent_hugepage/enabled")
	if err != nil || strings.Contains(string(setting), "[never]") {
		if _, err := Run(context.Background(), cfg); err == nil || !strings.Contains(err.Error(), "gives no transparent huge pages") {
			t.Errorf("a kernel without huge pages: error %v", err)
		}
		return
	}
	if f := mustFork(t, cfg).Fork; f.Huge < 8<<20 {
		t.Errorf("huge pages on: %d of %d bytes are in them", f.Huge, f.Resident)
	}
}

// Clearing takes longer the more keys there are to clear.
func TestForkFilledKeys(t *testing.T) {
	warm := func(keys int) float64 {
		cfg := forking(t, "hwm")
		cfg.Strategy.Params = map[string]int64{"scan": 1000}
		cfg.Fork.Keys = keys
		f := mustFork(t, cfg).Fork
		return inference.Median(f.values(false, func(s *ForkSample) float64 { return s.Warm.Sum() }), 0.95).Value
	}
	if few, many := warm(0), warm(900); many < 3*few {
		t.Errorf("warm handler: %v ns with no more keys, %v with 900", few, many)
	}
}

// offspring counts a process' children, zombies too.
func offspring(pid int) int {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return 0
	}
	return len(strings.Fields(string(data)))
}

// The limit of processes is reached in the middle of the loop: errno, what was
// measured, and no child left waiting. Root has no such limit, so the rig runs
// as somebody else then.
func TestForkLimitReached(t *testing.T) {
	cfg := forking(t, "hwm")
	cfg.Fork.Pairs = 100000
	cfg.Build.Loader = nobodysLoader(t)
	most := make(chan int, 1)
	out, err := serve(context.Background(), watchingForks(&forkTrial{trial: trial{cfg: cfg}}, func(pid int, b *rig.Block) func() {
		go func() {
			n := 0
			for len(b.Forks().Forks) < 30 {
				n = max(n, offspring(pid))
			}
			limit := asNobody([]string{"prlimit", "--nproc=0", "--pid", strconv.Itoa(pid)})
			if out, err := exec.Command(limit[0], limit[1:]...).CombinedOutput(); err != nil {
				t.Errorf("limit the processes of rank 0: %v: %s", err, out)
				syscall.Kill(-pid, syscall.SIGKILL)
			}
			most <- n
		}()
		return func() {}
	}))
	if err != nil {
		t.Fatal(err)
	}
	f := out.Fork
	if !errors.Is(f.Stopped, syscall.EAGAIN) || !strings.Contains(f.Stopped.Error(), "of 200000: ") {
		t.Errorf("stopped by %v, want EAGAIN", f.Stopped)
	}
	if len(f.Forks) < 30 || len(f.Forks) == 200000 || len(f.ForkDifferences()) < 15 || f.Series() == nil {
		t.Errorf("%d forks were kept", len(f.Forks))
	}
	if n := <-most; n > cfg.Workers+1 {
		t.Errorf("rank 0 had %d children at once, want %d at most", n, cfg.Workers+1)
	}
}

// asNobody makes a command run as a user who has no other process, where it is
// root that runs this test.
func asNobody(command []string) []string {
	if os.Geteuid() != 0 {
		return command
	}
	return append([]string{"setpriv", "--reuid=54321", "--regid=54321", "--clear-groups", "--"}, command...)
}

// nobodysLoader is a program that runs the rig as asNobody does. It takes a copy: the
// test binary lies in a folder that others cannot enter.
func nobodysLoader(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "tlsbench-fork-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	own, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	exe, loader := filepath.Join(dir, "rig"), filepath.Join(dir, "loader")
	script := "#!/bin/sh\nexec " + strings.Join(asNobody([]string{exe}), " ") + "\n"
	if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(exe, own, 0o755), os.Chmod(exe, 0o755),
		os.WriteFile(loader, []byte(script), 0o755)); err != nil {
		t.Fatal(err)
	}
	return loader
}

// A child that crashes ends the trial, with what was measured until then.
func TestForkedChildCrashes(t *testing.T) {
	cfg := forking(t, "own")
	cfg.Fork.Pairs = 1000
	cfg.Strategy = ownStrategy(t, fmt.Sprintf(`
%s
static void child(struct strategy_context *c) { (void)c; if (forks > %d) abort(); }
const struct strategy tlsbench_strategy = {.abi = STRATEGY_ABI, .name = "own", .child = child};
`, countForks, forksBefore))
	out := mustRun(t, cfg)
	if out.Events[event.Crash] != 1 || !strings.Contains(out.Noted[0].Detail, "signal 6") {
		t.Errorf("events %v: %v", out.Events, out.Noted)
	}
	if n := len(out.Fork.Forks); n == 0 || n >= 2000 {
		t.Errorf("%d forks were kept", n)
	}
}

// A strategy after whose first fork rank 0's generators fail is damaged: it is no fault
// of the harness.
func TestForkBreaksRank0(t *testing.T) {
	cfg := forking(t, "own")
	cfg.Fork.Pairs = 3
	cfg.Strategy = ownStrategy(t, `
static int (*set)(const void *);
static int refuse(unsigned char *bytes, int n) { (void)bytes; (void)n; return 0; }
static const struct { void *seed; int (*bytes)(unsigned char *, int); void *rest[4]; } method = {.bytes = refuse};
static int find(struct strategy_context *c) { set = (int (*)(const void *))c->symbol("RAND_set_rand_method"); return 0; }
static void parent(struct strategy_context *c) { (void)c; set(&method); }
const struct strategy tlsbench_strategy = {.abi = STRATEGY_ABI, .name = "own", .after_setup = find, .parent = parent};
`)
	out := mustRun(t, cfg)
	if out.Events[event.FailedHandshake] == 0 || !strings.Contains(out.Noted[0].Detail, "rank 0 draws between forks") {
		t.Errorf("events %v: %v", out.Events, out.Noted)
	}
	if n := len(out.Fork.Forks); n != 2*cfg.Fork.Pairs {
		t.Errorf("%d of %d forks were made", n, 2*cfg.Fork.Pairs)
	}
}

func TestForkBadConfig(t *testing.T) {
	for _, tc := range []struct {
		want string
		set  func(*Config)
	}{
		{"KiB of private memory already: choose more than the 64 KiB", func(c *Config) { c.Fork.Memory = 64 << 10 }},
		{"MiB of private memory for rank 0: cannot allocate memory", func(c *Config) { c.Fork.Memory = 1 << 46 }},
		{"unknown strategy nothing", func(c *Config) { c.Strategy.Name = "nothing" }},
	} {
		cfg := forking(t, "none")
		tc.set(&cfg)
		_, err := Run(context.Background(), cfg)
		if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want one line with %q", err, tc.want)
		}
	}
}

func TestForkTimeLimit(t *testing.T) {
	cfg := forking(t, "key-owner")
	cfg.Fork.Pairs, cfg.Fork.Limit = 1000000, 300*time.Millisecond
	if n := len(mustFork(t, cfg).Fork.Forks); n == 0 || n%2 != 0 || n == 2000000 {
		t.Errorf("%d forks within the limit of time", n)
	}
}

func TestCancelledForks(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cfg := forking(t, "hwm")
	cfg.Fork.Pairs = 1000000
	_, err := serve(ctx, watchingForks(&forkTrial{trial: trial{cfg: cfg}}, func(int, *rig.Block) func() {
		cancel()
		return func() {}
	}))
	if err != context.Canceled {
		t.Errorf("cancelled trial ended with %v", err)
	}
}

// The yardstick forks, and has the memory that rank 0 has.
func TestForkPlain(t *testing.T) {
	for _, heap := range results.Heaps.Names() {
		cfg := forking(t, "none")
		cfg.Heap, cfg.Fork.Sustained = heap, 50
		rate, err := RunForkPlain(context.Background(), cfg)
		if err != nil || rate <= 0 {
			t.Errorf("%s: %v forks/s, %v", heap, rate, err)
		}
	}
}

// What a child allocates in the shared heap goes back: in a heap with little
// room, hundreds of children find enough.
func TestForkedChildrenLeaveRoom(t *testing.T) {
	for _, name := range []string{"temp-thread", "hwm", "thread-stop", "key-owner"} {
		cfg := forking(t, name)
		cfg.Fork.Pairs, cfg.Fork.Memory, cfg.HeapBytes = 250, 0, 2<<20
		mustFork(t, cfg)
	}
	// pointer-match leaves the list of what to free with rank 0: each child's
	// state stays behind, and is allowed for.
	cfg := forking(t, "pointer-match")
	cfg.Fork.Pairs, cfg.HeapBytes = 250, 2<<20+250*2*forkLeak
	if out := mustRun(t, cfg); out.NotApplicable == "" && len(out.Fork.Forks) != 500 {
		t.Errorf("pointer-match: %d forks, %v", len(out.Fork.Forks), out.Noted)
	}
}

// A shared heap without room ends the trial, and says so.
func TestForkHeapFull(t *testing.T) {
	cfg := forking(t, "pointer-match")
	cfg.Fork.Pairs, cfg.HeapBytes = 2000, 2<<20
	out, err := Run(context.Background(), cfg)
	// Its children share blocks: some day one is damaged before the heap is full.
	for try := 1; err == nil && out.Damaged() && try < 4; try++ {
		out, err = Run(context.Background(), cfg)
	}
	if out != nil && out.NotApplicable != "" {
		return
	}
	if err == nil || !strings.Contains(err.Error(), "shared heap of 2048 KiB is full") {
		t.Errorf("error %v, %+v", err, out)
	}
}

// Huge pages are no reason to ask for memory that nobody wanted.
func TestForkHugePagesWithoutMemory(t *testing.T) {
	cfg := forking(t, "hwm")
	cfg.Fork.Memory, cfg.Fork.HugePages = 0, true
	if out := mustFork(t, cfg); len(out.Fork.Forks) != 2*cfg.Fork.Pairs {
		t.Errorf("%d forks", len(out.Fork.Forks))
	}
}

// The limit of time ends the sustained loop too, after a block of each arm.
func TestForkLimitEndsBothLoops(t *testing.T) {
	cfg := forking(t, "hwm")
	cfg.Fork.Pairs, cfg.Fork.Sustained, cfg.Fork.Limit = 50_000, 1_000_000, 300*time.Millisecond
	out := mustFork(t, cfg)
	f := out.Fork
	if f.Wanted != 100_000 || len(f.Forks) < 2 || len(f.Forks) == f.Wanted {
		t.Errorf("%d of %d forks", len(f.Forks), f.Wanted)
	}
	if most := f.Sustained * out.Load.Seconds(); most >= float64(cfg.Fork.Sustained) {
		t.Errorf("the sustained loop came to its end: %.0f forks", most)
	}
	if f.Sustained <= 0 || f.Bare <= 0 || out.Load <= 0 || out.CtxSwitches == 0 {
		t.Errorf("%v and %v forks/s; load %v, %d switches", f.Sustained, f.Bare, out.Load, out.CtxSwitches)
	}
}
