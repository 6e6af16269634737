package selftest

import (
	"strings"
	"testing"
	"time"
)

// "all" and "none" stand alone, and nothing is tried twice.
func TestFindFaults(t *testing.T) {
	for names, want := range map[string]int{"": len(Faults), "all": len(Faults), "none": 0, "crash,cut": 2} {
		if got, err := Find("fault", Faults, split(names)); err != nil || len(got) != want {
			t.Errorf("%q: %d faults, %v; want %d", names, len(got), err, want)
		}
	}
	for names, want := range map[string]string{
		"all,crash": `fault "all" cannot be combined`, "crash,none": `fault "none" cannot be combined`,
		"cut,cut": "fault cut is given twice", "crush": `unknown fault "crush"`,
	} {
		if _, err := Find("fault", Faults, split(names)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", names, err, want)
		}
	}
}

func split(names string) []string {
	if names == "" {
		return nil
	}
	return strings.Split(names, ",")
}

// However many workers there are, a trial of a second has room for its events:
// each fault may be seen as one, or fail a handshake besides.
func TestFaultsHaveRoom(t *testing.T) {
	const room = 1024
	for _, workers := range []int{2, 4, 5, 16, 64} {
		if n := workers * int(time.Second/gapFor(workers)); n > room*8/10 {
			t.Errorf("%d workers: about %d faults a second", workers, n)
		}
	}
}
