package plots

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"tlsbench/results"
	"tlsbench/strategies/catalogue"
)

// drawer draws up one figure, at its place among the others.
type drawer struct {
	place int
	draw  func(*Data) *Figure
}

var drawers []drawer

// register gives a figure its place on the report page. A figure's own file can
// call it; the first nine stand here together, so that their order can be seen.
func register(place int, draw func(*Data) *Figure) bool {
	drawers = append(drawers, drawer{place, draw})
	slices.SortStableFunc(drawers, func(a, b drawer) int { return cmp.Compare(a.place, b.place) })
	return true
}

var (
	_ = register(1, verdictMap)
	_ = register(2, corruption)
	_ = register(3, survival)
	_ = register(4, throughput)
	_ = register(5, scaling)
	_ = register(6, forkLatency)
	_ = register(7, laterCost)
	_ = register(8, threadKeys)
	_ = register(9, drift)
)

// Figures draws up all figures of the data, also those there is no data for.
func Figures(d *Data) []*Figure {
	var list []*Figure
	for _, drawer := range drawers {
		list = append(list, drawer.draw(d))
	}
	for _, f := range list {
		f.libraries = d.libraries
		if plain := f.Caption; f.words == nil {
			f.words = func([]*Panel, tally) string { return plain }
			f.libraries = func([]string) string { return d.libraries(nil) }
		}
		f.Caption = f.caption()
		if len(f.Panels) == 0 && f.Empty == "" {
			f.Empty = "no data"
		}
		if f.Empty != "" {
			f.Empty = "Nothing to draw: " + f.Empty + "."
		}
	}
	return list
}

// libraries names the OpenSSL files that were really loaded, of some builds or,
// for none named, of all.
func (d *Data) libraries(builds []string) string {
	var list []string
	for _, in := range d.Inputs {
		for _, c := range in.Header.Config {
			version, ok := strings.CutSuffix(strings.TrimPrefix(c.Key, "openssl-"), "-libcrypto")
			if text := fmt.Sprintf("%s = %s", version, c.Value); ok && !slices.Contains(list, text) && (len(builds) == 0 || slices.Contains(builds, version)) {
				list = append(list, text)
			}
		}
	}
	if len(list) == 0 {
		return ""
	}
	return "OpenSSL files: " + strings.Join(list, ", ") + "."
}

// names lists the strategies that a scene has, in the order of all figures.
func (s *Scene) names() []string {
	var list []string
	for i := range s.Rows {
		list = append(list, s.Rows[i].Strategy)
	}
	slices.SortFunc(list, catalogue.Compare)
	return list
}

// values gives a metric of each run that has it.
func values(runs []run, unit string) []float64 {
	var list []float64
	for i := range runs {
		if v, ok := runs[i].value(unit); ok {
			list = append(list, v)
		}
	}
	return list
}

// intervals says what the bars of a caption are.
func (d *Data) intervals() string {
	return fmt.Sprintf("%s %% intervals", trim(100*d.Confidence))
}

// range of counts as text: "4" or "4 to 60".
type tally struct{ low, high, total int }

func (t *tally) add(n int) {
	if t.total == 0 || n < t.low {
		t.low = n
	}
	t.high, t.total = max(t.high, n), t.total+n
}

func (t *tally) merge(o tally) {
	if o.total == 0 {
		return
	}
	if t.total == 0 || o.low < t.low {
		t.low = o.low
	}
	t.high, t.total = max(t.high, o.high), t.total+o.total
}

func (t *tally) String() string {
	if t.low == t.high {
		return fmt.Sprint(t.low)
	}
	return fmt.Sprintf("%d to %d", t.low, t.high)
}

// text is the number with its noun.
func (t *tally) text() string {
	if t.low == t.high {
		return count(t.low, "trial")
	}
	return t.String() + " trials"
}

// metricRows makes a row of a metric for each strategy: its runs as dots, the
// median and its interval.
func (s *Scene) metricRows(d *Data, unit string, runs func(*series) []run, n *tally) []row {
	var rows []row
	for _, name := range s.names() {
		r := s.row(name)
		cost, ok := costOf(r, unit)
		if !ok || !cost.Median.Known() {
			why := s.whyNone(r)
			if len(s.of(name).fork) > 0 {
				why = "nothing to measure" // no handlers, say
			}
			rows = append(rows, noValue(name, why))
			continue
		}
		dots := values(runs(s.of(name)), unit)
		n.add(len(dots))
		m := cost.Median
		rows = append(rows, row{
			label: name, look: lookOf(name), dots: dots, mid: m.Value, low: m.Low, high: m.High,
			note: byUnit(unit)(m.Value) + s.share(r, len(dots)),
		})
	}
	return rows
}

// share says how many of the trials gave values, where that is not all.
func (s *Scene) share(r *results.Row, n int) string {
	if r.Throughput > 0 && r.Undamaged < r.Throughput {
		return fmt.Sprintf("  %d of %d", r.Undamaged, r.Throughput)
	}
	return fmt.Sprintf("  n=%d", n)
}

// whyNone says why a strategy has no value of a cost.
func (s *Scene) whyNone(r *results.Row) string {
	switch {
	case r.Throughput > 0 && r.Undamaged > 0:
		return fmt.Sprintf("no value in %s", count(r.Undamaged, "undamaged trial"))
	case r.Throughput > 0:
		return fmt.Sprintf("no value: 0 of %s undamaged", count(r.Throughput, "trial"))
	case r.Verdict.Worst() == results.NotApplicWord, r.Verdict.Worst() == results.SkippedWord:
		return string(r.Verdict.Worst())
	}
	for _, m := range []results.Measure{results.Handshake, results.Fork} {
		if why := s.of(r.Strategy).without[m]; why != "" {
			return why
		}
	}
	return "no trial"
}

// describe puts the rows of a chart into words.
func describe(rows []row, print func(float64) string) string {
	var parts []string
	for _, r := range rows {
		switch {
		case r.empty != "":
			parts = append(parts, fmt.Sprintf("%s: %s", r.label, r.empty))
		case r.zero:
			parts = append(parts, fmt.Sprintf("%s: none seen, at most %s", r.label, print(roundUp(r.high))))
		default:
			parts = append(parts, fmt.Sprintf("%s: %s %s", r.label, print(r.mid), between(r.low, r.high, print)))
		}
	}
	return strings.Join(parts, "; ") + "."
}

// anyValue reports whether a chart would have anything but reasons.
func anyValue(rows []row) bool {
	return slices.ContainsFunc(rows, func(r row) bool { return r.empty == "" })
}

// key says which runs belong to the same round.
type key struct{ file, round, turn int }

// paired gives the ratio of each run to the baseline's run of the same round.
func paired(runs, base []run, unit string) []float64 {
	against := byRound(base, unit)
	var ratios []float64
	seen := make(map[[2]int]int)
	for i := range runs {
		v, ok := runs[i].value(unit)
		if !ok {
			continue
		}
		at := [2]int{runs[i].file, runs[i].round}
		if b, ok := against[key{at[0], at[1], seen[at]}]; ok && b > 0 {
			ratios = append(ratios, v/b)
		}
		seen[at]++
	}
	return ratios
}

func byRound(runs []run, unit string) map[key]float64 {
	list := make(map[key]float64, len(runs))
	seen := make(map[[2]int]int)
	for i := range runs {
		if v, ok := runs[i].value(unit); ok {
			at := [2]int{runs[i].file, runs[i].round}
			list[key{at[0], at[1], seen[at]}] = v
			seen[at]++
		}
	}
	return list
}

// inTime sorts runs by the time they started.
func inTime(runs []run) []run {
	runs = slices.Clone(runs)
	slices.SortStableFunc(runs, func(a, b run) int {
		return cmp.Or(cmp.Compare(a.file, b.file), a.start.Compare(b.start), cmp.Compare(a.round, b.round))
	})
	return runs
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
