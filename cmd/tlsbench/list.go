package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"tlsbench/bench"
	"tlsbench/bench/selftest"
	"tlsbench/strategies"
	"tlsbench/workload"
)

// listCommand lists what the flags of run and probe take.
type listCommand struct {
	Flag string `arg:"" optional:"" help:"Only the values of this flag: strategy, load and so on."`
	JSON bool   `name:"json" help:"Print as JSON."`
}

// catalogue is everything there is to choose from; OpenSSL builds apart.
type catalogue struct {
	Strategies []listedStrategy `json:"strategies,omitempty"`
	Hazards    []listedHazard   `json:"hazards,omitempty"`
	Faults     []option         `json:"faults,omitempty"`
	Presets    []option         `json:"presets,omitempty"`
	Dimensions []dimension      `json:"flags,omitempty"`
}

type listedStrategy struct {
	Name       string   `json:"name"`
	Summary    string   `json:"summary"`
	Source     string   `json:"source"`
	Assumes    string   `json:"assumes"`
	Parameters []option `json:"parameters,omitempty"`
}

type listedHazard struct {
	Name       string   `json:"name"`
	Summary    string   `json:"summary"`
	Source     string   `json:"source"`
	Expects    string   `json:"expects"`
	Needs      string   `json:"needs,omitempty"`
	Parameters []option `json:"parameters,omitempty"`
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

func everything() catalogue {
	var c catalogue
	for _, st := range strategies.All() {
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
		c.Faults = append(c.Faults, option{f.Name, f.Summary + ": " + f.Event})
	}
	for _, p := range bench.Presets() {
		c.Presets = append(c.Presets, option{p.Name, fmt.Sprintf("%s: %d rounds, trials of %v and %v",
			p.Summary, p.Rounds, p.HandshakeTime, p.CorruptionTime)})
	}
	c.Dimensions = dimensions()
	return c
}

func parameter(name, summary string, least, most, usual int64) option {
	return option{name, fmt.Sprintf("%s, %d to %d (%d)", summary, least, most, usual)}
}

// only keeps the values of one flag. Its plural does too.
func (c catalogue) only(flag string) (catalogue, error) {
	names := []string{"strategy", "hazard", "fault", "preset"}
	for _, d := range c.Dimensions {
		names = append(names, d.Flag)
	}
	is := func(name string) bool { return flag == name || flag == name+"s" }
	switch {
	case is("strategy") || flag == "strategies":
		return catalogue{Strategies: c.Strategies}, nil
	case is("hazard"):
		return catalogue{Hazards: c.Hazards}, nil
	case is("fault"):
		return catalogue{Faults: c.Faults}, nil
	case is("preset"):
		return catalogue{Presets: c.Presets}, nil
	}
	i := slices.IndexFunc(c.Dimensions, func(d dimension) bool { return is(d.Flag) })
	if i < 0 {
		return c, refuse("list %q: choose from %s; builds are listed by tlsbench openssl list", flag, strings.Join(names, ", "))
	}
	return catalogue{Dimensions: c.Dimensions[i : i+1]}, nil
}

// listColumn is the width of the names in the list.
const listColumn = 13

// print writes a section for each flag.
func (c catalogue) print(w io.Writer) {
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
func described(parameters []option, texts ...string) []string {
	for _, p := range parameters {
		texts = append(texts, "parameter "+p.Name+": "+p.Summary)
	}
	return texts
}
