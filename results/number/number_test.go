package number

import (
	"math"
	"strings"
	"testing"
)

func TestShort(t *testing.T) {
	for x, want := range map[float64]string{
		0: "0", 0.00123456: "0.00123", 1.23456: "1.23", 999.4: "999", 1234: "1.23k", 123456: "123k",
		999_600: "1M", 14_644_941: "14.6M", 146_449_418: "146M", 14_644_941_755: "1.46e+10",
		0.12345: "0.123", 12.34: "12.3", 999.9: "1k", 52661: "52.7k", 0.00012: "0.00012", 0.00001: "1e-05", math.Inf(1): "∞",
		-76_163: "-76.2k", math.Inf(-1): "-∞",
	} {
		if got := Short(x); got != want {
			t.Errorf("Short(%v) = %q, want %q", x, got, want)
		}
	}
}

func TestDuration(t *testing.T) {
	for ns, want := range map[float64]string{
		0: "0 ns", 19.4: "19.4 ns", 999.6: "1 µs", 1234: "1.23 µs", -1234: "-1.23 µs", 2.5e6: "2.5 ms", 1e9: "1 s", math.Inf(1): "∞",
	} {
		if got := Duration(ns); got != want {
			t.Errorf("Duration(%v) = %q, want %q", ns, got, want)
		}
	}
}

// A bound is rounded up, never down; an interval stays in one unit.
func TestBoundsAndIntervals(t *testing.T) {
	estimate := func(x, low, high float64, unit string) string {
		value, interval := Estimate(x, low, high, unit)
		return strings.TrimSpace(value + " " + interval)
	}
	for got, want := range map[string]string{
		AtMost(1 - math.Pow(0.05, 1.0/8)): "≤ 31.3 %",
		AtMost(0.049507):                  "≤ 4.96 %", AtMost(0.05): "≤ 5 %", AtMost(1): "≤ 100 %",
		Between(0.975, 1.002, Ratio): "[0.975, 1.002]", Between(0, math.Inf(1), Ratio): "[no interval: too few]", // one round
		Short(math.NaN()): "?", Of("p50-fork-ns")(61234): "61.2 µs", Of("setup-ns")(1.5e9): "1.5 s",
		AtMost(0.04871):     "≤ 4.88 %",
		Ratio(12531808.028): "12.5M",
		Change(0.97):        "−3 %",
		Change(1.1):         "+10 %",
		Between(math.Inf(-1), math.Inf(1), Short):                "[no interval: too few]",
		estimate(1500, 900, 2100, "fork-diff-ns"):                "1.5 [0.9, 2.1] µs",
		estimate(1500, math.Inf(-1), math.Inf(1), "p50-fork-ns"): "1.5 µs",
		estimate(1500, 900, 2100, "forks/s"):                     "1.5k [900, 2.1k]",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
