package results

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"tlsbench/results/event"
)

// A sequential run says of all cells at once what its lives support. Where damage
// ended the trials of a cell there is no rate.
func TestFamily(t *testing.T) {
	const lives = 61
	for _, tt := range []struct {
		name string
		plan string
		late bool // hwm is damaged, after an undamaged life
		want string
	}{
		{"enough", `{"spec":{"sequential":true}}`, false, "none of the 2 cells without damage is damaged in 5 % of its lives or more, over all of them at once: at least 61 lives each, 0 cells damaged late"},
		{"damaged late", `{"spec":{"sequential":true}}`, true, "it takes 74 lives each (1 cell damaged late), and 1 of 1 cell have fewer"},
		{"not sequential", `{"spec":{"rounds":61}}`, false, ""},
	} {
		var trials []*Trial
		for round := 1; round <= lives; round++ {
			for _, strategy := range []string{PositiveControl, "hwm", NegativeControl} {
				c := testCell(Corruption, strategy)
				c.Hazard = Plain
				if round%2 == 0 {
					c.Settings = []Setting{checksOff}
				}
				trial := &Trial{Cell: c, Round: round, Status: OK, Handshakes: 400, Attempts: 500}
				if strategy == PositiveControl || tt.late && strategy == "hwm" && round > 1 {
					trial.Events = map[string]uint64{event.Crash: 1}
				}
				if !trial.Damaged() || round < 5 {
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
	}
}
