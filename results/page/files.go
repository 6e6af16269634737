package page

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tlsbench/results"
	"tlsbench/results/number"
)

// Files says what the results files are, under what conditions they were made,
// and how to make them again, from the files alone.
func Files(c *results.Comparison) *Document {
	d := &Document{Data: c.Inputs}
	if len(c.Inputs) == 0 {
		return d
	}
	d.Add(fileTable(c), Text("The commands, without default values, and the lengths of trials:"), Code(strings.Join(Commands(c), "\n")))
	for _, line := range lengths(c) {
		d.Add(Text(line))
	}
	for _, in := range c.Inputs {
		if text := in.Unfinished(); text != "" {
			d.Add(Alarm(fmt.Sprintf("%s. The results are from these trials only. To continue, on the same machine, with program %s:", text, in.Fact("tlsbench"))),
				Code("tlsbench run --resume "+in.Base()))
		}
	}
	if t := builds(c); len(t.Rows) > 0 {
		d.Add(t)
	}
	d.Add(facts(c))
	return d
}

// Commands gives for each file the command that makes one like it.
func Commands(c *results.Comparison) []string {
	var list []string
	for _, in := range c.Inputs {
		if in.Plan == nil {
			list = append(list, fmt.Sprintf("go test -bench . ./bench # %s has no plan", in.Base()))
			continue
		}
		list = append(list, in.Plan.Command(in.Base()))
	}
	return list
}

func fileTable(c *results.Comparison) *Table {
	t := &Table{Title: "Files; times in UTC", Head: []string{"file", "trials", "of planned", "from", "to", "load before a trial", "steal at most", "program"}}
	for _, in := range c.Inputs {
		planned := "not known"
		switch n := in.Planned(); {
		case n > 0 && in.Trials >= n:
			planned = "all"
		case n > 0:
			planned = fmt.Sprintf("%d: not finished", n)
		case in.Plan != nil && in.Plan.Shard.Count > 1:
			planned = fmt.Sprintf("shard %d of %d", in.Plan.Shard.Index, in.Plan.Shard.Count)
		case in.Plan != nil && in.Unfinished() == "":
			planned = "as many as it takes" // cells end by what they show
		}
		load := "not known"
		if in.Trials > 0 {
			load = fmt.Sprintf("%.1f to %.1f", in.Load[0], in.Load[1])
		}
		t.Add(in.Base(), in.Trials, planned, clock(in.First), clock(in.Last), load, number.Percent(in.Steal), in.Fact("tlsbench"))
	}
	return t
}

func clock(t time.Time) string {
	if t.IsZero() {
		return "not known"
	}
	return t.UTC().Format("2006-01-02 15:04")
}

// lengths says in words how long trials were: presets may change, and only one
// length for all kinds has a flag.
func lengths(c *results.Comparison) []string {
	var list []string
	for _, in := range c.Inputs {
		if in.Plan == nil {
			continue
		}
		s := &in.Plan.Spec
		var parts []string
		for _, m := range s.Measures {
			switch m {
			case results.Handshake:
				parts = append(parts, fmt.Sprintf("throughput trials of %v after %v of warm-up", s.HandshakeTime, s.Warmup))
			case results.Corruption:
				parts = append(parts, fmt.Sprintf("corruption trials of %v", s.CorruptionTime))
			case results.Fork:
				parts = append(parts, "fork trials of "+number.Count(s.Fork.Pairs, "pair")+" of forks")
			case results.Duet:
				parts = append(parts, fmt.Sprintf("duets of %d blocks of four turns of %v", results.DuetBlocks, results.DuetSlice))
			}
		}
		if s.OfDaemons() {
			parts = append(parts, fmt.Sprintf("trials of daemons of %v", s.Daemon.Duration))
		}
		if len(parts) > 0 {
			list = append(list, in.Base()+": "+strings.Join(parts, ", "))
		}
	}
	return list
}

// builds names the exact OpenSSL files, by package and content.
func builds(c *results.Comparison) *Table {
	t := &Table{Title: "OpenSSL builds", Head: []string{"OpenSSL", "reported version", "package", "files", "SHA-256 of all files together"}}
	seen := make(map[string]bool)
	for _, in := range c.Inputs {
		if in.Plan == nil {
			continue
		}
		for _, b := range in.Plan.Spec.Builds {
			if b.Digest != "" && !seen[b.Label+b.Digest] {
				seen[b.Label+b.Digest] = true
				t.Add(b.Label, b.Library.Text, b.Library.From(), b.Library.Files(), b.Digest).Tags = Tags{OpenSSL: b.Label}
			}
		}
	}
	return t
}

// facts lists the configuration of all files, each value once: machine, tools,
// libraries as they were loaded.
func facts(c *results.Comparison) *Table {
	type fact struct{ key, value string }
	var order []fact
	files := make(map[fact][]string)
	for _, in := range c.Inputs {
		for _, line := range in.Header.Config {
			f := fact{line.Key, string(line.Value)}
			if files[f] == nil {
				order = append(order, f)
			}
			files[f] = append(files[f], in.Base())
		}
	}
	isLibrary := func(f fact) bool { return strings.HasPrefix(f.key, "openssl-") }
	libraries := slices.DeleteFunc(slices.Clone(order), func(f fact) bool { return !isLibrary(f) })
	order = append(slices.DeleteFunc(order, isLibrary), libraries...)
	t := &Table{Title: "Machine, tools and libraries", Head: []string{"fact", "value"}}
	for _, f := range order {
		cell := Cell{Text: f.value}
		if len(files[f]) < len(c.Inputs) {
			cell.Detail = "(" + strings.Join(files[f], ", ") + ")"
		}
		t.Add(f.key, cell)
	}
	if len(t.Rows) == 0 {
		t.Add("none", "the files say nothing")
	}
	return t
}
