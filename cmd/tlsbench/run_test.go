package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vbauerster/mpb/v8"
	"golang.org/x/sys/unix"

	"tlsbench/bench"
	"tlsbench/results"
	"tlsbench/results/event"
	"tlsbench/results/page"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload/openssl"
)

func TestFileName(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	if got, want := fileName(at, bench.Shard{Index: 1, Count: 1}), "tlsbench-20260304-050607.txt"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := fileName(at, bench.Shard{Index: 2, Count: 16}), "tlsbench-20260304-050607-shard-2-of-16.txt"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// controlFile writes corruption trials of the controls; with the heap traced,
// sharing trials without a raced block.
func controlFile(t *testing.T, events map[string]string, heap string) string {
	t.Helper()
	var text bytes.Buffer
	w := results.NewWriter(&text)
	if err := w.Header(results.Header{}); err != nil {
		t.Fatal(err)
	}
	for i, strategy := range []string{"none", "key-owner"} {
		kind, ran := events[strategy]
		if !ran {
			continue
		}
		trial := &results.Trial{ID: i + 1, Round: 1, Status: results.OK, Life: results.Life{Handshakes: 100}, Cell: results.Cell{
			Measure: results.Corruption, OpenSSL: "3.0.20", Hazard: "plain", Load: "tcp", Heap: heap, Strategy: strategy, Workers: 4,
		}, Metrics: []results.Metric{{Value: 0, Unit: results.DamagedPerTrial}}}
		if heap == results.Traced {
			trial.Cell.Measure, trial.Metrics[0].Unit = results.Sharing, results.RacedBlocks
		}
		if kind != "" {
			trial.Events = map[string]uint64{kind: 1}
			trial.Metrics[0].Value = 1
		}
		if err := w.Trial(trial); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "r.txt")
	if err := os.WriteFile(path, text.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFailedControls(t *testing.T) {
	tests := []struct {
		name   string
		events map[string]string // strategy: kind of event seen, "" for none
		heap   string
		want   string // part of the complaint, "" for none
	}{
		{"as they must", map[string]string{"none": "crash", "key-owner": ""}, "global", ""},
		{"none is silent", map[string]string{"none": "", "key-owner": ""}, "global", "none is undamaged in 1/1"},
		{"key-owner fires", map[string]string{"none": "crash", "key-owner": "crash"}, "global", "key-owner is damaged in 1/1"},
		{"a private heap shares nothing", map[string]string{"none": "", "key-owner": ""}, "private", ""},
		{"sharing trials of none race for nothing", map[string]string{"none": "", "key-owner": ""}, results.Traced, "no raced block under none"},
		{"left out", map[string]string{"key-owner": ""}, "global", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			sum, err := results.Summarize(results.Options{}, controlFile(t, test.events, test.heap))
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(results.FailedControls(sum.Tables), "; ")
			if !strings.Contains(got, test.want) || (test.want == "") != (got == "") {
				t.Errorf("%q, want %q in it", got, test.want)
			}
		})
	}
}

// A cell that is not as the catalogue of hazards expects is named, with its
// trials; one that is as expected, and a strategy of the user's own, are not.
func TestDeviations(t *testing.T) {
	row := func(strategy string, trials int, kinds ...string) *results.Row {
		r := &results.Row{Strategy: strategy, Verdict: results.Verdict{Trials: trials}}
		for _, kind := range kinds {
			r.Events = append(r.Events, results.KindCount{Kind: kind, Events: 1, Trials: 1})
		}
		return r
	}
	got := deviations([]*results.Table{{Scene: results.Scene{OpenSSL: "3.0.19", Hazard: "plain"}, Rows: []*results.Row{
		row("key-owner", 1), row("none", 1, event.ForeignError), row("hwm", 2, event.DoubleFree), row("myfix", 1, event.Crash),
		row("shm-match", 0), // not tried
	}}})
	want := page.Text("hwm under hazard plain on openssl 3.0.19: expected clean, saw corrupt (2 trials)")
	if diff := cmp.Diff([]page.Part{want}, got[1:]); diff != "" {
		t.Errorf("deviations: -want +got:\n%s", diff)
	}
}

// sight is a writer that tells when a text has been written to it.
type sight struct {
	text string
	seen chan struct{}
	out  bytes.Buffer
}

func (s *sight) Write(p []byte) (int, error) {
	had := strings.Contains(s.out.String(), s.text)
	s.out.Write(p)
	if !had && strings.Contains(s.out.String(), s.text) {
		close(s.seen)
	}
	return len(p), nil
}

func TestBar(t *testing.T) {
	w := &sight{text: "1m30s left  3.0.20 hwm", seen: make(chan struct{})}
	b := newBar(w, mpb.ForceAutoRefresh(), mpb.WithRefreshRate(time.Millisecond))
	b.show(3, 8, 90*time.Second, "3.0.20 hwm")
	select {
	case <-w.seen:
	case <-time.After(time.Minute):
		t.Error("no frame shows strategy and time left")
	}
	b.close()
	if got := w.out.String(); !strings.Contains(got, "3/8") {
		t.Errorf("no frame shows the count: %q", got)
	}
}

// terminal opens a pseudo-terminal and returns the person's end and the
// program's.
func terminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { person.Close() })
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(int(person.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: page.Width}); err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return person, program
}

// TestRunOnTerminal wants the bar where a person is looking, and it gone when
// the table comes. (That it is not there otherwise is in the scripts.)
func TestRunOnTerminal(t *testing.T) {
	person, program := terminal(t)
	shown := make(chan string)
	go func() {
		text, _ := io.ReadAll(person) // ends with an error when the program's end is closed
		shown <- string(text)
	}()
	code := run(context.Background(), []string{"run", "-o", filepath.Join(t.TempDir(), "r.txt"), "--rounds", "1",
		"--duration", "700ms", "--workers", "2", "--load", "memory", "--strategy", "hwm", "--measure", "corruption", "--check-rate", "0", "--no-controls"},
		nil, program, program)
	program.Close()
	got := <-shown
	if code != exitDone {
		t.Errorf("exit code %d, want %d", code, exitDone)
	}
	// There is no colour that NO_COLOR would turn off.
	if colour := regexp.MustCompile(`\x1b\[[0-9;]*m`).FindString(got); colour != "" {
		t.Errorf("a colour was written: %q", colour)
	}
	bar, table := strings.LastIndex(got, " left  "), strings.Index(got, "baseline key-owner")
	if bar < 0 || table < bar {
		t.Errorf("bar last at %d, table at %d, want the table after the bar:\n%s", bar, table, got)
	}
}

// trace names no one's home, as a results file does not.
func TestTraceIsPortable(t *testing.T) {
	builds, err := openssl.Find([]string{"system"}, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", filepath.Dir(builds[0].Libcrypto))
	c := traceCommand{Load: "memory", Workers: 2, Locks: "shared", Rand: "default", Handshakes: 1}
	got, err := c.once(t.Context(), builds[0], catalogue.Choice{Name: results.NegativeControl}, results.Plain)
	if want := "~/" + filepath.Base(builds[0].Libcrypto); err != nil || got.Library != want {
		t.Errorf("the library is %q, want %q: %v", got.Library, want, err)
	}
}
