package inference

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

// simulations for each case of a coverage test. The share that covers is then
// known to about one percent (two standard errors).
const simulations = 2000

const seed = 20240504

// newRand makes each test repeatable on its own and says how.
func newRand(t *testing.T) *rand.Rand {
	t.Helper()
	t.Logf("seed %d, %d simulations", seed, simulations)
	return rand.New(rand.NewPCG(seed, 0))
}

// machine is a simulated shared machine: what a trial yields on it depends on a
// random walk, on the round, on noise of its own, and on a stall now and then.
type machine struct {
	*rand.Rand
	noise  float64 // largest deviation of one trial
	stalls float64 // share of trials hit by one
	drift  float64 // logarithm of the speed
}

const (
	driftStep  = 0.02 // standard deviation of the walk from trial to trial
	roundNoise = 0.20 // largest deviation that a round has in common
)

// trial is the throughput of a program of the given speed, within a round.
func (m *machine) trial(speed, round float64) float64 {
	m.drift += driftStep * m.NormFloat64()
	y := speed * math.Exp(m.drift) * round * (1 + m.noise*m.spread())
	if m.Float64() < m.stalls {
		y *= 0.3 + 0.6*m.Float64()
	}
	return y
}

func (m *machine) spread() float64 { return 2*m.Float64() - 1 }

// rounds runs programs of these speeds, in random order within each round, and
// gives the throughputs of each program by round.
func (m *machine) rounds(n int, speeds ...float64) [][]float64 {
	m.drift = 0
	out := make([][]float64, len(speeds))
	for i := range out {
		out[i] = make([]float64, n)
	}
	for r := range n {
		round := 1 + roundNoise*m.spread()
		for _, i := range m.Perm(len(speeds)) {
			out[i][r] = m.trial(speeds[i], round)
		}
	}
	return out
}

// process is a way for damage to come: events in one trial of that exposure.
type process func(r *rand.Rand, exposure float64) float64

// singly makes events come one by one.
func singly(rate float64) process {
	return func(r *rand.Rand, exposure float64) float64 { return poisson(r, rate*exposure) }
}

// unlikeTrials makes the rate differ between trials by a gamma distribution of that
// shape: events are negative binomial.
func unlikeTrials(rate, shape float64) process {
	return func(r *rand.Rand, exposure float64) float64 {
		return poisson(r, exposure*distuv.Gamma{Alpha: shape, Beta: shape / rate, Src: r}.Rand())
	}
}

// clustered makes clusters come one by one, of geometric size.
func clustered(rate, size float64) process {
	return func(r *rand.Rand, exposure float64) float64 {
		var events float64
		for range int(poisson(r, rate/size*exposure)) {
			events += 1 + math.Floor(math.Log(1-r.Float64())/math.Log(1-1/size))
		}
		return events
	}
}

func poisson(r *rand.Rand, mean float64) float64 {
	if mean <= 0 {
		return 0
	}
	return distuv.Poisson{Lambda: mean, Src: r}.Rand()
}

// covers counts how many intervals hold the truth.
type covers struct{ held, all int }

func (c *covers) add(i Interval, truth float64) {
	c.all++
	if i.Contains(truth) {
		c.held++
	}
}

func (c *covers) within(t *testing.T, what string, least, most float64) {
	t.Helper()
	share := float64(c.held) / float64(c.all)
	t.Logf("%s: %.1f %%", what, 100*share)
	if share < least || share > most {
		t.Errorf("%s: %.1f %% of the intervals hold the truth, want %.1f to %.1f %%", what, 100*share, 100*least, 100*most)
	}
}

// share is how often something happened, which must be seldom.
func wantSeldom(t *testing.T, what string, k, n int, most float64) {
	t.Helper()
	share := float64(k) / float64(n)
	t.Logf("%s: %.1f %%", what, 100*share)
	if share > most {
		t.Errorf("%s in %.1f %% of cases, want %.1f %% at most", what, 100*share, 100*most)
	}
}
