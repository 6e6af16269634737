package plots

import (
	"math"
	"testing"

	"gonum.org/v1/plot/vg"
	"pgregory.net/rapid"

	"tlsbench/results/number"
)

// TestTicks: every axis gets labels, on it, in order, not too many, and none
// that runs into the next.
func TestTicks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		low := math.Pow(10, rapid.Float64Range(-9, 9).Draw(t, "low"))
		s := newSpan()
		s.add(low, low*math.Pow(10, rapid.Float64Range(0, 12).Draw(t, "decades")))
		a := axis{print: number.Short, log: rapid.Bool().Draw(t, "log")}
		a.lane = a.log && rapid.Bool().Draw(t, "lane")
		a.fit(s)
		room := func(label string) vg.Length { return small.Width(label) }
		list := a.ticks(200, room)
		labels := 0
		for i, tick := range list {
			if tick.at < -1e-9 || tick.at > 1+1e-9 || i > 0 && tick.at <= list[i-1].at {
				t.Fatalf("tick %s at %v, after %v", tick.label, tick.at, list[max(0, i-1)].at)
			}
			if tick.label != "" {
				labels++
			}
			if tick.label == "-0" {
				t.Fatal("a negative zero")
			}
		}
		if collide := colliding(list, 200, room); labels < 1 || labels > 10 || len(collide) > 0 {
			t.Fatalf("%d labels on %+v, colliding: %v", labels, a, collide)
		}
	})
}

// TestAxisHasNoPlace: what a log axis has no place for lies beyond it, and what
// is not finite does too.
func TestAxisHasNoPlace(t *testing.T) {
	a := axis{print: number.Short, log: true}
	a.fit(span{1, 100})
	for _, v := range []float64{0, -1, math.Inf(1), math.Inf(-1), math.NaN(), 1e-9, 1e9} {
		if at, beyond := clamped(a.at(v), 10, 20); !beyond || at != 10 && at != 20 {
			t.Errorf("%g is at %v, beyond the axis: %v", v, at, beyond)
		}
	}
	a.lane = true
	if at, beyond := clamped(a.at(0), 0, 1); beyond || at >= laneShare {
		t.Errorf("zero is at %v, not in its lane", at)
	}
	if at := a.at(1); at < laneShare {
		t.Errorf("1 is at %v, in the lane of zero", at)
	}
}
