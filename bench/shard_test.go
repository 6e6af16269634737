package bench

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tlsbench/results"
)

func lookupIn(env string) func(string) string {
	return func(name string) string {
		for _, pair := range strings.Fields(env) {
			if k, v, _ := strings.Cut(pair, "="); k == name {
				return v
			}
		}
		return ""
	}
}

// slurm is what Slurm sets for a task of an array.
func slurm(id, low, high, step, count int) string {
	return fmt.Sprintf("SLURM_ARRAY_TASK_ID=%d SLURM_ARRAY_TASK_MIN=%d SLURM_ARRAY_TASK_MAX=%d SLURM_ARRAY_TASK_STEP=%d SLURM_ARRAY_TASK_COUNT=%d",
		id, low, high, step, count)
}

func TestParseShard(t *testing.T) {
	for _, test := range []struct {
		text, env string
		want      Shard
		err       string
	}{
		{text: "", want: Shard{1, 1}},
		{text: "1/1", want: Shard{1, 1}},
		{text: "16/16", want: Shard{16, 16}},
		{text: "0/16", err: `shard "0/16": shard 0/16: want i/n with i from 1 to n`},
		{text: "17/16", err: `shard 17/16: want i/n with i from 1 to n`},
		{text: "3", err: `want i/n with i from 1 to n, auto or auto/n`},
		{text: "x/3", err: `want i/n with i from 1 to n, auto or auto/n`},
		{text: "1/x", err: `"x" is not a number of shards`},
		{text: "1/0", err: `"0" is not a number of shards`},
		{text: "1/2/3", err: `"2/3" is not a number of shards`},
		{text: "-1/3", err: `shard -1/3: want`},
		{text: "auto", err: `none of JOB_COMPLETION_INDEX (Kubernetes), SLURM_ARRAY_TASK_ID (Slurm) and TLSBENCH_SHARD_INDEX (any other) is set`},
		// An explicit shard does not look at the environment.
		{text: "2/3", env: "JOB_COMPLETION_INDEX=0", want: Shard{2, 3}},

		{text: "auto/16", env: "JOB_COMPLETION_INDEX=0", want: Shard{1, 16}},
		{text: "auto/16", env: "JOB_COMPLETION_INDEX=15", want: Shard{16, 16}},
		{text: "auto/16", env: "JOB_COMPLETION_INDEX=16", err: `JOB_COMPLETION_INDEX is 16: want 0 to 15 for 16 shards`},
		{text: "auto", env: "JOB_COMPLETION_INDEX=3 TLSBENCH_SHARD_COUNT=4", want: Shard{4, 4}},
		{text: "auto", env: "JOB_COMPLETION_INDEX=3", err: `JOB_COMPLETION_INDEX does not say how many shards there are: pass auto/n, or set TLSBENCH_SHARD_COUNT`},
		{text: "auto/8", env: "JOB_COMPLETION_INDEX=3 TLSBENCH_SHARD_COUNT=4", err: `8 shards given, but TLSBENCH_SHARD_COUNT is 4`},
		{text: "auto/8", env: "JOB_COMPLETION_INDEX=x", err: `JOB_COMPLETION_INDEX is "x": want a number`},

		{text: "auto", env: slurm(0, 0, 15, 1, 16), want: Shard{1, 16}},
		{text: "auto", env: slurm(16, 1, 16, 1, 16), want: Shard{16, 16}},
		{text: "auto", env: slurm(14, 10, 18, 4, 3), want: Shard{2, 3}},
		{text: "auto/16", env: slurm(3, 0, 15, 1, 16), want: Shard{4, 16}},
		{text: "auto", env: "SLURM_ARRAY_TASK_ID=2 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=3 SLURM_ARRAY_TASK_COUNT=3", want: Shard{2, 3}},
		{text: "auto", env: slurm(3, 0, 7, 1, 3), err: `the Slurm array 0-7:1 of 3 tasks has gaps (task 3)`},
		{text: "auto", env: slurm(3, 0, 7, 0, 8), err: `has gaps`},
		{text: "auto/16", env: slurm(3, 3, 3, 1, 1), err: `16 shards given, but the array has 1 tasks: pass the shard as i/n`},
		{text: "auto", env: "SLURM_ARRAY_TASK_ID=3", err: `SLURM_ARRAY_TASK_MIN is not set`},

		{text: "auto", env: "TLSBENCH_SHARD_INDEX=0 TLSBENCH_SHARD_COUNT=2", want: Shard{1, 2}},
		// Ours wins over an engine's: it was set on purpose.
		{text: "auto", env: "TLSBENCH_SHARD_INDEX=1 TLSBENCH_SHARD_COUNT=2 JOB_COMPLETION_INDEX=0", want: Shard{2, 2}},
		{text: "auto/4", env: "JOB_COMPLETION_INDEX=0 " + slurm(0, 0, 3, 1, 4), err: `are both set: pass the shard as i/n`},
	} {
		got, err := ParseShard(test.text, lookupIn(test.env))
		if test.err != "" {
			checkRefusal(t, err, test.err)
			continue
		}
		if err != nil || got != test.want {
			t.Errorf("%q with %q: %v, %v, want %v", test.text, test.env, got, err, test.want)
		}
	}
}

// TestShardsPartition: the shards of a plan have each trial once between them,
// each in the order of the whole plan, in whole blocks, and as many blocks as
// each other, give or take one.
func TestShardsPartition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec := drawSpec(t)
		n := rapid.IntRange(1, 20).Draw(t, "shards")
		place := map[int]int{} // trial: place in the whole plan
		for task := range mustRapid(t, spec, whole).Tasks() {
			place[task.ID] = len(place)
		}
		owner := map[string]int{}
		blocks := make([]int, n+1)
		total := 0
		for i := 1; i <= n; i++ {
			last := -1
			p := mustRapid(t, spec, Shard{i, n})
			for task := range p.Tasks() {
				if place[task.ID] <= last {
					t.Fatalf("shard %d/%d: trial %d is out of order", i, n, task.ID)
				}
				last = place[task.ID]
				b := blockOf(p, task)
				if o, ok := owner[b]; ok && o != i {
					t.Fatalf("block %s is in shards %d and %d", b, o, i)
				} else if !ok {
					owner[b] = i
					blocks[i]++
				}
				total++
			}
		}
		if total != len(place) {
			t.Fatalf("%d trials in %d shards, want %d", total, n, len(place))
		}
		for i := 1; i <= n; i++ {
			if blocks[i] < len(owner)/n || blocks[i] > len(owner)/n+1 {
				t.Fatalf("shard %d/%d has %d of %d blocks", i, n, blocks[i], len(owner))
			}
		}
	})
}

func mustRapid(t *rapid.T, s Spec, sh Shard) *Plan {
	p, err := NewPlan(s, sh)
	if err != nil && strings.Contains(err.Error(), "plan is empty") {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestShardsMixHazards: no hazard is tied to one shard, even where the number
// of blocks is a multiple of the number of shards. Each of the 4 hazards has
// 40 blocks and 4 shards; that a shard gets none of them has a chance of about
// 1 in 100,000, and the seed is fixed.
func TestShardsMixHazards(t *testing.T) {
	spec := smallSpec()
	spec.NoControls, spec.Rounds = true, 40
	spec.Hazards = []string{results.Plain, "a", "b", "c"}
	for i := 1; i <= 4; i++ {
		seen := map[string]bool{}
		for task := range mustPlan(t, spec, Shard{i, 4}).Tasks() {
			seen[task.Cell.Hazard] = true
		}
		if len(seen) != 4 {
			t.Errorf("shard %d/4 has hazards %v alone", i, seen)
		}
	}
}

func TestRefusalIsWrappedOnce(t *testing.T) {
	inner := refuse(errors.New("x"))
	if refuse(inner) != inner {
		t.Error("a refusal was wrapped again")
	}
}
