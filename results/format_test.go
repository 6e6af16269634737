package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/perf/benchfmt"

	"tlsbench/results/event"
)

func testHeader() Header {
	return Header{
		Plan: json.RawMessage(`{"seed":7,"rounds":2}`),
		Config: []benchfmt.Config{
			{Key: "goos", Value: []byte("linux"), File: true},
			{Key: "cpu", Value: []byte("AMD EPYC 7B13: 2 cores"), File: true},
			{Key: "openssl-3.0.20-libcrypto", Value: []byte("/usr/lib/libcrypto.so.3"), File: true},
		},
	}
}

func testCell(m Measure, strategy string, settings ...Settings) Cell {
	return Cell{Measure: m, OpenSSL: "3.0.20", Hazard: "plain", Load: "tcp", Heap: "global",
		Settings: Settings(strings.Join(Texts(settings), " ")), Strategy: strategy, Workers: 4}
}

// testTrials has one trial of every kind that a file may hold.
func testTrials() []*Trial {
	start := time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)
	trials := []*Trial{
		{Cell: testCell(Handshake, "hwm"), Status: OK, Life: Life{Handshakes: 4321, Load: 2 * time.Second},
			Metrics: []Metric{{2160.5, HandshakesPerSec}, {812345, CPUPerHandshake}, {1.5e6, "p99-ns/handshake"}}},
		{Cell: testCell(Handshake, "none"), Status: OK, Life: Life{Handshakes: 77, CrashAt: 31 * time.Millisecond,
			Events: map[string]uint64{event.Crash: 1, event.DoubleFree: 190}, Detail: []string{`worker 2: "tlsv1 alert" in a good handshake`, "Störung <&>"}}},
		{Cell: testCell(Corruption, "none"), Status: OK, Seed: 1<<64 - 1,
			Life: Life{Handshakes: 5000, Checks: 5000, Draws: 20000, SharedSlots: 3,
				Events: map[string]uint64{event.ForeignError: 50, event.RepeatedRandom: 2}},
			Metrics: []Metric{{1, DamagedPerTrial}, {1e4, ForeignPerMcheck}, {100, RepeatsPerMdraw}, {3, "shared-slots"}}},
		{Cell: testCell(Corruption, "hwm", "tls=1.2 check=0"), Status: OK,
			Life: Life{Handshakes: 5000, Steal: 0.012345678901234567, LoadBefore: 0.25}, Metrics: []Metric{{0, PassivePerMhs}}},
		{Cell: testCell(Corruption, "clear-0-15"), Status: Failed, Reason: "bind: address in use"},
		{Cell: testCell(Corruption, "pointer-match"), Status: NotApplicable, Reason: "this build has no ERR_get_state"},
		{Cell: testCell(Fork, "key-owner"), Status: OK, Life: Life{Forks: 64}, Metrics: []Metric{{61234, "p50-fork-ns"}}},
	}
	for i, t := range trials {
		t.ID, t.Round, t.Start = i+1, i/4, start
		if t.Seed == 0 {
			t.Seed = uint64(i) * 7919
		}
	}
	return trials
}

func writeAll(t testing.TB, h Header, trials ...*Trial) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := NewWriter(&buf)
	if err := w.Header(h); err != nil {
		t.Fatal(err)
	}
	for _, trial := range trials {
		if err := w.Trial(trial); err != nil {
			t.Fatal(err)
		}
	}
	return buf.Bytes()
}

func readAll(data []byte) (*Reader, []*Trial) {
	r := NewReader(bytes.NewReader(data), "test.txt")
	var trials []*Trial
	for r.Scan() {
		trials = append(trials, r.Trial())
	}
	return r, trials
}

// asRead ignores what only reading adds.
var asRead = cmp.Options{cmpopts.IgnoreFields(Trial{}, "Config", "File"), cmpopts.EquateEmpty()}

func TestRoundTrip(t *testing.T) {
	want := testTrials()
	data := writeAll(t, testHeader(), want...)
	r, got := readAll(data)
	if r.Err() != nil || r.Torn() || r.Offset() != int64(len(data)) {
		t.Errorf("err %v, torn %v, offset %d of %d", r.Err(), r.Torn(), r.Offset(), len(data))
	}
	if d := cmp.Diff(want, got, asRead); d != "" {
		t.Errorf("trials differ (-written +read):\n%s", d)
	}
	if d := cmp.Diff(testHeader(), r.Header()); d != "" {
		t.Errorf("header differs (-written +read):\n%s", d)
	}
	if got[3].Config["cpu"] != "AMD EPYC 7B13: 2 cores" || got[3].File != "test.txt" {
		t.Errorf("config %v of file %q", got[3].Config, got[3].File)
	}
	marked := append([]byte(byteOrderMark), data...)
	if r, got = readAll(marked); r.Err() != nil || len(got) != len(want) || r.Header().Plan == nil || r.Offset() != int64(len(marked)) {
		t.Errorf("with a byte order mark: err %v, %d trials, plan %s, offset %d of %d", r.Err(), len(got), r.Header().Plan, r.Offset(), len(marked))
	}
}

// A file may be cut at any byte: what was whole is read, the rest is dropped,
// and after a cut at Offset the file can go on.
func TestTornAnywhere(t *testing.T) {
	want := testTrials()
	data := writeAll(t, testHeader(), want...)
	head := len(writeAll(t, testHeader()))
	for n := range len(data) {
		r, got := readAll(data[:n])
		if r.Err() != nil {
			t.Fatalf("cut at %d: %v", n, r.Err())
		}
		if d := cmp.Diff(want[:len(got)], got, asRead); d != "" {
			t.Fatalf("cut at %d: trials differ:\n%s", n, d)
		}
		whole := writeAll(t, testHeader(), want[:len(got)]...)
		if wantOffset := int64(len(whole)); n >= head && r.Offset() != wantOffset {
			t.Fatalf("cut at %d: offset %d, want %d", n, r.Offset(), wantOffset)
		}
		if n >= head && r.Torn() != (n != len(whole)) {
			t.Fatalf("cut at %d of whole %d: torn is %v", n, len(whole), r.Torn())
		}
		if n < head && (r.Offset() != 0 || len(got) != 0) {
			t.Fatalf("cut at %d in the header: offset %d, %d trials", n, r.Offset(), len(got))
		}
	}
}

type countingWriter struct{ writes int }

func (c *countingWriter) Write(p []byte) (int, error) { c.writes++; return len(p), nil }

func TestOneWritePerTrial(t *testing.T) {
	var c countingWriter
	w := NewWriter(&c)
	for i, trial := range testTrials() {
		if err := w.Trial(trial); err != nil {
			t.Fatal(err)
		}
		if c.writes != i+1 {
			t.Fatalf("%d writes after %d trials", c.writes, i+1)
		}
	}
}

type fullDisk struct{}

var errFull = errors.New("no space left on device")

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestWriterErrors(t *testing.T) {
	bad := func(change func(*Trial)) *Trial {
		trial := testTrials()[0]
		change(trial)
		return trial
	}
	for _, tt := range []struct {
		trial *Trial
		want  string
	}{
		{bad(func(t *Trial) { t.Cell.Strategy = "my fix" }), "white space"},
		{bad(func(t *Trial) { t.Cell.Strategy = "lib/fix" }), "not key=value"},
		{bad(func(t *Trial) { t.Cell.Settings = "colour=red" }), "unknown part colour=red"},
		{bad(func(t *Trial) { t.Cell.Heap = "global/tls=1.2" }), "another cell"},
		{bad(func(t *Trial) { t.Cell.Workers = 0 }), "not a positive number"},
		{bad(func(t *Trial) { t.Cell.Measure = "Speed" }), "[Handshake Corruption Sharing Fork Duet]"},
		{bad(func(t *Trial) { t.Metrics[0].Unit = "a b" }), "white space"},
		{bad(func(t *Trial) { t.CrashAt = -1 }), "want times of at least 0"},
		{bad(func(t *Trial) { t.Steal = 1.5 }), "a share of 0 to 1"},
	} {
		err := NewWriter(new(bytes.Buffer)).Trial(tt.trial)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want one with %q", tt.trial.Cell.Name(), err, tt.want)
		}
	}
	if err := NewWriter(fullDisk{}).Trial(testTrials()[0]); !errors.Is(err, errFull) {
		t.Errorf("full disk: %v", err)
	}
	for _, c := range []benchfmt.Config{{Key: "CPU", Value: []byte("x")}, {Key: "a b", Value: []byte("x")},
		{Key: "a", Value: []byte("x\ny")}, {Key: "a"}, {Key: "", Value: []byte("x")}} {
		if err := NewWriter(new(bytes.Buffer)).Header(Header{Config: []benchfmt.Config{c}}); err == nil {
			t.Errorf("configuration %q: %q was taken", c.Key, c.Value)
		}
	}
}

// Detail is cut before it makes a line that benchstat cannot read.
func TestLongDetail(t *testing.T) {
	trial := testTrials()[1]
	trial.Detail = []string{strings.Repeat("x", 2*maxLine)}
	data := writeAll(t, testHeader(), trial)
	for line := range bytes.Lines(data) {
		if len(line) > maxLine {
			t.Errorf("line of %d bytes", len(line))
		}
	}
	_, got := readAll(data)
	if len(got) != 1 || got[0].Events[event.DoubleFree] != 190 || !strings.Contains(got[0].Detail[0], "left out") {
		t.Errorf("got %+v", got)
	}
	big := Header{Plan: json.RawMessage(`"` + strings.Repeat("x", 2*maxLine) + `"`)}
	if err := NewWriter(new(bytes.Buffer)).Header(big); err == nil || !strings.Contains(err.Error(), "benchstat") {
		t.Errorf("long plan: %v", err)
	}
}

func TestReaderErrors(t *testing.T) {
	name := testCell(Handshake, "hwm").Name()
	for _, tt := range []struct{ in, want string }{
		{"#trial {\n", "test.txt: line 1: trial: jsontext: unexpected EOF"},
		{"cpu: x\n#trial {\"name\":\"Nothing\"}\n", "test.txt: line 2: benchmark name"},
		{"#plan {\n", "test.txt: line 1: plan is not valid JSON"},
		{"\n\n" + name + " x 1 y\n", "test.txt: line 3: parsing iteration count"},
		{name + "/x=1 1 1 y\n", "unknown part x=1"},
		{"#trial {\"name\":\"" + name + "\",\"lines\":1,\"id\":4,\"status\":\"ok\"}\n\n#trial {}\n", "line 3: trial 4 (" + name[9:] + "): its benchmark line is missing"},
		{"Unit a better=lower\nUnit a better=higher\n", "line 2: metadata better of unit a already set"},
		{strings.Repeat("x", 300<<10), "line 1: longer than"},
		{"cpu: x\n" + strings.Repeat("\x00", 9) + "#trial {}\n", "line 2: it has a NUL byte"}, // it would hide the trial
		{"#plan {\"spec\":{\"seed\":1,\"rounds\":2}}\n#plan {\"spec\":{\"seed\":1,\"rounds\":3,\"extended\":[2]}}\n" +
			"#plan {\"tlsbench\":\"other\",\"spec\":{\"seed\":1,\"rounds\":2}}\n", "line 3: plan of another run"},
		{"Benchmark" + strings.Repeat("x", 100<<10) + "\n", "line 1: bufio.Scanner: token too long"},
	} {
		r, _ := readAll([]byte(tt.in))
		if r.Err() == nil || !strings.Contains(r.Err().Error(), tt.want) {
			t.Errorf("%.80q: error %v, want %q", tt.in, r.Err(), tt.want)
		}
	}
}

func TestReadFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	data := writeAll(t, testHeader(), testTrials()...)
	a, b := write("a.txt", data), write("b.txt", data[:len(data)-9])
	set, err := ReadFiles(a, b)
	if err != nil {
		t.Fatal(err)
	}
	n := len(testTrials())
	if len(set.Trials) != 2*n-1 || set.Trials[0].File != a || set.Trials[n].File != b {
		t.Errorf("%d trials", len(set.Trials))
	}
	if set.Files[0].Torn || !set.Files[1].Torn || set.Files[1].Header.Get("goos") != "linux" {
		t.Errorf("files %+v", set.Files)
	}
	if _, err := ReadFiles(write("empty.txt", nil)); err == nil || !strings.Contains(err.Error(), "no trials") {
		t.Errorf("empty file: %v", err)
	}
	if _, err := ReadFiles(filepath.Join(dir, "absent")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent file: %v", err)
	}
}

// Plain "go test -bench" output, with its own lines around and between.
func TestGoTestOutput(t *testing.T) {
	set, err := ReadFiles("testdata/gotest.txt")
	if err != nil {
		t.Fatal(err)
	}
	type row struct {
		name       string
		handshakes uint64
		events     map[string]uint64
		config     string
	}
	var got []row
	for _, trial := range set.Trials {
		if trial.Status != OK {
			t.Errorf("%s: status %q", trial.Cell.Name(), trial.Status)
		}
		got = append(got, row{string(trial.Cell.Measure) + " " + trial.Cell.Strategy, trial.Handshakes, trial.Events, trial.Config["cpu"]})
	}
	const cpu = "Intel(R) Xeon(R) CPU @ 2.20GHz"
	want := []row{
		{"Handshake hwm", 4210, nil, cpu},
		{"Handshake hwm", 4184, nil, cpu},
		{"Handshake clear-0-15", 4198, nil, cpu},
		{"Corruption none", 1823, map[string]uint64{event.ForeignError: 384, event.RepeatedRandom: 8}, cpu},
		{"Corruption none", 2012, map[string]uint64{event.Unspecified: 81}, cpu},
		{"Corruption hwm", 4012, nil, cpu},
		{"Fork hwm", 0, nil, cpu},
	}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(row{})); d != "" {
		t.Errorf("trials differ (-want +got):\n%s", d)
	}
}

// The unchanged benchstat reads a results file without a word on stderr.
func TestBenchstat(t *testing.T) {
	dir := t.TempDir()
	tool := filepath.Join(dir, "benchstat")
	if out, err := exec.Command("go", "build", "-o", tool, "golang.org/x/perf/cmd/benchstat").CombinedOutput(); err != nil {
		t.Fatalf("build benchstat: %v\n%s", err, out)
	}
	var trials []*Trial
	for round := range 8 {
		for _, trial := range testTrials() {
			trial.Round = round
			trials = append(trials, trial)
		}
	}
	path := filepath.Join(dir, "run.txt")
	if err := os.WriteFile(path, writeAll(t, testHeader(), trials...), 0o666); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(tool, "-col", "/strategy", path)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil || stderr.Len() > 0 {
		t.Fatalf("benchstat: %v\n%s", err, &stderr)
	}
	for _, want := range []string{"goos: linux", HandshakesPerSec, "cpu-sec/handshake", "812.3µ"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("benchstat's tables lack %q:\n%s", want, &stdout)
		}
	}
	if n := strings.Count(stdout.String(), "goos: linux"); n != 1 {
		t.Errorf("benchstat split the file into %d configurations", n)
	}
}

func TestUnitsAreKnownToBenchfmt(t *testing.T) {
	r := benchfmt.NewReader(bytes.NewReader(writeAll(t, testHeader())), "x")
	for r.Scan() {
		if err, ok := r.Result().(*benchfmt.SyntaxError); ok {
			t.Error(err)
		}
	}
	for _, unit := range units {
		want := -1
		if strings.HasSuffix(unit, "/s") {
			want = +1
		}
		if got := r.Units().GetBetter(unit); got != want {
			t.Errorf("%s: better is %d, want %d", unit, got, want)
		}
	}
}

func FuzzReader(f *testing.F) {
	trial := testTrials()[2]
	var buf bytes.Buffer
	w := NewWriter(&buf)
	if err := errors.Join(w.Header(testHeader()), w.Trial(trial), w.Trial(testTrials()[1])); err != nil {
		f.Fatal(err)
	}
	f.Add(buf.Bytes())
	f.Add([]byte("Benchmark# 1 0 x\nBenchmark#end 1 0 x\n#trial {}\n"))
	if data, err := os.ReadFile("testdata/gotest.txt"); err == nil {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, trials := readAll(data)
		if r.Offset() > int64(len(data)) {
			t.Errorf("offset %d of %d bytes", r.Offset(), len(data))
		}
		// What could be read can be written and is then read the same.
		for _, want := range trials {
			var buf bytes.Buffer
			if err := NewWriter(&buf).Trial(want); err != nil {
				continue // a unit or time that only a file made by hand has
			}
			if _, got := readAll(buf.Bytes()); len(got) != 1 || got[0].Cell.Name() != want.Cell.Name() {
				t.Fatalf("wrote %+v, read back %+v:\n%s", want, got, &buf)
			}
		}
	})
}

// What a #trial line says is written again as the same, though the maps and slices of
// the trial before are used for it.
func FuzzTrialJSON(f *testing.F) {
	for _, trial := range testTrials() {
		text, err := json.Marshal(trialLine{Name: trial.Cell.Name(), Lines: 1, Trial: trial})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	for _, s := range []string{`{}`, `{"steal_share":0.1,"load1":12.50}`, `{"seed":01}`, `{"id":-1}`, `{"id":1e3}`, `{"ID":3}`,
		`{"steal_share":1.}`, `{"events":null}`, `{"detail":["a\n",1]}`, `{"load1":0.30000000000000004}`, `{"control":truefalse}`,
		`{"events":{"a":1},"events":{"b":2}}`, `{"lines":3} x`, `{"seed":18446744073709551616}`, `{"steal_share":00.5}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got := testTrials()[1] // the one before
		line, err := got.parse(text)
		if err != nil {
			return
		}
		again, err := json.Marshal(line)
		if err != nil {
			t.Skip(err) // a year that no clock shows
		}
		var back Trial
		line2, err := back.parse(again)
		if err != nil {
			t.Fatalf("%s: written as %s, and not read: %v", text, again, err)
		}
		if line2.Name != line.Name || line2.Lines != line.Lines {
			t.Errorf("%s: name %q lines %d, then %q and %d", text, line.Name, line.Lines, line2.Name, line2.Lines)
		}
		if d := cmp.Diff(got, &back, cmpopts.EquateEmpty()); d != "" {
			t.Errorf("%s: differs (-first +written and read):\n%s", text, d)
		}
	})
}

func FuzzParseCell(f *testing.F) {
	f.Add(testCell(Handshake, "clear-0-15", "tls=1.2 check=0").Name())
	f.Add("Handshake/check=0/tls=1.2/workers=4/openssl=a/hazard=b/load=c/heap=d/strategy=e-16")
	f.Add("Sharing/openssl=3.3.0+quic-1/hazard=fips+python/load=c/heap=d/strategy=e/workers=4")
	f.Add("Sharing/openssl=4.1.0-dev/hazard=fips+python/load=c/heap=d/strategy=e/workers=4-16")
	f.Fuzz(func(t *testing.T, name string) {
		c, err := ParseCell(name)
		if err != nil {
			return
		}
		back, err := ParseCell(c.Name())
		if err != nil {
			t.Fatalf("%q gives %q, which does not read: %v", name, c.Name(), err)
		}
		if d := cmp.Diff(c, back); d != "" {
			t.Errorf("%q gives %q, which reads back different:\n%s", name, c.Name(), d)
		}
	})
}

func TestParseCell(t *testing.T) {
	const rest = "/openssl=3.0.20/hazard=foreign-keys:n=14/load=tcp/heap=global"
	want := Cell{Measure: Corruption, OpenSSL: "3.0.20", Hazard: "foreign-keys:n=14", Load: "tcp", Heap: "global",
		Settings: "tls=1.2 check=0", Strategy: "clear-0-15", Workers: 4}
	for _, name := range []string{
		"BenchmarkCorruption" + rest + "/tls=1.2/check=0/strategy=clear-0-15/workers=4",
		"Corruption" + rest + "/check=0/tls=1.2/strategy=clear-0-15/workers=4-16",
	} {
		got, err := ParseCell(name)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s:\n%s", name, d)
		}
	}
	for _, tt := range []struct{ name, want string }{
		{"", "is not one of"},
		{"BenchmarkSpeed/openssl=3", "[Handshake Corruption Sharing Fork Duet]"},
		{"Fork", "is not key=value"},
		{"Fork/openssl", "is not key=value"},
		{"Fork/openssl=", "is not key=value"},
		{"Fork/openssl=3", "want openssl, hazard"},
		{"Fork/openssl=3/openssl=3", "openssl= is given twice"},
		{"Fork/tls=1/tls=1", "tls= is given twice"},
		{"Fork/workers=1/workers=1", "workers= is given twice"},
		{"Fork/workers=0", "not a positive number"},
		{"Fork/workers=x", "not a positive number"},
		{"Fork/colour=red", "unknown part colour=red"},
		{"Fork/hazard=a b", "white space"},
		{"Fork/hazard=\xff", "UTF-8"},
	} {
		if _, err := ParseCell(tt.name); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: error %v, want %q", tt.name, err, tt.want)
		}
	}
}

func ExampleWriter() {
	var buf bytes.Buffer
	w := NewWriter(&buf)
	err := w.Trial(&Trial{
		Cell: Cell{Measure: Handshake, OpenSSL: "3.0.20", Hazard: "plain", Load: "tcp", Heap: "global", Strategy: "hwm", Workers: 4},
		ID:   1, Status: OK, Life: Life{Handshakes: 4210}, Metrics: []Metric{{2105.25, HandshakesPerSec}},
	})
	lines := strings.Split(buf.String(), "\n")
	fmt.Println(err, lines[0][:len(trialPrefix)-1])
	fmt.Println(lines[1])
	// Output:
	// <nil> #trial
	// BenchmarkHandshake/openssl=3.0.20/hazard=plain/load=tcp/heap=global/strategy=hwm/workers=4 4210 2105.25 handshakes/s
}
