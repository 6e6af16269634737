package results

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"tlsbench/results/event"
)

// run makes a run of the given number of rounds under hazard plain, changed.
// unmet counts the places where claims do not hold, be they broken or undecided:
// the lines tell which.
func unmet(w io.Writer, o CheckOptions, files ...string) (int, error) {
	sum, err := Check(w, o, files...)
	return sum.Broken + sum.Undecided, err
}

func run(rounds int, change func(*simulation)) *simulation {
	s := newSimulation(rounds)
	s.hazards = []string{"plain"}
	if change != nil {
		change(s)
	}
	return s
}

func damaged(strategy string, kinds ...string) func(*simulation) {
	return func(s *simulation) {
		s.damage = func(_, name string) []string {
			if name == strategy {
				return kinds
			}
			return usualDamage("plain", name)
		}
	}
}

func slower(strategy string, share float64) func(*simulation) {
	return func(s *simulation) { s.slowdown = map[string]float64{strategy: share} }
}

func only(strategies ...string) func(*simulation) {
	return func(s *simulation) { s.strategies = strategies }
}

func TestCheck(t *testing.T) {
	expect := func(e ...string) CheckOptions { return CheckOptions{Expect: e} }
	limit := func(e ...string) CheckOptions { return CheckOptions{MaxSlowdown: e} }
	for _, tt := range []struct {
		name string
		sim  *simulation
		o    CheckOptions
		want []string // one for each rule that is broken or undecided; none: it holds
	}{
		{"clean", run(30, nil), expect("hwm=clean"), nil},
		{"too few for clean", run(29, nil), expect("hwm=clean"), []string{"undecided: no damage seen (≤ 5.04 %) in 58 trials: clean takes 59 trials"}},
		{"undamaged", run(3, nil), expect("hwm=undamaged", "key-owner=undamaged"), nil},
		{"damaged", run(3, nil), expect("none=undamaged"), []string{"broken: crash corrupt, 3 of 3 trials damaged"}},
		{"only collateral is damage", run(60, damaged("hwm", event.LostSlot)), expect("hwm=clean"), []string{"broken: collateral, 60 of 60 trials damaged"}},
		{"controls silent", run(60, damaged("none")), expect("hwm=clean"), []string{"broken: CONTROLS FAILED: none is undamaged"}},
		{"controls missing", run(60, only("hwm")), expect("hwm=clean"), []string{"undecided: NO CONTROLS"}},
		{"oracle damaged", run(60, damaged(NegativeControl, event.Overrun)), expect("hwm=clean"), []string{"broken: CONTROLS FAILED: key-owner is damaged"}},

		{"slowdown within", run(20, slower("hwm", 0.005)), limit("hwm/key-owner=2%"), nil},
		{"slowdown beyond", run(20, slower("hwm", 0.05)), limit("hwm/key-owner=2 %"), []string{"broken: beyond the limit"}},
		{"slowdown not shown", run(20, slower("hwm", 0.0195)), limit("hwm/key-owner=2%"), []string{"undecided: not shown to be within the limit"}},
		{"faster", run(20, slower("hwm", -0.1)), limit("hwm/key-owner=0.5%"), nil},
		{"too few rounds", run(5, nil), limit("hwm/key-owner=2%"), []string{"undecided: 5 rounds in common: too few, need 6"}},
		{"the baseline is damaged", run(20, nil), limit("hwm/none=2%"), []string{"broken: 20 of 20 trials of none damaged"}},
		{"the strategy is damaged", run(20, nil), limit("none/hwm=2%"), []string{"broken: 20 of 20 trials of none damaged"}},
		{"slowdown with silent controls", run(20, damaged("none")), limit("hwm/key-owner=2%"), []string{"broken: CONTROLS FAILED"}},

		{"two rules, both broken", run(8, slower("hwm", 0.05)), CheckOptions{Expect: []string{"hwm=clean"}, MaxSlowdown: []string{"hwm/key-owner=1%"}},
			[]string{"undecided: clean takes 59", "broken: beyond the limit"}},
	} {
		var out bytes.Buffer
		broken, err := unmet(&out, tt.o, tt.sim.file(t, "run.txt"))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		if len(tt.want) == 0 {
			if rules := len(tt.o.Expect) + len(tt.o.MaxSlowdown); broken != 0 || len(lines) != rules || strings.Count(out.String(), "ok: ") != rules {
				t.Errorf("%s: %d broken:\n%s", tt.name, broken, &out)
			}
			continue
		}
		if broken != len(tt.want) || len(lines) != len(tt.want) {
			t.Errorf("%s: %d broken, want %d:\n%s", tt.name, broken, len(tt.want), &out)
			continue
		}
		for i, want := range tt.want {
			word, why, _ := strings.Cut(want, ": ")
			if !strings.HasPrefix(lines[i], word+": ") || !strings.Contains(lines[i], why) {
				t.Errorf("%s: %q, want %q", tt.name, lines[i], want)
			}
		}
	}
}

// later is a run of the day after.
func later(s *simulation) *simulation {
	s.start = s.start.Add(24 * time.Hour)
	return s
}

func TestCheckAgainst(t *testing.T) {
	for _, tt := range []struct {
		name     string
		old, now *simulation
		want     []string
	}{
		{"the same", run(20, nil), run(20, nil), nil},
		{"better", run(20, damaged("hwm", event.Crash)), run(20, nil), nil},
		{"new damage", run(20, nil), run(20, damaged("hwm", event.RepeatedRandom)), []string{"hwm: was no damage seen (≤ 14 %), now corrupt, 20 of 20 trials damaged"}},
		{"clean no more", run(60, nil), run(15, nil), []string{"clear-0-15: was clean, now no damage seen", "hwm: was clean", "key-owner: was clean"}},
		{"slower", run(20, slower("hwm", 0)), run(20, slower("hwm", 0.03)), []string{"hwm: throughput is 0.9"}},
		{"faster", run(20, slower("hwm", 0.03)), run(20, slower("hwm", 0)), nil},
		{"a missing strategy", run(20, nil), run(20, only("none", "hwm", "key-owner")), []string{"clear-0-15: no trial any more"}},
		{"too few rounds", run(20, nil), run(5, nil), []string{"clear-0-15: throughput cannot be compared: 5 rounds", "hwm: throughput cannot"}},
		{"controls failed since", run(20, nil), run(20, damaged("none")), []string{"CONTROLS FAILED"}},
		{"controls failed before", run(20, damaged("none")), run(20, nil), []string{"older files: CONTROLS FAILED"}},
	} {
		tt.now.rng.Uint64() // other noise
		var out bytes.Buffer
		broken, err := unmet(&out, CheckOptions{Against: []string{tt.old.file(t, "old.txt")}}, later(tt.now).file(t, "new.txt"))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range tt.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: no %q in:\n%s", tt.name, want, &out)
			}
		}
		if broken != len(tt.want) {
			t.Errorf("%s: %d broken, want %d:\n%s", tt.name, broken, len(tt.want), &out)
		}
	}
}

// sixBuilds has six builds and four fixes: 24 comparisons of throughput.
func sixBuilds(rounds int, change func(*simulation)) *simulation {
	return run(rounds, func(s *simulation) {
		s.openssl = []string{"1.1.1w", "3.0.20", "3.2.6", "3.5.9", "3.6.5", "4.0.3"}
		s.strategies = []string{"none", "clear-0-15", "hwm", "thread-stop", "temp-thread", "key-owner"}
		if change != nil {
			change(s)
		}
	})
}

// With six rounds against six no test survives the correction for 24
// comparisons. Such data support no claim, whatever they say.
func TestCheckAgainstFewRounds(t *testing.T) {
	slow := func(share float64) func(*simulation) {
		return func(s *simulation) {
			s.slowdown = map[string]float64{"clear-0-15": share, "hwm": share, "thread-stop": share, "temp-thread": share}
		}
	}
	for _, tt := range []struct {
		name   string
		old    *simulation
		now    *simulation
		margin string
		broken int
		want   string
	}{
		{"ten times slower", sixBuilds(6, slow(0)), sixBuilds(6, slow(0.9)), "", 24, "the data cannot support that throughput is not worse: among 24 comparisons no difference could be found in 6 rounds against 6"},
		{"the same, in as few rounds", sixBuilds(6, slow(0)), sixBuilds(6, slow(0)), "", 24, "the data cannot support"},
		{"ten times slower, with a margin", sixBuilds(6, slow(0)), sixBuilds(6, slow(0.9)), "5%", 24, "throughput is 0.1"},
		{"the same, with a margin", sixBuilds(6, slow(0)), sixBuilds(6, slow(0)), "5%", 0, "ok: "},
		{"as much slower as the margin, in as few rounds", sixBuilds(6, slow(0)), sixBuilds(6, slow(0.05)), "5 %", 24, "not shown to be worse by less than 5 % in 6 rounds against 6"},
		{"more rounds", sixBuilds(10, slow(0)), sixBuilds(10, slow(0)), "", 0, "ok: "},
		{"more rounds, and slower", sixBuilds(10, slow(0)), sixBuilds(10, slow(0.9)), "", 24, "(Mann-Whitney test, p = 1.08e-05 among 24 comparisons)"},
	} {
		tt.now.rng.Uint64() // other noise
		var out bytes.Buffer
		broken, err := unmet(&out, CheckOptions{Against: []string{tt.old.file(t, "old.txt")}, Margin: tt.margin}, later(tt.now).file(t, "new.txt"))
		if err != nil || broken != tt.broken || !strings.Contains(out.String(), tt.want) {
			t.Errorf("%s: %d broken, want %d with %q; error %v:\n%s", tt.name, broken, tt.broken, tt.want, err, &out)
		}
	}
}

func TestCheckDamagedMoreOften(t *testing.T) {
	mixed := func(k, n int) []*Trial {
		trials := append(some(k, testCell(Corruption, "hwm"), event.Crash), some(n-k, testCell(Corruption, "hwm"))...)
		trials = append(trials, some(2, testCell(Corruption, PositiveControl), event.Crash)...)
		return append(trials, some(2, testCell(Corruption, NegativeControl))...)
	}
	for _, tt := range []struct {
		was, trials, now, broken int
		want                     string
	}{
		{2, 40, 3, 0, "ok: "}, {2, 40, 2, 0, "ok: "}, {2, 40, 0, 0, "ok: "},
		{2, 40, 20, 1, "20/40 trials damaged, was 2/40 (Fisher's exact test, p = "},
		{1, 3, 3, 1, "the data cannot support that damage is not more frequent: was 1/3 trials, and 3/3 now would have p = 0.4"},
		{1, 3, 1, 1, "the data cannot support"},
		{3, 3, 3, 0, "ok: "}, // it cannot get worse
	} {
		old, now := fileOf(t, "old.txt", mixed(tt.was, tt.trials)...), fileOf(t, "new.txt", mixed(tt.now, tt.trials)...)
		var out bytes.Buffer
		broken, err := unmet(&out, CheckOptions{Against: []string{old}}, now)
		if err != nil || broken != tt.broken || !strings.Contains(out.String(), tt.want) {
			t.Errorf("%+v: %d broken, error %v\n%s", tt, broken, err, &out)
		}
	}
}

func TestCheckOtherMachine(t *testing.T) {
	c := testCell(Corruption, "hwm")
	var out bytes.Buffer
	old := fileOf(t, "old.txt", some(1, c)...)
	broken, err := unmet(&out, CheckOptions{Against: []string{old}}, "testdata/gotest.txt")
	if err != nil || broken != 1 || !strings.Contains(out.String(), "the machines differ") {
		t.Errorf("%d broken, error %v:\n%s", broken, err, &out)
	}
}

func TestCheckDamageOutsideCorruptionTrials(t *testing.T) {
	controls := append(some(1, testCell(Corruption, PositiveControl), event.Crash), some(1, testCell(Corruption, NegativeControl))...)
	hwm := some(60, testCell(Corruption, "hwm"))
	for want, extra := range map[string][]*Trial{
		"1 of 1 trial for throughput damaged":             some(1, testCell(Handshake, "hwm"), event.FailedHandshake),
		"1 of 1 trial with the active checks off damaged": some(1, testCell(Corruption, "hwm", "check=0"), event.Crash),
		"1 of 1 trial of duets damaged":                   some(1, testCell(Duet, "hwm", "against=key-owner"), event.Crash),
	} {
		trials := append(append(append([]*Trial(nil), controls...), hwm...), extra...)
		var out bytes.Buffer
		broken, err := unmet(&out, CheckOptions{Expect: []string{"hwm=clean"}}, fileOf(t, "run.txt", trials...))
		if err != nil || broken != 1 || !strings.Contains(out.String(), want) {
			t.Errorf("%d broken, error %v, want %q:\n%s", broken, err, want, &out)
		}
	}
}

func TestCheckSkipped(t *testing.T) {
	c := testCell(Corruption, "hwm")
	c.Workers = 1 // needs no controls
	var out bytes.Buffer
	path := fileOf(t, "run.txt", &Trial{Cell: c, Status: Skipped, Reason: "no libpython"})
	broken, err := unmet(&out, CheckOptions{Expect: []string{"hwm=undamaged"}}, path)
	if err != nil || broken != 1 || !strings.Contains(out.String(), "skipped: no libpython") {
		t.Errorf("%d broken, error %v:\n%s", broken, err, &out)
	}
}

func TestCheckErrors(t *testing.T) {
	for _, tt := range []struct {
		o    CheckOptions
		want string
	}{
		{CheckOptions{}, "nothing to check"},
		{CheckOptions{Expect: []string{"hwm"}}, "want STRATEGY=clean or STRATEGY=undamaged or STRATEGY=unshared"},
		{CheckOptions{Expect: []string{"hwm=good"}}, "want STRATEGY=clean or STRATEGY=undamaged or STRATEGY=unshared"},
		{CheckOptions{Expect: []string{"=clean"}}, "want STRATEGY=clean"},
		{CheckOptions{Expect: []string{"hwn=clean"}}, `no trial of strategy "hwn"; the files have none, clear-0-15, hwm, key-owner`},
		{CheckOptions{Expect: []string{"clear:n=16=clean"}}, `no trial of strategy "clear:n=16"`},
		{CheckOptions{MaxSlowdown: []string{"hwm=2%"}}, "want STRATEGY/BASELINE=PERCENT"},
		{CheckOptions{MaxSlowdown: []string{"hwm/hwm=2%"}}, "want STRATEGY/BASELINE=PERCENT"},
		{CheckOptions{MaxSlowdown: []string{"hwm/key-owner=2"}}, `"2" is not a percentage`},
		{CheckOptions{MaxSlowdown: []string{"hwm/key-owner=-2%"}}, "is not a percentage"},
		{CheckOptions{MaxSlowdown: []string{"hwm/key-owner=NaN%"}}, "is not a percentage"},
		{CheckOptions{MaxSlowdown: []string{"hwm/oracle=2%"}}, `no trial of strategy "oracle"`},
		{CheckOptions{Against: []string{"testdata/absent.txt"}}, "absent.txt: no such file"},
		{CheckOptions{Against: []string{sampleRun}, Margin: "5"}, `margin "5" is not a percentage`},
		{CheckOptions{Expect: []string{"hwm=clean"}, Margin: "5%"}, "nothing to check against"},
		{CheckOptions{Expect: []string{"hwm=clean"}, Where: []string{"x"}}, "want key=value"},
	} {
		if _, err := Check(new(bytes.Buffer), tt.o, sampleRun); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: error %v, want %q", tt.o, err, tt.want)
		}
	}
	if _, err := Check(fullDisk{}, CheckOptions{Expect: []string{"hwm=clean"}}, sampleRun); !errors.Is(err, errFull) {
		t.Errorf("full disk: %v", err)
	}
}

// Trials that could not be carried out support nothing, however many others
// there are.
func TestCheckFailedTrials(t *testing.T) {
	notRun := func(m Measure, settings ...Settings) *Trial {
		return &Trial{Cell: testCell(m, "hwm", settings...), Status: Failed, Reason: "bind: address in use"}
	}
	slowdown := CheckOptions{MaxSlowdown: []string{"hwm/key-owner=2%"}}
	for _, tt := range []struct {
		name   string
		o      CheckOptions
		failed []*Trial
		want   string
	}{
		{"none failed", CheckOptions{Expect: []string{"hwm=clean"}}, nil, ""},
		{"corruption", CheckOptions{Expect: []string{"hwm=clean"}}, []*Trial{notRun(Corruption)}, "1 trial could not be carried out: bind"},
		{"undamaged", CheckOptions{Expect: []string{"hwm=undamaged"}}, []*Trial{notRun(Corruption), notRun(Corruption)}, "2 trials could not"},
		{"checks off", CheckOptions{Expect: []string{"hwm=clean"}}, []*Trial{notRun(Corruption, "check=0")}, "1 trial could not"},
		{"throughput", CheckOptions{Expect: []string{"hwm=clean"}}, []*Trial{notRun(Handshake)}, "1 trial could not"},
		{"slowdown", slowdown, nil, ""},
		{"slowdown, throughput", slowdown, []*Trial{notRun(Handshake)}, "hwm: 1 trial could not be carried out: bind"},
		{"slowdown, corruption", slowdown, []*Trial{notRun(Corruption)}, ""},
	} {
		var trials []*Trial
		run(60, nil).trials(func(trial *Trial) {
			trial.Cell.Hazard = testCell(Corruption, "hwm").Hazard
			trials = append(trials, trial)
		})
		path := fileOf(t, "run.txt", append(trials, tt.failed...)...)
		checkBroken(t, tt.name, tt.o, path, tt.want)
	}
}

// checkBroken wants one broken rule that says so, or none for "".
func checkBroken(t *testing.T, name string, o CheckOptions, path, want string) {
	t.Helper()
	var out bytes.Buffer
	broken, err := unmet(&out, o, path)
	if n := strings.Count(out.String(), "\n"); err != nil || n != 1 || (broken == 1) != (want != "") || !strings.Contains(out.String(), want) {
		t.Errorf("%s: %d broken, error %v, want %q in:\n%s", name, broken, err, want, &out)
	}
}

func TestCheckAgainstFailedTrials(t *testing.T) {
	mixed := func(extra ...*Trial) []*Trial {
		list := append(some(20, testCell(Corruption, "hwm")), some(2, testCell(Corruption, PositiveControl), event.Crash)...)
		return append(append(list, some(2, testCell(Corruption, NegativeControl))...), extra...)
	}
	failed := &Trial{Cell: testCell(Corruption, "hwm"), Status: Failed, Reason: "no memory"}
	old := fileOf(t, "old.txt", mixed(failed)...)
	checkBroken(t, "failed now", CheckOptions{Against: []string{old}}, fileOf(t, "new.txt", mixed(failed)...), "hwm: 1 trial could not be carried out: no memory")
	checkBroken(t, "failed before", CheckOptions{Against: []string{old}}, fileOf(t, "new.txt", mixed()...), "")
}

// doctored is a run of 60 rounds, with each trial changed: 120 lives a cell.
func doctored(t *testing.T, change func(*Trial)) string {
	t.Helper()
	var trials []*Trial
	run(60, nil).trials(func(trial *Trial) {
		trial.Cell.Hazard = testCell(Corruption, "hwm").Hazard
		change(trial)
		trials = append(trials, trial)
	})
	return fileOf(t, "doctored.txt", trials...)
}

// Files that would pass if lives were only counted, each refused in one line.
func TestCheckDoctored(t *testing.T) {
	clean, undamaged := CheckOptions{Expect: []string{"hwm=clean"}}, CheckOptions{Expect: []string{"hwm=undamaged"}}
	quiet := func(trial *Trial) { trial.Events, trial.Metrics = nil, nil }
	for _, tt := range []struct {
		name   string
		o      CheckOptions
		change func(*Trial)
		want   string
	}{
		{"as it was", clean, func(*Trial) {}, ""},
		{"none damaged in one life of sixty", clean, func(trial *Trial) {
			if trial.Cell.Strategy == PositiveControl && trial.Round > 0 {
				quiet(trial)
			}
		}, "CONTROLS FAILED: none is damaged in only 1/60"},
		{"lives of 5 ms", clean, func(trial *Trial) {
			trial.Load, trial.Handshakes = 5*time.Millisecond, 7
		}, "no damage seen (≤ 2.47 %) in 120 trials: 840 attempts: clean takes 15000"},
		{"no attempts", undamaged, func(trial *Trial) {
			if trial.Cell.Strategy == "hwm" {
				trial.Handshakes = 0
			}
		}, "no attempts: 120 trials without a connection"},
		{"bad peers alone are attempts", clean, func(trial *Trial) { trial.Handshakes, trial.Attempts = 0, 3000 }, ""},
		{"some without attempts", undamaged, func(trial *Trial) {
			if trial.Round == 3 {
				trial.Handshakes = 0
			}
		}, "undecided: hwm=undamaged: openssl 3.0.20, hazard plain, load tcp, heap global, 4 workers: 2 trials made no attempt that the file knows of"},
		{"memory that two workers hold", clean, func(trial *Trial) {
			if trial.Cell.Strategy == "hwm" {
				trial.SharedSlots = 1
			}
		}, "shared: two workers hold 1 object of OpenSSL's"},
		{"damage where nobody looks", undamaged, func(trial *Trial) {
			if trial.Cell.Strategy == "hwm" && trial.Cell.Setting("check") == "0" && trial.Round == 7 {
				trial.Events = map[string]uint64{event.Crash: 1}
			}
		}, "1 of 60 trials with the active checks off damaged"},
	} {
		checkBroken(t, tt.name, tt.o, doctored(t, tt.change), tt.want)
	}
}

// Where a hazard damages the oracle too, tables and check take no verdict from the
// scene; if the catalogue does not expect it, something is wrong.
func TestNoFixHelps(t *testing.T) {
	for _, tt := range []struct {
		hazard       string
		table, check string // in the table's words; in check's, "" if it must hold
		left         bool
	}{
		{"tls-variable", "Left out, because they damage key-owner too: tls-variable.", "", true},
		{"orderly-exit", "Left out, because they damage key-owner too: orderly-exit.", "", true},
		{"reload", "Left out, because they damage key-owner too: reload.", "hazard reload, load tcp, heap global, 4 workers: " +
			"key-owner is damaged too, in 120/120: no fix of this kind can help; the catalogue of hazards does not expect this, so the rig may be wrong", false},
	} {
		s := newSimulation(60)
		s.hazards = []string{Plain, tt.hazard}
		s.damage = func(hazard, name string) []string {
			if hazard == tt.hazard {
				return []string{event.Crash}
			}
			return usualDamage(hazard, name)
		}
		file := s.file(t, "run.txt")
		text := strings.Join(strings.Fields(compareText(t, Options{}, file)+compareAs(t, "answer", Options{}, file)), " ")
		if !strings.Contains(text, tt.table) || !strings.Contains(text, "hwm clean on 3.0.20 (0 of 120 trials each, ≤ 2.47 %) – ") || !strings.Contains(text, "key-owner is damaged too, in 120/120: no fix of this kind can help") {
			t.Errorf("%s: compare does not say %q:\n%s", tt.hazard, tt.table, text)
		}
		var out bytes.Buffer
		broken, err := unmet(&out, CheckOptions{Expect: []string{"hwm=clean"}}, file)
		if err != nil || (broken == 0) != (tt.check == "") || !strings.Contains(out.String(), tt.check) {
			t.Errorf("%s: %d broken, %v: %s", tt.hazard, broken, err, &out)
		}
		if strings.Contains(out.String(), "left out: key-owner is damaged too") != tt.left {
			t.Errorf("%s: %s", tt.hazard, &out)
		}
		out.Reset()
		broken, err = unmet(&out, CheckOptions{Against: []string{file}}, later(s).file(t, "later.txt"))
		if err != nil || broken != 0 || strings.Contains(out.String(), "left out: key-owner is damaged too") != tt.left {
			t.Errorf("%s against itself: %d broken, %v: %s", tt.hazard, broken, err, &out)
		}
		// The oracle itself is never let off.
		if broken, err := unmet(&out, CheckOptions{Expect: []string{"key-owner=undamaged"}}, file); err != nil || broken == 0 {
			t.Errorf("%s: key-owner passed: %v", tt.hazard, err)
		}
	}
}
