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
	// Median is the time by which half of the subjects have had the event. It
	// is +Inf where the curve never falls to a half.
	Median   Estimate
	Warnings []string
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
// Data, 1980). The interval of the median holds the times at which the interval
// of the curve contains a half (R. Brookmeyer and J. Crowley, A Confidence
// Interval for the Median Survival Time, Biometrics 38 (1982) 29-41). All are
// what R's survfit gives with conf.type="log-log". Where event and censoring
// fall on the same time, the event came first. Times that are not a finite
// number of at least zero are left out; observed says whether a time is that of
// the event or that of censoring.
func KaplanMeier(times []float64, observed []bool, confidence float64) Curve {
	tail := tails(confidence)
	subjects := newLifetimes(times, observed)
	c := Curve{N: len(subjects)}
	z := distuv.UnitNormal.Quantile(1 - tail)
	survival, greenwood, high := 1.0, 0.0, 1.0
	for _, moment := range subjects.moments() {
		c.End = moment.time
		for range moment.censored {
			c.Censored = append(c.Censored, moment.time)
		}
		if moment.events == 0 {
			continue
		}
		d, n := float64(moment.events), float64(moment.atRisk)
		survival *= 1 - d/n
		greenwood += d / (n * (n - d))
		step := Step{Time: moment.time, AtRisk: moment.atRisk, Events: moment.events, Survival: survival}
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
		c.Events += moment.events
	}
	c.Median = c.median(len(times), subjects.watchedTo(tail))
	c.Warnings = c.Median.Warnings
	return c
}

func logLog(survival, greenwood, z float64) Interval {
	width := z * math.Sqrt(greenwood) / math.Abs(math.Log(survival))
	return Interval{math.Pow(survival, math.Exp(width)), math.Pow(survival, math.Exp(-width))}
}

// median takes the number of times before unusable ones were left out, and how
// long enough subjects were watched to tell.
func (c *Curve) median(all int, watched float64) Estimate {
	e := Estimate{Value: math.Inf(1), Interval: Interval{math.Inf(1), math.Inf(1)}, N: c.N}
	e.warnDropped(all, "times")
	if c.N == 0 {
		e.Value, e.Interval = math.NaN(), Interval{0, math.Inf(1)}
		e.warn("no times")
		return e
	}
	e.Value = c.halfway()
	e.Low = c.firstBelowHalf(func(s Step) float64 { return s.Low })
	e.High = c.firstBelowHalf(func(s Step) float64 { return s.High })
	if math.IsInf(e.Low, 1) {
		e.Low = watched
		if len(c.Steps) > 0 {
			e.Low = math.Max(e.Low, c.Steps[len(c.Steps)-1].Time)
		}
	}
	if c.Events == 0 {
		e.warn("no event in %d subjects: the median is beyond all that was watched", c.N)
	}
	return e
}

// nearHalf forgives the rounding of a product of fractions.
const nearHalf = 0.5 + 1e-12

func (c *Curve) firstBelowHalf(of func(Step) float64) float64 {
	for _, s := range c.Steps {
		if of(s) <= nearHalf {
			return s.Time
		}
	}
	return math.Inf(1)
}

// halfway is where the curve crosses a half. A curve that rests at a half has
// its median in the middle of that rest, as for the median of an even number of
// values.
func (c *Curve) halfway() float64 {
	for i, s := range c.Steps {
		if s.Survival > nearHalf {
			continue
		}
		if math.Abs(s.Survival-0.5) < nearHalf-0.5 && i+1 < len(c.Steps) {
			return (s.Time + c.Steps[i+1].Time) / 2
		}
		return s.Time
	}
	return math.Inf(1)
}

// lifetime is what is known of one subject: the event came at time, or had not
// come by then.
type lifetime struct {
	time     float64
	observed bool
}

type lifetimes []lifetime

// newLifetimes leaves out times that cannot be, and sorts.
func newLifetimes(times []float64, observed []bool) lifetimes {
	checkPaired("times and observed", len(times), len(observed))
	ls := make(lifetimes, 0, len(times))
	for i, t := range times {
		if finite(t) && t >= 0 {
			ls = append(ls, lifetime{t, observed[i]})
		}
	}
	return ls.sorted()
}

func (ls lifetimes) sorted() lifetimes {
	slices.SortFunc(ls, func(a, b lifetime) int { return cmp.Compare(a.time, b.time) })
	return ls
}

// moment is all that happened at one time.
type moment struct {
	time             float64
	atRisk           int // just before
	events, censored int
}

func (ls lifetimes) moments() []moment {
	var ms []moment
	for i, l := range ls {
		if i == 0 || l.time != ls[i-1].time {
			ms = append(ms, moment{time: l.time, atRisk: len(ls) - i})
		}
		m := &ms[len(ms)-1]
		if l.observed {
			m.events++
		} else {
			m.censored++
		}
	}
	return ms
}

// watchedTo is the longest time to which so many subjects were watched that
// they would not all have got there if the median were shorter: the chance of
// that is a half for each, and must be at most tail for all. 0 if there never
// were so many.
func (ls lifetimes) watchedTo(tail float64) float64 {
	enough := int(math.Ceil(-math.Log2(tail)))
	if len(ls) < enough {
		return 0
	}
	return ls[len(ls)-enough].time
}
