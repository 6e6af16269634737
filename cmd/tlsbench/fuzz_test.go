package main

import (
	"strings"
	"testing"
)

// What a user types after a flag with a grammar of its own is taken, or
// refused in one line.
func FuzzFlags(f *testing.F) {
	for _, text := range []string{"20%", "0.2", "NaN", "1e-400", "hwm", "hwm:scan=64,clear:n=16", "hwm:scan=64,scan=32", "./absent.so",
		"all", "handshake,fork", "foreign-before:n=5,python", "plain+plain", ",", ":"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list := strings.Split(text, ",")
		var s share
		errs := []error{s.UnmarshalText([]byte(text))}
		if errs[0] == nil && !(s >= 0 && s <= 1) {
			t.Errorf("%q is a share of %v", text, s)
		}
		_, err := parseHazards(list)
		errs = append(errs, err)
		_, err = parseMeasures(list)
		errs = append(errs, err)
		if !strings.Contains(text, ".so") { // would read any file
			_, err = parseStrategies(list)
			errs = append(errs, err)
		}
		for _, err := range errs {
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("%q: error of several lines: %v", text, err)
			}
		}
	})
}
