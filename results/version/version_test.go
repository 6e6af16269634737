package version

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestCompareSorts(t *testing.T) {
	want := []string{"", "1.0.2u", "1.1.0", "1.1.1-pre9-dev", "1.1.1-pre9", "1.1.1", "1.1.1a", "1.1.1w", "2.9", "2.36", "2.38",
		"3.0.9", "3.0.20", "3.3.0", "3.3.0+quic", "3.3.0+quic2", "3.3.0+quic10", "3.3.1", "3.5.0", "3.5.7", "3.6.0-dev", "3.6.0", "3.6.0-ab12", "3.6.5",
		"3.10.0", "4.0.0-dev", "4.0.0-alpha1-dev", "4.0.0-alpha1", "4.0.0-alpha10", "4.0.0-beta1", "4.0.0", "4.0.0a", "4.0.1", "4.0.3"}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, Compare)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sorted (-want +got):\n%s", diff)
	}
	if c := Compare("2.36", "2.36.0"); c != 0 {
		t.Errorf("2.36 against 2.36.0: %d", c)
	}
}

// Any three versions are in one order, whichever two are looked at.
func TestCompareIsAnOrder(t *testing.T) {
	any := rapid.StringMatching(`[0-9]{1,2}(\.[0-9]{1,2}){0,3}[a-z]?([-+](dev|alpha|beta|pre|rc|quic|fips|[0-9a-f]{4})[0-9]{0,2}){0,2}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := any.Draw(t, "a"), any.Draw(t, "b"), any.Draw(t, "c")
		if Compare(a, b) != -Compare(b, a) {
			t.Errorf("%s and %s: %d one way, %d the other", a, b, Compare(a, b), Compare(b, a))
		}
		if Compare(a, b) <= 0 && Compare(b, c) <= 0 && Compare(a, c) > 0 {
			t.Errorf("%s <= %s <= %s, but the first comes after the last", a, b, c)
		}
		if !Of(a, Line(a)) {
			t.Errorf("%s is not of its line %s", a, Line(a))
		}
	})
}

func TestLines(t *testing.T) {
	for _, c := range []struct {
		version, line string
		want          bool
	}{
		{"3.0.20", "3.0", true},
		{"3.0.20", "3.0.20", true},
		{"3.0.20", "3.0.2", false},
		{"3.50.1", "3.5", false},
		{"3.0.20", "3", true},
		{"30.1", "3", false},
		{"4.0.3", "3", false},
		{"1.1.1w", "1.1.1", true},
		{"1.1.1", "1.1.1w", false},
		{"4.0.0-beta1", "4.0", true},
		{"3.3.0+quic", "3.3", true},
		{"3.3.0+quic", "3.3.0", true},
		{"3.3.0+quic", "", false},
	} {
		if got := Of(c.version, c.line); got != c.want {
			t.Errorf("%s is of line %s: got %v", c.version, c.line, got)
		}
	}
	for version, want := range map[string]string{"3.0.22": "3.0", "4.1.0-dev": "4.1", "3.3.0+quic": "3.3", "1.1.1w": "1.1.1", "1.1.1": "1.1.1", "1.1.12": "1.1", "5": "5"} {
		if got := Line(version); got != want {
			t.Errorf("line of %s: %s, want %s", version, got, want)
		}
	}
}
