package bench

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tlsbench/results"
	"tlsbench/results/event"
	"tlsbench/results/inference"
	"tlsbench/workload"
)

// duetSpec has four duets: two strategies on two builds.
func duetSpec() Spec {
	spec := smallSpec()
	spec.Builds = []Build{fakeBuild("3.0.20"), fakeBuild("3.5.7")}
	spec.Strategies = choose("hwm", "thread-stop")
	spec.Measures = []results.Measure{results.Duet}
	return spec
}

// fakeDuet makes the turns of one pair. Those of hwm agree so well that the first
// pairs are enough, those of thread-stop do not.
func fakeDuet(_ context.Context, c workload.Config) (*workload.Outcome, error) {
	if c.Strategy.Name == "shm-match" {
		return &workload.Outcome{NotApplicable: "a function"}, nil
	}
	if c.Duet == nil || c.Load != "memory" || c.Workers != 1 {
		return nil, fmt.Errorf("not a duet: %+v", c)
	}
	random := rand.New(rand.NewPCG(c.Seed, 1))
	spread := map[string]float64{"hwm": 0.001, "thread-stop": 0.008}[c.Strategy.Name]
	effect := spread * random.NormFloat64()
	d := &results.DuetPair{Dropped: results.DuetDropped}
	for block := range results.DuetBlocks {
		for _, arm := range []results.Arm{0, 1, 1, 0} {
			d.Slices = append(d.Slices, results.Slice{Block: block, Arm: arm, Turn: event.Turn{Handshakes: 50,
				CPU: time.Duration(20e6 * math.Exp(float64(arm)*effect)), Wall: 21 * time.Millisecond}})
		}
	}
	return &workload.Outcome{Life: results.Life{Handshakes: 4800, Attempts: 4800, Duet: d}}, nil
}

func duetRunner(t *testing.T, spec Spec, sh Shard) *Runner {
	r := newRunner(mustPlan(t, spec, sh))
	r.Execute = fakeDuet
	return r
}

// duetCounts counts the trials of each duet, and wants each round once.
func duetCounts(t *testing.T, list []*results.Trial) map[string]int {
	t.Helper()
	count := map[string]int{}
	for _, trial := range list {
		c := trial.Cell
		if count[c.OpenSSL+" "+c.Strategy]++; trial.Round != count[c.OpenSSL+" "+c.Strategy] {
			t.Errorf("%s: round %d is the trial number %d", c.Name(), trial.Round, count[c.OpenSSL+" "+c.Strategy])
		}
		if !strings.Contains(c.Name(), "/against=key-owner/strategy=") {
			t.Errorf("name %s", c.Name())
		}
	}
	return count
}

// A duet has 20 pairs, and then as many as the width takes, whatever comes out.
func TestDuetsEndByTheirWidth(t *testing.T) {
	path := resultsPath(t)
	sum, err := duetRunner(t, duetSpec(), whole).Run(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	trials := readTrials(t, path)
	if sum.Total != len(trials) || sum.Done != len(trials) || sum.Ran != len(trials) {
		t.Errorf("summary %+v of %d trials", sum, len(trials))
	}
	for name, n := range duetCounts(t, trials) {
		few := strings.HasSuffix(name, "hwm")
		if few && n != inference.DuetFirst || !few && (n <= inference.DuetFirst || n > inference.DuetMost) {
			t.Errorf("%s has %d pairs", name, n)
		}
		var logs []float64
		for _, trial := range trials {
			if trial.Cell.OpenSSL+" "+trial.Cell.Strategy == name {
				logs = append(logs, inference.DuetPair(trial.Duet.Blocks()))
			}
		}
		if !inference.DuetDone(logs) || len(logs) > inference.DuetFirst && inference.DuetDone(logs[:len(logs)-1]) {
			t.Errorf("%s: %d pairs are not those that the rule takes", name, n)
		}
	}
}

// Wherever a run was interrupted, it ends with the same trials.
func TestDuetsAreResumed(t *testing.T) {
	path := resultsPath(t)
	text := finished(t, duetRunner(t, duetSpec(), whole), path)
	want := identities(readTrials(t, path))
	random := newRand(t)
	for range 6 {
		if err := os.WriteFile(path, text[:random.IntN(len(text))], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := duetRunner(t, duetSpec(), whole).Resume(t.Context(), path); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, identities(readTrials(t, path))); diff != "" {
			t.Fatalf("(-at once +resumed):\n%s", diff)
		}
	}
	if sum, err := duetRunner(t, duetSpec(), whole).Resume(t.Context(), path); err != nil || sum.Ran != 0 || sum.Done != sum.Total {
		t.Errorf("a finished run goes on: %+v, %v", sum, err)
	}
}

// A shard has whole duets, so that it knows when their pairs are enough; merged
// they are what one run makes.
func TestDuetsAreShardedAndMerged(t *testing.T) {
	one := resultsPath(t)
	finished(t, duetRunner(t, duetSpec(), whole), one)
	want := readTrials(t, one)
	for _, n := range []int{1, 3, 5} {
		dir := t.TempDir()
		var paths []string
		for i := 1; i <= n; i++ {
			r := duetRunner(t, duetSpec(), Shard{i, n})
			path := filepath.Join(dir, fmt.Sprint(i))
			if _, err := r.Run(t.Context(), path); err != nil {
				t.Fatal(err)
			}
			if trials := readTrials(t, path); n <= 4 && len(duetCounts(t, trials)) != (4+n-i)/n {
				t.Errorf("shard %d of %d has %d duets", i, n, len(duetCounts(t, trials)))
			}
			paths = append(paths, path)
		}
		merged := resultsPath(t)
		if _, err := Merge(merged, paths...); err != nil {
			t.Fatal(err)
		}
		got := readTrials(t, merged)
		if diff := cmp.Diff(identities(want), identities(got)); diff != "" {
			t.Errorf("%d shards (-one run +merged):\n%s", n, diff)
		}
		for i := range got {
			if diff := cmp.Diff(want[i].Duet, got[i].Duet); diff != "" {
				t.Fatalf("%d shards, trial %d (-one run +merged):\n%s", n, got[i].ID, diff)
			}
		}
	}
	// One that lacks its last pair is refused.
	r := duetRunner(t, duetSpec(), Shard{1, 2})
	short := resultsPath(t)
	text := finished(t, r, short)
	if err := os.WriteFile(short, text[:strings.LastIndex(string(text), "#samples ")], 0o600); err != nil {
		t.Fatal(err)
	}
	other := resultsPath(t)
	finished(t, duetRunner(t, duetSpec(), Shard{2, 2}), other)
	if _, err := Merge(resultsPath(t), short, other); err == nil || !strings.Contains(err.Error(), "resume it first") {
		t.Errorf("a shard without its last pair: %v", err)
	}
}

// A number that was asked for is made, neither more nor fewer.
func TestDuetPairs(t *testing.T) {
	spec := duetSpec()
	spec.Duet.Pairs = 3
	spec.Duet.Against = choose("key-owner", "hwm")
	path := resultsPath(t)
	finished(t, duetRunner(t, spec, whole), path)
	count := map[string]int{}
	for _, trial := range readTrials(t, path) {
		count[trial.Cell.Setting(results.AgainstKey)+" "+trial.Cell.Strategy]++
	}
	want := map[string]int{"key-owner hwm": 6, "key-owner thread-stop": 6, "hwm hwm": 6, "hwm thread-stop": 6}
	if diff := cmp.Diff(want, count); diff != "" {
		t.Error(diff)
	}
}

// With other measures duets keep the worker that they have, once with each load.
func TestDuetsAmongOthers(t *testing.T) {
	spec := duetSpec()
	spec.Measures = []results.Measure{results.Handshake, results.Duet}
	spec.Loads, spec.Workers, spec.Hazards = []string{"tcp", "memory"}, []int{2, 4}, []string{results.Plain, "python"}
	count, other := map[string]int{}, 0
	for task := range mustPlan(t, spec, whole).Tasks() {
		if task.Cell.Measure != results.Duet {
			other = max(other, task.Round)
		} else if task.Round == 1 {
			count[task.Cell.Name()]++
		}
	}
	if len(count) != 8 || other != spec.Rounds {
		t.Errorf("duets %v, %d rounds of other trials", count, other)
	}
}

// What cannot be on a build is tried once, and not as often as a duet has pairs.
func TestDuetNotApplicable(t *testing.T) {
	spec := duetSpec()
	spec.Strategies = choose("shm-match")
	path := resultsPath(t)
	if sum, err := duetRunner(t, spec, whole).Run(t.Context(), path); err != nil || sum.Ran != 2 || len(readTrials(t, path)) != 2 {
		t.Errorf("%+v, %v", sum, err)
	}
}

func TestDuetRefusals(t *testing.T) {
	for want, change := range map[string]func(*Spec){
		"one worker on each side": func(s *Spec) { s.Workers = []int{4} },
		"no bad peers":            func(s *Spec) { s.Bad = new(float64) },
		"duets take no hazard":    func(s *Spec) { s.Hazards = []string{"python"} },
		"is given twice":          func(s *Spec) { s.Duet.Against = choose("hwm", "hwm") },
		"want 1 to 1000000":       func(s *Spec) { s.Duet.Pairs = -1 },
		"plan is empty":           func(s *Spec) { s.Strategies = choose("none") },
	} {
		spec := duetSpec()
		change(&spec)
		if _, err := NewPlan(spec, whole); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
