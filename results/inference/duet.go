package inference

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// duetTrim is the share of blocks left out at each end of a pair's blocks.
const duetTrim = 5

// DuetPair is the log ratio of costs in one pair of processes: the 20 % trimmed
// mean over the log ratios of its blocks. A block is two slices of either side in
// random order, so that drift on a larger scale cancels, and a disturbance that
// hits a slice is trimmed. NaN without blocks.
//
// The pair is the unit to infer from, not the block: two processes of the same
// program differ by some tenths of a percent, because their memory lies
// otherwise, and all blocks of a pair share that. Blocks pooled as if they were
// independent give intervals that cover the truth in 37 to 56 % of cases.
// [PairedRatio] and [Equivalent] take the values of pairs.
func DuetPair(blocks []float64) float64 {
	sorted := slices.Sorted(slices.Values(keepFinite(blocks)))
	if len(sorted) == 0 {
		return math.NaN()
	}
	trim := len(sorted) / duetTrim
	return stat.Mean(sorted[trim:len(sorted)-trim], nil)
}

// Duet settings of the rule when a comparison has enough pairs.
const (
	DuetFirst = 20     // pairs that are always made
	DuetMost  = 80     // pairs after which it ends in any case
	DuetWidth = 0.0025 // half width, on the log scale, at which it ends
)

// DuetDone reports whether a comparison has enough pairs: at least DuetFirst,
// and then as many as make the half width of the 95 % interval at most DuetWidth,
// or DuetMost. The rule looks at the width alone. One that looked at the verdict
// would stop when chance pleases: "equivalent" would be wrong in 15 % of cases
// instead of 5 %.
func DuetDone(pairs []float64) bool {
	kept := keepFinite(pairs)
	switch {
	case len(pairs) >= DuetMost:
		return true
	case len(kept) < DuetFirst:
		return false
	}
	i := locate(kept).interval(tails(0.95))
	return (i.High-i.Low)/2 <= DuetWidth
}

// Components is where the spread of a duet comes from: the standard deviations
// between pairs and between the blocks of one, on the log scale, and the
// correlation of a block with the next one of its pair.
type Components struct {
	Between, Within float64
	Lag1            float64
}

// DuetComponents estimates the components by analysis of variance from the log
// ratios of the blocks of each pair. The variance between pairs is what the means
// of pairs vary more than their blocks explain, at least zero.
func DuetComponents(pairs [][]float64) Components {
	var within, freedom, lag, square float64
	var means []float64
	var count float64
	for _, blocks := range pairs {
		if len(blocks) < 2 {
			continue
		}
		mean, variance := stat.MeanVariance(blocks, nil)
		means = append(means, mean)
		count += float64(len(blocks))
		within += variance * float64(len(blocks)-1)
		freedom += float64(len(blocks) - 1)
		for i, b := range blocks {
			square += (b - mean) * (b - mean)
			if i > 0 {
				lag += (b - mean) * (blocks[i-1] - mean)
			}
		}
	}
	if len(means) < 2 {
		return Components{math.NaN(), math.NaN(), math.NaN()}
	}
	within /= freedom
	between := stat.Variance(means, nil) - within*float64(len(means))/count
	c := Components{Between: math.Sqrt(math.Max(0, between)), Within: math.Sqrt(within)}
	if square > 0 {
		c.Lag1 = lag / square
	}
	return c
}
