package results

import (
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
