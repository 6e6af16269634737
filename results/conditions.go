package results

import (
	"fmt"
	"slices"
	"strconv"

	"tlsbench/results/number"
)

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
