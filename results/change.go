package results

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"

	"tlsbench/results/inference"
	"tlsbench/results/number"
)

// Changes is what two results files say of what changed between them. Nothing of
// one file is counted with anything of the other.
type Changes struct {
	Before  string           `json:"before"` // the files
	After   string           `json:"after"`
	Differs []string         `json:"differs,omitempty"` // what else than the trials is not the same
	Marks   []ChangedMark    `json:"controls,omitempty"`
	Rows    []ChangedDamage  `json:"damage"`
	Sharing []ChangedSharing `json:"sharing,omitempty"`
	Costs   []ChangedCost    `json:"costs,omitempty"`
}

// ChangedMark is a scene whose controls are missing or came out wrong in a file: no
// damage means nothing there.
type ChangedMark struct {
	Scene
	Was string `json:"was,omitempty"` // what is wrong, "" if nothing is
	Is  string `json:"is,omitempty"`
}

// ChangedDamage is one strategy in one scene of both files.
type ChangedDamage struct {
	Scene
	Strategy string  `json:"strategy"`
	Was      Verdict `json:"was"`
	Is       Verdict `json:"is"`
	// WasStopped and IsStopped say that damage ended the trials of a sequential run:
	// k of n is no share then.
	WasStopped bool `json:"was_stopped_early,omitempty"`
	IsStopped  bool `json:"is_stopped_early,omitempty"`
	// P is the p-value of Fisher's exact test that damage is as frequent as before,
	// corrected over all rows (Holm); 1 where a side does not tell. Of trials that
	// damage ended the test at 5 % errs in 7 % at most, where 3 to 6 % of lives are
	// damaged; in fewer than 5 % where more are.
	P float64 `json:"p"`
	// Untold says that a side has no trial, or shows no damage where its controls
	// would not have shown any either.
	Untold bool `json:"untold,omitempty"`
}

// Changed reports whether the damage differs.
func (c *ChangedDamage) Changed() bool { return c.P < checkAlpha }

// More reports whether a larger share of the trials is damaged than before.
func (c *ChangedDamage) More() bool { return c.Is.Damaged*c.Was.Trials > c.Was.Damaged*c.Is.Trials }

// ChangedSharing is what the sharing trials of one strategy showed in both files.
type ChangedSharing struct {
	Scene
	Strategy string        `json:"strategy"`
	Was      *SharedBlocks `json:"was"`
	Is       *SharedBlocks `json:"is"`
	// New and Gone are sites that one of the files has alone.
	New    []SharedSite `json:"new,omitempty"`
	Gone   []SharedSite `json:"gone,omitempty"`
	Untold bool         `json:"untold,omitempty"` // as of damage; of trials that were cut short too
}

// ChangedCost is one cost of a strategy in one scene of both files, relative to the
// negative control in the same round, or to the other side of its duets.
type ChangedCost struct {
	Scene
	Strategy string  `json:"strategy"`
	Unit     string  `json:"unit"`
	Was      float64 `json:"was"`
	Is       float64 `json:"is"`
	P        float64 `json:"p"` // Mann-Whitney test, corrected over all costs (Holm)
}

// Changed reports whether the cost differs.
func (c *ChangedCost) Changed() bool { return c.P < checkAlpha }

// comparedOverTime are the costs that two files are compared by.
var comparedOverTime = slices.Concat([]comparedCost{{Handshake, CPUPerHandshake, "CPU", false}}, throughputCosts, forkCosts, duetCosts)

// Compare holds one file against an older one, cell by cell. It gives nil if they
// are parts of one whole: shards of one run, or without a common cell but controls.
func Compare(o Options, before, after string) (*Changes, error) {
	if _, err := o.withDefaults(); err != nil {
		return nil, err
	}
	old, err := gather(o, before)
	if err != nil {
		return nil, err
	}
	now, err := gather(o, after)
	if err != nil {
		return nil, err
	}
	if err := now.apart(old); err != nil {
		return nil, err
	}
	if shardsOfOne(old.inputs[0].Plan, now.inputs[0].Plan) {
		return nil, nil
	}
	c := &Changes{Before: before, After: after, Differs: differences(old, now)}
	anywhere := func(s Scene) Scene {
		s.Machine = ""
		return s
	}
	scenes := make(map[Scene]Scene) // of the newer file, whatever its machine
	for s := range now.scenes {
		scenes[anywhere(s)] = s
	}
	common := false
	for _, scene := range old.sorted() {
		at := scenes[anywhere(scene)]
		marks, both := ChangedMark{scene, old.mark(scene), now.mark(at)}, false
		for _, pair := range changes(old, scene, now, at) {
			if pair.now == nil {
				continue
			}
			both = true
			common = common || pair.strategy != PositiveControl && pair.strategy != NegativeControl
			c.add(pair, marks, old.stopped(pair.old), now.stopped(pair.now))
		}
		if both && marks.Was+marks.Is != "" {
			c.Marks = append(c.Marks, marks)
		}
	}
	c.correct()
	if !common {
		return nil, nil
	}
	return c, nil
}

// apart refuses files that are to be held against others and have trials of theirs:
// no change would be found, however large it is.
func (g *gatherer) apart(old *gatherer) error {
	common := 0
	for key := range old.seen {
		if _, both := g.seen[key]; both {
			common++
		}
	}
	if common == 0 {
		return nil
	}
	return fmt.Errorf("%s and %s have %s in common: a file cannot be held against itself",
		strings.Join(old.names(), ", "), strings.Join(g.names(), ", "), number.Count(common, "trial"))
}

func shardsOfOne(a, b *Plan) bool {
	return a != nil && b != nil && a.Shard.Count > 1 && a.Shard.Count == b.Shard.Count && a.Shard.Index != b.Shard.Index &&
		reflect.DeepEqual(a.Spec, b.Spec)
}

func (g *gatherer) names() []string {
	var list []string
	for _, in := range g.inputs {
		list = append(list, in.Base())
	}
	return list
}

// Empty reports whether the files have nothing that could be held against each other.
func (c *Changes) Empty() bool { return len(c.Rows)+len(c.Sharing)+len(c.Costs) == 0 }

func (c *Changes) add(pair change, marks ChangedMark, wasStopped, isStopped bool) {
	sharedWas, sharedIs := pair.oldShared, pair.nowShared
	was, is := pair.old.verdict(), pair.now.verdict()
	if was.Worst() != NoTrials || is.Worst() != NoTrials {
		r := ChangedDamage{Scene: pair.scene, Strategy: pair.strategy, Was: was.share(sharedWas), Is: is.share(sharedIs), P: math.NaN(), WasStopped: wasStopped, IsStopped: isStopped,
			Untold: untold(was, marks.Was) || untold(is, marks.Is)}
		if !r.Untold {
			r.P = inference.FisherExact(was.Damaged, was.Trials, is.Damaged, is.Trials)
		}
		c.Rows = append(c.Rows, r)
	}
	if sharedWas != nil && sharedIs != nil {
		r := ChangedSharing{Scene: pair.scene, Strategy: pair.strategy, Was: sharedWas, Is: sharedIs,
			New: sharedIs.without(sharedWas), Gone: sharedWas.without(sharedIs)}
		r.Untold = sharedWas.untold(marks.Was) || sharedIs.untold(marks.Is)
		c.Sharing = append(c.Sharing, r)
	}
	for _, cost := range comparedOverTime {
		if pair.strategy == pair.base() {
			continue
		}
		r := pair.ratios(cost)
		if len(r.was) == 0 || len(r.now) == 0 {
			continue
		}
		was, is := r.medians()
		c.Costs = append(c.Costs, ChangedCost{pair.scene, pair.strategy, cost.unit, math.Exp(was), math.Exp(is), inference.MannWhitney(r.was, r.now)})
	}
}

// untold reports whether a verdict says nothing: without trials, and without damage
// where the controls are marked.
func untold(v Verdict, mark string) bool { return v.Trials == 0 || v.Damaged == 0 && mark != "" }

// untold is the same of sharing trials.
func (s *SharedBlocks) untold(mark string) bool {
	return s.Raced+s.ReadRaced == 0 && (s.Cut > 0 || mark != "")
}

// without lists the sites that the other file does not have.
func (s *SharedBlocks) without(o *SharedBlocks) []SharedSite {
	return slices.DeleteFunc(slices.Clone(s.Sites), func(p SharedSite) bool {
		return slices.ContainsFunc(o.Sites, func(q SharedSite) bool { return q.Site == p.Site && q.ReadRaced == p.ReadRaced })
	})
}

// correct makes each kind of test one family over both files.
func (c *Changes) correct() {
	var damage, costs []*float64
	for i := range c.Rows {
		damage = append(damage, &c.Rows[i].P)
	}
	for i := range c.Costs {
		costs = append(costs, &c.Costs[i].P)
	}
	holm(damage)
	holm(costs)
	for _, p := range damage {
		if math.IsNaN(*p) {
			*p = 1
		}
	}
}

// differences names what is not the same in two files apart from what their trials
// showed: the machine, the program, the length of trials, a fix, a library.
func differences(old, now *gatherer) []string {
	var list []string
	if a, b := old.machines(), now.machines(); !slices.Equal(a, b) {
		list = append(list, fmt.Sprintf("machine: %v before, %v after", a, b))
	}
	for _, t := range changedTraits(old.inputs, now.inputs) {
		list = append(list, fmt.Sprintf("%s before, %s after", t[0].text, t[1].text))
	}
	return list
}
