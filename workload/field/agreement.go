package field

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"tlsbench/results"
	"tlsbench/workload"
	"tlsbench/workload/openssl"
)

// Settings are the same for all cases.
type Settings struct {
	Readers     int
	BadShare    float64
	TLS         string
	Seed        uint64
	Rounds      int
	Duration    time.Duration // of a daemon's trial
	RigDuration time.Duration // of a rig's; 0 = no rig
	Port        int
	OpenSSLDir  string // folder of fetched builds
	// Report is told of each trial as it ends.
	Report func(Report)
}

// Report is one trial of a daemon.
type Report struct {
	Case    Case
	Round   int
	Outcome *Outcome
	Err     error
}

// Comparison is what both said of one case.
type Comparison struct {
	Case     Case
	Outcomes []*Outcome
	Daemon   results.Verdict
	Rig      results.Verdict
	Agree    Agreement
	Why      string // of a disagreement, or what a reader should know
}

// Agreement says whether the two verdicts are the same.
type Agreement string

// The answers. Only the first two count: the rest says nothing about either.
const (
	Agrees    Agreement = "yes"
	Disagrees Agreement = "no"
	NoAnswer  Agreement = "-"
)

// Compare runs all cases in both and compares the verdicts, disagreements
// first.
func Compare(ctx context.Context, cases []Case, s Settings) ([]Comparison, error) {
	seen := make([]record, len(cases))
	rigs := map[string][]*results.Trial{}
	for round := range s.Rounds {
		for _, i := range shuffled(len(cases), s.Seed, round) {
			if err := seen[i].run(ctx, cases[i], s, round); err != nil {
				return nil, err
			}
			if err := runRig(ctx, rigs, cases[i], s, round); err != nil {
				return nil, err
			}
		}
	}
	var list []Comparison
	for i, c := range cases {
		list = append(list, compare(c, seen[i], rigs[rigKey(c)]))
	}
	return Sorted(list), nil
}

// record is what became of a case's trials.
type record struct {
	outcomes []*Outcome
	trials   []*results.Trial
}

func (r *record) run(ctx context.Context, c Case, s Settings, round int) error {
	out, err := Run(ctx, c.config(s, round))
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if s.Report != nil {
		s.Report(Report{c, round, out, err})
	}
	if err != nil {
		out = nil
	} else {
		r.outcomes = append(r.outcomes, out)
	}
	r.trials = append(r.trials, judged(c, out, err))
	return nil
}

// judged is an outcome as the verdict takes it. Repeated randoms of a generator
// that the daemon brought along are left out: they say nothing of OpenSSL's
// state, and no strategy could keep them away.
func judged(c Case, o *Outcome, err error) *results.Trial {
	t := &results.Trial{Status: results.OK}
	switch {
	case err != nil:
		t.Status, t.Reason = results.Failed, err.Error()
	case o.NotApplicable != "":
		t.Status, t.Reason = results.NotApplicable, o.NotApplicable
	default:
		t.Events = maps.Clone(o.Events)
		if c.Daemon.Release.OwnRandom {
			delete(t.Events, results.RepeatedRandom)
		}
	}
	return t
}

// rigKey tells apart what the rig can tell apart.
func rigKey(c Case) string {
	return fmt.Sprint(c.Daemon.Release.Line, c.Fix(), c.Hazard(), c.MemSafety, c.Strategy.Path)
}

// runRig adds the rig's trial of the case's round, which several cases share.
func runRig(ctx context.Context, rigs map[string][]*results.Trial, c Case, s Settings, round int) error {
	key := rigKey(c)
	if s.RigDuration == 0 || len(rigs[key]) > round {
		return nil
	}
	t := rigTrial(ctx, c, s, round)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	rigs[key] = append(rigs[key], t)
	return nil
}

func rigTrial(ctx context.Context, c Case, s Settings, round int) *results.Trial {
	builds, err := openssl.Find([]string{c.Daemon.Release.Line}, openssl.FindOptions{Dir: s.OpenSSLDir})
	if err != nil {
		return &results.Trial{Status: results.Failed, Reason: err.Error()}
	}
	out, err := workload.Run(ctx, c.rig(s, builds[0], round))
	switch {
	case err != nil:
		return &results.Trial{Status: results.Failed, Reason: err.Error()}
	case out.Skipped != "":
		return &results.Trial{Status: results.Skipped, Reason: out.Skipped}
	case out.NotApplicable != "":
		return &results.Trial{Status: results.NotApplicable, Reason: out.NotApplicable}
	}
	return &results.Trial{Status: results.OK, Events: out.Events}
}

// compare holds the two verdicts against each other.
func compare(c Case, daemon record, rig []*results.Trial) Comparison {
	cmp := Comparison{Case: c, Outcomes: daemon.outcomes, Daemon: results.Judge(daemon.trials), Rig: results.Judge(rig)}
	cmp.Agree = agreement(cmp.Daemon, cmp.Rig)
	cmp.Why = why(cmp)
	return cmp
}

// agreement compares harm: processes that died or hung, and state that was
// damaged. Slots that others lost are the rig's alone to see.
func agreement(daemon, rig results.Verdict) Agreement {
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
func harmed(v results.Verdict) bool {
	return slices.ContainsFunc(v.Words, func(w results.Word) bool {
		return w == results.Crashed || w == results.Hung || w == results.Corrupt || w == results.Broken
	})
}

// why explains what is known of a disagreement; else it is open.
func why(c Comparison) string {
	switch {
	case c.Agree == Disagrees && harmed(c.Rig) && c.Case.Python == "before" && c.Case.Daemon.Release.OwnRandom:
		return "this version initialises OpenSSL when its TLS module is loaded, so that Python never comes before"
	case c.Agree == Disagrees && harmed(c.Rig):
		return "open: the rig looks inside and was damaged, the daemon was not seen to be"
	case c.Agree == Disagrees:
		return "open: the daemon was damaged, the rig was not"
	case repeats(c):
		return "ServerHello randoms came twice and are not counted: the TLS module's own generator made them"
	}
	return ""
}

// repeats reports whether repeated randoms were left out of the verdict.
func repeats(c Comparison) bool {
	return c.Case.Daemon.Release.OwnRandom && slices.ContainsFunc(c.Outcomes, func(o *Outcome) bool {
		return o.Events[results.RepeatedRandom] > 0
	})
}

// Facts sum up what a case's daemons did.
type Facts struct {
	Trials, Damaged int           // carried out; with an event that counts
	First           time.Duration // the earliest such event of all
	Served          uint64        // good handshakes
	Rate            float64       // of all trials together, a second
	Memory          uint64        // the most
}

// Facts gives them.
func (c Comparison) Facts() Facts {
	f := Facts{Trials: c.Daemon.Trials, Damaged: c.Daemon.Damaged, First: -1}
	var load time.Duration
	for _, o := range c.Outcomes {
		f.Served += o.Good
		load += o.Load
		f.Memory = max(f.Memory, o.Memory)
		for _, e := range o.Noted {
			if c.counts(e) && (f.First < 0 || e.At < f.First) {
				f.First = e.At
			}
		}
	}
	if load > 0 {
		f.Rate = float64(f.Served) / load.Seconds()
	}
	f.First = max(f.First, 0)
	return f
}

// counts reports whether an event is one that the verdict counts.
func (c Comparison) counts(e Event) bool {
	return e.Kind != results.RepeatedRandom || !c.Case.Daemon.Release.OwnRandom
}

// Sorted puts disagreements first, and keeps the order otherwise.
func Sorted(list []Comparison) []Comparison {
	rank := map[Agreement]int{Disagrees: 0, Agrees: 1, NoAnswer: 2}
	slices.SortStableFunc(list, func(a, b Comparison) int { return rank[a.Agree] - rank[b.Agree] })
	return list
}

// Score counts the answers: agreement as a number.
func Score(list []Comparison) (agree, answered int) {
	for _, c := range list {
		if c.Agree == Agrees {
			agree++
		}
		if c.Agree != NoAnswer {
			answered++
		}
	}
	return agree, answered
}
