package plots

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// TestTicks: every axis gets labels, on it, in order, not too many, and log
// ones far enough apart.
func TestTicks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		low := math.Pow(10, rapid.Float64Range(-9, 9).Draw(t, "low"))
		s := newSpan()
		s.add(low, low*math.Pow(10, rapid.Float64Range(0, 12).Draw(t, "decades")))
		log, linear := s.logarithmic(), s.linear()
		labels := 0
		last := math.Inf(-1)
		for _, tick := range (logTicks{print: figures3}).Ticks(log.low, log.high) {
			if tick.Value < log.low*0.999 || tick.Value > log.high*1.001 {
				t.Fatalf("log tick %g is not on the axis from %g to %g", tick.Value, log.low, log.high)
			}
			if tick.IsMinor() {
				continue
			}
			labels++
			at := math.Log(tick.Value/log.low) / math.Log(log.high/log.low)
			if at-last < labelShare {
				t.Fatalf("label %s is %.2f of the axis from the one before", tick.Label, at-last)
			}
			last = at
		}
		if labels < 1 || labels > 8 {
			t.Fatalf("%d labels on a log axis from %g to %g", labels, log.low, log.high)
		}
		ticks := (linearTicks{print: figures3}).Ticks(linear.low, linear.high)
		if len(ticks) < 2 || len(ticks) > 9 {
			t.Fatalf("%d ticks on a linear axis from %g to %g", len(ticks), linear.low, linear.high)
		}
		for _, tick := range ticks {
			if tick.Label == "-0" {
				t.Fatal("a negative zero")
			}
		}
	})
}

func TestNumbers(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{figures3(0), "0"}, {figures3(1234), "1234"}, {figures3(12345), "12.3k"}, {figures3(2.5e6), "2.5M"}, {figures3(1e9), "1G"},
		{figures3(0.00123), "0.00123"}, {figures3(math.Inf(1)), "∞"}, {figures3(math.NaN()), "?"},
		{duration(1), "1 ns"}, {duration(999.7), "1 µs"}, {duration(1500), "1.5 µs"}, {duration(2e6), "2 ms"}, {duration(3e9), "3 s"},
		{percent(roundUp(0.04951)), "4.96 %"}, {ratio(1.0094), "1.009"},
		{between(math.Inf(-1), math.Inf(1), figures3), "[no interval: too few]"}, {between(1, math.Inf(1), figures3), "[1, ∞]"},
	} {
		if c.got != c.want {
			t.Errorf("printed %q, want %q", c.got, c.want)
		}
	}
}
