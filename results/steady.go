package results

import (
	"fmt"
	"slices"
	"strings"

	"tlsbench/results/number"
)

// steady is the rule that a cost is known well enough: the 95 % order-statistic
// interval of the median over the trials of each strategy lies within a share
// of the median.
type steady struct {
	unit  string
	share float64
	text  string
}

func parseSteady(text string) (rule, error) {
	unit, limit, ok := cutLast(text, "=")
	if !ok {
		return nil, fmt.Errorf("steady unit %q: want UNIT=PERCENT, such as warm-handler-ns=10%%", text)
	}
	share, err := percent(limit)
	if err != nil {
		return nil, fmt.Errorf("steady unit %q: %w", text, err)
	}
	return steady{unit, share, text}, nil
}

func (r steady) String() string { return r.text }

func (r steady) check(g *gatherer) (findings, error) {
	var f findings
	if units := g.units(); len(units) > 0 && !slices.Contains(units, r.unit) {
		return f, fmt.Errorf("steady unit %q: no trial has it; the files have %s", r.text, strings.Join(units, ", "))
	}
	for _, scene := range g.sorted() {
		for _, name := range sortedNames(g.scenes[scene]) {
			for _, m := range []Measure{Handshake, Fork} {
				s := g.scenes[scene][name]
				if s.cost[m] == nil || s.cost[m].values[r.unit] == nil {
					continue // temp-thread has no handler, say
				}
				f.places++
				if why := r.against(s, m); why != "" {
					f.add(scene.String()+", "+name, "%s", why)
				}
			}
		}
		if mark := g.mark(scene); mark != "" {
			f.add(scene.String(), "%s", mark)
		}
	}
	if f.places == 0 {
		f.add(g.filter(), "no trial has %s", r.unit)
	}
	return f, nil
}

// against says why the rule does not hold, "" if it does.
func (r steady) against(s *sample, m Measure) string {
	t := &s.throughput
	if m == Fork {
		t = &s.forks
	}
	if t.failed > 0 {
		return couldNot(t)
	}
	median := s.cost[m].median(r.unit, 1-checkAlpha)
	if median.N < minRounds {
		return fmt.Sprintf("%s: too few for an interval, need %d", number.Count(median.N, "trial"), minRounds)
	}
	if !(median.Value > 0) {
		return fmt.Sprintf("the median is %s, so it has no relative interval", number.Of(r.unit)(median.Value))
	}
	off := max(median.High-median.Value, median.Value-median.Low) / median.Value
	if off <= r.share {
		return ""
	}
	print := number.Of(r.unit)
	return fmt.Sprintf("the median of %s is %s %s: up to %s %% away", number.Count(median.N, "trial"), print(median.Value),
		number.Between(median.Low, median.High, print), number.Figures(100*off))
}

// units lists those that any trial has a cost in.
func (g *gatherer) units() []string {
	all := columns{values: make(map[string][]float64)}
	for _, samples := range g.scenes {
		for _, s := range samples {
			for _, c := range s.cost {
				for unit := range c.values {
					all.values[unit] = nil
				}
			}
		}
	}
	return all.units()
}
