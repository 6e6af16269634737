package field

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"tlsbench/strategies"
	"tlsbench/workload"
	"tlsbench/workload/openssl"
)

// Case is one thing to be asked of both: a daemon and a rig on the same
// OpenSSL, with the same strategy and the same neighbour.
type Case struct {
	Daemon    Daemon
	Strategy  strategies.Choice // injected; the positive control with a built-in mode
	Mode      int
	Python    string
	MemSafety int
}

// Fix names what protects the daemon: an injected strategy, or a mode of its
// own.
func (c Case) Fix() string {
	if c.Mode > 0 {
		return fmt.Sprintf("%s (mode %d)", builtIn[c.Mode], c.Mode)
	}
	return c.Strategy.String()
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

// String names the case for a message.
func (c Case) String() string {
	s := fmt.Sprintf("kamailio %s, %s, mem_safety %d", c.Daemon.Release.Name, c.Fix(), c.MemSafety)
	if c.Python != "" {
		s += ", python " + c.Python + " the TLS module"
	}
	return s
}

// Plan is what to ask.
type Plan struct {
	Daemons    []Daemon
	Strategies []strategies.Choice
	MemSafety  []int
	Python     []string // "", "before", "after"
}

// Cases lists them in the order of the table: a strategy injected, and where a
// daemon has it built in. One that can be neither stays in the list, as not
// applicable. With Python the first mem_safety alone is asked for: what that tells apart is known
// without.
func (p Plan) Cases() []Case {
	var list []Case
	for _, d := range p.Daemons {
		for _, python := range p.Python {
			for i, safety := range p.MemSafety {
				if python != "" && i > 0 {
					continue
				}
				for _, s := range p.Strategies {
					list = append(list, cases(Case{d, s, NoMode, python, safety})...)
				}
			}
		}
	}
	return list
}

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
			inside.Mode, inside.Strategy = mode, strategies.Choice{Name: strategies.PositiveControl}
			list = append(list, inside)
		}
	}
	return list
}

// Daemon's side of a trial.
func (c Case) config(s Settings, round int) Config {
	return Config{
		Daemon: c.Daemon, Strategy: c.Strategy, Mode: c.Mode, Python: c.Python, MemSafety: c.MemSafety,
		Readers: s.Readers, BadShare: s.BadShare, TLS: s.TLS, Duration: s.Duration, Port: s.Port,
		Seed: s.Seed + uint64(round),
	}
}

// rig is the same for the rig: mem_safety is its heap safety, and where the
// TLS module brings a random generator of its own, so does the rig.
func (c Case) rig(s Settings, build openssl.Build, round int) workload.Config {
	cfg := workload.Config{
		Build: build, Strategy: c.Strategy, Hazard: c.Hazard(), Workers: s.Readers,
		BadShare: s.BadShare, CheckRate: 1, EchoBytes: 64, TLS: s.TLS, Seed: s.Seed + uint64(round),
		Duration: s.RigDuration, HeapSafety: "count",
	}
	if c.Mode > 0 {
		cfg.Strategy = strategies.Choice{Name: builtIn[c.Mode]}
	}
	if c.MemSafety == 0 {
		cfg.HeapSafety = "abort"
	}
	if c.Daemon.Release.OwnRandom {
		cfg.Rand = "method"
	}
	return cfg
}

// shuffled gives the cases of a round in random order, so that what drifts on
// the machine does not follow the table.
func shuffled(n int, seed uint64, round int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	r := rand.New(rand.NewPCG(seed, uint64(round)))
	r.Shuffle(n, func(i, j int) { order[i], order[j] = order[j], order[i] })
	return slices.Clip(order)
}
