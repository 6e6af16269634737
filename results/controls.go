package results

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tlsbench/results/inference"
	"tlsbench/results/number"
	"tlsbench/results/version"
	"tlsbench/strategies/catalogue"
)

// The strategies that are controls.
const (
	PositiveControl = catalogue.PositiveControl
	NegativeControl = catalogue.NegativeControl
)

// controls is the group of scenes that share a pair of controls: those of one build
// under one load, on one kind of machine, and of one daemon, which its settings name.
func (s Scene) controls() Scene {
	s.Hazard, s.Settings = "", Settings(s.Setting(ServerKey))
	return s
}

// Control is how the controls of one group came out.
type Control struct {
	Scene              // without a hazard
	positive, negative tally
	// unlooked are the trials of the negative control where nobody looks: with the
	// active checks off, and for throughput. It must be silent there too.
	unlooked tally
	daemons  bool // of a daemon, or of the rig that is asked the same
	sharing  sharingControls
}

// Mark says what is wrong with the controls, "" if nothing is.
//
// With a private heap workers share no memory, so nothing can fire, and only
// the negative control counts.
func (c *Control) Mark() string {
	if c.alone() {
		return ""
	}
	shared := c.Heap != "private"
	var failed, missing []string
	switch {
	case c.negative.damaged > 0:
		failed = append(failed, fmt.Sprintf("%s is damaged in %d/%d", NegativeControl, c.negative.damaged, c.negative.trials))
	case c.negative.trials == 0:
		missing = append(missing, NegativeControl)
	}
	if c.unlooked.damaged > 0 {
		failed = append(failed, fmt.Sprintf("%s is damaged in %d/%d with the active checks off", NegativeControl, c.unlooked.damaged, c.unlooked.trials))
	}
	switch {
	case c.daemons && MayLookHealthy(c.OpenSSL):
	case shared && c.positive.trials == 0:
		missing = append(missing, PositiveControl)
	case shared && c.positive.damaged == 0:
		failed = append(failed, fmt.Sprintf("%s is undamaged in %d/%[2]d", PositiveControl, c.positive.trials))
	case shared && !TellsFixes(c.positive.damaged, c.positive.trials):
		failed = append(failed, fmt.Sprintf("%s is damaged in only %d/%d, which a fix could be", PositiveControl, c.positive.damaged, c.positive.trials))
	case shared && !c.daemons && WeakControl(c.positive.damaged, c.positive.trials):
		failed = append(failed, fmt.Sprintf("%s is damaged in only %d/%d: want half of its trials at least, at 95 %%",
			PositiveControl, c.positive.damaged, c.positive.trials))
	}
	if len(failed) > 0 {
		return controlsFailed + strings.Join(failed, ", ")
	}
	if len(missing) > 0 {
		return "NO CONTROLS: no trial of " + strings.Join(missing, ", ")
	}
	return ""
}

// alone reports whether there is nobody to share with: a daemon, which is all that the
// settings of a group name, has more processes than its workers.
func (c *Control) alone() bool { return c.Workers < 2 && c.Settings == "" }

// TellsFixes reports whether a positive control is damaged often enough to tell
// anything from it: a fix without damage in as many trials differs from it (Fisher's
// exact test, one-sided, at 5 %). Where all trials are damaged it is as strong as so
// few trials can be. It is all that is asked of a daemon, whose lives are few and whose
// damage takes its time.
func TellsFixes(damaged, trials int) bool {
	if damaged == trials {
		return damaged > 0
	}
	// With the margins given, the table in which all damage is on one side is the
	// end of its tail: the two-sided p-value for equal groups is twice the tail's.
	return inference.FisherExact(damaged, trials, 0, trials)/2 < checkAlpha
}

// WeakControl reports whether a positive control tells no fix from none, or is damaged
// in less than half of its trials (lower bound, 95 %).
func WeakControl(damaged, trials int) bool {
	return damaged != trials && (!TellsFixes(damaged, trials) || inference.Proportion(damaged, trials, 2*boundConfidence-1).Low < 0.5)
}

// String says how the controls came out, in one line.
func (c *Control) String() string {
	mark := c.Mark()
	switch {
	case c.alone():
		return "no controls needed: one worker shares nothing"
	case mark != "":
		return mark
	case c.positive.trials > 0:
		return fmt.Sprintf("controls passed: %s damaged in %d/%d, %s in 0/%d", PositiveControl,
			c.positive.damaged, c.positive.trials, NegativeControl, c.negative.trials)
	}
	why := "a private heap shares nothing that could fire"
	if c.daemons {
		why = "a daemon on OpenSSL 1.1.1 looks healthy for long"
	}
	return fmt.Sprintf("controls passed: %s damaged in 0/%d (%s)", NegativeControl, c.negative.trials, why)
}

const controlsFailed = "CONTROLS FAILED: "

// FailedControls says which controls of some tables came out wrong; one that is
// missing, or that another shard runs, did not.
func FailedControls(tables []*Table) []string {
	failed := slices.DeleteFunc(slices.Clone(tables), func(t *Table) bool { return !strings.HasPrefix(t.Mark, controlsFailed) })
	return Distinct(failed, func(t *Table) string { // hazards share their controls
		text := fmt.Sprintf("openssl %s, load %s, heap %s, %s: %s", t.OpenSSL, t.Load, t.Heap, number.Count(t.Workers, "worker"), t.Mark)
		if server := t.Setting(ServerKey); server != "" {
			text = daemonName(server) + ", " + text
		}
		return text
	})
}

// controlsOf are the controls of the group that a scene belongs to. A group is there in
// any case: what has no controls must be seen to have none.
func (g *gatherer) controlsOf(s Scene) *Control {
	c := entry(g.controls, s.controls())
	c.Scene = s.controls()
	return c
}

// add counts a trial if it is a control. Fork trials make no claim about damage, and
// sharing trials have controls of their own.
func (c *Control) add(t *Trial) {
	m := t.Cell.Measure
	if m == Fork {
		return
	}
	off := m != Sharing && t.Cell.Settings == "check=0"
	c.daemons = c.daemons || m != Sharing && t.ofDaemons()
	if t.Cell.Hazard != Plain || !off && !t.asControls() {
		return
	}
	looked := m == Corruption && !off
	switch {
	case m == Sharing:
		c.sharing.add(t)
	case t.Cell.Strategy == PositiveControl && looked && t.Cell.Server() != "" && t.FirstEvent > ControlLimit:
		late := *t
		late.Events = nil // they came too late
		c.positive.add(&late)
	case t.Cell.Strategy == PositiveControl && looked:
		c.positive.add(t)
	case t.Cell.Strategy == NegativeControl && looked:
		c.negative.add(t)
	case t.Cell.Strategy == NegativeControl:
		c.unlooked.add(t)
	}
}

// ofDaemons reports whether the trial is one of a daemon, or of the rig that is
// asked the same.
func (t *Trial) ofDaemons() bool {
	_, asked := t.Config[DaemonsKey]
	return asked || t.Cell.Server() != ""
}

// asControls reports whether the settings of a trial are those of controls. A
// daemon, and the rig that is held against it, have the random generator that the
// daemon has, and what it does after a bad free makes no difference to whether
// there is one.
func (t *Trial) asControls() bool {
	if t.ofDaemons() {
		return t.Cell.Without(ServerKey, "rand", "heap-safety") == ""
	}
	return t.Cell.Settings == ""
}

// kindOf names the kind of machine and, if there are others, that of the trials.
func kindOf(config map[string]string, trials string) string {
	if trials == "" {
		return machineOf(config)
	}
	return machineOf(config) + kindMark + trials
}

const kindMark = "; "

// machineOf names the kind of machine that trials ran on: the configuration
// key machine, else what stands of CPU, kernel and memory.
func machineOf(config map[string]string) string {
	var facts []string
	for _, key := range []string{"cpu", "kernel", "memory"} {
		if v := config[key]; v != "" {
			facts = append(facts, v)
		}
	}
	return cmp.Or(config["machine"], strings.Join(facts, ", "), "unknown machine")
}

// noFix says that a hazard damages the negative control too, "" if it does not:
// no fix of its kind can help there, so no verdict is taken from the scene.
// Unforeseen says that the catalogue does not expect it: then the rig or the oracle
// may be wrong.
func (g *gatherer) noFix(s Scene) (text string, unforeseen bool) {
	oracle := g.scenes[s][NegativeControl]
	if oracle == nil || s.Hazard == Plain {
		return "", false
	}
	v := oracle.lives().verdict()
	if v.Damaged == 0 {
		return "", false
	}
	text = fmt.Sprintf("%s is damaged too, in %d/%d: no fix of this kind can help", NegativeControl, v.Damaged, v.Trials)
	key := cmp.Or(s.Setting("key"), Keys.Default())
	// A hazard that the catalogue does not know is another version's.
	if expected, err := Expected(s.Hazard, NegativeControl, s.OpenSSL, key); err == nil && len(expected) == 0 {
		return text + "; the catalogue of hazards does not expect this, so the rig may be wrong", true
	}
	return text, false
}

// HurtsOracle reports whether a hazard is expected to damage the negative control
// too on a build: it says nothing about a fix.
func HurtsOracle(hazard, openssl string) bool {
	expected, err := Expected(hazard, NegativeControl, openssl, Keys.Default())
	return err == nil && len(expected) > 0 && expected[0] != toBeMeasured[0]
}

// NoFix lists where a hazard is expected to damage the negative control too: by
// variant, with the lines of OpenSSL if those are not all.
func (h Hazard) NoFix() []string {
	var list []string
	for _, v := range OrDefault(h.Variants, h.Name) {
		var lines []string
		for _, line := range slices.SortedFunc(maps.Keys(keysOfLine), version.Compare) {
			if HurtsOracle(v, line) {
				lines = append(lines, line)
			}
		}
		switch len(lines) {
		case 0:
		case len(keysOfLine):
			list = append(list, v)
		default:
			list = append(list, v+" on "+strings.Join(lines, ", "))
		}
	}
	return list
}
