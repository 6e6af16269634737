package plots

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tlsbench/results"
)

// fieldFile writes a file of the field: one case that disagrees, one that
// agrees.
func fieldFile(t *testing.T) string {
	t.Helper()
	text := []byte(`{"tlsbench_field":1,"plan":{},"seed":7,"config":[{"key":"machine","value":"2 x Example CPU"}]}` + "\n")
	c := results.FieldCase{Kamailio: "6.0", Package: "6.0.1-1", OpenSSL: "3.5.9", Strategy: "none", Python: "no", Rig: "a"}
	d := c
	d.Strategy, d.Rig, d.Python = "./<own>", "b", "before"
	crash := map[string]uint64{"crash": 1}
	first := []results.FieldEvent{{Kind: "crash", At: 30 * time.Millisecond}}
	for i, trial := range []*results.FieldTrial{
		{Daemon: &c, Events: crash, First: first, Handshakes: 60, Load: time.Second}, {Rig: "a", Events: crash, First: first},
		{Daemon: &d, Handshakes: 900, Load: time.Second, Memory: 20 << 20}, {Rig: "b", Events: crash, First: first},
	} {
		trial.ID, trial.Case, trial.Round, trial.Status = i+1, i/2+1, 1, results.OK
		var err error
		text, err = results.AppendField(text, trial)
		check(t, err)
	}
	path := filepath.Join(t.TempDir(), "field.txt")
	check(t, os.WriteFile(path, text, 0o600))
	return path
}

// The section says the numbers, has disagreements first, and escapes names.
func TestFieldSection(t *testing.T) {
	list, err := readFields([]string{fieldFile(t)})
	check(t, err)
	var b bytes.Buffer
	check(t, reportTemplate.ExecuteTemplate(&b, "field", fieldSections(list)))
	page := b.String()
	for _, want := range []string{
		"agree in 1 of 2 cases: 1 of 1 without Python, 0 of 1 with it.", "damaged within 10s: 1 of 1 runs", "On 2 x Example CPU, seed 7.",
		"open: the rig looks inside", "1/1 damaged", `data-hazard="python:before=1"`, "<section id=\"field\">", "20 MiB", "./&lt;own&gt;",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the section does not say %q", want)
		}
	}
	if strings.Index(page, "./&lt;own&gt;</th>") > strings.Index(page, "none</th>") || strings.Contains(page, "ZgotmplZ") {
		t.Errorf("order or escaping:\n%s", page)
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
