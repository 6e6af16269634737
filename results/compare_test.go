package results

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tlsbench/results/event"
	"tlsbench/strategies/catalogue"
)

// sampleRun is a small run that is kept, for people to look at too.
const sampleRun = "testdata/run.txt"

func TestCompareGolden(t *testing.T) {
	if *update {
		var buf bytes.Buffer
		if err := newSimulation(8).write(&buf); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(sampleRun, buf.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for name, format := range map[string]string{"compare.txt": "text", "compare.md": "markdown", "compare.csv": "csv", "compare.json": "json"} {
		out := compareAs(t, format, Options{}, sampleRun)
		golden(t, name, []byte(out))
		if format == "text" {
			fits(t, name, out)
		}
	}
	golden(t, "compare-hwm.txt", []byte(compareText(t, Options{Baseline: "hwm", Where: []string{"hazard=plain"}, Confidence: 0.9}, sampleRun)))
}

// Show prints a comparison as package page does, which imports this one.
var Show func(w io.Writer, c *Comparison, format string) error

var formats = []string{"text", "markdown", "html", "csv", "json"}

func compare(w io.Writer, format string, o Options, files ...string) error {
	c, err := Summarize(o, files...)
	if err != nil {
		return err
	}
	return Show(w, c, format)
}

func compareAs(t *testing.T, format string, o Options, files ...string) string {
	t.Helper()
	var buf bytes.Buffer
	if err := compare(&buf, format, o, files...); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

func compareText(t *testing.T, o Options, files ...string) string {
	t.Helper()
	return compareAs(t, "text", o, files...)
}

func TestCompareNeverSaysZeroPercent(t *testing.T) {
	out := compareText(t, Options{}, sampleRun)
	for _, bad := range []string{" 0 %", "0/8 [", "n=8 [0,", "NaN", "Inf"} {
		if strings.Contains(out, bad) {
			t.Errorf("the comparison has %q:\n%s", bad, out)
		}
	}
	// 1-0.05^(1/16) = 17.07 %, rounded up.
	if !strings.Contains(out, "0/16 ≤ 17.1 %") {
		t.Errorf("no upper bound for 0 of 16:\n%s", out)
	}
}

// Drift of 20 % and more cancels, because ratios are paired by round.
func TestDriftCancels(t *testing.T) {
	c, err := Summarize(Options{Where: []string{"hazard=plain"}}, newSimulation(30).file(t, "run.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range c.Tables[0].Rows {
		cost, ok := r.Cost(HandshakesPerSec)
		switch r.Strategy {
		case "none":
			if ok || r.Undamaged != 0 || r.Throughput != 30 {
				t.Errorf("none has a throughput: %+v", r)
			}
		case "clear-0-15":
			if cost.Ratio.Low > 0.97 || cost.Ratio.High < 0.97 || cost.Ratio.High-cost.Ratio.Low > 0.01 || !cost.Ratio.Differs(0.05) || cost.Ratio.Same {
				t.Errorf("3 %% slowdown estimated as %+v", cost.Ratio)
			}
		case "hwm":
			if !cost.Ratio.Same {
				t.Errorf("0.4 %% slowdown is not within 2 %%: %+v", cost.Ratio)
			}
			if spread := cost.Median.High/cost.Median.Low - 1; spread < 0.02 {
				t.Errorf("the simulation does not drift: median %+v", cost.Median)
			}
		}
	}
}

// A/A: seven strategies that cost the same, in 28 tables. After Holm's
// correction each table has a false finding with at most 5 %, so more than 6 of
// 28 happen with a probability of 0.1 %.
func TestNoFindingsWithoutDifferences(t *testing.T) {
	s := newSimulation(10)
	s.hazards, s.strategies, s.slowdown = nil, catalogue.Names(), nil
	s.damage = func(string, string) []string { return nil }
	for i := range 28 {
		s.hazards = append(s.hazards, fmt.Sprintf("foreign-keys:n=%d", i))
	}
	c, err := Summarize(Options{}, s.file(t, "run.txt"))
	if err != nil {
		t.Fatal(err)
	}
	found, same := 0, 0
	for _, table := range c.Tables {
		differs := false
		for _, r := range table.Rows {
			if cost, ok := r.Cost(HandshakesPerSec); ok {
				differs = differs || cost.Ratio.Differs(0.05)
				if cost.Ratio.Same {
					same++
				}
			}
		}
		if differs {
			found++
		}
	}
	if len(c.Tables) != 28 || found > 6 {
		t.Errorf("%d of %d tables have a difference that is not there", found, len(c.Tables))
	}
	if same < 150 {
		t.Errorf("only %d of 168 equal strategies were shown to be within 2 %%", same)
	}
}

// Values pair by file and round, whatever their order; what lacks a partner
// is left out and said.
func TestPairing(t *testing.T) {
	col := func(keys []roundKey, values ...float64) *columns {
		c := new(columns)
		for i, k := range keys {
			c.add(k, []Metric{{values[i], "x"}})
		}
		return c
	}
	a := col([]roundKey{{0, 2}, {0, 1}, {1, 1}, {0, 7}, {0, 7}, {0, 9}}, 20, 10, 30, 70, 71, 90)
	b := col([]roundKey{{1, 1}, {0, 1}, {0, 2}, {0, 3}, {0, 7}, {0, 7}}, 3, 1, 2, 99, 7, 7.1)
	p := pair(a, b, "x")
	for i := range p.a {
		if math.Abs(p.a[i]/p.b[i]-10) > 1e-9 {
			t.Errorf("paired %v with %v", p.a[i], p.b[i])
		}
	}
	if len(p.a) != 5 || p.unpaired != 1 {
		t.Errorf("%d pairs, %d unpaired; want 5 and 1", len(p.a), p.unpaired)
	}
	if p := pair(a, new(columns), "x"); len(p.a) != 0 || p.unpaired != 6 {
		t.Errorf("no baseline: %+v", p)
	}
}

// Whatever a file gives as the throughput of a damaged trial, it is none.
func TestDamagedTrialHasNoThroughput(t *testing.T) {
	var trials []*Trial
	for round, kinds := range [][]string{nil, {event.Crash}, {event.LostSlot}, nil} {
		trial := some(1, testCell(Handshake, "hwm"), kinds...)[0]
		trial.Round, trial.Metrics = round, []Metric{{1000 * float64(round+1), HandshakesPerSec}}
		trials = append(trials, trial)
	}
	c, err := Summarize(Options{}, fileOf(t, "run.txt", trials...))
	if err != nil {
		t.Fatal(err)
	}
	r := c.Tables[0].Rows[0]
	if cost, _ := r.Cost(HandshakesPerSec); cost.Median.Value != 2500 || cost.Median.N != 2 || r.Undamaged != 2 || r.Throughput != 4 {
		t.Errorf("%d/%d undamaged, median %+v", r.Undamaged, r.Throughput, cost.Median)
	}
}

func TestColumnsWithGaps(t *testing.T) {
	c := new(columns)
	c.add(roundKey{0, 0}, []Metric{{1, "a"}})
	c.add(roundKey{0, 1}, []Metric{{2, "b"}})
	c.add(roundKey{0, 2}, []Metric{{3, "a"}})
	a, b := c.byRound("a"), c.byRound("b")
	if !slices.Equal(a, []point{{roundKey{0, 0}, 0, 1}, {roundKey{0, 2}, 0, 3}}) || !slices.Equal(b, []point{{roundKey{0, 1}, 0, 2}}) {
		t.Errorf("columns %v and %v", a, b)
	}
}

func TestCompareMarks(t *testing.T) {
	noDamage := newSimulation(8)
	noDamage.damage = func(string, string) []string { return nil }
	onlyHwm := newSimulation(8)
	onlyHwm.strategies = []string{"hwm"}
	badOracle := newSimulation(8)
	badOracle.damage = func(hazard, _ string) []string { return usualDamage(hazard, "none") }
	for name, tt := range map[string]struct {
		sim  *simulation
		want []string
	}{
		"silent rig": {noDamage, []string{"CONTROLS FAILED: none is undamaged in 8/8", "Damage !! CONTROLS FAILED", "Cost, relative to key-owner in the same round !! CONTROLS FAILED"}},
		"no control": {onlyHwm, []string{"NO CONTROLS: no trial of key-owner, none", "Damage !! NO CONTROLS", "no round in common with the baseline"}},
		"bad oracle": {badOracle, []string{"CONTROLS FAILED: key-owner is damaged in 8/8", "Damage !! CONTROLS FAILED"}},
	} {
		out := compareText(t, Options{}, tt.sim.file(t, "run.txt"))
		for _, want := range tt.want {
			if !strings.Contains(out, want) {
				t.Errorf("%s: no %q in:\n%s", name, want, out)
			}
		}
		fits(t, name, out)
	}
}

// Kinds of machines are kept apart; two files of one kind are one sample.
func TestCompareMachines(t *testing.T) {
	a := newSimulation(4)
	b := newSimulation(4)
	b.start = b.start.Add(24 * time.Hour)
	fa, fb := a.file(t, "a.txt"), b.file(t, "b.txt")
	c, err := Summarize(Options{}, fa, fb)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Tables) != 2 || c.Tables[0].Rows[0].Verdict.Trials != 16 {
		t.Errorf("two files of one kind of machine: %d tables, %d trials", len(c.Tables), c.Tables[0].Rows[0].Verdict.Trials)
	}
	data, err := os.ReadFile(fb)
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "other.txt")
	data = bytes.ReplaceAll(data, []byte("machine: 2 x AMD"), []byte("machine: 4 x AMD"))
	if err := os.WriteFile(other, data, 0o666); err != nil {
		t.Fatal(err)
	}
	if c, err = Summarize(Options{}, fa, other); err != nil || len(c.Tables) != 4 {
		t.Errorf("two kinds of machines: %d tables, error %v", len(c.Tables), err)
	}
}

// The machine may change in the middle of a file, as in joined ones.
func TestCompareJoinedFile(t *testing.T) {
	var buf bytes.Buffer
	a, b := newSimulation(2), later(newSimulation(2))
	if err := a.write(&buf); err != nil {
		t.Fatal(err)
	}
	at := buf.Len()
	if err := b.write(&buf); err != nil {
		t.Fatal(err)
	}
	data := append(buf.Bytes()[:at:at], bytes.ReplaceAll(buf.Bytes()[at:], []byte("machine: 2 x"), []byte("machine: 8 x"))...)
	path := filepath.Join(t.TempDir(), "joined.txt")
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
	c, err := Summarize(Options{}, path)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Tables) != 4 || c.Tables[0].Rows[0].Verdict.Trials != 4 || c.Tables[3].Machine[0] != '8' {
		t.Errorf("%d tables, want 2 for each of 2 machines", len(c.Tables))
	}
}

func TestCompareErrors(t *testing.T) {
	for _, tt := range []struct {
		o     Options
		files []string
		want  string
	}{
		{Options{}, nil, "no results file"},
		{Options{}, []string{"testdata/absent.txt"}, "testdata/absent.txt: no such file"},
		{Options{}, []string{sampleRun, sampleRun}, "is given twice"},
		{Options{}, []string{sampleRun, "./" + sampleRun}, "is in the files twice"},
		{Options{Baseline: "hwn"}, []string{sampleRun}, `baseline "hwn" is not in the files; they have none, clear-0-15, hwm, key-owner`},
		{Options{Confidence: 95}, []string{sampleRun}, "confidence 95"},
		{Options{Margin: 2}, []string{sampleRun}, "margin 2"},
		{Options{Where: []string{"hazard"}}, []string{sampleRun}, "want key=value"},
		{Options{Where: []string{"colour=red"}}, []string{sampleRun}, "openssl, hazard, load"},
	} {
		_, err := Summarize(tt.o, tt.files...)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v %v: error %v, want %q", tt.o, tt.files, err, tt.want)
		}
	}
	for _, f := range formats {
		if err := compare(fullDisk{}, f, Options{}, sampleRun); !errors.Is(err, errFull) {
			t.Errorf("%s to a full disk: %v", f, err)
		}
	}
}

func TestCompareTornAndSkipped(t *testing.T) {
	trial := func(strategy string, status Status, reason string) *Trial {
		return &Trial{Cell: testCell(Corruption, strategy), Status: status, Reason: reason, Life: Life{Handshakes: 100}}
	}
	path := fileOf(t, "run.txt",
		trial("temp-thread", Skipped, "no libpython3.11 on this machine"),
		trial("pointer-match", NotApplicable, "openssl 3.0.20 has no ERR_get_state"),
		trial("hwm", Failed, "bind: address in use"), trial("hwm", OK, ""))
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString("#trial {\"na")
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	out := compareText(t, Options{}, path)
	unwrapped := strings.Join(strings.Fields(out), " ")
	for _, want := range []string{"the end is cut", "skipped¹", "temp-thread: no libpython3.11", "not applicable³", "has no ERR_get_state",
		"1 trial could not be carried out: bind: address in use", "0/1 ≤ 95"} {
		if !strings.Contains(unwrapped, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
	table := compareAs(t, "csv", Options{}, path)
	if !strings.Contains(table, "not applicable,damaged") || !strings.Contains(table, "has no ERR_get_state") {
		t.Errorf("the reason is not in:\n%s", table)
	}
}

// The machine-readable forms parse, and say the same as the model.
func TestCompareExports(t *testing.T) {
	want, err := Summarize(Options{}, sampleRun)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Tables []struct {
			Hazard string
			Rows   []struct {
				Strategy string
				Verdict  struct{ Damaged, Trials int }
			}
		}
	}
	if err := json.Unmarshal([]byte(compareAs(t, "json", Options{}, sampleRun)), &got); err != nil {
		t.Fatal(err)
	}
	for i, table := range want.Tables {
		for j, row := range table.Rows {
			r := got.Tables[i].Rows[j]
			if got.Tables[i].Hazard != table.Hazard || r.Strategy != row.Strategy || r.Verdict.Damaged != row.Verdict.Damaged || r.Verdict.Trials != 16 {
				t.Errorf("table %d row %d is %+v", i, j, r)
			}
		}
	}
	records, err := csv.NewReader(strings.NewReader(compareAs(t, "csv", Options{}, sampleRun))).ReadAll()
	if err != nil || len(records) < 50 || len(records[0]) != 21 {
		t.Errorf("CSV: %d records, error %v", len(records), err)
	}
}

// This package works on files alone, also where there is no OpenSSL.
func TestKnowsNothingOfTheRig(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for dep := range strings.Lines(string(out)) {
		dep = strings.TrimSpace(dep)
		own := strings.HasPrefix(dep, "tlsbench/results") || dep == "tlsbench/strategies/catalogue"
		if strings.HasPrefix(dep, "tlsbench/") && !own || dep == "os/exec" || dep == "runtime/cgo" {
			t.Errorf("imports %s", dep)
		}
	}
}

// A life without a good handshake is one of those that the range is about.
func TestHandshakesOfUndamaged(t *testing.T) {
	lives := some(3, testCell(Corruption, "hwm"))
	for i, n := range []uint64{23, 0, 5} {
		lives[i].Handshakes, lives[i].Attempts = n, 30
	}
	c, err := Summarize(Options{}, fileOf(t, "run.txt", lives...))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Tables[0].Row("hwm").HandshakeRange.String(); got != "0 to 23" {
		t.Errorf("handshakes %s, want 0 to 23", got)
	}
}
