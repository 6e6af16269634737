package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestJoinParameters(t *testing.T) {
	tests := []struct{ in, want []string }{
		{[]string{"none", "hwm"}, []string{"none", "hwm"}},
		{[]string{"a:x=1", "y=2", "hwm"}, []string{"a:x=1,y=2", "hwm"}},
		{[]string{"a:x=1", "b:y=2"}, []string{"a:x=1", "b:y=2"}},
		{[]string{"x=1"}, []string{"x=1"}}, // nothing to join it to: refused later
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, joinParameters(test.in)); diff != "" {
			t.Errorf("%v: (-want +got)\n%s", test.in, diff)
		}
	}
}

func TestShare(t *testing.T) {
	good := map[string]share{"0": 0, "0.2": 0.2, "20%": 0.2, "1": 1, "100 %": 1}
	for text, want := range good {
		var s share
		if err := s.UnmarshalText([]byte(text)); err != nil || s != want {
			t.Errorf("%q: %v, %v, want %v", text, s, err, want)
		}
	}
	for _, text := range []string{"", "x", "-0.1", "1.1", "101%", "NaN", "%"} {
		var s share
		if err := s.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q: accepted as %v", text, s)
		}
	}
}
