package inference

import (
	"cmp"
	"math"
	"slices"
	"sort"

	"gonum.org/v1/gonum/stat/distuv"
)

// Curve is a survival function estimated from times to an event, some of them
// censored: the trial ended before the event came.
type Curve struct {
	N      int // subjects
	Events int // how many had the event
	Steps  []Step
	// Censored holds the censored times in ascending order, for the ticks of a
	// figure.
	Censored []float64
	// End is the longest time anything was watched: the curve says nothing
	// about what comes after it.
	End float64
}

// Step is one drop of a survival curve.
type Step struct {
	Time     float64
	AtRisk   int     // subjects still watched just before Time
	Events   int     // events at Time
	Survival float64 // probability to get past Time without the event
	StdErr   float64 // Greenwood's; 0 where the curve has reached zero
	Interval
}

// At is the estimated probability to get past time t without the event.
func (c *Curve) At(t float64) float64 {
	next := sort.Search(len(c.Steps), func(i int) bool { return c.Steps[i].Time > t })
	if next == 0 {
		return 1
	}
	return c.Steps[next-1].Survival
}

// KaplanMeier is the product-limit estimate of E. L. Kaplan and P. Meier,
// Nonparametric Estimation from Incomplete Observations, JASA 53 (1958)
// 457-481, with M. Greenwood's variance (The Natural Duration of Cancer, 1926)
// and pointwise intervals on the log(-log) scale, which stay within 0 and 1 (J.
// D. Kalbfleisch and R. L. Prentice, The Statistical Analysis of Failure Time
// Data, 1980). All are what R's survfit gives with conf.type="log-log". Where
// event and censoring fall on the same time, the event came first. Times that are
// not a finite number of at least zero are left out; observed says whether a time
// is that of the event or that of censoring.
func KaplanMeier(times []float64, observed []bool, confidence float64) Curve {
	checkPaired("times and observed", len(times), len(observed))
	var order []int // of the subjects whose times can be, by time
	for i, t := range times {
		if finite(t) && t >= 0 {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(times[i], times[j]) })
	c := Curve{N: len(order)}
	z := distuv.UnitNormal.Quantile(1 - tails(confidence))
	survival, greenwood, high := 1.0, 0.0, 1.0
	for i := 0; i < len(order); {
		step := Step{Time: times[order[i]], AtRisk: len(order) - i}
		for ; i < len(order) && times[order[i]] == step.Time; i++ {
			if observed[order[i]] {
				step.Events++
			} else {
				c.Censored = append(c.Censored, step.Time)
			}
		}
		c.End = step.Time
		if step.Events == 0 {
			continue
		}
		d, n := float64(step.Events), float64(step.AtRisk)
		survival *= 1 - d/n
		greenwood += d / (n * (n - d))
		step.Survival = survival
		if survival > 0 {
			step.StdErr = survival * math.Sqrt(greenwood)
			step.Interval = logLog(survival, greenwood, z)
			high = step.High
		} else {
			// The last one had the event: Greenwood's variance is undefined.
			// R leaves the interval out; a figure needs one that is not wrong.
			step.Interval = Interval{0, high}
		}
		c.Steps = append(c.Steps, step)
		c.Events += step.Events
	}
	return c
}

func logLog(survival, greenwood, z float64) Interval {
	width := z * math.Sqrt(greenwood) / math.Abs(math.Log(survival))
	return Interval{math.Pow(survival, math.Exp(width)), math.Pow(survival, math.Exp(-width))}
}
