package inference

import (
	"cmp"
	"math"
	"slices"
)

// Holm adjusts the p-values of one table so that the chance of any false
// finding in the whole table stays below the level they are compared with,
// whatever their dependence (S. Holm, A Simple Sequentially Rejective Multiple
// Test Procedure, Scandinavian Journal of Statistics 6 (1979) 65-70). The order
// is kept. NaN stands for a test that could not be made: it stays NaN and does
// not count, as in R's p.adjust.
func Holm(p []float64) []float64 {
	adjusted := slices.Clone(p)
	order := make([]int, 0, len(p))
	for i, v := range p {
		if !math.IsNaN(v) {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(p[i], p[j]) })
	var least float64 // adjusted values must not fall as raw ones rise
	for rank, i := range order {
		least = math.Max(least, p[i]*float64(len(order)-rank))
		adjusted[i] = math.Min(1, least)
	}
	return adjusted
}
