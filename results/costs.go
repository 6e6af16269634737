package results

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"tlsbench/results/inference"
	"tlsbench/results/number"
)

// pairs are values of two strategies from the same rounds.
type pairs struct {
	a, b     []float64
	unpaired int // values of a that have no partner
	lone     int // values of b that have none
}

// pair matches values by round. A round that has several values of one cell,
// as plain "go test -count" output has, is matched in their order.
func pair(a, b *columns, unit string) pairs {
	var p pairs
	x, y := a.byRound(unit), b.byRound(unit)
	j := 0
	for _, v := range x {
		for j < len(y) && y[j].compare(v) < 0 {
			j++
		}
		if j < len(y) && y[j].compare(v) == 0 {
			p.a, p.b = append(p.a, v.value), append(p.b, y[j].value)
		}
	}
	p.unpaired = len(x) - len(p.a)
	p.lone = len(y) - len(p.b)
	return p
}

// point is one value and where it belongs.
type point struct {
	key   roundKey
	turn  int // how many trials of this round came before
	value float64
}

func (p point) compare(q point) int {
	return cmp.Or(p.key.compare(q.key), cmp.Compare(p.turn, q.turn))
}

func (k roundKey) compare(o roundKey) int {
	return cmp.Or(cmp.Compare(k.file, o.file), cmp.Compare(k.round, o.round))
}

func (c *columns) byRound(unit string) []point {
	return slices.SortedFunc(slices.Values(c.values[unit]), point.compare)
}

// minSignedRank is the number of rounds below which no signed-rank test is
// made: with fewer than eight even the clearest difference, p = 2/2^n, does
// not survive the correction for the six other strategies of a table.
const minSignedRank = 8

// signedRankRounds is the number of rounds from which a signed-rank test can
// find anything after the correction for that many tests: the smallest p-value
// of n rounds is 2/2^n.
func signedRankRounds(tests int, alpha float64) int {
	n := 1
	for float64(tests)*math.Ldexp(2, -n) >= alpha {
		n++
	}
	return n
}

// Ratio is one strategy's cost in relation to that of the baseline, paired by
// round.
type Ratio struct {
	Estimate
	// P is the p-value of a signed-rank test that there is no difference, and
	// Adjusted is P corrected for all strategies of all tables (Holm). Both are
	// NaN with fewer than 8 rounds.
	P, Adjusted float64
	// Same says that the two were shown to differ by less than the margin (two
	// one-sided tests, corrected as P is), in 6 rounds at least: with fewer the
	// claim would rest on the shape of the distribution alone. Not the same and not
	// different means: not known.
	Same bool
	// Rounds are the ratios that it is estimated from, in ascending order.
	Rounds []float64

	same float64 // the p-value of Same, before the correction
}

func (p pairs) estimate(o Options) Estimate {
	return ofMore(inference.PairedRatio(p.a, p.b, o.Confidence), "rounds")
}

func (p pairs) ratio(o Options) Ratio {
	r := Ratio{Estimate: p.estimate(o), P: math.NaN(), Adjusted: math.NaN(), same: math.NaN()}
	for i, b := range p.b {
		if b > 0 {
			r.Rounds = append(r.Rounds, p.a[i]/b)
		}
	}
	slices.Sort(r.Rounds)
	if p.unpaired > 0 {
		r.Warnings = append(r.Warnings, fmt.Sprintf("%d of %d rounds have no partner", p.unpaired, p.unpaired+len(p.a)))
	}
	if r.N == 0 {
		return r
	}
	if p.lone > 0 {
		r.Warnings = append(r.Warnings, fmt.Sprintf("%d of the baseline's %d rounds have no value of it", p.lone, p.lone+len(p.b)))
	}
	if r.N >= minRounds {
		_, r.same = inference.Equivalent(p.a, p.b, o.Margin, 1-o.Confidence)
	}
	if r.N < minSignedRank {
		r.Warnings = append(r.Warnings, fmt.Sprintf("%s: too few to test for a difference, need %d", number.Count(r.N, "round"), minSignedRank))
		return r
	}
	r.P = inference.SignedRank(inference.LogRatios(p.a, p.b))
	return r
}

// Differs reports whether a difference was shown, the other strategies of the
// table taken into account.
func (r Ratio) Differs(alpha float64) bool { return r.Adjusted < alpha }

// Cost is one metric of one strategy.
type Cost struct {
	Unit   string   `json:"unit"`
	Median Estimate `json:"median"`
	Ratio  Ratio    `json:"ratio"` // to the baseline
	// Values are those of the undamaged trials, in their order, with Options.Singles.
	Values []float64 `json:"-"`
	// Disturbed says what else the machine was doing during the trials, where
	// it was too much in too many of them.
	Disturbed []string `json:"disturbed,omitempty"`
}

// Cost returns the cost in a unit.
func (r *Row) Cost(unit string) (Cost, bool) {
	return find(r.Costs, func(c Cost) bool { return c.Unit == unit })
}

// Rounds is how many rounds the cost rests on.
func (c Cost) Rounds() int {
	if c.Ratio.Known() {
		return c.Ratio.N
	}
	return c.Median.N
}

// costs lists the metrics that the undamaged trials have, in the order of
// Units.
// workers are the most that any trial of a file had.
func (s *sample) costs(name string, base *sample, o Options, workers []int) []Cost {
	var list []Cost
	nan := math.NaN()
	none := Ratio{Estimate: Estimate{Value: nan, Interval: inference.Interval{Low: nan, High: nan}}, P: nan, Adjusted: nan, same: nan}
	for _, m := range []Measure{Handshake, Fork} {
		c := s.times(m)
		disturbed := c.disturbed(workers, seldom)
		for _, unit := range slices.SortedFunc(maps.Keys(c.values), compareUnits) {
			cost := Cost{Unit: unit, Ratio: none, Disturbed: disturbed}
			var values []float64
			for _, p := range c.values[unit] {
				values = append(values, p.value)
			}
			cost.Median = inference.Median(values, o.Confidence)
			if o.Singles {
				cost.Values = values
			}
			// A difference may be zero or below, and a ratio of what is left without those
			// would say nothing; the clock is not a strategy's.
			if name != o.Baseline && !strings.Contains(unit, "-diff-") && unit != ClockNs {
				cost.Ratio = pair(&c.columns, &base.times(m).columns, unit).ratio(o)
				if t := base.throughput; m == Handshake && t.damaged > 0 {
					cost.Ratio.Warnings = append(cost.Ratio.Warnings, fmt.Sprintf("%d of %d trials of the baseline are damaged", t.damaged, t.trials))
				}
			}
			list = append(list, cost)
		}
	}
	return list
}

// correct adjusts the p-values of all tables: whoever reads one of them picks it
// out of all, so each metric is one family over all of them, with one test for each
// strategy apart from the baseline.
func correct(tables []*Table, baseline string, alpha float64) {
	units := make(map[string][]*Ratio)
	var fisher []*float64
	for _, r := range Rows(tables) {
		if c := r.Duet; c != nil {
			family := CPURatio
			if c.itself { // it shows how far the method can be trusted, and is none of the others
				family += " itself " + r.Strategy
			}
			units[family] = append(units[family], &c.Cost)
		}
		if r.Strategy == baseline {
			continue
		}
		if r.Fisher != nil {
			fisher = append(fisher, r.Fisher)
		}
		for j := range r.Costs {
			units[r.Costs[j].Unit] = append(units[r.Costs[j].Unit], &r.Costs[j].Ratio)
		}
	}
	for _, ratios := range units {
		var p, same []*float64
		for _, r := range ratios {
			r.Adjusted = r.P
			p, same = append(p, &r.Adjusted), append(same, &r.same)
		}
		holm(p)
		holm(same)
		for _, r := range ratios {
			r.Same = r.same < alpha
		}
		warnHopeless(ratios, alpha)
	}
	for _, r := range Rows(tables) {
		r.Duet.judge(alpha)
	}
	holm(fisher)
}

// holm corrects the p-values of one family where they are.
func holm(family []*float64) {
	p := make([]float64, len(family))
	for i := range family {
		p[i] = *family[i]
	}
	for i, q := range inference.Holm(p) {
		*family[i] = q
	}
}

// warnHopeless says where even the clearest difference, the same sign in all
// rounds, would not survive the correction for the other comparisons.
func warnHopeless(ratios []*Ratio, alpha float64) {
	tests := 0
	for _, r := range ratios {
		if !math.IsNaN(r.P) {
			tests++
		}
	}
	need := signedRankRounds(tests, alpha)
	for _, r := range ratios {
		if !math.IsNaN(r.P) && r.N < need {
			r.Warnings = append(r.Warnings, fmt.Sprintf("%d rounds: too few to find a difference among %d comparisons, need %d", r.N, tests, need))
		}
	}
}

// The limits beyond which a trial counts as disturbed by what else the machine
// was doing. They concern what is timed; damage counts whatever else ran.
const (
	// stealLimit is the share of processor time that the hypervisor gave to
	// others during the trial. 5 % is as much as the largest of the effects
	// that the statistics are tested to find.
	stealLimit = 0.05
	// switchesLimit is the number of context switches for each handshake, as a
	// multiple of the median of the same strategy. It is made of the program's
	// own waits, which are the same in every trial, and of interruptions: on a
	// machine of two cores with nothing else running it stays within 1.2.
	switchesLimit = 2
)

// loadLimit is for the 1-minute load average before the trial. The trials
// before it leave at most one running process for each worker and one thread
// of the harness for each core; anything above is other work. (4 workers on 2
// cores, nothing else running: 5 at most. With another run at the same time:
// 7 to 15.)
func loadLimit(workers, cores int) float64 { return float64(workers + cores) }

// seldom is the share of disturbed trials that needs no mention: the ratio
// leaves out a sixth of the rounds at each end.
const seldom = 1.0 / 6

// conditions are what the machine was doing during the trials of one strategy
// and measure. Files without such facts, as of "go test -bench", have none.
type conditions struct {
	load, steal, switches []float32
	files                 []int32 // of load: a limit is a file's
	cores                 int
}

func (c *conditions) add(t *Trial, file int) {
	if t.Start.IsZero() || t.Status != OK {
		return
	}
	if c.cores == 0 {
		c.cores, _ = strconv.Atoi(t.Config["cores"]) // 0, which is not a limit, if it does not say
	}
	c.load, c.files = append(c.load, float32(t.LoadBefore)), append(c.files, int32(file))
	c.steal = append(c.steal, float32(t.Steal))
	if n := max(t.Handshakes, t.Forks); n > 0 {
		c.switches = append(c.switches, float32(float64(t.CtxSwitches)/float64(n)))
	}
}

// disturbed says how the machine disturbed trials, in more than share of them.
// workers are the most that any trial of a file had: the load before a trial may be
// another one's of the same run.
func (c *conditions) disturbed(workers []int, share float64) []string {
	var list []string
	add := func(values []float32, limit func(i int) float64, what string) {
		k := 0
		for i, v := range values {
			if v > float32(limit(i)) {
				k++
			}
		}
		switch {
		case float64(k) <= share*float64(len(values)):
		case k == len(values):
			list = append(list, what+" in all trials") // one note for all strategies
		default:
			list = append(list, fmt.Sprintf("%s in %d of %s", what, k, number.Count(len(values), "trial")))
		}
	}
	always := func(limit float64) func(int) float64 { return func(int) float64 { return limit } }
	add(c.steal, always(stealLimit), fmt.Sprintf("more than %s %% of processor time stolen", number.Figures(100*stealLimit)))
	if c.cores > 0 && len(c.files) > 0 {
		limit := func(i int) float64 { return loadLimit(workers[c.files[i]], c.cores) }
		least := limit(0)
		for i := range c.files {
			least = min(least, limit(i))
		}
		add(c.load, limit, fmt.Sprintf("load above %s before the trial: other work ran", number.Figures(least)))
	}
	if usual := middle(c.switches); usual > 0 {
		add(c.switches, always(switchesLimit*usual), fmt.Sprintf("more than %d times the usual context switches", switchesLimit))
	}
	return list
}

func middle(values []float32) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return float64(sorted[(len(sorted)-1)/2])
}
