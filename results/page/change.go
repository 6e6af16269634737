package page

import (
	"fmt"
	"path/filepath"

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
	head := []string{"strategy", "before", "after", "change"}
	var scene results.Scene
	var t *Table
	for i := range c.Rows {
		r := &c.Rows[i]
		if t == nil || r.Scene != scene {
			scene, t = r.Scene, &Table{Title: "Damage: " + r.Scene.String(), Head: head}
			d.Add(t)
		}
		t.Add(r.Strategy, sideOf(r.Was), sideOf(r.Is), damageChange(r))
	}
	unit := ""
	for i := range c.Costs {
		r := &c.Costs[i]
		if i == 0 || r.Scene != scene {
			scene, unit = r.Scene, ""
			t = &Table{Title: "Cost relative to " + results.NegativeControl + " in the same round: " + r.Scene.String(), Head: append([]string{"metric"}, head...), Labels: 2}
			d.Add(t)
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
	case r.Was.Trials == 0 || r.Is.Trials == 0:
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

func costChange(r *results.ChangedCost) Cell {
	return Cell{Text: number.Change(r.Is / r.Was), Detail: star(r.Changed())}
}

func star(changed bool) string {
	if changed {
		return "*"
	}
	return ""
}
