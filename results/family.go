package results

import (
	"fmt"
	"math"
	"slices"

	"tlsbench/results/inference"
	"tlsbench/results/number"
)

// Family is what sequential runs say of all cells at once: of none of those
// without damage are CleanBound of the lives or more damaged.
type Family struct {
	Cells  int `json:"cells"`       // without damage
	Late   int `json:"late"`        // cells whose first damage came late (inference.LateLife)
	Lives  int `json:"lives"`       // the least of a cell without damage
	Need   int `json:"lives_need"`  // the most that the statement takes of one
	Lacked int `json:"cells_short"` // cells with fewer
}

// sequential leaves those of these files that are of sequential runs.
func (g *gatherer) sequential(files []int) []int {
	return slices.DeleteFunc(slices.Clone(files), func(i int) bool {
		plan := g.inputs[i].Plan
		return plan == nil || !plan.Spec.Sequential
	})
}

// family is nil where no cell is of a sequential run. Each such file decides by
// itself how many lives its cells get; more lives, of a run whose number of rounds
// was fixed beforehand, do no harm to a cell of one, and alone make none.
func (g *gatherer) family() *Family {
	type part struct {
		late  int
		lives []int // of each cell without damage
	}
	f, parts := &Family{Lives: math.MaxInt}, make(map[string]*part)
	for _, samples := range g.scenes {
		for _, s := range samples {
			t, files := s.lives(), g.sequential(s.files)
			if t.trials == 0 || len(files) == 0 {
				continue
			}
			p := entry(parts, fmt.Sprint(files))
			if t.damaged == 0 && !s.doubted {
				p.lives = append(p.lives, t.trials)
			} else if s.spared >= inference.LateLife-1 {
				p.late++
			}
		}
	}
	for _, p := range parts {
		need := inference.LivesForFamily(p.late, len(parts), CleanBound)
		f.Late, f.Need, f.Cells = f.Late+p.late, max(f.Need, need), f.Cells+len(p.lives)
		for _, n := range p.lives {
			f.Lives = min(f.Lives, n)
			if n < need {
				f.Lacked++
			}
		}
	}
	if f.Cells == 0 {
		return nil
	}
	return f
}

// Holds reports whether the statement is supported.
func (f *Family) Holds() bool { return f.Lacked == 0 }

// String says what all cells without damage together show.
func (f *Family) String() string {
	if f.Holds() {
		return fmt.Sprintf("With %s confidence none of the %s of --rounds auto without damage is damaged in %s of its lives or more, over all of them at once: at least %d lives each, %s first damaged in life %d or later.",
			number.Percent(boundConfidence), number.Count(f.Cells, "cell"), number.Percent(CleanBound), f.Lives, number.Count(f.Late, "cell"), inference.LateLife)
	}
	return fmt.Sprintf("Nothing can be said yet of all cells of --rounds auto without damage together: each needs %d lives (%s first damaged in life %d or later), and %d of %s have fewer.",
		f.Need, number.Count(f.Late, "cell"), inference.LateLife, f.Lacked, number.Count(f.Cells, "cell"))
}
