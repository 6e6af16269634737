package bench

import (
	"testing"

	"tlsbench/results"
	"tlsbench/strategies/catalogue"
)

// A strategy under several names has cells of each name, that differ in
// nothing else, and what it is stays the same.
func TestUnderNames(t *testing.T) {
	spec := smallSpec()
	wide := results.Strategy{Choice: catalogue.Choice{Name: "hwm", Params: map[string]int64{"scan": 64}}}
	spec.Strategies = UnderNames([]results.Strategy{choose("key-owner")[0], wide}, 3)
	spec.Measures, spec.NoControls = []results.Measure{results.Handshake}, true
	want := []string{"key-owner", "key-owner:aa=2", "key-owner:aa=3", "hwm:scan=64", "hwm:scan=64,aa=2", "hwm:scan=64,aa=3"}
	cells := mustPlan(t, spec, whole).Cells()
	if len(cells) != len(want) {
		t.Fatalf("%d cells, want %d", len(cells), len(want))
	}
	for i, c := range cells {
		if c.Strategy != want[i] || c.strategy.Choice.String() != want[i/3*3] {
			t.Errorf("cell %d is %s, run as %s; want %s", i, c.Strategy, c.strategy.Choice, want[i])
		}
	}
	if list := UnderNames(spec.Strategies[:1], 0); len(list) != 1 || list[0].Label != "" {
		t.Errorf("without a number of names: %v", list)
	}
}
