package plots

import (
	"math"
	"strconv"
	"strings"
)

// figures3 prints three significant figures, thousands as k, millions as M.
func figures3(x float64) string {
	switch a := math.Abs(x); {
	case math.IsNaN(x):
		return "?"
	case math.IsInf(x, -1):
		return "-∞"
	case math.IsInf(x, 1):
		return "∞"
	case a >= 999.5e6:
		return trim(x/1e9) + "G"
	case a >= 999.5e3:
		return trim(x/1e6) + "M"
	case a >= 9995:
		return trim(x/1e3) + "k"
	}
	return trim(x)
}

func trim(x float64) string {
	if a := math.Abs(x); a >= 1000 {
		return strconv.FormatFloat(x, 'f', 0, 64)
	}
	s := strconv.FormatFloat(x, 'g', 3, 64)
	if mantissa, exponent, ok := strings.Cut(s, "e"); ok && math.Abs(x) >= 1e-4 {
		s = strconv.FormatFloat(x, 'f', -1, 64)
		if len(s) > 9 {
			s = mantissa + "e" + exponent
		}
	}
	return s
}

// duration prints nanoseconds in the unit a person would use.
func duration(ns float64) string {
	switch a := math.Abs(ns); {
	case math.IsInf(ns, 0) || math.IsNaN(ns):
		return figures3(ns)
	case a >= 999.5e6:
		return trim(ns/1e9) + " s"
	case a >= 999.5e3:
		return trim(ns/1e6) + " ms"
	case a >= 999.5:
		return trim(ns/1e3) + " µs"
	}
	return trim(ns) + " ns"
}

// percent prints a share.
func percent(x float64) string { return trim(100*x) + " %" }

// ratio prints a ratio to the baseline.
func ratio(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return figures3(x)
	}
	return strconv.FormatFloat(x, 'f', 3, 64)
}

// shortRatio is for ticks.
func shortRatio(x float64) string { return strconv.FormatFloat(x, 'g', 4, 64) }

// byUnit gives the printer of a metric's unit.
func byUnit(unit string) func(float64) string {
	if strings.Contains(unit, "ns") {
		return duration
	}
	return figures3
}

// roundUp rounds to three figures away from zero, so that a bound stays one.
func roundUp(x float64) float64 { return ceilTo(x, 3) }

// ceilTo rounds up to some figures.
func ceilTo(x float64, figures int) float64 {
	if x <= 0 || math.IsInf(x, 0) || math.IsNaN(x) {
		return x
	}
	step := math.Pow(10, math.Floor(math.Log10(x))-float64(figures-1))
	return math.Ceil(x/step-1e-9) * step
}

// between prints an interval in brackets.
func between(low, high float64, print func(float64) string) string {
	if math.IsInf(low, 0) && math.IsInf(high, 0) || math.IsNaN(low) {
		return "[no interval: too few]"
	}
	return "[" + print(low) + ", " + print(high) + "]"
}
