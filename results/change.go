package results

import (
	"fmt"
	"math"
	"slices"

	"tlsbench/results/inference"
)

// Changes is what two results files say of what changed between them. Nothing of
// one file is counted with anything of the other.
type Changes struct {
	Before  string          `json:"before"` // the files
	After   string          `json:"after"`
	Differs []string        `json:"differs,omitempty"` // what else than the trials is not the same
	Rows    []ChangedDamage `json:"damage"`
	Costs   []ChangedCost   `json:"costs,omitempty"`
}

// ChangedDamage is one strategy in one scene of both files.
type ChangedDamage struct {
	Scene
	Strategy string  `json:"strategy"`
	Was      Verdict `json:"was"`
	Is       Verdict `json:"is"`
	// P is the p-value of Fisher's exact test that damage is as frequent as before,
	// corrected over all rows (Holm); 1 where a side has no trial.
	P float64 `json:"p"`
}

// Changed reports whether the damage differs.
func (c *ChangedDamage) Changed() bool { return c.P < checkAlpha }

// ChangedCost is one cost of a strategy in one scene of both files, relative to the
// negative control in the same round.
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
var comparedOverTime = append([]comparedCost{{Handshake, CPUPerHandshake, "CPU", false}}, append(slices.Clone(throughputCosts), forkCosts...)...)

// Compare holds one file against an older one, cell by cell. It gives nil if they
// have no cell in common but controls: then they are parts of one whole.
func Compare(o Options, before, after string) (*Changes, error) {
	if _, err := o.withDefaults(); err != nil {
		return nil, err
	}
	old, err := gather(o.Where, before)
	if err != nil {
		return nil, err
	}
	now, err := gather(o.Where, after)
	if err != nil {
		return nil, err
	}
	c := &Changes{Before: before, After: after, Differs: differences(old, now)}
	scenes := make(map[Scene]Scene) // of the newer file, whatever its machine
	for s := range now.scenes {
		key := s
		key.Machine = ""
		scenes[key] = s
	}
	common := false
	for _, scene := range old.sorted() {
		key := scene
		key.Machine = ""
		for _, name := range sortedNames(old.scenes[scene]) {
			pair := change{scene: scene, strategy: name, old: old.scenes[scene][name], now: now.scenes[scenes[key]][name]}
			if pair.now == nil {
				continue
			}
			common = common || name != PositiveControl && name != NegativeControl
			pair.oldBase, pair.nowBase = old.scenes[scene][NegativeControl], now.scenes[scenes[key]][NegativeControl]
			c.add(pair)
		}
	}
	c.correct()
	if !common {
		return nil, nil
	}
	return c, nil
}

func (c *Changes) add(pair change) {
	was, is := pair.old.lives().verdict().shareSlots(pair.old.sharedMax), pair.now.lives().verdict().shareSlots(pair.now.sharedMax)
	if was.Worst() != NoTrials || is.Worst() != NoTrials {
		p := math.NaN()
		if was.Trials > 0 && is.Trials > 0 {
			p = inference.FisherExact(was.Damaged, was.Trials, is.Damaged, is.Trials)
		}
		c.Rows = append(c.Rows, ChangedDamage{pair.scene, pair.strategy, was, is, p})
	}
	for _, cost := range comparedOverTime {
		if pair.strategy == NegativeControl {
			continue
		}
		r := comparedRatios{cost: cost, was: logRatios(pair.old, pair.oldBase, cost), now: logRatios(pair.now, pair.nowBase, cost)}
		if len(r.was) == 0 || len(r.now) == 0 {
			continue
		}
		was, is := r.medians()
		c.Costs = append(c.Costs, ChangedCost{pair.scene, pair.strategy, cost.unit, math.Exp(was), math.Exp(is), inference.MannWhitney(r.was, r.now)})
	}
}

// correct makes each kind of test one family over both files.
func (c *Changes) correct() {
	damage, costs := make([]float64, len(c.Rows)), make([]float64, len(c.Costs))
	for i := range c.Rows {
		damage[i] = c.Rows[i].P
	}
	for i := range c.Costs {
		costs[i] = c.Costs[i].P
	}
	for i, p := range inference.Holm(damage) {
		if c.Rows[i].P = p; math.IsNaN(p) {
			c.Rows[i].P = 1
		}
	}
	for i, p := range inference.Holm(costs) {
		c.Costs[i].P = p
	}
}

// differences names what is not the same in two files apart from what their trials
// showed: the machine, the program, the length of trials, a fix, a library.
func differences(old, now *gatherer) []string {
	var list []string
	if a, b := old.machines(), now.machines(); !slices.Equal(a, b) {
		list = append(list, fmt.Sprintf("machine: %v before, %v after", a, b))
	}
	is := traits(now.inputs[0].Name)
	for _, a := range traits(old.inputs[0].Name) {
		if i := slices.IndexFunc(is, func(b trait) bool { return a.key == b.key && a.text != b.text }); i >= 0 {
			list = append(list, fmt.Sprintf("%s before, %s after", a.text, is[i].text))
		}
	}
	return list
}
