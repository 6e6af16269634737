package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"tlsbench/bench"
	"tlsbench/strategies"
)

// listCommand lists what the flags of run and probe take.
type listCommand struct {
	Flag string `arg:"" optional:"" help:"Only the values of this flag: strategy, load and so on."`
	JSON bool   `name:"json" help:"Print as JSON."`
}

// catalogue is everything there is to choose from; OpenSSL builds apart.
type catalogue struct {
	Strategies []listedStrategy `json:"strategies,omitempty"`
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
			l.Parameters = append(l.Parameters,
				option{p.Name, fmt.Sprintf("%s, %d to %d (%d)", p.Summary, p.Min, p.Max, p.Default)})
		}
		c.Strategies = append(c.Strategies, l)
	}
	for _, p := range bench.Presets() {
		c.Presets = append(c.Presets, option{p.Name, fmt.Sprintf("%s: %d rounds, trials of %v and %v",
			p.Summary, p.Rounds, p.HandshakeTime, p.CorruptionTime)})
	}
	c.Dimensions = dimensions()
	return c
}

// only keeps the values of one flag. Its plural does too.
func (c catalogue) only(flag string) (catalogue, error) {
	names := []string{"strategy", "preset"}
	for _, d := range c.Dimensions {
		names = append(names, d.Flag)
	}
	is := func(name string) bool { return flag == name || flag == name+"s" }
	switch {
	case is("strategy") || flag == "strategies":
		return catalogue{Strategies: c.Strategies}, nil
	case is("preset"):
		return catalogue{Presets: c.Presets}, nil
	}
	i := slices.IndexFunc(c.Dimensions, func(d dimension) bool { return is(d.Flag) })
	if i < 0 {
		return c, refuse("list %q: choose from %s; builds are listed by tlsbench openssl list", flag, strings.Join(names, ", "))
	}
	return catalogue{Dimensions: c.Dimensions[i : i+1]}, nil
}

func (c catalogue) print(w io.Writer) {
	const column = 13
	gap := ""
	heading := func(text string) {
		fmt.Fprint(w, gap)
		gap = "\n"
		paragraph(w, text)
	}
	if len(c.Strategies) > 0 {
		heading("--strategy: how workers are kept from sharing OpenSSL's per-thread state")
	}
	for _, st := range c.Strategies {
		texts := []string{st.Summary, "from: " + st.Source, "assumes: " + st.Assumes}
		for _, p := range st.Parameters {
			texts = append(texts, "parameter "+p.Name+": "+p.Summary)
		}
		entry(w, column, st.Name, texts...)
	}
	if len(c.Presets) > 0 {
		heading("--preset: numbers that go together")
	}
	for _, p := range c.Presets {
		entry(w, column, p.Name, p.Summary)
	}
	for _, d := range c.Dimensions {
		heading(fmt.Sprintf("--%s: %s", d.Flag, d.What))
		for _, o := range d.Options {
			entry(w, column, o.Name, o.Summary)
		}
	}
}
