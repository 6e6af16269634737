package inference

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Proportion estimates the probability of something that happened in k of n
// independent trials, with the exact two-sided interval of C. J. Clopper and E. S.
// Pearson, The use of confidence or fiducial limits illustrated in the case of
// the binomial, Biometrika 26 (1934) 404-413. Its confidence is never below the
// one asked for, and mostly above.
func Proportion(k, n int, confidence float64) Estimate {
	tail := tails(confidence)
	e := Estimate{Value: math.NaN(), Interval: Interval{0, 1}, N: n}
	if !validCount(k, n) {
		e.warn("%d of %d trials is not a proportion", k, n)
		return e
	}
	e.Value = float64(k) / float64(n)
	e.Low, e.High = proportionLow(k, n, tail), proportionHigh(k, n, tail)
	return e
}

// ProportionUpper is the exact one-sided upper bound of the probability of
// something that happened in k of n independent trials: the Clopper-Pearson bound
// with the whole error in one tail. For k = 0 it is 1-(1-confidence)^(1/n), so
// that 59 trials without an event bound the probability to 5 % at 95 %. It is 1
// where k of n is not a proportion.
func ProportionUpper(k, n int, confidence float64) float64 {
	checkLevel("confidence", confidence)
	if !validCount(k, n) {
		return 1
	}
	return proportionHigh(k, n, 1-confidence)
}

// TrialsFor is how many trials without an event bring [ProportionUpper] down to
// the bound: 59 for 5 % at 95 %. It is what to plan for, and what to name where
// trials are too few. It panics on a bound outside (0, 1).
func TrialsFor(bound, confidence float64) int {
	checkLevel("bound", bound)
	checkLevel("confidence", confidence)
	return int(math.Ceil(math.Log1p(-confidence) / math.Log1p(-bound)))
}

func validCount(k, n int) bool { return n > 0 && k >= 0 && k <= n }

func proportionLow(k, n int, tail float64) float64 {
	if k == 0 {
		return 0
	}
	// The closed form where it exists, as in proportionHigh: at extreme
	// confidence the search for the quantile is wrong in the second digit.
	if k == n {
		return math.Exp(math.Log(tail) / float64(n))
	}
	return distuv.Beta{Alpha: float64(k), Beta: float64(n - k + 1)}.Quantile(tail)
}

func proportionHigh(k, n int, tail float64) float64 {
	if k == n {
		return 1
	}
	// The closed form where it exists: quantiles next to 1 cost digits.
	if k == 0 {
		return -math.Expm1(math.Log(tail) / float64(n))
	}
	return distuv.Beta{Alpha: float64(k + 1), Beta: float64(n - k)}.Quantile(1 - tail)
}

// FisherExact is the two-sided p-value of Fisher's exact test that something
// which happened in k1 of n1 and in k2 of n2 trials has the same probability in
// both (R. A. Fisher, The Logic of Inductive Inference, Journal of the Royal
// Statistical Society 98 (1935) 39-82). Two-sided means the total probability of
// all tables with the same margins that are no more likely than the one seen,
// as in R's fisher.test (A. Agresti, A Survey of Exact Inference for Contingency
// Tables, Statistical Science 7 (1992) 131-153, section 2.1, method b). NaN for
// counts that are not k of n.
func FisherExact(k1, n1, k2, n2 int) float64 {
	if !validCount(k1, n1) || !validCount(k2, n2) {
		return math.NaN()
	}
	hits := k1 + k2
	least := max(0, hits-n2)
	probs := hypergeometric(n1, n2, hits)
	// Tables equally likely in theory differ in the last digits; R's tolerance.
	seen := probs[k1-least] * (1 + 1e-7)
	var p float64
	for _, q := range probs {
		if q <= seen {
			p += q
		}
	}
	return math.Min(p, 1)
}

// hypergeometric gives the probabilities of all possible shares that the first
// of two groups can have in a number of hits, from the least possible one up.
// The logarithms are summed from one share to the next, not taken from
// factorials, whose digits cancel for large groups.
func hypergeometric(n1, n2, hits int) []float64 {
	least, most := max(0, hits-n2), min(n1, hits)
	logs := make([]float64, most-least+1)
	var top float64
	for i := 1; i < len(logs); i++ {
		k := least + i
		odds := float64(n1-k+1) * float64(hits-k+1) / (float64(k) * float64(n2-hits+k))
		logs[i] = logs[i-1] + math.Log(odds)
		top = math.Max(top, logs[i])
	}
	var sum float64
	for i := range logs {
		logs[i] = math.Exp(logs[i] - top)
		sum += logs[i]
	}
	for i := range logs {
		logs[i] /= sum
	}
	return logs
}

// FisherLeast is the smallest p-value that [FisherExact] can give for groups of
// n1 and n2 trials with hits in all: all of them in one group, as far as it goes.
func FisherLeast(hits, n1, n2 int) float64 {
	if hits < 0 || hits > n1+n2 || n1 <= 0 || n2 <= 0 {
		return math.NaN()
	}
	most := min(n1, hits)
	least := max(0, hits-n2)
	return math.Min(FisherExact(most, n1, hits-most, n2), FisherExact(least, n1, hits-least, n2))
}

// Rate estimates events per unit of exposure, say for each million handshakes,
// from the events and the exposure of each trial. The value is the ratio of the
// sums; the interval takes the spread from trial to trial into account, because
// events come in clusters: one damaged structure makes many.
//
// Its parts, all from the gamma distribution that F. Garwood's exact Poisson
// interval is made of (Fiducial Limits for the Poisson Distribution, Biometrika
// 28 (1936) 437-442):
//
//   - Garwood's interval itself, the answer where events come one by one: the
//     result is never narrower. It is the whole answer for a single trial and for
//     no events at all, where its upper end is 3.69 events at 95 %.
//   - The lower end for a variance in proportion to the rate, as when a higher
//     rate means more clusters: Garwood's with count and limits divided by the
//     dispersion between trials, the quasi-Poisson model (P. McCullagh and J. A.
//     Nelder, Generalized Linear Models, 2nd edition 1989, section 6.2).
//   - The upper end for a variance in proportion to the square of the rate, as
//     when a higher rate means larger clusters, or trials of a different kind: a
//     gamma distribution that has the mean and variance seen (the matching of M.
//     P. Fay and E. J. Feuer, Confidence Intervals for Directly Standardized
//     Rates, Statistics in Medicine 16 (1997) 791-801).
//
// Which of the two models holds cannot be seen in a few trials, so each end is
// the more careful one. The variance is that of a ratio estimator (W. G.
// Cochran, Sampling Techniques, 3rd edition 1977, section 2.11), known from few
// trials and therefore enlarged by the square of Student's t over the normal
// quantile.
//
// The combination was chosen by simulation, on 6 to 20 trials of unequal exposure
// with negative-binomial events (0.5 to 50 a trial, shape 0.3 to 3) and with
// Poisson clusters of geometric size (0.5 to 5 clusters a trial, mean size 2 to
// 30). Garwood's interval alone covered 14 to 94 % of these, t on the log scale
// 87 to 98 %, the quasi-Poisson interval 85 to 97 %, a trial-level bootstrap-t 89
// to 96 % (at times without an upper end), Hall's skewness-corrected t 87 to
// 99 %, and this one 94 to 99 %, at the price of a high upper end where only one
// or two trials have events. What no method can do is to bound a rate from trials
// that by chance missed all clusters: where the chance of no event in any trial is
// above 5 %, say with fewer than three clusters expected in all trials together,
// coverage falls below 93 %. [Proportion] of the damaged trials is right even
// there.
func Rate(events, exposure []float64, confidence float64) Estimate {
	tail := tails(confidence)
	s := addEvents(events, exposure)
	e := Unknown(s.trials)
	e.warnDropped(len(events), "trials")
	if s.exposure <= 0 {
		e.warn("no exposure")
		return e
	}
	e.Value = s.events / s.exposure
	low, high := s.limits(tail)
	e.Low, e.High = low/s.exposure, high/s.exposure
	switch {
	case s.hit == 0:
		e.warn("no event in %d trials: the bound holds for events that come one by one; of events in clusters it bounds the clusters", s.trials)
	case s.trials == 1:
		e.warn("one trial: the spread between trials is unknown, the interval holds for events that come one by one")
	case s.hit < 3:
		e.warn("events in only %d of %d trials: the upper end is little more than a guess", s.hit, s.trials)
	}
	return e
}

// eventSums is what the interval rests on: the sums over all trials, and the
// variance of the sum of events given the exposures.
type eventSums struct {
	trials, hit                int // hit: with events
	events, exposure, variance float64
}

// addEvents leaves out what cannot be, and trials that saw nothing because there
// was nothing to see. A trial that had an event before its first unit of exposure
// stays.
func addEvents(events, exposure []float64) eventSums {
	checkPaired("events and exposure", len(events), len(exposure))
	var s eventSums
	var kept []int
	for i, n := range events {
		if !finite(n) || !finite(exposure[i]) || n < 0 || exposure[i] < 0 || n+exposure[i] == 0 {
			continue
		}
		kept = append(kept, i)
		s.events += n
		s.exposure += exposure[i]
		if n > 0 {
			s.hit++
		}
	}
	s.trials = len(kept)
	if s.trials < 2 || s.exposure <= 0 {
		return s
	}
	rate := s.events / s.exposure
	for _, i := range kept {
		rest := events[i] - rate*exposure[i]
		s.variance += rest * rest
	}
	n := float64(s.trials)
	s.variance *= n / (n - 1)
	return s
}

// limits is the interval of the expected sum of events.
func (s eventSums) limits(tail float64) (low, high float64) {
	low, high = garwood(s.events, tail)
	if s.trials < 2 || s.events == 0 {
		return low, high
	}
	few := tQuantile(tail, s.trials-1) / distuv.UnitNormal.Quantile(1-tail)
	variance := s.variance * few * few
	// No condition on the variance: with one event and equal exposures it equals
	// the events, and how the sum is rounded would decide.
	dispersion := math.Max(1, variance/s.events)
	quasi, _ := garwood(s.events/dispersion, tail)
	low = math.Min(low, quasi*dispersion)
	// Not only where trials differ more than single events would: with few
	// trials they often do not, though the events are clustered.
	if variance > 0 {
		shape := s.events * s.events / variance
		// A shape near zero gives a quantile of zero: nothing bounds the rate.
		least := gammaQuantile(shape, tail) / shape
		high = math.Max(high, s.events/least)
	}
	return low, high
}

// garwood is the exact interval of a Poisson mean from one count.
func garwood(count, tail float64) (low, high float64) {
	if count > 0 {
		low = gammaQuantile(count, tail)
	}
	return low, gammaQuantile(count+1, 1-tail)
}

// gammaQuantile is the quantile of the gamma distribution with that shape and
// scale 1. Close to zero, where gonum's search loses its digits, the
// distribution function is the first term of its series, x^shape/Gamma(shape+1)
// (M. Abramowitz and I. A. Stegun, Handbook of Mathematical Functions, 1964,
// 6.5.29).
func gammaQuantile(shape, p float64) float64 {
	lg, _ := math.Lgamma(shape + 1)
	if x := math.Exp((math.Log(p) + lg) / shape); x < 1e-10 {
		return x
	}
	return distuv.Gamma{Alpha: shape, Beta: 1}.Quantile(p)
}

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
	e := Unknown(damaged)
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
