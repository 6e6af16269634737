package daemon

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"tlsbench/strategies/catalogue"
)

// What cannot be carried out is refused before a daemon is there.
func TestPlanIsChecked(t *testing.T) {
	if err := smallPlan(t).Check(); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Plan){
		"no daemon to compare":                     func(p *Plan) { p.Daemons = nil },
		"no strategy to compare":                   func(p *Plan) { p.Strategies = nil },
		"no python to compare":                     func(p *Plan) { p.Python = nil },
		"no mem_safety to compare":                 func(p *Plan) { p.MemSafety = nil },
		"daemon 6.0, 6.0: one of them is given":    func(p *Plan) { p.Daemons[0] = p.Daemons[1] },
		"python after, after: one of them":         func(p *Plan) { p.Python[0] = "after" },
		"strategy none is given twice":             func(p *Plan) { p.Strategies[1] = p.Strategies[0] },
		"mem_safety 2: choose from 0, 1":           func(p *Plan) { p.MemSafety[1] = 2 },
		`unknown python "x": choose from no`:       func(p *Plan) { p.Python[1] = "x" },
		"readers 65: want 1 to 64":                 func(p *Plan) { p.Readers = 65 },
		"share of bad peers NaN: want 0 to 1":      func(p *Plan) { p.BadShare = math.NaN() },
		`tls "1.1": choose from 1.2, 1.3`:          func(p *Plan) { p.TLS = "1.1" },
		"rounds 0, control rounds 5":               func(p *Plan) { p.Rounds = 0 },
		"rounds 2, control rounds 1000000000":      func(p *Plan) { p.ControlRounds = 1e9 },
		"duration 0s, rig time 1s: want more than": func(p *Plan) { p.Duration = 0 },
		"duration 1s, rig time 2h0m0s":             func(p *Plan) { p.RigDuration = 2 * time.Hour },
	} {
		p := smallPlan(t)
		change(p)
		if err := p.Check(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("error %v, want one that begins with %q", err, want)
		}
	}
}

// Any plan in a file is refused, or can be carried out: it has tasks for all
// of its cases.
func FuzzParsePlan(f *testing.F) {
	whole := Plan{
		Daemons: []Daemon{{Release: releases[1]}, {Release: releases[2]}}, Strategies: []catalogue.Choice{{Name: "none"}, {Name: "hwm"}},
		MemSafety: []int{0, 1}, Python: []string{"", "before"}, Readers: 4, BadShare: 0.2, TLS: "1.3", Seed: 7,
		Rounds: 1, ControlRounds: 5, Duration: time.Second, RigDuration: time.Second,
	}
	text, err := whole.document()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text))
	f.Add("{}")
	f.Add(strings.Replace(string(text), `"rounds":1`, `"rounds":9223372036854775807`, 1))
	f.Add(strings.Replace(string(text), "5.6", "7.0", 1))
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePlan(json.RawMessage(text))
		if err != nil || max(p.Rounds, p.ControlRounds) > 20 {
			return
		}
		if len(p.Tasks()) < len(p.Cases()) || len(p.Cases()) == 0 || p.Estimate() < 0 {
			t.Errorf("%d tasks of %d cases, %v", len(p.Tasks()), len(p.Cases()), p.Estimate())
		}
	})
}
