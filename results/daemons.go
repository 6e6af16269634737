package results

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"tlsbench/results/version"
	"tlsbench/strategies/catalogue"
)

// A daemon is a server of its own: its cells name it, as server=kamailio-6.0.1.
// Each is held against the rig's trials in the same place: the same OpenSSL line,
// hazard, heap safety, random generator and number of workers, with the same
// strategy in it. Whether the two agree is worked out from the trials alone.

// ServerKey names the server in a cell, where it is not the rig.
const ServerKey = "server"

// Server is the daemon of a cell, "" for the rig.
func (c Cell) Server() string { return c.Setting(ServerKey) }

// DaemonsKey is the configuration line of a results file that lists its daemons.
const DaemonsKey = "daemons"

// modeMark stands between a strategy and the mode of the daemon's own that it is.
const modeMark = ":mode="

// BuiltIn is the strategy of a cell in which the daemon's own mode does what the
// strategy does.
func BuiltIn(strategy string, mode int) string { return fmt.Sprint(strategy, modeMark, mode) }

// ControlLimit is the time in which a daemon without a fix should be damaged: what comes
// later makes no control.
const ControlLimit = 10 * time.Second

// Agreement says whether the verdicts on daemon and rig are the same.
type Agreement string

// The answers. Only the first two count: the rest says nothing about either.
const (
	Agrees    Agreement = "yes"
	Disagrees Agreement = "no"
	NoAnswer  Agreement = "-"
)

// Score is agreement as a number.
type Score struct {
	Agree    int `json:"agree"`
	Answered int `json:"answered"`
}

func (s *Score) add(a Agreement) {
	if a == Agrees {
		s.Agree++
	}
	if a != NoAnswer {
		s.Answered++
	}
}

// Daemons compares all daemons of some files with the rig.
type Daemons struct {
	Rows     []DaemonRow     `json:"rows"` // disagreements first
	All      Score           `json:"all"`
	Hazard   Score           `json:"with_hazard"` // those that have something else in the process
	Controls []DaemonControl `json:"controls"`
}

// DaemonRow is what both said of one cell of a daemon, and what the daemon did.
type DaemonRow struct {
	Server  string `json:"server"`
	Package string `json:"package,omitempty"` // what the file says of it
	Scene
	MemSafety int       `json:"mem_safety"` // 1 passes over a double free
	Strategy  string    `json:"strategy"`
	Daemon    Verdict   `json:"daemon"`
	Rig       Verdict   `json:"rig"`
	Agree     Agreement `json:"agree"`
	Why       string    `json:"why,omitempty"` // of a disagreement, or what one has to know

	First  time.Duration `json:"first_ns"`     // the earliest event of all; 0: at the start
	Served uint64        `json:"handshakes"`   // good ones, with their request
	Rate   float64       `json:"handshakes/s"` // of all trials together
	Memory float64       `json:"memory_bytes"` // the most
	Mark   string        `json:"mark"`         // the daemon's step at which the fix took its mark
}

// DaemonControl says of one daemon on OpenSSL 3 or later without a fix how many
// of its trials were damaged in time.
type DaemonControl struct {
	Server  string        `json:"server"`
	OpenSSL string        `json:"openssl"`
	Damaged int           `json:"damaged"`
	Trials  int           `json:"trials"`
	Latest  time.Duration `json:"latest_ns"` // the first event of the trial that took longest
}

// daemonFacts are what the trials of one cell of a daemon add up to, apart from their
// verdict.
type daemonFacts struct {
	packaged string // what the file says of it
	mark     string
	served   uint64
	load     time.Duration
	memory   float64
	damaged  []time.Duration // first events
	ignored  uint64
}

func (d *daemonFacts) add(t *Trial) {
	if t.Cell.Server() == "" {
		return
	}
	d.packaged = cmp.Or(d.packaged, t.Config[t.Cell.Server()])
	if t.Status != OK {
		return
	}
	d.served += t.Handshakes
	d.load += t.Load
	if v, ok := t.Metric(MemoryBytes); ok {
		d.memory = max(d.memory, v)
	}
	if t.Damaged() {
		d.damaged = append(d.damaged, t.FirstEvent)
	}
	for _, n := range t.Ignored {
		d.ignored += n
	}
	d.mark = cmp.Or(d.mark, t.Mark)
}

// compareDaemons holds each daemon's cell against the rig's; nil without a daemon.
func (g *gatherer) compareDaemons() *Daemons {
	d := new(Daemons)
	for _, scene := range g.sorted() {
		for strategy, s := range g.scenes[scene] {
			if scene.Setting(ServerKey) == "" || s.looked.verdict().Worst() == NoTrials {
				continue
			}
			r := s.daemonRow(scene, strategy, g.rig(scene, strategy))
			d.Rows = append(d.Rows, r)
			d.All.add(r.Agree)
			if r.Hazard != Plain {
				d.Hazard.add(r.Agree)
			}
			d.control(&r, s.daemon.damaged)
		}
	}
	if len(d.Rows) == 0 {
		return nil
	}
	rank := map[Agreement]int{Disagrees: 0, Agrees: 1, NoAnswer: 2}
	slices.SortFunc(d.Rows, func(a, b DaemonRow) int {
		return cmp.Or(rank[a.Agree]-rank[b.Agree], compareScenes(a.Scene, b.Scene),
			catalogue.Compare(inRig(a.Strategy), inRig(b.Strategy)), strings.Compare(a.Strategy, b.Strategy))
	})
	return d
}

// inRig is the strategy of the rig that a daemon's is held against.
func inRig(strategy string) string {
	strategy, _, _ = strings.Cut(strategy, modeMark)
	return strategy
}

// rig is what the rig said in the place of a daemon: on the same OpenSSL, or else on
// the newest of its line.
func (g *gatherer) rig(scene Scene, strategy string) Verdict {
	place := scene.Without(ServerKey)
	best, on := new(tally).verdict(), ""
	for at, samples := range g.scenes {
		s, build := samples[inRig(strategy)], at.OpenSSL
		if at.OpenSSL = place.OpenSSL; s == nil || at != place || version.Line(build) != version.Line(place.OpenSSL) {
			continue
		}
		v := s.looked.verdict()
		if v.Worst() != NoTrials && on != place.OpenSSL && (build == place.OpenSSL || on == "" || version.Compare(build, on) > 0) {
			best, on = v, build
		}
	}
	return best
}

func (s *sample) daemonRow(scene Scene, strategy string, rig Verdict) DaemonRow {
	f := &s.daemon
	r := DaemonRow{
		Server: scene.Setting(ServerKey), Package: f.packaged, Scene: scene, MemSafety: 1, Strategy: strategy,
		Daemon: s.looked.verdict(), Rig: rig, Served: f.served, Memory: f.memory, Mark: markOf(f.mark),
	}
	if scene.Setting("heap-safety") == "abort" {
		r.MemSafety = 0
	}
	if len(f.damaged) > 0 {
		r.First = slices.Min(f.damaged)
	}
	if f.load > 0 {
		r.Rate = float64(f.served) / f.load.Seconds()
	}
	if strings.Contains(strategy, modeMark) {
		r.Mark = "built in"
	}
	r.Agree = agreement(r.Daemon, r.Rig)
	r.Why = r.why(f.ignored > 0)
	return r
}

// markOf is the step in what the preload object told.
func markOf(told string) string {
	_, said, ok := strings.Cut(told, ": set up ")
	if !ok {
		return "-"
	}
	step, _, _ := strings.Cut(said, ";")
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(step, "at the "), "when the "), " was loaded")
}

// agreement compares harm: processes that died or hung, and state that was
// damaged. Slots that others lost are the rig's alone to see.
func agreement(daemon, rig Verdict) Agreement {
	if daemon.Trials == 0 || rig.Trials == 0 {
		return NoAnswer
	}
	if harmed(daemon) == harmed(rig) {
		return Agrees
	}
	return Disagrees
}

// harmed reports whether a verdict speaks of damage that can be seen from
// outside.
func harmed(v Verdict) bool {
	return slices.ContainsFunc(v.Words, func(w Word) bool {
		return w == Crashed || w == Hung || w == Corrupt || w == Broken
	})
}

// why explains what is known of a disagreement; else it is open.
func (r *DaemonRow) why(ignored bool) string {
	switch {
	case r.Agree == Disagrees && harmed(r.Rig) && r.Hazard == "python:before=1" && r.Setting("rand") == "method": // the random numbers are not OpenSSL's
		return "explained: this version initialises OpenSSL when its TLS module is loaded, so Python never comes first"
	case r.Agree == Disagrees && harmed(r.Rig):
		return "open: the rig was damaged; in the daemon, which is checked only from outside, no damage was seen"
	case r.Agree == Disagrees:
		return "open: the daemon was damaged, the rig was not"
	case ignored:
		return "repeated ServerHello randoms are not counted, because the TLS module's own generator made them"
	}
	return ""
}

// Fix names what protects the daemon.
func (r *DaemonRow) Fix() string {
	if name, mode, ok := strings.Cut(r.Strategy, modeMark); ok {
		return fmt.Sprintf("%s (mode %s)", name, mode)
	}
	return r.Strategy
}

func daemonName(server string) string { return strings.Replace(server, "-", " ", 1) }

// String names the case for a message.
func (r *DaemonRow) String() string {
	s := fmt.Sprintf("%s, %s, mem_safety %d", daemonName(r.Server), r.Fix(), r.MemSafety)
	if r.Hazard != Plain {
		s += ", hazard " + r.Hazard
	}
	return s
}

// control counts the trials of a daemon without a fix and their first events, both
// values of mem_safety together. OpenSSL 1.1.1 is left out: with the daemon's own random generator it
// looks healthy for long.
func (d *Daemons) control(c *DaemonRow, damaged []time.Duration) {
	if c.Strategy != PositiveControl || c.Hazard != Plain || MayLookHealthy(c.OpenSSL) {
		return
	}
	i := slices.IndexFunc(d.Controls, func(k DaemonControl) bool { return k.Server == c.Server })
	if i < 0 {
		i = len(d.Controls)
		d.Controls = append(d.Controls, DaemonControl{Server: c.Server, OpenSSL: c.OpenSSL})
	}
	k := &d.Controls[i]
	k.Trials += c.Daemon.Trials
	for _, at := range damaged {
		if at <= ControlLimit {
			k.Damaged++
			k.Latest = max(k.Latest, at)
		}
	}
}

// MayLookHealthy tells of OpenSSL 1: a daemon on it that was not damaged without
// a fix proves nothing against the trials.
func MayLookHealthy(openssl string) bool { return strings.HasPrefix(openssl, "1.") }

// ControlLine says in one sentence what became of the daemons without a fix.
func (d *Daemons) ControlLine() string {
	if len(d.Controls) == 0 {
		return "No daemon on OpenSSL 3 or later ran without a fix."
	}
	damaged, trials := 0, 0
	var each []string
	for _, k := range d.Controls {
		damaged, trials = damaged+k.Damaged, trials+k.Trials
		text := fmt.Sprintf("%s on %s: %d of %d", daemonName(k.Server), k.OpenSSL, k.Damaged, k.Trials)
		if k.Damaged > 0 {
			text += fmt.Sprintf(", within %v", k.Latest.Round(10*time.Millisecond))
		}
		each = append(each, text)
	}
	return fmt.Sprintf("Daemons on OpenSSL 3 or later without a fix, damaged within %v: %d of %d runs (%s).",
		ControlLimit, damaged, trials, strings.Join(each, "; "))
}

// ScoreLine is the agreement in one sentence.
func (d *Daemons) ScoreLine() string {
	if d.All.Answered == 0 {
		return "No case has a verdict of both the daemon and the rig."
	}
	line := fmt.Sprintf("The daemon and the rig agree in %d of %d cases", d.All.Agree, d.All.Answered)
	if d.Hazard.Answered > 0 {
		line += fmt.Sprintf(": %d of %d without a hazard, %d of %d with one",
			d.All.Agree-d.Hazard.Agree, d.All.Answered-d.Hazard.Answered, d.Hazard.Agree, d.Hazard.Answered)
	}
	return line + "."
}

// Failed counts the cases in which trials of either side could not be carried
// out.
func (d *Daemons) Failed() int {
	n := 0
	for _, r := range d.Rows {
		if r.Daemon.Failed > 0 || r.Rig.Failed > 0 {
			n++
		}
	}
	return n
}
