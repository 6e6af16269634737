package main

import (
	"fmt"
	"slices"
	"strings"

	"tlsbench/bench"
	"tlsbench/bench/selftest"
	"tlsbench/results"
	"tlsbench/results/page"
	"tlsbench/strategies/catalogue"
)

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
