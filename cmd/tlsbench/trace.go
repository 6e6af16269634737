package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"tlsbench/results"
	"tlsbench/results/event"
	"tlsbench/results/number"
	"tlsbench/results/outfile"
	"tlsbench/results/page"
	"tlsbench/results/version"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload"
	"tlsbench/workload/daemon"
	"tlsbench/workload/openssl"
)

// traceCommand shows which inherited memory several processes write.
type traceCommand struct {
	buildFlags
	Strategy   []string `placeholder:"NAME" help:"Strategies: name, name:key=value, or ./own.so. All by default."`
	Hazard     string   `default:"plain" placeholder:"NAME" help:"What else is in the process; see tlsbench list hazard."`
	Load       string   `default:"memory" placeholder:"NAME" help:"Where handshakes come from: ${loads}."`
	Workers    int      `default:"4" placeholder:"N" help:"Number of workers, 2 to 63."`
	Locks      string   `default:"shared" placeholder:"NAME" help:"Locks across processes: ${lockss}."`
	Rand       string   `default:"default" placeholder:"NAME" help:"Random generator: ${rands}."`
	Handshakes int      `default:"50" placeholder:"N" help:"Handshakes of each worker, good and bad."`
	Preload    string   `placeholder:"FILE.so" help:"Trace nothing; write the object that traces any preforked program that it is preloaded into. See tlsbench help preload."`
	Floor      bool     `help:"Also list the blocks that key-owner shows under hazard plain; OpenSSL itself shares them."`
	JSON       bool     `name:"json" help:"Print everything as JSON."`
}

// traced is what was seen on one build under one strategy.
type traced struct {
	Server   string `json:"server,omitempty"` // a daemon
	OpenSSL  string `json:"openssl"`
	Library  string `json:"libcrypto,omitempty"`
	Hazard   string `json:"hazard"`
	Load     string `json:"load"`
	Workers  int    `json:"workers"`
	Strategy string `json:"strategy"`
	// NotRun says why there is nothing to tell.
	NotRun     string               `json:"not_run,omitempty"`
	Handshakes uint64               `json:"handshakes"`
	Events     map[string]uint64    `json:"events,omitempty"` // by kind; one that ended the trial left blocks unseen
	Blocks     int                  `json:"blocks,omitempty"`
	Writes     uint64               `json:"writes,omitempty"`
	Raced      []results.RacedBlock `json:"raced"`
	Floor      []results.RacedBlock `json:"floor"`
}

// Run traces every build under every strategy.
func (c *traceCommand) Run(s *session) error {
	if c.Preload != "" {
		if s.gave("preload") {
			return refuse("--preload %s: nothing is traced, so it takes no other flag: leave --%s out, or --preload", c.Preload,
				strings.Join(slices.DeleteFunc(s.given, func(flag string) bool { return flag == "preload" }), " and --"))
		}
		err := outfile.Absent(c.Preload)
		if err == nil {
			err = daemon.WritePreload(s.ctx, c.Preload)
		}
		object, absErr := filepath.Abs(c.Preload) // the loader looks elsewhere for a bare name
		if err = cmp.Or(err, absErr); err != nil {
			return err
		}
		fmt.Fprintf(s.stdout, "LD_PRELOAD=%s TLSBENCH_TRACE=raced.txt PROGRAM\n", object)
		return nil
	}
	switch {
	case c.Workers < 2 || c.Workers > results.MaxTraced:
		return refuse("workers %d: want 2 to %d", c.Workers, results.MaxTraced)
	case c.Handshakes < 1 || c.Handshakes > 1e6:
		return refuse("handshakes %d: want 1 to 1000000", c.Handshakes)
	}
	if err := workload.RoomFor(c.Workers); err != nil {
		return &refusal{Err: err}
	}
	list, libraries, err := c.choices(s.ctx, map[string]string{"load": c.Load, "locks": c.Locks, "rand": c.Rand}, &c.Hazard, c.Strategy, 0)
	if err != nil {
		return err
	}
	var all []traced
	failed := s.each(libraries, "trace", func(b openssl.Build) []error {
		found, errs := c.build(s.ctx, b, list)
		all = append(all, found...)
		return errs
	})
	if s.ctx.Err() != nil {
		return s.ctx.Err()
	}
	doc := page.Document{Data: all}
	for i := range all {
		doc.Add(all[i].parts(c.Floor)...)
	}
	return cmp.Or(doc.Write(s.stdout, form(c.JSON)), failed)
}

// build traces one build: first the oracle under hazard plain, whose blocks are
// held against no strategy.
func (c *traceCommand) build(ctx context.Context, b openssl.Build, list []results.Strategy) ([]traced, []error) {
	oracle, err := c.once(ctx, b, catalogue.Choice{Name: results.NegativeControl}, results.Plain)
	if err == nil && oracle.NotRun != "" {
		err = errors.New(oracle.NotRun)
	}
	if seen := damage(oracle.Events); err == nil && seen != "" {
		err = fmt.Errorf("damaged, so its blocks are no floor: %s", seen)
	}
	if err != nil {
		return nil, []error{fmt.Errorf("floor, strategy %s: %w", results.NegativeControl, err)}
	}
	floor := results.Floor{}
	floor.Add(oracle.Raced)
	var found []traced
	var errs []error
	for _, st := range list {
		t, err := c.once(ctx, b, st.Choice, c.Hazard)
		if err != nil {
			errs = append(errs, fmt.Errorf("strategy %s: %w", st.Name(), err))
			continue
		}
		seen := t.Raced
		t.Raced, t.Floor = floor.Above(seen), floor.Within(seen)
		found = append(found, t)
	}
	return found, errs
}

func (c *traceCommand) once(ctx context.Context, b openssl.Build, st catalogue.Choice, hazard string) (traced, error) {
	out, err := workload.Run(ctx, workload.Config{
		Build: b, Strategy: st, Hazard: hazard, Load: c.Load, Workers: c.Workers, Heap: results.Traced,
		Locks: c.Locks, Rand: c.Rand, BadShare: results.DefaultBad, CheckRate: results.SharingChecks, EchoBytes: results.EchoBytes,
		Handshakes: uint64(c.Handshakes), Seed: 1,
	})
	if err != nil {
		return traced{}, err
	}
	t := traced{
		OpenSSL: cmp.Or(out.OpenSSLVersion, b.Version), Library: openssl.Portable(b.Libcrypto), Hazard: hazard, Load: c.Load,
		Workers: c.Workers, Strategy: st.String(), Handshakes: out.Attempts, Events: out.Events,
	}
	switch {
	case out.Skipped != "":
		t.NotRun = "skipped: " + openssl.Portable(out.Skipped)
	case out.NotApplicable != "":
		t.NotRun = "not applicable: OpenSSL has no " + out.NotApplicable
	case out.Trace == nil:
		t.NotRun = "the server was damaged before it served"
	default:
		t.Blocks, t.Writes, t.Raced = out.Trace.Blocks, out.Trace.Faults, out.Raced
	}
	return t, nil
}

// parts show one cell.
func (t *traced) parts(floor bool) []page.Part {
	where := "OpenSSL " + t.OpenSSL
	if t.Server != "" {
		where = t.Server + " on " + where
	}
	parts := []page.Part{page.Heading{Level: 2, Text: fmt.Sprintf("%s, hazard %s, load %s, %d workers, strategy %s: %s",
		where, t.Hazard, t.Load, t.Workers, t.Strategy, t.verdict())}}
	if seen := damage(t.Events); seen != "" {
		parts = append(parts, page.Text("damaged, "+seen))
	}
	if t.NotRun != "" {
		return parts
	}
	seen := ""
	if t.Blocks > 0 {
		seen = fmt.Sprintf("%s to %s were seen; ", number.Count(int(t.Writes), "write"), number.Count(t.Blocks, "inherited block"))
	}
	parts = append(parts, page.Text(fmt.Sprintf("%s by the workers; %s%s of the floor are left out.",
		number.Count(int(t.Handshakes), "handshake"), seen, number.Count(len(t.Floor), "block"))))
	parts = append(parts, racedBlocks(t.Raced))
	if floor && len(t.Floor) > 0 {
		parts = append(parts, page.Text("The floor (key-owner under hazard plain):"), racedBlocks(t.Floor))
	}
	return parts
}

// tracedTrials lists the sharing trials of a file, each without the floor that
// key-owner shows in the same server.
func tracedTrials(trials []*results.Trial) []traced {
	type group struct{ server, openssl string }
	floors := map[group]results.Floor{}
	var list []traced
	for _, t := range trials {
		c := &t.Cell
		if c.Measure != results.Sharing {
			continue
		}
		at := group{c.Server(), c.OpenSSL}
		if floors[at] == nil {
			floors[at] = results.Floor{}
		}
		if c.Strategy == results.NegativeControl && c.Hazard == results.Plain {
			floors[at].Add(t.Raced)
		}
		list = append(list, traced{Server: at.server, OpenSSL: c.OpenSSL, Hazard: c.Hazard, Load: c.Load, Workers: c.Workers,
			Strategy: c.Strategy, Handshakes: t.Handshakes, Events: maps.Clone(t.Events), Raced: t.Raced})
		if t.Status != results.OK {
			list[len(list)-1].NotRun = fmt.Sprintf("%s: %s", t.Status, t.Reason)
		}
	}
	for i := range list {
		t := &list[i]
		floor := floors[group{t.Server, t.OpenSSL}]
		t.Raced, t.Floor = floor.Above(t.Raced), floor.Within(t.Raced)
	}
	slices.SortStableFunc(list, func(a, b traced) int {
		return cmp.Or(strings.Compare(b.Server, a.Server), version.Compare(a.OpenSSL, b.OpenSSL), strings.Compare(a.Hazard, b.Hazard), catalogue.Compare(a.Strategy, b.Strategy))
	})
	return list
}

func (t *traced) verdict() string {
	if t.NotRun != "" {
		return t.NotRun
	}
	raced, read := results.CountRaced(t.Raced)
	text := number.Count(raced, "raced block")
	if read > 0 {
		text += fmt.Sprintf(", %d read-raced", read)
	}
	for _, kind := range []string{event.Crash, event.Hang} {
		if t.Events[kind] > 0 {
			return text + ", cut short by " + kind
		}
	}
	return text
}

func racedBlocks(list []results.RacedBlock) page.List {
	var out page.List
	for _, b := range list {
		term := fmt.Sprintf("%s, %d bytes", cmp.Or(b.Object(), "block"), b.Size)
		texts := []string{"allocated: " + b.Site}
		if b.Behind != "" {
			texts = append(texts, "behind: "+b.Behind)
		}
		texts = append(texts, "written by "+results.Who(b.Writers))
		if b.ReadRaced {
			texts[len(texts)-1] += ", read by " + results.Who(b.Readers)
		}
		for _, w := range b.Writes {
			text := fmt.Sprintf("%s: %d by %s", w.Site, w.Count, results.Who(w.By))
			if w.How != "" {
				text += " (" + w.How + ")"
			}
			texts = append(texts, text)
		}
		out = append(out, item(term, texts...))
	}
	return out
}
