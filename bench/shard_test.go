package bench

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tlsbench/results"
)

func TestParseShard(t *testing.T) {
	for _, test := range []struct {
		text string
		want Shard
		err  string
	}{
		{text: "", want: Shard{1, 1}},
		{text: "1/1", want: Shard{1, 1}},
		{text: "16/16", want: Shard{16, 16}},
		{text: "0/16", err: `shard 0/16: want i/n with i from 1 to n`},
		{text: "17/16", err: `shard 17/16: want i/n with i from 1 to n`},
		{text: "3", err: `shard "3": want i/n with i from 1 to n`},
		{text: "x/3", err: `shard "x/3": want i/n with i from 1 to n`},
		{text: "1/x", err: `shard "1/x": want i/n`},
		{text: "1/0", err: `shard 1/0: want i/n`},
		{text: "1/2/3", err: `shard "1/2/3": want i/n`},
		{text: "-1/3", err: `shard -1/3: want`},
		{text: "auto", err: `shard "auto": want i/n`},
	} {
		got, err := ParseShard(test.text)
		if test.err != "" {
			checkRefusal(t, err, test.err)
			continue
		}
		if err != nil || got != test.want {
			t.Errorf("%q: %v, %v, want %v", test.text, got, err, test.want)
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
