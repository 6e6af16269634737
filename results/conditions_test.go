package results

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"
)

// disturb makes a run of two cores in which change alters the first n
// throughput trials of hwm.
func disturb(t *testing.T, rounds, n int, change func(*Trial)) string {
	t.Helper()
	s := run(rounds, nil)
	var trials []*Trial
	s.trials(func(trial *Trial) {
		if trial.Cell.Measure == Handshake && trial.Cell.Strategy == "hwm" && n > 0 {
			change(trial)
			n--
		}
		trials = append(trials, trial)
	})
	path := fileOf(t, "run.txt", trials...)
	addConfig(t, path, "cores: 2")
	return path
}

// addConfig adds a line to a file's configuration.
func addConfig(t *testing.T, path, line string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data = bytes.Replace(data, []byte("\ngoos:"), []byte("\n"+line+"\ngoos:"), 1)
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
}

// Each limit, in both directions: how much in one trial, and in how many
// trials of 12.
func TestDisturbances(t *testing.T) {
	stolen := func(share float64) func(*Trial) { return func(t *Trial) { t.Steal = share } }
	loaded := func(load float64) func(*Trial) { return func(t *Trial) { t.LoadBefore = load } }
	switched := func(times float64) func(*Trial) {
		return func(t *Trial) { t.CtxSwitches = uint64(3.1 * times * float64(t.Handshakes)) }
	}
	for _, tt := range []struct {
		name   string
		trials int
		change func(*Trial)
		want   string // "" if there is nothing to say
	}{
		{"stolen", 3, stolen(0.051), "more than 5 % of processor time stolen in 3 of 12 trials"},
		{"stolen a little", 12, stolen(0.05), ""},
		{"stolen seldom", 2, stolen(0.9), ""},
		{"load", 12, loaded(6.1), "load above 6 before the trial: other work ran in all trials"},
		{"load of its own", 12, loaded(6), ""},
		{"load seldom", 2, loaded(60), ""},
		{"switches", 3, switched(2.2), "more than 2 times the usual context switches in 3 of 12 trials"},
		{"some switches more", 3, switched(1.8), ""},
		{"switches seldom", 2, switched(100), ""},
	} {
		path := disturb(t, 12, tt.trials, tt.change)
		out := strings.Join(strings.Fields(compareText(t, Options{}, path)), " ")
		if got := strings.Contains(out, "stolen") || strings.Contains(out, "other work") || strings.Contains(out, "context switches"); got != (tt.want != "") {
			t.Errorf("%s: a warning is %v:\n%s", tt.name, got, out)
		}
		if !strings.Contains(out, tt.want) {
			t.Errorf("%s: no %q in:\n%s", tt.name, tt.want, out)
		}
		for _, format := range []string{"csv", "json", "markdown"} {
			if !strings.Contains(compareAs(t, format, Options{}, path), tt.want) {
				t.Errorf("%s: no %q as %s", tt.name, tt.want, format)
			}
		}
	}
}

// The warning appears at the strategy's value, and not at another's.
func TestDisturbanceAppearsAtItsValue(t *testing.T) {
	path := disturb(t, 12, 12, func(t *Trial) { t.Steal = 0.5 })
	for line := range strings.Lines(compareText(t, Options{}, path)) {
		cells := strings.Fields(line)
		if len(cells) > 2 && cells[1] == "12/12" && strings.Contains(line, "¹") != (cells[0] == "hwm") {
			t.Errorf("the warning is on the wrong line: %s", line)
		}
	}
}

// What one run may load the machine with lifts no limit of another.
func TestLoadLimitIsOfAFile(t *testing.T) {
	path := disturb(t, 12, 12, func(t *Trial) { t.LoadBefore = 6.1 })
	wide := run(2, nil)
	var trials []*Trial
	wide.trials(func(trial *Trial) {
		trial.Cell.Workers, trial.Start = 8, trial.Start.Add(24*time.Hour)
		trials = append(trials, trial)
	})
	other := fileOf(t, "wide.txt", trials...)
	addConfig(t, other, "cores: 2")
	out := strings.Join(strings.Fields(compareText(t, Options{}, path, other)), " ")
	if want := "load above 6 before the trial"; !strings.Contains(out, want) {
		t.Errorf("no %q next to a run of 8 workers:\n%s", want, out)
	}
}

func TestSlowdownOnADisturbedMachine(t *testing.T) {
	for trials, want := range map[int]int{0: 0, 6: 0, 7: 1, 12: 1} {
		path := disturb(t, 12, trials, func(t *Trial) { t.Steal = 0.2 })
		var out bytes.Buffer
		broken, err := unmet(&out, CheckOptions{MaxSlowdown: []string{"hwm/key-owner=2%"}}, path)
		if err != nil || broken != want || want > 0 && !strings.Contains(out.String(), "the data cannot support the claim: more than 5 %") {
			t.Errorf("%d of 12 trials disturbed: %d broken, want %d; error %v\n%s", trials, broken, want, err, &out)
		}
	}
}
