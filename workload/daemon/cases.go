package daemon

import (
	"fmt"

	"tlsbench/results"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload"
	"tlsbench/workload/openssl"
)

// Case is one thing to be asked of both: a daemon and a rig on the same
// OpenSSL, with the same strategy and the same neighbour.
type Case struct {
	Daemon    Daemon
	Strategy  catalogue.Choice // injected; the positive control with a built-in mode
	Mode      int
	Python    string
	MemSafety int
}

// builtIn says which strategy a value of tls_threads_mode is in the packaged
// versions. In both modes their children are seen to have lost every slot up to
// a mark; that mode 1 was temp-thread is history, of 5.8.0 and 5.8.1.
var builtIn = map[int]string{1: "hwm", 2: "hwm"}

// Hazard is the rig's name for the neighbour.
func (c Case) Hazard() string {
	switch c.Python {
	case "before":
		return "python:before=1"
	case "after":
		return "python"
	}
	return "plain"
}

// Fix names what protects the daemon: an injected strategy, or a mode of its
// own.
func (c Case) Fix() string { return c.record().Fix() }

// String names the case for a message.
func (c Case) String() string { return c.record().String() }

// cases are those of one strategy: injected, over mode 0 where there are
// modes, and built in.
func cases(c Case) []Case {
	var list []Case
	modes := c.Daemon.Release.Modes
	over := c
	if len(modes) > 0 {
		over.Mode = 0
	}
	list = append(list, over)
	for _, mode := range modes {
		if mode > 0 && c.Strategy.String() == builtIn[mode] {
			inside := c
			inside.Mode, inside.Strategy = mode, catalogue.Choice{Name: catalogue.PositiveControl}
			list = append(list, inside)
		}
	}
	return list
}

// unprotected reports whether nothing protects the daemon, and nothing else is
// in it: the positive control.
func (c Case) unprotected() bool {
	return c.Strategy.Path == "" && c.Strategy.Name == catalogue.PositiveControl && c.Mode <= 0 && c.Python == ""
}

// control reports whether the daemon has to be damaged, or nothing is proved.
// OpenSSL 1.1.1 is no control: with a random generator of the daemon's own it
// looks healthy for long.
func (c Case) control() bool { return c.unprotected() && c.Daemon.Release.Line != "1.1.1" }

// config is the daemon's side of a trial.
func (c Case) config(p *Plan, seed uint64, port int) workload.Config {
	s := Settings{Mode: c.Mode, Port: port}
	if c.unprotected() {
		s.Patience = p.Patience
	}
	cfg := workload.Config{
		Strategy: c.Strategy, Hazard: c.Hazard(), Workers: p.Readers, BadShare: p.BadShare, TLS: p.TLS,
		Duration: p.Duration, Seed: seed, Server: c.Daemon.Server(s), HeapSafety: "count",
	}
	if c.MemSafety == 0 {
		cfg.HeapSafety = "abort"
	}
	return cfg
}

// RigKey names what the rig can tell apart, "" where it is not asked: a
// strategy that no daemon has needs no answer.
func (c Case) RigKey() string {
	if Injectable(c.Strategy) != nil {
		return ""
	}
	r := c.rigSettings()
	key := fmt.Sprintf("openssl=%s/hazard=%s/heap-safety=%s/strategy=%s", c.Daemon.Release.Line, r.Hazard, r.HeapSafety, r.Strategy)
	if r.Rand != "" {
		key += "/rand=" + r.Rand
	}
	return key
}

// rigSettings are the same things as the rig names them: mem_safety is its heap
// safety, and where the TLS module brings a random generator of its own, so
// does the rig.
func (c Case) rigSettings() workload.Config {
	cfg := workload.Config{Strategy: c.Strategy, Hazard: c.Hazard(), HeapSafety: "count"}
	if c.Mode > 0 {
		cfg.Strategy = catalogue.Choice{Name: builtIn[c.Mode]}
	}
	if c.MemSafety == 0 {
		cfg.HeapSafety = "abort"
	}
	if c.Daemon.Release.OwnRandom {
		cfg.Rand = "method"
	}
	return cfg
}

// rig is the rig's side of a trial.
func (c Case) rig(p *Plan, build openssl.Build, seed uint64) workload.Config {
	cfg := c.rigSettings()
	cfg.Build, cfg.Workers, cfg.BadShare, cfg.CheckRate, cfg.EchoBytes = build, p.Readers, p.BadShare, 4, 64
	cfg.TLS, cfg.Seed, cfg.Duration = p.TLS, seed, p.RigDuration
	return cfg
}

// record is the case as a results file has it.
func (c Case) record() *results.FieldCase {
	out := &results.FieldCase{
		Kamailio: c.Daemon.Release.Name, Package: c.Daemon.Package, OpenSSL: c.Daemon.OpenSSL,
		Strategy: c.Strategy.String(), Mode: c.Mode, Python: pythonWord(c.Python), MemSafety: c.MemSafety,
		OwnRandom: c.Daemon.Release.OwnRandom, Rig: c.RigKey(),
	}
	if c.Mode > 0 {
		out.Strategy = builtIn[c.Mode]
	}
	return out
}
