package bench

import (
	"bytes"
	"context"
	"errors"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tlsbench/results"
	"tlsbench/results/event"
	"tlsbench/results/inference"
	"tlsbench/workload"
)

// courseSpec has cells that are always damaged, in some of their lives, and never,
// one that no trial can be carried out of, and one that does not apply.
func courseSpec() Spec {
	s := smallSpec()
	s.Strategies = choose("none", "hwm", "thread-stop", "shm-match", "pointer-match", "key-owner")
	s.Hazards = []string{results.Plain, "python"}
	s.Measures, s.Rounds, s.Sequential = []results.Measure{results.Corruption}, 0, true
	return s
}

// fated gives each life of a cell what its seed has in store, so that a run that
// goes on meets what it would have met.
func fated(ctx context.Context, c workload.Config) (*workload.Outcome, error) {
	o, err := fakeExecute(ctx, c)
	switch {
	case err != nil:
	case c.Strategy.Name == "shm-match":
		return nil, errors.New("no such luck")
	case c.Strategy.Name == "pointer-match":
		o.NotApplicable = "not here"
	case c.Strategy.Name == "hwm" && c.Hazard == "python" && c.Seed%8 == 0:
		o.Events = map[string]uint64{event.Crash: 1}
	case c.Strategy.Name == results.PositiveControl && c.Hazard == results.Plain && c.Seed%4 == 0:
		o.Events = nil
	}
	return o, err
}

func courseRunner(t *testing.T, sh Shard) *Runner {
	r := newRunner(mustPlan(t, courseSpec(), sh))
	r.Execute = fated
	return r
}

// checkCells wants every cell of the map at its end, and no further, by what the
// trials of a shard show.
func checkCells(t *testing.T, shards int, trials []*results.Trial) {
	t.Helper()
	type count struct{ lives, damaged, undamaged, none, off, looked, seen int }
	cells := map[[2]string]*count{}
	late := 0
	for _, tr := range trials {
		key := [2]string{tr.Cell.Hazard, tr.Cell.Strategy}
		c := cells[key]
		if c == nil {
			c = new(count)
			cells[key] = c
		}
		if tr.Cell.Setting("check") == "0" {
			c.off++
		}
		switch {
		case tr.Status != results.OK:
			c.none++
			continue
		case !tr.Damaged():
			c.undamaged++
		default:
			if c.damaged == 0 && c.lives >= inference.LateLife-1 {
				late++
			}
			c.damaged++
		}
		c.lives++
		if tr.Cell.Setting("check") != "0" {
			c.looked++
			if tr.Damaged() {
				c.seen++
			}
		}
	}
	need := inference.LivesForFamily(late, shards, results.CleanBound)
	for key, c := range cells {
		switch {
		case key[1] == "shm-match" && c.none == maxFailures && c.lives == 0:
		case key[1] == "pointer-match" && c.none == 1:
		case key == [2]string{results.Plain, results.PositiveControl}:
			// The run is judged by it, so it goes on until it tells something.
			if c.damaged < results.StopDamaged || c.undamaged < need && results.WeakControl(c.seen, c.looked) {
				t.Errorf("%v: %+v; the control tells too little, and %d undamaged lives are allowed", key, *c, need)
			}
		case c.damaged == results.StopDamaged && c.undamaged <= need:
		case c.damaged < results.StopDamaged && c.undamaged == need:
		default:
			t.Errorf("%v: %+v; want %d damaged lives or %d undamaged ones", key, *c, results.StopDamaged, need)
		}
		if on := c.lives + c.none - c.off; on-c.off < 0 || on-c.off > 1 {
			t.Errorf("%v: %d trials with checks, %d without; want them in turn", key, on, c.off)
		}
	}
}

// A sequential run ends each cell by what it shows; killed anywhere, it goes on
// to the same end.
func TestSequential(t *testing.T) {
	r := courseRunner(t, whole)
	path := resultsPath(t)
	text := finished(t, r, path)
	trials := readTrials(t, path)
	checkCells(t, 1, trials)
	want := identities(trials)
	records := bytes.SplitAfter(text, []byte("#trial "))
	for range 4 {
		cut := len(bytes.Join(records[:1+newRand(t).IntN(len(records))], nil))
		if err := os.WriteFile(path, text[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		plan, err := ReadPlan(path)
		if err != nil {
			t.Fatal(err)
		}
		again := newRunner(plan)
		again.Execute = fated
		if _, err := again.Resume(t.Context(), path); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, identities(readTrials(t, path))); diff != "" {
			t.Fatalf("cut at %d: %s", cut, diff)
		}
	}
}

// Each shard ends its own cells by what they show, and no cell is in two.
func TestSequentialShards(t *testing.T) {
	const shards = 3
	var parts []string
	home := map[string]int{}
	for i := 1; i <= shards; i++ {
		r := courseRunner(t, Shard{i, shards})
		parts = append(parts, resultsPath(t))
		finished(t, r, parts[i-1])
		trials := readTrials(t, parts[i-1])
		checkCells(t, shards, trials)
		for _, tr := range trials {
			if was, ok := home[tr.Cell.Name()]; ok && was != i {
				t.Fatalf("%s is in shards %d and %d", tr.Cell.Name(), was, i)
			}
			home[tr.Cell.Name()] = i
		}
	}
	merged := resultsPath(t)
	m, err := Merge(merged, parts...)
	if err != nil {
		t.Fatal(err)
	}
	var all []*results.Trial
	for _, part := range parts {
		all = append(all, readTrials(t, part)...)
	}
	if diff := cmp.Diff(identities(all), identities(readTrials(t, merged))); diff != "" || m.Trials != len(all) {
		t.Errorf("%d of %d trials: %s", m.Trials, len(all), diff)
	}
}

func TestSequentialRefused(t *testing.T) {
	s := courseSpec()
	s.Measures = nil
	_, err := NewPlan(s, whole)
	checkRefusal(t, err, "rounds auto: only corruption trials")
	_, err = mustPlan(t, courseSpec(), whole).Change(-1)
	checkRefusal(t, err, "the plan has rounds auto already")
}

// A sequential plan can be ended after some lives of each cell that is not done,
// and can go on from there to where it would have ended.
func TestSequentialEnds(t *testing.T) {
	path := resultsPath(t)
	finished(t, courseRunner(t, whole), path)
	want := identities(readTrials(t, path))
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	change := func(rounds int) {
		t.Helper()
		plan, err := ReadPlan(path)
		if err != nil {
			t.Fatal(err)
		}
		r := newRunner(plan)
		r.Execute = fated
		if r.Changed, err = plan.Change(rounds); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Resume(t.Context(), path); err != nil {
			t.Fatal(err)
		}
	}
	// It is stopped in its sixth round or so, ended after 20, and goes on.
	if err := os.WriteFile(path, text[:len(text)/5], 0o600); err != nil {
		t.Fatal(err)
	}
	change(20)
	lives := map[[2]string]int{}
	for _, tr := range readTrials(t, path) {
		lives[[2]string{tr.Cell.Hazard, tr.Cell.Strategy}]++
	}
	if n := lives[[2]string{"python", results.NegativeControl}]; n != 20 {
		t.Errorf("%d lives of a cell without damage, want 20: %v", n, lives)
	}
	for cell, n := range lives {
		if n > 20 {
			t.Errorf("%v: %d lives after an end at 20", cell, n)
		}
	}
	plan, err := ReadPlan(path)
	if err != nil || !plan.Spec.Sequential || plan.Spec.Rounds != 20 || !cmp.Equal(plan.Spec.Extended, []int{0}) {
		t.Errorf("%v: %+v; want a sequential plan ended after 20", err, plan.Spec.Spec)
	}
	change(-1)
	if diff := cmp.Diff(want, identities(readTrials(t, path))); diff != "" {
		t.Errorf("ended and gone on: %s", diff)
	}
}

// withRounds goes on with a file, with another number of rounds unless that is 0.
func withRounds(t *testing.T, path string, rounds int) (Summary, error) {
	t.Helper()
	plan, err := ReadPlan(path)
	if err != nil {
		return Summary{}, err
	}
	r := newRunner(plan)
	if rounds != 0 {
		if r.Changed, err = plan.Change(rounds); err != nil {
			return Summary{}, err
		}
	}
	return r.Resume(t.Context(), path)
}

// toGrow is a finished file of four rounds, its text, and the trials it has with nine.
func toGrow(t *testing.T) (path string, text []byte, nine map[int]string) {
	t.Helper()
	path = resultsPath(t)
	text = finished(t, newRunner(mustPlan(t, smallSpec(), whole)), path)
	more := smallSpec()
	more.Rounds = 9
	return path, text, planned(mustPlan(t, more, whole))
}

// Rounds can be added to a file, whether it is finished or not; the file tells.
func TestMoreRounds(t *testing.T) {
	path, text, want := toGrow(t)
	add := func(rounds int) (Summary, error) { return withRounds(t, path, rounds) }
	if sum, err := add(9); err != nil || sum.Ran != 25 || sum.Done != 45 {
		t.Errorf("%+v, %v; want 25 trials more", sum, err)
	}
	if diff := cmp.Diff(want, identities(readTrials(t, path))); diff != "" {
		t.Error(diff)
	}
	longer, err := os.ReadFile(path)
	if err != nil || !bytes.HasPrefix(longer, text) {
		t.Errorf("%v: what was in the file has changed", err)
	}
	plan, err := ReadPlan(path)
	if err != nil || !cmp.Equal(plan.Spec.Extended, []int{4}) || plan.Spec.Rounds != 9 {
		t.Errorf("%v: %+v; want 9 rounds that were 4", err, plan.Spec.Spec)
	}
	_, err = plan.Change(9)
	checkRefusal(t, err, "rounds 9: the plan has 9")
	_, err = add(-1)
	checkRefusal(t, err, "begins with a new file")

	// Killed when the new plan was on the disk, and in the middle of it.
	end := bytes.LastIndex(longer, []byte("#plan "))
	end += bytes.IndexByte(longer[end:], '\n') + 1
	for cut, trials := range map[int]int{end: 45, end - 5: 20} {
		if err := os.WriteFile(path, longer[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		if sum, err := add(0); err != nil || sum.Ran != trials-20 || len(readTrials(t, path)) != trials {
			t.Errorf("cut at %d: %+v, %v; want %d trials in all", cut, sum, err, trials)
		}
	}
}

// A plan can be ended with a round that is whole, and go on later; nothing in the
// file is lost.
func TestFewerRounds(t *testing.T) {
	path, text, want := toGrow(t)
	add := func(rounds int) (Summary, error) { return withRounds(t, path, rounds) }
	if _, err := add(9); err != nil {
		t.Fatal(err)
	}
	longer, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, longer[:len(longer)-5], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := add(3); err != nil {
		t.Fatal(err)
	}
	ended, err := ReadPlan(path)
	if err != nil || !cmp.Equal(ended.Spec.Extended, []int{4, 9}) || ended.Spec.Rounds != 3 {
		t.Errorf("%v: %+v; want 3 rounds that were 4 and 9", err, ended.Spec.Spec)
	}
	if sum, err := add(0); err != nil || sum.Ran != 0 || len(readTrials(t, path)) != 44 {
		t.Errorf("%+v, %v; want nothing to do, and all trials kept", sum, err)
	}
	_, err = add(2)
	if err != nil {
		t.Error(err)
	}
	if sum, err := add(9); err != nil || sum.Ran != 1 {
		t.Errorf("%+v, %v; want the one trial that is missing", sum, err)
	}
	if diff := cmp.Diff(want, identities(readTrials(t, path))); diff != "" {
		t.Error(diff)
	}
	if err := os.WriteFile(path, text[:len(text)-5], 0o600); err != nil { // without the last of 4 rounds
		t.Fatal(err)
	}
	if _, err := add(3); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(path, text[:bytes.Index(text, []byte("#trial "))], 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = add(1)
	checkRefusal(t, err, "rounds 1: 0 are whole")
}
