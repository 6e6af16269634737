package bench

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"tlsbench/results"
)

// A #plan line of any content makes a plan or is refused, and a plan made from
// it writes a line that makes the same plan.
func FuzzPlan(f *testing.F) {
	spec := smallSpec()
	spec.Measures = results.Measures
	for _, p := range []*Plan{mustPlan(f, spec, whole), mustPlan(f, mergeSpec(), Shard{2, 3}), mustPlan(f, daemonSpec(f, "none", "hwm"), whole)} {
		h, err := newDocument(p, fakeMachine).header()
		if err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(h.Plan))
	}
	f.Add([]byte(`{"format":1}`))
	f.Add([]byte(`{"format":2}`))
	f.Add([]byte(`{"format":1,"shard":{"index":1,"count":1},"spec":{"builds":[{"label":"x"}],"rounds":9000000000000000000,"handshake_ns":1,"corruption_ns":1}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := parseDocument(text)
		if err != nil {
			return
		}
		p, err := NewPlan(d.Spec, d.Shard)
		if err != nil {
			return
		}
		if p.Len() < p.Spec.Rounds {
			t.Fatalf("%d trials in %d rounds", p.Len(), p.Spec.Rounds)
		}
		header, err := newDocument(p, d.Machine).header()
		if err != nil {
			t.Fatal(err)
		}
		back, err := parseDocument(header.Plan)
		if err != nil {
			t.Fatal(err)
		}
		if diff := back.planDifferences(newDocument(p, d.Machine)); len(diff) > 0 {
			t.Errorf("reads back different: %s", strings.Join(diff, "; "))
		}
	})
}

// A results file of any content can be taken for one to resume or to merge.
func FuzzResume(f *testing.F) {
	plan := mustPlan(f, smallSpec(), whole)
	path := f.TempDir() + "/r.txt"
	if _, err := newRunner(plan).Run(f.Context(), path); err != nil {
		f.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add(text[:len(text)/2])
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		sum, err := newRunner(plan).Resume(t.Context(), path)
		if err != nil {
			left, readErr := os.ReadFile(path)
			if readErr != nil || string(left) != string(data) {
				t.Errorf("refused (%v), and the file was changed; %v", err, readErr)
			}
			return
		}
		if sum.Done != sum.Total {
			t.Errorf("%d of %d trials done without an error", sum.Done, sum.Total)
		}
		if _, err := Merge(t.TempDir()+"/merged.txt", path); err != nil {
			t.Errorf("resumed to its end, and not merged: %v", err)
		}
	})
}

func FuzzParseShard(f *testing.F) {
	for _, text := range []string{"", "1/1", "2/3", "0/3", "auto", "1/", "/", "-1/-1", "9999999999999999999/1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseShard(text)
		if err != nil {
			return
		}
		if back, err := ParseShard(s.String()); err != nil || back != s || s.validate() != nil {
			t.Errorf("%q is %v, read back as %v, error %v", text, s, back, err)
		}
	})
}

// Builds are written with portable paths, and read back for this user.
func FuzzBuildJSON(f *testing.F) {
	text, err := json.Marshal(fakeBuild("3.0.20"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		var b, back Build
		if json.Unmarshal(text, &b) != nil {
			return
		}
		again, err := json.Marshal(b)
		if err == nil {
			err = json.Unmarshal(again, &back)
		}
		if err != nil || back.Label != b.Label || back.Libcrypto != b.Libcrypto {
			t.Errorf("%+v reads back as %+v, error %v", b, back, err)
		}
	})
}
