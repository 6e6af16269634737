package results

import (
	"strings"
	"testing"

	"tlsbench/results/inference"
)

// input is a file with so many trials in each round, of a plan.
func input(name string, change func(*Plan), rounds ...int) *Input {
	in := newInput(name)
	in.Plan = new(Plan)
	in.Plan.Shard.Count, in.Plan.Shard.Index = 1, 1
	change(in.Plan)
	for i, n := range rounds {
		in.Rounds[i+1] = n
		in.Trials += n
	}
	return in
}

// A plan that lacks a trial, a shard, a pair or a life says so; one that is whole
// says nothing.
func TestUnfinished(t *testing.T) {
	plain := func(p *Plan) { p.Spec.Rounds = 2 }
	shard := func(i int) func(*Plan) {
		return func(p *Plan) { p.Spec.Rounds, p.Shard.Count, p.Shard.Index = 2, 2, i }
	}
	daemons := func(p *Plan) {
		p.Spec.Rounds, p.Spec.Daemon.ControlRounds = 2, 4
		p.Spec.Daemon.List = []Daemon{{Release: "6.0"}}
	}
	ended := func(p *Plan) { p.Spec.Sequential, p.Spec.Rounds, p.Spec.Extended = true, 20, []int{0} }
	summary := func(pairs int) *Comparison {
		c, err := Summarize(Options{}, duetFile(t, pairs, map[string]*players{"hwm": newPlayers(0, 0.003, 0.01)}))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for name, tt := range map[string]struct {
		c    *Comparison
		want string
	}{
		"whole":              {&Comparison{Inputs: []*Input{input("a", plain, 5, 5)}}, ""},
		"one short":          {&Comparison{Inputs: []*Input{input("a", plain, 5, 4)}}, "a is not finished: 9 of 10 planned trials are in"},
		"whole shards":       {&Comparison{Inputs: []*Input{input("a", shard(1), 3, 2), input("b", shard(2), 2, 3)}}, ""},
		"a shard is short":   {&Comparison{Inputs: []*Input{input("a", shard(1), 3, 2), input("b", shard(2), 2, 2)}}, "a and the other shards are not finished: 9 of 10 planned"},
		"a shard is missing": {&Comparison{Inputs: []*Input{input("a", shard(1), 3, 2)}}, "a is one of 2 shards, and only 1 of them are there"},
		"daemons":            {&Comparison{Inputs: []*Input{input("a", daemons, 5, 5, 2, 2)}}, ""},
		"daemons at first":   {&Comparison{Inputs: []*Input{input("a", daemons, 5)}}, "a is not finished: 0 trials in round 2 of 4"},
		"daemons within":     {&Comparison{Inputs: []*Input{input("a", daemons, 5, 4)}}, "a is not finished: 4 trials in round 2 of 4"},
		"controls within":    {&Comparison{Inputs: []*Input{input("a", daemons, 5, 5, 2, 1)}}, "a is not finished: 1 trials in round 4 of 4"},
		"no controls needed": {&Comparison{Inputs: []*Input{input("a", daemons, 5, 5)}}, ""},
		"duets":              {summary(inference.DuetMost), ""},
		"a few duets":        {summary(5), "duets of hwm on 3.0.20 are not finished: 5 pairs"},
		"lives":              {&Comparison{Family: &Family{Cells: 3, Lives: 4, Need: 61, Lacked: 2}}, "2 of 3 cells have fewer"},
		"ended":              {&Comparison{Inputs: []*Input{input("a", ended)}, Family: &Family{Cells: 3, Lives: 20, Need: 61, Lacked: 2}}, ""},
		"not yet ended":      {&Comparison{Inputs: []*Input{input("a", ended)}, Family: &Family{Cells: 3, Lives: 19, Need: 61, Lacked: 2}}, "has 19 lives, and the plan was ended after 20"},
	} {
		if got := strings.Join(tt.c.Unfinished(), "; "); (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

// Rounds that are added bend a test; a sequential plan that is ended only lacks lives.
func TestChangedRounds(t *testing.T) {
	short := &Family{Cells: 3, Lives: 20, Need: 61, Lacked: 3}
	for name, tt := range map[string]struct {
		change func(*Plan)
		family *Family
		want   string
	}{
		"as planned":    {func(p *Plan) { p.Spec.Rounds = 9 }, nil, ""},
		"added":         {func(p *Plan) { p.Spec.Rounds, p.Spec.Extended = 9, []int{4, 6} }, nil, "from 4 to 6 to 9; tests are a little too ready"},
		"ended":         {func(p *Plan) { p.Spec.Sequential, p.Spec.Rounds, p.Spec.Extended = true, 20, []int{0} }, short, "ended after 20 rounds, before the statement"},
		"ended in time": {func(p *Plan) { p.Spec.Sequential, p.Spec.Rounds, p.Spec.Extended = true, 70, []int{0} }, &Family{Cells: 3, Lives: 70, Need: 61}, ""},
		"goes on":       {func(p *Plan) { p.Spec.Sequential, p.Spec.Extended = true, []int{0, 20} }, short, ""},
	} {
		if got := input("a", tt.change).changed(tt.family); (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
