package page

import (
	"fmt"
	"path/filepath"
	"strings"

	"tlsbench/results"
	"tlsbench/results/number"
)

// Changes shows two files side by side, with the change between them, scene by
// scene.
func Changes(c *results.Changes) *Document {
	d := &Document{Data: c}
	d.Add(Text(fmt.Sprintf("before: %s; after: %s. Nothing of one is counted with the other.", filepath.Base(c.Before), filepath.Base(c.After))))
	for _, text := range c.Differs {
		d.Add(Alarm("differs: " + text))
	}
	if c.Empty() {
		d.Add(Text("Nothing to compare: no strategy has a verdict, a sharing trial or a cost relative to " + results.NegativeControl + " in both files."))
		return d
	}
	head := []string{"strategy", "before", "after", "change"}
	told := make(map[results.Scene]bool)
	add := func(scene results.Scene, t *Table) *Table {
		t.Mark = d.changeMarks(c.Marks, scene, told[scene])
		told[scene] = true
		d.Add(t)
		return t
	}
	var scene results.Scene
	var t *Table
	for i := range c.Rows {
		r := &c.Rows[i]
		if i == 0 || r.Scene != scene {
			scene, t = r.Scene, add(r.Scene, &Table{Title: "Damage: " + r.Scene.String(), Head: head})
		}
		t.Add(r.Strategy, sideOf(r.Was), sideOf(r.Is), damageChange(r))
	}
	for i := range c.Sharing {
		r := &c.Sharing[i]
		if i == 0 || r.Scene != scene {
			scene, t = r.Scene, add(r.Scene, &Table{Title: "Shared blocks: " + r.Scene.String(), Head: head})
		}
		t.Add(r.Strategy, r.Was, r.Is, sharingChange(r))
	}
	unit := ""
	for i := range c.Costs {
		r := &c.Costs[i]
		if i == 0 || r.Scene != scene {
			scene, unit = r.Scene, ""
			base := results.NegativeControl + " in the same round"
			if other := r.Against(); other != "" {
				base = other + " in duets"
			}
			t = add(r.Scene, &Table{Title: "Cost relative to " + base + ": " + r.Scene.String(), Head: append([]string{"metric"}, head...), Labels: 2})
		}
		label := r.Unit
		if label == unit {
			label = ""
		}
		unit = r.Unit
		t.Add(label, r.Strategy, number.Ratio(r.Was), number.Ratio(r.Is), costChange(r))
	}
	d.Add(List{{"*", []string{"the change is more than chance: Fisher's exact test for damage, Mann-Whitney for costs, p < 0.05 after Holm's correction over all rows of both files"}}})
	return d
}

// changeMarks gives what is wrong with the controls of a scene in either file, for
// the title of a table. The first table of the scene has it in full above it.
func (d *Document) changeMarks(list []results.ChangedMark, scene results.Scene, told bool) string {
	var marks []string
	for _, m := range list {
		for _, side := range []struct{ when, mark string }{{"before", m.Was}, {"after", m.Is}} {
			if m.Scene != scene || side.mark == "" {
				continue
			}
			if !told {
				d.Add(Alarm(side.when + ": " + side.mark))
			}
			marks = append(marks, shortMark(side.mark)+" "+side.when)
		}
	}
	return strings.Join(marks, ", ")
}

func sideOf(v results.Verdict) Cell {
	c := verdictWords(v)
	if v.Trials > 0 {
		c.Detail = fmt.Sprintf("%d/%d", v.Damaged, v.Trials)
	}
	return c
}

func damageChange(r *results.ChangedDamage) Cell {
	text := "none shown"
	switch {
	case r.Untold:
		return Cell{Text: "cannot be told"}
	case r.Was.Damaged == 0 && r.Is.Damaged > 0:
		text = "damage is new" // one event is news: without damage there are none
	case r.Changed() && r.Is.Damaged == 0:
		text = "damage is gone"
	case r.Changed():
		text = "damage is as frequent as " + number.Percent(float64(r.Is.Damaged)/float64(r.Is.Trials)) + " of lives now"
	case r.Was.Damaged > 0 && r.Is.Damaged == 0:
		text = "damage not seen, in too few trials to tell"
	}
	return Cell{Text: text, Detail: star(r.Changed())}
}

// sharingChange names places, because the numbers of blocks differ from trial to trial.
func sharingChange(r *results.ChangedSharing) Cell {
	var parts []string
	if n := len(r.New); n > 0 {
		parts = append(parts, number.Count(n, "place")+" new")
	}
	if n := len(r.Gone); n > 0 {
		parts = append(parts, number.Count(n, "place")+" gone")
	}
	switch {
	case r.Untold:
		return Cell{Text: "cannot be told"}
	case len(parts) == 0:
		return Cell{Text: "none shown"}
	}
	return Cell{Text: strings.Join(parts, ", ")}
}

func costChange(r *results.ChangedCost) Cell {
	return Cell{Text: number.Change(r.Is / r.Was), Detail: star(r.Changed())}
}

func star(changed bool) string {
	if changed {
		return "*"
	}
	return ""
}
