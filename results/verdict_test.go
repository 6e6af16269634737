package results

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tlsbench/results/event"
)

// some makes n trials that saw the given kinds of events.
func some(n int, c Cell, kinds ...string) []*Trial {
	var list []*Trial
	for range n {
		t := &Trial{Cell: c, Status: OK, Life: Life{Handshakes: 1000, Checks: 1000, Draws: 4000}}
		for _, k := range kinds {
			if t.Events == nil {
				t.Events = make(map[string]uint64)
			}
			t.Events[k] = 3
		}
		list = append(list, t)
	}
	return list
}

func TestJudge(t *testing.T) {
	c := testCell(Corruption, "hwm")
	join := func(lists ...[]*Trial) (all []*Trial) {
		for _, l := range lists {
			all = append(all, l...)
		}
		return all
	}
	with := func(status Status, reason string) []*Trial {
		return []*Trial{{Cell: c, Status: status, Reason: reason}}
	}
	tries := func(n int, attempts uint64) []*Trial {
		list := some(n, c)
		for _, t := range list {
			t.Handshakes, t.Attempts = 10, attempts
		}
		return list
	}
	for _, tt := range []struct {
		name   string
		trials []*Trial
		want   string
		k, n   int
	}{
		// 1-0.05^(1/59) = 4.951 %, 1-0.05^(1/58) = 5.034 %.
		{"bound met", some(59, c), "clean", 0, 59},
		{"one too few", some(58, c), "no damage seen (≤ 5.04 %)", 0, 58},
		{"one trial", some(1, c), "no damage seen (≤ 95 %)", 0, 1},
		{"one damaged of many", join(some(999, c), some(1, c, event.RepeatedRandom)), "corrupt", 1, 1000},
		{"all words, worst first", join(some(1, c, event.LostSlot), some(1, c, event.BrokenNeighbour), some(1, c, event.WildFree, event.Hang), some(1, c, event.Crash)),
			"crash hang corrupt broken collateral", 4, 4},
		{"collateral alone", some(2, c, event.LostSlot), "collateral", 2, 2},
		{"a kind of a later version", some(1, c, "stolen-socket"), "corrupt", 1, 1},
		{"events of count 0", []*Trial{{Cell: c, Status: OK, Life: Life{Handshakes: 9, Events: map[string]uint64{event.Crash: 0}}}}, "no damage seen (≤ 95 %)", 0, 1},
		{"no attempt", []*Trial{{Cell: c, Status: OK, Life: Life{Checks: 900}}}, "no attempts: 1 trial without a connection that the file knows of", 0, 0},
		{"too few attempts", tries(59, 254), "no damage seen (≤ 4.96 %)", 0, 59},
		{"attempts of bad peers", tries(59, 255), "clean", 0, 59},
		{"skipped", with(Skipped, "no libpython3.11"), "skipped: no libpython3.11", 0, 0},
		{"not applicable", with(NotApplicable, "no ERR_get_state"), "not applicable: no ERR_get_state", 0, 0},
		{"failed", join(with(Failed, "bind: in use"), with(Failed, "later")), "failed: bind: in use", 0, 0},
		{"failed does not count as undamaged", join(some(58, c), with(Failed, "x")), "no damage seen (≤ 5.04 %)", 0, 58},
		{"none", nil, "no trials", 0, 0},
	} {
		v := judge(tt.trials)
		if v.String() != tt.want || v.Damaged != tt.k || v.Trials != tt.n {
			t.Errorf("%s: %q with %d/%d, want %q with %d/%d", tt.name, v, v.Damaged, v.Trials, tt.want, tt.k, tt.n)
		}
	}
	if got, want := judge(some(59, c)).Upper, 1-math.Pow(0.05, 1.0/59); math.Abs(got-want) > 1e-9 {
		t.Errorf("bound of 59 clean trials is %v, want %v", got, want)
	}
	if n := CleanTrials; 1-math.Pow(0.05, 1/float64(n)) > CleanBound || 1-math.Pow(0.05, 1/float64(n-1)) <= CleanBound {
		t.Errorf("%d is not the smallest number of trials for clean", n)
	}
}

// controlsOf are the controls of every group among the trials.
func controlsOf(t *testing.T, trials []*Trial) []*Control {
	t.Helper()
	g, err := gather(Options{}, fileOf(t, "run.txt", trials...))
	if err != nil {
		t.Fatal(err)
	}
	return slices.SortedFunc(maps.Values(g.controls), func(a, b *Control) int { return compareScenes(a.Scene, b.Scene) })
}

func TestControls(t *testing.T) {
	none, owner := testCell(Corruption, PositiveControl), testCell(Corruption, NegativeControl)
	change := func(c Cell, f func(*Cell)) Cell { f(&c); return c }
	for _, tt := range []struct {
		name   string
		trials [][]*Trial
		want   string
	}{
		{"both as they must be", [][]*Trial{some(1, none), some(9, none, event.Crash), some(5, owner)}, "controls passed: none damaged in 9/10, key-owner in 0/5"},
		{"damage as rare as a fix's", [][]*Trial{some(59, none), some(1, none, event.Crash), some(60, owner)}, "CONTROLS FAILED: none is damaged in only 1/60"},
		{"more than a fix's, but in few trials", [][]*Trial{some(55, none), some(5, none, event.Crash), some(60, owner)}, "CONTROLS FAILED: none is damaged in only 5/60"},
		{"too few to tell", [][]*Trial{some(1, none), some(1, none, event.Crash), some(5, owner)}, "CONTROLS FAILED: none is damaged in only 1/2"},
		{"the rig sees nothing", [][]*Trial{some(3, none), some(5, owner)}, "CONTROLS FAILED: none is undamaged in 3/3"},
		{"the oracle is damaged", [][]*Trial{some(3, none, event.Crash), some(5, owner), some(1, owner, event.Hang)}, "CONTROLS FAILED: key-owner is damaged in 1/6"},
		{"no positive control", [][]*Trial{some(5, owner)}, "NO CONTROLS: no trial of none"},
		{"the oracle is damaged where nobody looks", [][]*Trial{some(3, none, event.Crash), some(5, owner), some(2, testCell(Corruption, NegativeControl, "check=0")),
			some(1, testCell(Corruption, NegativeControl, "check=0"), event.Crash)}, "CONTROLS FAILED: key-owner is damaged in 1/3 with the active checks off"},
		{"the oracle is damaged in a throughput trial", [][]*Trial{some(3, none, event.Crash), some(5, owner),
			some(4, testCell(Handshake, NegativeControl), event.FailedHandshake)}, "CONTROLS FAILED: key-owner is damaged in 4/4 with the active checks off"},
		{"the oracle is damaged under another setting", [][]*Trial{some(3, none, event.Crash), some(5, owner),
			some(4, testCell(Handshake, NegativeControl, "locks=private"), event.Hang)}, "controls passed: none damaged in 3/3, key-owner in 0/5"},
		{"only another strategy", [][]*Trial{some(5, testCell(Corruption, "hwm"))}, "NO CONTROLS: no trial of key-owner, none"},
		{"only throughput", [][]*Trial{some(5, testCell(Handshake, "hwm"))}, "NO CONTROLS: no trial of key-owner, none"},
		{"controls of another hazard do not count", [][]*Trial{
			some(5, change(none, func(c *Cell) { c.Hazard = "libpython" }), event.Crash), some(5, owner)}, "NO CONTROLS: no trial of none"},
		{"nor those with the checks off", [][]*Trial{
			some(5, change(none, func(c *Cell) { c.Settings = "check=0" }), event.Crash), some(5, owner)}, "NO CONTROLS: no trial of none"},
		{"a control that could not be carried out is missing", [][]*Trial{
			{{Cell: none, Status: Failed}}, some(5, owner)}, "NO CONTROLS: no trial of none"},
		{"private heap: nothing can fire", [][]*Trial{
			some(5, change(owner, func(c *Cell) { c.Heap = "private" }))}, "controls passed: key-owner damaged in 0/5 (a private heap"},
		{"one worker", [][]*Trial{some(5, change(none, func(c *Cell) { c.Workers = 1 }))}, "no controls needed"},
	} {
		var trials []*Trial
		for _, list := range tt.trials {
			trials = append(trials, list...)
		}
		got := controlsOf(t, trials)
		if len(got) != 1 || !strings.HasPrefix(got[0].String(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, got, tt.want)
		} else if (got[0].Mark() == "") != (strings.HasPrefix(tt.want, "controls passed") || tt.name == "one worker") {
			t.Errorf("%s: OK is %v", tt.name, (got[0].Mark() == ""))
		}
	}
}

func TestControlGroupsAreApart(t *testing.T) {
	var trials []*Trial
	for _, version := range []string{"3.10.0", "3.5.7", "1.1.1w"} {
		c := testCell(Corruption, PositiveControl)
		c.OpenSSL = version
		trials = append(trials, some(1, c, event.Crash)...)
	}
	fork := testCell(Fork, "hwm")
	fork.Load = "memory"
	trials = append(trials, some(1, fork)...) // makes no claim: it is no control
	var got []string
	for _, c := range controlsOf(t, trials) {
		got = append(got, fmt.Sprint(c.OpenSSL, " ", c.positive.damaged))
	}
	if d := cmp.Diff([]string{"1.1.1w 1", "3.0.20 0", "3.5.7 1", "3.10.0 1"}, got); d != "" {
		t.Error(d)
	}
}

// judge gives the verdict on the trials of one cell. They should be
// Corruption trials at the default check rate.
func judge(trials []*Trial) Verdict {
	var t tally
	for _, trial := range trials {
		t.add(trial)
	}
	return t.verdict()
}
