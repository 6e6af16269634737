package results

import (
	"strings"
	"testing"
)

// What is read has a name that reads as the same hazards, and what is refused
// is refused in one line.
func FuzzHazardName(f *testing.F) {
	for _, text := range AllHazards() {
		f.Add(text)
	}
	for _, text := range []string{"", "+", "plain+plain", "foreign-before+python", "foreign-before:n=5;n=6", "foreign-before:n=", "provider-state:when=after;every=4", "shared-ctx:rsa=-1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		name, err := HazardName(text)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q: error of several lines: %v", text, err)
			}
			return
		}
		if back, err := HazardName(name); err != nil || back != name {
			t.Errorf("%q reads as %q, and that as %q, error %v", text, name, back, err)
		}
	})
}

func TestHazardCatalogueIsComplete(t *testing.T) {
	for _, h := range Hazards() {
		if h.Summary == "" || h.Source == "" || h.Expects == "" || h.expect == nil {
			t.Errorf("hazard %s: a line needs a summary, a source and what is expected", h.Name)
		}
		for _, v := range h.Variants {
			if name, err := HazardName(v); err != nil || name != v {
				t.Errorf("hazard %s: variant %q is %q, %v", h.Name, v, name, err)
			}
		}
		for _, p := range h.Params {
			if p.Default < p.Min || p.Default > p.Max || p.Summary == "" {
				t.Errorf("hazard %s: parameter %+v", h.Name, p)
			}
		}
	}
}

func TestParseHazard(t *testing.T) {
	for _, tc := range []struct{ in, out, problem string }{
		{in: "plain", out: "plain"},
		{in: "foreign-before", out: "foreign-before"},
		{in: "foreign-before:n=14", out: "foreign-before"},
		{in: "foreign-before:n=20", out: "foreign-before:n=20"},
		{in: "foreign-before:n=20+foreign-after:n=3", out: "foreign-before:n=20+foreign-after:n=3"},
		{in: "foreign", problem: `unknown hazard "foreign": choose from plain, foreign-before`},
		{in: "", problem: `unknown hazard ""`},
		{in: "foreign-before:", problem: `unknown parameter "": foreign-before takes n`},
		{in: "foreign-before:m=1", problem: `unknown parameter "m": foreign-before takes n`},
		{in: "foreign-before:n=101", problem: "n=101: want a number from 1 to 100"},
		{in: "foreign-before:n=x", problem: "n=x: want a number"},
		{in: "between-forks:n=1", problem: "between-forks takes none"},
		{in: "shared-ctx+shared-ctx", problem: "shared-ctx is given twice"},
		{in: "handoff+late-forks", problem: "handoff and late-forks cannot be combined"},
		{in: "shared-ctx+reload", problem: "reload and shared-ctx cannot be combined"},
		{in: "plain+shared-ctx", problem: "plain is OpenSSL alone"},
		{in: "foreign-before+foreign-after+rank0-client+between-forks+shared-ctx", problem: "5 hazards: one trial takes at most 4"},
	} {
		got, err := HazardName(tc.in)
		switch {
		case tc.problem == "" && (err != nil || got != tc.out):
			t.Errorf("HazardName(%q) = %q, %v; want %q", tc.in, got, err, tc.out)
		case tc.problem != "" && (err == nil || !strings.Contains(err.Error(), tc.problem)):
			t.Errorf("HazardName(%q): error %v, want %q", tc.in, err, tc.problem)
		}
	}
}

func TestDeviation(t *testing.T) {
	type events = map[string]uint64
	for _, tc := range []struct {
		hazard, strategy, openssl string
		events                    events
		want                      string // part of the finding, "" for none
	}{
		{"plain", "none", "3.0.19", events{"crash": 1}, ""},
		{"plain", "none", "3.0.19", events{}, "expected corrupt, saw clean"},
		{"plain", "hwm", "3.0.19", events{}, ""},
		{"plain", "hwm", "4.0.4-dev", events{"double-free": 2}, "expected clean, saw corrupt"},
		{"plain", "hwm", "4.1.0-dev", events{"double-free": 2}, ""},
		{"plain", "hwm", "3.0.19", events{"double-free": 2}, "expected clean, saw corrupt"},
		{"foreign-before:n=5", "clear-0-15", "3.0.19", events{"lost-slot": 5}, ""},
		{"foreign-before:n=11", "clear-0-15", "3.0.19", events{"lost-slot": 5, "crash": 1}, ""},
		{"foreign-before:n=11", "clear-0-15", "3.6.5", events{"lost-slot": 5}, ""},
		{"foreign-before:n=40", "hwm", "3.0.19", events{"lost-slot": 32}, "expected collateral and corrupt, saw collateral"},
		{"private-locks", "key-owner", "3.0.19", events{"hang": 1}, ""},
		{"private-locks", "key-owner", "3.0.19", events{}, "expected hang, saw clean"},
		{"python", "clear-0-15", "3.5.9", events{"crash": 1, "lost-slot": 8, "broken-neighbour": 1}, ""},
		{"python", "clear-0-15", "3.5.9", events{"lost-slot": 8}, "expected broken and collateral, saw collateral"},
		{"python", "clear-0-15", "3.5.9", events{"lost-slot": 8, "broken-neighbour": 1, "foreign-error": 1}, "saw broken and collateral and corrupt"},
		{"curl", "temp-thread", "3.0.19", events{"broken-neighbour": 1}, ""},
		{"private-locks:kamailio=1", "hwm", "3.5.7", events{"hang": 1}, ""},
		{"shared-ctx:rsa=1", "hwm", "3.0.19", events{"failed-handshake": 9}, ""},
		{"rank0-client", "temp-thread", "3.0.19", events{"foreign-error": 9}, ""},
		{"second-context:n=5", "clear-0-15", "3.0.19", events{}, ""},
		{"second-context:n=6", "clear-0-15", "3.0.19", events{}, "expected corrupt, saw clean"},
		{"second-context:n=4", "clear-0-15", "3.5.9", events{}, "expected corrupt, saw clean"},
		{"second-context", "hwm", "3.6.5", events{}, ""},
		{"orderly-exit:who=rank0", "key-owner", "4.0.3", events{"crash": 1}, "expected clean, saw crash"},
		{"killed-worker", "shm-match", "4.0.3", events{"hang": 1}, ""},
		{"killed-worker:locked=heap", "shm-match", "4.0.3", events{"hang": 1}, "expected clean, saw hang"},
		{"rank0-client:wrapped=1", "temp-thread", "3.0.19", events{"foreign-error": 9}, "expected clean, saw corrupt"},
	} {
		got, err := Deviation(tc.hazard, tc.strategy, tc.openssl, Keys.Default(), tc.events)
		if err != nil || (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
			t.Errorf("Deviation(%s, %s, %s, %v) = %q, %v; want %q", tc.hazard, tc.strategy, tc.openssl, tc.events, got, err, tc.want)
		}
	}
}
