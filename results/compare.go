package results

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"tlsbench/results/inference"
	"tlsbench/results/number"
	"tlsbench/strategies/catalogue"
)

// Options say how to compare. The zero value of each field is its default.
type Options struct {
	Baseline   string   `json:"baseline"`       // strategy that ratios are relative to; key-owner
	Confidence float64  `json:"confidence"`     // of two-sided intervals; 0.95
	Margin     float64  `json:"margin"`         // differences below it do not matter; 0.02
	Rate       float64  `json:"rate,omitempty"` // connections a second of a server that first damage is worked out for; 0: none
	Where      []string `json:"-"`              // filters, key=value; several for one key are alternatives
	Singles    bool     `json:"-"`              // rows keep what figures draw of single trials
}

func (o Options) withDefaults() (Options, error) {
	o.Baseline = cmp.Or(o.Baseline, NegativeControl)
	o.Confidence, o.Margin = cmp.Or(o.Confidence, 0.95), cmp.Or(o.Margin, 0.02)
	switch {
	case !(o.Confidence > 0.5 && o.Confidence < 1):
		return o, fmt.Errorf("confidence %v: want more than 0.5 and less than 1", o.Confidence)
	case !(o.Rate >= 0 && o.Rate <= 1e9):
		return o, fmt.Errorf("rate %v: want connections a second, 0 to 1e9", o.Rate)
	case !(o.Margin > 0 && o.Margin < 1):
		return o, fmt.Errorf("margin %v: want more than 0 and less than 1", o.Margin)
	}
	return o, nil
}

// Comparison is what results files say of strategies.
type Comparison struct {
	Files []string `json:"files"`
	Options
	Warnings []string `json:"warnings,omitempty"` // about the files as a whole
	Tables   []*Table `json:"tables"`
	Family   *Family  `json:"family,omitempty"`  // of sequential runs
	Daemons  *Daemons `json:"daemons,omitempty"` // against the rig
	Inputs   []*Input `json:"-"`                 // the files
}

// Differs is the one inference about costs, of all tables and figures: the test,
// corrected for all strategies of all tables, and the interval have to say
// it.
func (c *Comparison) Differs(q Ratio) bool {
	return q.Known() && q.Differs(1-c.Confidence) && q.Excludes(1)
}

// Table compares the strategies of one scene.
type Table struct {
	Scene
	Controls string `json:"controls"`       // how the controls came out
	Mark     string `json:"mark,omitempty"` // what is wrong with them
	// NoFix says that the negative control is damaged here too, so that no fix of
	// its kind can help; "" if it is not.
	NoFix string `json:"no_fix_helps,omitempty"`
	// Floor lists the places in OpenSSL whose blocks the negative control shares
	// under hazard plain too: they count for no strategy.
	Floor []string `json:"floor,omitempty"`
	Rows  []*Row   `json:"rows"`
}

// Row is one strategy in one scene.
type Row struct {
	Strategy string  `json:"strategy"`
	Verdict  Verdict `json:"verdict"`
	// Probability is that of a damaged trial. Fisher is the p-value of Fisher's
	// exact test that it is the baseline's, corrected over the table (Holm).
	Probability Estimate `json:"damaged"`
	Fisher      *float64 `json:"fisher_p,omitempty"`

	// Stopped says that damage ended the trials of a sequential run: k of N has no
	// rate then.
	Stopped bool `json:"stopped_early,omitempty"`

	// HandshakeRange is how many good handshakes the undamaged trials made: an
	// undamaged trial with few handshakes says little.
	HandshakeRange Range `json:"handshakes_in_undamaged_trials"`

	// FirstDamage is how often a first damage comes for each million attempts; a
	// life that is damaged counts its attempts until then.
	FirstDamage Estimate `json:"first_damage_per_Mattempt"`
	// Rarer is how many times rarer that is, at least, than under the positive
	// control in the same scene; nil with damage, and where it cannot be told.
	Rarer *float64 `json:"times_rarer_than_none,omitempty"`

	Passive Estimate `json:"corruptions_per_Mhs"`
	Foreign Estimate `json:"foreign_errors_per_Mcheck"`
	Repeats Estimate `json:"repeats_per_Mdraw"`
	Lost    Estimate `json:"lost_slots_per_fork"`
	// SharedSlots is the exposure; -1 if no trial tells.
	SharedSlots int `json:"shared_slots"`
	// Kept is what a retired worker leaves in the shared heap, in bytes: the
	// median of the trials whose hazard retires some.
	Kept Estimate `json:"kept_bytes_per_worker,omitzero"`
	// Events are those of the trials of Probability by their kind, worst first.
	Events []KindCount `json:"events,omitempty"`

	// Sharing is what the sharing trials saw; nil if there were none.
	Sharing *SharedBlocks `json:"sharing,omitempty"`

	// Undamaged of Throughput handshake trials gave values.
	Undamaged  int    `json:"throughput_undamaged"`
	Throughput int    `json:"throughput_trials"`
	Costs      []Cost `json:"costs,omitempty"`

	// Duet is the cost by duets; nil if there were none.
	Duet *DuetCost `json:"duet,omitempty"`

	// What figures draw of single trials, with Options.Singles: how long those with active checks stayed
	// undamaged, when those of throughput ran, and why there are none of any cost.
	Lifetimes []Lifetime `json:"-"`
	Course    []Moment   `json:"-"`
	NoCost    Word       `json:"-"`
}

// Lifetime is how many good handshakes a trial made before its first event, or before
// it ended without one.
type Lifetime struct {
	Handshakes float64
	Damaged    bool
}

// lifetime takes a trial's length where the output of "go test -bench" does not tell
// when the event came.
func (t *Trial) lifetime() Lifetime {
	l := Lifetime{float64(t.Handshakes), t.Damaged()}
	if l.Damaged && t.FirstEvent > 0 {
		l.Handshakes = float64(t.FirstEventAt)
	}
	return l
}

// Moment is a trial of throughput in the course of its run.
type Moment struct {
	File, Round int
	Start       time.Time // zero where the file does not tell
	Rate        float64   // handshakes/s
}

// KindCount is how often events of a kind were seen, and in how many trials.
type KindCount struct {
	Kind   string `json:"kind"`
	Events uint64 `json:"events"`
	Trials int    `json:"trials"`
}

// Event counts the events of a kind.
func (r *Row) Event(kind string) KindCount {
	k, _ := find(r.Events, func(k KindCount) bool { return k.Kind == kind })
	return k
}

// Summarize reads results files and compares the strategies in them. Trials of
// the same cell and the same kind of machine are one sample, whatever file they
// are in; different kinds of machines have tables of their own.
func Summarize(o Options, files ...string) (*Comparison, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	g, err := gather(o, files...)
	if err != nil {
		return nil, err
	}
	if len(g.all) > 0 && !g.all[o.Baseline] && o.Baseline != NegativeControl {
		return nil, fmt.Errorf("baseline %q is not in the files; they have %s", o.Baseline, strings.Join(sortedNames(g.all), ", "))
	}
	c := &Comparison{Files: files, Options: o, Family: g.family(), Inputs: g.inputs}
	c.Warnings = g.warnings(c.Family)
	for _, s := range g.sorted() {
		c.Tables = append(c.Tables, g.table(s, o))
	}
	correct(c.Tables, o.Baseline, 1-o.Confidence)
	c.Daemons = g.compareDaemons()
	return c, nil
}

func (g *gatherer) warnings(family *Family) []string {
	var list []string
	for _, f := range g.inputs {
		if f.Torn {
			list = append(list, f.Name+": the end is cut off, so the last, unfinished trial is left out")
		}
	}
	changed := func(in *Input) string { return in.changed(family) }
	for _, files := range Group(g.inputs, changed) {
		if text := changed(files[0]); text != "" {
			names := Distinct(files, func(in *Input) string { return in.Name })
			list = append(list, strings.Join(names, ", ")+": "+text)
		}
	}
	if len(g.scenes) == 0 {
		list = append(list, "no trials to compare")
	}
	return list
}

// changed says what it means that the rounds of a file's plan were changed, "" if
// it means nothing. The cells of a sequential plan end by a rule that no such change
// bends; one that was ended early only lacks lives.
func (in *Input) changed(family *Family) string {
	if in.Plan == nil || len(in.Plan.Spec.Extended) == 0 {
		return ""
	}
	s := &in.Plan.Spec
	if !s.Sequential {
		return fmt.Sprintf("the number of rounds was changed after trials had been seen, from %s to %d; tests are a little too ready to find a difference then",
			strings.Join(Texts(s.Extended), " to "), s.Rounds)
	}
	if s.Rounds == 0 || family == nil || family.Holds() {
		return ""
	}
	return fmt.Sprintf("--rounds auto was ended after %s, before the statement over all cells was reached: each cell without damage is bounded by its own lives alone; no test is affected",
		number.Count(s.Rounds, "round"))
}

func (g *gatherer) table(s Scene, o Options) *Table {
	t := &Table{Scene: s, Mark: g.mark(s), Controls: "no controls needed: fork trials make no claim about damage"}
	t.NoFix, _ = g.noFix(s)
	controls := g.controlsOf(s)
	if g.hasSharing(s) {
		t.Floor = slices.Sorted(maps.Keys(controls.sharing.floor))
	}
	switch {
	case t.Mark != "":
		t.Controls = t.Mark
	case g.underLoad(s):
		t.Controls = controls.String()
	case g.hasSharing(s):
		t.Controls = controls.sharing.String()
	case s.Against() != "":
		t.Controls = "no controls needed: duets make no claim about damage"
	}
	samples := g.scenes[s]
	base := samples[o.Baseline]
	if base == nil {
		base = new(sample)
	}
	for name, sample := range samples {
		r := sample.row(name, base, o)
		if none := samples[PositiveControl]; none != nil && r.Verdict.Undamaged() {
			b := none.lives()
			r.Rarer = inference.Finite(1 / inference.Rarer(r.Verdict.Attempts, b.damaged, b.attempts, boundConfidence))
		}
		r.Sharing = g.shared(s, sample)
		r.Verdict = r.Verdict.share(r.Sharing)
		r.Costs = sample.costs(name, base, o, g.workers)
		r.Duet = sample.duet.cost(name == s.Against(), o)
		if g.stopped(sample) {
			r.stop()
		}
		t.Rows = append(t.Rows, r)
	}
	slices.SortFunc(t.Rows, func(a, b *Row) int { return catalogue.Compare(a.Strategy, b.Strategy) })
	return t
}

func (s *sample) row(name string, base *sample, o Options) *Row {
	v := s.verdict()
	r := &Row{
		Strategy: name, Verdict: v, Probability: proportion(v.Damaged, v.Trials, o.Confidence),
		HandshakeRange: s.served,
		FirstDamage:    inference.FirstDamage(v.Damaged, v.Attempts, o.Confidence).Scale(1e6),
		Passive:        s.passive.rate(o.Confidence),
		Foreign:        s.foreign.rate(o.Confidence),
		Repeats:        s.repeats.rate(o.Confidence),
		Lost:           s.lost.rate(o.Confidence).Scale(1e-6),
		SharedSlots:    s.sharedMost(), Events: s.events.list(),
		Undamaged: s.throughput.trials - s.throughput.damaged, Throughput: s.throughput.trials,
		Lifetimes: s.lifetimes, Course: s.course, NoCost: s.noCost(),
	}
	if most := r.SharedSlots; most >= 0 && slices.Min(s.shared) < most {
		r.Probability.Warnings = append(r.Probability.Warnings, fmt.Sprintf("shared-slots ran from %d to %d", slices.Min(s.shared), most))
	}
	if s.barren {
		r.HandshakeRange.Least = 0
	}
	if len(s.kept) > 0 {
		r.Kept = inference.Median(s.kept, o.Confidence)
	}
	if v.Failed > 0 {
		r.Probability.Warnings = append(r.Probability.Warnings, couldNot(s.lives()))
	}
	if v.Idle > 0 {
		r.Probability.Warnings = append(r.Probability.Warnings, number.Count(v.Idle, "trial")+" without an attempt are not counted")
	}
	if b := base.lives(); name != o.Baseline && v.Trials > 0 && b.trials > 0 {
		p := inference.FisherExact(v.Damaged, v.Trials, b.damaged, b.trials)
		r.Fisher = inference.Finite(p)
	}
	return r
}

// stopped reports whether damage ended the lives of a strategy: all of them are of
// sequential runs.
func (g *gatherer) stopped(s *sample) bool {
	return s.lives().damaged >= StopDamaged && len(s.files) > 0 && len(g.sequential(s.files)) == len(s.files)
}

// stop takes away what damage ended: the share of damaged trials and the events
// for each million would be too high, because the trials ended with damage.
func (r *Row) stop() {
	r.Stopped = true
	r.Probability.Value = math.NaN()
	for _, f := range []*Estimate{&r.FirstDamage, &r.Passive, &r.Foreign, &r.Repeats, &r.Lost} {
		*f = inference.Unknown(0)
	}
}

// rate estimates events for each million of exposure. Nothing seen gives the
// one-sided upper bound: its High is that of the two-sided interval with twice
// the error.
func (c counts) rate(confidence float64) Estimate {
	if len(c.events) == 0 {
		return inference.Unknown(0)
	}
	seen := slices.Max(c.events) > 0
	if !seen {
		confidence = 2*boundConfidence - 1
	}
	f := inference.Rate(c.events, c.exposure, confidence).Scale(1e6)
	if !seen {
		return f
	}
	return ofMore(f, "trials")
}

// What pages and figures ask of tables.

// Forks is how many fork trials gave values.
func (r *Row) Forks() int {
	c, _ := r.Cost(ForkP50)
	return c.Median.N
}

// Row is the one of a strategy, nil if there is none.
func (t *Table) Row(strategy string) *Row {
	r, _ := find(t.Rows, func(r *Row) bool { return r.Strategy == strategy })
	return r
}

// Judged reports whether any trial of the scene could have got a verdict.
func (t *Table) Judged() bool {
	return slices.ContainsFunc(t.Rows, func(r *Row) bool { return r.Verdict.Worst() != NoTrials })
}

// Ended reports whether damage ended the trials of a strategy: then its scene has
// no rates to compare.
func (t *Table) Ended() bool {
	return slices.ContainsFunc(t.Rows, func(r *Row) bool { return r.Stopped })
}

// Counts gives k/n, and "k of n" where damage ended the trials: that is no share.
func (r *Row) Counts() string { return r.Verdict.Counts(r.Stopped) }

// Counts is that of the row whose trials damage ended, or did not.
func (v Verdict) Counts(stopped bool) string {
	if stopped {
		return fmt.Sprintf("%d of %d", v.Damaged, v.Trials)
	}
	return fmt.Sprintf("%d/%d", v.Damaged, v.Trials)
}

// Rows gives those of all tables, each with its table.
func Rows(tables []*Table) iter.Seq2[*Table, *Row] {
	return func(yield func(*Table, *Row) bool) {
		for _, t := range tables {
			for _, r := range t.Rows {
				if !yield(t, r) {
					return
				}
			}
		}
	}
}

// Strategies lists those of all tables, in the order of the catalogue.
func Strategies(tables ...*Table) []string {
	var list []string
	for _, r := range Rows(tables) {
		list = append(list, r.Strategy)
	}
	slices.SortFunc(list, catalogue.Compare)
	return slices.Compact(list)
}

// Distinct lists what elements have, each once, in their order.
func Distinct[E any](list []E, of func(E) string) []string {
	var values []string
	for _, e := range list {
		if v := of(e); !slices.Contains(values, v) {
			values = append(values, v)
		}
	}
	return values
}

// find gives the first element that is the one; false if none is.
func find[E any](list []E, isOne func(E) bool) (found E, there bool) {
	if i := slices.IndexFunc(list, isOne); i >= 0 {
		return list[i], true
	}
	return found, false
}

// Group puts elements together that have the same key, in their order.
func Group[E any, K comparable](list []E, key func(E) K) [][]E {
	var groups [][]E
	index := make(map[K]int)
	for _, e := range list {
		k := key(e)
		i, ok := index[k]
		if !ok {
			i = len(groups)
			index[k], groups = i, append(groups, nil)
		}
		groups[i] = append(groups[i], e)
	}
	return groups
}

// Range is the least and the most of some numbers above 0, and their sum; all are 0
// if there are none.
type Range struct {
	Least int `json:"least"`
	Most  int `json:"most"`
	Total int `json:"-"`
}

// Add takes a number.
func (r *Range) Add(n int) { r.Join(Range{n, n, n}) }

// Join takes those of another range.
func (r *Range) Join(o Range) {
	switch {
	case o.Total == 0:
	case r.Total == 0:
		*r = o
	default:
		*r = Range{min(r.Least, o.Least), max(r.Most, o.Most), r.Total + o.Total}
	}
}

// String is "4" or "4 to 60".
func (r Range) String() string {
	if r.Least == r.Most {
		return fmt.Sprint(r.Least)
	}
	return fmt.Sprintf("%d to %d", r.Least, r.Most)
}
