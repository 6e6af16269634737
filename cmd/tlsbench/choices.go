package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"

	"tlsbench/bench"
	"tlsbench/bench/selftest"
	"tlsbench/results"
	"tlsbench/results/page"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload/daemon"
)

// choiceVars gives the values to the help texts in the grammar, as
// ${loads} and so on.
func choiceVars() kong.Vars {
	vars := kong.Vars{
		"maxworkers":   strconv.Itoa(results.MaxWorkers),
		"daemons":      strings.Join(daemon.ReleaseNames(), ", "),
		"fieldhazards": strings.Join(daemon.Hazards, ", "),
		"broken":       strings.Join(results.Texts(selftest.Strategies), ", "),
		"topics":       strings.Join(topics(), ", "),
	}
	for _, c := range everything() {
		vars[strings.ReplaceAll(c.Flag, "-", "")+"s"] = strings.Join(c.names(), ", ")
	}
	var presets []string
	for _, p := range bench.Presets() {
		presets = append(presets, fmt.Sprintf("%s (%s)", p.Name, p.Summary))
	}
	vars["presets"] = strings.Join(presets, ", ")
	return vars
}

// checkValues refuses the first that is not a value of the flag.
func checkValues(flag string, values ...string) error {
	i := slices.IndexFunc(results.Dimensions, func(d results.Dimension) bool { return d.Flag == flag })
	for _, v := range values {
		if err := results.Dimensions[i].Check(v); err != nil {
			return &refusal{Err: err}
		}
	}
	return nil
}

// parseStrategies reads --strategy. Nothing and "all" are the whole catalogue.
func parseStrategies(list []string) ([]results.Strategy, error) {
	if len(list) == 0 || slices.Equal(list, []string{"all"}) {
		list = catalogue.Names()
	}
	var out []results.Strategy
	for _, name := range joinParameters(list) {
		choice, err := catalogue.Parse(name)
		if err != nil {
			return nil, &refusal{Err: err}
		}
		s, err := bench.NewStrategy(choice)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(out, func(other results.Strategy) bool { return other.Name() == s.Name() }) {
			return nil, refuse("strategy %s is given twice", s.Name())
		}
		out = append(out, s)
	}
	return out, nil
}

// joinParameters puts together what the comma between two parameters of one
// strategy took apart: "a:x=1", "y=2".
func joinParameters(list []string) []string {
	var out []string
	for _, s := range list {
		if n := len(out); n > 0 && strings.Contains(out[n-1], ":") && strings.Contains(s, "=") && !strings.Contains(s, ":") {
			out[n-1] += "," + s
			continue
		}
		out = append(out, s)
	}
	return out
}

// parseMeasures reads --measure.
func parseMeasures(list []string) ([]results.Measure, error) {
	if err := checkValues("measure", list...); err != nil {
		return nil, err
	}
	var out []results.Measure
	for _, name := range list {
		i := slices.IndexFunc(results.Measures, func(m results.Measure) bool { return strings.EqualFold(string(m), name) })
		out = append(out, results.Measures[i])
	}
	return out, nil
}

// measuresOf are the trials that a flag is for, where those are not all. The others
// would leave it out of account.
var measuresOf = map[string][]results.Measure{
	"against": {results.Duet}, "duet-pairs": {results.Duet},
	"fork-memory": {results.Fork}, "fork-keys": {results.Fork}, "huge-pages": {results.Fork}, "fork-pairs": {results.Fork},
	"duration":   {results.Handshake, results.Corruption},
	"bad":        {results.Handshake, results.Corruption, results.Sharing},
	"rounds":     {results.Handshake, results.Corruption, results.Sharing, results.Fork}, // duets have their own number
	"check-rate": {results.Corruption}, "hazard-rounds": {results.Corruption},
}

// checkMeasures refuses flags that are for none of the trials of the plan.
func checkMeasures(given []string, measures []results.Measure) error {
	for _, flag := range given {
		use := measuresOf[flag]
		if len(use) == 0 || slices.ContainsFunc(use, func(m results.Measure) bool { return slices.Contains(measures, m) }) {
			continue
		}
		names := strings.ToLower(strings.Join(results.Texts(use), " and "))
		return refuse("--%s: it is for %s trials alone; add --measure %s, or leave it out", flag, names, strings.Fields(names)[0])
	}
	return nil
}

// share is a part of one: 0.2 or 20%.
type share float64

// UnmarshalText reads it from a flag.
func (s *share) UnmarshalText(text []byte) error {
	number, percent := strings.CutSuffix(strings.TrimSpace(string(text)), "%")
	x, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if percent {
		x /= 100
	}
	if err != nil || !(x >= 0 && x <= 1) {
		return fmt.Errorf("%q is not a share: want 0 to 1, or 0%% to 100%%", text)
	}
	*s = share(x)
	return nil
}

// distinct has each name once.
func distinct(names []string) []string {
	return results.Distinct(names, func(name string) string { return name })
}

// parseHazards reads --hazard. "all" is all there are, each in the variants
// that are experiments of their own.
func parseHazards(list []string) ([]string, error) {
	var names []string
	for _, text := range list {
		if text == "all" {
			names = append(names, results.AllHazards()...)
			continue
		}
		name, err := results.HazardName(text)
		if err != nil {
			return nil, refuse("%w, or all; see tlsbench list hazard", err)
		}
		names = append(names, name)
	}
	if slices.Contains(list, "all") { // a list may name others too, which "all" has
		names = distinct(names)
	}
	return names, nil
}

// listCommand lists what the flags of run and probe take.
type listCommand struct {
	Flag string `arg:"" optional:"" help:"Only the values of this flag: strategy, load and so on."`
	JSON bool   `name:"json" help:"Print as JSON."`
}

// Run lists them.
func (c *listCommand) Run(s *session) error {
	list := everything()
	if c.Flag != "" {
		flags := results.Distinct(list, func(l choice) string { return l.Flag })
		i := slices.IndexFunc(flags, func(flag string) bool { return slices.Contains([]string{flag, flag + "s"}, c.Flag) })
		if c.Flag == "strategies" {
			i = 0
		}
		if i < 0 {
			return refuse("list %q: choose from %s; builds are listed by tlsbench openssl list", c.Flag, strings.Join(flags, ", "))
		}
		list = list[i : i+1]
	}
	doc := page.Document{Data: list}
	for _, l := range list {
		var entries page.List
		for _, o := range l.Options {
			entries = append(entries, o.entry())
		}
		doc.Add(page.Heading{Level: 2, Text: "--" + l.Flag + ": " + l.What}, entries)
	}
	return doc.Write(s.stdout, form(c.JSON))
}

// choice is a flag and what it takes.
type choice struct {
	Flag    string   `json:"flag"`
	What    string   `json:"what"`
	Options []option `json:"options"`
}

// option is one value, with what is known of it.
type option struct {
	results.Option
	Source     string           `json:"source,omitempty"`
	Assumes    string           `json:"assumes,omitempty"`
	Expects    string           `json:"expects,omitempty"`
	NoFix      []string         `json:"no_fix_helps,omitempty"`
	Needs      string           `json:"needs,omitempty"`
	Parameters []results.Option `json:"parameters,omitempty"`
}

// everything is all there is to choose from; OpenSSL builds apart.
func everything() []choice {
	strategies := choice{Flag: "strategy", What: "ways to keep workers from sharing OpenSSL's per-thread state"}
	for _, st := range catalogue.All() {
		o := option{Source: st.Source, Assumes: st.Assumes, Parameters: parameters(st.Params)}
		strategies.add(st.Name, st.Summary, o)
	}
	hazards := choice{Flag: "hazard", What: "what else is in the process"}
	for _, h := range results.Hazards() {
		o := option{Source: h.Source, Expects: h.Expects, NoFix: h.NoFix(), Needs: h.Needs, Parameters: parameters(h.Params)}
		hazards.add(h.Name, h.Summary, o)
	}
	faults := choice{Flag: "fault", What: "damage that tlsbench selftest makes on purpose, and the event that must be counted"}
	for _, f := range selftest.Faults {
		faults.add(f.Name, f.Summary+": "+f.Event, option{})
	}
	presets := choice{Flag: "preset", What: "numbers that go together"}
	for _, p := range bench.Presets() {
		presets.add(p.Name, fmt.Sprintf("%s: %d rounds, trials of %v and %v", p.Summary, p.Rounds, p.HandshakeTime, p.CorruptionTime), option{})
	}
	list := []choice{strategies, hazards, faults, presets}
	for _, d := range results.Dimensions {
		c := choice{Flag: d.Flag, What: d.What}
		for _, o := range d.Options {
			c.add(o.Name, o.Summary, option{})
		}
		list = append(list, c)
	}
	return list
}

func (c *choice) add(name, summary string, o option) {
	o.Option = results.Option{Name: name, Summary: summary}
	c.Options = append(c.Options, o)
}

func parameters(list []catalogue.Param) []results.Option {
	var out []results.Option
	for _, p := range list {
		out = append(out, results.Option{Name: p.Name, Summary: fmt.Sprintf("%s, %s (%s)", p.Summary, p.Values(), p.Format(p.Default))})
	}
	return out
}

// names lists the values.
func (c choice) names() []string {
	return results.Distinct(c.Options, func(o option) string { return o.Name })
}

// entry shows an option.
func (o option) entry() page.Entry {
	texts := []string{o.Summary}
	add := func(what, text string) {
		if text != "" {
			texts = append(texts, what+": "+text)
		}
	}
	add("from", o.Source)
	add("assumes", o.Assumes)
	add("expected", o.Expects)
	add("no fix of this kind can help, because "+results.NegativeControl+" is damaged too", strings.Join(o.NoFix, "; "))
	add("needs", o.Needs)
	for _, p := range o.Parameters {
		add("parameter "+p.Name, p.Summary)
	}
	return item(o.Name, texts...)
}
