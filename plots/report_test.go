package plots

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tlsbench/results"
)

func report(t testing.TB, d *Data) string {
	t.Helper()
	var b bytes.Buffer
	check(t, Report(&b, d))
	return b.String()
}

// TestReportOrder holds the page to the order that a reader needs.
func TestReportOrder(t *testing.T) {
	page := report(t, load(t, "full"))
	at := -1
	for _, id := range []string{"verdict", "map", "cost", "handshakes", "forks", "rest", "damage", "survival", "keys", "noise", "limits", "repeat", "data"} {
		i := strings.Index(page, `id="`+id+`"`)
		if i <= at {
			t.Errorf("section %s is missing or comes too early", id)
		}
		at = i
	}
}

// TestReportAlone checks that the page fetches nothing. The browser test sees
// to it that a browser agrees.
func TestReportAlone(t *testing.T) {
	page := report(t, load(t, "full"))
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
	page := report(t, load(t, "full"))
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
	if !bytes.Equal(got, fixtures["full"].write(t)) {
		t.Error("the download is not the results file")
	}
}

// TestReportEdges writes a page for every fixture, also for none of the data.
func TestReportEdges(t *testing.T) {
	want := map[string]string{
		"no-events":    "CONTROLS FAILED: none is undamaged in 6/6",
		"all-crashed":  "CONTROLS FAILED: key-owner is damaged in 4/4",
		"one-strategy": "NO CONTROLS: no trial of key-owner, none",
		"one-run":      "no interval: too few",
		"empty":        "The files hold no trial to judge",
		"full":         "this build has no ERR_get_state",
		"workers":      "clear-0-15:n=32",
		"six-decades":  "corrupt",
		"lines":        "1.1.1w",
		"sweeps":       "private memory of rank 0",
		"sharing":      "error queue",
		"only-forks":   "no trial looked for corruption",
	}
	for name := range fixtures {
		page := report(t, load(t, name))
		if !strings.Contains(page, want[name]) || want[name] == "" {
			t.Errorf("%s: the page does not say %q", name, want[name])
		}
		if strings.Contains(page, "ZgotmplZ") {
			t.Errorf("%s: html/template refused a value", name)
		}
	}
}

// TestPanelText: what a panel prints on the page is what was worked out.
func TestPanelText(t *testing.T) {
	d := load(t, "full")
	var b strings.Builder
	for _, p := range handshakes(d).Panels {
		w, h := p.chart.size()
		svg, err := make(styles).svg(w, h, p.chart.draw)
		check(t, err)
		b.WriteString(svg)
	}
	for _, s := range d.Scenes {
		for i := range s.Rows {
			for _, unit := range []string{results.HandshakesPerSec, results.CPUPerHandshake} {
				c, ok := costOf(&s.Rows[i], unit)
				want := ratio(c.Ratio.Value)
				if s.Rows[i].Strategy == d.Baseline {
					want = "1 = " + byUnit(unit)(c.Median.Value)
				}
				if ok && !strings.Contains(b.String(), ">"+want) {
					t.Errorf("%s of %s: no %q on the panels", s.Rows[i].Strategy, s.Scene, want)
				}
			}
		}
	}
}

func TestMarkdown(t *testing.T) {
	d := load(t, "full")
	var b bytes.Buffer
	check(t, Markdown(&b, d, "plots/published"))
	path := filepath.Join("testdata", "full.md")
	if *update {
		check(t, os.WriteFile(path, b.Bytes(), 0o644))
	}
	want, err := os.ReadFile(path)
	check(t, err)
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func TestSentences(t *testing.T) {
	got := make(map[string]string)
	for _, s := range Sentences(load(t, "full")) {
		got[s.Strategy] = fmt.Sprintf("%s, %s: %s", s.Alone, s.Word, s.Text)
	}
	for strategy, want := range map[string][]string{
		"none":          {"crash, crash: Alone in the process: damaged on all 2 builds (crash, corrupt)."},
		"hwm":           {"no damage seen, collateral: ", "no damage on all 2 builds (6 trials each: at most 39.4 % of trials). ", "Breaks or wipes a neighbour with foreign-before:n=14. ", "CPU/handshake not shown to differ", "are not resolved"},
		"temp-thread":   {"Fails with rank0-client. "},
		"thread-stop":   {"no damage seen, no damage seen: ", "No damage with any of 2 hazards. "},
		"pointer-match": {"no damage seen", "Not applicable on OpenSSL 4.0.3"},
		"key-owner":     {"no damage seen", "The baseline of all costs"},
	} {
		for _, part := range want {
			if !strings.Contains(got[strategy], part) {
				t.Errorf("%s: %q is not in %q", strategy, part, got[strategy])
			}
		}
	}
}

func TestCommand(t *testing.T) {
	d := load(t, "full")
	want := []string{"tlsbench run --openssl 3.0.20 --strategy clear-0-15:n=32 --rounds 6 --seed 7 -o full.txt"}
	if diff := cmp.Diff(want, Commands(d)); diff != "" {
		t.Errorf("command (-want +got):\n%s", diff)
	}
}
