package results

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"tlsbench/results/event"
)

// Agreement says whether the verdicts on daemon and rig are the same.
type Agreement string

// The answers. Only the first two count: the rest says nothing about either.
const (
	Agrees    Agreement = "yes"
	Disagrees Agreement = "no"
	NoAnswer  Agreement = "-"
)

// FieldComparison is what both said of one case.
type FieldComparison struct {
	FieldCase
	Daemon, Rig Verdict
	Agree       Agreement
	Why         string // of a disagreement, or what a reader should know
	Facts       FieldFacts
	SetUp       string // of the first trial that told
}

// FieldFacts sum up what a case's daemons did.
type FieldFacts struct {
	Trials, Damaged int           // carried out; with an event that counts
	First           time.Duration // the earliest such event of all; 0: at the start
	Served          uint64        // good handshakes
	Rate            float64       // of all trials together, a second
	Memory          uint64        // bytes, the most
}

// FieldScore is agreement as a number.
type FieldScore struct {
	Agree, Answered int
}

func (s *FieldScore) add(a Agreement) {
	if a == Agrees {
		s.Agree++
	}
	if a != NoAnswer {
		s.Answered++
	}
}

// FieldControl says of one daemon on OpenSSL 3 or later without a fix how many
// of its trials were damaged in time.
type FieldControl struct {
	Kamailio, OpenSSL string
	Damaged, Trials   int           // both mem_safety together
	Latest            time.Duration // the first event of the trial that took longest
}

// FieldSummary is all that is to be said of a file.
type FieldSummary struct {
	Path        string
	Header      FieldHeader
	Comparisons []FieldComparison // disagreements first
	All         FieldScore
	Plain       FieldScore // without Python
	Python      FieldScore // with it, before or after the TLS module
	Controls    []FieldControl
	Torn        bool
}

// ControlLimit is the time in which a daemon without a fix should be damaged.
const ControlLimit = 10 * time.Second

// SummarizeField compares the verdicts of a file.
func SummarizeField(f *FieldFile) *FieldSummary {
	s := &FieldSummary{Path: f.Path, Header: f.Header, Torn: f.Torn}
	daemons, rigs := map[FieldCase][]*FieldTrial{}, map[string][]*Trial{}
	var order []FieldCase
	for _, t := range byCase(f.Trials) {
		if t.Daemon == nil {
			rigs[t.Rig] = append(rigs[t.Rig], t.trial())
			continue
		}
		if daemons[*t.Daemon] == nil {
			order = append(order, *t.Daemon)
		}
		daemons[*t.Daemon] = append(daemons[*t.Daemon], t)
	}
	for _, c := range order {
		s.add(compareField(c, daemons[c], rigs[c.Rig]))
		s.control(c, daemons[c])
	}
	rank := map[Agreement]int{Disagrees: 0, Agrees: 1, NoAnswer: 2}
	slices.SortStableFunc(s.Comparisons, func(a, b FieldComparison) int { return rank[a.Agree] - rank[b.Agree] })
	return s
}

// byCase puts the trials in the order of the plan's cases, which they do not
// run in.
func byCase(trials []*FieldTrial) []*FieldTrial {
	list := slices.Clone(trials)
	slices.SortFunc(list, func(a, b *FieldTrial) int { return cmp.Or(a.Case-b.Case, a.ID-b.ID) })
	return list
}

func (s *FieldSummary) add(c FieldComparison) {
	s.Comparisons = append(s.Comparisons, c)
	s.All.add(c.Agree)
	if c.Python == "no" {
		s.Plain.add(c.Agree)
	} else {
		s.Python.add(c.Agree)
	}
}

// control counts the trials of a daemon without a fix. OpenSSL 1.1.1 is left
// out: with the daemon's own random generator it looks healthy for long.
func (s *FieldSummary) control(c FieldCase, trials []*FieldTrial) {
	if !c.unprotected() || strings.HasPrefix(c.OpenSSL, "1.") {
		return
	}
	i := slices.IndexFunc(s.Controls, func(k FieldControl) bool { return k.Kamailio == c.Kamailio })
	if i < 0 {
		i = len(s.Controls)
		s.Controls = append(s.Controls, FieldControl{Kamailio: c.Kamailio, OpenSSL: c.OpenSSL})
	}
	k := &s.Controls[i]
	for _, t := range trials {
		if t.Status != OK {
			continue
		}
		k.Trials++
		if at, damaged := t.firstEvent(); damaged && at <= ControlLimit {
			k.Damaged++
			k.Latest = max(k.Latest, at)
		}
	}
}

// ControlLine says in one sentence what became of the daemons without a fix.
func (s *FieldSummary) ControlLine() string {
	if len(s.Controls) == 0 {
		return "No daemon on OpenSSL 3 or later ran without a fix."
	}
	damaged, trials := 0, 0
	var each []string
	for _, k := range s.Controls {
		damaged, trials = damaged+k.Damaged, trials+k.Trials
		text := fmt.Sprintf("%s on %s: %d of %d", k.Kamailio, k.OpenSSL, k.Damaged, k.Trials)
		if k.Damaged > 0 {
			text += fmt.Sprintf(", within %v", k.Latest.Round(10*time.Millisecond))
		}
		each = append(each, text)
	}
	return fmt.Sprintf("Daemons on OpenSSL 3 or later without a fix, damaged within %v: %d of %d runs (%s).",
		ControlLimit, damaged, trials, strings.Join(each, "; "))
}

// BrokenControls says of each control that failed what it proves nothing for:
// without a fix a daemon on OpenSSL 3 or later and the rig beside it have to be
// damaged, and with the oracle in it none may be, with nothing else in the
// process.
func (s *FieldSummary) BrokenControls() []string {
	var list []string
	for _, k := range s.Controls {
		if k.Trials > 0 && k.Damaged == 0 {
			list = append(list, fmt.Sprintf("kamailio %s on %s without a fix: no damage within %v in %d trials",
				k.Kamailio, k.OpenSSL, ControlLimit, k.Trials))
		}
	}
	for i := range s.Comparisons {
		c := &s.Comparisons[i]
		switch {
		case c.Python != "no" || c.Mode > 0:
		case c.Strategy == PositiveControl && !strings.HasPrefix(c.OpenSSL, "1.") && c.Rig.Trials > 0 && !harmed(c.Rig):
			list = append(list, fmt.Sprintf("the rig beside %s: no damage in %d trials", c, c.Rig.Trials))
		case c.Strategy == NegativeControl && harmed(c.Daemon):
			list = append(list, fmt.Sprintf("%s: the daemon was damaged: %s", c, c.Daemon.Short()))
		case c.Strategy == NegativeControl && harmed(c.Rig):
			list = append(list, fmt.Sprintf("%s: the rig was damaged: %s", c, c.Rig.Short()))
		}
	}
	return list
}

// ScoreLine is the agreement in one sentence.
func (s *FieldSummary) ScoreLine() string {
	if s.All.Answered == 0 {
		return "No case has a verdict of both, the daemon and the rig."
	}
	line := fmt.Sprintf("The daemon and the rig agree in %d of %d cases", s.All.Agree, s.All.Answered)
	if s.Python.Answered > 0 {
		line += fmt.Sprintf(": %d of %d without Python, %d of %d with it",
			s.Plain.Agree, s.Plain.Answered, s.Python.Agree, s.Python.Answered)
	}
	return line + "."
}

// Failed counts the cases of which nothing could be said as trials of either
// side could not be carried out.
func (s *FieldSummary) Failed() int {
	n := 0
	for _, c := range s.Comparisons {
		if c.Daemon.Failed > 0 || c.Rig.Failed > 0 {
			n++
		}
	}
	return n
}

// compareField holds the two verdicts on a case against each other.
func compareField(c FieldCase, daemon []*FieldTrial, rig []*Trial) FieldComparison {
	var trials []*Trial
	setUp := ""
	for _, t := range daemon {
		trials = append(trials, t.trial())
		if setUp == "" {
			setUp = t.SetUp
		}
	}
	out := FieldComparison{FieldCase: c, Daemon: Judge(trials), Rig: Judge(rig), SetUp: setUp}
	out.Agree = agreement(out.Daemon, out.Rig)
	out.Facts = fieldFacts(out.Daemon, daemon)
	out.Why = out.why(daemon)
	return out
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
func (c *FieldComparison) why(daemon []*FieldTrial) string {
	switch {
	case c.Agree == Disagrees && harmed(c.Rig) && c.Python == "before" && c.OwnRandom:
		return "explained: this version initialises OpenSSL when its TLS module is loaded, so that Python never comes before it"
	case c.Agree == Disagrees && harmed(c.Rig):
		return "open: the rig looks inside and was damaged, the daemon was not seen to be"
	case c.Agree == Disagrees:
		return "open: the daemon was damaged, the rig was not"
	case slices.ContainsFunc(daemon, func(t *FieldTrial) bool { return c.OwnRandom && t.Events[event.RepeatedRandom] > 0 }):
		return "ServerHello randoms came twice and are not counted: the TLS module's own generator made them"
	}
	return ""
}

func fieldFacts(v Verdict, trials []*FieldTrial) FieldFacts {
	f := FieldFacts{Trials: v.Trials, Damaged: v.Damaged, First: -1}
	var load time.Duration
	for _, t := range trials {
		f.Served += t.Handshakes
		load += t.Load
		f.Memory = max(f.Memory, t.Memory)
		if at, ok := t.firstEvent(); ok && (f.First < 0 || at < f.First) {
			f.First = at
		}
	}
	if load > 0 {
		f.Rate = float64(f.Served) / load.Seconds()
	}
	f.First = max(f.First, 0)
	return f
}

// Short is the words of a verdict without the bound, which the number of
// trials says better than each line of a table.
func (v Verdict) Short() string { return v.words() }

// Mark says at which step of the daemon the fix took its mark: what the
// preload object told, or that the daemon's own did so.
func (c *FieldComparison) Mark() string {
	if c.Mode > 0 {
		return "built in"
	}
	_, said, ok := strings.Cut(c.SetUp, ": set up ")
	if !ok {
		return "-"
	}
	step, _, _ := strings.Cut(said, ";")
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(step, "at the "), "when the "), " was loaded")
}

// Notes are what there is to say about comparisons, disagreements first; those
// that say the same are one.
func (s *FieldSummary) Notes() []string {
	var order []string
	cases := map[string][]string{}
	note := func(why string, c *FieldComparison) {
		if cases[why] == nil {
			order = append(order, why)
		}
		cases[why] = append(cases[why], c.String())
	}
	for i := range s.Comparisons {
		c := &s.Comparisons[i]
		if c.Why != "" {
			note(c.Why, c)
		}
		for _, v := range []Verdict{c.Daemon, c.Rig} {
			if v.Reason != "" && v.Trials == 0 {
				note(fmt.Sprintf("%s: %s", v.Worst(), v.Reason), c)
			}
		}
	}
	var out []string
	for _, why := range order {
		where := cases[why][0]
		if n := len(cases[why]); n > 1 {
			where += fmt.Sprintf(" and %d more of this kind", n-1)
		}
		out = append(out, fmt.Sprintf("%s: %s.", where, why))
	}
	return out
}
