package results

import (
	"fmt"

	"tlsbench/results/inference"
	"tlsbench/results/number"
)

// Family is what sequential runs say of all cells at once: of none of those
// without damage are CleanBound of the lives or more damaged.
type Family struct {
	Cells  int `json:"cells"`       // without damage
	Late   int `json:"late"`        // cells whose first damage came after an undamaged life
	Lives  int `json:"lives"`       // the least of a cell without damage
	Need   int `json:"lives_need"`  // what the statement takes
	Lacked int `json:"cells_short"` // cells with fewer
}

// sequential reports whether all of these files are of sequential runs.
func (g *gatherer) sequential(files []int) bool {
	for _, in := range g.of(files) {
		if in.Plan == nil || !in.Plan.Spec.Sequential {
			return false
		}
	}
	return len(files) > 0
}

// family is nil where no cell, or not every cell, is of a sequential run: the
// number of lives would not follow from the rule.
func (g *gatherer) family() *Family {
	f := new(Family)
	var lives []int
	for _, samples := range g.scenes {
		for _, s := range samples {
			t := s.lives()
			if t.trials == 0 {
				continue
			}
			if !g.sequential(s.files) {
				return nil
			}
			if t.damaged == 0 {
				lives = append(lives, t.trials)
			} else if s.spared > 0 {
				f.Late++
			}
		}
	}
	if len(lives) == 0 {
		return nil
	}
	f.Cells, f.Lives = len(lives), lives[0]
	f.Need = inference.LivesForFamily(f.Late, CleanBound)
	for _, n := range lives {
		f.Lives = min(f.Lives, n)
		if n < f.Need {
			f.Lacked++
		}
	}
	return f
}

// Holds reports whether the statement is supported.
func (f *Family) Holds() bool { return f.Lacked == 0 }

// String says what all cells without damage together show.
func (f *Family) String() string {
	if f.Holds() {
		return fmt.Sprintf("With %s confidence none of the %s without damage is damaged in %s of its lives or more, over all of them at once: at least %d lives each, %s damaged late.",
			number.Percent(boundConfidence), number.Count(f.Cells, "cell"), number.Percent(CleanBound), f.Lives, number.Count(f.Late, "cell"))
	}
	return fmt.Sprintf("No statement over all cells without damage: it takes %d lives each (%s damaged late), and %d of %s have fewer.",
		f.Need, number.Count(f.Late, "cell"), f.Lacked, number.Count(f.Cells, "cell"))
}
