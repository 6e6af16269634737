package plots

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/perf/benchfmt"

	"tlsbench/results"
	"tlsbench/results/page"
)

// fieldFile writes a file of daemons: one case that disagrees, one that agrees.
func fieldFile(t *testing.T) string {
	t.Helper()
	var out bytes.Buffer
	w := results.NewWriter(&out)
	check(t, w.Header(results.Header{Config: []benchfmt.Config{
		{Key: "machine", Value: []byte("2 x Example CPU")}, {Key: results.DaemonsKey, Value: []byte("kamailio-6.0.1")},
	}}))
	crash := map[string]uint64{"crash": 1}
	for i, trial := range []*results.Trial{
		{Events: crash, FirstEvent: 30 * time.Millisecond, Handshakes: 60}, {Events: crash},
		{Handshakes: 900, Metrics: []results.Metric{{Value: 20 << 20, Unit: results.MemoryBytes}}}, {Events: crash},
	} {
		trial.ID, trial.Round, trial.Status, trial.Load = i+1, 1, results.OK, time.Second
		name := "Corruption/openssl=3.5.9/hazard=plain/load=tcp/heap=global/strategy=none/workers=4"
		if i > 1 {
			name = "Corruption/openssl=3.5.9/hazard=python:before=1/load=tcp/heap=global/strategy=<own>/workers=4"
		}
		if i%2 == 0 {
			name += "/server=kamailio-6.0.1"
		}
		var err error
		trial.Cell, err = results.ParseCell(name)
		check(t, err)
		check(t, w.Trial(trial))
	}
	path := filepath.Join(t.TempDir(), "field.txt")
	check(t, os.WriteFile(path, out.Bytes(), 0o600))
	return path
}

// The section says the numbers, has disagreements first, and escapes names.
func TestDaemonSection(t *testing.T) {
	runs, list, err := splitDaemons([]string{fieldFile(t), "run.txt"})
	check(t, err)
	if len(list) != 1 || len(runs) != 1 || runs[0] != "run.txt" {
		t.Fatalf("runs %v, %d files of daemons", runs, len(list))
	}
	var html bytes.Buffer
	check(t, writeDaemons(&html, list, page.HTML, false))
	got := html.String()
	for _, want := range []string{
		"agree in 1 of 2 cases: 1 of 1 without Python, 0 of 1 with it.", "damaged within 10s: 1 of 1 runs", "on 2 x Example CPU:",
		"open: the rig looks inside", "1/1", `data-hazard="python:before=1"`, ">20<", "&lt;own&gt;",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the section does not say %q", want)
		}
	}
	if strings.Index(got, "&lt;own&gt;</th>") > strings.Index(got, "none</th>") {
		t.Errorf("order or escaping:\n%s", got)
	}
}

// A report of a run and the field has both, and the field's file for download.
func TestReportWithField(t *testing.T) {
	path := fieldFile(t)
	run := filepath.Join(t.TempDir(), "full.txt")
	check(t, os.WriteFile(run, fixtures["full"].write(t), 0o600))
	d, err := Load(Options{}, run, path)
	check(t, err)
	page := report(t, d)
	if !strings.Contains(page, `<section id="field">`) || !strings.Contains(page, `download="field.txt.gz"`) || !strings.Contains(page, `href="#field"`) {
		t.Error("no section of the field, no link to it, or no download of its file")
	}
	if page := report(t, load(t, "full")); strings.Contains(page, `id="field"`) || strings.Contains(page, `href="#field"`) {
		t.Error("a section of the field without a file of it")
	}
	var b bytes.Buffer
	check(t, Markdown(&b, d, ""))
	if !strings.Contains(b.String(), "agree in 1 of 2 cases") {
		t.Error("no agreement in the Markdown")
	}
}

// A file of the field alone makes a report.
func TestReportOfFieldAlone(t *testing.T) {
	d, err := Load(Options{}, fieldFile(t))
	check(t, err)
	if page := report(t, d); !strings.Contains(page, "agree in 1 of 2 cases") {
		t.Error("no agreement on the page")
	}
}
