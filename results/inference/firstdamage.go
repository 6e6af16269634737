package inference

import "math"

// FirstDamage estimates how often a first damage comes for each attempt, from
// lives of a server of which damaged ended in one after attempts in all: those
// of damaged lives up to their first damage, those of others to their end. The
// interval is Garwood's (see [Rate]), two-sided; with no damaged life its upper
// end is the one-sided bound, 3.00 events at 95 %. A life can be counted once
// only, so there are no clusters within one.
//
// Some lives may be more at risk than others: then the risk falls with age,
// because those at risk leave first, and the bound still holds for every number
// of attempts that is at least that of the longest life. It says nothing about
// damage whose risk rises with age, such as leaks, wrap-around, or a reseed after
// many requests.
func FirstDamage(damaged int, attempts, confidence float64) Estimate {
	tail := tails(confidence)
	e := Estimate{Value: math.NaN(), Interval: Interval{0, math.Inf(1)}, N: damaged}
	if !(attempts > 0) || damaged < 0 {
		e.warn("no attempts")
		return e
	}
	if damaged == 0 {
		tail = 1 - confidence
	}
	low, high := garwood(float64(damaged), tail)
	e.Value, e.Low, e.High = float64(damaged)/attempts, low/attempts, high/attempts
	return e
}

// Rarer bounds from above how often damage comes under a fix that showed none in
// its attempts, relative to a control of which damaged lives were damaged after
// controlAttempts in all. It is exact where the risk of an attempt is constant:
// twice the risk times the attempts of the control then has a chi-squared
// distribution with twice damaged degrees of freedom, and the ratio one of
// Fisher and Snedecor. +Inf without a damaged life of the control, or attempts.
func Rarer(attempts float64, damaged int, controlAttempts, confidence float64) float64 {
	checkLevel("confidence", confidence)
	if !(attempts > 0) || !(controlAttempts > 0) || damaged < 1 {
		return math.Inf(1)
	}
	// The quantile of F(2, 2d) has a closed form: its survival function is
	// (1 + x/d)^-d.
	d := float64(damaged)
	quantile := d * math.Expm1(-math.Log1p(-confidence)/d)
	return quantile * controlAttempts / d / attempts
}

// LateLife is the life from which on a first damage is late, for [LivesForFamily].
const LateLife = 6

// Simulation (TestFamilyOfCells) gives a family-wise error of at most 4.9 % with
// lateError and lateWeight; with a weight of 1 it is up to 5.6 %.
const lateError, lateWeight = 0.045, 1.25

// LivesForFamily is how many undamaged lives each cell of a map needs for the
// statement that, with 95 % confidence, none of the cells without damage is
// damaged in bound of its lives or more. late is the number of cells whose first
// damage came in [LateLife] or later: cells that could be missed show up late, so
// where none does, hardly more lives are needed than for a single cell. A cell that
// is damaged in most of its lives comes in its second or third too, now and then;
// it could not be missed, and is not counted. parts is how many parts of the map
// decide by themselves, each with its share of the error. The rule is found by
// simulation at a bound of 5 % and not proved in general; it assumes independent
// lives and a constant risk.
func LivesForFamily(late, parts int, bound float64) int {
	checkLevel("bound", bound)
	return int(math.Ceil(math.Log(lateError/float64(parts)/(1+lateWeight*float64(late))) / math.Log1p(-bound)))
}
