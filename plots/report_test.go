package plots_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/perf/benchfmt"

	"tlsbench/plots"
	"tlsbench/plots/report"
	"tlsbench/results"
	"tlsbench/results/page"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// written is the report page.
func written(t testing.TB, d *plots.Data, sources ...string) string {
	t.Helper()
	var b bytes.Buffer
	check(t, report.Write(&b, d, sources...))
	return b.String()
}

// shown is a document as a person sees it, without its line breaks.
func shown(t testing.TB, d *page.Document) string {
	t.Helper()
	var b bytes.Buffer
	check(t, d.Write(&b, page.Markdown))
	return b.String()
}

// file writes a results file and gives its path.
func file(t testing.TB, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	check(t, os.WriteFile(path, text, 0o600))
	return path
}

func loadFiles(t testing.TB, paths ...string) *plots.Data {
	t.Helper()
	d, err := plots.Load(plots.Options{}, paths...)
	check(t, err)
	return d
}

// TestReportOrder holds the page to the order that a reader needs.
func TestReportOrder(t *testing.T) {
	page := written(t, plots.LoadFixture(t, "full"))
	at := -1
	for _, id := range []string{"answer", "verdicts", "figures", "handshakes", "forks", "details", "limits", "repeat", "data"} {
		i := strings.Index(page, `id="`+id+`"`)
		if i <= at {
			t.Errorf("section %s is missing or comes too early", id)
		}
		at = i
	}
	if n := strings.Count(page, "/usr/lib/libcrypto.so.3"); n != 1 {
		t.Errorf("the page names the OpenSSL file %d times, want once, under how to repeat it", n)
	}
}

// TestReportAlone checks that the page fetches nothing. The browser test sees
// to it that a browser agrees.
func TestReportAlone(t *testing.T) {
	page := written(t, plots.LoadFixture(t, "full"))
	for _, m := range regexp.MustCompile(`(?:src|href)="([^"]{0,40})|url\(([^)]{0,40})`).FindAllStringSubmatch(page, -1) {
		if to := m[1] + m[2]; !strings.HasPrefix(to, "#") && !strings.HasPrefix(to, "data:") {
			t.Errorf("the page refers to %s", to)
		}
	}
	if !strings.Contains(page, "default-src 'none'") {
		t.Error("no content security policy that forbids fetching")
	}
}

// TestReportData unpacks what the page has for download.
func TestReportData(t *testing.T) {
	raw := plots.Fixture(t, "full")
	path := file(t, "full.txt", raw)
	d := loadFiles(t, path)
	page := written(t, d, path)
	m := regexp.MustCompile(`<a download="full\.txt\.gz" href="data:application/gzip;base64,([^"]+)"`).FindStringSubmatch(page)
	if m == nil {
		t.Fatal("no download of the results file")
	}
	// html/template writes + as an entity.
	packed, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(m[1], "&#43;", "+"))
	check(t, err)
	z, err := gzip.NewReader(bytes.NewReader(packed))
	check(t, err)
	got, err := io.ReadAll(z)
	check(t, err)
	if !bytes.Equal(got, raw) {
		t.Error("the download is not the results file")
	}
	if strings.Contains(written(t, d), "base64,") {
		t.Error("the files are in a page that was not to have them")
	}
}

// TestReportEdges writes a page for every fixture, also for none of the data.
func TestReportEdges(t *testing.T) {
	want := map[string]string{
		"no-events":    "CONTROLS FAILED: none is undamaged in 6/6",
		"all-crashed":  "CONTROLS FAILED: key-owner is damaged in 4/4",
		"one-strategy": "NO CONTROLS: no trial of key-owner, none",
		"one-run":      "one trial",
		"empty":        "The files have no trial that can give a verdict",
		"full":         "this build has no ERR_get_state",
		"workers":      "clear-0-15:n=32",
		"six-decades":  "corrupt",
		"lines":        "1.1.1w",
		"sweeps":       "mem=64MiB",
		"sharing":      "error queue",
		"only-forks":   "no trial looked for corruption",
	}
	for _, name := range plots.FixtureNames() {
		page := written(t, plots.LoadFixture(t, name))
		if !strings.Contains(page, want[name]) || want[name] == "" {
			t.Errorf("%s: the page does not say %q", name, want[name])
		}
		if strings.Contains(page, "ZgotmplZ") || strings.Count(page, "<details") != strings.Count(page, "</details>") {
			t.Errorf("%s: html/template refused a value, or a section is not closed", name)
		}
	}
}

func TestCommand(t *testing.T) {
	got := page.Commands(plots.LoadFixture(t, "full").Comparison)
	if want := "tlsbench run --openssl 3.0.20 --strategy clear-0-15:n=32 --rounds 6 --seed 7 -o full.txt"; len(got) != 1 || got[0] != want {
		t.Errorf("commands %q, want %q", got, want)
	}
}

// TestUnfinished: a file with a part of its plan says how much is in, and is
// shown like any other.
func TestUnfinished(t *testing.T) {
	lines := strings.Split(string(plots.Fixture(t, "full")), "#trial ")
	cut := func(trials int, planned string) string {
		return strings.Replace(lines[0], `"rounds":6`, `"rounds":`+planned, 1) + "#trial " + strings.Join(lines[1:1+trials], "#trial ")
	}
	for _, c := range []struct{ name, file, want string }{
		{"all", cut(954, "6"), ""},
		{"a part of 60 rounds", cut(400, "60"), "part.txt is not finished: 400 of 9540 planned trials are in"},
		{"one short", cut(953, "6"), "part.txt is not finished: 953 of 954 planned trials are in"},
		{"less than a round", cut(100, "60"), "part.txt is not finished: 100 trials, less than one of its 60 rounds"},
		{"no plan", cut(400, "0"), ""},
	} {
		d := loadFiles(t, file(t, "part.txt", []byte(c.file)))
		if got := d.Inputs[0].Unfinished(); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		for what, text := range map[string]string{"page": written(t, d), "list of files": shown(t, page.Files(d.Comparison))} {
			if (c.want != "") != strings.Contains(text, "is not finished: ") || !strings.Contains(text, c.want) {
				t.Errorf("%s: the %s does not say %q", c.name, what, c.want)
			}
		}
	}
}

// TestAnswer: hazards by name, with builds where not all fare alike; a build on
// which a strategy is damaged alone does not count; what damages the control too
// is left out; nothing seen has its bound and its number of trials.
func TestAnswer(t *testing.T) {
	table := page.Answer(loadFiles(t, file(t, "run.txt", plots.HazardsFixture(t))).Comparison)
	got := make(map[string]string)
	for _, row := range table.Rows {
		var cells []string
		for _, c := range row.Cells[1:] {
			cells = append(cells, c.String())
		}
		got[row.Cells[0].Text] = strings.Join(cells, " | ")
	}
	for name, want := range map[string]string{
		"none":          "crash on all 2 | – | – | never",
		"temp-thread":   "no damage seen on all 2 (0 of 4 trials each, ≤ 52.8 %) | 1 of 3: on 3.6.5: curl | ",
		"hwm":           "no damage seen on all 2 (0 of 4 trials each, ≤ 52.8 %) | 2 of 3: foreign-before:n=5/14 | ",
		"pointer-match": "corrupt on 3.6.5; no damage seen on 3.0.20 (0 of 4 trials each, ≤ 52.8 %) | none of 3 hazards (0/12 trials, ≤ 52.8 % each) | ",
		"key-owner":     "no damage seen on all 2 (0 of 4 trials each, ≤ 52.8 %) | none of 3 hazards (0/24 trials, ≤ 52.8 % each) | the baseline | never in a daemon",
	} {
		if !strings.HasPrefix(got[name], want) {
			t.Errorf("%s: %s, want %s", name, got[name], want)
		}
	}
	for name, want := range map[string]string{
		"temp-thread": "only workers use OpenSSL", "hwm": "no keys before OpenSSL's", "pointer-match": "(OpenSSL 3.0.20 only)",
	} {
		if !strings.HasSuffix(got[name], want) {
			t.Errorf("%s: %s, want %s at the end", name, got[name], want)
		}
	}
	notes := strings.Join(table.Notes, " ")
	if !strings.Contains(notes, "private-locks") || !strings.Contains(notes, "a screening with 4 trials for each hazard") || !strings.Contains(notes, "at least 4 trials on each build; share of damaged trials: ≤ 52.8 %") {
		t.Errorf("notes %q", table.Notes)
	}
}

// Trials of different lengths are never counted together.
func TestUnlikeTrialsAreApart(t *testing.T) {
	text := string(plots.Fixture(t, "one-strategy"))
	var paths []string
	for _, length := range []string{"500000000", "700000000"} {
		planned := strings.Replace(text, `"rounds":6,`, `"rounds":6,"corruption_ns":`+length+`,`, 1)
		planned = strings.ReplaceAll(planned, "2026-03-01", "2026-03-0"+length[:1]) // not the same trials
		paths = append(paths, file(t, length+".txt", []byte(planned)))
	}
	if out := shown(t, page.Compare(loadFiles(t, paths...).Comparison)); !strings.Contains(out, "# machine: 2 x Example CPU, Linux 6.1, 8 GiB; corruption trials of 500ms") || !strings.Contains(out, "8 GiB; corruption trials of 700ms") || strings.Contains(out, "/48") {
		t.Errorf("unlike trials are not apart:\n%s", out)
	}
	if out := shown(t, page.Compare(loadFiles(t, paths[0]).Comparison)); strings.Contains(out, "trials of 500ms") {
		t.Errorf("a note on trials that are alike:\n%s", out)
	}
}

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
		{Life: results.Life{Events: crash, FirstEvent: 30 * time.Millisecond, Handshakes: 60}}, {Life: results.Life{Events: crash}},
		{Life: results.Life{Handshakes: 900}, Metrics: []results.Metric{{Value: 20 << 20, Unit: results.MemoryBytes}}}, {Life: results.Life{Events: crash}},
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
	return file(t, "field.txt", out.Bytes())
}

// The section of the daemons says the numbers, has disagreements first, and
// escapes names; it is there only with a file of theirs, which may stand alone.
func TestDaemonsOnThePage(t *testing.T) {
	run, field := file(t, "full.txt", plots.Fixture(t, "full")), fieldFile(t)
	d := loadFiles(t, run, field)
	page := written(t, d, run, field)
	for _, want := range []string{
		"agree in 1 of 2 cases: 1 of 1 without a hazard, 0 of 1 with one.", "damaged within 10s: 1 of 1 runs",
		"On 2 x Example CPU.", "open: the rig was damaged; in the daemon, which", `data-hazard="python:before=1"`, `<section id="daemons"`, ">20<", "&lt;own&gt;",
		`download="field.txt.gz"`, `href="#daemons"`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	section := page[strings.Index(page, `<section id="daemons"`):]
	if strings.Index(section, "&lt;own&gt;") > strings.Index(section, "none</th>") {
		t.Errorf("the disagreement does not come first:\n%s", section)
	}
	if page := written(t, loadFiles(t, run)); strings.Contains(page, `"daemons"`) || strings.Contains(page, `href="#daemons"`) {
		t.Error("a section of the daemons without a file of them")
	}
	if page := written(t, loadFiles(t, field)); !strings.Contains(page, "agree in 1 of 2 cases") {
		t.Error("no agreement on a page of daemons alone")
	}
}
