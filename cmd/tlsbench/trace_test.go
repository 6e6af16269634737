package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tlsbench/results"
	"tlsbench/results/event"
)

// A sharing trial that damage ended does not pass as one in which nothing is shared,
// and one of the oracle gives no floor.
func TestTracedDamage(t *testing.T) {
	write := func(events map[string]map[string]uint64) string {
		var b bytes.Buffer
		w := results.NewWriter(&b)
		if err := w.Header(results.Header{Plan: []byte(`{"seed":1}`)}); err != nil {
			t.Fatal(err)
		}
		for i, name := range []string{"none", "key-owner", "hwm"} {
			trial := &results.Trial{ID: i + 1, Round: 1, Status: results.OK, Life: results.Life{Handshakes: 50, Events: events[name]},
				Cell:    results.Cell{Measure: results.Sharing, OpenSSL: "3.5.7", Hazard: "plain", Load: "memory", Heap: "traced", Strategy: name, Workers: 4},
				Metrics: []results.Metric{{Value: 1, Unit: results.RacedBlocks}}}
			if name == "none" {
				trial.Raced = []results.RacedBlock{{Site: "err.c:1", Size: 8, Writers: []int{0, 1}}}
			}
			if err := w.Trial(trial); err != nil {
				t.Fatal(err)
			}
		}
		path := filepath.Join(t.TempDir(), "r.txt")
		if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	report := func(path string) (string, error) {
		var out bytes.Buffer
		err := (&job{path: path, resultFlags: resultFlags{Quiet: true}}).reportTraced(&session{ctx: t.Context(), stdout: &out})
		return strings.Join(strings.Fields(out.String()), " "), err
	}
	out, err := report(write(map[string]map[string]uint64{"hwm": {event.Crash: 2, event.DoubleFree: 3}}))
	if err != nil || !strings.Contains(out, "cut short by crash") || !strings.Contains(out, "damaged, crash 2, double-free 3") {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := report(write(map[string]map[string]uint64{"key-owner": {event.DoubleFree: 1}})); err == nil || !strings.Contains(err.Error(), "no floor: double-free 1") {
		t.Errorf("a damaged oracle: %v", err)
	}
}
