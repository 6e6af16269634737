package results

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"tlsbench/results/event"
)

// forkTrials makes fork trials of both strategies with times that spread by a
// share around their middle; hwm's fork takes so many times what it did.
func forkTrials(rounds int, spread, dearer float64, kinds ...string) []*Trial {
	var list []*Trial
	for round := 1; round <= rounds; round++ {
		off := 1 + spread*(2*float64(round-1)/float64(max(rounds-1, 1))-1)
		for _, strategy := range []string{"temp-thread", "hwm", NegativeControl} {
			c := testCell(Fork, strategy)
			c.Load = "memory"
			t := some(1, c)[0]
			t.Round, t.Forks = round, 200
			scale := off
			if strategy == "hwm" {
				scale *= dearer
				if len(kinds) > 0 {
					t = some(1, c, kinds...)[0]
					t.Round = round
				}
			}
			t.Metrics = []Metric{{200e3 * scale, "p50-fork-ns"}, {300e3 * scale, "p50-ready-ns"}, {float64(round%3 - 1), "fork-diff-ns"}, {20, ClockNs}}
			if strategy != "temp-thread" {
				t.Metrics = append(t.Metrics, Metric{300 * scale, "warm-handler-ns"}, Metric{9000 * scale, "handler-ns"})
			}
			list = append(list, t)
		}
	}
	return list
}

// underLoad is a run of corruption trials whose controls passed.
func underLoad(rounds int) []*Trial {
	list := some(2, testCell(Corruption, PositiveControl), event.Crash)
	for _, strategy := range []string{"hwm", NegativeControl} {
		list = append(list, some(rounds, testCell(Corruption, strategy))...)
		list = append(list, some(rounds, testCell(Corruption, strategy, "check=0"))...)
	}
	return list
}

// What is expected of damage is not asked of fork trials in the same file, nor
// are controls; damage in one counts.
func TestExpectBesideForks(t *testing.T) {
	clean := CheckOptions{Expect: []string{"hwm=clean"}}
	checkBroken(t, "with forks", clean, fileOf(t, "run.txt", append(underLoad(59), forkTrials(3, 0.01, 1)...)...), "")
	checkBroken(t, "only forks", clean, fileOf(t, "run.txt", forkTrials(3, 0.01, 1)...), "no trial of hwm under load")
	checkBroken(t, "a damaged fork", clean, fileOf(t, "run.txt", append(underLoad(59), forkTrials(3, 0.01, 1, event.Crash)...)...), "load memory, heap global, 4 workers: crash, 3 of 3 trials of forks damaged")
}

// Forks are compared through their ratio to the oracle's, and need no controls.
func TestCheckForksAgainst(t *testing.T) {
	old := fileOf(t, "old.txt", forkTrials(12, 0.02, 1)...)
	against := CheckOptions{Against: []string{old}}
	for _, tt := range []struct {
		name, want string
		now        []*Trial
	}{
		{"the same", "", forkTrials(12, 0.03, 1)},
		{"cheaper", "", forkTrials(12, 0.02, 0.8)},
		{"damaged", "hwm: 12 of 12 trials of forks damaged, was none", forkTrials(12, 0.02, 1, event.Crash)},
	} {
		checkBroken(t, tt.name, against, fileOf(t, "new.txt", tt.now...), tt.want)
	}
	for want, now := range map[string][]*Trial{
		"hwm: p50-ready-ns is 1.200 of key-owner's, was 1.000":                  forkTrials(12, 0.02, 1.2),
		"hwm: p50-fork-ns cannot be compared: 4 rounds with key-owner, was 12,": forkTrials(4, 0.02, 1),
	} {
		var out bytes.Buffer
		if broken, err := unmet(&out, against, fileOf(t, "new.txt", now...)); err != nil || broken < 2 || !strings.Contains(out.String(), want) || strings.Contains(out.String(), "CONTROLS") {
			t.Errorf("%d broken, error %v, want %q in:\n%s", broken, err, want, &out)
		}
	}
	noOracle := slices.DeleteFunc(forkTrials(12, 0.02, 1), func(t *Trial) bool { return t.Cell.Strategy == NegativeControl })
	var out bytes.Buffer
	broken, err := unmet(&out, CheckOptions{Against: []string{fileOf(t, "old.txt", noOracle...)}}, fileOf(t, "new.txt", forkTrials(12, 0.02, 1)...))
	if err != nil || broken != 0 || !strings.Contains(out.String(), "hwm: p50-fork-ns is not compared: no trial of key-owner in the older files") {
		t.Errorf("%d broken, error %v:\n%s", broken, err, &out)
	}
}

// Trials with the active checks off can show new damage too, and must not be
// missing.
func TestCheckAgainstUnlooked(t *testing.T) {
	against := CheckOptions{Against: []string{fileOf(t, "old.txt", underLoad(20)...)}}
	now := func(change func(*Trial) bool) string {
		return fileOf(t, "new.txt", slices.DeleteFunc(underLoad(20), func(t *Trial) bool {
			return t.Cell.Strategy == "hwm" && t.Cell.Setting("check") == "0" && change(t)
		})...)
	}
	checkBroken(t, "the same", against, now(func(*Trial) bool { return false }), "")
	checkBroken(t, "damaged", against, now(func(t *Trial) bool {
		t.Events = map[string]uint64{event.Crash: 1}
		return false
	}), "hwm: 20 of 20 trials with the active checks off damaged, was none")
	checkBroken(t, "missing", against, now(func(*Trial) bool { return true }), "hwm: no trial with the active checks off any more")
}

// A ratio of differences, some of them below zero, says nothing; and a scene of
// forks alone has no controls to miss.
func TestForkExport(t *testing.T) {
	path := fileOf(t, "forks.txt", forkTrials(10, 0.05, 1)...)
	c, err := Summarize(Options{}, path)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range c.Tables {
		if table.Mark != "" || !strings.HasPrefix(table.Controls, "no controls needed") {
			t.Errorf("mark %q, controls %q", table.Mark, table.Controls)
		}
		for _, r := range table.Rows {
			for _, cost := range r.Costs {
				none := r.Strategy == NegativeControl || cost.Unit == "fork-diff-ns" || cost.Unit == ClockNs
				if cost.Ratio.Known() == none || cost.Median.N != 10 {
					t.Errorf("%s: ratio of %s: %+v", r.Strategy, cost.Unit, cost.Ratio)
				}
			}
		}
	}
	for _, format := range []string{"csv", "json"} {
		var out bytes.Buffer
		if err := compare(&out, format, Options{}, path); err != nil || strings.Contains(out.String(), "NO CONTROLS") || strings.Contains(out.String(), "ratio,fork-diff-ns") {
			t.Errorf("%s: %v:\n%s", format, err, &out)
		}
	}
}

// A line of "go test -bench" says how often was looked only where it is not the
// default.
func TestChecksOfABenchmarkLine(t *testing.T) {
	for setting, want := range map[string]uint64{"": 4000, "check=1/": 1000, "check=0/": 0, "check=99999999999/": 1000 << 20} {
		line := "BenchmarkCorruption/openssl=3.0.20/hazard=plain/load=tcp/heap=global/" + setting + "strategy=hwm/workers=4 1000 1 damaged/trial\n"
		r := NewReader(strings.NewReader(line), "bench.txt")
		if !r.Scan() || r.Trial().Checks != want || r.Trial().Draws != 4*want {
			t.Errorf("%q: %d checks, %d draws, error %v", setting, r.Trial().Checks, r.Trial().Draws, r.Err())
		}
	}
}

// A trial that lacks a value keeps its turn: the ones after it must not meet
// another's partner.
func TestTurnsOfMissingValues(t *testing.T) {
	a, b := new(columns), new(columns)
	for i := range 3 {
		metrics := []Metric{{float64(i + 1), "x"}}
		b.add(roundKey{0, 1}, []Metric{{float64(10 * (i + 1)), "x"}})
		if i == 1 {
			metrics = []Metric{{1, "y"}}
		}
		a.add(roundKey{0, 1}, metrics)
	}
	p := pair(a, b, "x")
	if !slices.Equal(p.a, []float64{1, 3}) || !slices.Equal(p.b, []float64{10, 30}) {
		t.Errorf("%+v", p)
	}
}

// Percentiles of what a child does first stand in tables of 80 columns.
func TestForkTailTables(t *testing.T) {
	trials := forkTrials(240, 0.05, 1)
	for _, trial := range trials {
		trial.Start = time.Unix(1e9+int64(trial.Round), 0).UTC()
		for _, what := range []string{"handler-ns", "first-random-ns", "first-handshake-ns"} {
			if what == "handler-ns" && trial.Cell.Strategy == "temp-thread" {
				continue
			}
			for i, percentile := range []string{"p90-", "p99-", "max-"} {
				trial.Metrics = append(trial.Metrics, Metric{1234567 * float64(i+1), percentile + what})
			}
		}
	}
	var out bytes.Buffer
	if err := compare(&out, "text", Options{}, fileOf(t, "forks.txt", trials...)); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for _, want := range []string{"Rare cases: cold", "The longest of each trial", "none²", "3.7 ms"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	for line := range strings.Lines(text) {
		if len([]rune(strings.TrimSuffix(line, "\n"))) > 80 {
			t.Errorf("wider than 80 columns: %q", line)
		}
	}
}
