package results

import (
	"encoding/json"
	"math"

	"tlsbench/results/inference"
)

// Figure is a value with its interval, and what a reader has to know before
// trusting it. What cannot be computed is NaN, an open end is infinite.
type Figure struct {
	Value, Low, High float64
	N                int // trials, or rounds where trials are paired
	Warnings         []string
}

func figure(e inference.Estimate) Figure {
	return Figure{e.Value, e.Low, e.High, e.N, e.Warnings}
}

// Known reports whether there is a value.
func (f Figure) Known() bool { return f.N > 0 && !math.IsNaN(f.Value) }

// MarshalJSON writes null for what JSON has no number for.
func (f Figure) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Value    *float64 `json:"value"`
		Low      *float64 `json:"low"`
		High     *float64 `json:"high"`
		N        int      `json:"n"`
		Warnings []string `json:"warnings,omitempty"`
	}{finite(f.Value), finite(f.Low), finite(f.High), f.N, f.Warnings})
}

func finite(x float64) *float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return &x
}

// rate estimates events for each million of exposure. Nothing seen gives the
// one-sided upper bound: its High is that of the two-sided interval with twice
// the error.
func rate(events, exposure []float64, confidence float64) Figure {
	total := 0.0
	for _, n := range events {
		total += n
	}
	if total == 0 {
		confidence = 2*boundConfidence - 1
	}
	f := figure(inference.Rate(events, exposure, confidence))
	f.Value, f.Low, f.High = 1e6*f.Value, 1e6*f.Low, 1e6*f.High
	if total == 0 {
		return f
	}
	return f.ofMore("trials")
}

// ofMore takes the interval from a figure of two values: it would run over tens
// of orders of magnitude, and say nothing.
func (f Figure) ofMore(what string) Figure {
	if f.N == 2 {
		f.Low, f.High = 0, math.Inf(1)
		f.Warnings = []string{"no interval from 2 " + what}
	}
	return f
}

// proportion estimates the probability of what happened in k of n trials,
// with the one-sided bound where it never did.
func proportion(k, n int, confidence float64) Figure {
	if n == 0 {
		return Figure{Value: math.NaN(), Low: 0, High: 1}
	}
	f := figure(inference.Proportion(k, n, confidence))
	if k == 0 {
		f.High = inference.ProportionUpper(0, n, boundConfidence)
	}
	return f
}

// MarshalJSON gives the verdict with its words as text.
func (v Verdict) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Words   []Word  `json:"words"`
		Damaged int     `json:"damaged"`
		Trials  int     `json:"trials"`
		Failed  int     `json:"failed,omitempty"`
		Idle    int     `json:"idle,omitempty"`
		Tries   uint64  `json:"attempts"`
		Upper   float64 `json:"upper"`
		Reason  string  `json:"reason,omitempty"`
	}{v.Words, v.Damaged, v.Trials, v.Failed, v.Idle, uint64(v.Attempts), v.Upper, v.Reason})
}

// MarshalJSON is needed because that of Figure would hide the rest.
func (r Ratio) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Ratio    Figure   `json:"ratio"`
		P        *float64 `json:"p"`
		Adjusted *float64 `json:"p_adjusted"`
		Same     bool     `json:"same"`
	}{r.Figure, finite(r.P), finite(r.Adjusted), r.Same})
}
