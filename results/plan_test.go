package results

import (
	"strings"
	"testing"
	"time"
)

// A command names no flag that run would refuse: sharing trials, forks and duets end
// by their number.
func TestCommandOfUntimedTrials(t *testing.T) {
	for measure, timed := range map[Measure]bool{Corruption: true, Handshake: true, Sharing: false, Fork: false, Duet: false} {
		p := new(Plan)
		p.Spec.Measures, p.Spec.HandshakeTime, p.Spec.CorruptionTime = []Measure{measure}, time.Second, time.Second
		if line := p.Command("r.txt"); strings.Contains(line, "--duration") != timed {
			t.Errorf("%s: %s", measure, line)
		}
	}
}
