package inference

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Rate estimates events per unit of exposure from runs.
func Rate(events, exposure []float64, confidence float64) Estimate {
	tail := tails(confidence)
	checkPaired("events and exposure", len(events), len(exposure))
	e := Estimate{Value: math.NaN(), Interval: Interval{0, math.Inf(1)}}
	var sum, total float64
	var n int
	for i := range events {
		sum += events[i]
		total += exposure[i]
		n++
	}
	e.N = n
	if total <= 0 {
		e.warn("no exposure")
		return e
	}
	e.Value = sum / total
	e.Low, e.High = garwood(sum, tail)
	e.Low /= total
	e.High /= total
	return e
}

// garwood is the exact interval of a Poisson mean from one count (F. Garwood,
// Fiducial Limits for the Poisson Distribution, Biometrika 28 (1936) 437-442).
func garwood(count, tail float64) (low, high float64) {
	if count > 0 {
		low = distuv.Gamma{Alpha: count, Beta: 1}.Quantile(tail)
	}
	return low, distuv.Gamma{Alpha: count + 1, Beta: 1}.Quantile(1 - tail)
}
