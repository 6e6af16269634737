package results

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tlsbench/results/event"
)

// Two files are two columns: a fix that was bad and is good is not one row of both.
func TestCompareOverTime(t *testing.T) {
	later := func(s *simulation) *simulation {
		s.start = s.start.Add(24 * time.Hour)
		return s
	}
	bad, good := run(20, damaged("hwm", event.Crash)), run(20, nil)
	slow := run(20, slower("hwm", 0.2))
	rows := func(before, after *simulation) *Changes {
		c, err := Compare(Options{}, before.file(t, "before.txt"), later(after).file(t, "after.txt"))
		if err != nil || c == nil {
			t.Fatalf("%+v, %v", c, err)
		}
		return c
	}
	of := func(c *Changes, name string) ChangedDamage {
		for _, r := range c.Rows {
			if r.Strategy == name {
				return r
			}
		}
		t.Fatalf("no row of %s", name)
		return ChangedDamage{}
	}
	c := rows(bad, good)
	if r := of(c, "hwm"); r.Was.Damaged < 20 || r.Was.Trials != 40 || r.Is.Damaged != 0 || r.Is.Trials != 40 || !r.Changed() {
		t.Errorf("mended: %+v, %+v, p %v", r.Was, r.Is, r.P)
	}
	if r := of(c, NegativeControl); r.Changed() || r.Is.Damaged != 0 {
		t.Errorf("the oracle: %+v, %+v", r.Was, r.Is)
	}
	c = rows(run(20, nil), slow)
	found := false
	for _, r := range c.Costs {
		found = found || r.Strategy == "hwm" && r.Unit == HandshakesPerSec && r.Changed() && r.Is/r.Was < 0.9
	}
	if !found {
		t.Errorf("a fix that became slower: %+v", c.Costs)
	}
	// Parts of one whole have nothing but controls in common.
	parts, err := Compare(Options{}, run(3, only("none", "hwm", "key-owner")).file(t, "a.txt"), later(run(3, only("none", "clear-0-15", "key-owner"))).file(t, "b.txt"))
	if err != nil || parts != nil {
		t.Errorf("parts: %+v, %v", parts, err)
	}
	if _, err := Compare(Options{Margin: 7}, "a", "b"); err == nil || !strings.Contains(err.Error(), "margin") {
		t.Errorf("a margin of 7: %v", err)
	}
}

// Two shards of one run are no before and after, those of two runs may be.
func TestCompareShards(t *testing.T) {
	shard := func(index int, seed string) string {
		s := run(3, nil)
		s.start = s.start.Add(time.Duration(index) * 24 * time.Hour)
		path := s.file(t, "run.txt")
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		plan := fmt.Sprintf(`#plan {"format":1,"shard":{"index":%d,"count":2},"spec":{"rounds":3,"seed":%s}}`, index, seed)
		if err := os.WriteFile(path, []byte(strings.Replace(string(text), `#plan {"seed":1}`, plan, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if c, err := Compare(Options{}, shard(1, "7"), shard(2, "7")); err != nil || c != nil {
		t.Errorf("shards of one run: %+v, %v", c, err)
	}
	if c, err := Compare(Options{}, shard(1, "7"), shard(2, "8")); err != nil || c == nil {
		t.Errorf("shards of two runs: %+v, %v", c, err)
	}
	older := shard(1, "7")
	if _, err := unmet(io.Discard, CheckOptions{Against: []string{older}}, shard(2, "7")); err == nil || !strings.Contains(err.Error(), "shards of one run") {
		t.Errorf("check a shard against another: %v", err)
	}
}

// Where the controls of a file would not have shown damage, none says nothing.
func TestCompareOverTimeWithoutControls(t *testing.T) {
	bad := run(20, damaged("hwm", event.Crash)).file(t, "before.txt")
	for name, after := range map[string]*simulation{"CONTROLS FAILED": run(20, damaged("none")), "NO CONTROLS": run(20, only("hwm", "clear-0-15"))} {
		c, err := Compare(Options{}, bad, later(after).file(t, "after.txt"))
		if err != nil || len(c.Marks) == 0 || c.Marks[0].Was != "" || !strings.HasPrefix(c.Marks[0].Is, name) {
			t.Fatalf("%s: %+v, %v", name, c, err)
		}
		for _, r := range c.Rows {
			if r.Strategy == "hwm" && (!r.Untold || r.Changed()) {
				t.Errorf("%s: hwm was %+v, is %+v, p %v: it is told", name, r.Was, r.Is, r.P)
			}
		}
	}
}

// Duets and sharing trials are compared too.
func TestCompareOverTimeOfOtherTrials(t *testing.T) {
	duets := func(effect float64) string {
		return duetFile(t, 20, map[string]*players{"hwm": newPlayers(effect, 0.002, 0.01), "key-owner": newPlayers(0, 0.002, 0.01)})
	}
	c, err := Compare(Options{}, duets(0), duets(0.05))
	if err != nil || c == nil || len(c.Costs) != 1 || c.Costs[0].Unit != CPURatio || !c.Costs[0].Changed() || c.Costs[0].Is < c.Costs[0].Was*1.03 {
		t.Errorf("a fix whose handshakes cost 5 %% more: %+v, %v", c, err)
	}
	sharing := func(hwm string) string {
		return sharingFile(t, map[string]string{"plain none": "err.c:1", "plain key-owner": "lhash.c:3", "plain hwm": hwm})
	}
	for _, tc := range []struct {
		was, is   string
		new, gone int
		untold    bool
	}{{"", "drbg.c:2", 1, 0, false}, {"drbg.c:2 lhash.c:3", "lhash.c:3", 0, 1, false}, {"drbg.c:2", event.Crash, 0, 1, true}} {
		c, err := Compare(Options{}, sharing(tc.was), sharing(tc.is))
		if err != nil || c == nil || c.Empty() || len(c.Sharing) != 3 {
			t.Fatalf("%+v, %v", c, err)
		}
		for _, r := range c.Sharing {
			if r.Strategy == "hwm" && (len(r.New) != tc.new || len(r.Gone) != tc.gone || r.Untold != tc.untold) {
				t.Errorf("%q, then %q: %+v", tc.was, tc.is, r)
			}
		}
	}
}

// A file that is held against itself, by whatever name, has not changed.
func TestHeldAgainstItself(t *testing.T) {
	data, err := os.ReadFile(sampleRun)
	if err != nil {
		t.Fatal(err)
	}
	again := filepath.Join(t.TempDir(), "copy.txt")
	if err := os.WriteFile(again, data, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"./" + sampleRun, again} {
		_, err := Compare(Options{}, sampleRun, path)
		_, checked := unmet(io.Discard, CheckOptions{Against: []string{path}}, sampleRun)
		for _, err := range []error{err, checked} {
			if err == nil || !strings.Contains(err.Error(), "trials in common: a file cannot be held against itself") {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
}
