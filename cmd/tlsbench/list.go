package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"tlsbench/bench"
	"tlsbench/bench/selftest"
	"tlsbench/results"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload"
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
	if c.JSON {
		return writeJSON(s.stdout, list)
	}
	list.print(s.stdout)
	return nil
}

func everything() listing {
	var c listing
	for _, st := range catalogue.All() {
		l := listedStrategy{Name: st.Name, Summary: st.Summary, Source: st.Source, Assumes: st.Assumes}
		for _, p := range st.Params {
			l.Parameters = append(l.Parameters, parameter(p.Name, p.Summary, p.Min, p.Max, p.Default))
		}
		c.Strategies = append(c.Strategies, l)
	}
	for _, h := range workload.Hazards() {
		l := listedHazard{Name: h.Name, Summary: h.Summary, Source: h.Source, Expects: h.Expects, Needs: h.Needs}
		for _, p := range h.Params {
			l.Parameters = append(l.Parameters, parameter(p.Name, p.Summary, p.Min, p.Max, p.Default))
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

func parameter(name, summary string, least, most, usual int64) results.Option {
	return results.Option{Name: name, Summary: fmt.Sprintf("%s, %d to %d (%d)", summary, least, most, usual)}
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

// listColumn is the width of the names in the list.
const listColumn = 13

// print writes a section for each flag.
func (c listing) print(w io.Writer) {
	gap := ""
	section := func(flag, what string, entries int) {
		if entries > 0 {
			fmt.Fprint(w, gap)
			gap = "\n"
			paragraph(w, "--"+flag+": "+what)
		}
	}
	section("strategy", "how workers are kept from sharing OpenSSL's per-thread state", len(c.Strategies))
	for _, s := range c.Strategies {
		entry(w, listColumn, s.Name, described(s.Parameters, s.Summary, "from: "+s.Source, "assumes: "+s.Assumes)...)
	}
	section("hazard", "what else is in the process", len(c.Hazards))
	for _, h := range c.Hazards {
		texts := []string{h.Summary, "from: " + h.Source, "expected: " + h.Expects}
		if h.Needs != "" {
			texts = append(texts, "needs: "+h.Needs)
		}
		entry(w, listColumn, h.Name, described(h.Parameters, texts...)...)
	}
	section("fault", "damage made on purpose by tlsbench selftest, and the event it must show as", len(c.Faults))
	for _, f := range c.Faults {
		entry(w, listColumn, f.Name, f.Summary)
	}
	section("preset", "numbers that go together", len(c.Presets))
	for _, p := range c.Presets {
		entry(w, listColumn, p.Name, p.Summary)
	}
	for _, d := range c.Dimensions {
		section(d.Flag, d.What, len(d.Options))
		for _, o := range d.Options {
			entry(w, listColumn, o.Name, o.Summary)
		}
	}
}

// described adds a text for each parameter.
func described(parameters []results.Option, texts ...string) []string {
	for _, p := range parameters {
		texts = append(texts, "parameter "+p.Name+": "+p.Summary)
	}
	return texts
}
