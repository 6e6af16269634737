package results

import "tlsbench/results/inference"

// AASummary is what a strategy against itself came to in one metric: the rule
// of "tlsbench check --aa", for a figure and its text.
type AASummary struct {
	Unit string
	// Comparisons of eight rounds, from trials of their own: the ratio of each,
	// and how many differ, by the interval and by the signed-rank test.
	Ratios         []float64
	Interval, Rank int
	// Tables, and those that have a difference after Holm's correction.
	Tables, Any int
	Left        int // rounds that fill no table
}

// SummarizeAA reads results files of "tlsbench run --aa". A metric without a
// comparison is left out.
func SummarizeAA(files ...string) ([]AASummary, error) {
	g, err := gather(nil, files...)
	if err != nil {
		return nil, err
	}
	var list []AASummary
	for _, unit := range aaUnits {
		var c aaCount
		s := AASummary{Unit: unit}
		for _, scene := range g.sorted() {
			for _, names := range aaGroups(g.scenes[scene]) {
				c.add(g.scenes[scene], names, unit)
				s.addRatios(g.scenes[scene], names)
			}
		}
		s.Interval, s.Rank, s.Tables, s.Any, s.Left = c.interval, c.rank, c.tables, c.any, c.left
		if len(s.Ratios) > 0 {
			list = append(list, s)
		}
	}
	return list, nil
}

// addRatios estimates what aaCount.table tests, in the same pairs.
func (s *AASummary) addRatios(samples map[string]*sample, names []string) {
	rows, _ := aaRows(samples, names, s.Unit)
	for ; len(rows) >= minSignedRank; rows = rows[minSignedRank:] {
		for i := 0; i+1 < len(names); i += 2 {
			var a, b []float64
			for _, row := range rows[:minSignedRank] {
				a, b = append(a, row[i]), append(b, row[i+1])
			}
			s.Ratios = append(s.Ratios, inference.PairedRatio(b, a, 1-checkAlpha).Value)
		}
	}
}
