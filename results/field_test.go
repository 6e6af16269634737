package results

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tlsbench/results/event"
)

const fieldHeader = `{"tlsbench_field":1,"plan":{},"seed":7,"duration_ns":1,"patience_ns":2}` + "\n"

func writeField(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "field.txt")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// fieldTrial is a daemon's, or with rig true the rig's.
func fieldTrial(id, n int, c FieldCase, rig bool, at time.Duration, kinds ...string) *FieldTrial {
	t := &FieldTrial{ID: id, Case: n, Round: 1, Status: OK, Handshakes: 200, Load: 2 * time.Second, Memory: 5 << 20}
	for _, k := range kinds {
		if t.Events == nil {
			t.Events = map[string]uint64{}
		}
		t.Events[k]++
		t.First = append(t.First, FieldEvent{Kind: k, At: at})
	}
	if rig {
		t.Rig = c.Rig
	} else {
		t.Daemon = &c
		t.SetUp = "x: set up when the TLS module was loaded; 4 keys"
	}
	return t
}

func fieldCase(kamailio, strategy string) FieldCase {
	return FieldCase{Kamailio: kamailio, OpenSSL: "3.0.1", Strategy: strategy, Mode: NoMode, Python: "no", Rig: kamailio + strategy,
		OwnRandom: kamailio == "5.6"}
}

// What was written comes back, and a torn end is no trial.
func TestFieldIsReadBack(t *testing.T) {
	want := []*FieldTrial{
		fieldTrial(1, 1, fieldCase("6.0", "none"), false, time.Second, event.Crash),
		fieldTrial(2, 1, fieldCase("6.0", "none"), true, 0),
	}
	text := []byte(fieldHeader)
	for _, trial := range want {
		var err error
		if text, err = AppendField(text, trial); err != nil {
			t.Fatal(err)
		}
	}
	path := writeField(t, string(text)+`{"id":3,"daem`)
	f, err := ReadField(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, f.Trials); diff != "" || !f.Torn || f.Whole != int64(len(text)) || f.Header.Seed != 7 {
		t.Errorf("file %+v (-want +got):\n%s", f, diff)
	}
	if !IsFieldFile(path) || IsFieldFile(writeField(t, "goos: linux\n")) || IsFieldFile("/nowhere") {
		t.Error("files of the field are not told from others")
	}
}

func TestFieldIsRefused(t *testing.T) {
	trial := `{"id":1,"round":1,"rig":"x","status":"ok"}` + "\n"
	for text, want := range map[string]string{
		"":                                      "no results of tlsbench field",
		"goos: linux\n":                         "no results of tlsbench field",
		`{"tlsbench_field":2,"plan":{}}` + "\n": "line 1: format 2 of the field's results: this version reads 1",
		fieldHeader + trial + trial:             "line 3: trial 1 is in the file twice",
		fieldHeader + "nonsense\n":              "line 2: trial: ",
		fieldHeader + strings.Replace(trial, "ok", "k", 1):     `line 2: trial 1: unknown status "k": choose from ok, `,
		fieldHeader + strings.Replace(trial, "rig", "r", 1):    "line 2: trial 1 is neither a daemon's nor the rig's",
		fieldHeader + strings.Replace(trial, "1", "0", 1):      "line 2: trial 0 of round 1",
		fieldHeader + strings.Repeat(" ", maxFieldLine) + "\n": "line 2: longer than",
	} {
		if _, err := ReadField(writeField(t, text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: error %v, want one with %q", text, err, want)
		}
	}
}

// The verdict words of both sides, and what is made of them.
func TestFieldAgreement(t *testing.T) {
	for _, tc := range []struct {
		name, release string
		daemon, rig   []string
		agree         Agreement
		why           string
	}{
		{"both clean", "6.0", nil, nil, Agrees, ""},
		{"both damaged, each in its way", "6.0", []string{event.Crash}, []string{event.ForeignError}, Agrees, ""},
		{"daemon damaged", "6.0", []string{event.DoubleFree}, nil, Disagrees, "open: the daemon was damaged, the rig was not"},
		{"rig damaged", "6.0", nil, []string{event.DoubleFree}, Disagrees, "open: the rig looks inside"},
		{"slots lost: the daemon cannot tell", "6.0", nil, []string{event.LostSlot}, Agrees, ""},
		{"the daemon's own generator repeats", "5.6", []string{event.RepeatedRandom}, nil, Agrees, "the TLS module's own generator"},
		{"OpenSSL's generator repeats", "6.0", []string{event.RepeatedRandom}, nil, Disagrees, "the daemon was damaged"},
	} {
		c := fieldCase(tc.release, "hwm")
		sum := SummarizeField(&FieldFile{Trials: []*FieldTrial{
			fieldTrial(1, 1, c, false, time.Second, tc.daemon...), fieldTrial(2, 1, c, true, time.Second, tc.rig...),
		}})
		got := sum.Comparisons[0]
		if len(sum.Comparisons) != 1 || got.Agree != tc.agree || !strings.Contains(got.Why, tc.why) || tc.why == "" && got.Why != "" {
			t.Errorf("%s: agree %q, %q (daemon %v, rig %v); want %q, %q", tc.name, got.Agree, got.Why, got.Daemon, got.Rig, tc.agree, tc.why)
		}
	}
}

// Without an answer of either side there is none.
func TestFieldNoAnswer(t *testing.T) {
	c := fieldCase("6.0", "hwm")
	for _, status := range []Status{Failed, Skipped, NotApplicable} {
		rig, daemon := fieldTrial(2, 1, c, true, 0), fieldTrial(1, 1, c, false, 0, event.Crash)
		rig.Status, rig.Reason = status, "no libpython"
		sum := SummarizeField(&FieldFile{Trials: []*FieldTrial{daemon, rig}})
		if got := sum.Comparisons[0]; got.Agree != NoAnswer || sum.All.Answered != 0 || !strings.Contains(strings.Join(sum.Notes(), "\n"), "no libpython") {
			t.Errorf("rig %s: %+v, notes %q", status, got, sum.Notes())
		}
		if (sum.Failed() == 1) != (status == Failed) {
			t.Errorf("rig %s: %d failed", status, sum.Failed())
		}
	}
}

// Without damage where there must be some, or with some where there must be
// none, nothing is proved.
func TestFieldControls(t *testing.T) {
	old, python := fieldCase("5.4", "none"), fieldCase("6.0", "none")
	old.OpenSSL, python.Python = "1.1.1w", "before"
	for _, tc := range []struct {
		name        string
		c           FieldCase
		daemon, rig []string
		want        string
	}{
		{"no fix, both damaged", fieldCase("6.0", "none"), []string{event.Crash}, []string{event.ForeignError}, ""},
		{"no fix, daemon clean", fieldCase("6.0", "none"), nil, []string{event.Crash}, "kamailio 6.0 on 3.0.1 without a fix: no damage within 10s in 1 trials"},
		{"no fix, rig clean", fieldCase("6.0", "none"), []string{event.Crash}, nil, "the rig beside kamailio 6.0, none, mem_safety 0: no damage in 1 trials"},
		{"no fix on 1.1.1", old, nil, nil, ""},
		{"no fix, with a neighbour", python, nil, nil, ""},
		{"oracle, both clean", fieldCase("6.0", "key-owner"), nil, nil, ""},
		{"oracle, daemon damaged", fieldCase("6.0", "key-owner"), []string{event.DoubleFree}, nil, "the daemon was damaged: corrupt"},
		{"oracle, rig damaged", fieldCase("6.0", "key-owner"), nil, []string{event.Crash}, "the rig was damaged: crash"},
		{"a strategy, both damaged", fieldCase("6.0", "hwm"), []string{event.Crash}, []string{event.Crash}, ""},
	} {
		got := SummarizeField(&FieldFile{Trials: []*FieldTrial{
			fieldTrial(1, 1, tc.c, false, time.Second, tc.daemon...), fieldTrial(2, 1, tc.c, true, time.Second, tc.rig...),
		}}).BrokenControls()
		if (len(got) == 0) != (tc.want == "") || !strings.Contains(strings.Join(got, "\n"), tc.want) {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

// Order, score, the daemons without a fix, and what each did.
func TestSummarizeField(t *testing.T) {
	none, hwm, mode := fieldCase("6.0", "none"), fieldCase("6.0", "hwm"), fieldCase("6.0", "hwm")
	mode.Mode, mode.Python, mode.Rig = 1, "before", "mode"
	old := fieldCase("5.4", "none")
	old.OpenSSL = "1.1.1w"
	slow := fieldTrial(9, 1, none, false, 11*time.Second, event.Crash)
	slow.Memory, slow.Load = 9<<20, 6*time.Second
	sum := SummarizeField(&FieldFile{Trials: []*FieldTrial{
		fieldTrial(8, 3, mode, false, 0), fieldTrial(7, 3, mode, true, 0, event.Crash),
		fieldTrial(6, 2, hwm, false, 0), fieldTrial(5, 2, hwm, true, 0),
		slow, fieldTrial(2, 1, none, false, 70*time.Millisecond, event.DoubleFree, event.Crash), fieldTrial(1, 1, none, true, 0, event.Crash),
		fieldTrial(4, 4, old, false, time.Second, event.Crash),
	}})
	var order []string
	for _, c := range sum.Comparisons {
		order = append(order, c.String()+" "+string(c.Agree)+" "+c.Mark())
	}
	want := []string{
		"kamailio 6.0, hwm (mode 1), mem_safety 0, python before the TLS module no built in",
		"kamailio 6.0, none, mem_safety 0 yes TLS module", "kamailio 6.0, hwm, mem_safety 0 yes TLS module",
		"kamailio 5.4, none, mem_safety 0 - TLS module",
	}
	if diff := cmp.Diff(want, order); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if got, want := sum.ScoreLine(), "The daemon and the rig agree in 2 of 3 cases: 2 of 2 without Python, 0 of 1 with it."; got != want {
		t.Errorf("score %q, want %q", got, want)
	}
	if got, want := sum.ControlLine(), "Daemons on OpenSSL 3 or later without a fix, damaged within 10s: 1 of 2 runs (6.0 on 3.0.1: 1 of 2, within 70ms)."; got != want {
		t.Errorf("controls %q, want %q", got, want)
	}
	facts := FieldFacts{Trials: 2, Damaged: 2, First: 70 * time.Millisecond, Served: 400, Rate: 50, Memory: 9 << 20}
	if diff := cmp.Diff(facts, sum.Comparisons[1].Facts); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
}

// Any bytes are read or refused, and what is read can be summed up.
func FuzzReadField(f *testing.F) {
	f.Add(fieldHeader + `{"id":1,"case":1,"round":1,"rig":"x","status":"ok","events":{"crash":1}}` + "\n")
	f.Add(fieldHeader + `{"id":1,"round":1,"daemon":{"kamailio":"6.0","strategy":"none","mode":-1,"python":"no"},"status":"failed"}` + "\n{")
	f.Fuzz(func(t *testing.T, text string) {
		file := &FieldFile{Path: "f"}
		if err := file.read(strings.NewReader(text)); err != nil {
			return
		}
		if file.Whole > int64(len(text)) || file.Torn != (file.Whole < int64(len(text))) {
			t.Errorf("%d of %d bytes are whole, torn %v", file.Whole, len(text), file.Torn)
		}
		sum := SummarizeField(file)
		if sum.All.Agree > sum.All.Answered || sum.All.Answered > len(sum.Comparisons) || sum.ControlLine() == "" || sum.ScoreLine() == "" {
			t.Errorf("summary %+v", sum)
		}
	})
}
