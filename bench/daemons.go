package bench

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/perf/benchfmt"

	"tlsbench/results"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload"
	"tlsbench/workload/daemon"
)

// NewDaemon is an unpacked daemon as a plan has it. One whose libcrypto does not
// tell its version is known by its line.
func NewDaemon(d daemon.Daemon) results.Daemon {
	return results.Daemon{Release: d.Release.Name, Package: d.Package, OpenSSL: cmp.Or(d.OpenSSL, d.Release.Line)}
}

// server is the daemon of a cell.
type server struct {
	results.Daemon
	release daemon.Release
	mode    int
}

func serverOf(d results.Daemon) server {
	list, err := daemon.ParseReleases([]string{d.Release})
	if err != nil {
		return server{Daemon: d} // refused by validate
	}
	s := server{d, list[0], daemon.NoMode}
	if len(s.release.Modes) > 0 {
		s.mode = 0
	}
	return s
}

// rounds is how many rounds a plan has at most: not every cell has a trial in
// each.
func (s Spec) rounds() int {
	switch {
	case s.Sequential:
		return cmp.Or(s.Rounds, maxRounds)
	case s.Only(results.Duet):
		return s.duetRounds()
	}
	return max(s.Rounds, s.Daemon.ControlRounds, s.duetRounds())
}

// Rounds is how many rounds the plan has.
func (p *Plan) Rounds() int { return p.Spec.rounds() }

// validateDaemons refuses what no plan of daemons can be.
func (s Spec) validateDaemons() error {
	if !s.OfDaemons() {
		return nil
	}
	var names []string
	for _, d := range s.Daemon.List {
		if _, err := daemon.ParseReleases([]string{d.Release}); err != nil {
			return err
		}
		if d.Package == "" || d.OpenSSL == "" {
			return fmt.Errorf("daemon %s: the version of its package or of its OpenSSL is unknown", d.Release)
		}
		if err := checkList("openssl of a daemon", []string{d.OpenSSL}, nil); err != nil {
			return err
		}
		names = append(names, configKey(d.Name()))
	}
	if err := checkList("daemon", names, nil); err != nil {
		return err
	}
	switch {
	case s.Daemon.Duration <= 0 || max(s.Daemon.Duration, s.Daemon.Patience) > time.Hour:
		return fmt.Errorf("duration %v: want more than 0 and at most an hour", s.Daemon.Duration)
	case s.Daemon.ControlRounds < 0 || s.Daemon.ControlRounds > maxRounds:
		return fmt.Errorf("control rounds %d: want 0 to %d", s.Daemon.ControlRounds, maxRounds)
	case !s.Only(results.Corruption) && !s.Only(results.Sharing):
		return errors.New("daemons can run either corruption trials or sharing trials")
	}
	for _, n := range s.Workers {
		if n < 1 || n > daemon.MaxReaders {
			return fmt.Errorf("readers %d: want 1 to %d", n, daemon.MaxReaders)
		}
		if s.Only(results.Sharing) && n > daemon.MaxTracedReaders {
			return fmt.Errorf("readers %d: the tracer takes 1 to %d", n, daemon.MaxTracedReaders)
		}
	}
	for _, h := range s.Hazards {
		if !slices.Contains(daemon.Hazards, h) {
			return fmt.Errorf("hazard %s in a daemon: choose from %s", h, strings.Join(daemon.Hazards, ", "))
		}
	}
	return nil
}

// daemonScenes lists where daemons and rigs are asked the same. With a neighbour
// in the process the first heap safety alone is asked for: what that tells apart
// is known without.
func (p *Plan) daemonScenes() []scene {
	var list []scene
	for i, d := range p.Spec.Daemon.List {
		release := serverOf(d).release
		for _, l := range p.product() {
			if l.hazard != results.Plain && l.safety != p.Spec.HeapSafety[0] {
				continue
			}
			if release.OwnRandom {
				l.rand = "method"
			}
			l.build = slices.IndexFunc(p.Spec.Builds, func(b Build) bool { return b.Build.Name == release.Line })
			l.daemon = i + 1
			list = append(list, l)
			l.daemon = 0
			if l.build >= 0 && !p.Spec.Daemon.NoRig && !slices.ContainsFunc(list, l.same) {
				list = append(list, l)
			}
		}
	}
	return list
}

// daemonCells lists the cells of one strategy in a daemon: injected, over mode 0
// where there are modes, and built in.
func (p *Plan) daemonCells(l scene, s *results.Strategy) []Cell {
	on := serverOf(p.Spec.Daemon.List[l.daemon-1])
	list := []Cell{p.daemonCell(l, s, on)}
	for _, mode := range on.release.BuiltIn(s.Choice) {
		c := p.daemonCell(l, &results.Strategy{Choice: catalogue.Choice{Name: catalogue.PositiveControl}}, on)
		c.server.mode, c.rounds = mode, p.Spec.Rounds
		c.Strategy = results.BuiltIn(s.Name(), mode)
		list = append(list, c)
	}
	return list
}

func (p *Plan) daemonCell(l scene, s *results.Strategy, on server) Cell {
	c := p.rigCell(l, s)
	c.OpenSSL, c.checkRate, c.server = on.OpenSSL, 0, &on
	c.addSetting(results.ServerKey, on.Name(), "")
	return c
}

// rigCell is a cell of the rig in a plan of daemons.
func (p *Plan) rigCell(l scene, s *results.Strategy) Cell {
	if p.Spec.Only(results.Sharing) {
		return p.sharingCell(l, s)
	}
	return p.cell(l, s, results.Corruption, value(p.Spec.Bad, results.DefaultBad), results.DefaultCheckRate)
}

// mustBeDamaged reports whether a cell of such a plan proves nothing if it is not
// damaged.
func (p *Plan) mustBeDamaged(l scene, s *results.Strategy) bool {
	on1 := l.daemon > 0 && results.MayLookHealthy(p.Spec.Daemon.List[l.daemon-1].OpenSSL) ||
		l.daemon == 0 && results.MayLookHealthy(p.Spec.Builds[l.build].Label)
	return p.Spec.OfDaemons() && l.hazard == results.Plain && s.Is(catalogue.PositiveControl) && !on1
}

// unprotected reports whether nothing protects the daemon, and nothing else is in
// it.
func (c Cell) unprotected() bool {
	return c.strategy.Is(catalogue.PositiveControl) && c.server.mode <= 0 && c.Hazard == results.Plain
}

// sharingLimit ends a sharing trial in a daemon that answers fewer peers than it
// should.
const sharingLimit = 2 * time.Minute

// serve makes a cell's trials ones of its daemon.
func (r *Runner) serve(c Cell, cfg *workload.Config) error {
	i := slices.IndexFunc(r.Daemons, func(d daemon.Daemon) bool { return NewDaemon(d) == c.server.Daemon })
	if i < 0 {
		return fmt.Errorf("daemon %s, package %s, is not in the cache", c.server.Name(), c.server.Package)
	}
	settings := daemon.Settings{Mode: c.server.mode, Port: r.Port}
	cfg.Duration = r.Plan.Spec.Daemon.Duration
	if cfg.Traced() { // as many handshakes as the rig's, however long they take
		cfg.Duration = sharingLimit
	}
	if c.unprotected() {
		settings.Patience = r.Plan.Spec.Daemon.Patience
	}
	cfg.Server = r.Daemons[i].Server(settings)
	return nil
}

// Attach refuses a plan whose daemons are not those found here, such as after an
// upgrade in the archive.
func (s Spec) Attach(found []daemon.Daemon) error {
	for _, want := range s.Daemon.List {
		i := slices.IndexFunc(found, func(d daemon.Daemon) bool { return d.Release.Name == want.Release })
		if i < 0 {
			return fmt.Errorf("kamailio %s of the file's plan is not in the cache", want.Release)
		}
		if here := NewDaemon(found[i]); here != want {
			return refuse(fmt.Errorf("kamailio %s: the file was made with package %s on OpenSSL %s, but the cache has %s on %s",
				want.Release, want.Package, want.OpenSSL, here.Package, here.OpenSSL))
		}
	}
	return nil
}

// daemonConfig says in a results file which daemons it has.
func (s Spec) daemonConfig() []benchfmt.Config {
	var names []string
	var packages []benchfmt.Config
	for _, d := range s.Daemon.List {
		names = append(names, d.Name())
		packages = append(packages, config(d.Name(), d.Package)...)
	}
	return append(config(results.DaemonsKey, strings.Join(names, " ")), packages...)
}
