package results

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"tlsbench/results/event"
)

// A sequential run says of all cells at once what its lives support. Where damage
// ended the trials of a cell there is no rate.
func TestFamily(t *testing.T) {
	const lives = 61
	for _, tt := range []struct {
		name  string
		plan  string
		first int // life in which hwm is damaged
		want  string
	}{
		{"enough", `{"spec":{"sequential":true}}`, 0, "none of the 2 cells of --rounds auto without damage is damaged in 5 % of its lives or more, over all of them at once: at least 61 lives each, 0 cells first damaged in life 6 or later"},
		{"damaged early", `{"spec":{"sequential":true}}`, 5, "at least 61 lives each, 0 cells first damaged in life 6 or later"},
		{"damaged late", `{"spec":{"sequential":true}}`, 6, "each needs 77 lives (1 cell first damaged in life 6 or later), and 1 of 1 cell have fewer"},
		{"not sequential", `{"spec":{"rounds":61}}`, 0, ""},
	} {
		var trials []*Trial
		for round := 1; round <= lives; round++ {
			for _, strategy := range []string{PositiveControl, "hwm", NegativeControl} {
				c := testCell(Corruption, strategy)
				c.Hazard = Plain
				if round%2 == 0 {
					c.Settings = "check=0"
				}
				trial := &Trial{Cell: c, Round: round, Status: OK, Life: Life{Handshakes: 400, Attempts: 500}}
				first := map[string]int{PositiveControl: 1, "hwm": tt.first}[strategy]
				if first > 0 && round >= first {
					trial.Events = map[string]uint64{event.Crash: 1}
				}
				if !trial.Damaged() || round < first+4 {
					trials = append(trials, trial)
				}
			}
		}
		path := fileOf(t, "family.txt", trials...)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.Replace(string(text), `#plan {"seed":1}`, "#plan "+tt.plan, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Summarize(Options{}, path)
		if err != nil {
			t.Fatal(err)
		}
		said := ""
		if c.Family != nil {
			said = c.Family.String()
		}
		if !strings.Contains(said, tt.want) || tt.want == "" && said != "" {
			t.Errorf("%s: %q, want %q", tt.name, said, tt.want)
		}
		out := compareText(t, Options{}, path)
		if got, sequential := strings.Contains(out, "4 of 4"), tt.want != ""; got != sequential || strings.Contains(out, "4/4 [") == sequential {
			t.Errorf("%s: a stopped cell shows a rate, or an ordinary one none:\n%s", tt.name, out)
		}
		none := c.Tables[0].Rows[0]
		if text, err := json.Marshal(none); err != nil || none.Stopped != strings.Contains(string(text), `"first_damage_per_Mattempt":{"value":null`) {
			t.Errorf("%s: %v: %s", tt.name, err, text)
		}
		held, err := Compare(Options{}, path, path)
		if err != nil || held.Rows[0].WasStopped != none.Stopped || held.Rows[0].IsStopped != none.Stopped {
			t.Errorf("%s: over time: %+v, error %v", tt.name, held, err)
		}
	}
}

// Trials of different length, by different versions of the program, with another
// fix or another library of the same name, are rows of their own, with controls of
// their own; so two halves of 59 lives are not enough for the word clean.
func TestUnlikeTrials(t *testing.T) {
	type half struct{ version, spec string }
	const spec = `"rounds":30,"measures":["Corruption"],"corruption_ns":%s,"strategies":[{"choice":{"Name":"hwm"},"digest":"%s"}],"builds":[{"label":"3.0.20","digest":"%s"}]`
	usual := half{"v1", fmt.Sprintf(spec, "300000000", "aa", "bb")}
	for _, tt := range []struct {
		name   string
		other  half
		want   []string // of the machine, in the rows of both
		broken int
	}{
		{"alike", usual, nil, 0},
		{"length", half{"v1", fmt.Sprintf(spec, "5000000", "aa", "bb")}, []string{"; corruption trials of 300ms", "; corruption trials of 5ms"}, 2},
		{"program", half{"v2", usual.spec}, []string{"; tlsbench v1", "; tlsbench v2"}, 2},
		{"fix", half{"v1", fmt.Sprintf(spec, "300000000", "cc", "bb")}, []string{"; hwm (sha256 aa)", "; hwm (sha256 cc)"}, 2},
		{"library", half{"v1", fmt.Sprintf(spec, "300000000", "aa", "dd")}, []string{"; openssl 3.0.20 (sha256 bb)", "; openssl 3.0.20 (sha256 dd)"}, 2},
	} {
		var paths []string
		for i, h := range []half{usual, tt.other} {
			path := run(29, func(s *simulation) { s.start = s.start.Add(time.Duration(i) * 24 * time.Hour) }).file(t, fmt.Sprint(i, ".txt"))
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			text = bytes.Replace(text, []byte("#plan {\"seed\":1}\n"), []byte("#plan {\"spec\":{"+h.spec+"}}\ntlsbench: "+h.version+"\n"), 1)
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
			paths = append(paths, path)
		}
		c, err := Summarize(Options{}, paths...)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range tt.want {
			if len(c.Tables) != 2 || !strings.HasSuffix(c.Tables[i].Machine, want) || !strings.Contains(c.Tables[i].Controls, "none damaged in 29/29") {
				t.Errorf("%s: %d tables, %q, %s; want one of %s with controls of its own", tt.name, len(c.Tables), c.Tables[i].Machine, c.Tables[i].Controls, want)
			}
		}
		if tt.want == nil && (len(c.Tables) != 1 || strings.Contains(c.Tables[0].Machine, ";")) {
			t.Errorf("%s: %d tables, %q", tt.name, len(c.Tables), c.Tables[0].Machine)
		}
		var out bytes.Buffer
		if broken, err := unmet(&out, CheckOptions{Expect: []string{"hwm=clean"}}, paths...); err != nil || broken != tt.broken {
			t.Errorf("%s: %d broken, want %d, error %v\n%s", tt.name, broken, tt.broken, err, &out)
		}
		out.Reset()
		_, err = unmet(&out, CheckOptions{Against: paths[:1]}, paths[1])
		if want := "they were corruption trials of 300ms, are corruption trials of 5ms"; err != nil || strings.Contains(out.String(), want) != (tt.name == "length") {
			t.Errorf("%s against the other: error %v\n%s", tt.name, err, &out)
		}
	}
}
