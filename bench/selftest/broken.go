package selftest

import (
	"context"
	"embed"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tlsbench/results"
	"tlsbench/results/event"
	"tlsbench/results/inference"
	"tlsbench/strategies"
	"tlsbench/strategies/catalogue"
	"tlsbench/workload"
	"tlsbench/workload/keeper"
	"tlsbench/workload/sharedlib"
)

// Broken is a fix that is wrong on purpose.
type Broken struct {
	Name    string `json:"name"`
	Summary string `json:"summary"`
	By      Sign   `json:"by"` // what it has to be told by
}

// Strategies are the broken ones.
var Strategies = []Broken{
	{"every-second", "clears every second key of OpenSSL", Damage},
	{"wrong-side", "calls OPENSSL_thread_stop() in the child", Damage},
	{"first-only", "is right for the first worker only", Damage},
	{"one-too-many", "clears one key of a third-party library too", Lost},
	{"leaks", "keeps 256 KiB of the shared heap in each child", Kept},
	{"sleeps", "sleeps for 50 ms in each child", Slow},
}

// good is what they are told from.
var good = Broken{Name: "good", Summary: "clears all of OpenSSL's keys and no others"}

// String is its name.
func (b Broken) String() string { return b.Name }

//go:embed broken
var brokenSource embed.FS

// compile makes a shared object in dir, as the author of a fix would.
func (b Broken) compile(ctx context.Context, dir string) (catalogue.Choice, error) {
	object := filepath.Join(dir, b.Name+".so")
	recipe := sharedlib.Recipe{
		Flags: []string{"-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-O2"}, Libs: []string{"-lpthread"},
		From: []sharedlib.Source{
			{Files: brokenSource, Pattern: "broken/" + strings.ReplaceAll(b.Name, "-", "_") + ".c"},
			{Files: strategies.Source, Pattern: "*.h"},
		},
	}
	if err := recipe.Compile(ctx, object); err != nil {
		return catalogue.Choice{}, fmt.Errorf("compile strategy %s (CC names another compiler, --broken none leaves it out): %w", b.Name, err)
	}
	return catalogue.Choice{Name: b.Name, Path: object}, nil
}

// Sign is what a broken strategy can be told by.
type Sign string

// The signs. Damage needs no comparison. The other two are compared with the good
// strategy of the same run; their limits are far from what noise can do, and far
// from what the broken ones do.
const (
	Damage Sign = "damage"    // any event but a lost slot, or state that workers share
	Lost   Sign = "lost-slot" // slots of other libraries
	Kept   Sign = "heap"      // what each ended worker leaves in the shared heap
	Slow   Sign = "handlers"  // time in the at-fork handlers
)

const (
	keptLimit = 128 << 10             // bytes more than the good one
	slowLimit = 10 * time.Millisecond // more than the good one, the median of its forks
	forkPairs = 9
)

// Measured is what a strategy was seen to do.
type Measured struct {
	Handshakes  uint64            `json:"handshakes"`
	Events      map[string]uint64 `json:"events,omitempty"`
	SharedSlots int               `json:"sharedSlots"`
	Forks       uint64            `json:"forks"`
	Kept        float64           `json:"keptBytesPerWorker"`
	Handlers    time.Duration     `json:"handlerNanoseconds"` // median
	kept        int64
	keptWorkers uint64
}

// BrokenResult says how one broken strategy was recognised.
type BrokenResult struct {
	Strategy Broken          `json:"strategy"`
	Measured Measured        `json:"measured"`
	Signs    map[Sign]string `json:"signs,omitempty"` // in words
	Good     bool            `json:"good"`            // it is the good one
}

// strategies tries the broken strategies, and the good one before them.
func (r *runner) strategies(ctx context.Context) error {
	if len(r.Broken) == 0 {
		return nil
	}
	dir, err := keeper.Temp("selftest")
	if err != nil {
		return err
	}
	kept, err := keeper.Folder(dir)
	if err != nil {
		return fmt.Errorf("make a folder for the broken strategies: %w", err)
	}
	defer kept.Close()
	var base Measured
	for _, b := range append([]Broken{good}, r.Broken...) {
		choice, err := b.compile(ctx, dir)
		if err != nil {
			return err
		}
		m, err := r.measure(ctx, choice)
		if err != nil {
			return fmt.Errorf("strategy %s: %w", b.Name, err)
		}
		f := BrokenResult{Strategy: b, Measured: m, Good: b.Name == good.Name}
		if f.Good {
			base = m
		}
		f.Signs = signsOf(base, m)
		r.report.Strategies = append(r.report.Strategies, f)
	}
	return nil
}

// measure runs the same trials under any strategy.
func (r *runner) measure(ctx context.Context, choice catalogue.Choice) (Measured, error) {
	m := Measured{Events: map[string]uint64{}}
	for _, c := range r.report.Cells {
		r.tell("strategy " + choice.Name + ", " + c.String())
		cfg := r.config(c, results.DefaultBad, r.amount.duration)
		cfg.Strategy, cfg.Hazard = choice, manyForks
		// Until a worker was replaced: what one leaves behind shows only then.
		for try, before := 1, m.keptWorkers; m.keptWorkers == before && try <= tries; try++ {
			out, err := r.trial(ctx, cfg)
			if err != nil {
				return m, fmt.Errorf("%s: %w", c, err)
			}
			m.add(out)
			if out.Damaged() {
				break
			}
		}
	}
	if m.keptWorkers > 0 {
		m.Kept = float64(m.kept) / float64(m.keptWorkers)
	}
	r.tell("strategy " + choice.Name + ", forks")
	return m, r.forks(ctx, choice, &m)
}

func (m *Measured) add(out *workload.Outcome) {
	m.Handshakes += out.Handshakes
	m.Forks += out.Forks
	m.SharedSlots = max(m.SharedSlots, out.SharedSlots)
	m.kept += out.KeptBytes
	m.keptWorkers += out.KeptWorkers
	for kind, n := range out.Events {
		m.Events[kind] += n
	}
}

// forks times the handlers.
func (r *runner) forks(ctx context.Context, choice catalogue.Choice, m *Measured) error {
	cfg := workload.Config{
		Build: r.Build, Strategy: choice, Seed: r.random.Uint64(),
		Fork: &workload.ForkConfig{Pairs: forkPairs},
	}
	out, err := r.trial(ctx, cfg)
	if err != nil {
		return fmt.Errorf("forks: %w", err)
	}
	var times []float64
	for _, f := range out.Fork.Forks {
		if !f.Masked {
			times = append(times, f.Cold.Sum())
		}
	}
	if len(times) > 0 {
		m.Handlers = time.Duration(inference.Median(times, 0.95).Value)
	}
	return nil
}

// signsOf lists how a strategy differs from a good one.
func signsOf(base, m Measured) map[Sign]string {
	signs := map[Sign]string{}
	var damage []string
	for _, kind := range slices.Sorted(maps.Keys(m.Events)) {
		if n := m.Events[kind]; n > 0 && kind != event.LostSlot {
			damage = append(damage, fmt.Sprintf("%s %d", kind, n))
		}
	}
	if m.SharedSlots > 0 {
		damage = append(damage, fmt.Sprintf("shared-slots %d", m.SharedSlots))
	}
	if len(damage) > 0 {
		signs[Damage] = strings.Join(damage, ", ")
	}
	if n := m.Events[event.LostSlot]; n > 0 {
		signs[Lost] = fmt.Sprintf("lost-slot %d in %d forks", n, m.Forks)
	}
	if more := m.Kept - base.Kept; more > keptLimit {
		signs[Kept] = fmt.Sprintf("each worker leaves %.0f KiB in the heap, %.0f more", m.Kept/1024, more/1024)
	}
	if more := m.Handlers - base.Handlers; more > slowLimit {
		signs[Slow] = fmt.Sprintf("handlers take %v, %v more", m.Handlers.Round(10*time.Microsecond), more.Round(10*time.Microsecond))
	}
	return signs
}

// short says why the result falls short, "" if it does not.
func (f BrokenResult) short() string {
	switch {
	case f.Good && len(f.Signs) > 0:
		return fmt.Sprintf("strategy %s is good but was reported as broken: %s", f.Strategy.Name, f.Summary())
	case !f.Good && f.Signs[f.Strategy.By] == "":
		return fmt.Sprintf("strategy %s does not differ from a good one by %s; found: %s", f.Strategy.Name, f.Strategy.By, f.Summary())
	}
	return ""
}

// Summary gives the signs in one line.
func (f BrokenResult) Summary() string {
	var list []string
	for _, s := range []Sign{Damage, Lost, Kept, Slow} {
		if text := f.Signs[s]; text != "" {
			list = append(list, text)
		}
	}
	if len(list) == 0 {
		return "nothing"
	}
	return strings.Join(list, "; ")
}
