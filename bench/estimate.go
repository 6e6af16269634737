package bench

import (
	"time"

	"github.com/VividCortex/ewma"

	"tlsbench/results"
)

// startUp is a guess at what a trial takes beside its load, until one is done.
const startUp = 150 * time.Millisecond

// daemonStart is what a daemon takes more.
const daemonStart = time.Second

// sharingGuess is one for the load of a sharing trial.
const sharingGuess = 3 * time.Second

// meanAge is the mean age, in trials, of what the moving average is made of.
const meanAge = 10

// class is the trials that take about as long as each other.
type class struct {
	measure results.Measure
	check   bool
	daemon  bool
	memory  string // of a trial of forks
}

func (c Cell) class() class {
	return class{c.Measure, c.checkRate > 0, c.server != nil, c.Setting("mem")}
}

// estimator tells the time left from the trials so far: an exponentially
// weighted mean for each class, so that it follows a machine that slows down.
type estimator struct {
	mean map[class]ewma.MovingAverage
	seen map[class]bool
	left map[class]int
}

func newEstimator() *estimator {
	return &estimator{mean: map[class]ewma.MovingAverage{}, seen: map[class]bool{}, left: map[class]int{}}
}

// expect counts a trial that is still to be run.
func (e *estimator) expect(c Cell, s Spec) {
	k := c.class()
	e.left[k]++
	if e.mean[k] == nil {
		e.mean[k] = ewma.NewMovingAverage(meanAge)
		e.mean[k].Set(float64(s.length(c) + startUp))
	}
}

// took counts a trial that is done.
func (e *estimator) took(c Cell, d time.Duration) {
	k := c.class()
	e.left[k]--
	if !e.seen[k] {
		// A measurement is worth more than the guess it replaces.
		e.mean[k].Set(float64(d))
		e.seen[k] = true
		return
	}
	e.mean[k].Add(float64(d))
}

// remaining is the time left.
func (e *estimator) remaining() time.Duration {
	var sum float64
	for k, n := range e.left {
		sum += float64(n) * e.mean[k].Value()
	}
	return time.Duration(sum)
}

// length is how long a trial of the cell is under load.
func (s Spec) length(c Cell) time.Duration {
	if c.fork != nil {
		return forkLength(c.fork)
	}
	if c.server != nil {
		return s.Daemon.Duration + daemonStart
	}
	if c.Measure == results.Sharing {
		return sharingGuess
	}
	if c.Measure == results.Handshake {
		return s.Warmup + s.HandshakeTime
	}
	return s.CorruptionTime
}

// Estimate is the time that this shard of the plan should take.
func (p *Plan) Estimate() time.Duration {
	e := newEstimator()
	for t := range p.Tasks() {
		e.expect(t.Cell, p.Spec)
	}
	return e.remaining()
}
