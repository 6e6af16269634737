package results

import (
	"encoding/json"
	"fmt"
	"slices"

	"tlsbench/results/number"
)

// Whether files hold all of their plans.

// partial reports whether the number of planned trials cannot be told: a shard
// has a part of each round.
func (in *Input) partial() bool {
	return in.Plan == nil || in.Plan.Shard.Count > 1 || in.Plan.open()
}

// open reports whether cells differ in how many trials they have: cases of daemons
// do, and the cells of a sequential plan, and duets, end by what they show.
func (p *Plan) open() bool {
	return p.Spec.OfDaemons() || p.Spec.Sequential || slices.Contains(p.Spec.Measures, Duet)
}

// Planned is the number of trials of the plan: each round has every cell once,
// and rounds follow one another, so one whole round tells. 0 is for not known:
// no plan, one of several shards, which deal a round unevenly, or less than a
// whole round.
func (in *Input) Planned() int {
	if in.partial() {
		return 0
	}
	if len(in.Rounds) < 2 && in.Plan.Spec.Rounds > 1 {
		return 0
	}
	return in.Plan.trials(in.Rounds)
}

// trials is how many the plan has, if one of these rounds is whole.
func (p *Plan) trials(rounds map[int]int) int {
	whole := 0
	for _, n := range rounds {
		whole = max(whole, n)
	}
	return whole * p.Spec.Rounds
}

// Unfinished says how much of its plan a file holds, "" if that is all.
func (in *Input) Unfinished() string {
	planned := in.Planned()
	switch {
	case in.Plan != nil && in.Plan.Spec.OfDaemons() && in.Plan.Shard.Count == 1:
		return in.unfinishedDaemons()
	case in.partial() || planned > 0 && in.Trials >= planned:
		return ""
	case planned == 0:
		return fmt.Sprintf("%s is not finished: %d trials, less than one of its %d rounds", in.Base(), in.Trials, in.Plan.Spec.Rounds)
	}
	return fmt.Sprintf("%s is not finished: %d of %d planned trials are in", in.Base(), in.Trials, planned)
}

// unfinishedDaemons is Unfinished of a plan of daemons: all of them have Rounds
// trials, and some go on to ControlRounds, so neighbouring rounds have as many
// trials, but for that step.
func (in *Input) unfinishedDaemons() string {
	spec := &in.Plan.Spec
	last := max(spec.Rounds, spec.Daemon.ControlRounds)
	for round := 1; round <= last; round++ {
		n, before := in.Rounds[round], in.Rounds[round-1]
		if n == 0 && spec.Rounds < round {
			return "" // none of these daemons has to be damaged
		}
		if n == 0 || round > 1 && round != spec.Rounds+1 && n < before {
			return fmt.Sprintf("%s is not finished: %d trials in round %d of %d", in.Base(), n, round, last)
		}
	}
	return ""
}

// Unfinished lists what the plans of the files still lack: trials of a file, a
// shard, pairs of a duet, lives of a sequential plan.
func (c *Comparison) Unfinished() []string {
	var list []string
	for _, in := range c.Inputs {
		if text := in.Unfinished(); text != "" {
			list = append(list, text)
		}
	}
	list = append(list, c.missingShards()...)
	last := 0 // the round after which a sequential plan was ended before all its cells were done, 0 if it was not
	for _, in := range c.Inputs {
		if in.Plan != nil && in.Plan.Spec.Sequential {
			last = max(last, in.Plan.Spec.Rounds)
		}
	}
	switch f := c.Family; {
	case f == nil || f.Holds():
	case last == 0:
		list = append(list, f.String())
	case f.Lives < last:
		list = append(list, fmt.Sprintf("a cell without damage has %d lives, and the plan was ended after %d of each", f.Lives, last))
	}
	for _, t := range c.Tables {
		for _, r := range t.Rows {
			if d := r.Duet; d != nil && d.Reason == "" && !d.done {
				list = append(list, fmt.Sprintf("duets of %s on %s are not finished: %s", r.Strategy, t.OpenSSL, number.Count(d.Cost.N, "pair")))
			}
		}
	}
	return list
}

// missingShards lists the plans of which not all shards, or not all of their
// trials, are among the files.
func (c *Comparison) missingShards() []string {
	shards := slices.DeleteFunc(slices.Clone(c.Inputs), func(in *Input) bool { return in.Plan == nil || in.Plan.Shard.Count < 2 })
	ofPlan := func(in *Input) string {
		spec, _ := json.Marshal(in.Plan.Spec) // it was JSON
		return string(spec)
	}
	var list []string
	for _, files := range Group(shards, ofPlan) {
		first, plan := files[0].Base(), files[0].Plan
		seen, trials, rounds := make(map[int]bool), 0, make(map[int]int)
		for _, in := range files {
			seen[in.Plan.Shard.Index] = true
			trials += in.Trials
			for round, n := range in.Rounds {
				rounds[round] += n
			}
		}
		planned := plan.trials(rounds)
		switch {
		case len(seen) < plan.Shard.Count:
			list = append(list, fmt.Sprintf("%s is one of %d shards, and only %d of them are there", first, plan.Shard.Count, len(seen)))
		case trials < planned && !plan.open():
			list = append(list, fmt.Sprintf("%s and the other shards are not finished: %d of %d planned trials are in", first, trials, planned))
		}
	}
	return list
}
