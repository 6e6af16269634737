package results

import (
	"math"
	"testing"
)

func TestShort(t *testing.T) {
	for x, want := range map[float64]string{
		0: "0", 0.00123456: "0.00123", 1.23456: "1.23", 999.4: "999", 1234: "1.23k", 123456: "123k",
		999_600: "1M", 14_644_941: "14.6M", 146_449_418: "146M", 14_644_941_755: "1.46e+10",
		-76_163: "-76.2k", math.Inf(1): "∞",
	} {
		if got := short(x); got != want {
			t.Errorf("short(%v) = %q, want %q", x, got, want)
		}
	}
}

func TestRatioTextStaysShort(t *testing.T) {
	f := Figure{Value: 1.5, Low: 0.00001, High: 12531808.028, N: 2}
	if got, want := f.ratioText(), "1.500 [0.000, 12.5M]"; got != want {
		t.Errorf("ratio prints as %q, want %q", got, want)
	}
}
