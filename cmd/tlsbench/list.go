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

// listing is everything there is to choose from; OpenSSL builds apart.
type listing struct {
	Strategies []listedStrategy    `json:"strategies,omitempty"`
	Hazards    []listedHazard      `json:"hazards,omitempty"`
	Faults     []results.Option    `json:"faults,omitempty"`
	Presets    []results.Option    `json:"presets,omitempty"`
	Dimensions []results.Dimension `json:"flags,omitempty"`
}

type listedStrategy struct {
	Name       string           `json:"name"`
	Summary    string           `json:"summary"`
	Source     string           `json:"source"`
	Assumes    string           `json:"assumes"`
	Parameters []results.Option `json:"parameters,omitempty"`
}

type listedHazard struct {
	Name       string           `json:"name"`
	Summary    string           `json:"summary"`
	Source     string           `json:"source"`
	Expects    string           `json:"expects"`
	NoFix      []string         `json:"no_fix_helps,omitempty"`
	Needs      string           `json:"needs,omitempty"`
	Parameters []results.Option `json:"parameters,omitempty"`
}

// Run lists them.
func (c *listCommand) Run(s *session) error {
	list := everything()
	if c.Flag != "" {
		var err error
		if list, err = list.only(c.Flag); err != nil {
			return err
		}
	}
	doc := page.Document{Parts: list.parts(), Data: list}
	return doc.Write(s.stdout, form(c.JSON, false))
}

func everything() listing {
	var c listing
	for _, st := range catalogue.All() {
		l := listedStrategy{Name: st.Name, Summary: st.Summary, Source: st.Source, Assumes: st.Assumes}
		for _, p := range st.Params {
			l.Parameters = append(l.Parameters, parameter(p))
		}
		c.Strategies = append(c.Strategies, l)
	}
	for _, h := range results.Hazards() {
		l := listedHazard{Name: h.Name, Summary: h.Summary, Source: h.Source, Expects: h.Expects, NoFix: h.NoFix(), Needs: h.Needs}
		for _, p := range h.Params {
			l.Parameters = append(l.Parameters, parameter(p))
		}
		c.Hazards = append(c.Hazards, l)
	}
	for _, f := range selftest.Faults() {
		c.Faults = append(c.Faults, results.Option{Name: f.Name, Summary: f.Summary + ": " + f.Event})
	}
	for _, p := range bench.Presets() {
		c.Presets = append(c.Presets, results.Option{Name: p.Name, Summary: fmt.Sprintf("%s: %d rounds, trials of %v and %v",
			p.Summary, p.Rounds, p.HandshakeTime, p.CorruptionTime)})
	}
	c.Dimensions = results.Dimensions
	return c
}

func parameter(p catalogue.Param) results.Option {
	return results.Option{Name: p.Name, Summary: fmt.Sprintf("%s, %s (%s)", p.Summary, p.Values(), p.Format(p.Default))}
}

// only keeps the values of one flag. Its plural does too.
func (c listing) only(flag string) (listing, error) {
	names := []string{"strategy", "hazard", "fault", "preset"}
	for _, d := range c.Dimensions {
		names = append(names, d.Flag)
	}
	is := func(name string) bool { return flag == name || flag == name+"s" }
	switch {
	case is("strategy") || flag == "strategies":
		return listing{Strategies: c.Strategies}, nil
	case is("hazard"):
		return listing{Hazards: c.Hazards}, nil
	case is("fault"):
		return listing{Faults: c.Faults}, nil
	case is("preset"):
		return listing{Presets: c.Presets}, nil
	}
	i := slices.IndexFunc(c.Dimensions, func(d results.Dimension) bool { return is(d.Flag) })
	if i < 0 {
		return c, refuse("list %q: choose from %s; builds are listed by tlsbench openssl list", flag, strings.Join(names, ", "))
	}
	return listing{Dimensions: c.Dimensions[i : i+1]}, nil
}

// parts is a section for each flag.
func (c listing) parts() []page.Part {
	var parts []page.Part
	section := func(flag, what string, list page.List) {
		if len(list) > 0 {
			parts = append(parts, page.Heading{Level: 2, Text: "--" + flag + ": " + what}, list)
		}
	}
	options := func(list []results.Option) page.List {
		var entries page.List
		for _, o := range list {
			entries = append(entries, item(o.Name, o.Summary))
		}
		return entries
	}
	var list page.List
	for _, s := range c.Strategies {
		list = append(list, item(s.Name, described(s.Parameters, s.Summary, "from: "+s.Source, "assumes: "+s.Assumes)...))
	}
	section("strategy", "ways to keep workers from sharing OpenSSL's per-thread state", list)
	list = nil
	for _, h := range c.Hazards {
		texts := []string{h.Summary, "from: " + h.Source, "expected: " + h.Expects}
		if len(h.NoFix) > 0 {
			texts = append(texts, "no fix of this kind can help, because "+results.NegativeControl+" is damaged too: "+strings.Join(h.NoFix, "; "))
		}
		if h.Needs != "" {
			texts = append(texts, "needs: "+h.Needs)
		}
		list = append(list, item(h.Name, described(h.Parameters, texts...)...))
	}
	section("hazard", "what else is in the process", list)
	section("fault", "damage that tlsbench selftest makes on purpose, and the event that must be counted", options(c.Faults))
	section("preset", "numbers that go together", options(c.Presets))
	for _, d := range c.Dimensions {
		section(d.Flag, d.What, options(d.Options))
	}
	return parts
}

// described adds a text for each parameter.
func described(parameters []results.Option, texts ...string) []string {
	for _, p := range parameters {
		texts = append(texts, "parameter "+p.Name+": "+p.Summary)
	}
	return texts
}
